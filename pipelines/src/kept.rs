//! The ring of a stream has the better picture of what was seen: the larger one where a smaller stream of the camera is watched,
//! and the one that was sent where pictures are decoded without the filter at the borders of blocks.

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{ClipRecording, ClipSource, ClipSourceError, ClipSpan, Frame};

use crate::clip_source::refused;
use crate::moment::{self, apart};
use crate::recorder::Taken;
use crate::thinning::DecodedPart;
use crate::{ClipError, PreRollRing};

/// For so long the picture of a moment is waited for: the larger stream may be the later one.
const PATIENCE: Duration = Duration::from_secs(1);
/// A picture that was taken this long before or after a moment does not show it.
const FARTHEST: Duration = Duration::from_millis(500);
/// The times of a picture before and behind the decoder differ by less: their clock is followed meanwhile.
const SAME: Duration = Duration::from_millis(10);
/// Units are looked at this far behind a moment, so that the picture after it is among them.
const BEHIND: Duration = Duration::from_millis(120);

/// Clips and pictures of the larger stream, or of the only one.
pub(crate) struct KeptRing {
    pub(crate) ring: Arc<PreRollRing>,
    /// How the stream is decoded, where it is the one that is watched.
    pub(crate) watched: Option<Arc<DecodedPart>>,
}

impl KeptRing {
    /// What the ring shows of the moment of `frame`, if that is no smaller, or larger where another stream is watched.
    fn picture_of(&self, frame: &Frame) -> Result<Option<Frame>, ClipSourceError> {
        let at = frame.meta.captured_at;
        let (behind, farthest) = if self.watched.is_some() { (SAME, SAME) } else { (BEHIND, FARTHEST) };
        let span = ClipSpan { from: at, to: at + behind };
        let recorder = self.ring.record(span).map_err(refused)?;
        if self.ring.is_fed() {
            recorder.wait(PATIENCE);
        }
        let Taken { format: Some(format), units, .. } = recorder.taken() else {
            return Err(refused(ClipError::NoVideo { from: span.from, to: span.to }));
        };
        let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
        let (kept, seen) = (pixels(format.width, format.height), pixels(frame.width, frame.height));
        if kept < seen || (kept == seen && self.watched.is_none()) {
            return Ok(None);
        }
        if units.iter().all(|unit| apart(unit.captured_at, at) > farthest) {
            return Ok(None);
        }
        // It stands for the frame that was watched, and bears its number.
        let larger = moment::nearest(&format, &units, frame.meta.clone());
        larger.map_err(|error| ClipSourceError { message: error.to_string() })
    }
}

impl ClipSource for KeptRing {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        ClipSource::record(&*self.ring, span)
    }

    fn larger_size(&self) -> Option<(u32, u32)> {
        self.ring.shown_size().filter(|_| self.watched.is_none())
    }

    fn larger(&self, frame: &Frame) -> Result<Option<Frame>, ClipSourceError> {
        let Some(watched) = &self.watched else { return self.picture_of(frame) };
        if !watched.goes_plain() {
            return Ok(None);
        }
        // The picture that was watched serves as well.
        Ok(self.picture_of(frame).unwrap_or_else(|error| {
            tracing::debug!(stream = %frame.meta.stream, %error, "a picture is not decoded anew");
            None
        }))
    }
}
