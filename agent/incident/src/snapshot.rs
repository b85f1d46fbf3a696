//! An open incident as it is stored to survive a restart.

use forewarn_domain::{AnnouncementId, IncidentId, IncidentRecord, SubjectId};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::voice::Heard;

/// Everything that is needed to go on with one open incident after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentSnapshot {
    machine: Machine,
    /// What was heard last in the incident's zone.
    heard: Option<Heard>,
    /// Announcements of the restarted agent are numbered from here.
    latest_announcement: AnnouncementId,
}

/// No rule counts its subjects up to here, and what comes after it is counted on.
const OF_NOBODY: u64 = 1 << 52;

impl IncidentSnapshot {
    pub(crate) fn new(machine: Machine, heard: Option<Heard>, latest_announcement: AnnouncementId) -> Self {
        Self { machine, heard, latest_announcement }
    }

    pub(crate) fn into_parts(self) -> (Machine, Option<Heard>, AnnouncementId) {
        (self.machine, self.heard, self.latest_announcement)
    }

    /// The incident's id.
    pub fn id(&self) -> &IncidentId {
        &self.machine.record.id
    }

    /// The incident as it stood.
    pub fn record(&self) -> &IncidentRecord {
        &self.machine.record
    }

    /// Whether the incident is closed, and only its case goes on.
    pub fn is_closed(&self) -> bool {
        self.machine.is_closed()
    }

    /// The same about a subject that nobody shows any more.
    pub(crate) fn of_nobody(mut self, number: u64) -> Self {
        self.machine.subject = SubjectId(OF_NOBODY + number);
        self
    }

    /// Whom it concerns; the rules must know the subject by the same number after the restart.
    pub fn subject(&self) -> SubjectId {
        self.machine.subject
    }
}
