//! What goes over a link that is slow or metered, and when. Pure.
//!
//! Words go at once and alone, whatever they cost. A small picture of the incident follows in a message of its own, when no
//! words wait and the budget of the hour and of the day has room for it; the newest goes first.

use std::collections::VecDeque;
use std::time::Duration;

use forewarn_base::setting::SettingError;
use forewarn_domain::Timestamp;

pub use super::spending::Budget;
use super::spending::{Spending, Spent};
use crate::outbox::QueuedReport;

/// The largest small picture.
pub const MOST_PICTURE_BYTES: usize = 15_000;
/// Pictures that wait; beyond that the oldest is left out.
const MOST_WAITING: usize = 32;
impl Budget {
    /// Whether a picture fits at all.
    pub fn check(self) -> Result<Self, SettingError> {
        if self.kib_per_hour < 20 {
            let why = format!("{} KiB an hour hold no picture", self.kib_per_hour);
            return Err(SettingError::value("thin", why, "write at least 20, or leave `picture` out"));
        }
        self.in_order()
    }

    /// Whether a day has no less than an hour.
    pub(super) fn in_order(self) -> Result<Self, SettingError> {
        let is_in_order = self.kib_per_day >= self.kib_per_hour;
        let mend = "write kib_per_day as the larger one";
        is_in_order.then_some(self).ok_or_else(|| SettingError::value("thin", "a day has less than an hour", mend))
    }
}

/// What became of pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PictureCounts {
    /// They wait.
    pub waiting: u64,
    /// They wait because the budget is used up.
    pub are_held_back: bool,
    /// The other side has them.
    pub sent: u64,
    /// They were not sent: too many waited, there was none, or the other side refused them.
    pub left_out: u64,
}

/// Keeps the budget of one upstream, over all connections.
#[derive(Debug)]
pub(super) struct Thin {
    spent: Spent,
    /// Of whose incidents pictures are still to go, the newest last.
    waiting: VecDeque<QueuedReport>,
    sent: u64,
    left_out: u64,
}

impl Thin {
    pub(super) fn new(budget: Budget) -> Self {
        Self { spent: Spent::new(budget), waiting: VecDeque::new(), sent: 0, left_out: 0 }
    }

    /// Words got there; a picture follows them.
    pub(super) fn follow(&mut self, report: &QueuedReport) {
        self.waiting.retain(|waiting| waiting.report.incident.id != report.report.incident.id);
        self.waiting.push_back(report.clone());
        if self.waiting.len() > MOST_WAITING {
            self.waiting.pop_front();
            self.left_out += 1;
        }
    }

    /// The report whose picture may go now.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<QueuedReport> {
        if !self.wait(now).is_zero() {
            return None;
        }
        self.waiting.pop_back()
    }

    /// So many bytes of a message go.
    pub(super) fn spend(&mut self, now: Timestamp, bytes: usize) {
        self.spent.spend(now, bytes as u64);
    }

    /// What went in the last day.
    pub(super) fn spending(&self) -> Spending {
        self.spent.all().clone()
    }

    /// Goes on from what went before a restart.
    pub(super) fn take_up(&mut self, spending: Spending) {
        self.spent.take_up(spending);
    }

    /// Whether a picture may go.
    #[cfg(test)]
    pub(super) fn has_room(&self, now: Timestamp) -> bool {
        self.wait(now).is_zero()
    }

    /// A picture got there, or never will.
    pub(super) fn done(&mut self, is_sent: bool) {
        *if is_sent { &mut self.sent } else { &mut self.left_out } += 1;
    }

    /// How long until the next picture may go; none where none waits.
    pub(super) fn rest(&self, now: Timestamp) -> Option<Duration> {
        (!self.waiting.is_empty()).then(|| self.wait(now))
    }

    pub(super) fn counts(&self, now: Timestamp) -> PictureCounts {
        let are_held_back = self.rest(now).is_some_and(|wait| !wait.is_zero());
        PictureCounts { waiting: self.waiting.len() as u64, are_held_back, sent: self.sent, left_out: self.left_out }
    }

    /// How long until both spans have room for a picture.
    fn wait(&self, now: Timestamp) -> Duration {
        self.spent.wait(now, MOST_PICTURE_BYTES as u64)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::{report, source};

    use super::*;

    fn queued(n: u64) -> QueuedReport {
        QueuedReport { seq: n as i64, report: report(n, 5), source: source() }
    }

    fn at(s: f64) -> Timestamp {
        Timestamp::from_secs_f64(s)
    }

    #[test]
    fn pictures_wait_for_the_hour_and_the_day_and_words_for_nothing() {
        let mut thin = Thin::new(Budget { kib_per_hour: 40, kib_per_day: 60 });
        assert_eq!(thin.rest(at(0.0)), None);
        for n in 1..=3 {
            thin.follow(&queued(n));
        }
        assert_eq!(thin.next(at(0.0)).map(|one| one.seq), Some(3), "the newest first");
        thin.spend(at(0.0), MOST_PICTURE_BYTES);
        thin.done(true);
        assert_eq!(thin.next(at(100.0)).map(|one| one.seq), Some(2));
        thin.spend(at(100.0), MOST_PICTURE_BYTES);
        assert_eq!((thin.next(at(200.0)), thin.rest(at(200.0))), (None, Some(Duration::from_secs(3400))));
        assert!(thin.counts(at(200.0)).are_held_back);
        // Words are counted, and asked nothing.
        thin.spend(at(300.0), 4_000);
        assert_eq!(thin.rest(at(3600.0)), Some(Duration::ZERO));
        assert_eq!(thin.next(at(3600.0)).map(|one| one.seq), Some(1));
        thin.spend(at(3600.0), MOST_PICTURE_BYTES);
        thin.follow(&queued(4));
        assert_eq!(thin.rest(at(8000.0)), Some(Duration::from_secs(86_400 - 8_000)), "the day is used up");
        assert_eq!(thin.next(at(86_400.0)).map(|one| one.seq), Some(4));
    }

    #[test]
    fn one_picture_an_incident_waits_and_no_more_than_a_bound() {
        let mut thin = Thin::new(Budget { kib_per_hour: 20, kib_per_day: 20 });
        (0..40).for_each(|n| thin.follow(&queued(n % 35)));
        let counts = thin.counts(at(0.0));
        assert_eq!((counts.waiting, counts.left_out, counts.are_held_back), (MOST_WAITING as u64, 8, false));
    }

    #[test]
    fn a_budget_that_holds_no_picture_is_refused() {
        let of = |kib_per_hour, kib_per_day| Budget { kib_per_hour, kib_per_day }.check().map_err(|error| error.line());
        assert!(of(20, 20).is_ok());
        assert!(of(19, 100).unwrap_err().contains("hold no picture"));
        assert!(of(100, 99).unwrap_err().contains("less than an hour"));
    }
}
