//! What goes into the machine and what comes out of it: one closed enum each.

use std::fmt;

use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    AnnounceOutcome, Announcement, AnnouncementId, CaseCommand, EvidenceRequest, Report, RuleHit, RuleKey, StreamId,
    SubjectId, Timestamp, ZoneId,
};
use serde::{Deserialize, Serialize};

/// Everything that the outer world can tell the machine. A recorded sequence of these, with their times, is a
/// journal that can be replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentInput {
    /// What the rules say of one subject after one analysed frame.
    Hit(RuleHit),
    /// A stream delivers no frames any more.
    StreamInterrupted {
        /// The stream.
        stream: StreamId,
    },
    /// A stream delivers frames again; its time line may have moved.
    StreamResumed {
        /// The stream.
        stream: StreamId,
    },
    /// What became of an announcement.
    Announced {
        /// The announcement.
        id: AnnouncementId,
        /// Its fate.
        outcome: AnnounceOutcome,
    },
    /// How the clock on the wall reads against the time line from now on. It decides nothing; it is how times are told.
    ClockRead(ClockReading),
    /// Somebody tells a step of a case.
    Case(CaseCommand),
    /// Somebody wants nothing to be announced for a while.
    Silence(Silence),
}

/// The wish that nothing be announced in a zone until a time; one that has passed ends an earlier wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The stream.
    pub stream: StreamId,
    /// The zone; every zone of the stream if none.
    pub zone: Option<ZoneId>,
    /// Until when.
    pub until: Timestamp,
}

/// One line of a journal: a call of [`crate::Incidents::handle_input`], or of
/// [`crate::Incidents::handle_timeout`] where there is no input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// The `now` of the call.
    pub now: Timestamp,
    /// The input; absent for a timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<IncidentInput>,
}

/// A suspicion that was not confirmed; such are counted and never reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dismissed {
    /// The rule.
    pub rule: RuleKey,
    /// The subject.
    pub subject: SubjectId,
    /// When the condition began to hold.
    pub suspected_at: Timestamp,
    /// When the suspicion was dropped.
    pub at: Timestamp,
}

/// What the machine asks its caller to do. Each output stands for itself: one that cannot be carried out holds no
/// other back. A report comes before the evidence and the announcement of the same transition, so that a caller
/// who carries them out in order has written the report down before the warning sounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Tell upstream of a transition.
    Report(Report),
    /// Keep evidence.
    Capture(EvidenceRequest),
    /// Play a warning; its fate must come back as [`IncidentInput::Announced`].
    Announce(Announcement),
    /// Count a suspicion that was dropped.
    Dismissed(Dismissed),
}

/// What falls due at the instant of [`crate::Incidents::poll_timeout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutReason {
    /// A loudspeaker has not proven playback in time.
    PlaybackUnproven,
    /// A zone is free for a warning that waits.
    WarningDue,
    /// A suspicion lapses.
    SuspicionLapses,
    /// An observation ends.
    ObservationEnds,
    /// A subject has been out of view for too long.
    SubjectLost,
    /// The time for the last evidence is over.
    Settles,
    /// A step of a case did not come in time.
    CaseDue,
}

impl TimeoutReason {
    /// The word used in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlaybackUnproven => "playback_unproven",
            Self::WarningDue => "warning_due",
            Self::SuspicionLapses => "suspicion_lapses",
            Self::ObservationEnds => "observation_ends",
            Self::SubjectLost => "subject_lost",
            Self::Settles => "settles",
            Self::CaseDue => "case_due",
        }
    }
}

impl fmt::Display for TimeoutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
