//! Verification of a sealed folder against its manifest.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use forewarn_base::hash::{self, Digest};
use forewarn_domain::IncidentId;

use crate::camera_signed::{self, CameraSigned};
use crate::carried::{self, Carried};
use crate::clock_state::ClockState;
use crate::manifest::{MANIFEST, ManifestEntry, list_names};
use crate::manifest_file::{VerifyError, read_manifest};
use crate::problem::Problem;
use crate::proof::{self, Proof};
use crate::record::Missing;
use crate::stamps::{self, Stamped};
use crate::trusted::Trusted;

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
    /// When it was sealed, RFC 3339 in UTC; none on the time line of a clip.
    pub sealed_at: Option<String>,
    /// How far the clock could be believed then; none if nobody says.
    pub clock: Option<ClockState>,
    /// Who sealed it; none if it is not signed.
    pub proof: Option<Proof>,
    /// The time stamps of its seals that hold, the oldest seal first.
    pub stamps: Vec<Stamped>,
    /// The content credentials of its pictures and clips.
    pub credentials: Vec<Carried>,
    /// What cameras signed of its clips themselves.
    pub camera_signed: Vec<CameraSigned>,
}

impl Verification {
    /// Whether every file is as it was sealed and nothing was added.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Checks every file of a sealed folder against the manifest, and the manifest's signature.
pub fn verify(bundle: &Path) -> Result<Verification, VerifyError> {
    verify_for(bundle, None)
}

/// Like [`verify`], and whether somebody who is `trusted` vouches for the key; what is not signed does not hold then.
pub(crate) fn verify_for(bundle: &Path, trusted: Option<&Trusted>) -> Result<Verification, VerifyError> {
    let (manifest, manifest_sha256) = read_manifest(bundle)?;
    let unreadable = |source| VerifyError::Unreadable { path: bundle.to_owned(), source };
    let (proof, flaws) = proof::check(bundle, &manifest, trusted.and_then(Trusted::signers)).map_err(unreadable)?;
    let (stamps, of_stamps) =
        stamps::check(bundle, &manifest, trusted.and_then(Trusted::stampers)).map_err(unreadable)?;
    let mut problems: Vec<Problem> = flaws.into_iter().map(Problem::Unproven).collect();
    problems.extend(of_stamps);
    problems.extend(of_files(bundle, &manifest.files, MANIFEST)?);
    let mut sealers: Vec<_> = manifest.device.iter().map(|device| device.key).collect();
    sealers.extend(proof.iter().flat_map(|proof| proof.seals.iter().map(|seal| seal.key)));
    let credentials = carried::check(bundle, &manifest.files, &sealers).map_err(unreadable)?;
    problems.extend(credentials.iter().filter_map(Carried::problem));
    let camera_signed = camera_signed::check(bundle, &manifest.files).map_err(unreadable)?;
    let there = list_names(bundle).map_err(unreadable)?;
    let is_named = |name: &String| manifest.files.iter().any(|entry| entry.file == *name);
    problems.extend(there.into_iter().filter(|name| !is_named(name)).map(|file| Problem::Extra { file }));
    Ok(Verification {
        incident: manifest.incident.clone(),
        manifest_sha256,
        files: manifest.files.len(),
        bytes: manifest.total_bytes(),
        missing: manifest.missing.clone(),
        problems,
        sealed_at: manifest.sealed_at.utc.clone(),
        clock: manifest.clock,
        proof,
        stamps,
        credentials,
        camera_signed,
    })
}

/// How the files of a folder differ from those that its `paper` names.
pub(crate) fn of_files(dir: &Path, entries: &[ManifestEntry], paper: &str) -> Result<Vec<Problem>, VerifyError> {
    let (mut problems, mut named) = (Vec::new(), BTreeSet::new());
    for entry in entries {
        let file = entry.file.clone();
        if !named.insert(&entry.file) || file == paper || !is_plain_name(&file) {
            problems.push(Problem::NotAFile { file });
            continue;
        }
        let path = dir.join(&file);
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
    Ok(problems)
}

fn is_plain_name(file: &str) -> bool {
    !file.is_empty() && file != "." && file != ".." && !file.contains(['/', '\\', '\0'])
}
