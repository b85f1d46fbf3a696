//! `manifest.json`: size and sha256 of every other file of the folder. A folder with a manifest is sealed.

use std::path::Path;

use forewarn_base::hash::{Digest, digest_of_file};
use serde::{Deserialize, Serialize};

use forewarn_domain::IncidentId;

use crate::record::{Missing, StreamTime};

/// The manifest's own name.
pub(crate) const MANIFEST: &str = "manifest.json";

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// The file's name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its sha256 in lower-case hexadecimal.
    pub sha256: String,
}

/// The content of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The version of the layout.
    pub schema: String,
    /// The incident that the folder belongs to.
    pub incident: IncidentId,
    /// The version of the agent that sealed the folder.
    pub agent_version: String,
    /// When it was sealed.
    pub sealed_at: StreamTime,
    /// When the incident's last known transition was; what retention counts from.
    pub ended_at: StreamTime,
    /// Whether nothing is missing.
    pub complete: bool,
    /// What is missing and why.
    pub missing: Vec<Missing>,
    /// Every other file of the folder, by name.
    pub files: Vec<ManifestEntry>,
}

impl Manifest {
    /// Whether `other` says the same of the folder, whenever it was sealed and by whom.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let same_seal =
            Self { sealed_at: other.sealed_at.clone(), agent_version: other.agent_version.clone(), ..self.clone() };
        same_seal == *other
    }

    /// Bytes of all files, the manifest not counted.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes))
    }
}

/// Names of everything in a folder but the manifest, in order.
pub(crate) fn list_names(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != MANIFEST {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Size and digest of every plain file of a folder but the manifest, by name.
pub(crate) fn digest_folder(dir: &Path) -> Result<Vec<ManifestEntry>, (std::path::PathBuf, std::io::Error)> {
    let names = list_names(dir).map_err(|error| (dir.to_owned(), error))?;
    let mut entries = Vec::with_capacity(names.len());
    for file in names {
        let path = dir.join(&file);
        let kind = std::fs::symlink_metadata(&path).map_err(|error| (path.clone(), error))?.file_type();
        if kind.is_file() {
            let Digest { bytes, sha256 } = digest_of_file(&path).map_err(|error| (path.clone(), error))?;
            entries.push(ManifestEntry { file, bytes, sha256 });
        }
    }
    Ok(entries)
}
