//! What is correct in a site file and still cannot work, or hardly: found by `forewarn check`, told as warnings.

mod about;
mod condition;
mod earshot;
mod flight;
mod hours;
mod listening;
mod picture;
mod ports;
mod sensors;
#[cfg(test)]
mod tests;
mod things;
mod together;
mod words;

use std::fmt;

pub use self::about::About;
use self::condition::{numbers, resolved};
pub(crate) use self::picture::without_places;
pub use self::picture::{of_picture, unseen_zones};
use self::sensors::sensors;
use self::together::always_together;
use crate::edit::{Draft, Lines};
use crate::{Camera, ConfigError, Rule, Site};

/// A doubt about one camera, or one of its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The camera and, where it is about one, the rule, with their place in the site file.
    pub about: About,
    /// What cannot work, and why.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  fix: {}", self.about, self.problem, self.mend)
    }
}

/// The doubts about a site. `picture` tells the size of a camera's picture in pixels, where it is known.
pub fn doubts(site: &Site, picture: impl Fn(&Camera) -> Option<(u32, u32)>) -> Vec<Doubt> {
    let of_file = site.doubts.iter().map(Doubt::at_a_line);
    let lines = Lines::of(&site.source);
    of_file.chain(of_parts(site, picture).into_iter().map(|doubt| doubt.placed(&lines))).collect()
}

/// The doubts about how the parts of the file go together, without their places in it.
fn of_parts(site: &Site, picture: impl Fn(&Camera) -> Option<(u32, u32)>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if site.cameras.is_empty() {
        doubts.push(Doubt {
            about: About::site(),
            problem: "no camera is named, so nothing is watched".to_owned(),
            mend: "add one in the console, or a `[[camera]]` with `id` and `url`".to_owned(),
        });
    }
    for camera in &site.cameras {
        doubts.extend(of_camera(site, camera, picture(camera)));
    }
    doubts.extend(ports::shared(site));
    doubts.extend(ports::elsewhere(site));
    doubts.extend(listening::of_certificate(site));
    doubts.extend(earshot::lonely(site));
    doubts.extend(hours::of_site(site));
    doubts.extend(things::storage(site));
    doubts.extend(things::kept_for_no_day(site));
    doubts.extend(things::signs_of_shells(site));
    doubts.extend(things::classes(site));
    doubts.extend(things::cards(site));
    doubts.extend(sensors(&site.sensors, &site.cameras));
    if site.evidence.sealed_to.is_some() && site.cameras.iter().any(|camera| camera.has_footage) {
        doubts.push(Doubt {
            about: About::section("footage"),
            problem: "pictures and clips are sealed to a key, and footage lies open beside them".to_owned(),
            mend: "leave `footage = true` out, or keep the storage on an encrypted disk".to_owned(),
        });
    }
    for (id, config) in &site.speakers {
        doubts.extend(config.doubts().into_iter().map(|doubt| Doubt {
            about: About::speaker(id).key(doubt.key),
            problem: doubt.problem,
            mend: doubt.mend,
        }));
    }
    doubts
}

fn of_camera(site: &Site, camera: &Camera, picture: Option<(u32, u32)>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if camera.rules.is_empty() && site.heat_map.is_none() && !camera.has_footage {
        doubts.push(Doubt {
            about: About::camera(&camera.id),
            problem: "no rule is bound to it, so nothing it shows will ever be told".to_owned(),
            mend: "add a `[[camera.rule]]`, or leave the camera out".to_owned(),
        });
    }
    let is_unheard = |rule: &Rule| {
        words::given(rule).is_some()
            && camera.speakers.of(&rule.key.zone).is_empty()
            && !camera.speakers.is_meant(&rule.key.zone)
    };
    if let Some(rule) = camera.rules.iter().find(|rule| is_unheard(rule)) {
        doubts.push(Doubt {
            about: About::camera(&camera.id),
            problem: format!(
                "{} has a warning and zone `{}` has no speaker, so nobody is warned",
                rule.key.violation, rule.key.zone
            ),
            mend: "name speakers in `speakers = […]` of the camera or the zone".to_owned(),
        });
    }
    doubts.extend(things::missing_file(camera));
    doubts.extend(flight::never_told(camera));
    doubts.extend(flight::never_heard(site, camera));
    let streams = [("url", Some(&camera.source)), ("detect_url", camera.watched.as_ref())];
    for (key, source) in streams.into_iter().filter_map(|(key, source)| Some((key, source?))) {
        if !source.holds_secret() {
            continue;
        }
        doubts.push(Doubt {
            about: About::camera(&camera.id).key(key),
            problem: format!("{source} has a password in it, so whoever reads or copies the site file has that too"),
            mend: "write the address without it, and `user` with `password_file` or `password_env`; where the camera \
                   wants it in path or query, keep the site file for its owner alone (`chmod 600`)"
                .to_owned(),
        });
    }
    if let Some(size) = picture {
        doubts.extend(without_places(camera, size));
    }
    for rule in &camera.rules {
        doubts.extend(too_quick(camera, rule));
        doubts.extend(unknown_floors(camera, rule));
        doubts.extend(things::of_rule(rule));
        doubts.extend(words::of_warning(rule, site.header.language));
    }
    doubts.extend(always_together(&camera.rules));
    doubts
}

/// The doubts about a site as it is now that there were not about it as it was before.
pub fn new_doubts(before: &Site, now: &Site) -> Vec<Doubt> {
    // A line that only moved makes no doubt a new one.
    let is_known = |told: &&ConfigError| {
        before
            .doubts
            .iter()
            .any(|known| (&known.key, &known.problem, &known.mend) == (&told.key, &told.problem, &told.mend))
    };
    let of_file = now.doubts.iter().filter(|told| !is_known(told)).map(Doubt::at_a_line);
    let known = of_parts(before, |_| None);
    let of_now = of_parts(now, |_| None).into_iter().filter(|doubt| !known.contains(doubt));
    let lines = Lines::of(&now.source);
    of_file.chain(of_now.map(|doubt| doubt.placed(&lines))).collect()
}

impl Draft {
    /// What works by these changes and is hardly meant, and was not there before them.
    pub fn new_doubts(&self) -> Vec<Doubt> {
        self.former_site().map_or_else(|| doubts(&self.site, |_| None), |former| new_doubts(&former, &self.site))
    }
}

impl Doubt {
    fn at_a_line(told: &ConfigError) -> Self {
        Self { about: About::told(told), problem: told.problem.clone(), mend: told.mend.clone() }
    }

    fn placed(self, lines: &Lines<'_>) -> Self {
        Self { about: self.about.placed(lines), ..self }
    }
}

/// Times that are shorter than the time between two looks.
fn too_quick(camera: &Camera, rule: &Rule) -> Vec<Doubt> {
    let interval_s = camera.analysis_interval.as_secs_f64();
    let violation = &rule.violation;
    let mut doubts = Vec::new();
    let mut doubt = |problem: String, mend: String| doubts.push(Doubt { about: About::rule(rule), problem, mend });
    let looks = format!("between two looks of this camera lie {interval_s:.2} s");
    let faster = |wanted_s: f64| format!("raise `analysis_fps` to {:.1} or more", (1.0 / wanted_s).min(60.0));
    for seconds in numbers(&resolved(rule), "for_s").into_iter().filter(|s| *s > 0.0 && *s < interval_s) {
        doubt(
            format!("its condition asks for {seconds} s and {looks}, so one look decides"),
            format!("{}, or ask for a longer time", faster(seconds / 2.0)),
        );
    }
    let confirm = &violation.confirm;
    if confirm.hits > 1 && confirm.forgive_s < interval_s {
        doubt(
            format!(
                "a suspicion lapses after {} s without a hit and {looks}, so it can never be confirmed",
                confirm.forgive_s
            ),
            format!("set `with = {{ confirm.forgive_s = {:.0} }}`", (interval_s * 2.5).ceil()),
        );
    }
    let observe = &violation.observe;
    if observe.for_s < interval_s {
        doubt(
            format!("it looks again for {} s after the warning and {looks}", observe.for_s),
            // No rate makes more of no time at all.
            if observe.for_s < 0.1 {
                "set `with = { observe.for_s = … }`".to_owned()
            } else {
                format!("{}, or set `with = {{ observe.for_s = … }}`", faster(observe.for_s / 3.0))
            },
        );
    }
    doubts
}

/// A least floor where nobody says where the floors are.
fn unknown_floors(camera: &Camera, rule: &Rule) -> Option<Doubt> {
    let is_known = camera.falls.as_ref().is_none_or(|falls| falls.config.floors.is_some());
    let least = numbers(&resolved(rule), "from_floor").into_iter().find(|floor| *floor > 1.0)?;
    (!is_known).then(|| Doubt {
        about: About::rule(rule),
        problem: format!(
            "it asks for falls from floor {least} or higher and the floors are not known, so every fall counts"
        ),
        mend: "tell where they are: `falling_objects = { floors = { ground_y_px = …, floor_height_px = … } }`"
            .to_owned(),
    })
}
