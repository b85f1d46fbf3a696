//! The port through which clips of a stream's encoded video are kept.

use std::fmt;
use std::path::Path;

use crate::{ClipSpan, Frame, Timestamp};

/// A clip that was written to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// When its first picture was taken.
    pub from: Timestamp,
    /// When its last picture was taken.
    pub to: Timestamp,
    /// How it is coded.
    pub codec: String,
    /// Width of a picture in pixels.
    pub width: u32,
    /// Height of a picture in pixels.
    pub height: u32,
    /// Number of pictures.
    pub pictures: u64,
    /// Why it ends before its span does; none if it does not.
    pub cut_short: Option<String>,
}

/// There will be no clip.
#[derive(Debug)]
pub struct ClipSourceError {
    /// What failed and why.
    pub message: String,
}

impl fmt::Display for ClipSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ClipSourceError {}

/// Where the clips of one stream come from.
pub trait ClipSource: Send + Sync {
    /// Begins to record a part of the video, some of which may lie in the past.
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError>;

    /// What is kept beside it of a span that lies wholly in the past and that it no longer has itself; none if nothing is.
    fn earlier(&self, span: ClipSpan) -> Option<Box<dyn ClipRecording>> {
        let _ = span;
        None
    }

    /// Width and height of the larger pictures that [`larger`](Self::larger) gives now; none where it gives none.
    fn larger_size(&self) -> Option<(u32, u32)> {
        None
    }

    /// A larger picture of what `frame` shows, where the video of clips has one: the one taken nearest to it. May take as
    /// long as a decoder does.
    fn larger(&self, frame: &Frame) -> Result<Option<Frame>, ClipSourceError> {
        let _ = frame;
        Ok(None)
    }
}

/// A clip that is being recorded. Dropping it gives it up.
pub trait ClipRecording: Send {
    /// The span that is recorded.
    fn span(&self) -> ClipSpan;

    /// Whether no further picture will be taken.
    fn is_complete(&self) -> bool;

    /// Writes what was taken so far to the file `path`. May take as long as a disk does.
    fn finish(self: Box<Self>, path: &Path) -> Result<Clip, ClipSourceError>;
}
