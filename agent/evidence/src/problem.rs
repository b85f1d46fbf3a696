//! What can be wrong with a sealed folder.

use std::fmt;

use forewarn_base::hash::Digest;
use forewarn_seal::credentials::Unheld;

use crate::proof;

/// One way in which a folder differs from its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The manifest names a file that is not there.
    Gone {
        /// The file.
        file: String,
    },
    /// A file's content is not what was sealed.
    Changed {
        /// The file.
        file: String,
        /// Size and sha256 that were sealed.
        sealed: Digest,
        /// Size and sha256 of what is there.
        found: Digest,
    },
    /// A file is there that the manifest does not name.
    Extra {
        /// The file.
        file: String,
    },
    /// The manifest names something outside the folder, or what is there is no plain file.
    NotAFile {
        /// The name.
        file: String,
    },
    /// The signature does not hold.
    Unproven(proof::Flaw),
    /// The content credentials that a file carries do not hold.
    Credentials {
        /// The file.
        file: String,
        /// What is wrong.
        why: Unheld,
    },
    /// A time stamp does not hold.
    Stamp {
        /// Its file.
        file: String,
        /// What is wrong.
        why: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { file } => write!(f, "{file}: gone"),
            Self::Changed { file, sealed, found } => write!(
                f,
                "{file}: changed: {} bytes with sha256 {} were sealed, {} bytes with sha256 {} are there",
                sealed.bytes, sealed.sha256, found.bytes, found.sha256
            ),
            Self::Extra { file } => write!(f, "{file}: not in the manifest"),
            Self::NotAFile { file } => write!(f, "{file}: no plain file of this folder"),
            Self::Unproven(flaw) => flaw.fmt(f),
            Self::Credentials { file, why } => write!(f, "{file}: its content credentials do not hold: {why}"),
            Self::Stamp { file, why } => write!(f, "{file}: no time stamp of that seal: {why}"),
        }
    }
}
