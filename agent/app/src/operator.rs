//! The incidents of which operators say something, and what is kept of them.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use forewarn_domain::{IncidentId, IncidentRecord};
use forewarn_evidence::{Limits, TimeLine};
use forewarn_report::IncidentLedger;

use crate::config::StorageDir;
use crate::evidence_folder;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// An incident that the agent remembers.
pub fn incident(storage: &StorageDir, id: &str) -> Result<IncidentRecord, CommandError> {
    let path = storage.outbox();
    let unknown = |why: String| CommandError { code: ExitCode::BadInput, error: anyhow!("--incident {id}: {why}") };
    if !path.exists() {
        return Err(unknown(format!("{} does not exist, so this site's agent has never run", path.display())));
    }
    let ledger = IncidentLedger::open(&path).or_exit(ExitCode::Failed)?;
    let entry = ledger.incident(&IncidentId::from_stored(id)).or_exit(ExitCode::Failed)?;
    entry.map(|entry| entry.record).ok_or_else(|| {
        unknown("the agent remembers no such incident; evidence folders and reports carry the ids".to_owned())
    })
}

/// The folder of an incident's evidence; none if nothing is kept of it.
pub fn bundle(storage: &StorageDir, record: &IncidentRecord) -> Result<Option<PathBuf>, CommandError> {
    if !storage.evidence().is_dir() {
        return Ok(None);
    }
    let store =
        evidence_folder::open_store(storage, Limits::default(), TimeLine::WallClock).or_exit(ExitCode::Failed)?;
    let path = store.bundle_path(record).or_exit(ExitCode::Failed)?;
    Ok(Some(path).filter(|path| path.is_dir()))
}

/// The clean picture of an incident's confirmation, if it is kept.
pub fn confirmed_picture(bundle: Option<&Path>) -> Option<PathBuf> {
    bundle.map(|dir| dir.join("confirmed.jpg")).filter(|path| path.is_file())
}
