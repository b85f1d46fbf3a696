//! What a link that is slow or metered may carry of one upstream, and what it has carried. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use forewarn_domain::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a message costs beside what is counted: the answer, and what TLS and TCP add.
const AROUND_BYTES: u64 = 1_000;
/// What is spent is summed up over so long, so that a day has few sums.
const SUMMED: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What a thin link may carry of one upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// KiB in any hour, words and pictures; words go beyond it.
    pub kib_per_hour: u32,
    /// KiB in any day.
    pub kib_per_day: u32,
}

/// What went, a sum a minute: from when on, and bytes.
pub(super) type Spending = VecDeque<(Timestamp, u64)>;

/// Keeps a budget.
#[derive(Debug)]
pub(super) struct Spent {
    budget: Budget,
    spent: Spending,
}

impl Spent {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, spent: Spending::new() }
    }

    /// Goes on from what went before a restart.
    pub(super) fn take_up(&mut self, spending: Spending) {
        self.spent = spending;
    }

    /// What went in the last day.
    pub(super) fn all(&self) -> &Spending {
        &self.spent
    }

    /// So many bytes of a message go.
    pub(super) fn spend(&mut self, now: Timestamp, bytes: u64) {
        let bytes = bytes.saturating_add(AROUND_BYTES);
        while self.spent.front().is_some_and(|(at, _)| now.since(*at) >= DAY) {
            self.spent.pop_front();
        }
        match self.spent.back_mut() {
            Some((at, sum)) if now.since(*at) < SUMMED => *sum += bytes,
            _ => self.spent.push_back((now, bytes)),
        }
    }

    /// How long until both spans have room for a message of so many bytes. One that is larger than a whole span goes when
    /// nothing was spent in it.
    pub(super) fn wait(&self, now: Timestamp, bytes: u64) -> Duration {
        let spans = [(HOUR, self.budget.kib_per_hour), (DAY, self.budget.kib_per_day)];
        let wait = |(span, kib): (Duration, u32)| {
            let room = (u64::from(kib) << 10).saturating_sub(bytes.saturating_add(AROUND_BYTES));
            let within = || self.spent.iter().filter(move |(at, _)| now.since(*at) < span);
            let mut sum: u64 = within().map(|(_, bytes)| bytes).sum();
            let mut until = Duration::ZERO;
            for (at, bytes) in within() {
                if sum <= room {
                    break;
                }
                (sum, until) = (sum - bytes, span.saturating_sub(now.since(*at)));
            }
            until
        };
        spans.into_iter().map(wait).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Timestamp {
        Timestamp::from_secs_f64(s)
    }

    #[test]
    fn what_is_spent_is_summed_up_and_forgotten_after_a_day() {
        let mut spent = Spent::new(Budget { kib_per_hour: 20, kib_per_day: 20 });
        for _ in 0..3_000 {
            spent.spend(at(0.0), 1);
        }
        assert_eq!(spent.all().len(), 1);
        assert_eq!(spent.wait(at(10.0), 1), Duration::from_secs(86_390));
        spent.spend(at(86_400.0), 1);
        assert_eq!(spent.all(), &Spending::from([(at(86_400.0), 1_001)]));
    }

    #[test]
    fn what_is_larger_than_all_of_it_goes_alone() {
        let mut spent = Spent::new(Budget { kib_per_hour: 20, kib_per_day: 100 });
        assert_eq!(spent.wait(at(0.0), 1 << 20), Duration::ZERO);
        spent.spend(at(0.0), 1 << 20);
        assert_eq!(spent.wait(at(3_600.0), 1_000), Duration::from_hours(23));
    }
}
