//! The ring as the source of clips that evidence asks for.

use std::path::Path;

use forewarn_domain::{Clip, ClipRecording, ClipSource, ClipSourceError, ClipSpan};

use crate::clip::ClipRecorder;
use crate::clip_error::ClipError;
use crate::recorder::{ClipEnd, EpochEnd};
use crate::ring::PreRollRing;

impl ClipSource for PreRollRing {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        let recorder = Self::record(self, span).map_err(refused)?;
        Ok(Box::new(recorder))
    }
}

impl ClipRecording for ClipRecorder {
    fn span(&self) -> ClipSpan {
        Self::span(self)
    }

    fn is_complete(&self) -> bool {
        Self::is_complete(self)
    }

    fn finish(self: Box<Self>, path: &Path) -> Result<Clip, ClipSourceError> {
        let info = Self::finish(*self, path).map_err(refused)?;
        Ok(Clip {
            from: info.first_unit_at,
            to: info.last_unit_at,
            codec: info.codec.to_string(),
            width: info.width,
            height: info.height,
            pictures: info.units as u64,
            cut_short: cut_short(info.end).map(str::to_owned),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a failed result holds")]
pub(crate) fn refused(error: ClipError) -> ClipSourceError {
    ClipSourceError { message: error.to_string() }
}

fn cut_short(end: ClipEnd) -> Option<&'static str> {
    match end {
        ClipEnd::Complete => None,
        ClipEnd::Epoch(EpochEnd::StreamEnded) => Some("the stream ended before the clip's time was over"),
        ClipEnd::Epoch(EpochEnd::Interrupted) => Some("the stream was interrupted"),
        ClipEnd::Epoch(EpochEnd::FormatChanged) => Some("the picture's format changed"),
        ClipEnd::SizeLimit => Some("the clip reached its limit of bytes"),
        ClipEnd::FinishedEarly => Some("the agent stopped, or the camera stayed away"),
    }
}
