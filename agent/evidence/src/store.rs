//! The evidence store: where the folders of incidents lie, and opening one of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock};

use forewarn_base::sync::lock;
use forewarn_base::{durable, private};
use forewarn_domain::{IncidentId, IncidentRecord, WallTime};
use forewarn_seal::age::Recipient;

use crate::chain_end::ChainEnd;
use crate::clock_state::{ClockState, ClockTeller};
use crate::error::EvidenceError;
use crate::keys::{Signer, Signing};
use crate::manifest::list_names;
use crate::manifest_file::read_manifest;
use crate::record::{BundleRecord, TimeLine};
use crate::record_file::{RECORD, has_final_seal, read_record};
use crate::retention::{BundleInfo, Limits};

/// Begins the name of a folder that is about to be deleted.
pub(crate) const DELETING_PREFIX: &str = ".deleting-";

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

/// How a folder below `root` is called outside the box: by its way from there.
pub(crate) fn name_below(root: &Path, dir: &Path) -> String {
    dir.strip_prefix(root).unwrap_or(dir).to_string_lossy().into_owned()
}

/// Whether an incident's id names a file or a folder of its own, and leads nowhere else.
pub(crate) fn is_safe_name(id: &str) -> bool {
    (1..=200).contains(&id.len()) && !id.starts_with('.') && !id.contains(['/', '\\', '\0'])
}

/// Keeps the evidence of incidents under one root folder. One writer at a time.
#[derive(Debug)]
pub struct EvidenceStore {
    root: PathBuf,
    options: StoreOptions,
    signing: Option<Signing>,
    clock: Option<ClockTeller>,
    signer: OnceLock<Signer>,
    has_credentials: bool,
    /// Who alone can open pictures and clips; everybody if absent.
    pub(crate) recipient: Option<Recipient>,
    /// The last link that this process made.
    end: Mutex<Option<ChainEnd>>,
    /// Whether the folder of the chain is away, and evidence is kept beside it.
    pub(crate) away: AtomicBool,
}

impl EvidenceStore {
    /// A store that nothing is known of yet: its disk may be away.
    pub fn new(root: impl Into<PathBuf>, options: StoreOptions) -> Self {
        Self {
            root: root.into(),
            options,
            signing: None,
            clock: None,
            signer: OnceLock::new(),
            has_credentials: false,
            recipient: None,
            end: Mutex::default(),
            away: AtomicBool::new(false),
        }
    }

    /// Signs its seals, each as a link of one chain. Without this they are plain lists of hashes.
    #[must_use]
    pub fn signed_by(mut self, signing: Signing) -> Self {
        self.signing = Some(signing);
        self
    }

    /// Has pictures and clips say what they are wherever they go, where they are signed.
    #[must_use]
    pub fn with_credentials(mut self, has_credentials: bool) -> Self {
        self.has_credentials = has_credentials;
        self
    }

    /// Whether pictures and clips say what they are.
    pub(crate) fn has_credentials(&self) -> bool {
        self.has_credentials
    }

    /// Says in each manifest how the clock stood.
    #[must_use]
    pub fn dated_by(mut self, clock: ClockTeller) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Opens a store that must be there now; see [`Self::prepare`].
    pub fn open(root: impl Into<PathBuf>, options: StoreOptions) -> Result<Self, EvidenceError> {
        let store = Self::new(root, options);
        store.prepare()?;
        Ok(store)
    }

    /// Makes the root if need be, checks that it can be written, and finishes deletions that a crash interrupted.
    pub fn prepare(&self) -> Result<(), EvidenceError> {
        self.prepare_place()?;
        if self.is_away() { Ok(()) } else { self.recover_chain() }
    }

    /// The same, without the chain.
    pub(crate) fn prepare_place(&self) -> Result<(), EvidenceError> {
        let root = &self.place();
        let refused = |source| EvidenceError::Root { path: root.clone(), source };
        private::create_dirs(root).map_err(refused)?;
        let probe = root.join(".writable");
        durable::replace(&probe, b"written").and_then(|()| durable::remove_file(&probe)).map_err(refused)?;
        for name in list_names(root).map_err(refused)? {
            if name.starts_with(DELETING_PREFIX) {
                durable::remove_dir_all(&root.join(name)).map_err(refused)?;
            }
        }
        Ok(())
    }

    /// How the clock stands; none where nobody says.
    pub(crate) fn clock_state(&self) -> Option<ClockState> {
        self.clock.as_ref().map(ClockTeller::tell)
    }

    /// Where the keys lie; none if nothing is signed.
    pub(crate) fn signing(&self) -> Option<&Signing> {
        self.signing.as_ref()
    }

    /// Who signs; none if nothing is signed.
    pub(crate) fn signer(&self) -> Result<Option<&Signer>, EvidenceError> {
        let Some(signing) = &self.signing else { return Ok(None) };
        match self.signer.get() {
            Some(signer) => signing.keep(signer)?,
            None => drop(self.signer.set(signing.load_or_make()?)),
        }
        Ok(self.signer.get())
    }

    /// The last link that this process made, if any.
    pub(crate) fn chain_end(&self) -> Option<ChainEnd> {
        lock(&self.end).clone()
    }

    pub(crate) fn remember_end(&self, end: &ChainEnd) {
        *lock(&self.end) = Some(end.clone());
    }

    pub(crate) fn forget_signer(&mut self) {
        self.signer = OnceLock::new();
    }

    /// Makes the key at the first start, so that it is there before anything is sealed.
    pub fn make_key(&self) -> Result<(), EvidenceError> {
        self.signer().map(drop)
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn options(&self) -> &StoreOptions {
        &self.options
    }

    pub(crate) fn time_line(&self) -> TimeLine {
        self.options.time_line
    }

    /// The folder of an incident, whether or not it exists: `ROOT/YYYY-MM-DD/ID`, by the UTC day of its first state. While the
    /// folder of the chain is away, it lies beside that.
    pub fn bundle_path(&self, incident: &IncidentRecord) -> Result<PathBuf, EvidenceError> {
        if !is_safe_name(incident.id.as_str()) {
            return Err(EvidenceError::UnsafeId { incident: incident.id.clone() });
        }
        Ok(self.place().join(incident.bundle()))
    }

    /// Every folder with its size, in order; for retention and for people.
    pub fn bundles(&self) -> Result<Vec<BundleInfo>, EvidenceError> {
        self.folders()?.into_iter().map(|path| self.bundle_info(path)).collect()
    }

    fn bundle_info(&self, path: PathBuf) -> Result<BundleInfo, EvidenceError> {
        let incident = folder_id(&path);
        let manifest = read_manifest(&path).ok().map(|(manifest, _)| manifest);
        let (is_sealed, is_held) = (has_final_seal(&path), self.is_held(incident.as_str()));
        let mut bytes = 0;
        let listed = EvidenceError::folder("measure a folder", &path);
        for entry in fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(listed)? {
            bytes += entry.metadata().map_or(0, |meta| meta.len());
        }
        let ended_at = WallTime::from_secs_f64(manifest.map_or(0.0, |m| m.ended_at.seconds));
        Ok(BundleInfo { incident, path, bytes, is_sealed, is_held, ended_at })
    }

    /// The folders of all incidents, by day and id.
    pub(crate) fn folders(&self) -> Result<Vec<PathBuf>, EvidenceError> {
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
        durable::create_dirs(&dir, &self.place()).map_err(EvidenceError::file(
            &incident.id,
            "make the folder",
            &dir,
        ))?;
        let mut record = read_record(&dir)
            .map_err(EvidenceError::file(&incident.id, "read the record", &dir.join(RECORD)))?
            .unwrap_or_else(|| BundleRecord::new(incident, title, self.options.time_line));
        record.set_incident(incident);
        Ok((dir, record))
    }
}

/// The incident of a folder, by its name.
pub(crate) fn folder_id(path: &Path) -> IncidentId {
    IncidentId::from_stored(&path.file_name().unwrap_or_default().to_string_lossy())
}

/// Folders below `dir` in order, hidden ones left out.
pub(crate) fn subfolders(dir: &Path) -> Result<Vec<PathBuf>, EvidenceError> {
    let names = list_names(dir).map_err(EvidenceError::folder("list a folder", dir))?;
    Ok(names.into_iter().filter(|n| !n.starts_with('.')).map(|n| dir.join(n)).filter(|p| p.is_dir()).collect())
}
