//! When an upstream may be told something, and how often.

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{CivilTime, Clock, Schedule, Timestamp};
use tokio::time::timeout;

/// What a limit counts over: a minute, and a second for clocks that do not agree.
const SPAN: Duration = Duration::from_secs(61);
/// Whether quiet hours are over is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// When an upstream may be told something, and how often; always by default. What may not go waits in the outbox.
#[derive(Clone, Default)]
pub struct Manners {
    /// Nothing is sent in these.
    pub quiet_hours: Vec<Schedule>,
    /// The time of day at the site; where it is unknown, there are no quiet hours.
    pub civil: Option<Arc<dyn CivilTime>>,
    /// Messages a minute, at most.
    pub max_per_minute: Option<u32>,
}

impl fmt::Debug for Manners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quiet_hours, max_per_minute, civil: _ } = self;
        f.debug_struct("Manners")
            .field("quiet_hours", quiet_hours)
            .field("max_per_minute", max_per_minute)
            .finish_non_exhaustive()
    }
}

/// Keeps the manners over all connections.
#[derive(Debug)]
pub(super) struct Gate {
    manners: Manners,
    most: Option<usize>,
    /// When the latest messages went, as many as a minute may have.
    sent: VecDeque<Timestamp>,
}

impl Gate {
    /// The narrower limit counts: that of the site file or the kind's `own`.
    pub(super) fn new(manners: Manners, own: Option<u32>) -> Self {
        let most = manners.max_per_minute.into_iter().chain(own).min().map(|most| most as usize);
        Self { manners, most, sent: VecDeque::new() }
    }

    /// Messages that may go now.
    pub(super) fn room(&mut self, clock: &dyn Clock) -> usize {
        if self.is_quiet(clock) {
            return 0;
        }
        let Some(most) = self.most else { return usize::MAX };
        let now = clock.now();
        while self.sent.front().is_some_and(|at| now.since(*at) >= SPAN) {
            self.sent.pop_front();
        }
        most.saturating_sub(self.sent.len())
    }

    /// So many messages went.
    pub(super) fn spend(&mut self, now: Timestamp, n: usize) {
        if self.most.is_some() {
            self.sent.extend(std::iter::repeat_n(now, n));
        }
    }

    /// How long nothing may go, as far as that is known; none while something may.
    pub(super) fn rest(&mut self, clock: &dyn Clock) -> Option<Duration> {
        if self.room(clock) > 0 {
            return None;
        }
        let first = self.sent.front().map(|at| SPAN.saturating_sub(clock.now().since(*at)));
        Some(first.filter(|_| !self.is_quiet(clock)).unwrap_or(LOOK_AGAIN).max(Duration::from_millis(1)))
    }

    fn is_quiet(&self, clock: &dyn Clock) -> bool {
        let Some(civil) = self.manners.civil.as_deref() else { return false };
        let shown = Timestamp::from_micros(clock.wall(clock.now()).as_micros());
        self.manners.quiet_hours.iter().any(|hours| hours.holds_at(shown, civil) == Some(true))
    }
}

/// Returns when a rest is over; never where there is none.
pub(super) async fn rested(rest: Option<Duration>) {
    match rest {
        // Only the timeout can happen.
        Some(rest) => drop(timeout(rest, pending::<()>()).await),
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use forewarn_base::sync::lock;
    use forewarn_domain::{LocalTime, Weekday};

    use super::*;

    #[derive(Default)]
    struct Hand(Mutex<i64>);

    impl Hand {
        fn move_on(&self, s: i64) {
            *lock(&self.0) += s * 1_000_000;
        }
    }

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(*lock(&self.0))
        }
    }

    /// A site whose day begins with the time line.
    struct Site;

    impl CivilTime for Site {
        fn local(&self, _: Option<&str>, at: Timestamp) -> Option<LocalTime> {
            Some(LocalTime { weekday: Weekday::Mon, minute: (at.as_micros() / 60_000_000) as u16 })
        }
    }

    #[test]
    fn the_narrower_limit_holds_in_every_minute() {
        let clock = Hand::default();
        let mut gate = Gate::new(Manners { max_per_minute: Some(3), ..Manners::default() }, Some(20));
        assert_eq!((gate.room(&clock), gate.rest(&clock)), (3, None));
        gate.spend(clock.now(), 1);
        clock.move_on(40);
        gate.spend(clock.now(), 2);
        assert_eq!((gate.room(&clock), gate.rest(&clock)), (0, Some(Duration::from_secs(21))));
        clock.move_on(21);
        assert_eq!(gate.room(&clock), 1);
        clock.move_on(40);
        assert_eq!(gate.room(&clock), 3);
        let mut free = Gate::new(Manners::default(), None);
        free.spend(clock.now(), 1000);
        assert_eq!((free.room(&clock), free.rest(&clock)), (usize::MAX, None));
    }

    #[test]
    fn nothing_goes_in_quiet_hours() {
        let clock = Hand::default();
        let quiet_hours = vec![serde_json::from_str(r#"{"from":"00:10","to":"00:20"}"#).unwrap()];
        let manners = Manners { quiet_hours, civil: Some(Arc::new(Site)), max_per_minute: None };
        let mut gate = Gate::new(manners, None);
        assert!(gate.room(&clock) > 0);
        clock.move_on(11 * 60);
        assert_eq!((gate.room(&clock), gate.rest(&clock)), (0, Some(LOOK_AGAIN)));
        clock.move_on(10 * 60);
        assert!(gate.room(&clock) > 0 && gate.rest(&clock).is_none());
    }
}
