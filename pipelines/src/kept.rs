//! The ring of a stream that is kept while a smaller one of its camera is watched: it has the larger picture of what was
//! seen.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::durable::Unfinished;
use forewarn_domain::{ClipRecording, ClipSource, ClipSourceError, ClipSpan, Frame, Orientation, Timestamp};

use crate::clip_source::refused;
use crate::{FileReplay, PreRollRing, ReplayConfig, ReplayError};

/// For so long the picture of a moment is waited for: the larger stream may be the later one.
const PATIENCE: Duration = Duration::from_secs(1);
/// A picture that was taken this long before or after a moment does not show it.
const FARTHEST: Duration = Duration::from_millis(500);
/// Units are looked at this far behind a moment, so that the picture after it is among them.
const BEHIND: Duration = Duration::from_millis(120);

/// Clips and pictures of the larger stream.
pub(crate) struct KeptRing {
    pub(crate) ring: Arc<PreRollRing>,
    pub(crate) turned: Orientation,
}

impl ClipSource for KeptRing {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        ClipSource::record(&*self.ring, span)
    }

    fn larger(&self, frame: &Frame, scratch: &Path) -> Result<Option<Frame>, ClipSourceError> {
        let at = frame.meta.captured_at;
        let span = ClipSpan { from: at, to: at + BEHIND };
        let recorder = self.ring.record(span).map_err(refused)?;
        if self.ring.is_fed() {
            recorder.wait(PATIENCE);
        }
        let clip = Unfinished::beside(&scratch.join("larger.mp4"));
        let info = recorder.finish(clip.path()).map_err(refused)?;
        if info.width <= frame.width && info.height <= frame.height {
            return Ok(None);
        }
        let config = ReplayConfig {
            start: info.first_unit_at,
            turned: self.turned,
            ..ReplayConfig::new(frame.meta.stream.clone())
        };
        let nearest =
            nearest(clip.path(), config, at).map_err(|error| ClipSourceError { message: error.to_string() })?;
        Ok(nearest.map(|mut larger| {
            // It stands for the frame that was watched.
            larger.meta.sequence = frame.meta.sequence;
            larger
        }))
    }
}

/// The picture of a clip that was taken nearest to a moment, if one shows it.
fn nearest(path: &Path, config: ReplayConfig, at: Timestamp) -> Result<Option<Frame>, ReplayError> {
    let mut clip = FileReplay::open(path, config)?;
    let off = |frame: &Frame| frame.meta.captured_at.since(at).max(at.since(frame.meta.captured_at));
    let mut best: Option<Frame> = None;
    while let Some(frame) = clip.next_frame()? {
        if best.as_ref().is_some_and(|best| off(best) <= off(&frame)) {
            break;
        }
        best = Some(frame);
    }
    Ok(best.filter(|frame| off(frame) <= FARTHEST))
}
