//! `[site]`: name, time and language of the site.

use std::sync::Arc;

use forewarn_domain::schedule::Schedule;
use forewarn_domain::violation::Language;
use forewarn_domain::{CivilTime, Clock, Place, StreamId};
use forewarn_engine::civil_time::{HolidayList, SiteTime};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::{Check, unwritten};
use crate::schema;

pub(crate) const EXAMPLE: &str = r#"[site]
id = "riverside"                 # short name; part of topics and file names
time_zone = "Asia/Shanghai"      # of all schedules below, unless a schedule names its own
language = "zh"                  # of announcements: "zh" or "en"
# Hours in which nothing is announced. Violations are still watched and escalated, in silence.
quiet_hours = [{ from = "22:00", to = "07:00" }]
# Where the site lies, for `forewarn index`; the ids are free. A camera adds its own cell.
place = { city = "guangzhou", district = "tianhe", street = "shipai", community = "east" }
"#;

/// `[site]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHeader {
    /// Short name; part of topics and file names.
    #[schemars(with = "String")]
    pub id: StreamId,
    /// IANA time zone of schedules and quiet hours, such as `Asia/Shanghai`.
    #[serde(default = "default_time_zone")]
    #[schemars(with = "String")]
    pub time_zone: Spanned<String>,
    /// Language of announcements: `en` or `zh`.
    #[serde(default)]
    #[schemars(schema_with = "schema::language")]
    pub language: Language,
    /// Hours in which nothing is announced.
    #[serde(default)]
    #[schemars(schema_with = "schema::schedules")]
    pub quiet_hours: Vec<Spanned<Schedule>>,
    /// Holidays, for schedules that speak of them: days (`2026-01-01`) and spans of days (`2026-02-15..2026-02-23`).
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub holidays: Vec<Spanned<String>>,
    /// Where the site lies: city, district, street, community; ids are free.
    #[serde(default)]
    #[schemars(schema_with = "schema::place")]
    pub place: Place,
}

fn default_time_zone() -> Spanned<String> {
    unwritten("UTC".to_owned())
}

/// Name, time and language of the site.
#[derive(Debug, Clone)]
pub struct Header {
    /// Short name.
    pub id: StreamId,
    /// Time zone of schedules.
    pub time_zone: TimeZone,
    /// Language of announcements.
    pub language: Language,
    /// Hours in which nothing is announced.
    pub quiet_hours: Vec<Schedule>,
    /// Days that schedules may leave out, or hold on alone.
    pub holidays: HolidayList,
    /// Where the site lies, without the cells of its cameras.
    pub place: Place,
}

impl RawHeader {
    pub(crate) fn check(self, check: &mut Check<'_>) -> Option<Header> {
        let time_zone = known_zone(check, &self.time_zone);
        for hours in &self.quiet_hours {
            check_schedule(check, hours);
        }
        let mut holidays = HolidayList::default();
        for day in &self.holidays {
            if !holidays.add(day.get_ref()) {
                let problem = format!("\"{}\" is no day and no span of days", day.get_ref());
                check.fail::<()>(day.span(), problem, "write \"2026-01-01\" or \"2026-02-15..2026-02-23\"");
            }
        }
        Some(Header {
            id: self.id,
            time_zone: time_zone?,
            language: self.language,
            quiet_hours: self.quiet_hours.into_iter().map(Spanned::into_inner).collect(),
            holidays,
            place: self.place,
        })
    }
}

impl Header {
    /// The time of day at the site, by what a clock on the wall shows.
    pub fn civil(&self) -> Arc<dyn CivilTime> {
        Arc::new(self.calendar())
    }

    /// The same by the time line of a running agent.
    pub fn civil_by(&self, clock: Arc<dyn Clock>) -> SiteTime {
        self.calendar().by(clock)
    }

    fn calendar(&self) -> SiteTime {
        SiteTime::live(self.time_zone.clone()).with_holidays(self.holidays.clone())
    }
}

fn known_zone(check: &mut Check<'_>, name: &Spanned<String>) -> Option<TimeZone> {
    TimeZone::get(name.get_ref()).ok().or_else(|| {
        let problem = format!("there is no time zone \"{}\"", name.get_ref());
        check.fail(name.span(), problem, "write an IANA name such as \"Asia/Shanghai\" or \"UTC\"")
    })
}

/// A time zone that a schedule names must be one. A schedule without an end may be meant and is told.
pub(crate) fn check_schedule(check: &mut Check<'_>, schedule: &Spanned<Schedule>) {
    let (from, to) = (schedule.get_ref().from, schedule.get_ref().to);
    if from == to {
        let problem = format!("from {from} to {to} is a whole day");
        check.doubt(schedule.span(), problem, "write `from = \"00:00\", to = \"24:00\"` where that is meant");
    }
    if let Some(name) = &schedule.get_ref().time_zone {
        known_zone(check, &Spanned::new(schedule.span(), name.clone()));
    }
}
