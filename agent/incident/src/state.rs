//! The states with what each carries from its entry on.

use forewarn_domain::{AnnouncementId, IncidentState, Timestamp};
use serde::{Deserialize, Serialize};

/// The state of one incident. Only the `transition_to_*` functions of the machine assign it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub(crate) enum State {
    /// The condition began to hold.
    Suspected { since: Timestamp },
    /// The warning is due as soon as the zone is free.
    Confirmed { since: Timestamp },
    /// An announcement was sent to the speaker of this index and counts as failed at the deadline.
    Warned { since: Timestamp, announcement: AnnouncementId, speaker: usize, deadline: Timestamp },
    /// The subject is watched until the deadline, and then until its sight is clear.
    Observing { since: Timestamp, deadline: Timestamp },
    /// The next warning is due as soon as the zone is free.
    Persisted { since: Timestamp },
    /// The last evidence is kept until `close_at`.
    Complied { since: Timestamp, close_at: Timestamp },
    /// People must act; the incident stays open while the subject stays.
    Escalated { since: Timestamp },
    /// The last evidence is kept until `close_at`.
    Lost { since: Timestamp, close_at: Timestamp },
    /// The last evidence is kept until `close_at`.
    Over { since: Timestamp, close_at: Timestamp },
    /// Nothing more happens.
    Closed { since: Timestamp },
}

impl State {
    /// The state's name, without what it carries.
    pub(crate) fn kind(&self) -> IncidentState {
        match self {
            Self::Suspected { .. } => IncidentState::Suspected,
            Self::Confirmed { .. } => IncidentState::Confirmed,
            Self::Warned { .. } => IncidentState::Warned,
            Self::Observing { .. } => IncidentState::Observing,
            Self::Persisted { .. } => IncidentState::Persisted,
            Self::Complied { .. } => IncidentState::Complied,
            Self::Escalated { .. } => IncidentState::Escalated,
            Self::Lost { .. } => IncidentState::Lost,
            Self::Over { .. } => IncidentState::Over,
            Self::Closed { .. } => IncidentState::Closed,
        }
    }
}
