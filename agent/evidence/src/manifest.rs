//! `manifest.json`: size and sha256 of every other file of the folder. A folder with a manifest is sealed.

use std::path::Path;

use forewarn_base::hash::{Digest, digest_of_file};
use serde::{Deserialize, Serialize};

use forewarn_domain::{IncidentId, IncidentState};
use forewarn_seal::{Device, Place};

use crate::clock_state::ClockState;
use crate::record::{Missing, StreamTime};

/// The manifest's own name.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The device's signature of the manifest, 64 bytes.
pub(crate) const SIGNATURE: &str = "manifest.sig";

/// The certificate of who signed, and of who certified that.
pub(crate) const SIGNER: &str = "signer.pem";

/// The version of the layout of a manifest that is signed.
pub(crate) const SIGNED_SCHEMA: &str = "forewarn-evidence/2";

/// Begins the names of manifests that a later seal took the place of, and of their signatures.
const EARLIER_PREFIX: &str = "manifest-";

/// The name of an earlier manifest.
pub(crate) fn earlier_manifest(number: u64) -> String {
    format!("{EARLIER_PREFIX}{number}.json")
}

/// The name of an earlier manifest's signature.
pub(crate) fn earlier_signature(number: u64) -> String {
    format!("{EARLIER_PREFIX}{number}.sig")
}

/// The name of a time stamp of a seal, be that the present one or an earlier one: it needs no other name when another seal
/// takes its place.
pub(crate) fn stamp_name(number: u64) -> String {
    format!("{EARLIER_PREFIX}{number}.tsr")
}

/// The number of an earlier manifest, its signature or a time stamp by its file's name.
pub(crate) fn earlier_number(file: &str) -> Option<u64> {
    let number = file.strip_prefix(EARLIER_PREFIX)?;
    [".json", ".sig", ".tsr"].iter().find_map(|end| number.strip_suffix(end))?.parse().ok()
}

/// Whether a file is of the seal itself, and therefore not under it.
fn is_of_the_seal(file: &str) -> bool {
    file == MANIFEST || file == SIGNATURE || earlier_number(file).is_some()
}

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
pub struct Manifest {
    /// The version of the layout.
    pub schema: String,
    /// The incident that the folder belongs to.
    pub incident: IncidentId,
    /// The state that the incident was in; absent from a manifest that is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<IncidentState>,
    /// Whether nothing more will come; absent from a manifest that is not signed, which says so by being there.
    #[serde(rename = "final", default, skip_serializing_if = "Option::is_none")]
    pub is_final: Option<bool>,
    /// The version of the agent that sealed the folder.
    pub agent_version: String,
    /// Who signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Where it stands in the chain of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Place>,
    /// When it was sealed.
    pub sealed_at: StreamTime,
    /// How far the clock could be believed then; absent where nobody says, such as in a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockState>,
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
        let same_seal = Self {
            schema: other.schema.clone(),
            sealed_at: other.sealed_at.clone(),
            clock: other.clock.clone(),
            agent_version: other.agent_version.clone(),
            device: other.device.clone(),
            chain: other.chain.clone(),
            ..self.clone()
        };
        same_seal == *other
    }

    /// Whether nothing more will come.
    pub(crate) fn is_final(&self) -> bool {
        self.is_final.unwrap_or(true)
    }

    /// Bytes of all files, the manifest not counted.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes))
    }
}

/// Names of everything in a folder but what is of the seal itself, in order.
pub(crate) fn list_names(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !is_of_the_seal(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The numbers of the earlier seals of a folder, in order.
pub(crate) fn earlier_numbers(dir: &Path) -> std::io::Result<Vec<u64>> {
    numbered(dir, earlier_manifest)
}

/// The numbers of the seals of a folder of which a time stamp is there, in order.
pub(crate) fn stamp_numbers(dir: &Path) -> std::io::Result<Vec<u64>> {
    numbered(dir, stamp_name)
}

fn numbered(dir: &Path, name_of: impl Fn(u64) -> String) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        numbers.extend(earlier_number(&name).filter(|number| name == name_of(*number)));
    }
    numbers.sort_unstable();
    Ok(numbers)
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
