//! Identifiers: short names that people write in the site file, and numbers that the agent gives.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::{ClockReading, Reckoning};

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdError {
    text: String,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no id: use 1 to 64 of the characters a-z A-Z 0-9 _ - (it becomes part of file names and topics)",
            self.text
        )
    }
}

impl std::error::Error for IdError {}

fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes it an id.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                if is_slug(text) { Ok(Self(text.into())) } else { Err(IdError { text: text.to_owned() }) }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

name_id!(/// One video stream: a camera of the site, or a drone's video.
    StreamId);
name_id!(/// A zone of one camera's picture.
    ZoneId);
name_id!(/// A kind of violation, the name of its TOML file.
    ViolationId);
name_id!(/// A loudspeaker of the site.
    SpeakerId);
name_id!(/// A sensor of the site: fume, noise, dust.
    SensorId);
name_id!(/// What a closer look at a subject can tell, such as `hard_hat` or `plate`.
    AttributeId);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(/// A track of one stream, numbered from 1 in the order of confirmation.
    TrackId);
number_id!(/// What one rule watches through changes of track id: a parked car, a person, a crowd.
    SubjectId);

/// The stable name of one incident; the same for every report of it, and the name of its evidence folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(Arc<str>);

impl IncidentId {
    /// Names an incident by where and what it is, what the clock showed when it was first suspected, and the subject.
    ///
    /// Two incidents of one rule differ in the subject or in the time, also across restarts of the agent. While the clock
    /// shows times that it has shown before, the number of the round is part of the name.
    pub fn compose(
        stream: &StreamId,
        violation: &ViolationId,
        suspected_at: crate::Timestamp,
        clock: ClockReading,
        subject: SubjectId,
    ) -> Self {
        let shown_ms = Reckoning::by(clock).wall(suspected_at).as_micros().div_euclid(1000);
        let round = if clock.round > 0 { format!("-r{}", clock.round) } else { String::new() };
        Self(format!("{stream}-{violation}-{shown_ms}-{subject}{round}").into())
    }

    /// Takes back an id that this agent gave earlier.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_slugs() {
        assert!(StreamId::new("gate-1_A").is_ok());
        for bad in ["", "a b", "a/b", "摄像头", &"x".repeat(65)] {
            let error = StreamId::new(bad).unwrap_err().to_string();
            assert!(error.contains("is no id"), "{error}");
        }
    }
}
