//! `incident.json` on the disk, and the manifest that must not outlive a change of it.

use std::fs;
use std::io;
use std::path::Path;

use forewarn_base::durable;
use forewarn_domain::IncidentRecord;

use crate::error::EvidenceError;
use crate::manifest::{MANIFEST, SIGNATURE, earlier_manifest, earlier_numbers, earlier_signature};
use crate::manifest_file::read_manifest;
use crate::record::BundleRecord;

/// The name of the file.
pub(crate) const RECORD: &str = "incident.json";

/// Makes way for a further file: a seal of an incident that goes on is put aside, to be superseded; one of which nothing
/// more will come takes none.
pub(crate) fn make_way(dir: &Path, incident: &IncidentRecord, what: &str) -> Result<(), EvidenceError> {
    if has_final_seal(dir) {
        return Err(EvidenceError::Sealed {
            incident: incident.id.clone(),
            what: what.to_owned(),
            path: dir.to_owned(),
        });
    }
    put_seal_aside(dir).map_err(EvidenceError::file(&incident.id, "put the seal aside", dir))
}

/// Whether nothing more will come into a folder.
pub(crate) fn has_final_seal(dir: &Path) -> bool {
    let path = dir.join(MANIFEST);
    path.exists() && read_manifest(dir).map_or(true, |(manifest, _)| manifest.is_final())
}

/// Puts the seal aside before the folder is changed: one that is signed stays as an earlier one, with its number.
///
/// A kill between the two renames is made up for by the next call.
pub(crate) fn put_seal_aside(dir: &Path) -> io::Result<()> {
    let (manifest, signature) = (dir.join(MANIFEST), dir.join(SIGNATURE));
    if manifest.exists() {
        let number = read_manifest(dir).ok().and_then(|(manifest, _)| manifest.chain).map(|place| place.number);
        match number {
            Some(number) => durable::rename(&manifest, &dir.join(earlier_manifest(number)))?,
            None => durable::remove_file(&manifest)?,
        }
        // A manifest without its signature would be taken for a forged one.
        durable::sync_dir(dir)?;
    }
    if signature.exists() {
        let bare = |number: &u64| !dir.join(earlier_signature(*number)).exists();
        match earlier_numbers(dir)?.into_iter().rfind(bare) {
            Some(number) => durable::rename(&signature, &dir.join(earlier_signature(number)))?,
            None => durable::remove_file(&signature)?,
        }
    }
    durable::sync_dir(dir)
}

/// Reads `incident.json`; none if there is none or it is not what this crate writes.
///
/// It appears by rename only, so a torn one is the work of a failing disk; the folder's other files still count.
pub(crate) fn read_record(dir: &Path) -> io::Result<Option<BundleRecord>> {
    match fs::read(dir.join(RECORD)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(folder = %dir.display(), %error, "incident.json is unreadable"))
            .ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `incident.json` unless it is on the disk as it is.
///
/// A seal would no longer be true, so it is put aside first; a crash in between leaves a folder that is not sealed.
pub(crate) fn save_record(dir: &Path, record: &BundleRecord) -> Result<(), EvidenceError> {
    let path = dir.join(RECORD);
    let saved = to_json(record).and_then(|json| {
        if fs::read(&path).is_ok_and(|kept| kept == json) {
            return Ok(());
        }
        put_seal_aside(dir)?;
        durable::replace(&path, &json)
    });
    saved.map_err(EvidenceError::file(&record.incident.id, "write the record", &path))
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    Ok(json)
}
