//! What can go wrong with a sensor, in words that help.

use std::time::Duration;

/// A value was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no connection.
    #[error("no connection to {peer}: {why}")]
    Connect {
        /// Broker or device.
        peer: String,
        /// Why.
        why: String,
    },
    /// The other side said no.
    #[error("{peer} refused: {why}")]
    Refused {
        /// Broker or device.
        peer: String,
        /// What it said, and what to do.
        why: String,
    },
    /// The other side is silent.
    #[error("{peer} did not answer within {within:?}")]
    NoAnswer {
        /// Broker or device.
        peer: String,
        /// The limit.
        within: Duration,
    },
    /// Nothing was published.
    #[error("nothing came on the topic {topic} for {after:?}; look after the sensor, and at `topic` and `every_s`")]
    Silent {
        /// The topic.
        topic: String,
        /// The limit.
        after: Duration,
    },
    /// What came is no number.
    #[error("what came is no value: {why}")]
    NoNumber {
        /// What is wrong with it.
        why: String,
    },
}

impl ReadError {
    /// What distinguishes one trouble from another: what has to be looked after, not the words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Refused { .. } => "refused",
            Self::NoAnswer { .. } => "no answer",
            Self::Silent { .. } => "silent",
            Self::NoNumber { .. } => "no number",
        }
    }
}
