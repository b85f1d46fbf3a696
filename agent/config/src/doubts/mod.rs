//! What is correct in a site file and still cannot work, or hardly: found by `forewarn check`, told as warnings.

mod condition;
mod picture;
mod sensors;
mod things;
mod together;

use std::fmt;

use self::condition::{numbers, resolved};
pub use self::picture::{of_picture, unseen_zones};
use self::sensors::sensors;
use self::together::always_together;
use crate::{Camera, ConfigError, Rule, Site};

/// A doubt about one camera, or one of its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The camera and, where it is about one, the rule.
    pub about: String,
    /// What cannot work, and why.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  mend: {}", self.about, self.problem, self.mend)
    }
}

/// The doubts about a site. `picture` tells the size of a camera's picture in pixels, where it is known.
pub fn doubts(site: &Site, picture: impl Fn(&Camera) -> Option<(u32, u32)>) -> Vec<Doubt> {
    let mut doubts: Vec<Doubt> = site.doubts.iter().map(Doubt::at_a_line).collect();
    for camera in &site.cameras {
        if camera.rules.is_empty() && site.heat_map.is_none() {
            doubts.push(Doubt {
                about: format!("camera {}", camera.id),
                problem: "no rule is bound to it, so nothing it shows will ever be told".to_owned(),
                mend: "add a `[[camera.rule]]`, or leave the camera out".to_owned(),
            });
        }
        if camera.speakers.is_empty() && camera.rules.iter().any(|rule| rule.violation.warning.is_some()) {
            doubts.push(Doubt {
                about: format!("camera {}", camera.id),
                problem: "its violations have warnings and it has no speaker, so nobody is warned".to_owned(),
                mend: "name speakers in `speakers = […]`".to_owned(),
            });
        }
        doubts.extend(things::missing_file(camera));
        let streams = [("url", Some(&camera.source)), ("detect_url", camera.watched.as_ref())];
        for (key, source) in streams.into_iter().filter_map(|(key, source)| Some((key, source?))) {
            if !source.holds_secret() {
                continue;
            }
            doubts.push(Doubt {
                about: format!("camera {}, {key}", camera.id),
                problem: format!(
                    "{source} has a password in it, so whoever reads or copies the site file has that too"
                ),
                mend:
                    "write the address without it, and `user` with `password_file` or `password_env`; where the camera \
                       wants it in path or query, keep the site file for its owner alone (`chmod 600`)"
                        .to_owned(),
            });
        }
        if let Some(size) = picture(camera) {
            doubts.extend(of_picture(camera, size));
        }
        for rule in &camera.rules {
            doubts.extend(too_quick(camera, rule));
            doubts.extend(unknown_floors(camera, rule));
            doubts.extend(things::of_rule(rule));
        }
        doubts.extend(always_together(&camera.rules));
    }
    doubts.extend(things::storage(site));
    doubts.extend(things::signs_of_shells(site));
    doubts.extend(things::classes(site));
    doubts.extend(things::cards(site));
    doubts.extend(sensors(&site.sensors, &site.cameras));
    for (id, config) in &site.speakers {
        doubts.extend(config.doubts().into_iter().map(|doubt| Doubt {
            about: format!("speaker {id}, {}", doubt.key),
            problem: doubt.problem,
            mend: doubt.mend,
        }));
    }
    doubts
}

fn about(rule: &Rule) -> String {
    format!("camera {}, {} in {}", rule.key.stream, rule.key.violation, rule.key.zone)
}

impl Doubt {
    fn at_a_line(told: &ConfigError) -> Self {
        let ConfigError { file, line, key, problem, mend } = told.clone();
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        Self { about: format!("{file}{line}: {}", key.unwrap_or_default()), problem, mend }
    }
}

/// Times that are shorter than the time between two looks.
fn too_quick(camera: &Camera, rule: &Rule) -> Vec<Doubt> {
    let interval_s = camera.analysis_interval.as_secs_f64();
    let violation = &rule.violation;
    let mut doubts = Vec::new();
    let mut doubt = |problem: String, mend: String| doubts.push(Doubt { about: about(rule), problem, mend });
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
            format!("{}, or set `with = {{ observe.for_s = … }}`", faster(observe.for_s.max(0.1) / 3.0)),
        );
    }
    doubts
}

/// A least floor where nobody says where the floors are.
fn unknown_floors(camera: &Camera, rule: &Rule) -> Option<Doubt> {
    let is_known = camera.falls.as_ref().is_none_or(|falls| falls.config.floors.is_some());
    let least = numbers(&resolved(rule), "from_floor").into_iter().find(|floor| *floor > 1.0)?;
    (!is_known).then(|| Doubt {
        about: about(rule),
        problem: format!(
            "it asks for falls from floor {least} or higher and the floors are not known, so every fall counts"
        ),
        mend: "tell where they are: `falling_objects = { floors = { ground_y_px = …, floor_height_px = … } }`"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;
    use crate::source::Source;

    fn check(camera: &str, says: &[&str]) {
        let text = format!(
            "[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n[[camera]]\nid = \"gate\"\n\
             url = \"rtsp://127.0.0.1/a\"\nspeakers = [\"horn\"]\n{camera}"
        );
        let site = resolve(&Source::new("site.toml", text)).unwrap();
        let found: Vec<String> =
            doubts(&site, |_| Some((640, 360))).into_iter().map(|doubt| doubt.to_string()).collect();
        assert_eq!(found.len(), says.len(), "{found:#?}");
        for (doubt, part) in found.iter().zip(says) {
            assert!(doubt.contains(part), "{doubt} does not say {part:?}");
        }
    }

    const RULE: &str = "[[camera.rule]]\nviolation = \"loitering\"\n";

    #[test]
    fn a_good_camera_raises_no_doubt() {
        check(RULE, &[]);
    }

    #[test]
    fn a_password_in_an_address_is_told_and_not_shown() {
        let site = |url: &str| {
            let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"{url}\"\nspeakers = [\"horn\"]\n{RULE}");
            let speaker = "[[speaker]]\nid = \"horn\"\nkind = \"local\"\n";
            let text = format!("[site]\nid = \"s\"\n{speaker}{camera}");
            doubts(&resolve(&Source::new("site.toml", text)).unwrap(), |_| None)
        };
        for url in ["rtsp://guard:s3cret@cam/a", "rtsp://cam/user=guard&password=s3cret&channel=1"] {
            let found = site(url);
            let told = found[0].to_string();
            assert!(found.len() == 1 && told.contains("password_file") && told.contains("rtsp://cam/"), "{told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
        assert_eq!(site("rtsp://guard@cam/a"), []);
    }

    #[test]
    fn a_zone_outside_of_the_picture_is_told() {
        let zone = "[[camera.zone]]\nid = \"far\"\npolygon = [[600, 100], [900, 100], [900, 200]]\n";
        check(&format!("{zone}{RULE}"), &["2 of its 3 points"]);
        let line = "[[camera.zone]]\nid = \"step\"\nline = [[10, 100], [10, 900]]\n";
        check(&format!("{line}{RULE}"), &["1 of its 2 points"]);
        let floors = "falling_objects = { floors = { ground_y_px = 1040, floor_height_px = 30 } }\n";
        check(&format!("{floors}[[camera.rule]]\nviolation = \"thrown_object\"\n"), &["at row 1040"]);
    }

    #[test]
    fn what_is_hardly_meant_is_told_with_its_line() {
        let zone = "[[camera.zone]]\nid = \"kerb\"\npolygon = [[0, 0], [1.02, 1], [1, 0], [0, 1]]\n";
        check(
            &format!("{zone}{RULE}"),
            &["site.toml:12: polygon: 1 of its points", "site.toml:12: polygon: its edges"],
        );
        let rule = "[[camera.rule]]\nviolation = \"wrong_way\"\n";
        check(rule, &["site.toml:11: violation: `allowed_deg` is not set"]);
        check(&format!("{rule}with = {{ allowed_deg = 90 }}\n"), &[]);
    }

    #[test]
    fn times_shorter_than_the_time_between_looks_are_told() {
        let doubts = ["so one look decides", "can never be confirmed"];
        let rule = format!("{RULE}with = {{ dwell_s = 1, confirm.forgive_s = 1 }}\n");
        check(&format!("analysis_fps = 0.5\n{rule}"), &doubts);
    }

    #[test]
    fn of_two_violations_the_narrower_is_told_when_it_never_fires_alone() {
        let both = format!("{RULE}[[camera.rule]]\nviolation = \"intrusion\"\n");
        check(&both, &[]);
        let rules = "[[camera.rule]]\nviolation = \"crowding\"\nwith = { people = 9 }\n";
        check(rules, &[]);
    }

    #[test]
    fn a_least_floor_without_floors_is_told() {
        let rule = "[[camera.rule]]\nviolation = \"thrown_object\"\n";
        check(rule, &["the floors are not known"]);
        let floors = "falling_objects = { floors = { ground_y_px = 340, floor_height_px = 30 } }\n";
        check(&format!("{floors}{rule}"), &[]);
        check(&format!("{rule}with = {{ least_floor = 1 }}\n"), &[]);
    }

    #[test]
    fn what_is_not_there_or_says_nothing_is_told() {
        check(&format!("{RULE}sensor = \"fume\"\n"), &["the sensor `fume` and its violation asks none"]);
        check(&format!("{RULE}with = {{ evidence.pre_roll_s = 1000 }}\n"), &["at most 600 s are kept"]);
        check(&format!("{RULE}with = {{ warning.text = {{ zh = \"……\" }} }}\n"), &["has nothing to say"]);
    }

    #[test]
    fn a_path_that_leads_to_nothing_is_told() {
        let told = |keys: &str, url: &str| {
            let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"{url}\"\n{RULE}with = {{ warning.times = 0 }}\n");
            let text = format!("[site]\nid = \"s\"\n{keys}{camera}");
            let found = doubts(&resolve(&Source::new("site.toml", text)).unwrap(), |_| None);
            found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let storage = "[storage]\ndir = \"/dev/null/data\"\n";
        for (keys, url, says) in [
            ("", "192.168.1.20:554/stream", "there is no file 192.168.1.20:554/stream"),
            ("", "/", "/ is a directory"),
            ("", "/dev/video0", "write `url = \"v4l2:/dev/video0\"`"),
            (storage, "rtsp://cam/1", "/dev/null is a file, so nothing can be kept"),
            ("[storage]\ndir = \"~/data\"\n", "rtsp://cam/1", "nothing is put in the place of `~`"),
            ("[storage]\ndir = \"$HOME/data\"\n", "rtsp://cam/1", "nothing is put in the place of `$HOME`"),
            ("[tracking]\nclass_groups = [[\"car\", \"trcuk\"]]\n", "rtsp://cam/1", "did you mean `truck`?"),
            ("[attributes]\ncards = { x = \"no.toml\" }\n", "rtsp://cam/1", "there is no file no.toml"),
        ] {
            assert!(told(keys, url).contains(says), "{url}: {}", told(keys, url));
        }
    }

    #[test]
    fn a_camera_without_rules_or_speakers_is_told() {
        check("", &["no rule"]);
    }

    #[test]
    fn sensors_that_are_not_there_not_asked_or_too_slow_are_told() {
        let rule =
            |sensor: &str| format!("[[camera.rule]]\nviolation = \"sensor_over_threshold\"\nsensor = \"{sensor}\"\n");
        let sensor = |id: &str, every_s: u32| {
            format!(
                "[[sensor]]\nid = \"{id}\"\nkind = \"modbus_tcp\"\naddress = \"a:502\"\nregister = 1\nevery_s = {every_s}\n"
            )
        };
        check(&rule("fume"), &["the site has no sensor `fume`, so it can never fire"]);
        check(&format!("{}{}", rule("fume"), sensor("fume", 10)), &[]);
        check(&format!("{}{}", rule("fumes"), sensor("fume", 10)), &["did you mean `fume`?", "no rule asks for it"]);
        let slow = "has a value every 200 s and counts as silent after 300 s";
        check(&format!("{}{}", rule("fume"), sensor("fume", 200)), &[slow]);
    }
}
