//! The way of seals into the outbox, so that what lies upstream proves what lies on the box.

use std::collections::VecDeque;

use forewarn_domain::Report;
use forewarn_evidence::{EvidenceStore, KeeperNews};
use forewarn_report::Outbox;

/// Seals that may wait for the disk to take their reports. The next start tells of older ones.
const MOST_WAITING: usize = 1024;

/// The seals that are to be reported, in their order.
#[derive(Default)]
pub(super) struct Seals {
    waiting: VecDeque<(u64, Report)>,
    is_refused: bool,
}

impl Seals {
    /// Takes in a seal that was made.
    pub(super) fn take_in(&mut self, news: &KeeperNews) {
        if let KeeperNews::Sealed { incident, seal: Some(seal), at, .. } = news {
            let report = Report::of_seal(incident.as_ref().clone(), seal.clone(), *at);
            self.waiting.push_back((u64::from(seal.number), report));
            self.waiting.truncate(MOST_WAITING);
        }
    }

    /// Writes reports into the outbox, and notes in the store how far it is. What is refused is tried again.
    pub(super) fn pass_on(&mut self, outbox: &mut Outbox, store: &EvidenceStore) {
        while let Some((number, report)) = self.waiting.front() {
            let written = outbox.record(report, None).map_err(|error| error.to_string());
            match written.and_then(|_| store.note_told(*number).map_err(|error| error.to_string())) {
                Ok(()) => self.is_refused = false,
                Err(error) => {
                    if !std::mem::replace(&mut self.is_refused, true) {
                        tracing::error!("a seal is not reported yet: {error}");
                    }
                    return;
                }
            }
            self.waiting.pop_front();
        }
    }
}
