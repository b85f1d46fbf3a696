//! What can fail in the outbox.

use std::path::{Path, PathBuf};

use forewarn_domain::IncidentId;
use rusqlite::ErrorCode;

/// An operation on the outbox failed.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// SQLite refused.
    #[error("failed to {operation} in the outbox {}: {source}; is the disk full or the folder read-only?", path.display())]
    Sqlite {
        /// What was being done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file is no sound database.
    #[error("the outbox {} is damaged: {reason}; restart the agent, which sets it aside and salvages it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// A damaged file could not be renamed.
    #[error("failed to set the damaged outbox {} aside: {source}; move it away by hand", path.display())]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file was written by a later version of the agent.
    #[error(
        "the outbox {} has schema {version}, this agent knows {known}; run the newer agent or move the file away",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's version.
        version: usize,
        /// The version that this agent writes.
        known: usize,
    },
    /// The site's name cannot be part of a topic.
    #[error("the site cannot report: {0}")]
    Site(#[from] forewarn_domain::IdError),
    /// An event or record cannot be written as JSON.
    #[error("failed to encode incident {incident}: {source}")]
    Encode {
        /// The incident.
        incident: IncidentId,
        /// Why.
        source: serde_json::Error,
    },
    /// The bound is met and nothing can be compacted.
    ///
    /// The incident and its snapshot were kept; a message of its latest state is queued as soon as there is room.
    #[error(
        "the outbox is full ({messages} messages, {bytes} bytes): {id} waits outside; \
         bring upstream back or raise the outbox's limits"
    )]
    Full {
        /// The message that found no room.
        id: String,
        /// Messages queued.
        messages: u64,
        /// Bytes queued.
        bytes: u64,
    },
}

impl OutboxError {
    pub(super) fn from_sqlite(operation: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        if is_damage(&source) {
            return Self::Damaged { path: path.to_owned(), reason: source.to_string() };
        }
        Self::Sqlite { operation, path: path.to_owned(), source }
    }
}

/// Whether an error says that the file is no sound database, as opposed to being locked or out of reach.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}
