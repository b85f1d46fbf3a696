//! What a device that is told over MQTT says of itself, or its broker.

use forewarn_domain::FailureKind;

use crate::speaker::error::PlayError;
use crate::speaker::line::LineError;

/// A device did not play what it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum MqttError {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("no answer came on {topic} in {after_s:.1} s{others}; look whether the device is on, and at `ack`")]
    NoAck { topic: String, after_s: f64, others: String },
    #[error("the device says that it did not do it: {answer}")]
    DeviceRefused { answer: String },
}

impl MqttError {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Line(error) => error.kind(),
            Self::DeviceRefused { .. } => FailureKind::Refused,
            Self::NoAck { .. } => FailureKind::TimedOut,
        }
    }
}

impl From<MqttError> for PlayError {
    fn from(error: MqttError) -> Self {
        Self::device(error.kind(), error)
    }
}
