//! Civil time: what schedules and quiet hours go by.

use serde::{Deserialize, Serialize};

use super::Timestamp;

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
