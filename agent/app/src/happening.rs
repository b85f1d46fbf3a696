//! What a run tells its listeners: the log, the demo's timeline, metrics.

use std::path::PathBuf;

use forewarn_domain::{AnnounceOutcome, Announcement, IncidentId, IncidentRecord, SpeakerId, StreamId, Timestamp};
use forewarn_evidence::KeeperNews;

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

impl From<KeeperNews> for Happening {
    fn from(news: KeeperNews) -> Self {
        match news {
            KeeperNews::Sealed { incident, path, at } => Self::Sealed { incident, path, at },
            KeeperNews::Trouble { what, at } => Self::Trouble { what, at },
        }
    }
}

impl Happening {
    /// Something failed at `at`.
    pub fn trouble(what: impl Into<String>, at: Timestamp) -> Self {
        Self::Trouble { what: what.into(), at }
    }

    /// Tells the log, a trouble as an error.
    pub fn log(&self) {
        match self {
            Self::Moved { record, .. } => {
                let cause = record.history.last().map_or("", |step| step.cause.as_str());
                tracing::info!(incident = %record.id, state = %record.state, cause, "incident");
            }
            Self::Announcing { announcement, .. } => {
                tracing::info!(incident = %announcement.incident, speaker = %announcement.speaker, "announcing");
            }
            Self::Announced { speaker, outcome, .. } => tracing::info!(%speaker, ?outcome, "announced"),
            Self::Stream { stream, text, .. } => tracing::info!(%stream, "{text}"),
            Self::Sealed { incident, path, .. } => {
                tracing::info!(%incident, path = %path.display(), "evidence sealed");
            }
            Self::Trouble { what, .. } => tracing::error!("{what}"),
        }
    }
}
