//! When the folders of incidents are sealed: at their escalation, after each change from then on, and at their end.

use forewarn_domain::{IncidentId, IncidentRecord, IncidentState, Timestamp, WallTime};

use super::{EvidenceKeeper, KeeperNews, MOST_TO_SEAL};
use crate::error::EvidenceError;
use crate::lack::Lack;
use crate::seal::Standing;

impl EvidenceKeeper {
    /// The folder of an incident is to be sealed: when it is escalated as it is then, and again whenever it changes; when it is
    /// closed as soon as its clips are written. Steps of its case wait a moment for each other; where retention has deleted the
    /// folder meanwhile, they make no new one.
    pub fn seal_soon(&mut self, record: IncidentRecord, now: Timestamp) {
        let standing = if self.failing.is_some() { Standing::GoesOn } else { self.store.standing(&record) };
        let waits_anyway = self.to_seal.contains_key(&record.id);
        let first = self.of_case.remove(&record.id).map_or(now, |(first, _)| first);
        match standing {
            Standing::Deleted => return self.advance(now),
            Standing::OfCase if !waits_anyway && self.of_case.len() < MOST_TO_SEAL => {
                self.of_case.insert(record.id.clone(), (first, record));
                return self.advance(now);
            }
            Standing::OfCase | Standing::GoesOn => {}
        }
        self.to_seal.insert(record.id.clone(), record);
        if self.to_seal.len() > MOST_TO_SEAL {
            // The next start seals what is left unsealed.
            self.to_seal.pop_first();
        }
        self.advance(now);
    }

    /// Has what waits for further steps of its case sealed, when it has waited for long enough.
    pub(super) fn seal_cases(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        let due: Vec<IncidentId> =
            self.of_case.iter().filter(|(_, (first, _))| is_due(*first)).map(|(id, _)| id.clone()).collect();
        for id in due {
            if let Some((_, record)) = self.of_case.remove(&id) {
                self.to_seal.insert(id, record);
            }
        }
    }

    /// Something came into the folder of an incident: if it was sealed, it is sealed again.
    pub(super) fn changed(&mut self, record: &IncidentRecord) {
        if self.store.is_to_be_sealed_again(record) {
            let waiting = self.to_seal.entry(record.id.clone()).or_insert_with(|| record.clone());
            if waiting.history.len() < record.history.len() {
                *waiting = record.clone();
            }
        }
    }

    /// Seals what can be sealed: of an incident that is closed, when all is there.
    pub(super) fn seal_what_is_ready(&mut self, now: Timestamp) {
        let has_clips_to_come = |id: &IncidentId| self.pending.iter().any(|pending| pending.record.id == *id);
        let is_ready = |(id, record): &(&IncidentId, &IncidentRecord)| {
            !self.late.has(id) && (record.state != IncidentState::Closed || !has_clips_to_come(id))
        };
        let ready: Vec<IncidentId> = self.to_seal.iter().filter(is_ready).map(|(id, _)| id.clone()).collect();
        for id in ready {
            if self.failing.is_none()
                && self.unsigned.is_none()
                && let Some(record) = self.to_seal.remove(&id)
            {
                self.seal(record, now);
            }
        }
    }

    pub(super) fn seal(&mut self, record: IncidentRecord, now: Timestamp) {
        let title = self.title(&record.rule);
        match self.store.seal(&record, &title, now) {
            Ok(sealed) => {
                let incident = Box::new(record);
                self.news.push(KeeperNews::Sealed { incident, path: sealed.path, seal: sealed.seal, at: now });
            }
            Err(error) if error.may_be_sealed_later() => {
                self.leave_unsigned(&error, now);
                self.to_seal.insert(record.id.clone(), record);
            }
            Err(error) if error.is_of_the_disk() && self.failing.is_none() => {
                self.fail(&error, now);
                self.to_seal.insert(record.id.clone(), record);
            }
            Err(error) => self.trouble(error.to_string(), now),
        }
    }

    /// Makes up for a stop or a kill: seals the folders of incidents that nobody goes on with, seals those again that were
    /// being changed, and tells of seals that nobody was told of.
    pub fn seal_leftovers(
        &mut self,
        is_open: &dyn Fn(&IncidentId) -> bool,
        now: Timestamp,
        wall: WallTime,
    ) -> Result<(), EvidenceError> {
        for folder in self.store.unsealed()? {
            if !is_open(&folder.incident) {
                match self.store.seal_abandoned(&folder, &Lack::Stopped.to_string(), wall) {
                    Err(error) if error.may_be_sealed_later() => return Err(error),
                    Err(error) => self.trouble(error.to_string(), now),
                    Ok(_) => {}
                }
            } else if let Some(record) = folder.record.filter(|_| folder.is_to_be_sealed_again) {
                self.seal(record.incident, now);
            }
        }
        for (incident, path, seal) in self.store.untold()? {
            self.news.push(KeeperNews::Sealed { incident: Box::new(incident), path, seal: Some(seal), at: now });
        }
        Ok(())
    }
}
