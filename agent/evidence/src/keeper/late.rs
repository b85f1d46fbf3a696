//! What the disk has not taken: it waits in memory, bounded, and is written in its order when the disk takes it.

use std::collections::VecDeque;
use std::sync::Arc;

use forewarn_domain::{AttributeId, BestCrop, IncidentId, IncidentRecord, Moment};
use image::RgbImage;

use crate::bundle::Shot;
use crate::error::EvidenceError;
use crate::said::Said;
use crate::setting::Setting;
use crate::store::EvidenceStore;

/// Bytes of pictures that wait, at most.
const MOST_BYTES: usize = 32 << 20;
/// Writes that wait, at most.
const MOST: usize = 512;
/// A write that fails so often on a disk that takes others is at fault itself.
const MOST_TRIES: u32 = 3;

/// Something to be written into the folder of an incident.
pub(super) enum Work {
    /// The snapshot of a moment.
    Snapshot(Box<Shot>),
    /// The picture of the best look.
    Closeup {
        /// The moment.
        moment: Moment,
        /// What was looked at.
        attribute: AttributeId,
        /// Which look was the best.
        best: BestCrop,
        /// Its picture, if it was at hand.
        picture: Option<RgbImage>,
    },
    /// Under which setting the incident was seen.
    Setting(Arc<Setting>),
    /// What a loudspeaker said.
    Said(Said),
    /// A note of what will not come.
    Missing {
        /// The file.
        what: String,
        /// Why.
        why: String,
    },
}

/// A write with the incident that it belongs to.
pub(super) struct Write {
    pub(super) record: IncidentRecord,
    pub(super) title: String,
    pub(super) work: Work,
    tries: u32,
}

impl Write {
    pub(super) fn new(record: &IncidentRecord, title: &str, work: Work) -> Self {
        Self { record: record.clone(), title: title.to_owned(), work, tries: 0 }
    }

    /// Does it.
    pub(super) fn carry_out(&self, store: &EvidenceStore) -> Result<(), EvidenceError> {
        let Self { record, title, .. } = self;
        match &self.work {
            Work::Snapshot(shot) => store.put_shot(record, title, shot).map(drop),
            Work::Closeup { moment, attribute, best, picture } => {
                store.add_closeup(record, title, *moment, (attribute, best), picture.as_ref())
            }
            Work::Setting(setting) => store.add_setting(record, title, setting),
            Work::Said(said) => store.add_said(record, title, said),
            Work::Missing { what, why } => store.note_missing(record, title, what, why),
        }
    }

    fn len(&self) -> usize {
        match &self.work {
            Work::Snapshot(shot) => shot.len(),
            Work::Closeup { picture, .. } => picture.as_ref().map_or(0, |picture| picture.as_raw().len()),
            Work::Setting(_) | Work::Said(_) | Work::Missing { .. } => 0,
        }
    }
}

/// The writes that wait.
#[derive(Default)]
pub(super) struct Late {
    writes: VecDeque<Write>,
    bytes: usize,
    /// Writes that were given up.
    pub(super) n_lost: u64,
}

impl Late {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether something of an incident waits.
    pub(super) fn has(&self, incident: &IncidentId) -> bool {
        self.writes.iter().any(|write| write.record.id == *incident)
    }

    /// Puts a write behind the others; gives the oldest up where there are too many.
    pub(super) fn push(&mut self, write: Write) {
        self.bytes += write.len();
        self.writes.push_back(write);
        while self.bytes > MOST_BYTES || self.writes.len() > MOST {
            let Some(oldest) = self.writes.pop_front() else { return };
            self.bytes -= oldest.len();
            self.n_lost += 1;
        }
    }

    /// Writes what waits, up to the first that the disk does not take, whose error is returned. One that fails again and
    /// again for itself is given up, and returned in `given_up`.
    pub(super) fn write(
        &mut self,
        store: &EvidenceStore,
        given_up: &mut Vec<EvidenceError>,
    ) -> Result<(), EvidenceError> {
        while let Some(write) = self.writes.front_mut() {
            if let Err(error) = write.carry_out(store) {
                write.tries += 1;
                if error.is_of_the_disk() && write.tries < MOST_TRIES {
                    return Err(error);
                }
                self.n_lost += 1;
                given_up.push(error);
            }
            self.bytes -= self.writes.pop_front().map_or(0, |write| write.len());
        }
        Ok(())
    }
}
