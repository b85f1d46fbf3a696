//! The manifest as it lies in a folder.

use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::hash;

use crate::manifest::{MANIFEST, Manifest, SIGNED_SCHEMA};
use crate::record::SCHEMA;

/// The folder could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no such file or folder.
    #[error("failed to verify {}: nothing is there; name a bundle, or a folder of bundles", path.display())]
    Absent {
        /// What was named.
        path: PathBuf,
    },
    /// There is no manifest.
    #[error(
        "failed to verify {}: it has no manifest.json; it is no evidence folder, or the incident was not sealed",
        path.display()
    )]
    Unsealed {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest is not what an agent writes.
    #[error("failed to verify {}: manifest.json is damaged: {why}", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file or folder could not be read.
    #[error("failed to verify: {}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads the manifest of a folder and its sha256.
pub(crate) fn read_manifest(bundle: &Path) -> Result<(Manifest, String), VerifyError> {
    let path = bundle.join(MANIFEST);
    let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if !bundle.exists() => VerifyError::Absent { path: bundle.to_owned() },
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => VerifyError::Unsealed { path: bundle.to_owned() },
        _ => VerifyError::Unreadable { path, source },
    })?;
    let damaged = |why: String| VerifyError::Damaged { path: bundle.to_owned(), why };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let is_signed = manifest.chain.is_some() && manifest.device.is_some();
    match (manifest.schema.as_str(), is_signed) {
        (SCHEMA, false) | (SIGNED_SCHEMA, true) => {}
        (SIGNED_SCHEMA, false) => return Err(damaged("it does not say who signed it, or after what".to_owned())),
        (schema, _) => {
            let why = format!("it is of layout \"{schema}\"; this agent knows {SCHEMA} and {SIGNED_SCHEMA}");
            return Err(damaged(why));
        }
    }
    Ok((manifest, hash::sha256_of_bytes(&bytes)))
}
