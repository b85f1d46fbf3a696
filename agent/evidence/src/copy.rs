//! Copies of bundles that are given away: faithful ones, and ones in which something is hidden.
//!
//! A redacted copy is no evidence and never looks like it: it has no manifest, but a paper of its own.
//!
//! | file | what |
//! |---|---|
//! | the pictures and clips of the bundle | with what is hidden |
//! | `redacted.json` | what was hidden, how and by which models; of which bundle it is a copy; sha256 of every other file |
//! | `redacted.sig`, `signer.pem` | the device's signature of it, and its certificate, where it signs |
//! | `original-manifest.json`, `.sig`, `original-signer.pem` | the seal of the bundle that it is a copy of |

mod check;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::{durable, hash, private};
use forewarn_domain::{About, IncidentId, WallTime};
use forewarn_seal::{Device, canonical};
use serde::{Deserialize, Serialize};

use crate::keys::Signer;
use crate::manifest::{MANIFEST, ManifestEntry, SIGNATURE, SIGNER, digest_folder};
use crate::manifest_file::{VerifyError, read_manifest};
use crate::problem::Problem;
use crate::record::{BundleRecord, Missing, StreamTime, TimeLine};
use crate::record_file::read_record;
use crate::verify::verify;

pub use check::CopyVerification;
pub(crate) use check::verify_copy;

/// The paper of a redacted copy.
pub(crate) const PAPER: &str = "redacted.json";
/// Its signature.
pub(crate) const PAPER_SIGNATURE: &str = "redacted.sig";
/// The seal of the original: its manifest, the signature, and the certificate.
pub(crate) const ORIGINAL: [(&str, &str); 3] =
    [(MANIFEST, "original-manifest.json"), (SIGNATURE, "original-manifest.sig"), (SIGNER, "original-signer.pem")];
/// The version of the paper's layout.
const COPY_SCHEMA: &str = "forewarn-redacted/1";

/// A copy cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The bundle cannot be verified.
    #[error(transparent)]
    Unverified(#[from] VerifyError),
    /// The bundle is not what was sealed.
    #[error("failed to export {}: it is not what was sealed: {problem}", path.display())]
    NotIntact {
        /// The bundle.
        path: PathBuf,
        /// The first thing that is wrong.
        problem: Problem,
    },
    /// It is a copy itself.
    #[error(
        "failed to export {}: it is a redacted copy already; name the bundle that its {PAPER} tells of, or hand this folder on as it is",
        path.display()
    )]
    OfACopy {
        /// What was named.
        path: PathBuf,
    },
    /// Something is where the copy should go.
    #[error("failed to export to {}: it is there and not empty; name a folder that is not there", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("failed to export: {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be signed.
    #[error("failed to sign the copy: {0}")]
    Unsigned(#[from] forewarn_seal::key::KeyError),
}

impl CopyError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// A model by which something was found, and by what file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsed {
    /// The card's name.
    pub card: String,
    /// sha256 of the weights.
    pub sha256: String,
}

/// What was hidden, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hiding {
    /// What, such as `faces`.
    pub what: String,
    /// How, in words.
    pub how: String,
    /// What found it.
    pub models: Vec<ModelUsed>,
    /// What somebody who looks at the copy should know, such as that the subject could not be told apart.
    pub notes: Vec<String>,
}

/// The bundle that a copy is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalSeal {
    /// sha256 of its manifest.
    pub manifest_sha256: String,
    /// Who sealed it; none if it is unsigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Its number in the chain of that device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

/// The content of `redacted.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Paper {
    pub schema: String,
    /// For whoever reads nothing else.
    pub notice: String,
    pub redacted_copy_of: IncidentId,
    pub original: OriginalSeal,
    pub hidden: Hiding,
    pub agent_version: String,
    pub made_at: StreamTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// The incident as it was decided, with the facts of the files of this copy.
    pub record: Option<BundleRecord>,
    /// Files of the bundle that are not in the copy.
    pub left_out: Vec<Missing>,
    pub files: Vec<ManifestEntry>,
}

/// A sealed bundle that is about to be copied, verified.
#[derive(Debug)]
pub struct Original {
    dir: PathBuf,
    incident: IncidentId,
    seal: OriginalSeal,
    files: Vec<String>,
    /// What it says of the incident and of its files; none if that is missing.
    pub record: Option<BundleRecord>,
}

impl Original {
    /// Opens a bundle and verifies it: of what was changed no copy is made.
    pub fn open(bundle: &Path) -> Result<Self, CopyError> {
        if bundle.join(PAPER).exists() {
            return Err(CopyError::OfACopy { path: bundle.to_owned() });
        }
        let found = verify(bundle)?;
        if let Some(problem) = found.problems.into_iter().next() {
            return Err(CopyError::NotIntact { path: bundle.to_owned(), problem });
        }
        let (manifest, manifest_sha256) = read_manifest(bundle)?;
        let number = manifest.chain.map(|place| place.number);
        Ok(Self {
            dir: bundle.to_owned(),
            incident: manifest.incident,
            seal: OriginalSeal { manifest_sha256, device: manifest.device, number },
            files: manifest.files.into_iter().map(|entry| entry.file).collect(),
            record: read_record(bundle).map_err(CopyError::file(bundle))?,
        })
    }

    /// The names of its files.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// Where a file of it lies.
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// Copies every file as it is, so that the copy verifies as the bundle does. What fails leaves nothing there.
    pub fn copy_to(&self, out: &Path) -> Result<(), CopyError> {
        make_empty(out)?;
        let copied = self.copy_into(out);
        if copied.is_err() {
            // What is in it was made here, and half a copy is none.
            let _ = fs::remove_dir_all(out);
        }
        copied
    }

    fn copy_into(&self, out: &Path) -> Result<(), CopyError> {
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(CopyError::file(&self.dir))? {
            names.push(entry.map_err(CopyError::file(&self.dir))?.file_name().to_string_lossy().into_owned());
        }
        // The manifest comes last, so that half a copy is none.
        names.sort_by_key(|name| (name == MANIFEST, name.clone()));
        names.iter().try_for_each(|name| copy_file(&self.dir.join(name), &out.join(name)))
    }

    /// Finishes a redacted copy whose pictures and clips lie in `out`: puts the seal of the original beside them, and writes
    /// the paper, last. `record` says what is true of the copy.
    pub fn finish_copy(&self, out: &Path, told: Told, signer: Option<&Signer>) -> Result<(), CopyError> {
        for (from, to) in ORIGINAL {
            let from = self.dir.join(from);
            if from.exists() {
                copy_file(&from, &out.join(to))?;
            }
        }
        if let Some(signer) = signer {
            let path = out.join(SIGNER);
            durable::replace(&path, signer.certificates.as_bytes()).map_err(CopyError::file(&path))?;
        }
        let paper = Paper {
            schema: COPY_SCHEMA.to_owned(),
            notice: format!(
                "REDACTED COPY of incident {}: {} hidden; this is not the original evidence",
                self.incident, told.hidden.what
            ),
            redacted_copy_of: self.incident.clone(),
            original: self.seal.clone(),
            hidden: told.hidden,
            agent_version: told.agent_version,
            made_at: StreamTime::new(told.made_at, TimeLine::WallClock),
            device: signer.map(|signer| Device { site: signer.site.clone(), key: signer.key.public() }),
            record: told.record,
            left_out: told.left_out,
            files: digest_folder(out).map_err(|(path, source)| CopyError::File { path, source })?,
        };
        let path = out.join(PAPER);
        let bytes = canonical(&paper).map_err(|error| CopyError::file(&path)(error.into()))?;
        if let Some(signer) = signer {
            let signature = signer.key.sign(&bytes)?;
            let path = out.join(PAPER_SIGNATURE);
            durable::replace(&path, &signature).map_err(CopyError::file(&path))?;
        }
        durable::replace(&path, &bytes).map_err(CopyError::file(&path))
    }
}

/// What is said of a redacted copy.
#[derive(Debug)]
pub struct Told {
    /// What was hidden.
    pub hidden: Hiding,
    /// What is true of the copy's files.
    pub record: Option<BundleRecord>,
    /// What is not in it.
    pub left_out: Vec<Missing>,
    /// The version of the agent that made it.
    pub agent_version: String,
    /// When.
    pub made_at: WallTime,
}

/// A record without what was read off the subject, such as its number plate.
pub fn without_texts(mut record: BundleRecord) -> BundleRecord {
    for finding in &mut record.incident.findings {
        if matches!(finding.about, About::Attribute(_)) {
            finding.text = None;
        }
    }
    record
}

/// Makes the folder of a copy.
pub fn make_empty(out: &Path) -> Result<(), CopyError> {
    private::create_dirs(out).map_err(CopyError::file(out))?;
    if fs::read_dir(out).map_err(CopyError::file(out))?.next().is_some() {
        return Err(CopyError::Taken { path: out.to_owned() });
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), CopyError> {
    let unfinished = durable::Unfinished::beside(to);
    fs::copy(from, unfinished.path()).map_err(CopyError::file(from))?;
    unfinished.place().map_err(CopyError::file(to))
}

/// sha256 of a paper's bytes.
fn digest(bytes: &[u8]) -> String {
    hash::sha256_of_bytes(bytes)
}
