//! Announcements and the port of loudspeakers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{IncidentId, SpeakerId, Timestamp};

/// A language in which a loudspeaker can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese (Mandarin).
    Zh,
}

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
    /// Of those that wait for a loudspeaker, the most urgent is said first: that of the violation, or [`Self::OF_PEOPLE`].
    #[serde(default, skip_serializing_if = "is_least")]
    pub urgency: u8,
}

impl Announcement {
    /// What somebody says now goes before all that the agent says by itself.
    pub const OF_PEOPLE: u8 = u8::MAX;
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_least(urgency: &u8) -> bool {
    *urgency == 0
}

/// How far it is proven that an announcement was heard, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Not at all: a replay has no loudspeaker and counts on the estimated length.
    #[default]
    Assumed,
    /// A sound file was written in place of a loudspeaker, as the site asks.
    Written,
    /// Every packet has left this box; nobody answered for the far end.
    Sent,
    /// The box's own sound card has taken the last sample.
    Rendered,
    /// The device itself said that it played the announcement.
    Acknowledged,
    /// A microphone heard it.
    Heard,
}

impl Proof {
    /// The word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assumed => "assumed",
            Self::Written => "written",
            Self::Sent => "sent",
            Self::Rendered => "rendered",
            Self::Acknowledged => "acknowledged",
            Self::Heard => "heard",
        }
    }

    /// Whether this is proof enough where `least` is asked for. A replay assumes that the loudspeaker gives what is
    /// asked of it.
    pub fn satisfies(self, least: Self) -> bool {
        self == Self::Assumed || self >= least
    }

    /// Whether nothing was proven.
    pub fn is_assumed(&self) -> bool {
        *self == Self::Assumed
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An announcement that was played to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playback {
    /// How long it sounded.
    pub duration: Duration,
    /// How far that is proven.
    pub proof: Proof,
    /// What was done for it, for people.
    pub receipt: Receipt,
}

/// What was sent to a loudspeaker and what it answered, for people who want to see the proof.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The kind of loudspeaker, as the site file names it.
    pub kind: String,
    /// What was sent, and where to.
    pub sent: String,
    /// What the device answered; none where nobody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl Receipt {
    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A loudspeaker that was tried for a warning, and what came of it: played and proven, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The speaker.
    pub speaker: SpeakerId,
    /// How far it is proven that it played all of it; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// How long it sounded, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<u64>,
    /// What was sent to it, and what it answered.
    #[serde(default, skip_serializing_if = "Receipt::is_empty")]
    pub receipt: Receipt,
    /// What kind of failure it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailureKind>,
    /// Why it does not count as heard, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Tried {
    /// The most characters of a reason that are kept: a history is bounded.
    const MOST_CHARS: usize = 300;

    /// From what became of an announcement, of which at least this proof is asked.
    pub fn new(speaker: SpeakerId, outcome: &AnnounceOutcome, least: Proof) -> Self {
        match outcome {
            AnnounceOutcome::Played { duration, proof, receipt } => {
                let too_little = || format!("it is proven as {proof} only, and {least} is asked for");
                Self {
                    speaker,
                    proof: Some(*proof),
                    lasted_ms: Some(duration.as_millis() as u64),
                    receipt: receipt.clone(),
                    failed: None,
                    why: (!proof.satisfies(least)).then(too_little),
                }
            }
            AnnounceOutcome::Failed { kind, reason } => Self {
                speaker,
                proof: None,
                lasted_ms: None,
                receipt: Receipt::default(),
                failed: Some(*kind),
                why: Some(reason.chars().take(Self::MOST_CHARS).collect()),
            },
        }
    }

    /// Nothing came of it in time.
    pub fn in_vain(speaker: SpeakerId) -> Self {
        let reason = "no outcome came by the announcement's deadline".to_owned();
        Self::new(speaker, &AnnounceOutcome::Failed { kind: FailureKind::TimedOut, reason }, Proof::Assumed)
    }

    /// Whether it counts as heard.
    pub fn is_heard(&self) -> bool {
        self.proof.is_some() && self.why.is_none()
    }
}

impl fmt::Display for Tried {
    /// In one line: the speaker, what came of it, and what shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.speaker)?;
        match (self.proof, self.lasted_ms, self.failed) {
            (Some(proof), Some(ms), _) => write!(f, "played {:.1} s, {proof}", ms as f64 / 1000.0)?,
            (Some(proof), None, _) => write!(f, "played, {proof}")?,
            (None, _, Some(kind)) => write!(f, "failed, {kind}")?,
            (None, _, None) => f.write_str("nothing is known of it")?,
        }
        let Receipt { kind, sent, answer } = &self.receipt;
        for (before, what) in
            [("", Some(kind)), ("", Some(sent)), ("answered ", answer.as_ref()), ("", self.why.as_ref())]
        {
            if let Some(what) = what.filter(|what| !what.is_empty()) {
                write!(f, "; {before}{what}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Playback {
    /// A line for each thing that was noted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Receipt { kind, sent, answer } = &self.receipt;
        writeln!(f, "kind    {kind}\nsent    {sent}")?;
        writeln!(f, "answer  {}", answer.as_deref().unwrap_or("none: nobody answers for this kind"))?;
        write!(f, "lasted  {:.2} s\nproof   {}", self.duration.as_secs_f64(), self.proof)
    }
}

impl Playback {
    /// A playback by a device that answers nothing.
    pub fn new(duration: Duration, proof: Proof, sent: impl Into<String>) -> Self {
        Self { duration, proof, receipt: Receipt { sent: sent.into(), ..Receipt::default() } }
    }

    /// The same with what the device answered.
    #[must_use]
    pub fn answered(mut self, answer: impl Into<String>) -> Self {
        self.receipt.answer = Some(answer.into());
        self
    }
}

/// Why an announcement was not played, as far as a program must tell reasons apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The network does not lead to the device, or it does not answer.
    Unreachable,
    /// The device answered and refused: no such service, wrong password.
    Refused,
    /// The device plays something else, or hangs in an earlier announcement.
    Busy,
    /// It did not end in time.
    TimedOut,
    /// The text could not be turned into speech.
    Speech,
    /// The sound file could not be read or decoded.
    SoundFile,
    /// There is no such device, or it went away.
    DeviceLost,
    /// Playing began and broke off.
    Broken,
    /// The agent stops, or the speaker's thread has ended.
    Stopped,
    /// Too many announcements wait for the speaker.
    QueueFull,
    /// It can never work as it is configured.
    Misconfigured,
    /// It was broken off for something more urgent.
    Cut,
    /// The subject is too far from it to hear it.
    OutOfRange,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Unreachable,
        Self::Refused,
        Self::Busy,
        Self::TimedOut,
        Self::Speech,
        Self::SoundFile,
        Self::DeviceLost,
        Self::Broken,
        Self::Stopped,
        Self::QueueFull,
        Self::Misconfigured,
        Self::Cut,
        Self::OutOfRange,
    ];

    /// The word used in files and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::TimedOut => "timed_out",
            Self::Speech => "speech",
            Self::SoundFile => "sound_file",
            Self::DeviceLost => "device_lost",
            Self::Broken => "broken",
            Self::Stopped => "stopped",
            Self::QueueFull => "queue_full",
            Self::Misconfigured => "misconfigured",
            Self::Cut => "cut",
            Self::OutOfRange => "out_of_range",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of an announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum AnnounceOutcome {
    /// All of it was played.
    Played {
        /// How long it sounded.
        duration: Duration,
        /// How far that is proven.
        #[serde(default, skip_serializing_if = "Proof::is_assumed")]
        proof: Proof,
        /// What was done for it.
        #[serde(default, skip_serializing_if = "Receipt::is_empty")]
        receipt: Receipt,
    },
    /// It was not, or nobody can tell.
    Failed {
        /// What kind of failure it is.
        kind: FailureKind,
        /// Why, for the operator.
        reason: String,
    },
}

impl From<Result<Playback, LoudspeakerError>> for AnnounceOutcome {
    fn from(result: Result<Playback, LoudspeakerError>) -> Self {
        match result {
            Ok(Playback { duration, proof, receipt }) => Self::Played { duration, proof, receipt },
            Err(error) => Self::Failed { kind: error.kind, reason: error.message },
        }
    }
}

/// A loudspeaker could not play an announcement.
#[derive(Debug)]
pub struct LoudspeakerError {
    /// The speaker.
    pub speaker: SpeakerId,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What failed and why.
    pub message: String,
}

impl fmt::Display for LoudspeakerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to play on speaker {}: {}", self.speaker, self.message)
    }
}

impl std::error::Error for LoudspeakerError {}

/// By which an announcement that is being said is told to break off. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Asks for it.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Plays announcements. Each loudspeaker has a thread of its own, so `play` may block until the end.
pub trait Loudspeaker: Send {
    /// Plays the announcement to its end and returns how long it sounded, and the proof of that. Where `cut` is asked for
    /// meanwhile and the device can be stopped, it falls silent at once and fails with [`FailureKind::Cut`].
    fn play(&mut self, announcement: &Announcement, cut: &Cut) -> Result<Playback, LoudspeakerError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_serialised_form() {
        use Proof::{Acknowledged, Assumed, Heard, Rendered, Sent, Written};
        for proof in [Assumed, Written, Sent, Rendered, Acknowledged, Heard] {
            assert_eq!(serde_json::to_value(proof).unwrap(), proof.as_str());
        }
        for kind in FailureKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn a_playback_is_told_line_by_line() {
        let mut playback = Playback::new(Duration::from_millis(1234), Proof::Sent, "3 bytes to horn").answered("200");
        playback.receipt.kind = "http".to_owned();
        let told = "kind    http\nsent    3 bytes to horn\nanswer  200\nlasted  1.23 s\nproof   sent";
        assert_eq!(playback.to_string(), told);
    }

    #[test]
    fn what_was_tried_is_told_in_one_line_and_bounded() {
        let horn = || SpeakerId::new("horn").unwrap();
        let receipt =
            Receipt { kind: "http".to_owned(), sent: "GET /play".to_owned(), answer: Some("200 OK".to_owned()) };
        let played = AnnounceOutcome::Played { duration: Duration::from_millis(4200), proof: Proof::Sent, receipt };
        let heard = Tried::new(horn(), &played, Proof::Written);
        assert_eq!(heard.to_string(), "horn: played 4.2 s, sent; http; GET /play; answered 200 OK");
        let too_little = Tried::new(horn(), &played, Proof::Rendered);
        assert!(heard.is_heard() && !too_little.is_heard());
        assert!(too_little.to_string().ends_with("; it is proven as sent only, and rendered is asked for"));
        let failed = AnnounceOutcome::Failed { kind: FailureKind::Refused, reason: "x".repeat(1000) };
        let failed = Tried::new(horn(), &failed, Proof::Sent);
        assert!(
            failed.why.as_ref().unwrap().len() == 300 && failed.to_string().starts_with("horn: failed, refused; xxx")
        );
        let json = serde_json::to_string(&Tried::in_vain(horn())).unwrap();
        assert!(json.starts_with(r#"{"speaker":"horn","failed":"timed_out","why":"no outcome"#), "{json}");
    }

    #[test]
    fn a_file_is_less_than_a_packet_and_a_replay_has_what_is_asked() {
        assert!(!Proof::Written.satisfies(Proof::Sent) && Proof::Written.satisfies(Proof::Written));
        assert!(Proof::Rendered.satisfies(Proof::Sent) && !Proof::Rendered.satisfies(Proof::Acknowledged));
        assert!(Proof::Assumed.satisfies(Proof::Heard));
    }

    #[test]
    fn an_outcome_without_proof_is_one_of_a_replay() {
        let old = r#"{"result":"played","duration":{"secs":3,"nanos":0}}"#;
        let outcome: AnnounceOutcome = serde_json::from_str(old).unwrap();
        let receipt = Receipt::default();
        let expected = AnnounceOutcome::Played { duration: Duration::from_secs(3), proof: Proof::Assumed, receipt };
        assert_eq!(outcome, expected);
        assert_eq!(serde_json::to_string(&outcome).unwrap(), old);
    }
}
