//! Days, weeks and months of the calendar as spans of time in a site's time zone.

use std::str::FromStr;

use forewarn_domain::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};

use crate::Period;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// From midnight to midnight.
    Day,
    /// From Monday on (ISO 8601).
    Week,
    /// A month of the calendar.
    Month,
}

impl FromStr for Length {
    type Err = PeriodsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            _ => Err(PeriodsError::Length { text: text.to_owned() }),
        }
    }
}

/// More periods than this are a mistake.
const MOST_PERIODS: usize = 1000;

/// There are no such periods.
#[derive(Debug, thiserror::Error)]
pub enum PeriodsError {
    /// It is no length of a period.
    #[error("`{text}` is no length of a period; write day, week or month")]
    Length {
        /// What was written.
        text: String,
    },
    /// The last day is before the first.
    #[error("--from {from} is after --to {to}; swap the two")]
    Swapped {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
    },
    /// There are too many.
    #[error("that is more than {MOST_PERIODS} periods; choose a longer --period")]
    TooMany,
    /// The calendar ends before.
    #[error("{day}: {source}")]
    OutOfCalendar {
        /// The day.
        day: Date,
        /// The reason.
        source: jiff::Error,
    },
}

/// The periods that touch `from` to `to`, both days included. The first and the last end where these do.
pub fn periods(from: Date, to: Date, length: Length, time_zone: &TimeZone) -> Result<Vec<Period>, PeriodsError> {
    if from > to {
        return Err(PeriodsError::Swapped { from, to });
    }
    let end = to.tomorrow().map_err(|source| PeriodsError::OutOfCalendar { day: to, source })?;
    let mut periods = Vec::new();
    let mut first = from;
    while first < end {
        if periods.len() >= MOST_PERIODS {
            return Err(PeriodsError::TooMany);
        }
        let next = next_start(first, length).map_err(|source| PeriodsError::OutOfCalendar { day: first, source })?;
        let next = next.min(end);
        periods.push(Period {
            label: label(first, length),
            from: midnight(first, time_zone)?,
            to: midnight(next, time_zone)?,
        });
        first = next;
    }
    Ok(periods)
}

/// All of these days, both ends included.
pub fn span((from, to): (Date, Date), time_zone: &TimeZone) -> Result<Period, PeriodsError> {
    if from > to {
        return Err(PeriodsError::Swapped { from, to });
    }
    let end = to.tomorrow().map_err(|source| PeriodsError::OutOfCalendar { day: to, source })?;
    Ok(Period { label: String::new(), from: midnight(from, time_zone)?, to: midnight(end, time_zone)? })
}

fn next_start(date: Date, length: Length) -> Result<Date, jiff::Error> {
    match length {
        Length::Day => date.tomorrow(),
        Length::Week => date.nth_weekday(1, Weekday::Monday),
        Length::Month => date.last_of_month().checked_add(1.day()),
    }
}

fn label(date: Date, length: Length) -> String {
    match length {
        Length::Day => date.to_string(),
        Length::Week => {
            let week = date.iso_week_date();
            format!("{}-W{:02}", week.year(), week.week())
        }
        Length::Month => date.strftime("%Y-%m").to_string(),
    }
}

fn midnight(day: Date, time_zone: &TimeZone) -> Result<Timestamp, PeriodsError> {
    let zoned: Zoned = day.to_zoned(time_zone.clone()).map_err(|source| PeriodsError::OutOfCalendar { day, source })?;
    Ok(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: &str, to: &str, length: Length) -> Vec<String> {
        let periods = periods(from.parse().unwrap(), to.parse().unwrap(), length, &TimeZone::UTC).unwrap();
        assert!(periods.windows(2).all(|pair| pair[0].to == pair[1].from));
        periods.into_iter().map(|period| period.label).collect()
    }

    #[test]
    fn periods_join_without_a_gap_and_follow_the_calendar() {
        assert_eq!(labels("2026-11-21", "2026-11-22", Length::Day), ["2026-11-21", "2026-11-22"]);
        // 2026-11-22 is a Sunday.
        assert_eq!(labels("2026-11-22", "2026-11-23", Length::Week), ["2026-W47", "2026-W48"]);
        assert_eq!(labels("2026-12-31", "2027-01-01", Length::Month), ["2026-12", "2027-01"]);
    }

    #[test]
    fn a_day_with_a_change_of_the_clock_has_its_own_length() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let day: Date = "2026-10-25".parse().unwrap();
        let period = &periods(day, day, Length::Day, &zone).unwrap()[0];
        assert_eq!(period.to.as_micros() - period.from.as_micros(), 25 * 3600 * 1_000_000);
        let two = span((day, day.tomorrow().unwrap()), &zone).unwrap();
        assert_eq!((two.from, two.to.as_micros() - two.from.as_micros()), (period.from, 49 * 3600 * 1_000_000));
        assert!(span((day, day.yesterday().unwrap()), &zone).is_err());
    }

    #[test]
    fn a_length_is_read_from_its_word() {
        assert_eq!("week".parse::<Length>().unwrap(), Length::Week);
        let error = "year".parse::<Length>().unwrap_err().to_string();
        assert_eq!(error, "`year` is no length of a period; write day, week or month");
    }

    #[test]
    fn swapped_days_and_too_many_of_them_are_refused() {
        let check = |from: &str, to: &str| {
            periods(from.parse().unwrap(), to.parse().unwrap(), Length::Day, &TimeZone::UTC).unwrap_err().to_string()
        };
        assert!(check("2026-11-22", "2026-11-21").contains("swap"));
        assert!(check("2000-01-01", "2026-11-21").contains("longer --period"));
    }
}
