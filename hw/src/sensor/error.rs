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
    /// What distinguishes one reason from another: of a message the kind of fault alone, for each message is another.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Connect { .. } | Self::Refused { .. } => self.to_string(),
            Self::NoAnswer { .. } => "no answer".to_owned(),
            Self::Silent { .. } => "silent".to_owned(),
            Self::NoNumber { .. } => "no number".to_owned(),
        }
    }
}
