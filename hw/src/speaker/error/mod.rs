//! What can go wrong with a loudspeaker, in words that help.

mod sound_file;
mod speech;

use std::fmt;

use forewarn_domain::{FailureKind, SpeakerId};

pub use sound_file::SoundFileError;
pub use speech::SpeechError;

/// A speaker's configuration makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is out of range or contradicts another.
    #[error("speaker {speaker}: {key}: {reason}")]
    Value {
        /// The speaker.
        speaker: SpeakerId,
        /// The key in the site file.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// GStreamer did not start.
    #[error("speaker {speaker}: failed to start GStreamer: {reason}; `cargo xtask setup` installs it")]
    Media {
        /// The speaker.
        speaker: SpeakerId,
        /// GStreamer's message.
        reason: String,
    },
}

impl ConfigError {
    /// The key that it is about; the kind where it is about none.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Value { key, .. } => key,
            Self::Media { .. } => "kind",
        }
    }

    /// What is wrong, for whoever knows the speaker and the key.
    pub fn reason(&self) -> &str {
        match self {
            Self::Value { reason, .. } | Self::Media { reason, .. } => reason,
        }
    }
}

/// An announcement was not played, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// There is nothing to say.
    #[error("the announcement has neither a text nor a sound file")]
    Nothing,
    /// The text could not be turned into speech.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// The sound file could not be turned into samples.
    #[error(transparent)]
    SoundFile(#[from] SoundFileError),
    /// What the kind of loudspeaker says of itself.
    #[error(transparent)]
    Device(DeviceError),
    /// A part of GStreamer is not installed.
    #[error("GStreamer has no element {element}: install the package {package}")]
    ElementMissing {
        /// The element.
        element: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// Playing broke off.
    #[error("playing broke off: {reason}")]
    Broken {
        /// GStreamer's message.
        reason: String,
    },
    /// Nothing moved for too long.
    #[error("playing stalled: no progress for {for_s:.1} s")]
    Stalled {
        /// The limit.
        for_s: f64,
    },
    /// The sound card, the sound server or the network hangs in a call that cannot be broken off.
    #[error("the speaker has not answered for {after_s:.1} s; look after the sound server or the device")]
    Hung {
        /// The limit.
        after_s: f64,
    },
    /// An earlier announcement hangs.
    #[error("the speaker still hangs in an earlier announcement; look after the sound server or the device")]
    Busy,
    /// Somebody else was to be heard.
    #[error("it was cut for something more urgent")]
    Cut,
    /// Playing did not end in time.
    #[error("playing did not end by the announcement's deadline")]
    Timeout,
    /// The deadline lay in the past before anything was played.
    #[error("the announcement's deadline has passed")]
    DeadlinePassed,
    /// The announcement lasts longer than the time left.
    #[error(
        "the announcement lasts {lasts_s:.1} s but only {left_s:.1} s are left; say less, or raise the `timeout_s` of the \
         warning that says it"
    )]
    TooLong {
        /// How long it lasts.
        lasts_s: f64,
        /// The time left.
        left_s: f64,
    },
    /// Less was played than there is.
    #[error("only {played_s:.1} s of {expected_s:.1} s were played")]
    Incomplete {
        /// What was rendered.
        played_s: f64,
        /// What was to be rendered.
        expected_s: f64,
    },
}

impl PlayError {
    /// What one kind of loudspeaker says of itself, in an error type of its own.
    pub fn device(kind: FailureKind, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Device(DeviceError { kind, error: Box::new(error) })
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Nothing | Self::ElementMissing { .. } => FailureKind::Misconfigured,
            Self::Speech(_) => FailureKind::Speech,
            Self::SoundFile(_) => FailureKind::SoundFile,
            Self::Device(error) => error.kind,
            Self::Broken { .. } | Self::Incomplete { .. } => FailureKind::Broken,
            Self::Busy => FailureKind::Busy,
            Self::Cut => FailureKind::Cut,
            Self::Stalled { .. } | Self::Hung { .. } | Self::Timeout | Self::DeadlinePassed | Self::TooLong { .. } => {
                FailureKind::TimedOut
            }
        }
    }
}

/// A failure that only one kind of loudspeaker knows.
#[derive(Debug)]
pub struct DeviceError {
    kind: FailureKind,
    error: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// The error and its causes in one line.
pub(in crate::speaker) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to reach the horn")]
    struct Unheard(#[source] std::io::Error);

    #[test]
    fn a_kind_tells_its_own_failures_with_their_causes() {
        let error = PlayError::device(FailureKind::Refused, Unheard(std::io::ErrorKind::ConnectionRefused.into()));
        assert_eq!(error.kind(), FailureKind::Refused);
        assert_eq!(with_causes(&error), "failed to reach the horn: connection refused");
    }
}
