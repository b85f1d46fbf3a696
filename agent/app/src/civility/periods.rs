//! Days, weeks and months of the calendar as spans of time in a site's time zone.

use anyhow::{anyhow, ensure};
use clap::ValueEnum;
use forewarn_domain::Timestamp;
use forewarn_index::Period;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Length {
    /// From midnight to midnight.
    Day,
    /// From Monday on (ISO 8601).
    Week,
    /// A month of the calendar.
    Month,
}

/// More periods than this are a mistake.
const MOST_PERIODS: usize = 1000;

/// The periods that touch `from` to `to`, both days included. The first and the last end where these do.
pub fn periods(from: Date, to: Date, length: Length, time_zone: &TimeZone) -> anyhow::Result<Vec<Period>> {
    ensure!(from <= to, "--from {from} is after --to {to}; swap the two");
    let end = to.tomorrow()?;
    let mut periods = Vec::new();
    let mut first = from;
    while first < end {
        ensure!(periods.len() < MOST_PERIODS, "that is more than {MOST_PERIODS} periods; choose a longer --period");
        let next = next_start(first, length)?.min(end);
        periods.push(Period {
            label: label(first, length),
            from: midnight(first, time_zone)?,
            to: midnight(next, time_zone)?,
        });
        first = next;
    }
    Ok(periods)
}

fn next_start(date: Date, length: Length) -> anyhow::Result<Date> {
    Ok(match length {
        Length::Day => date.tomorrow()?,
        Length::Week => date.nth_weekday(1, Weekday::Monday)?,
        Length::Month => date.last_of_month().checked_add(1.day())?,
    })
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

fn midnight(date: Date, time_zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let zoned: Zoned = date.to_zoned(time_zone.clone()).map_err(|error| anyhow!("{date}: {error}"))?;
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
