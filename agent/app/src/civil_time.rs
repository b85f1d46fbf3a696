//! Civil time by the time-zone database that is built into the binary.

use forewarn_domain::{CivilTime, LocalTime, Timestamp, Weekday};
use jiff::tz::TimeZone;

/// Tells the time of day at the site.
#[derive(Debug, Clone)]
pub struct SiteTime {
    time_zone: TimeZone,
    /// The instant of the wall clock at which the time line has its zero: the Unix epoch live, the stated start of
    /// the clip in a replay, `None` where nobody stated it.
    origin: Option<jiff::Timestamp>,
}

impl SiteTime {
    /// For a time line that counts from the Unix epoch.
    pub fn live(time_zone: TimeZone) -> Self {
        Self { time_zone, origin: Some(jiff::Timestamp::UNIX_EPOCH) }
    }

    /// For a time line that counts from the start of a clip.
    pub fn replay(time_zone: TimeZone, start: Option<jiff::Timestamp>) -> Self {
        Self { time_zone, origin: start }
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
        // The names of time zones are checked when the site file is read, so a lookup that fails cannot happen there.
        let zone = match time_zone {
            Some(name) => TimeZone::get(name).ok()?,
            None => self.time_zone.clone(),
        };
        let local = self.instant(at)?.to_zoned(zone);
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
}
