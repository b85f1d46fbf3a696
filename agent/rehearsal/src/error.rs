//! What may go wrong.

use std::io;
use std::path::PathBuf;

use forewarn_config::ConfigErrors;
use forewarn_config::edit::EditError;
use forewarn_domain::StreamId;
use forewarn_pipelines::footage::CutError;

/// There is no rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The site file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The changes are.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The file of changes is none.
    #[error("{} holds no changes of a site: {why}", path.display())]
    Changes {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A change changes nothing of what is looked for.
    #[error(
        "{}: change {number} changes nothing of what is looked for at {camera}; zones, lines, masks, exclusions and rules of that camera \
         can be tried, leave the rest out", path.display()
    )]
    Idle {
        /// The file.
        path: PathBuf,
        /// Which one, from 1.
        number: usize,
        /// The camera.
        camera: StreamId,
    },
    /// The site has no such camera.
    #[error("--camera {camera}: the site has no such camera; it has {known}")]
    Camera {
        /// What was typed.
        camera: StreamId,
        /// Those that it has.
        known: String,
    },
    /// Nothing was kept.
    #[error(
        "there is no footage of camera {camera} of the last {minutes} minutes; a camera with `footage = true` keeps all its \
         video, and `forewarn clip --list` tells what there is of it"
    )]
    Nothing {
        /// The camera.
        camera: StreamId,
        /// How far back it was looked for.
        minutes: u32,
    },
    /// Footage cannot be read.
    #[error(transparent)]
    Footage(CutError),
    /// A file cannot be written.
    #[error("failed to write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RehearsalError {
    /// Whether somebody has to mend the site file.
    pub fn is_of_the_site(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Edit(EditError::Unreadable(_)))
    }

    /// Whether what was typed asks for what is not there, or cannot be.
    pub fn is_of_the_input(&self) -> bool {
        matches!(
            self,
            Self::Edit(_) | Self::Changes { .. } | Self::Idle { .. } | Self::Camera { .. } | Self::Nothing { .. }
        )
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
