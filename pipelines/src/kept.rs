//! The ring of a stream that is kept while a smaller one of its camera is watched: it has the larger picture of what was
//! seen.

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{ClipRecording, ClipSource, ClipSourceError, ClipSpan, Frame};

use crate::clip_source::refused;
use crate::moment::{self, apart};
use crate::recorder::Taken;
use crate::{ClipError, PreRollRing};

/// For so long the picture of a moment is waited for: the larger stream may be the later one.
const PATIENCE: Duration = Duration::from_secs(1);
/// A picture that was taken this long before or after a moment does not show it.
const FARTHEST: Duration = Duration::from_millis(500);
/// Units are looked at this far behind a moment, so that the picture after it is among them.
const BEHIND: Duration = Duration::from_millis(120);

/// Clips and pictures of the larger stream.
pub(crate) struct KeptRing {
    pub(crate) ring: Arc<PreRollRing>,
}

impl ClipSource for KeptRing {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        ClipSource::record(&*self.ring, span)
    }

    fn larger_size(&self) -> Option<(u32, u32)> {
        self.ring.shown_size()
    }

    fn larger(&self, frame: &Frame) -> Result<Option<Frame>, ClipSourceError> {
        let at = frame.meta.captured_at;
        let span = ClipSpan { from: at, to: at + BEHIND };
        let recorder = self.ring.record(span).map_err(refused)?;
        if self.ring.is_fed() {
            recorder.wait(PATIENCE);
        }
        let Taken { format: Some(format), units, .. } = recorder.taken() else {
            return Err(refused(ClipError::NoVideo { from: span.from, to: span.to }));
        };
        if u64::from(format.width) * u64::from(format.height) <= u64::from(frame.width) * u64::from(frame.height) {
            return Ok(None);
        }
        if units.iter().all(|unit| apart(unit.captured_at, at) > FARTHEST) {
            return Ok(None);
        }
        // It stands for the frame that was watched, and bears its number.
        let larger = moment::nearest(&format, &units, frame.meta.clone());
        larger.map_err(|error| ClipSourceError { message: error.to_string() })
    }
}
