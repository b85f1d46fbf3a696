//! Reports that the disk has not taken yet: they wait in memory, bounded, and are sent from there while it refuses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::{held as regain, lock};
use forewarn_domain::{IncidentId, Report, Timestamp};

/// Places in memory lie behind all places on the disk.
const FIRST_PLACE: i64 = 1 << 62;
/// Reports that are kept in memory. Beyond this each incident keeps its latest, which holds the whole history.
const MOST: usize = 2048;

/// Whether a place of a report lies in memory and not on the disk.
pub(super) fn is_in_memory(place: i64) -> bool {
    place >= FIRST_PLACE
}

/// A report with the snapshot of its incident after it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) place: i64,
    pub(super) report: Report,
    pub(super) snapshot: Option<String>,
    /// Those with one number came out of one call and are written together.
    batch: u64,
    /// Who has acknowledged it.
    acked: BTreeSet<String>,
}

/// How much waits in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldCount {
    /// Reports that are on no disk.
    pub reports: usize,
    /// Incidents whose latest report had to be given up because too many waited.
    pub given_up: u64,
}

#[derive(Debug, Default)]
struct State {
    steps: VecDeque<Step>,
    n_batches: u64,
    n_places: i64,
    given_up: u64,
    is_released: bool,
}

/// The reports in memory, shared by all who use one outbox.
#[derive(Debug, Default)]
pub(super) struct Held {
    state: Mutex<State>,
    /// Something came, was written or was released.
    changed: Condvar,
}

impl Held {
    /// Takes in what one call of the engine made.
    pub(super) fn hold(&self, batch: Vec<(Report, Option<String>)>) {
        let mut state = self.lock();
        state.n_batches += 1;
        for (report, snapshot) in batch {
            let place = FIRST_PLACE + state.n_places;
            state.n_places += 1;
            let batch = state.n_batches;
            state.steps.push_back(Step { place, report, snapshot, batch, acked: BTreeSet::new() });
        }
        if state.steps.len() > MOST {
            state.join();
        }
        self.changed.notify_all();
    }

    /// Waits until something is held, at most for `patience`. Whether it is.
    pub(super) fn wait_some(&self, patience: Duration) -> bool {
        let is_empty = |state: &mut State| state.steps.is_empty();
        let (state, _) = regain(self.changed.wait_timeout_while(self.lock(), patience, is_empty));
        !state.steps.is_empty()
    }

    /// The reports that are to be written next, together.
    pub(super) fn next_batch(&self) -> Vec<Step> {
        let state = self.lock();
        let first = state.steps.front().map(|step| step.batch);
        state.steps.iter().take_while(|step| Some(step.batch) == first).cloned().collect()
    }

    /// They are on the disk, or never will be.
    pub(super) fn remove(&self, steps: &[Step]) {
        let mut state = self.lock();
        state.steps.retain(|step| steps.iter().all(|written| written.place != step.place));
        if state.steps.is_empty() {
            state.is_released = false;
            self.changed.notify_all();
        }
    }

    /// Counts a report that no disk will ever take.
    pub(super) fn count_given_up(&self) {
        self.lock().given_up += 1;
    }

    /// Lets upstreams have what waits: the disk takes too long. Whether that is new.
    pub(super) fn release(&self) -> bool {
        let mut state = self.lock();
        let is_new = !state.is_released && !state.steps.is_empty();
        state.is_released |= is_new;
        self.changed.notify_all();
        is_new
    }

    /// Whether upstreams may have what waits.
    pub(super) fn is_released(&self) -> bool {
        self.lock().is_released
    }

    /// The first reports behind a place that `upstream` wants and has not acknowledged; none while the disk may still take them.
    pub(super) fn pending_after(
        &self,
        place: i64,
        limit: usize,
        upstream: &str,
        wants: impl Fn(&Report) -> bool,
    ) -> Vec<(i64, Report)> {
        let state = self.lock();
        if !state.is_released {
            return Vec::new();
        }
        let due = state.steps.iter().filter(|step| step.place > place && !step.acked.contains(upstream));
        let due = due.filter(|step| wants(&step.report));
        due.take(limit).map(|step| (step.place, step.report.clone())).collect()
    }

    /// Notes an acknowledgement. False if the report does not wait here any more.
    pub(super) fn ack(&self, place: i64, upstream: &str) -> bool {
        let mut state = self.lock();
        let step = state.steps.iter_mut().find(|step| step.place == place);
        step.map(|step| step.acked.insert(upstream.to_owned())).is_some()
    }

    /// Whether the report of this place still waits here.
    pub(super) fn contains(&self, place: i64) -> bool {
        self.lock().steps.iter().any(|step| step.place == place)
    }

    /// How much waits in all.
    pub(super) fn count(&self) -> HeldCount {
        let state = self.lock();
        HeldCount { reports: state.steps.len(), given_up: state.given_up }
    }

    /// How much waits for an upstream, and when the oldest of it happened.
    pub(super) fn waiting(&self, upstream: &str) -> (u64, Option<Timestamp>) {
        let state = self.lock();
        let waiting = || state.steps.iter().filter(|step| !step.acked.contains(upstream));
        (waiting().count() as u64, waiting().map(|step| step.report.at).min())
    }

    /// Waits until nothing is held, or it is known that the disk refuses it, at most for `patience`. Whether either is so.
    pub(super) fn wait_settled(&self, patience: Duration) -> bool {
        let is_open = |state: &mut State| !state.steps.is_empty() && !state.is_released;
        let (mut state, _) = regain(self.changed.wait_timeout_while(self.lock(), patience, is_open));
        !is_open(&mut state)
    }

    /// Waits until nothing is held, at most for `patience`. Whether that is so.
    pub(super) fn wait_empty(&self, patience: Duration) -> bool {
        let is_held = |state: &mut State| !state.steps.is_empty();
        let (state, _) = regain(self.changed.wait_timeout_while(self.lock(), patience, is_held));
        state.steps.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Keeps the latest report of each incident, and gives the oldest up where that does not suffice.
    fn join(&mut self) {
        let mut latest: BTreeMap<IncidentId, i64> = BTreeMap::new();
        for step in &self.steps {
            latest.insert(step.report.incident.id.clone(), step.place);
        }
        self.steps.retain(|step| latest.get(&step.report.incident.id) == Some(&step.place));
        while self.steps.len() > MOST / 2 {
            self.steps.pop_front();
            self.given_up += 1;
        }
        for (n, step) in self.steps.iter_mut().enumerate() {
            step.batch = n as u64;
        }
        self.n_batches = self.steps.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::report;

    use super::*;

    fn places(held: &Held, upstream: &str) -> Vec<i64> {
        held.pending_after(0, 10_000, upstream, |_| true).into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn what_is_held_is_sent_only_once_it_is_released_and_written_batch_by_batch() {
        let held = Held::default();
        held.hold(vec![(report(1, 1), None), (report(1, 2), None)]);
        held.hold(vec![(report(2, 1), None)]);
        assert_eq!((places(&held, "city").len(), held.wait_empty(Duration::ZERO)), (0, false));
        assert!(held.wait_some(Duration::ZERO) && !held.wait_settled(Duration::ZERO));
        assert!(held.release() && !held.release() && held.wait_settled(Duration::ZERO));
        let all = places(&held, "city");
        assert_eq!(all.len(), 3);
        assert!(held.ack(all[1], "city"));
        assert_eq!((places(&held, "city"), places(&held, "dam").len()), (vec![all[0], all[2]], 3));
        assert_eq!((held.waiting("city"), held.waiting("dam").0), ((2, Some(report(1, 1).at)), 3));
        let batch = held.next_batch();
        assert_eq!(batch.iter().map(|step| step.report.sequence).collect::<Vec<_>>(), [1, 2]);
        held.remove(&batch);
        assert!(!held.ack(all[0], "city") && held.contains(all[2]));
        held.remove(&held.next_batch());
        assert!(held.wait_empty(Duration::ZERO) && !held.is_released());
    }

    #[test]
    fn beyond_the_bound_each_incident_keeps_its_latest_and_what_is_given_up_is_counted() {
        let held = Held::default();
        for sequence in 1..=5 {
            held.hold((0..400).map(|n| (report(n, sequence), None)).collect());
        }
        assert_eq!(held.count(), HeldCount { reports: 2000, given_up: 0 });
        held.hold((0..49).map(|n| (report(n, 6), None)).collect());
        assert_eq!(held.count(), HeldCount { reports: 400, given_up: 0 });
        assert_eq!(held.next_batch().len(), 1, "each is written by itself from now on");
        held.hold((1000..3000).map(|n| (report(n, 1), None)).collect());
        assert_eq!(held.count(), HeldCount { reports: MOST / 2, given_up: 2400 - MOST as u64 / 2 });
    }
}
