//! Recording of a clip from the ring, and what came of it.
//!
//! A recorder takes units from the last key frame not after the span's beginning (or the oldest that is kept)
//! up to the last unit before the span's end, and as many later units as that one needs to be decoded. It ends
//! early, and says why, when the stream ends, is interrupted or changes its format, or at the limit of bytes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{ClipSpan, Timestamp};

use crate::Codec;
use crate::clip_error::ClipError;
use crate::mux::write_mp4;
use crate::recorder::{ClipEnd, RecorderCell, Taken};
use crate::signed::bring_certificate;
use crate::unit::AccessUnit;

/// A clip that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipInfo {
    /// When the first picture was taken; the clip's time zero.
    pub first_unit_at: Timestamp,
    /// When the last picture was taken.
    pub last_unit_at: Timestamp,
    /// Number of pictures.
    pub units: usize,
    /// Size of the file.
    pub bytes: u64,
    /// The codec.
    pub codec: Codec,
    /// Width of the coded picture in pixels.
    pub width: u32,
    /// Height of the coded picture in pixels.
    pub height: u32,
    /// How it ended.
    pub end: ClipEnd,
}

/// Records one clip. Dropping it gives the units up.
pub struct ClipRecorder {
    cell: Arc<RecorderCell>,
}

impl fmt::Debug for ClipRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, end) = self.cell.level();
        write!(f, "ClipRecorder({} to {}, {units} units, {end:?})", self.span().from, self.span().to)
    }
}

impl ClipRecorder {
    pub(crate) fn new(cell: Arc<RecorderCell>) -> Self {
        Self { cell }
    }

    /// The span that is recorded.
    pub fn span(&self) -> ClipSpan {
        self.cell.span()
    }

    /// True once no further unit will be taken.
    pub fn is_complete(&self) -> bool {
        self.cell.is_complete()
    }

    #[cfg(test)]
    pub(crate) fn peek(&self) -> (Vec<AccessUnit>, Option<ClipEnd>) {
        self.cell.peek()
    }

    /// Waits until the clip is complete; false if `timeout` is over first.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.cell.wait(timeout)
    }

    /// The units taken so far, where nobody wants a file. An incomplete recording is cut where it is.
    pub(crate) fn taken(self) -> Taken {
        self.cell.take()
    }

    /// Writes the units taken so far as MP4 to `path`, over a temporary file beside it that is renamed when it
    /// is whole and synced. An incomplete clip is cut where it is.
    ///
    /// Blocks for as long as muxing takes; call it from a thread that may.
    pub fn finish(self, path: &Path) -> Result<ClipInfo, ClipError> {
        let Taken { format, units, end } = self.cell.take();
        let ClipSpan { from, to } = self.span();
        let no_video = ClipError::NoVideo { from, to };
        let (Some(format), Some(first)) = (format, units.first().map(|u| u.captured_at)) else { return Err(no_video) };
        // Pictures that are shown before the first key frame refer to pictures before it, which are not there.
        let mut units: Vec<AccessUnit> = units.into_iter().filter(|u| u.captured_at >= first).collect();
        bring_certificate(format.codec, &mut units);
        let last = units.iter().map(|u| u.captured_at).max().unwrap_or(first);
        let bytes = write_mp4(&format, &units, path)?;
        let (codec, width, height) = (format.codec, format.width, format.height);
        Ok(ClipInfo { first_unit_at: first, last_unit_at: last, units: units.len(), bytes, codec, width, height, end })
    }
}
