//! Civil time by the time-zone database that is built into the binary.

use std::sync::Arc;

use forewarn_domain::{CivilTime, LocalTime, Timestamp, Weekday};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The holidays of a site, as spans of days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HolidayList(Vec<(Date, Date)>);

impl HolidayList {
    /// Takes a day (`2026-01-01`) or a span of days (`2026-02-15..2026-02-23`, both included); false if it is neither.
    pub fn add(&mut self, text: &str) -> bool {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (Ok(from), Ok(to)) = (from.trim().parse::<Date>(), to.trim().parse::<Date>()) else { return false };
        let is_span = from <= to;
        if is_span {
            self.0.push((from, to));
        }
        is_span
    }

    /// Whether a day is one of them.
    pub fn contains(&self, day: Date) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&day))
    }
}

/// Tells the time of day at the site.
#[derive(Debug, Clone)]
pub struct SiteTime {
    time_zone: TimeZone,
    /// The instant of the wall clock at which the time line has its zero: the Unix epoch live, the stated start of
    /// the clip in a replay, `None` where nobody stated it.
    origin: Option<jiff::Timestamp>,
    holidays: Arc<HolidayList>,
}

impl SiteTime {
    /// For a time line that counts from the Unix epoch.
    pub fn live(time_zone: TimeZone) -> Self {
        Self { time_zone, origin: Some(jiff::Timestamp::UNIX_EPOCH), holidays: Arc::default() }
    }

    /// For a time line that counts from the start of a clip.
    pub fn replay(time_zone: TimeZone, start: Option<jiff::Timestamp>) -> Self {
        Self { time_zone, origin: start, holidays: Arc::default() }
    }

    /// With the holidays of the site; there are none otherwise.
    #[must_use]
    pub fn with_holidays(mut self, holidays: HolidayList) -> Self {
        self.holidays = Arc::new(holidays);
        self
    }

    /// Date and time on the wall, if they are known.
    ///
    /// The names of time zones are checked when the site file is read, so a lookup that fails cannot happen there.
    fn zoned(&self, time_zone: Option<&str>, at: Timestamp) -> Option<jiff::Zoned> {
        let zone = time_zone.map_or_else(|| Some(self.time_zone.clone()), |name| TimeZone::get(name).ok())?;
        Some(self.instant(at)?.to_zoned(zone))
    }

    /// The wall-clock instant of `at`, if it is known.
    pub fn instant(&self, at: Timestamp) -> Option<jiff::Timestamp> {
        let origin = self.origin?;
        origin.checked_add(jiff::SignedDuration::from_micros(at.as_micros())).ok()
    }

    /// The time zone of the site.
    pub fn time_zone(&self) -> TimeZone {
        self.time_zone.clone()
    }

    /// `at` as people read it: local date and time where it is known, else seconds of the clip.
    pub fn display(&self, at: Timestamp) -> String {
        self.instant(at).map_or_else(
            || format!("{:.1} s", at.as_secs_f64()),
            |instant| instant.to_zoned(self.time_zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }
}

impl CivilTime for SiteTime {
    fn local(&self, time_zone: Option<&str>, at: Timestamp) -> Option<LocalTime> {
        let local = self.zoned(time_zone, at)?;
        let weekday = match local.weekday() {
            jiff::civil::Weekday::Monday => Weekday::Mon,
            jiff::civil::Weekday::Tuesday => Weekday::Tue,
            jiff::civil::Weekday::Wednesday => Weekday::Wed,
            jiff::civil::Weekday::Thursday => Weekday::Thu,
            jiff::civil::Weekday::Friday => Weekday::Fri,
            jiff::civil::Weekday::Saturday => Weekday::Sat,
            jiff::civil::Weekday::Sunday => Weekday::Sun,
        };
        Some(LocalTime {
            weekday,
            minute: u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).ok()?,
        })
    }

    fn is_holiday(&self, time_zone: Option<&str>, at: Timestamp) -> bool {
        self.zoned(time_zone, at).is_some_and(|local| self.holidays.contains(local.date()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_follows_the_zone_and_the_named_one_wins() {
        let civil = SiteTime::live(TimeZone::get("Asia/Shanghai").unwrap());
        let at = Timestamp::from_secs_f64(1_767_225_600.0); // Thursday 2026-01-01 00:00 UTC
        assert_eq!(civil.local(None, at), Some(LocalTime { weekday: Weekday::Thu, minute: 480 }));
        assert_eq!(
            civil.local(Some("America/New_York"), at),
            Some(LocalTime { weekday: Weekday::Wed, minute: 19 * 60 })
        );
    }

    #[test]
    fn a_clip_without_a_stated_start_has_no_time_of_day() {
        let civil = SiteTime::replay(TimeZone::UTC, None);
        assert_eq!(civil.local(None, Timestamp::ZERO), None);
        assert_eq!(civil.display(Timestamp::from_secs_f64(12.34)), "12.3 s");
    }

    #[test]
    fn holidays_are_days_of_the_wall_clock() {
        let mut list = HolidayList::default();
        assert!(list.add("2026-01-01") && list.add("2026-02-15..2026-02-23"));
        for bad in ["2026-13-01", "new year", "2026-02-23..2026-02-15", ""] {
            assert!(!list.add(bad), "{bad}");
        }
        let civil = SiteTime::live(TimeZone::get("Asia/Shanghai").unwrap()).with_holidays(list);
        // 2025-12-31 16:00 UTC is midnight of the new year in Shanghai.
        let midnight = Timestamp::from_secs_f64(1_767_196_800.0);
        assert!(civil.is_holiday(None, midnight));
        assert!(!civil.is_holiday(Some("UTC"), midnight));
        assert!(!civil.is_holiday(None, Timestamp::from_secs_f64(1_767_196_799.0)));
        assert!(civil.is_holiday(None, Timestamp::from_secs_f64(1_771_500_000.0)), "2026-02-19");
    }
}
