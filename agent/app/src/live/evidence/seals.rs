//! The way of seals into the outbox, so that what lies upstream proves what lies on the box.

use std::collections::VecDeque;

use forewarn_domain::{IncidentRecord, Report, Seal, Timestamp};
use forewarn_evidence::{EvidenceStore, KeeperNews};
use forewarn_report::Outbox;

/// Seals that may wait in memory for the disk to take their reports.
const MOST_WAITING: usize = 1024;

/// The seals that are to be reported, in their order. Those for which there is no room lie in the chain, and are read from
/// there when the others have been reported.
#[derive(Default)]
pub(super) struct Seals {
    waiting: VecDeque<(u64, Report)>,
    /// Whether some lie in the chain alone.
    is_left_out: bool,
    is_refused: bool,
}

/// What seals are written into and read from.
trait Ledger {
    /// Writes a report down.
    fn record(&mut self, number: u64, report: &Report) -> Result<(), String>;

    /// The seals in the chain of which no report was written down, in their order.
    fn untold(&self) -> Result<Vec<(IncidentRecord, Seal)>, String>;
}

impl Seals {
    /// Takes in a seal that was made.
    pub(super) fn take_in(&mut self, news: &KeeperNews) {
        if let KeeperNews::Sealed { incident, seal: Some(seal), at, .. } = news {
            self.put(incident.as_ref().clone(), seal.clone(), *at);
        }
    }

    fn put(&mut self, incident: IncidentRecord, seal: Seal, at: Timestamp) {
        // What comes after one that was left out must not be reported before it.
        self.is_left_out |= self.waiting.len() >= MOST_WAITING;
        if !self.is_left_out {
            self.waiting.push_back((u64::from(seal.number), Report::of_seal(incident, seal, at)));
        }
    }

    /// Writes reports into the outbox, and notes in the store how far it is. What is refused is tried again.
    pub(super) fn pass_on(&mut self, outbox: &mut Outbox, store: &EvidenceStore, now: Timestamp) {
        self.pass_on_to(&mut Kept { outbox, store }, now);
    }

    fn pass_on_to(&mut self, ledger: &mut impl Ledger, now: Timestamp) {
        match self.all_to(ledger, now) {
            Ok(()) => self.is_refused = false,
            Err(error) => {
                if !std::mem::replace(&mut self.is_refused, true) {
                    tracing::error!("a seal is not reported yet: {error}");
                }
            }
        }
    }

    fn all_to(&mut self, ledger: &mut impl Ledger, now: Timestamp) -> Result<(), String> {
        loop {
            while let Some((number, report)) = self.waiting.front() {
                ledger.record(*number, report)?;
                self.waiting.pop_front();
            }
            if !self.is_left_out {
                return Ok(());
            }
            let untold = ledger.untold()?;
            self.is_left_out = false;
            for (incident, seal) in untold {
                self.put(incident, seal, now);
            }
        }
    }
}

/// The outbox, and the store with its chain.
struct Kept<'a> {
    outbox: &'a mut Outbox,
    store: &'a EvidenceStore,
}

impl Ledger for Kept<'_> {
    fn record(&mut self, number: u64, report: &Report) -> Result<(), String> {
        self.outbox.record(report, None).map_err(|error| error.to_string())?;
        self.store.note_told(number).map_err(|error| error.to_string())
    }

    fn untold(&self) -> Result<Vec<(IncidentRecord, Seal)>, String> {
        let untold = self.store.untold().map_err(|error| error.to_string())?;
        Ok(untold.into_iter().map(|(incident, _, seal)| (incident, seal)).collect())
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{BBox, Class, IncidentId, IncidentState, Reckoning, RuleKey, StreamId, Subject};

    use super::*;

    /// A chain of so many seals, and a disk that takes reports or does not.
    struct Disk {
        n_sealed: u32,
        takes: bool,
        told: Vec<u64>,
    }

    impl Ledger for Disk {
        fn record(&mut self, number: u64, _report: &Report) -> Result<(), String> {
            if !self.takes {
                return Err("no space left on device".to_owned());
            }
            self.told.push(number);
            Ok(())
        }

        fn untold(&self) -> Result<Vec<(IncidentRecord, Seal)>, String> {
            let told = self.told.last().copied().unwrap_or_default();
            Ok((1..=self.n_sealed).filter(|number| u64::from(*number) > told).map(sealed).collect())
        }
    }

    fn sealed(number: u32) -> (IncidentRecord, Seal) {
        let rule = RuleKey {
            stream: StreamId::new("gate").unwrap(),
            violation: "loitering".parse().unwrap(),
            zone: "whole".parse().unwrap(),
        };
        let bbox = BBox::new(0.0, 0.0, 10.0, 10.0);
        let record = IncidentRecord {
            id: IncidentId::from_stored(&format!("gate-loitering-{number}")),
            rule,
            state: IncidentState::Closed,
            history: Vec::new(),
            subject: Subject { class: Class::new("person"), track: None, count: 1, bbox, fix: None },
            warnings_played: 0,
            warning_not_delivered: false,
            said: None,
            findings: Vec::new(),
            clock: Reckoning::default(),
            case: None,
        };
        let seal = Seal {
            bundle: format!("2026-01-31/{}", record.id),
            number,
            manifest_sha256: String::new(),
            previous: None,
            supersedes: None,
            key: String::new(),
            is_final: true,
        };
        (record, seal)
    }

    #[test]
    fn every_seal_is_reported_once_and_in_order_however_long_the_disk_refuses() {
        let (mut seals, now) = (Seals::default(), Timestamp::from_secs_f64(1.0));
        let mut disk = Disk { n_sealed: 0, takes: false, told: Vec::new() };
        let seal = |seals: &mut Seals, disk: &mut Disk| {
            disk.n_sealed += 1;
            let (incident, seal) = sealed(disk.n_sealed);
            seals.put(incident, seal, now);
            seals.pass_on_to(disk, now);
        };
        for _ in 0..3 * MOST_WAITING {
            seal(&mut seals, &mut disk);
        }
        assert_eq!((seals.waiting.len(), disk.told.len()), (MOST_WAITING, 0));
        disk.takes = true;
        seal(&mut seals, &mut disk);
        let all: Vec<u64> = (1..=u64::from(disk.n_sealed)).collect();
        assert!(disk.told == all, "{} of {} are reported", disk.told.len(), all.len());
        seal(&mut seals, &mut disk);
        assert_eq!(disk.told.len(), disk.n_sealed as usize);
        assert!(!seals.is_left_out);
    }
}
