//! Weekly schedules: on which days and between which hours something holds.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CivilTime, LocalTime, Timestamp, Weekday};

/// A time of day as `HH:MM` in files; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minute: u16,
}

impl TimeOfDay {
    /// Minutes since midnight, 0 to 1440.
    pub fn minute(self) -> u16 {
        self.minute
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let is_number = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        let parse = |part: &str| part.parse::<u16>().ok().filter(|_| is_number(part));
        text.split_once(':')
            .and_then(|(h, m)| Some((parse(h)?, parse(m)?)))
            .filter(|&(h, m)| m < 60 && (h < 24 || (h == 24 && m == 0)))
            .map(|(h, m)| Self { minute: h * 60 + m })
            .ok_or_else(|| format!("\"{text}\" is no time of day: write HH:MM, such as 07:30"))
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

/// How a schedule stands to the holidays of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holidays {
    /// It holds on holidays only.
    Only,
    /// It does not hold on holidays.
    Except,
}

/// Days and hours. `from` later than `to` runs over midnight and belongs to the day on which it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Days of the week; every day if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// First minute that belongs.
    pub from: TimeOfDay,
    /// First minute that no longer belongs.
    pub to: TimeOfDay,
    /// IANA time zone; the site's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Whether holidays, which the site file lists, matter; a night belongs to the day on which it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holidays: Option<Holidays>,
}

impl Schedule {
    /// Whether the schedule holds at a local time.
    pub fn holds(&self, local: LocalTime) -> bool {
        let on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        let (from, to) = (self.from.minute, self.to.minute);
        if from < to {
            return on(local.weekday) && (from..to).contains(&local.minute);
        }
        (local.minute >= from && on(local.weekday)) || (local.minute < to && on(local.weekday.yesterday()))
    }

    /// Whether the schedule holds at `at`; `None` where the time of day is unknown.
    pub fn holds_at(&self, at: Timestamp, civil: &dyn CivilTime) -> Option<bool> {
        let zone = self.time_zone.as_deref();
        let local = civil.local(zone, at)?;
        let Some(holidays) = self.holidays.filter(|_| self.holds(local)) else { return Some(self.holds(local)) };
        // After midnight the night of the day before goes on; an hour before that midnight is in that day, whatever a
        // change to summer time does.
        let began_yesterday = self.from >= self.to && local.minute < self.to.minute;
        let back = Duration::from_secs(if began_yesterday { u64::from(local.minute) * 60 + 3600 } else { 0 });
        Some(civil.is_holiday(zone, at - back) == (holidays == Holidays::Only))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(days: &[Weekday], from: &str, to: &str) -> Schedule {
        let time = |t: &str| TimeOfDay::try_from(t.to_owned()).unwrap();
        Schedule { days: days.to_vec(), from: time(from), to: time(to), time_zone: None, holidays: None }
    }

    fn at(weekday: Weekday, minute: u16) -> LocalTime {
        LocalTime { weekday, minute }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_began() {
        let friday_night = schedule(&[Weekday::Fri], "22:00", "06:00");
        assert!(friday_night.holds(at(Weekday::Fri, 22 * 60)));
        assert!(friday_night.holds(at(Weekday::Sat, 5 * 60 + 59)));
        assert!(!friday_night.holds(at(Weekday::Fri, 60)));
        assert!(!friday_night.holds(at(Weekday::Sat, 6 * 60)));
    }

    #[test]
    fn the_end_is_exclusive() {
        let office = schedule(&[], "08:00", "18:00");
        assert!(office.holds(at(Weekday::Sun, 8 * 60)));
        assert!(!office.holds(at(Weekday::Sun, 18 * 60)));
    }

    #[test]
    fn times_of_day_are_strict() {
        for bad in ["7:30", "24:01", "12:60", "noon", "+7:30"] {
            assert!(TimeOfDay::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    /// Noon, midnight and so on of a week that began on Monday with the origin of time; Wednesday is a holiday.
    struct Week;

    impl CivilTime for Week {
        fn local(&self, _: Option<&str>, at: Timestamp) -> Option<LocalTime> {
            use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
            let minutes = at.as_micros().div_euclid(60_000_000);
            let days = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
            let weekday = days[usize::try_from(minutes.div_euclid(1440).rem_euclid(7)).ok()?];
            Some(LocalTime { weekday, minute: u16::try_from(minutes.rem_euclid(1440)).ok()? })
        }

        fn is_holiday(&self, zone: Option<&str>, at: Timestamp) -> bool {
            self.local(zone, at).is_some_and(|local| local.weekday == Weekday::Wed)
        }
    }

    #[test]
    fn holidays_are_left_out_or_all_that_counts() {
        let night = |holidays| Schedule { holidays: Some(holidays), ..schedule(&[], "22:00", "06:00") };
        let hour = |day: i64, hour: i64| Timestamp::from_micros((day * 24 + hour) * 3_600_000_000);
        for (at, is_of_holiday) in [
            (hour(1, 23), false),
            // The night before the holiday goes on into it.
            (hour(2, 5), false),
            (hour(2, 23), true),
            (hour(3, 5), true),
            (hour(3, 23), false),
        ] {
            assert_eq!(night(Holidays::Only).holds_at(at, &Week), Some(is_of_holiday), "{at}");
            assert_eq!(night(Holidays::Except).holds_at(at, &Week), Some(!is_of_holiday), "{at}");
        }
        assert_eq!(night(Holidays::Only).holds_at(hour(2, 12), &Week), Some(false));
    }
}
