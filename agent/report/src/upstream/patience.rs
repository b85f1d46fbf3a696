//! How long the other side is waited for. A connection that is up proves nothing: some take everything and answer nothing.

use std::future::pending;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use tokio::time::timeout;

/// A report that has waited for so many times the usual patience is enough by itself, however well others fare.
const LONGEST: u32 = 4;

/// What the other side of one connection owes, and since when, counted from the connection's begin.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    begun: Stopwatch,
    /// Since when nothing has come that was owed; none while nothing is owed.
    silent_since: Option<Duration>,
    /// Since when the same report has been the oldest under way.
    oldest: Option<(i64, Duration)>,
}

impl Patience {
    /// Waits for an answer for `limit`.
    pub(super) fn of(limit: Duration) -> Self {
        Self { limit, begun: Stopwatch::start(), silent_since: None, oldest: None }
    }

    /// An answer that was owed has come.
    pub(super) fn answered(&mut self) {
        self.silent_since = None;
    }

    /// Answers are owed now or not, and this report is the oldest under way.
    pub(super) fn owed(&mut self, is_owed: bool, oldest: Option<i64>) {
        self.owed_at(is_owed, oldest, self.begun.elapsed());
    }

    fn owed_at(&mut self, is_owed: bool, oldest: Option<i64>, now: Duration) {
        self.silent_since = is_owed.then(|| self.silent_since.unwrap_or(now));
        self.oldest = oldest.map(|seq| match self.oldest {
            Some((known, since)) if known == seq => (known, since),
            _ => (seq, now),
        });
    }

    /// When it ends if nothing comes.
    fn ends_at(&self) -> Option<Duration> {
        let silent = self.silent_since.map(|since| since + self.limit);
        let stuck = self.oldest.map(|(_, since)| since + self.limit * LONGEST);
        silent.into_iter().chain(stuck).min()
    }

    /// Returns when it has ended; never while nothing is owed.
    pub(super) async fn ended(&self) {
        match self.ends_at() {
            // Only the timeout can happen.
            Some(at) => drop(timeout(at.saturating_sub(self.begun.elapsed()), pending::<()>()).await),
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn it_ends_when_nothing_that_is_owed_has_come() {
        let mut patience = Patience::of(LIMIT);
        assert_eq!(patience.ends_at(), None);
        patience.owed_at(true, Some(1), LIMIT);
        patience.owed_at(true, Some(1), LIMIT * 3 / 2);
        assert_eq!(patience.ends_at(), Some(LIMIT * 2), "more that is owed buys no time");
        patience.answered();
        patience.owed_at(true, Some(2), LIMIT * 3 / 2);
        assert_eq!(patience.ends_at(), Some(LIMIT * 5 / 2), "an answer does");
        patience.answered();
        patience.owed_at(false, None, LIMIT * 2);
        assert_eq!(patience.ends_at(), None);
    }

    #[test]
    fn one_report_that_is_passed_over_for_ever_is_enough() {
        let mut patience = Patience::of(LIMIT);
        for turn in 0..10 {
            patience.answered();
            patience.owed_at(true, Some(1), LIMIT * turn / 2);
        }
        assert_eq!(patience.ends_at(), Some(LIMIT * LONGEST));
    }
}
