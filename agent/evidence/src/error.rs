//! What can fail when evidence is kept, per operation, with the incident and the path.

use std::io;
use std::path::{Path, PathBuf};

use forewarn_domain::IncidentId;

use crate::keys::KeysError;

/// An operation on the evidence store failed. What was kept before is unharmed.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The root folder cannot be used at all.
    #[error(
        "failed to open the evidence folder {}: {source}; create it, or name a folder that the agent may write to",
        path.display()
    )]
    Root {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The incident's id cannot be the name of a folder.
    #[error("failed to keep evidence of incident \"{incident}\": its id cannot be the name of a folder")]
    UnsafeId {
        /// The incident.
        incident: IncidentId,
    },
    /// A clip's name cannot be the name of a file.
    #[error("failed to keep a clip of incident {incident}: \"{name}\" is no name; use a-z 0-9 _ -")]
    UnsafeName {
        /// The incident.
        incident: IncidentId,
        /// The name given.
        name: String,
    },
    /// A picture could not be encoded.
    #[error("failed to encode the {what} of incident {incident}: {source}")]
    Encode {
        /// The incident.
        incident: IncidentId,
        /// Which picture.
        what: String,
        /// Why.
        source: image::ImageError,
    },
    /// A file could not be written, moved or read.
    #[error("failed to {operation} for incident {incident}: {}: {source}{}", path.display(), help(source))]
    File {
        /// The incident.
        incident: IncidentId,
        /// What was being done, as in "write a snapshot".
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder is sealed; a new file would make its manifest wrong.
    #[error("failed to add {what} to the evidence of incident {incident}: it is sealed already ({})", path.display())]
    Sealed {
        /// The incident.
        incident: IncidentId,
        /// What was to be added.
        what: String,
        /// The folder.
        path: PathBuf,
    },
    /// Nothing is kept of an incident.
    #[error(
        "failed to find the evidence of incident {incident}: no folder below {} bears its name; `forewarn evidence list` \
         shows what is kept",
        root.display()
    )]
    NoBundle {
        /// The incident.
        incident: String,
        /// The folder of all evidence.
        root: PathBuf,
    },
    /// The bundle is held.
    #[error("failed to delete the evidence of incident {incident}: it is held; `forewarn evidence release` lets it go")]
    Held {
        /// The incident.
        incident: String,
    },
    /// The bundle is not held.
    #[error("failed to release the evidence of incident {incident}: it is not held")]
    NotHeld {
        /// The incident.
        incident: String,
    },
    /// The incident goes on.
    #[error("failed to delete the evidence of incident {incident}: it goes on, or was not sealed yet")]
    GoesOn {
        /// The incident.
        incident: String,
    },
    /// The device's key cannot be used.
    #[error(transparent)]
    Keys(KeysError),
    /// The chain on the disk ends before the last link that was made.
    #[error(
        "failed to seal evidence: link {number} was the last that was made, and the chain in {} {}: the folder was unmounted, \
         moved, or put back to an earlier day; put back what was there, and sealing goes on by itself. If it is lost, stop the \
         agent and remove {} to begin a chain of what is left, which shows that links are missing",
        root.display(), if *found == 0 { "is gone".to_owned() } else { format!("ends with link {found}") }, marker.display()
    )]
    ChainGone {
        /// The folder of all evidence.
        root: PathBuf,
        /// The number of the last link that was made.
        number: u64,
        /// The number of the last link that is there; 0 where there is none.
        found: u64,
        /// Where the end of the chain is remembered.
        marker: PathBuf,
    },
    /// The folders could not be listed or deleted.
    #[error("failed to {operation} under the evidence folder: {}: {source}", path.display())]
    Folder {
        /// What was being done.
        operation: &'static str,
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl EvidenceError {
    /// Whether the disk (or the user's quota on it) is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Root { source, .. } | Self::File { source, .. } | Self::Folder { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// Whether the disk, or its rights, are to blame, so that it may be tried again.
    pub(crate) fn is_of_the_disk(&self) -> bool {
        let is_file_of_keys = matches!(self, Self::Keys(KeysError::File { .. }));
        is_file_of_keys || matches!(self, Self::Root { .. } | Self::File { .. } | Self::Folder { .. })
    }

    /// Whether what is not sealed now may be sealed later: a token did not sign, or the chain is away.
    pub fn may_be_sealed_later(&self) -> bool {
        matches!(self, Self::Keys(KeysError::Token(_)) | Self::ChainGone { .. })
    }

    /// Whether the folder in which the chain lies is away.
    pub(crate) fn is_of_the_chain(&self) -> bool {
        matches!(self, Self::ChainGone { .. })
    }

    pub(crate) fn file(
        incident: &IncidentId,
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let (incident, path) = (incident.clone(), path.to_owned());
        move |source| Self::File { incident, operation, path, source }
    }

    pub(crate) fn folder(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Folder { operation, path, source }
    }
}

/// A hint for the causes that an operator can remove.
fn help(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free space on this disk or lower the evidence quota"
        }
        io::ErrorKind::PermissionDenied => "; give the agent's user the right to write there",
        io::ErrorKind::ReadOnlyFilesystem => "; the file system is mounted read-only",
        _ => "",
    }
}
