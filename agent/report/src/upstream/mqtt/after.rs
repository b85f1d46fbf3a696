//! Pictures that follow the words of reports, where the link to the broker is thin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::Clock;

use super::Publication;
use crate::outbox::QueuedReport;
use crate::upstream::purse::Purse;
use crate::upstream::thin::PictureCounts;

/// What one connection knows of them; the budget outlives it.
pub(super) struct After {
    purse: Purse,
    clock: Arc<dyn Clock>,
    /// Reports whose words are under way, by their place in the outbox.
    awaited: BTreeMap<i64, QueuedReport>,
    is_under_way: bool,
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("After").field("awaited", &self.awaited.len()).finish_non_exhaustive()
    }
}

impl After {
    pub(super) fn new(purse: Purse, clock: Arc<dyn Clock>) -> Self {
        purse.open();
        Self { purse, clock, awaited: BTreeMap::new(), is_under_way: false }
    }

    /// The words of a report go.
    pub(super) fn words(&mut self, report: &QueuedReport, messages: &[Publication]) {
        self.purse.spend(self.clock.now(), messages.iter().map(size).sum());
        self.awaited.insert(report.seq, report.clone());
    }

    /// The broker has them.
    pub(super) fn have_words(&mut self, seq: i64) {
        if let Some(report) = self.awaited.remove(&seq) {
            self.purse.lock().follow(&report);
        }
    }

    /// The next picture, where no words are under way, and no other picture is.
    pub(super) fn next(&mut self, picture: impl Fn(&QueuedReport) -> Option<Publication>) -> Option<Publication> {
        if self.is_under_way || !self.awaited.is_empty() {
            return None;
        }
        let now = self.clock.now();
        loop {
            let report = self.purse.lock().next(now)?;
            if let Some(publication) = picture(&report) {
                self.purse.spend(now, size(&publication));
                self.is_under_way = true;
                return Some(publication);
            }
            self.purse.lock().done(false);
        }
    }

    /// The broker has the picture, or does not want it.
    pub(super) fn done(&mut self, is_there: bool) {
        self.is_under_way = false;
        self.purse.lock().done(is_there);
    }

    pub(super) fn rest(&self) -> Option<Duration> {
        let rest = self.purse.lock().rest(self.clock.now())?;
        (!self.is_under_way && self.awaited.is_empty()).then(|| rest.max(Duration::from_millis(1)))
    }

    pub(super) fn counts(&self) -> PictureCounts {
        self.purse.lock().counts(self.clock.now())
    }
}

/// What a publication takes, in bytes.
fn size(publication: &Publication) -> usize {
    publication.topic.len() + publication.payload.len()
}

#[cfg(test)]
mod tests {
    use forewarn_domain::SystemClock;
    use forewarn_wire::samples::{report, source};

    use super::*;
    use crate::upstream::spending::Budget;

    #[test]
    fn a_picture_goes_when_no_words_are_under_way_one_at_a_time_within_the_budget() {
        let budget = Budget { kib_per_hour: 60, kib_per_day: 60 };
        let mut after = After::new(Purse::new(budget, std::path::PathBuf::new()), Arc::new(SystemClock));
        let queued = |seq: i64| QueuedReport { seq, report: report(seq as u64, 5), source: source() };
        let picture = |report: &QueuedReport| Some(Publication::picture(format!("p/{}", report.seq), vec![7; 15_000]));
        after.words(&queued(1), &[]);
        after.words(&queued(2), &[]);
        after.have_words(1);
        assert_eq!(after.next(picture), None, "words are under way");
        after.have_words(2);
        assert_eq!(after.next(picture).unwrap().topic, "p/2", "the newest first");
        assert_eq!((after.next(picture), after.rest()), (None, None), "another is under way");
        after.done(true);
        assert!(after.next(picture).is_some());
        after.done(true);
        for seq in 3..6 {
            after.words(&queued(seq), &[]);
            after.have_words(seq);
        }
        assert!(after.next(picture).is_some());
        after.done(false);
        assert_eq!(after.next(picture), None, "the hour is used up");
        let counts = after.counts();
        assert_eq!((counts.sent, counts.left_out, counts.waiting, counts.are_held_back), (2, 1, 2, true));
    }
}
