//! Announcements and the port of loudspeakers.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::violation::Language;
use crate::{IncidentId, SpeakerId, Timestamp};

/// A text to be spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpokenText {
    /// Its language.
    pub language: Language,
    /// The words.
    pub text: String,
}

impl SpokenText {
    /// How long speaking takes, estimated by length: 14 Latin letters or 4.5 Chinese characters a second.
    ///
    /// A replay has no loudspeaker; it counts on this instead of a proven playback.
    pub fn estimated_duration(&self) -> Duration {
        let seconds: f64 = self.text.chars().map(|c| if c.is_ascii() { 1.0 / 14.0 } else { 1.0 / 4.5 }).sum();
        Duration::from_millis((seconds.max(0.5) * 1000.0) as u64)
    }
}

/// Number of an announcement within the agent's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AnnouncementId(pub u64);

/// Something to be said over one loudspeaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Its number, by which the outcome is matched.
    pub id: AnnouncementId,
    /// The incident that it belongs to.
    pub incident: IncidentId,
    /// Where to say it.
    pub speaker: SpeakerId,
    /// What to say.
    pub text: SpokenText,
    /// A sound file to play in place of the text.
    pub audio: Option<String>,
    /// Which warning of the incident this is, from 1.
    pub attempt: u32,
    /// When no outcome counts as a failure.
    pub deadline: Timestamp,
}

/// What became of an announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum AnnounceOutcome {
    /// All of it was played.
    Played {
        /// How long it sounded.
        duration: Duration,
    },
    /// It was not, or nobody can tell.
    Failed {
        /// Why, for the operator.
        reason: String,
    },
}

/// A loudspeaker could not play an announcement.
#[derive(Debug)]
pub struct LoudspeakerError {
    /// The speaker.
    pub speaker: SpeakerId,
    /// What failed and why.
    pub message: String,
}

impl fmt::Display for LoudspeakerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to play on speaker {}: {}", self.speaker, self.message)
    }
}

impl std::error::Error for LoudspeakerError {}

/// Plays announcements. Each loudspeaker has a thread of its own, so `play` may block until the end.
pub trait Loudspeaker: Send {
    /// Plays the announcement to its end and returns how long it sounded: the proof of playback.
    fn play(&mut self, announcement: &Announcement) -> Result<Duration, LoudspeakerError>;
}
