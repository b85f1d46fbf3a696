//! Verification of a sealed folder against its manifest.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::hash::{self, Digest};
use forewarn_domain::IncidentId;

use crate::manifest::{MANIFEST, Manifest, list_names};
use crate::record::{Missing, SCHEMA};

/// The folder could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
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
        }
    }
}

/// The outcome of a verification.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The incident that the folder belongs to.
    pub incident: IncidentId,
    /// sha256 of the manifest itself, to be compared with the one that was reported.
    pub manifest_sha256: String,
    /// How many files the manifest names.
    pub files: usize,
    /// How many bytes they have together.
    pub bytes: u64,
    /// What the agent itself stated as missing when it sealed the folder.
    pub missing: Vec<Missing>,
    /// How the folder differs from the manifest; empty if it is as it was sealed.
    pub problems: Vec<Problem>,
}

impl Verification {
    /// Whether every file is as it was sealed and nothing was added.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Checks every file of a sealed folder against the manifest.
pub fn verify(bundle: &Path) -> Result<Verification, VerifyError> {
    let (manifest, manifest_sha256) = read_manifest(bundle)?;
    let mut problems = Vec::new();
    let mut named = BTreeSet::new();
    for entry in &manifest.files {
        let file = entry.file.clone();
        if !named.insert(file.clone()) || !is_plain_name(&file) {
            problems.push(Problem::NotAFile { file });
            continue;
        }
        let path = bundle.join(&file);
        match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => problems.push(Problem::Gone { file }),
            Err(source) => return Err(VerifyError::Unreadable { path, source }),
            Ok(meta) if !meta.is_file() => problems.push(Problem::NotAFile { file }),
            Ok(_) => {
                let found = hash::digest_of_file(&path).map_err(|source| VerifyError::Unreadable { path, source })?;
                let sealed = Digest { bytes: entry.bytes, sha256: entry.sha256.clone() };
                if found != sealed {
                    problems.push(Problem::Changed { file, sealed, found });
                }
            }
        }
    }
    let there = list_names(bundle).map_err(|source| VerifyError::Unreadable { path: bundle.to_owned(), source })?;
    problems.extend(there.into_iter().filter(|name| !named.contains(name)).map(|file| Problem::Extra { file }));
    Ok(Verification {
        incident: manifest.incident.clone(),
        manifest_sha256,
        files: manifest.files.len(),
        bytes: manifest.total_bytes(),
        missing: manifest.missing.clone(),
        problems,
    })
}

/// Reads the manifest of a folder and its sha256.
pub(crate) fn read_manifest(bundle: &Path) -> Result<(Manifest, String), VerifyError> {
    let path = bundle.join(MANIFEST);
    let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => VerifyError::Unsealed { path: bundle.to_owned() },
        _ => VerifyError::Unreadable { path, source },
    })?;
    let damaged = |why: String| VerifyError::Damaged { path: bundle.to_owned(), why };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if manifest.schema != SCHEMA {
        return Err(damaged(format!("it is of layout \"{}\"; this agent knows {SCHEMA}", manifest.schema)));
    }
    Ok((manifest, hash::sha256_of_bytes(&bytes)))
}

fn is_plain_name(file: &str) -> bool {
    !file.is_empty() && file != "." && file != ".." && file != MANIFEST && !file.contains(['/', '\\', '\0'])
}
