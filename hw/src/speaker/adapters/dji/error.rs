//! What a dock says of the loudspeaker of its drone, or its broker.

use std::io;
use std::net::SocketAddr;

use forewarn_domain::FailureKind;

use crate::speaker::error::PlayError;
use crate::speaker::line::LineError;

/// A drone did not say what its dock was told.
#[derive(Debug, thiserror::Error)]
pub(super) enum DjiError {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error(
        "the dock {gateway} did not answer {method} in {after_s:.1} s{others}; look whether dock and drone are on, and at \
         `gateway`"
    )]
    NoReply { gateway: String, method: &'static str, after_s: f64, others: String },
    #[error("the dock refused {method}: error {number}, {}", in_words(*number))]
    Refused { method: &'static str, number: i64 },
    #[error("the dock gave up {step}: error {number}, {}", in_words(*number))]
    GaveUp { step: String, number: i64 },
    #[error("the dock says that playing ended as {status:?} {step}")]
    Ended { status: String, step: String },
    #[error(
        "the dock told nothing of the end of playing in {after_s:.1} s; the last that came was {last}; it is told to stop, and \
         may still be heard"
    )]
    Stuck { after_s: f64, last: String },
    #[error("it was cut for something more urgent, and the dock was told to stop")]
    Cut,
    #[error("failed to offer the sound at {address}; set `serve` to an address of this box that is free")]
    Serve { address: SocketAddr, source: io::Error },
    #[error("the announcement has no words and `say` is \"tts\"; give the violation a text, or set `say = \"audio\"`")]
    NoText,
}

/// What an error number of DJI means.
fn in_words(number: i64) -> &'static str {
    match number {
        327_051 => "the dock could not download the sound; look whether it reaches `fetch_url`",
        327_052 => "the loudspeaker could not change its mode of working",
        327_053 => "the sound or the text could not be brought to the loudspeaker",
        327_075 => "the dock could not encode the sound",
        _ => "which DJI's list of error codes explains",
    }
}

impl DjiError {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Line(error) => error.kind(),
            Self::NoReply { .. } => FailureKind::Unreachable,
            Self::Refused { .. } => FailureKind::Refused,
            Self::GaveUp { .. } | Self::Ended { .. } => FailureKind::Broken,
            Self::Cut => FailureKind::Cut,
            Self::Stuck { .. } => FailureKind::TimedOut,
            Self::Serve { .. } | Self::NoText => FailureKind::Misconfigured,
        }
    }
}

impl From<DjiError> for PlayError {
    fn from(error: DjiError) -> Self {
        Self::device(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_are_told_in_words() {
        let told = DjiError::Refused { method: "speaker_audio_play_start", number: 327_051 }.to_string();
        assert!(told.contains("error 327051, the dock could not download the sound"), "{told}");
        let told = DjiError::GaveUp { step: "at upload".to_owned(), number: 514_300 }.to_string();
        assert!(told.contains("error 514300, which DJI's list"), "{told}");
    }
}
