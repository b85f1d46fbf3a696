//! The evidence store: adds files to the folders of incidents, seals them, finds what a crash left open, and deletes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::{durable, hash};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use forewarn_domain::{Frame, IncidentId, IncidentRecord, IncidentState, Moment, Timestamp};

use crate::error::EvidenceError;
use crate::manifest::{MANIFEST, Manifest, digest_folder, list_names};
use crate::marking::{Overlay, marked};
use crate::record::{BundleRecord, ClipEntry, ClipFacts, Missing, SCHEMA, SnapshotEntry, StreamTime, TimeLine};
use crate::retention::{BundleInfo, FreeSpace, Limits, RetentionEvent, UpstreamState, plan_retention};
use crate::verify::read_manifest;

const RECORD: &str = "incident.json";
const DELETING_PREFIX: &str = ".deleting-";
/// High enough that a number plate stays readable, low enough that a 1080p frame takes about 500 KiB.
const JPEG_QUALITY: u8 = 88;

/// How a store keeps its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// How much is kept.
    pub limits: Limits,
    /// What the timestamps count from.
    pub time_line: TimeLine,
    /// The agent's version, written into manifests.
    pub agent_version: String,
}

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

/// What a run of retention did.
#[derive(Debug, Default)]
pub struct RetentionOutcome {
    /// What was deleted, in order, and whether that sufficed.
    pub events: Vec<RetentionEvent>,
    /// Folders that were to be deleted and could not be.
    pub failures: Vec<EvidenceError>,
}

/// Keeps the evidence of incidents under one root folder. One writer at a time.
#[derive(Debug)]
pub struct EvidenceStore {
    root: PathBuf,
    options: StoreOptions,
}

impl EvidenceStore {
    /// Opens the store, makes its root if need be, checks that it can be written, and finishes deletions that a
    /// crash interrupted.
    pub fn open(root: impl Into<PathBuf>, options: StoreOptions) -> Result<Self, EvidenceError> {
        let root = root.into();
        let refused = |source| EvidenceError::Root { path: root.clone(), source };
        fs::create_dir_all(&root).map_err(refused)?;
        let probe = root.join(".writable");
        durable::replace(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(refused)?;
        for name in list_names(&root).map_err(refused)? {
            if name.starts_with(DELETING_PREFIX) {
                fs::remove_dir_all(root.join(name)).map_err(refused)?;
            }
        }
        Ok(Self { root, options })
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn time_line(&self) -> TimeLine {
        self.options.time_line
    }

    /// The folder of an incident, whether or not it exists: `ROOT/YYYY-MM-DD/ID`, by the UTC day of its first state.
    pub fn bundle_path(&self, incident: &IncidentRecord) -> Result<PathBuf, EvidenceError> {
        let id = incident.id.as_str();
        let is_safe = (1..=200).contains(&id.len()) && !id.starts_with('.') && !id.contains(['/', '\\', '\0']);
        if !is_safe {
            return Err(EvidenceError::UnsafeId { incident: incident.id.clone() });
        }
        let began = incident.history.first().map_or(Timestamp::ZERO, |t| t.at).to_rfc3339();
        let day = began.split('T').next().unwrap_or("undated");
        Ok(self.root.join(day).join(id))
    }

    /// Keeps the clean and the marked snapshot of a moment.
    ///
    /// A moment that is kept already stays as it is; what is returned tells of the one kept.
    pub fn add_snapshot(
        &self,
        incident: &IncidentRecord,
        moment: Moment,
        frame: &Frame,
        overlay: &Overlay,
    ) -> Result<SnapshotEntry, EvidenceError> {
        let (dir, mut record) = self.open_bundle(incident, &overlay.title)?;
        let kept = record.snapshots.iter().find(|s| s.moment == moment);
        if let Some(kept) = kept.filter(|s| dir.join(&s.file).is_file() && dir.join(&s.marked_file).is_file()) {
            return Ok(kept.clone());
        }
        let entry = SnapshotEntry {
            moment,
            file: format!("{moment}.jpg"),
            marked_file: format!("{moment}-marked.jpg"),
            width: frame.width,
            height: frame.height,
            frame_sequence: frame.meta.sequence,
            captured_at: StreamTime::new(frame.meta.captured_at, self.options.time_line),
        };
        refuse_if_sealed(&dir, incident, &entry.file)?;
        let encode = |rgb: &[u8], width, height| {
            jpeg(rgb, width, height).map_err(|source| EvidenceError::Encode {
                incident: incident.id.clone(),
                what: format!("{moment} snapshot"),
                source,
            })
        };
        let clean = encode(&frame.to_rgb8(), frame.width, frame.height)?;
        // The caption below the picture makes the marked copy higher than the frame.
        let picture = marked(frame, incident, moment, overlay);
        let drawn = encode(picture.as_raw(), picture.width(), picture.height())?;
        for (name, bytes) in [(&entry.file, clean), (&entry.marked_file, drawn)] {
            let path = dir.join(name);
            durable::replace(&path, &bytes).map_err(EvidenceError::file(&incident.id, "write a snapshot", &path))?;
        }
        record.put_snapshot(entry.clone());
        save_record(&dir, &record)?;
        Ok(entry)
    }

    /// Moves a finished clip into the incident's folder as `<name>.mp4`.
    ///
    /// A clip of that name that is kept already stays, and `temp` is left where it is.
    pub fn add_clip(
        &self,
        incident: &IncidentRecord,
        title: &str,
        name: &str,
        temp: &Path,
        facts: &ClipFacts,
    ) -> Result<ClipEntry, EvidenceError> {
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
            return Err(EvidenceError::UnsafeName { incident: incident.id.clone(), name: name.to_owned() });
        }
        let (dir, mut record) = self.open_bundle(incident, title)?;
        let file = format!("{name}.mp4");
        let path = dir.join(&file);
        if let Some(kept) = record.clips.iter().find(|c| c.file == file && path.is_file()) {
            return Ok(kept.clone());
        }
        refuse_if_sealed(&dir, incident, &file)?;
        let at = |time| StreamTime::new(time, self.options.time_line);
        let bytes = fs::metadata(temp).map_err(EvidenceError::file(&incident.id, "read the clip", temp))?.len();
        durable::move_file(temp, &path).map_err(EvidenceError::file(&incident.id, "move the clip in", &path))?;
        let entry = ClipEntry {
            moment: facts.moment,
            file,
            from: at(facts.from),
            to: at(facts.to),
            codec: facts.codec.clone(),
            width: facts.width,
            height: facts.height,
            access_units: facts.access_units,
            bytes,
        };
        record.put_clip(entry.clone());
        save_record(&dir, &record)?;
        Ok(entry)
    }

    /// Notes that a file will not come, such as a clip of a stream that was interrupted. A no-op once sealed.
    pub fn note_missing(
        &self,
        incident: &IncidentRecord,
        title: &str,
        what: &str,
        why: &str,
    ) -> Result<(), EvidenceError> {
        let (dir, mut record) = self.open_bundle(incident, title)?;
        if dir.join(MANIFEST).exists() {
            return Ok(());
        }
        record.note_missing(what, why);
        save_record(&dir, &record)
    }

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
        let ended_at = StreamTime::new(record.latest_at(), self.options.time_line);
        self.write_manifest(&dir, &incident.id, record.missing, ended_at, sealed_at)
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
        sealed_at: Timestamp,
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
        let ended_at = StreamTime::new(sealed_at, self.options.time_line);
        self.write_manifest(&folder.path, &folder.incident, missing, ended_at, sealed_at)
    }

    /// Every folder with its size, in order; for retention and for people.
    pub fn bundles(&self) -> Result<Vec<BundleInfo>, EvidenceError> {
        self.folders()?.into_iter().map(bundle_info).collect()
    }

    /// Deletes what the limits demand and allow, by the rules of [`plan_retention`].
    ///
    /// A folder that cannot be deleted does not keep the others from being tried.
    pub fn enforce_retention(
        &self,
        now: Timestamp,
        space: &dyn FreeSpace,
        upstream: &dyn Fn(&IncidentId) -> UpstreamState,
    ) -> Result<RetentionOutcome, EvidenceError> {
        let free = space.free_bytes(&self.root).map_err(EvidenceError::folder("read the free space", &self.root))?;
        let bundles = self.bundles()?;
        let plan = plan_retention(&bundles, &self.options.limits, now, free, upstream);
        let mut outcome = RetentionOutcome::default();
        for event in plan {
            let deleted = match &event {
                RetentionEvent::Deleted { incident, .. } | RetentionEvent::DeletedUnacknowledged { incident, .. } => {
                    bundles.iter().find(|b| b.incident == *incident)
                }
                RetentionEvent::StillOver { .. } => None,
            };
            match deleted.map_or(Ok(()), |bundle| self.delete(&bundle.path)) {
                Ok(()) => outcome.events.push(event),
                Err(error) => outcome.failures.push(error),
            }
        }
        Ok(outcome)
    }

    /// Takes a folder out of sight by one rename, so that a crash leaves no half of it, and then deletes it.
    fn delete(&self, path: &Path) -> Result<(), EvidenceError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let doomed = self.root.join(format!("{DELETING_PREFIX}{name}"));
        let day = path.parent().unwrap_or(&self.root);
        fs::rename(path, &doomed)
            .and_then(|()| durable::sync_dir(&self.root))
            .and_then(|()| fs::remove_dir_all(&doomed))
            .map_err(EvidenceError::folder("delete a folder", path))?;
        // Fails while other incidents of the day are kept, which is as it should be.
        let _ = fs::remove_dir(day);
        Ok(())
    }

    /// The folders of all incidents, by day and id.
    fn folders(&self) -> Result<Vec<PathBuf>, EvidenceError> {
        let mut found = Vec::new();
        for day in subfolders(&self.root)? {
            found.extend(subfolders(&day)?);
        }
        Ok(found)
    }

    /// The folder of an incident, made if need be, and its record, new if there is none or it is unreadable.
    pub(crate) fn open_bundle(
        &self,
        incident: &IncidentRecord,
        title: &str,
    ) -> Result<(PathBuf, BundleRecord), EvidenceError> {
        let dir = self.bundle_path(incident)?;
        durable::create_dirs(&dir, &self.root).map_err(EvidenceError::file(&incident.id, "make the folder", &dir))?;
        let mut record = read_record(&dir)
            .map_err(EvidenceError::file(&incident.id, "read the record", &dir.join(RECORD)))?
            .unwrap_or_else(|| BundleRecord::new(incident, title, self.options.time_line));
        record.set_incident(incident);
        Ok((dir, record))
    }

    fn write_manifest(
        &self,
        dir: &Path,
        incident: &IncidentId,
        missing: Vec<Missing>,
        ended_at: StreamTime,
        sealed_at: Timestamp,
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
            agent_version: self.options.agent_version.clone(),
            sealed_at: StreamTime::new(sealed_at, self.options.time_line),
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

pub(crate) fn jpeg(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(rgb, width, height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

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
fn read_record(dir: &Path) -> io::Result<Option<BundleRecord>> {
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

fn to_json<T: serde::Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    Ok(json)
}

fn folder_id(path: &Path) -> IncidentId {
    IncidentId::from_stored(&path.file_name().unwrap_or_default().to_string_lossy())
}

fn bundle_info(path: PathBuf) -> Result<BundleInfo, EvidenceError> {
    let incident = folder_id(&path);
    let manifest = read_manifest(&path).ok().map(|(manifest, _)| manifest);
    let is_sealed = path.join(MANIFEST).exists();
    let mut bytes = 0;
    let listed = EvidenceError::folder("measure a folder", &path);
    for entry in fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(listed)? {
        bytes += entry.metadata().map_or(0, |meta| meta.len());
    }
    let ended_at = manifest.map_or(Timestamp::ZERO, |m| Timestamp::from_secs_f64(m.ended_at.seconds));
    Ok(BundleInfo { incident, path, bytes, is_sealed, ended_at })
}

/// Folders below `dir` in order, hidden ones left out.
fn subfolders(dir: &Path) -> Result<Vec<PathBuf>, EvidenceError> {
    let names = list_names(dir).map_err(EvidenceError::folder("list a folder", dir))?;
    Ok(names.into_iter().filter(|n| !n.starts_with('.')).map(|n| dir.join(n)).filter(|p| p.is_dir()).collect())
}
