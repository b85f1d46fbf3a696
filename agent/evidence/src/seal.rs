//! Sealing: the manifest that vouches for a folder, written last, and the folders that a crash left without one.

use std::path::{Path, PathBuf};

use forewarn_base::{durable, hash};
use forewarn_domain::{IncidentId, IncidentRecord, IncidentState, Moment, Seal, Timestamp, WallTime};
use forewarn_seal::{Earlier, Place, canonical};

use crate::chain_file::read_head;
use crate::chain_search::earlier;
use crate::error::EvidenceError;
use crate::keys::Signer;
use crate::lack::Lack;
use crate::manifest::{
    MANIFEST, Manifest, ManifestEntry, SIGNED_SCHEMA, SIGNER, digest_folder, earlier_numbers, list_names,
};
use crate::manifest_file::read_manifest;
use crate::record::{BundleRecord, Missing, SCHEMA, StreamTime};
use crate::record_file::{RECORD, has_final_seal, put_seal_aside, read_record, save_record, to_json};
use crate::sealed_to::plain_name;
use crate::store::{EvidenceStore, folder_id, name_below};

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
    /// What is said of the seal outside the box; none if it is not signed.
    pub seal: Option<Seal>,
}

/// How the folder of an incident stands to a later record of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The incident went on.
    GoesOn,
    /// It is sealed, and nothing but the case went on.
    OfCase,
    /// The case goes on, and the folder was deleted.
    Deleted,
}

/// A folder without its last seal: of an open incident, or left by an agent that was killed.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsealed {
    /// The incident, by the folder's name.
    pub incident: IncidentId,
    /// The folder.
    pub path: PathBuf,
    /// What the folder says of the incident; none if the agent was killed before it wrote that.
    pub record: Option<BundleRecord>,
    /// Whether it was sealed, and the seal was put aside for a change that was not finished.
    pub is_to_be_sealed_again: bool,
}

/// What a manifest says beside the files.
struct Draft {
    incident: IncidentId,
    state: Option<IncidentState>,
    is_final: bool,
    missing: Vec<Missing>,
    ended_at: StreamTime,
    sealed_at: WallTime,
}

impl EvidenceStore {
    /// Seals the folder as it is: brings `incident.json` up to date, then writes the manifest, last and at once.
    ///
    /// Sealing again is fine: if nothing changed the former manifest stays, else a new one takes its place. The seal of an
    /// incident that is closed is the last one; where nothing is signed, every seal is.
    pub fn seal(
        &self,
        incident: &IncidentRecord,
        title: &str,
        sealed_at: Timestamp,
    ) -> Result<SealedBundle, EvidenceError> {
        let (dir, mut record) = self.open_bundle(incident, title)?;
        let is_final = self.signing().is_none() || record.incident.state == IncidentState::Closed;
        let mut missing = record.missing.clone();
        for (what, why) in absent(&dir, &record) {
            if is_final {
                record.note_missing(&what, &why);
            } else if !missing.iter().any(|gap| gap.what == what) {
                missing.push(Missing {
                    what,
                    why: if Lack::of(&why) == Some(Lack::Gone) { why } else { Lack::GoesOn.to_string() },
                });
            }
        }
        missing.sort();
        save_record(&dir, &record)?;
        let draft = Draft {
            incident: incident.id.clone(),
            state: Some(record.incident.state),
            is_final,
            ended_at: StreamTime::new(record.latest_at(), self.time_line()),
            sealed_at: incident.wall(sealed_at),
            missing: if is_final { record.missing } else { missing },
        };
        self.write_manifest(&dir, &draft)
    }

    /// Every folder without its last seal, in order.
    pub fn unsealed(&self) -> Result<Vec<Unsealed>, EvidenceError> {
        let mut found = Vec::new();
        for path in self.folders()? {
            if has_final_seal(&path) {
                continue;
            }
            let incident = folder_id(&path);
            let record = read_record(&path).ok().flatten();
            let is_to_be_sealed_again = is_seal_aside(&path);
            found.push(Unsealed { incident, path, record, is_to_be_sealed_again });
        }
        Ok(found)
    }

    /// Whether the folder of an incident was sealed and has been changed since.
    pub(crate) fn is_to_be_sealed_again(&self, incident: &IncidentRecord) -> bool {
        self.bundle_path(incident).is_ok_and(|dir| is_seal_aside(&dir))
    }

    /// How the folder of an incident stands to a later record of it.
    pub(crate) fn standing(&self, incident: &IncidentRecord) -> Standing {
        let has_steps = incident.case.as_deref().is_some_and(|case| !case.steps.is_empty());
        let Ok(dir) = self.bundle_path(incident) else { return Standing::GoesOn };
        if !has_steps {
            return Standing::GoesOn;
        }
        let kept = read_record(&dir).ok().flatten().map(|record| record.incident.history.len());
        match kept {
            None if incident.state == IncidentState::Closed && !dir.exists() => Standing::Deleted,
            Some(kept) if kept == incident.history.len() && dir.join(MANIFEST).exists() => Standing::OfCase,
            _ => Standing::GoesOn,
        }
    }

    /// Seals a folder whose incident nobody goes on with, stating `why` for what is not there.
    pub fn seal_abandoned(
        &self,
        folder: &Unsealed,
        why: &str,
        sealed_at: WallTime,
    ) -> Result<SealedBundle, EvidenceError> {
        let draft = |state, missing, ended_at| Draft {
            incident: folder.incident.clone(),
            state,
            is_final: true,
            missing,
            ended_at,
            sealed_at,
        };
        if let Some(mut record) = folder.record.clone() {
            for (what, _) in absent(&folder.path, &record) {
                record.note_missing(&what, why);
            }
            let state = record.incident.state;
            if state != IncidentState::Closed {
                record.note_missing("the end of the incident", why);
            }
            save_record(&folder.path, &record)?;
            let ended_at = StreamTime::new(record.latest_at(), record.time_line);
            return self.write_manifest(&folder.path, &draft(Some(state), record.missing, ended_at));
        }
        let missing = vec![Missing { what: RECORD.to_owned(), why: why.to_owned() }];
        self.write_manifest(&folder.path, &draft(None, missing, StreamTime::new(sealed_at, self.time_line())))
    }

    fn write_manifest(&self, dir: &Path, draft: &Draft) -> Result<SealedBundle, EvidenceError> {
        let failed = |operation, path: &Path| EvidenceError::file(&draft.incident, operation, path);
        for name in list_names(dir).map_err(failed("list the folder", dir))? {
            if name.starts_with(durable::UNFINISHED_PREFIX) {
                let rest = dir.join(name);
                durable::remove_file(&rest).map_err(failed("remove an unfinished file", &rest))?;
            }
        }
        let files = digest_folder(dir).map_err(|(path, source)| failed("read back a file", &path)(source))?;
        let signer = self.signer()?;
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            incident: draft.incident.clone(),
            state: draft.state.filter(|_| signer.is_some()),
            is_final: signer.map(|_| draft.is_final),
            agent_version: self.options().agent_version.clone(),
            device: None,
            chain: None,
            sealed_at: StreamTime::new(draft.sealed_at, self.time_line()),
            clock: self.clock_state(),
            ended_at: draft.ended_at.clone(),
            complete: draft.missing.is_empty(),
            missing: draft.missing.clone(),
            files,
        };
        if let Ok((kept, sha256)) = read_manifest(dir)
            && kept.agrees_with(&manifest)
            && kept.chain.is_some() == signer.is_some()
        {
            return Ok(self.sealed(dir, &kept, sha256));
        }
        if let Some(signer) = signer {
            return self.sign_manifest(dir, manifest, signer);
        }
        let path = dir.join(MANIFEST);
        let json = to_json(&manifest).map_err(failed("write the manifest", &path))?;
        durable::replace(&path, &json).map_err(failed("write the manifest", &path))?;
        Ok(self.sealed(dir, &manifest, hash::sha256_of_bytes(&json)))
    }

    /// Makes the manifest the next link of the chain.
    fn sign_manifest(
        &self,
        dir: &Path,
        mut manifest: Manifest,
        signer: &Signer,
    ) -> Result<SealedBundle, EvidenceError> {
        let incident = manifest.incident.clone();
        let failed = |operation, path: &Path| EvidenceError::file(&incident, operation, path);
        put_seal_aside(dir).map_err(failed("put the seal aside", dir))?;
        let (path, certificates) = (dir.join(SIGNER), signer.certificates.as_bytes());
        durable::replace(&path, certificates).map_err(failed("write the certificate", &path))?;
        let bytes = certificates.len() as u64;
        manifest.files.retain(|entry| entry.file != SIGNER);
        let sha256 = hash::sha256_of_bytes(certificates);
        manifest.files.push(ManifestEntry { file: SIGNER.to_owned(), bytes, sha256 });
        manifest.files.sort();
        let before = earlier(dir, "").map_err(failed("read the earlier seals", dir))?;
        let before = before.into_iter().flatten().last().map(|signed| signed.known);
        let supersedes = before.map(|known| Earlier { number: known.number, sha256: known.sha256 });
        let folder = Some(name_below(self.root(), dir));
        SIGNED_SCHEMA.clone_into(&mut manifest.schema);
        let head = self.append(signer, folder, |device, place| {
            manifest.device = Some(device);
            manifest.chain = Some(Place { supersedes, ..place });
            canonical(&manifest)
        })?;
        Ok(self.sealed(dir, &manifest, head.sha256))
    }

    fn sealed(&self, dir: &Path, manifest: &Manifest, manifest_sha256: String) -> SealedBundle {
        SealedBundle {
            path: dir.to_owned(),
            seal: self.seal_of(dir, manifest, &manifest_sha256),
            manifest_sha256,
            bytes: manifest.total_bytes(),
            is_complete: manifest.complete,
        }
    }

    /// The present seals that do not lie in the outbox, in their order.
    pub fn untold(&self) -> Result<Vec<(IncidentRecord, PathBuf, Seal)>, EvidenceError> {
        let head = read_head(self.root()).map_err(EvidenceError::folder("read the chain of seals", self.root()))?;
        let Some(head) = head.filter(|head| head.told < head.number && self.signing().is_some()) else {
            return Ok(Vec::new());
        };
        let mut untold = Vec::new();
        for dir in self.folders()? {
            let (Ok((manifest, sha256)), Ok(Some(record))) = (read_manifest(&dir), read_record(&dir)) else { continue };
            let seal = self.seal_of(&dir, &manifest, &sha256).filter(|seal| u64::from(seal.number) > head.told);
            untold.extend(seal.map(|seal| (record.incident, dir, seal)));
        }
        untold.sort_by_key(|(_, _, seal)| seal.number);
        Ok(untold)
    }

    /// What is said of a seal outside the box.
    pub(crate) fn seal_of(&self, dir: &Path, manifest: &Manifest, sha256: &str) -> Option<Seal> {
        let (place, device) = (manifest.chain.as_ref()?, manifest.device.as_ref()?);
        let number = |number: u64| u32::try_from(number).ok();
        Some(Seal {
            bundle: name_below(self.root(), dir),
            number: number(place.number)?,
            manifest_sha256: sha256.to_owned(),
            previous: place.previous.clone(),
            supersedes: place.supersedes.as_ref().and_then(|earlier| number(earlier.number)),
            key: device.key.to_string(),
            is_final: manifest.is_final(),
        })
    }
}

/// Whether the folder's seal was put aside for a change, and no other has come in its place.
fn is_seal_aside(dir: &Path) -> bool {
    !dir.join(MANIFEST).exists() && earlier_numbers(dir).is_ok_and(|numbers| !numbers.is_empty())
}

/// Files that the incident should have and that are not there, with why as far as the folder tells.
fn absent(dir: &Path, record: &BundleRecord) -> Vec<(String, String)> {
    let mut gaps = Vec::new();
    let has_snapshot = |moment| record.snapshots.iter().any(|s| s.moment == moment);
    let has_clip = |file: &str| record.clips.iter().any(|c| plain_name(&c.file) == file);
    let is_confirmed = record.history.iter().any(|t| t.state == IncidentState::Confirmed);
    let has_come_out = record.history.iter().any(|t| t.state.is_outcome());
    for (moment, is_due) in [(Moment::Confirmed, is_confirmed), (Moment::Ended, has_come_out)] {
        if is_due && !has_snapshot(moment) {
            gaps.push((format!("{moment}.jpg"), Lack::NoFrame.to_string()));
        }
        let clip = format!("{moment}.mp4");
        if is_due && !has_clip(&clip) {
            gaps.push((clip, Lack::NoClip.to_string()));
        }
    }
    let snapshots = record.snapshots.iter().flat_map(|s| [&s.file, &s.marked_file]);
    let closeups = record.closeups.iter().map(|c| &c.file);
    for file in snapshots.chain(record.clips.iter().map(|c| &c.file)).chain(closeups) {
        if !dir.join(file).is_file() {
            gaps.push((file.clone(), Lack::Gone.to_string()));
        }
    }
    gaps
}
