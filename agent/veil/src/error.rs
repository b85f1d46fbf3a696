//! Why a copy could not be made.

use std::path::PathBuf;

use forewarn_evidence::CopyError;

use crate::{clip, photo};

/// A copy or a preview could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The bundle or the copy's folder.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A clip.
    #[error(transparent)]
    Clip(#[from] clip::ClipError),
    /// A picture.
    #[error(transparent)]
    Photo(#[from] photo::PhotoError),
    /// There is nothing that can be opened here.
    #[error(
        "failed to export {}: all that it would show is sealed to a public key (`seal_to`), so that nobody on this box can open it; \
         export it without --redact and --preview, and whoever holds the key opens the files with `age -d`",
        .0.display()
    )]
    Sealed(PathBuf),
}
