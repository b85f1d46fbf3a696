//! Sealing: the manifest that vouches for a folder, written last, and the folders that a crash left without one.

use std::fs;
use std::path::{Path, PathBuf};

use forewarn_base::{durable, hash};
use forewarn_domain::{IncidentId, IncidentRecord, IncidentState, Moment, Timestamp, WallTime};

use crate::error::EvidenceError;
use crate::manifest::{MANIFEST, Manifest, digest_folder, list_names};
use crate::record::{BundleRecord, Missing, SCHEMA, StreamTime};
use crate::record_file::{RECORD, read_record, save_record, to_json};
use crate::store::{EvidenceStore, folder_id};
use crate::verify::read_manifest;

/// A folder that is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBundle {
    /// The folder.
    pub path: PathBuf,
    /// sha256 of `manifest.json`, which vouches for every other file.
    pub manifest_sha256: String,
    /// Bytes of all files, the manifest not counted.
    pub bytes: u64,
    /// Whether nothing is missing.
    pub is_complete: bool,
}

/// A folder without a manifest: of an open incident, or left by an agent that was killed.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsealed {
    /// The incident, by the folder's name.
    pub incident: IncidentId,
    /// The folder.
    pub path: PathBuf,
    /// What the folder says of the incident; none if the agent was killed before it wrote that.
    pub record: Option<BundleRecord>,
}

impl EvidenceStore {
    /// Completes the folder: brings `incident.json` up to date, then writes the manifest, last and at once.
    ///
    /// Sealing again is fine: if nothing changed the former manifest stays, else it is replaced as a whole.
    pub fn seal(
        &self,
        incident: &IncidentRecord,
        title: &str,
        sealed_at: Timestamp,
    ) -> Result<SealedBundle, EvidenceError> {
        let (dir, mut record) = self.open_bundle(incident, title)?;
        for (what, why) in absent(&dir, &record) {
            record.note_missing(&what, &why);
        }
        save_record(&dir, &record)?;
        let ended_at = StreamTime::new(record.latest_at(), self.time_line());
        self.write_manifest(&dir, &incident.id, record.missing, ended_at, incident.wall(sealed_at))
    }

    /// Every folder without a manifest, in order.
    pub fn unsealed(&self) -> Result<Vec<Unsealed>, EvidenceError> {
        let mut found = Vec::new();
        for path in self.folders()? {
            if path.join(MANIFEST).is_file() {
                continue;
            }
            let incident = folder_id(&path);
            let record = read_record(&path).ok().flatten();
            found.push(Unsealed { incident, path, record });
        }
        Ok(found)
    }

    /// Seals a folder whose incident nobody goes on with, stating `why` for what is not there.
    pub fn seal_abandoned(
        &self,
        folder: &Unsealed,
        why: &str,
        sealed_at: WallTime,
    ) -> Result<SealedBundle, EvidenceError> {
        if let Some(mut record) = folder.record.clone() {
            for (what, _) in absent(&folder.path, &record) {
                record.note_missing(&what, why);
            }
            if record.incident.state != IncidentState::Closed {
                record.note_missing("the end of the incident", why);
            }
            save_record(&folder.path, &record)?;
            let ended_at = StreamTime::new(record.latest_at(), record.time_line);
            return self.write_manifest(&folder.path, &folder.incident, record.missing, ended_at, sealed_at);
        }
        let missing = vec![Missing { what: RECORD.to_owned(), why: why.to_owned() }];
        let ended_at = StreamTime::new(sealed_at, self.time_line());
        self.write_manifest(&folder.path, &folder.incident, missing, ended_at, sealed_at)
    }

    fn write_manifest(
        &self,
        dir: &Path,
        incident: &IncidentId,
        missing: Vec<Missing>,
        ended_at: StreamTime,
        sealed_at: WallTime,
    ) -> Result<SealedBundle, EvidenceError> {
        let failed = |operation, path: &Path| EvidenceError::file(incident, operation, path);
        for name in list_names(dir).map_err(failed("list the folder", dir))? {
            if name.starts_with(durable::UNFINISHED_PREFIX) {
                let rest = dir.join(name);
                fs::remove_file(&rest).map_err(failed("remove an unfinished file", &rest))?;
            }
        }
        let files = digest_folder(dir).map_err(|(path, source)| failed("read back a file", &path)(source))?;
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            incident: incident.clone(),
            agent_version: self.options().agent_version.clone(),
            sealed_at: StreamTime::new(sealed_at, self.time_line()),
            ended_at,
            complete: missing.is_empty(),
            missing,
            files,
        };
        let sealed = |manifest: &Manifest, manifest_sha256| SealedBundle {
            path: dir.to_owned(),
            manifest_sha256,
            bytes: manifest.total_bytes(),
            is_complete: manifest.complete,
        };
        if let Ok((kept, sha256)) = read_manifest(dir)
            && kept.agrees_with(&manifest)
        {
            return Ok(sealed(&kept, sha256));
        }
        let path = dir.join(MANIFEST);
        let json = to_json(&manifest).map_err(failed("write the manifest", &path))?;
        durable::replace(&path, &json).map_err(failed("write the manifest", &path))?;
        Ok(sealed(&manifest, hash::sha256_of_bytes(&json)))
    }
}

/// Files that the incident should have and that are not there, with why as far as the folder tells.
fn absent(dir: &Path, record: &BundleRecord) -> Vec<(String, String)> {
    let mut gaps = Vec::new();
    let has_snapshot = |moment| record.snapshots.iter().any(|s| s.moment == moment);
    let has_clip = |file: &str| record.clips.iter().any(|c| c.file == file);
    let states = |wanted: &[IncidentState]| record.history.iter().any(|t| wanted.contains(&t.state));
    let ended = [IncidentState::Complied, IncidentState::Escalated, IncidentState::Lost];
    for (moment, is_due) in [(Moment::Confirmed, states(&[IncidentState::Confirmed])), (Moment::Ended, states(&ended))]
    {
        if is_due && !has_snapshot(moment) {
            gaps.push((format!("{moment}.jpg"), "no frame of this moment was kept".to_owned()));
        }
        let clip = format!("{moment}.mp4");
        if is_due && !has_clip(&clip) {
            gaps.push((clip, "no clip of this moment was kept".to_owned()));
        }
    }
    let snapshots = record.snapshots.iter().flat_map(|s| [&s.file, &s.marked_file]);
    let closeups = record.closeups.iter().map(|c| &c.file);
    for file in snapshots.chain(record.clips.iter().map(|c| &c.file)).chain(closeups) {
        if !dir.join(file).is_file() {
            gaps.push((file.clone(), "it was kept and is gone".to_owned()));
        }
    }
    gaps
}
