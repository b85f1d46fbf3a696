//! What may go wrong.

use std::io;
use std::path::{Path, PathBuf};

use forewarn_config::ConfigErrors;
use forewarn_domain::StreamId;
use forewarn_pipelines::footage::CutError;

/// A backup, a restore or a support file does not come about.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The site file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Nobody knows what in it is secret. What is wrong is not repeated: it may be a secret.
    #[error("{} cannot be read, so that it is unknown which files it names; `forewarn check` says where, fix it first", .0.display())]
    Unknown(PathBuf),
    /// There is no such footage.
    #[error(transparent)]
    Cut(#[from] CutError),
    /// Nothing was kept then; times are those of the site.
    #[error(
        "there is no footage of camera {camera} between {from} and {to}; `forewarn clip --list` tells what there is of it"
    )]
    NoFootage {
        /// The camera.
        camera: StreamId,
        /// From when.
        from: String,
        /// Until when.
        to: String,
    },
    /// What was typed does not fit the site.
    #[error("{0}")]
    Typed(String),
    /// What was typed cannot be, whatever the site.
    #[error("{0}")]
    Usage(String),
    /// The agent runs, or another one.
    #[error("{0}")]
    Taken(#[from] forewarn_config::Taken),
    /// Something else bears the name of the file that is made.
    #[error("{} is there already, and is kept; name a file that is not there", .0.display())]
    Exists(PathBuf),
    /// What is there would be written over.
    #[error("nothing is restored: {} is there already; a box that is in use is written over with --over alone", .0.display())]
    InUse(PathBuf),
    /// The file is no backup.
    #[error("{} is no backup that can be restored: {why}; nothing has changed", path.display())]
    NoBackup {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A database cannot be copied.
    #[error("failed to copy the database {}: {why}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("failed to {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl UpkeepError {
    /// Whether somebody has to mend the site file.
    pub fn is_of_the_site(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Unknown(_))
    }

    /// Whether the command line itself is wrong.
    pub fn is_of_the_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }

    /// Whether what was typed asks for what is not there, or would take the place of what is.
    pub fn is_of_the_input(&self) -> bool {
        matches!(
            self,
            Self::Typed(_)
                | Self::NoFootage { .. }
                | Self::Cut(CutError::Nothing { .. } | CutError::IsThere(_))
                | Self::Exists(_)
                | Self::InUse(_)
                | Self::NoBackup { .. }
        )
    }

    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// Why the packet `out` does not come about.
    pub(crate) fn packed(out: &Path) -> impl FnOnce(io::Error) -> Self {
        let out = out.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(out),
            _ => Self::io("write", out)(source),
        }
    }
}
