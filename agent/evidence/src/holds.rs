//! Bundles that may not be deleted, because somebody needs them as evidence.
//!
//! `holds/INCIDENT.json` beside the folders of days is the hold. Nothing is deleted while it is there, from the moment at
//! which it was written. Only one process may lengthen the chain, so whoever holds or releases leaves his word in that
//! file, and the agent, or the command where no agent runs, makes it a link of the chain.

use std::fs;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_domain::WallTime;
use forewarn_seal::{Custody, Link, canonical};
use serde::{Deserialize, Serialize};

use crate::chain_file::link;
use crate::error::EvidenceError;
use crate::store::{EvidenceStore, folder_id, is_safe_name};
use crate::words;

/// Where the holds lie.
const HOLDS: &str = "holds";

/// The content of a hold's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hold {
    /// Who holds what, or releases it, and why.
    custody: Custody,
    /// When.
    at: String,
    /// Whether it is held no longer, once the chain says so.
    is_released: bool,
    /// Whether the chain says so.
    is_noted: bool,
}

/// The file of an incident's hold, below the folder of all evidence.
pub(crate) fn hold_file(root: &Path, incident: &str) -> PathBuf {
    root.join(HOLDS).join(format!("{incident}.json"))
}

impl EvidenceStore {
    /// Whether the bundle of an incident may not be deleted.
    pub(crate) fn is_held(&self, incident: &str) -> bool {
        // What cannot be looked at may be a hold.
        hold_file(self.root(), incident).try_exists().unwrap_or(true)
    }

    /// The folder of an incident, by its name.
    pub fn folder_of(&self, incident: &str) -> Result<PathBuf, EvidenceError> {
        let found = self.folders()?.into_iter().find(|dir| folder_id(dir).as_str() == incident);
        found.ok_or_else(|| EvidenceError::NoBundle { incident: incident.to_owned(), root: self.root().to_owned() })
    }

    /// Keeps the bundle of an incident from being deleted, from now on.
    pub fn hold(&self, custody: Custody, now: WallTime) -> Result<(), EvidenceError> {
        self.folder_of(&custody.incident)?;
        self.write_hold(&Hold { custody, at: now.to_rfc3339(), is_released: false, is_noted: false })
    }

    /// Lets the bundle of an incident go, once the chain says so.
    pub fn release(&self, custody: Custody, now: WallTime) -> Result<(), EvidenceError> {
        if !is_safe_name(&custody.incident) || !self.is_held(&custody.incident) {
            return Err(EvidenceError::NotHeld { incident: custody.incident });
        }
        self.write_hold(&Hold { custody, at: now.to_rfc3339(), is_released: true, is_noted: false })
    }

    /// Writes into the chain what was held and released meanwhile. Only for whoever may lengthen the chain.
    pub(crate) fn note_holds(&self, now: WallTime) -> Result<(), EvidenceError> {
        for path in self.hold_files()? {
            let failed = EvidenceError::folder("read a hold", &path);
            let bytes = fs::read(&path).map_err(failed)?;
            // A spoilt one holds, but says nothing that could be signed.
            let Ok(hold) = serde_json::from_slice::<Hold>(&bytes) else { continue };
            if hold.is_noted {
                continue;
            }
            if let Some(signer) = self.signer()? {
                let (said, is_released) = (Some(hold.custody.clone()), hold.is_released);
                self.append(signer, None, |device, chain| {
                    let link = link(device, chain, now);
                    let link = if is_released { Link { release: said, ..link } } else { Link { hold: said, ..link } };
                    canonical(&link)
                })?;
            }
            // Somebody may have said something else meanwhile, which comes next.
            if fs::read(&path).is_ok_and(|kept| kept != bytes) {
                continue;
            }
            if hold.is_released {
                durable::remove_file(&path).map_err(EvidenceError::folder("remove a hold", &path))?;
            } else {
                self.write_hold(&Hold { is_noted: true, ..hold })?;
            }
        }
        Ok(())
    }

    fn write_hold(&self, hold: &Hold) -> Result<(), EvidenceError> {
        let path = hold_file(self.root(), &hold.custody.incident);
        words::leave(&path, self.root(), hold).map_err(EvidenceError::folder("write a hold", &path))
    }

    fn hold_files(&self) -> Result<Vec<PathBuf>, EvidenceError> {
        let dir = self.root().join(HOLDS);
        words::left_in(&dir).map_err(EvidenceError::folder("list the holds", &dir))
    }
}
