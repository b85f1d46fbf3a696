//! What a device that is asked over HTTP says of itself.

use forewarn_domain::FailureKind;

use crate::speaker::error::PlayError;

/// A device did not play what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("failed to reach {peer}: {why}; look whether the device is on, and at `url`")]
    Away { peer: String, why: String },
    #[error("{peer} did not answer in {after_s:.1} s; look whether the device hangs, or raise `answer_s`")]
    Silent { peer: String, after_s: f64 },
    #[error("the connection to {peer} broke off{when}: {why}")]
    Cut { peer: String, when: String, why: String },
    #[error("{peer} gave no answer in HTTP: {why}; look at host and port of `url`")]
    NoHttp { peer: String, why: String },
    #[error("no connection over TLS to {peer}: {why}")]
    NoTls { peer: String, why: String },
    #[error("{peer} asks who is calling; set `user` and `password_file` or `password_env`")]
    NoLogin { peer: String },
    #[error("{peer} does not take the user or the password; check `user` and `password_file` or `password_env`")]
    BadLogin { peer: String },
    #[error(
        "{peer} asks for the password as it is, which anybody in its network can read; set `auth = \"basic\"` where \
         that is acceptable"
    )]
    Basic { peer: String },
    #[error("{peer} asks for an authentication that is not supported: {what}; set the device to digest")]
    OtherLogin { peer: String, what: String },
    #[error("{peer} answered with status {status}{answer}; look at the address and the template")]
    Status { peer: String, status: u16, answer: String },
    #[error("{peer} is busy: status {status}{answer}")]
    Busy { peer: String, status: u16, answer: String },
    #[error("{peer} says that it did not do it: {answer}")]
    Refused { peer: String, answer: String },
    #[error("{peer} said that playing failed: {answer}")]
    Failed { peer: String, answer: String },
    #[error("{peer} has not begun to play after {after_s:.0} s; it says: {answer}")]
    NeverBegan { peer: String, after_s: f64, answer: String },
    #[error("{peer} has not ended by the announcement's deadline; it says: {answer}")]
    NeverEnded { peer: String, answer: String },
}

impl HttpError {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Away { .. } => FailureKind::Unreachable,
            Self::Silent { .. } | Self::NeverEnded { .. } => FailureKind::TimedOut,
            Self::Cut { .. } | Self::Failed { .. } | Self::NeverBegan { .. } => FailureKind::Broken,
            Self::NoHttp { .. }
            | Self::NoTls { .. }
            | Self::NoLogin { .. }
            | Self::BadLogin { .. }
            | Self::Basic { .. }
            | Self::OtherLogin { .. }
            | Self::Status { .. }
            | Self::Refused { .. } => FailureKind::Refused,
            Self::Busy { .. } => FailureKind::Busy,
        }
    }
}

impl From<HttpError> for PlayError {
    fn from(error: HttpError) -> Self {
        Self::device(error.kind(), error)
    }
}
