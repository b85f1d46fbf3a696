//! The clips of a stream, and beside them what footage has of the time before.

use std::path::Path;
use std::sync::Arc;

use forewarn_domain::{
    Clip, ClipRecording, ClipSource, ClipSourceError, ClipSpan, Clock, Frame, StreamId, Timestamp, WallTime,
};

use crate::PreRollRing;
use crate::footage::{Footage, cut, reaches};

/// A ring, with footage of the same stream.
pub(crate) struct WithFootage {
    pub(crate) clips: Arc<dyn ClipSource>,
    pub(crate) ring: Arc<PreRollRing>,
    pub(crate) footage: Arc<Footage>,
    pub(crate) stream: StreamId,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ClipSource for WithFootage {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        self.clips.record(span)
    }

    fn earlier(&self, span: ClipSpan) -> Option<Box<dyn ClipRecording>> {
        let is_in_ring = self.ring.span().is_some_and(|(oldest, _)| oldest <= span.from);
        let root = self.footage.root();
        let is_kept = !is_in_ring && reaches(root, &self.stream, self.clock.wall(span.from));
        is_kept.then(|| {
            let (footage, stream, clock) = (self.footage.clone(), self.stream.clone(), self.clock.clone());
            let size = self.ring.coded_size().unwrap_or_default();
            Box::new(Past { span, footage, stream, clock, size }) as Box<dyn ClipRecording>
        })
    }

    fn larger_size(&self) -> Option<(u32, u32)> {
        self.clips.larger_size()
    }

    fn larger(&self, frame: &Frame) -> Result<Option<Frame>, ClipSourceError> {
        self.clips.larger(frame)
    }
}

struct Past {
    span: ClipSpan,
    footage: Arc<Footage>,
    stream: StreamId,
    clock: Arc<dyn Clock>,
    size: (String, u32, u32),
}

impl ClipRecording for Past {
    fn span(&self) -> ClipSpan {
        self.span
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn finish(self: Box<Self>, path: &Path) -> Result<Clip, ClipSourceError> {
        let wall = |at| self.clock.wall(at);
        let made = cut(self.footage.root(), &self.stream, wall(self.span.from), wall(self.span.to), path);
        let made = made.map_err(|error| ClipSourceError { message: error.to_string() })?;
        let instant = |at: WallTime| {
            let after_us = at.micros_after(wall(self.span.from));
            Timestamp::from_micros(self.span.from.as_micros() + after_us)
        };
        let (codec, width, height) = self.size;
        let gaps = match made.gaps.len() {
            0 => None,
            1 => Some("there is a gap in the footage".to_owned()),
            n => Some(format!("there are {n} gaps in the footage")),
        };
        Ok(Clip {
            from: instant(made.from),
            to: instant(made.to),
            codec,
            width,
            height,
            pictures: made.pictures,
            cut_short: made.rest.map(|_| "the picture's format changed".to_owned()).or(gaps),
        })
    }
}
