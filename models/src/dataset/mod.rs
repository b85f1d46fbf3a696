//! Crops of a site's own people and vehicles, from which a model for one attribute is trained.
//!
//! [`picture`] cuts a crop out of a frame with faces covered, [`shelf`] says which crops are kept, and [`folder`] lays
//! them down as the training in `models/train` reads them.

pub mod folder;
pub mod picture;
pub mod shelf;

use std::path::{Path, PathBuf};

use forewarn_domain::DetectorError;

/// Crops could not be taken or kept.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// There are crops of another export.
    #[error(
        "{} holds an earlier export; choose another --out, so that its labels and its consent note stay as they are",
        folder.display()
    )]
    Occupied {
        /// Its folder.
        folder: PathBuf,
    },
    /// The file system refused.
    #[error("failed to {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A frame has fewer pixels than it says.
    #[error("a crop has too few pixels")]
    Pixels,
    /// The finder of faces failed, so that the crop must not be shown.
    #[error("failed to look for faces: {0}")]
    Faces(DetectorError),
    /// A picture could not be encoded.
    #[error("failed to encode a crop: {0}")]
    Encode(#[from] image::ImageError),
}

impl DatasetError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
