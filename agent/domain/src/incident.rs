//! An incident as it is kept and reported: states, causes, history.

use serde::{Deserialize, Serialize};

use crate::{
    About, BBox, Case, CaseStep, Class, EvidenceRef, Finding, Fix, IncidentId, Proof, Reckoning, RuleKey, Seal,
    Timestamp, TrackId, Tried, WallTime,
};

/// The states of an incident, in the order in which the warn-first loop goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// The condition holds; not yet long enough.
    Suspected,
    /// It is a violation; the warning is due.
    Confirmed,
    /// A warning was sent to a loudspeaker; its playback is not yet proven.
    Warned,
    /// The warning was heard (or cannot be given); the subject is watched.
    Observing,
    /// The subject went on in spite of the warning.
    Persisted,
    /// The subject complied or left.
    Complied,
    /// The warnings are used up; people must act.
    Escalated,
    /// The subject can no longer be observed.
    Lost,
    /// It ended without anybody being able to tell whether the warning did it: it was a moment's matter, or the rule's
    /// hours ended.
    Over,
    /// Nothing more will happen.
    Closed,
}

impl IncidentState {
    /// Every state, in order.
    pub const ALL: [Self; 10] = [
        Self::Suspected,
        Self::Confirmed,
        Self::Warned,
        Self::Observing,
        Self::Persisted,
        Self::Complied,
        Self::Escalated,
        Self::Lost,
        Self::Over,
        Self::Closed,
    ];

    /// Whether it is an outcome of the warn-first loop: the last evidence is due, and the incident counts as settled.
    pub fn is_outcome(self) -> bool {
        matches!(self, Self::Complied | Self::Escalated | Self::Lost | Self::Over)
    }

    /// Whether the violation goes on no more, as far as anybody can tell.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Complied | Self::Lost | Self::Over | Self::Closed)
    }

    /// The word used in files and topics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
            Self::Confirmed => "confirmed",
            Self::Warned => "warned",
            Self::Observing => "observing",
            Self::Persisted => "persisted",
            Self::Complied => "complied",
            Self::Escalated => "escalated",
            Self::Lost => "lost",
            Self::Over => "over",
            Self::Closed => "closed",
        }
    }
}

impl std::fmt::Display for IncidentState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a state was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The violation's condition began to hold.
    ConditionHeld,
    /// It held for long enough and often enough.
    HeldLongEnough,
    /// It ceased before it was confirmed.
    NotConfirmed,
    /// The warning was sent to the loudspeaker.
    WarningSent,
    /// The loudspeaker proved that the warning was played.
    PlaybackProven,
    /// An announcement of the same kind was heard in the zone a moment ago and covers this subject.
    CoveredByRecentWarning,
    /// No speaker played the warning.
    WarningNotDelivered,
    /// Quiet hours forbid announcements.
    QuietHours,
    /// The violation has no warning, or the zone no speaker, so nothing was said and nothing will be.
    NoWarningConfigured,
    /// The condition still held when the observation ran out.
    StillViolating,
    /// The subject is seen and no longer violates.
    SeenComplying,
    /// The subject is no longer seen and its place is in clear view.
    NoLongerSeen,
    /// What happened was a moment's matter, or the rule's hours ended.
    NoLongerJudged,
    /// All warnings were given.
    WarningsUsedUp,
    /// Somebody wanted people to be told before that.
    ToldToEscalate,
    /// Nothing was seen of the subject's place for too long.
    OutOfSight,
    /// The stream was interrupted for too long.
    StreamInterrupted,
    /// The time for the last evidence is over.
    Settled,
}

impl Cause {
    /// The word used in files and topics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConditionHeld => "condition_held",
            Self::HeldLongEnough => "held_long_enough",
            Self::NotConfirmed => "not_confirmed",
            Self::WarningSent => "warning_sent",
            Self::PlaybackProven => "playback_proven",
            Self::CoveredByRecentWarning => "covered_by_recent_warning",
            Self::WarningNotDelivered => "warning_not_delivered",
            Self::QuietHours => "quiet_hours",
            Self::NoWarningConfigured => "no_warning_configured",
            Self::StillViolating => "still_violating",
            Self::SeenComplying => "seen_complying",
            Self::NoLongerSeen => "no_longer_seen",
            Self::NoLongerJudged => "no_longer_judged",
            Self::WarningsUsedUp => "warnings_used_up",
            Self::ToldToEscalate => "told_to_escalate",
            Self::OutOfSight => "out_of_sight",
            Self::StreamInterrupted => "stream_interrupted",
            Self::Settled => "settled",
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One step of an incident's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The state entered.
    pub state: IncidentState,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// How far the playback that led here is proven; absent of other steps, and in a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The loudspeakers that were tried since the step before, in this order; none in a replay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
}

impl Transition {
    /// A step that no playback led to.
    pub fn new(state: IncidentState, at: Timestamp, cause: Cause) -> Self {
        Self { state, at, cause, proof: None, tried: Vec::new() }
    }
}

/// Whom an incident concerns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The class.
    pub class: Class,
    /// The latest track, if it is one track.
    pub track: Option<TrackId>,
    /// How many take part; 1 for a single subject.
    pub count: u32,
    /// Where it is or was last seen, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Where on earth it is or was last seen; absent without telemetry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// An incident with its whole history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentRecord {
    /// Its stable id.
    pub id: IncidentId,
    /// Violation, stream and zone.
    #[serde(flatten)]
    pub rule: RuleKey,
    /// The present state; the last of `history`.
    pub state: IncidentState,
    /// Every state from `Suspected` on.
    pub history: Vec<Transition>,
    /// Whom it concerns.
    pub subject: Subject,
    /// How many warnings were proven to have been played.
    pub warnings_played: u32,
    /// Whether a warning was due and no speaker played it.
    pub warning_not_delivered: bool,
    /// The text that its warnings say, by its name; none where the violation has one alone, or nothing was said yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What closer looks told of the subject: what it wears, what its plate reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How its instants read on the wall.
    #[serde(default, skip_serializing_if = "Reckoning::is_plain")]
    pub clock: Reckoning,
    /// What people do about it; none where it was never escalated, or nobody follows cases and nobody told a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Box<Case>>,
}

impl IncidentRecord {
    /// What a clock on the wall shows at an instant of this incident.
    pub fn wall(&self, at: Timestamp) -> WallTime {
        self.clock.wall(at)
    }

    /// Its bundle: the folder of its evidence below that of all, by the UTC day of its first state.
    pub fn bundle(&self) -> String {
        let began = self.wall(self.history.first().map_or(Timestamp::ZERO, |t| t.at)).to_rfc3339();
        let day = began.split('T').next().unwrap_or("undated");
        format!("{day}/{}", self.id)
    }

    /// What cannot be told of the subject because it is too small, and within how many metres a camera that flies would have to come.
    pub fn fly_closer(&self) -> impl Iterator<Item = (&About, f32)> {
        self.findings.iter().filter_map(|finding| Some((&finding.about, finding.fly_within_m?)))
    }

    /// When the state `state` was first entered.
    pub fn first_entered(&self, state: IncidentState) -> Option<Timestamp> {
        self.history.iter().find(|t| t.state == state).map(|t| t.at)
    }

    /// Whether the incident ever was confirmed; only such incidents are reported.
    pub fn was_confirmed(&self) -> bool {
        self.first_entered(IncidentState::Confirmed).is_some()
    }
}

/// A transition, or the seal of the evidence, to be kept for upstream: written to the outbox before anything is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The incident after the transition, its history in full.
    pub incident: IncidentRecord,
    /// Number of the transition in the incident's history, from 0 for `Suspected`; reports of one incident have
    /// no gap after their first. Of a step of the case its number there, counted from [`Report::FIRST_CASE_STEP`] on; of a
    /// seal its number in the chain, counted from [`Report::FIRST_SEAL`] on.
    pub sequence: u32,
    /// When it happened.
    pub at: Timestamp,
    /// The seal that is reported; none if a transition is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// Where the evidence of the transition lies, and its latest seal; none until it is written down, and in what a former
    /// version wrote down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<EvidenceRef>>,
}

impl Report {
    /// Sequences from here on are those of steps of the case, up to those of seals.
    pub const FIRST_CASE_STEP: u32 = 1 << 30;
    /// Sequences from here on are those of seals.
    pub const FIRST_SEAL: u32 = 1 << 31;

    /// The report of the latest step of the incident's case; none where there is none.
    pub fn of_case(incident: IncidentRecord) -> Option<Self> {
        let steps = &incident.case.as_deref()?.steps;
        let sequence = Self::FIRST_CASE_STEP + u32::try_from(steps.len()).ok()?.checked_sub(1)?;
        let at = steps.last()?.at;
        Some(Self { incident, sequence, at, seal: None, evidence: None })
    }

    /// The step of the case that is reported, if one is.
    pub fn case_step(&self) -> Option<&CaseStep> {
        let number = self.sequence.checked_sub(Self::FIRST_CASE_STEP).filter(|_| self.sequence < Self::FIRST_SEAL)?;
        self.incident.case.as_deref()?.steps.get(number as usize)
    }

    /// Whether a step of the case is reported.
    pub fn is_of_case(&self) -> bool {
        (Self::FIRST_CASE_STEP..Self::FIRST_SEAL).contains(&self.sequence)
    }

    /// The report of a seal of the incident as it was then.
    pub fn of_seal(incident: IncidentRecord, seal: Seal, at: Timestamp) -> Self {
        let sequence = Self::FIRST_SEAL.saturating_add(seal.number);
        Self { incident, sequence, at, seal: Some(seal), evidence: None }
    }
}
