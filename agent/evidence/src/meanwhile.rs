//! Where evidence is kept while the folder of the chain is away, and how it gets into that folder when it is back.
//!
//! The place where a file system is mounted belongs to another disk while it is not: what is kept there is hidden as soon as it
//! is mounted again. So evidence of that time goes into a folder beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use forewarn_base::durable;
use forewarn_domain::IncidentRecord;

use crate::error::EvidenceError;
use crate::manifest::{MANIFEST, SIGNER, list_names};
use crate::record::BundleRecord;
use crate::record_file::{RECORD, put_seal_aside, read_record, save_record};
use crate::setting::SETTING;
use crate::store::{EvidenceStore, folder_id, subfolders};

/// What the folder's name has behind that of the root.
const BESIDE: &str = "-meanwhile";
/// What is kept under another name, as the bundle has a file of that name.
const SECOND: &str = "meanwhile-";

impl EvidenceStore {
    /// The folder beside the root.
    pub(crate) fn meanwhile(&self) -> PathBuf {
        let mut name = self.root().file_name().unwrap_or_default().to_owned();
        name.push(BESIDE);
        self.root().with_file_name(name)
    }

    /// Whether the folder of the chain is away.
    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Below what the folders of incidents lie now.
    pub(crate) fn place(&self) -> PathBuf {
        if self.is_away() { self.meanwhile() } else { self.root().to_owned() }
    }

    /// Keeps evidence beside the folder from now on. What has come into its place since it is away goes there, too.
    pub(crate) fn leave(&self) -> Result<(), EvidenceError> {
        self.away.store(true, Ordering::Relaxed);
        self.prepare_place()?;
        if !self.root().is_dir() {
            return Ok(());
        }
        for dir in self.folders()?.into_iter().filter(|dir| !dir.join(MANIFEST).exists()) {
            let to = bundle_in(&self.meanwhile(), &dir);
            unite(&dir, &to, &self.meanwhile()).map_err(EvidenceError::folder("move a folder", &dir))?;
        }
        Ok(())
    }

    /// Brings what was kept beside the folder into it. Gives the incidents of which something came.
    pub(crate) fn join(&self) -> Result<Vec<IncidentRecord>, EvidenceError> {
        let beside = self.meanwhile();
        let mut joined = Vec::new();
        if self.signing().is_some() && beside.is_dir() {
            for day in subfolders(&beside)? {
                for dir in subfolders(&day)? {
                    let to = bundle_in(self.root(), &dir);
                    unite(&dir, &to, self.root()).map_err(EvidenceError::folder("move a folder", &dir))?;
                    joined.extend(read_record(&to).ok().flatten().map(|record| record.incident));
                }
                // A day in which somebody else put something stays.
                let _ = fs::remove_dir(&day);
            }
            let _ = fs::remove_dir(&beside);
        }
        self.away.store(false, Ordering::Relaxed);
        Ok(joined)
    }
}

/// Where the folder of an incident lies below another root.
fn bundle_in(root: &Path, dir: &Path) -> PathBuf {
    let day = dir.parent().and_then(Path::file_name).unwrap_or_default();
    root.join(day).join(folder_id(dir).as_str())
}

/// Moves a folder; where there is one of that incident, moves what is in it, and takes its record over, last. After a kill
/// in between, the rest is moved by the next call.
fn unite(from: &Path, to: &Path, root: &Path) -> io::Result<()> {
    let day = to.parent().unwrap_or(root);
    durable::create_dirs(day, root)?;
    if !to.exists() {
        match durable::rename(from, to) {
            Ok(()) => return durable::sync_dir(day),
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => durable::create_dirs(to, root)?,
            Err(error) => return Err(error),
        }
    }
    put_seal_aside(to)?;
    for name in list_names(from)?.into_iter().filter(|name| name != RECORD) {
        let (file, mut place) = (from.join(&name), to.join(&name));
        if name.starts_with(durable::UNFINISHED_PREFIX) || has(&place, &name, &file) {
            durable::remove_file(&file)?;
            continue;
        }
        if place.exists() {
            place = to.join(format!("{SECOND}{name}"));
        }
        durable::move_file(&file, &place)?;
    }
    if let Some(record) = read_record(from)? {
        let both = match read_record(to)? {
            Some(kept) => kept.joined(record),
            None => record,
        };
        save_record(to, &both).map_err(io::Error::other)?;
    }
    durable::remove_dir_all(from)
}

/// Whether a bundle needs no second file of this name: that of its beginning counts, or it is the same.
fn has(place: &Path, name: &str, file: &Path) -> bool {
    let counts_first = [SIGNER, SETTING].contains(&name);
    place.exists() && (counts_first || matches!((fs::read(place), fs::read(file)), (Ok(a), Ok(b)) if a == b))
}

impl BundleRecord {
    /// What this record says, and what one that was kept meanwhile says beyond it.
    fn joined(mut self, other: Self) -> Self {
        self.set_incident(&other.incident);
        for entry in other.snapshots {
            if !self.snapshots.iter().any(|kept| kept.moment == entry.moment) {
                self.put_snapshot(entry);
            }
        }
        for entry in other.clips {
            if !self.clips.iter().any(|kept| kept.file == entry.file) {
                self.put_clip(entry);
            }
        }
        for entry in other.closeups {
            if !self.closeups.iter().any(|kept| kept.file == entry.file) {
                self.put_closeup(entry);
            }
        }
        for gap in other.missing {
            self.note_missing(&gap.what, &gap.why);
        }
        self
    }
}
