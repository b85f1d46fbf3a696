//! `incident.json` on the disk, and the manifest that must not outlive a change of it.

use std::fs;
use std::io;
use std::path::Path;

use forewarn_base::durable;
use forewarn_domain::IncidentRecord;

use crate::error::EvidenceError;
use crate::manifest::MANIFEST;
use crate::record::BundleRecord;

/// The name of the file.
pub(crate) const RECORD: &str = "incident.json";

/// A sealed folder takes no further file.
pub(crate) fn refuse_if_sealed(dir: &Path, incident: &IncidentRecord, what: &str) -> Result<(), EvidenceError> {
    if dir.join(MANIFEST).exists() {
        return Err(EvidenceError::Sealed {
            incident: incident.id.clone(),
            what: what.to_owned(),
            path: dir.to_owned(),
        });
    }
    Ok(())
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
/// A manifest would no longer be true, so it goes first; a crash in between leaves a folder that is not sealed.
pub(crate) fn save_record(dir: &Path, record: &BundleRecord) -> Result<(), EvidenceError> {
    let path = dir.join(RECORD);
    let saved = to_json(record).and_then(|json| {
        if fs::read(&path).is_ok_and(|kept| kept == json) {
            return Ok(());
        }
        match fs::remove_file(dir.join(MANIFEST)) {
            Ok(()) => durable::sync_dir(dir)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        durable::replace(&path, &json)
    });
    saved.map_err(EvidenceError::file(&record.incident.id, "write the record", &path))
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    Ok(json)
}
