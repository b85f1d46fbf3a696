//! Wall time: what is shown, written and sent. Nothing is decided by it but what people fix by the clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A difference from here on is a clock that was set; what is less is a correction, or a leap second.
pub(super) const LEAP_US: i64 = 2_000_000;

/// What a clock on the wall shows, in microseconds from the Unix epoch in UTC. It may leap, so two of them tell no span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(i64);

impl WallTime {
    /// A reading by its microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A reading by its seconds, rounded to the microsecond.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1e6).round() as i64)
    }

    /// Microseconds from the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Seconds from the Unix epoch.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Microseconds from `other` to this one, as the two read.
    pub const fn micros_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// RFC 3339 in UTC with milliseconds.
    ///
    /// The calendar arithmetic is Howard Hinnant's `civil_from_days`.
    pub fn to_rfc3339(self) -> String {
        let millis = self.0.div_euclid(1000);
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

    /// A reading by its date and time of day in UTC; none where one of them is out of its range.
    ///
    /// The calendar arithmetic is Howard Hinnant's `days_from_civil`.
    pub fn of_utc([year, month, day]: [i64; 3], [h, m, s]: [i64; 3]) -> Option<Self> {
        let is_date = (0..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        let is_time = (0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s);
        if !(is_date && is_time) {
            return None;
        }
        let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
        let era = year.div_euclid(400);
        let year_of_era = year - era * 400;
        let day_of_year = (153 * month + 2) / 5 + day - 1;
        let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
        Some(Self(((days * 24 + h) * 3600 + m * 60 + s) * 1_000_000))
    }
}

/// How the clock reads now against the time line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockReading {
    /// What is added to an instant of the time line, in microseconds.
    pub offset_us: i64,
    /// Above zero while the clock shows times that it has shown before, because it was set back: the number of the round.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub round: u32,
}

/// Somebody set the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSet {
    /// When that was noticed.
    pub at: Timestamp,
    /// By how many microseconds; below zero where it was set back.
    pub by_us: i64,
}

/// How an incident's instants read on the wall: by the clock as it stood when the incident was confirmed. A history so
/// keeps one time line, whatever is done to the clock meanwhile, and says what was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reckoning {
    /// What is added to an instant of the time line, in microseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset_us: i64,
    /// Where the clock was set while the incident was open, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<ClockSet>,
}

impl Reckoning {
    /// So often a clock that was set is noted by itself; what comes later is added to the last.
    const MOST_SETS: usize = 16;

    /// By the clock as it reads now.
    pub fn by(reading: ClockReading) -> Self {
        Self { offset_us: reading.offset_us, sets: Vec::new() }
    }

    /// Whether the time line and the wall are one and nobody set the clock.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// What a clock of this reckoning shows at `at`.
    pub fn wall(&self, at: Timestamp) -> WallTime {
        WallTime(at.as_micros().saturating_add(self.offset_us))
    }

    /// Notes at `at` that the clock was set, if `reading` says so.
    pub fn note(&mut self, at: Timestamp, reading: ClockReading) {
        let known_us = self.sets.iter().fold(self.offset_us, |sum, set| sum.saturating_add(set.by_us));
        let by_us = reading.offset_us.saturating_sub(known_us);
        if by_us.saturating_abs() < LEAP_US {
            return;
        }
        if self.sets.len() < Self::MOST_SETS {
            self.sets.push(ClockSet { at, by_us });
        } else if let Some(last) = self.sets.last_mut() {
            last.by_us = last.by_us.saturating_add(by_us);
        }
    }
}

/// A span between two readings as a duration; zero if it runs backwards.
pub(super) fn span_us(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero_u32(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    #[test]
    fn rfc3339_agrees_with_known_dates() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_999_000, "2025-12-31T23:59:59.999Z"),
            (-1_000, "1969-12-31T23:59:59.999Z"),
            // The second at which 32 bits end, the next, and one far beyond.
            (2_147_483_647_000_000, "2038-01-19T03:14:07.000Z"),
            (2_147_483_648_000_000, "2038-01-19T03:14:08.000Z"),
            (7_258_118_400_000_000, "2200-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(WallTime::from_micros(micros).to_rfc3339(), text);
        }
    }

    #[test]
    fn a_date_and_a_time_are_those_that_are_written() {
        for micros in [0, 951_782_400_000_000, 951_826_399_000_000, 1_767_225_599_000_000, -1_000_000] {
            let text = WallTime::from_micros(micros).to_rfc3339();
            let parts: Vec<i64> = text[..19].split(['-', 'T', ':']).map(|part| part.parse().unwrap()).collect();
            let (date, time) = ([parts[0], parts[1], parts[2]], [parts[3], parts[4], parts[5]]);
            assert_eq!(WallTime::of_utc(date, time), Some(WallTime::from_micros(micros)), "{text}");
        }
        for (date, time) in
            [([2026, 13, 1], [0; 3]), ([2026, 1, 0], [0; 3]), ([2026, 1, 1], [24, 0, 0]), ([i64::MAX, 1, 1], [0; 3])]
        {
            assert_eq!(WallTime::of_utc(date, time), None, "{date:?} {time:?}");
        }
    }

    #[test]
    fn a_history_keeps_its_reckoning_and_says_that_the_clock_was_set() {
        let at = Timestamp::from_secs_f64;
        let mut reckoning = Reckoning::by(ClockReading { offset_us: 5, round: 0 });
        reckoning.note(at(10.0), ClockReading { offset_us: 1_900_000, round: 0 });
        assert!(reckoning.sets.is_empty(), "a correction is no set clock");
        reckoning.note(at(20.0), ClockReading { offset_us: DAY_US, round: 0 });
        reckoning.note(at(21.0), ClockReading { offset_us: DAY_US, round: 0 });
        reckoning.note(at(30.0), ClockReading { offset_us: -DAY_US, round: 1 });
        let expected = [ClockSet { at: at(20.0), by_us: DAY_US - 5 }, ClockSet { at: at(30.0), by_us: -2 * DAY_US }];
        assert_eq!(reckoning.sets, expected);
        assert_eq!(reckoning.wall(at(40.0)), WallTime::from_micros(40_000_005), "it keeps one time line");
    }

    #[test]
    fn a_clock_that_is_set_for_ever_takes_no_more_room_for_ever() {
        let mut reckoning = Reckoning::default();
        for i in 0..100 {
            let offset_us = if i % 2 == 0 { DAY_US } else { 0 };
            reckoning.note(Timestamp::ZERO, ClockReading { offset_us, round: 0 });
        }
        assert_eq!(reckoning.sets.len(), Reckoning::MOST_SETS);
        assert_eq!(reckoning.sets.iter().map(|set| set.by_us).sum::<i64>(), 0, "the sum of all is the clock's");
    }

    #[test]
    fn a_plain_reckoning_takes_no_room() {
        assert_eq!(serde_json::to_string(&Reckoning::default()).unwrap(), "{}");
        assert!(serde_json::from_str::<Reckoning>("{}").unwrap().is_plain());
    }
}
