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
    /// It could not be opened yet; that is tried again with each write.
    #[error("the outbox {} is not open: the disk has refused it", path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
    },
    /// The file is no sound database. It is set aside and salvaged with the next write.
    #[error("the outbox {} is damaged: {reason}", path.display())]
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
        "the outbox {} has schema {version}, this agent knows {known}: a newer one has brought it up to date. Run the newer agent, \
         or restore the backup from before it (`forewarn restore`); to move the file away gives up the reports that wait in it",
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
    /// Whether it is for want of room on the disk.
    pub(super) fn is_for_want_of_room(&self) -> bool {
        let Self::Sqlite { source: rusqlite::Error::SqliteFailure(error, _), .. } = self else { return false };
        error.code == ErrorCode::DiskFull || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    }

    /// Whether the disk, or who else writes to it, is to blame, and not what was to be written.
    pub(super) fn is_of_the_disk(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => !matches!(
                source.sqlite_error_code(),
                Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
            ),
            Self::Unopened { .. } | Self::Damaged { .. } | Self::SetAside { .. } => true,
            Self::Newer { .. } | Self::Site(_) | Self::Encode { .. } | Self::Full { .. } => false,
        }
    }

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
