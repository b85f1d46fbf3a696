//! What goes into the outbox and what comes out of it.

use std::path::PathBuf;

use forewarn_domain::{IncidentId, Report, Timestamp};
use forewarn_wire::{Event, EventSource};
use serde::{Deserialize, Serialize};

use super::destinations::Destination;

/// How much the outbox may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxLimits {
    /// Messages that wait for acknowledgement, each counted once however many upstreams it waits for.
    pub max_messages: u64,
    /// Bytes of their records together.
    pub max_bytes: u64,
    /// Closed incidents that stay readable after all their messages were acknowledged.
    pub keep_closed: u64,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { max_messages: 100_000, max_bytes: 256 << 20, keep_closed: 20_000 }
    }
}

/// How an outbox is opened.
#[derive(Debug, Clone)]
pub struct OutboxSettings {
    /// How much it may hold.
    pub limits: OutboxLimits,
    /// Who reports.
    pub source: EventSource,
    /// Who is to be told. What happens waits for whoever comes first if there is nobody.
    pub upstreams: Vec<Destination>,
}

/// A damaged outbox was found and put aside, or one that was in use was gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where the damaged file is now; none if it is gone.
    pub kept_as: Option<PathBuf>,
    /// What SQLite said of it.
    pub reason: String,
    /// Incidents that were carried over.
    pub incidents: usize,
    /// Messages that were carried over.
    pub messages: usize,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Its message is queued.
    Queued {
        /// The message's place in the order of sending.
        seq: i64,
        /// How many messages were removed to make room.
        made_room: MadeRoom,
        /// How many transitions of the incident were never handed over before this one, not counting those before
        /// its first report; anything but 0 is a defect of the caller.
        skipped: u32,
    },
    /// A report of this or a later transition was recorded before; the snapshot was taken over, nothing was queued.
    Repeated,
}

/// What was removed to make room for a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MadeRoom {
    /// Messages that a later one of the same incident superseded.
    pub compacted: u32,
    /// Messages that a slow upstream will get later as part of their incident's latest state.
    pub postponed: u32,
}

/// What is known upstream of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// Every required upstream has all its messages so far, also if the incident itself is no longer readable.
    Acknowledged,
    /// Messages wait for a required upstream, or for whoever comes first.
    Pending,
    /// The outbox does not know the incident.
    Unknown,
}

/// An incident that was open when the agent stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSnapshot {
    /// The incident.
    pub incident: IncidentId,
    /// Number of its latest recorded transition.
    pub last_sequence: u32,
    /// What the caller gave to be restored from.
    pub snapshot: String,
}

/// A report that waits for an upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedReport {
    /// Its place in the order of sending.
    pub seq: i64,
    /// What happened.
    pub report: Report,
    /// Who reported it, as of then.
    pub source: EventSource,
}

impl QueuedReport {
    /// Its stable id, the same in every repetition and for every upstream.
    pub fn id(&self) -> String {
        Event::id_of(&self.report.incident.id, self.report.sequence)
    }

    /// What an acknowledgement has to name.
    pub fn receipt(&self) -> Receipt {
        Receipt { seq: self.seq, incident: self.report.incident.id.clone(), sequence: self.report.sequence }
    }
}

/// Names a report that an upstream has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its place in the order of sending.
    pub seq: i64,
    /// The incident.
    pub incident: IncidentId,
    /// Number of the transition.
    pub sequence: u32,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages.
    pub messages: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

/// How much waits for one upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages and their bytes.
    pub depth: Depth,
    /// Incidents of whose latest state it is still to be sent a message, for which there was no room.
    pub owed: u64,
    /// When the oldest report happened that it has not acknowledged; none if it has everything.
    pub oldest_unacknowledged_at: Option<Timestamp>,
}
