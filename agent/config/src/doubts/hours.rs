//! Doubts about times of the week: schedules that never hold, volumes that never count, and warnings that fall silent with the
//! quiet hours.

use forewarn_domain::schedule::{Holidays, Schedule};
use forewarn_domain::{LocalTime, SpeakerId, Weekday};
use forewarn_hw::speaker::VolumeConfig;

use super::{About, Doubt, words};
use crate::{Rule, Site};

const DAYS: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// The doubts about the hours of a site and of its rules.
pub(super) fn of_site(site: &Site) -> Vec<Doubt> {
    let rules = || site.cameras.iter().flat_map(|camera| &camera.rules);
    let mut doubts: Vec<Doubt> =
        site.header.quiet_hours.iter().filter_map(|hours| holidays(site, hours, None)).collect();
    doubts.extend(rules().filter_map(|rule| holidays(site, rule.binding.schedule.as_ref()?, Some(rule))));
    doubts.extend(rules().filter_map(|rule| always_quiet(&site.header.quiet_hours, rule)));
    doubts.extend(site.speakers.iter().flat_map(|(id, config)| unheard(id, &config.common.volume)));
    doubts
}

/// Volumes that never count, because one that is named before holds at all their hours.
fn unheard(speaker: &SpeakerId, volumes: &[VolumeConfig]) -> Vec<Doubt> {
    // Whether hours of other zones and holidays meet depends on the day.
    let is_plain = |hours: &Schedule| hours.holidays.is_none() && hours.time_zone.is_none();
    let counts = |n: usize, own: &Schedule| {
        let before = || volumes.iter().take(n).map(|volume| &volume.hours).filter(|hours| is_plain(hours));
        !is_plain(own) || week().any(|at| own.holds(at) && !before().any(|hours| hours.holds(at)))
    };
    let never = volumes.iter().enumerate().filter(|(n, volume)| !counts(*n, &volume.hours));
    never
        .map(|(n, volume)| Doubt {
            about: About::speaker(speaker).key("volume"),
            problem: format!(
                "entry {} of {} ({} dB) never counts: those before it hold at all its hours, and the first counts",
                n + 1,
                volumes.len(),
                volume.db
            ),
            mend: "put the narrower hours first".to_owned(),
        })
        .collect()
}

/// Each minute of a week.
fn week() -> impl Iterator<Item = LocalTime> {
    DAYS.iter().flat_map(|day| (0..24 * 60).map(|minute| LocalTime { weekday: *day, minute }))
}

/// A schedule that speaks of holidays where the site names none.
fn holidays(site: &Site, schedule: &Schedule, rule: Option<&Rule>) -> Option<Doubt> {
    let kind = schedule.holidays.filter(|_| site.header.holidays.is_empty())?;
    let what = match kind {
        Holidays::Only => "hold on holidays alone and the site names none, so they never hold",
        Holidays::Except => "leave out holidays and the site names none, so they hold on every one",
    };
    let whose = if rule.is_some() { "its hours" } else { "they" };
    Some(Doubt {
        about: rule.map_or_else(|| About::section("site").key("quiet_hours"), About::rule),
        problem: format!("{whose} {what}"),
        mend: "name them in `[site]`: `holidays = [\"2026-01-01\"]`".to_owned(),
    })
}

/// A rule whose hours all lie within quiet ones, so that its warning is never spoken.
fn always_quiet(quiet: &[Schedule], rule: &Rule) -> Option<Doubt> {
    words::given(rule)?;
    let own = rule.binding.schedule.as_ref();
    // Hours of other zones and holidays are left out: whether they meet depends on the day.
    let quiet: Vec<&Schedule> = quiet.iter().filter(|hours| hours.holidays.is_none()).collect();
    if quiet.is_empty() || own.into_iter().chain(quiet.iter().copied()).any(|hours| hours.time_zone.is_some()) {
        return None;
    }
    let is_heard = |at: LocalTime| own.is_none_or(|own| own.holds(at)) && !quiet.iter().any(|hours| hours.holds(at));
    (!week().any(is_heard)).then(|| Doubt {
        about: About::rule(rule),
        problem: "all its hours are quiet hours of the site, so its warning is never spoken".to_owned(),
        mend: "shorten `quiet_hours` of `[site]`, or set `with = { warning.times = 0 }` where that is meant".to_owned(),
    })
}
