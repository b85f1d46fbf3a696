//! Civil time by the time-zone database that is built into the binary.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{CivilTime, Clock, LocalTime, Timestamp, WallTime, Weekday};
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

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
    /// How the time line of a running agent reads on the wall; as it stands where there is none.
    clock: Option<OnTheWall>,
    holidays: Arc<HolidayList>,
}

#[derive(Clone)]
struct OnTheWall(Arc<dyn Clock>);

impl fmt::Debug for OnTheWall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a clock")
    }
}

impl SiteTime {
    /// For a time line that counts from the Unix epoch.
    pub fn live(time_zone: TimeZone) -> Self {
        Self { time_zone, origin: Some(jiff::Timestamp::UNIX_EPOCH), clock: None, holidays: Arc::default() }
    }

    /// For a time line that counts from the start of a clip.
    pub fn replay(time_zone: TimeZone, start: Option<jiff::Timestamp>) -> Self {
        Self { time_zone, origin: start, clock: None, holidays: Arc::default() }
    }

    /// By the time line of `clock`, which may be set while the agent runs.
    #[must_use]
    pub fn by(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(OnTheWall(clock));
        self
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
        let wall = self.clock.as_ref().map_or(WallTime::from_micros(at.as_micros()), |clock| clock.0.wall(at));
        self.shown(wall)
    }

    fn shown(&self, wall: WallTime) -> Option<jiff::Timestamp> {
        self.origin?.checked_add(jiff::SignedDuration::from_micros(wall.as_micros())).ok()
    }

    /// How long ago it was at `now` that the clock showed `stamp`, whatever was done to it since.
    pub fn age(&self, stamp: jiff::Timestamp, now: Timestamp) -> Duration {
        match &self.clock {
            Some(clock) => clock.0.age(WallTime::from_micros(stamp.as_microsecond())),
            None => self
                .instant(now)
                .and_then(|now| Duration::try_from(now.duration_since(stamp)).ok())
                .unwrap_or(Duration::ZERO),
        }
    }

    /// The time zone of the site.
    pub fn time_zone(&self) -> TimeZone {
        self.time_zone.clone()
    }

    /// `at` as people read it: local date and time where it is known, else seconds of the clip.
    pub fn display(&self, at: WallTime) -> String {
        self.shown(at).map_or_else(
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
        assert_eq!(civil.display(WallTime::from_secs_f64(12.34)), "12.3 s");
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

    /// A clock that is set forward by an hour and a half at 12:00 of its time line, and back after an hour.
    struct Set;

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs_f64(13.5 * 3600.0)
        }

        fn wall(&self, at: Timestamp) -> WallTime {
            let was_set = (12.0..13.0).contains(&(at.as_secs_f64() / 3600.0));
            WallTime::from_micros(at.as_micros() + if was_set { 5_400_000_000 } else { 0 })
        }
    }

    #[test]
    fn schedules_go_by_the_clock_as_it_is_set() {
        let civil = SiteTime::live(TimeZone::UTC).by(Arc::new(Set));
        let minute = |hours: f64| civil.local(None, Timestamp::from_secs_f64(hours * 3600.0)).unwrap().minute;
        assert_eq!([11.9, 12.1, 13.1].map(minute), [714, 726 + 90, 786]);
    }

    #[test]
    fn the_hour_that_comes_twice_and_the_one_that_never_comes_have_their_times_of_day() {
        let civil = SiteTime::live(TimeZone::get("Europe/Berlin").unwrap());
        let minute = |utc: &str| {
            let at: jiff::Timestamp = utc.parse().unwrap();
            civil.local(None, Timestamp::from_micros(at.as_microsecond())).unwrap().minute
        };
        assert_eq!(minute("2026-03-29T00:59:59Z"), 119);
        assert_eq!(minute("2026-03-29T01:00:00Z"), 180, "02:00 to 03:00 never comes");
        assert_eq!((minute("2026-10-25T00:30:00Z"), minute("2026-10-25T01:30:00Z")), (150, 150), "02:30 comes twice");
        assert_eq!(minute("2039-07-01T10:00:00Z"), 720, "beyond 2038");
    }
}
