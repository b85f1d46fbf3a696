//! Time: instants as microseconds, the `Clock` port, and civil time for schedules.
//!
//! Decisions take the time as an argument. The wall clock is read here and nowhere else.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant on a stream's time line, in microseconds.
///
/// Live it counts from the Unix epoch; in a replay it counts from the start of the clip (or from the
/// instant that the operator says the clip began).
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

    /// The instant as RFC 3339 in UTC with milliseconds, counting from the Unix epoch.
    ///
    /// The calendar arithmetic is Howard Hinnant's `civil_from_days`.
    pub fn to_rfc3339(self) -> String {
        let millis = self.as_millis();
        let (days, ms_of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (h, m, s, ms) = (ms_of_day / 3_600_000, ms_of_day / 60_000 % 60, ms_of_day / 1000 % 60, ms_of_day % 1000);
        format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z")
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
    /// The instant now.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock, made steady: it runs with the monotonic clock and follows corrections of the wall clock
/// by at most 5 %, so that time never stands still or leaps while incidents are timed by it.
///
/// A difference of more than ten minutes is no correction but a clock that is set for the first time, as on a box
/// without a battery; it is taken over at once. All values of the type are one clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
    fn now(&self) -> Timestamp {
        static STEADY: Mutex<Option<(std::time::Instant, Steady)>> = Mutex::new(None);
        let wall_us = micros(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default());
        let mut steady = STEADY.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, steady) =
            steady.get_or_insert_with(|| (std::time::Instant::now(), Steady { offset_us: wall_us, latest_us: 0 }));
        Timestamp(steady.read(micros(start.elapsed()), wall_us))
    }
}

/// Follows the wall clock by changing the pace of a monotonic one.
#[derive(Debug)]
struct Steady {
    /// What is added to the monotonic reading.
    offset_us: i64,
    /// The latest monotonic reading.
    latest_us: i64,
}

impl Steady {
    /// A difference above this is taken over at once.
    const LEAP_US: i64 = 600_000_000;
    /// One part in this of the time gone by is how far the offset may move.
    const SLEW: i64 = 20;

    fn read(&mut self, monotonic_us: i64, wall_us: i64) -> i64 {
        let difference_us = wall_us.saturating_sub(monotonic_us).saturating_sub(self.offset_us);
        let most_us = (monotonic_us - self.latest_us).max(0) / Self::SLEW;
        let is_leap = difference_us.saturating_abs() > Self::LEAP_US;
        self.offset_us += if is_leap { difference_us } else { difference_us.clamp(-most_us, most_us) };
        self.latest_us = monotonic_us.max(self.latest_us);
        self.latest_us + self.offset_us
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

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    /// The day before.
    #[must_use]
    pub fn yesterday(self) -> Self {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        match self {
            Mon => Sun,
            Tue => Mon,
            Wed => Tue,
            Thu => Wed,
            Fri => Thu,
            Sat => Fri,
            Sun => Sat,
        }
    }
}

/// What a clock on the wall of the site shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Day of the week.
    pub weekday: Weekday,
    /// Minutes since midnight, 0 to 1439.
    pub minute: u16,
}

/// Maps an instant to civil time. The time-zone database is behind this port.
pub trait CivilTime: Send + Sync {
    /// The local time at `at` in the named zone (IANA), or in the site's zone if none is named.
    ///
    /// `None` where the time of day is unknown, as in a replay of a clip whose start nobody stated; schedules
    /// then always hold.
    fn local(&self, time_zone: Option<&str>, at: Timestamp) -> Option<LocalTime>;

    /// Whether the day of `at` in that time zone is a holiday of the site.
    fn is_holiday(&self, _time_zone: Option<&str>, _at: Timestamp) -> bool {
        false
    }
}

/// Knows no time of day; see [`CivilTime::local`].
#[derive(Debug, Clone, Copy, Default)]
pub struct UnknownCivilTime;

impl CivilTime for UnknownCivilTime {
    fn local(&self, _time_zone: Option<&str>, _at: Timestamp) -> Option<LocalTime> {
        None
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
    fn rfc3339_agrees_with_known_dates() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_999_000, "2025-12-31T23:59:59.999Z"),
            (-1_000, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).to_rfc3339(), text);
        }
    }

    #[test]
    fn a_corrected_wall_clock_is_followed_without_a_leap() {
        let mut clock = Steady { offset_us: 1_000_000_000_000, latest_us: 0 };
        let mut before = clock.read(0, 1_000_000_000_000);
        for second in 1..=200_i64 {
            // The wall clock was set back by 5 s.
            let now = clock.read(second * 1_000_000, 1_000_000_000_000 + (second - 5) * 1_000_000);
            assert!((900_000..=1_000_000).contains(&(now - before)), "{}", now - before);
            before = now;
        }
        assert_eq!(before, 1_000_000_000_000 + 195_000_000);
    }

    #[test]
    fn a_clock_that_is_set_for_the_first_time_is_believed() {
        let mut clock = Steady { offset_us: 0, latest_us: 0 };
        assert_eq!(clock.read(1_000_000, 1_700_000_000_000_000), 1_700_000_000_000_000);
    }

    #[test]
    fn since_never_goes_below_zero() {
        assert_eq!(Timestamp::ZERO.since(Timestamp::from_micros(5)), Duration::ZERO);
        assert_eq!(Timestamp::from_micros(7).since(Timestamp::from_micros(5)), Duration::from_micros(2));
        assert_eq!(Timestamp::ZERO.micros_since(Timestamp::from_micros(5)), -5);
    }
}
