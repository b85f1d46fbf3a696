//! Carrying out retention: what the plan lets go is deleted, whole or not at all.

use std::fs;
use std::path::Path;
use std::time::Duration;

use forewarn_base::durable;
use forewarn_domain::{IncidentId, WallTime};
use forewarn_seal::{Custody, Removal, Removed};

use crate::chain_search::{Signed, all_seals};
use crate::error::EvidenceError;
use crate::record_file::has_final_seal;
use crate::retention::{FreeSpace, RetentionEvent, UpstreamState, plan_retention};
use crate::store::{DELETING_PREFIX, EvidenceStore, folder_id};

/// What a run of retention did.
#[derive(Debug, Default)]
pub struct RetentionOutcome {
    /// What was deleted, in order, and whether that sufficed.
    pub events: Vec<RetentionEvent>,
    /// Folders that were to be deleted and could not be.
    pub failures: Vec<EvidenceError>,
}

impl EvidenceStore {
    /// Deletes what the limits demand and allow, by the rules of [`plan_retention`].
    ///
    /// A folder that cannot be deleted does not keep the others from being tried.
    pub fn enforce_retention(
        &self,
        age: &dyn Fn(WallTime) -> Duration,
        space: &dyn FreeSpace,
        upstream: &dyn Fn(&IncidentId) -> UpstreamState,
        now: WallTime,
    ) -> Result<RetentionOutcome, EvidenceError> {
        let free = space.free_bytes(self.root()).map_err(EvidenceError::folder("read the free space", self.root()))?;
        self.note_words(now)?;
        let bundles = self.bundles()?;
        let plan = plan_retention(&bundles, &self.options().limits, age, free, upstream);
        let mut outcome = RetentionOutcome::default();
        for event in plan {
            let (incident, why) = match &event {
                RetentionEvent::Deleted { incident, reason, .. } => (Some(incident), reason.as_str()),
                RetentionEvent::DeletedUnacknowledged { incident, .. } => (Some(incident), "disk_space_unacknowledged"),
                RetentionEvent::StillOver { .. } => (None, ""),
            };
            let deleted = incident.and_then(|incident| bundles.iter().find(|b| b.incident == *incident));
            match deleted.map_or(Ok(()), |bundle| self.delete(&bundle.path, (None, None, why), now)) {
                Ok(()) => outcome.events.push(event),
                Err(error) => outcome.failures.push(error),
            }
        }
        Ok(outcome)
    }

    /// Deletes the bundle of an incident that is closed, because somebody wants it. Only for whoever may lengthen the chain.
    pub fn prune(&self, custody: &Custody, now: WallTime) -> Result<(), EvidenceError> {
        self.note_words(now)?;
        let dir = self.folder_of(&custody.incident)?;
        if !has_final_seal(&dir) {
            return Err(EvidenceError::GoesOn { incident: custody.incident.clone() });
        }
        self.delete(&dir, (Some(&custody.who), custody.user.as_deref(), &custody.why), now)
    }

    /// Writes into the chain that a bundle with seals goes, and deletes it.
    fn delete(
        &self,
        path: &Path,
        (who, user, why): (Option<&str>, Option<&str>, &str),
        now: WallTime,
    ) -> Result<(), EvidenceError> {
        let incident = folder_id(path).to_string();
        // Somebody may have asked for it since the plan was made.
        if self.is_held(&incident) {
            return Err(EvidenceError::Held { incident });
        }
        let seals = all_seals(path, "").map_err(EvidenceError::folder("read the seals of a folder", path))?;
        if !seals.is_empty() {
            let removed = |seal: Signed| Removed {
                number: seal.known.number,
                sha256: seal.known.sha256,
                previous: seal.known.previous,
            };
            let seals = seals.into_iter().map(removed).collect();
            let (why, who, user) = (why.to_owned(), who.map(str::to_owned), user.map(str::to_owned));
            self.append_removal(path, Removal { incident, why, who, user, seals }, now)?;
        }
        self.delete_now(path)
    }

    /// Takes a folder out of sight by one rename, so that a crash leaves no half of it, and then deletes it.
    pub(crate) fn delete_now(&self, path: &Path) -> Result<(), EvidenceError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let doomed = self.root().join(format!("{DELETING_PREFIX}{name}"));
        let day = path.parent().unwrap_or(self.root());
        durable::rename(path, &doomed)
            .and_then(|()| durable::sync_dir(self.root()))
            .and_then(|()| durable::remove_dir_all(&doomed))
            .map_err(EvidenceError::folder("delete a folder", path))?;
        // Fails while other incidents of the day are kept, which is as it should be.
        let _ = fs::remove_dir(day);
        Ok(())
    }
}
