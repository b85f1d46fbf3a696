//! Time: instants of the time line, the `Clock` port, what the wall shows, and civil time for schedules.
//!
//! Decisions take the time as an argument. Clocks are read below here and nowhere else.

mod civil;
mod line;
mod map;
mod wall;

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use civil::{CivilTime, LocalTime, UnknownCivilTime, Weekday};
pub use line::{AgentClock, Bookmark, Boot, SystemClock, wall_now};
pub use map::Leap;
pub use wall::{ClockReading, ClockSet, Reckoning, WallTime};

/// An instant on the time line, in microseconds.
///
/// Live it only grows, at the pace of seconds, whatever is done to the clock on the wall; it began with what that showed,
/// and [`Clock::wall`] says what it shows. In a replay it counts from the start of the clip (or from the instant that the
/// operator says the clip began).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The origin of the time line.
    pub const ZERO: Self = Self(0);

    /// An instant by its microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// An instant by its seconds, rounded to the microsecond.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1e6).round() as i64)
    }

    /// Microseconds from the origin.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds from the origin, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Seconds from the origin.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Microseconds since `earlier`; below zero if it lies ahead.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }
}

/// Tells the time. Only the shell asks; decisions are handed the answer.
pub trait Clock: Send + Sync {
    /// The instant now. It never goes back, and nobody can set it.
    fn now(&self) -> Timestamp;

    /// What a clock on the wall showed at `at`.
    fn wall(&self, at: Timestamp) -> WallTime {
        WallTime::from_micros(at.as_micros())
    }

    /// How long ago the clock on the wall showed `stamp`, whatever was done to it since.
    fn age(&self, stamp: WallTime) -> Duration {
        wall::span_us(self.wall(self.now()).micros_after(stamp))
    }
}

/// A monotonic reading for measuring spans, such as inference time; never for decisions.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts to measure.
    #[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long ago the measurement began.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", self.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_never_goes_below_zero() {
        assert_eq!(Timestamp::ZERO.since(Timestamp::from_micros(5)), Duration::ZERO);
        assert_eq!(Timestamp::from_micros(7).since(Timestamp::from_micros(5)), Duration::from_micros(2));
        assert_eq!(Timestamp::ZERO.micros_since(Timestamp::from_micros(5)), -5);
    }
}
