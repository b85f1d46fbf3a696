//! What may go wrong with an update.

use std::io;
use std::path::PathBuf;

use forewarn_base::hash::HashError;
use forewarn_config::ConfigErrors;
use forewarn_seal::key::KeyError;

use crate::manifest::Refusal;
use crate::state::Unfit;

/// An update cannot be made, taken, begun or undone.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The site file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The site takes no updates, or not such.
    #[error("{0}")]
    NotAllowed(String),
    /// Something else bears the name of the file that is made.
    #[error("{} is there already, and is kept; name another", .0.display())]
    Exists(PathBuf),
    /// The file is no bundle.
    #[error("{0} is no update that can be taken: {1}; fetch or copy it again, or ask whoever made it")]
    NoBundle(String, String),
    /// The bundle is not for this box.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not the time for it.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A part of it does not work on this box.
    #[error("the update is not taken, and nothing has changed: {0}")]
    Bad(String),
    /// There is no room.
    #[error(
        "the update is not taken, and nothing has changed: it takes {needed_mib} MiB at {}, where {free_mib} are free; \
         make room, or name another disk by --dir",
        dir.display()
    )]
    NoRoom {
        /// The folder.
        dir: PathBuf,
        /// What it takes.
        needed_mib: u64,
        /// What is free.
        free_mib: u64,
    },
    /// The state cannot be read.
    #[error(
        "{} cannot be read: {why}; the program of the package runs meanwhile. Remove the file to begin anew: what it told of \
         the latest update is then forgotten",
        path.display()
    )]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The trial did not go well.
    #[error("the update to {version} is undone at the next start: {why}")]
    Failed {
        /// What was tried.
        version: String,
        /// What was wrong.
        why: String,
    },
    /// A key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file is not the one that it should be.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// A file cannot be read or written.
    #[error("failed to {what} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody takes what is printed.
    #[error(transparent)]
    Print(io::Error),
}

/// What to do about it, where that is known.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room on that disk and type it again, the program that is in force goes on meanwhile"
        }
        _ => "",
    }
}

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Whoever writes the site file.
    Site,
    /// Whoever made the bundle.
    Bundle,
    /// Whoever looks after the box.
    Box,
}

impl UpdateError {
    /// Who can mend it.
    pub fn whose(&self) -> Whose {
        match self {
            Self::Config(_) | Self::NotAllowed(_) => Whose::Site,
            Self::Exists(_) | Self::NoBundle(..) | Self::Refused(_) | Self::Bad(_) | Self::Hash(_) | Self::Key(_) => {
                Whose::Bundle
            }
            _ => Whose::Box,
        }
    }

    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
