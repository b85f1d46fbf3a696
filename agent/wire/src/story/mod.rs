//! What a run tells its listeners as it happens: people, programs, the log, metrics.

mod timeline;
mod words;

use std::path::PathBuf;

use forewarn_domain::{AnnounceOutcome, Announcement, IncidentId, IncidentRecord, SpeakerId, StreamId, Timestamp};

pub use timeline::{JsonLines, Narrator, Timeline};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Happening {
    /// An incident entered a state.
    Moved {
        /// The incident as it now is.
        record: IncidentRecord,
        /// When.
        at: Timestamp,
    },
    /// An announcement was handed to a loudspeaker.
    Announcing {
        /// The announcement.
        announcement: Announcement,
        /// When.
        at: Timestamp,
    },
    /// A loudspeaker said what became of an announcement.
    Announced {
        /// The loudspeaker.
        speaker: SpeakerId,
        /// What became of it.
        outcome: AnnounceOutcome,
        /// When.
        at: Timestamp,
    },
    /// A stream came, went or changed.
    Stream {
        /// The stream.
        stream: StreamId,
        /// Whether it delivers frames now.
        is_up: bool,
        /// What happened to it.
        text: String,
        /// When.
        at: Timestamp,
    },
    /// An incident's evidence is complete.
    Sealed {
        /// The incident.
        incident: IncidentId,
        /// Its folder.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// Something failed that an operator should know of.
    Trouble {
        /// What, why, and what to do.
        what: String,
        /// When.
        at: Timestamp,
    },
}

impl Happening {
    /// Something failed at `at`.
    pub fn trouble(what: impl Into<String>, at: Timestamp) -> Self {
        Self::Trouble { what: what.into(), at }
    }
}
