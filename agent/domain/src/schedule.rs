//! Weekly schedules: on which days and between which hours something holds.

use std::fmt;

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
        civil.local(self.time_zone.as_deref(), at).map(|local| self.holds(local))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(days: &[Weekday], from: &str, to: &str) -> Schedule {
        let time = |t: &str| TimeOfDay::try_from(t.to_owned()).unwrap();
        Schedule { days: days.to_vec(), from: time(from), to: time(to), time_zone: None }
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
}
