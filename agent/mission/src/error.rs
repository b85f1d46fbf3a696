//! What fails of a mission.

use std::io;
use std::path::{Path, PathBuf};

/// A mission cannot be begun, ended or told of.
#[derive(Debug, thiserror::Error)]
pub enum MissionError {
    /// The site file.
    #[error(transparent)]
    Config(#[from] forewarn_config::source::ConfigErrors),
    /// No camera flies.
    #[error("no camera of the site has `[camera.telemetry]`, so nobody knows which ground it sees; see docs/drone.md")]
    NoFlyer,
    /// One is on.
    #[error("the mission {0} is on; end it first with `forewarn mission stop`")]
    IsOn(String),
    /// None is on.
    #[error("no mission is on; `forewarn mission start` begins one")]
    NoneOn,
    /// There is none at all.
    #[error("there is no mission yet; `forewarn mission start` begins one")]
    Never,
    /// There is none of this name.
    #[error("there is no mission {id}; there are {}", .known.join(", "))]
    Unknown {
        /// What was asked for.
        id: String,
        /// The latest that there are.
        known: Vec<String>,
    },
    /// A file says something else than a mission.
    #[error("{} is damaged ({source}); bring it back from a backup, or delete it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A file or folder.
    #[error("failed to {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The evidence beside it.
    #[error(transparent)]
    Evidence(#[from] forewarn_evidence::VerifyError),
    /// A clip for the demo.
    #[error(transparent)]
    Clip(#[from] forewarn_pipelines::ReplayError),
    /// A clip of the demo cannot be written.
    #[error(transparent)]
    Encode(#[from] forewarn_pipelines::EncodeError),
}

impl MissionError {
    /// Whether the site file is wrong.
    pub fn is_of_the_site(&self) -> bool {
        matches!(self, Self::Config(_) | Self::NoFlyer)
    }

    /// Whether something else was asked for than there is.
    pub fn is_of_the_input(&self) -> bool {
        matches!(self, Self::IsOn(_) | Self::NoneOn | Self::Never | Self::Unknown { .. })
    }

    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }
}
