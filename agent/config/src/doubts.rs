//! What is correct in a site file and still cannot work, or hardly: found by `forewarn check`, told as warnings.

use std::collections::BTreeSet;
use std::fmt;

use forewarn_domain::ViolationId;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use serde_json::Value;

use super::site::{Camera, Rule, Site};
use super::source::nearest;

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
    let mut doubts = Vec::new();
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
        if let Some(size) = picture(camera) {
            doubts.extend(outside(camera, size));
        }
        for rule in &camera.rules {
            doubts.extend(too_quick(camera, rule));
            doubts.extend(unknown_floors(camera, rule));
        }
        doubts.extend(always_together(&camera.rules));
    }
    doubts.extend(sensors(site));
    doubts
}

/// Rules whose sensor is not there or counts as silent between two values, and sensors that no rule asks.
fn sensors(site: &Site) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut asked = BTreeSet::new();
    for rule in site.cameras.iter().flat_map(|camera| &camera.rules) {
        for (id, silent_after) in rule.compiled.sensors() {
            asked.insert(id);
            let Some(sensor) = site.sensors.iter().find(|sensor| sensor.id() == id) else {
                doubts.push(Doubt {
                    about: about(rule),
                    problem: format!("the site has no sensor `{id}`, so it can never fire"),
                    mend: nearest(id.as_str(), site.sensors.iter().map(|sensor| sensor.id().as_str())).map_or_else(
                        || format!("add a `[[sensor]]` with `id = \"{id}\"`; a replay takes values by `--sensors`"),
                        |best| format!("did you mean `{best}`?"),
                    ),
                });
                continue;
            };
            if let Some(every) = sensor.every().filter(|every| silent_after < *every * 2) {
                let (silent_s, every_s) = (silent_after.as_secs_f64(), every.as_secs_f64());
                doubts.push(Doubt {
                    about: about(rule),
                    problem: format!(
                        "sensor `{id}` has a value every {every_s} s and counts as silent after {silent_s} s, \
                         so one that is missed ends what is known"
                    ),
                    mend: format!("set `silent_after_s` of the condition to {} or more", every_s * 3.0),
                });
            }
        }
    }
    let unasked = site.sensors.iter().filter(|sensor| !asked.contains(sensor.id()));
    doubts.extend(unasked.map(|sensor| Doubt {
        about: format!("sensor {}", sensor.id()),
        problem: "no rule asks for it, so its values are only a metric".to_owned(),
        mend: format!("add `sensor = \"{}\"` to a `[[camera.rule]]`, or leave the sensor out", sensor.id()),
    }));
    doubts
}

fn about(rule: &Rule) -> String {
    format!("camera {}, {} in {}", rule.key.stream, rule.key.violation, rule.key.zone)
}

/// Zones in pixels of which some or all lies outside of the picture.
fn outside(camera: &Camera, (width, height): (u32, u32)) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for zone in camera.zones.iter().filter(|zone| zone.unit == ZoneUnit::Pixel) {
        let points = match &zone.shape {
            ZoneShape::Polygon(polygon) => &polygon.points,
            ZoneShape::Line(points) => points,
        };
        let n_outside = points.iter().filter(|p| p.x > width as f32 || p.y > height as f32).count();
        if n_outside > 0 {
            doubts.push(Doubt {
                about: format!("camera {}, zone {}", camera.id, zone.id),
                problem: format!(
                    "{n_outside} of its {} points lie outside of the picture, which is {width}x{height}",
                    points.len()
                ),
                mend: "draw the zone on this camera's own picture, or give it normalised coordinates".to_owned(),
            });
        }
    }
    doubts
}

/// Times that are shorter than the time between two looks.
fn too_quick(camera: &Camera, rule: &Rule) -> Vec<Doubt> {
    let interval_s = camera.analysis_interval.as_secs_f64();
    let violation = &rule.violation;
    let mut doubts = Vec::new();
    let mut doubt = |problem: String, mend: String| doubts.push(Doubt { about: about(rule), problem, mend });
    let looks = format!("between two looks of this camera lie {interval_s:.2} s");
    let faster = |wanted_s: f64| format!("raise `analysis_fps` to {:.1} or more", (1.0 / wanted_s).min(60.0));
    let condition = resolved(rule);
    let mut times = Vec::new();
    collect_numbers(&condition, "for_s", &mut times);
    for seconds in times.into_iter().filter(|s| *s > 0.0 && *s < interval_s) {
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
    let mut floors = Vec::new();
    collect_numbers(&resolved(rule), "from_floor", &mut floors);
    let least = floors.into_iter().find(|floor| *floor > 1.0)?;
    (!is_known).then(|| Doubt {
        about: about(rule),
        problem: format!(
            "it asks for falls from floor {least} or higher and the floors are not known, so every fall counts"
        ),
        mend: "tell where they are: `falling_objects = { floors = { ground_y_px = …, floor_height_px = … } }`"
            .to_owned(),
    })
}

/// The condition as a tree of values in which every parameter is a number.
fn resolved(rule: &Rule) -> Value {
    let mut tree = serde_json::to_value(&rule.violation.condition).unwrap_or_default();
    fill_in(&mut tree, rule);
    tree
}

fn fill_in(tree: &mut Value, rule: &Rule) {
    match tree {
        Value::String(text) => {
            let value = text.strip_prefix('$').and_then(|name| rule.violation.parameters.get(name));
            if let Some(number) = value.and_then(|value| serde_json::Number::from_f64(*value)) {
                *tree = Value::Number(number);
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| fill_in(part, rule)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| fill_in(entry, rule)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The numbers that stand under a key anywhere in a tree.
fn collect_numbers(tree: &Value, name: &str, found: &mut Vec<f64>) {
    match tree {
        Value::Array(parts) => parts.iter().for_each(|part| collect_numbers(part, name, found)),
        Value::Object(entries) => {
            for (key, entry) in entries {
                match entry.as_f64() {
                    Some(number) if key == name => found.push(number),
                    _ => collect_numbers(entry, name, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Pairs of rules of which one never fires without the other: the same zone, the same subjects, and conditions that
/// differ at most in how much they ask for.
fn always_together(rules: &[Rule]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (i, a) in rules.iter().enumerate() {
        for b in &rules[i + 1..] {
            for (narrow, wide) in [(a, b), (b, a)] {
                if implies(narrow, wide) {
                    let other: &ViolationId = &wide.key.violation;
                    doubts.push(Doubt {
                        about: about(narrow),
                        problem: format!("whenever it fires, {other} fires in the same zone for the same subject"),
                        mend: "keep one of the two, or change their zones, schedules or numbers".to_owned(),
                    });
                    break;
                }
            }
        }
    }
    doubts
}

fn implies(narrow: &Rule, wide: &Rule) -> bool {
    let (a, b) = (&narrow.violation, &wide.violation);
    narrow.key.zone == wide.key.zone
        && !wide.has_schedule
        && a.subject.iter().all(|class| b.subject.contains(class))
        && a.min_confidence >= b.min_confidence
        && asks_no_less(&resolved(narrow), &resolved(wide), None)
}

/// Whether a tree asks for everything that another asks for. Only numbers that are lower bounds may differ.
fn asks_no_less(narrow: &Value, wide: &Value, key: Option<&str>) -> bool {
    match (narrow, wide) {
        (Value::Number(a), Value::Number(b)) => match key {
            Some("for_s" | "at_least" | "confidence") => a.as_f64() >= b.as_f64(),
            _ => a.as_f64() == b.as_f64(),
        },
        // What is under `not` is turned around, so it must be the same.
        (Value::Object(a), Value::Object(b)) if key != Some("not") => {
            a.len() == b.len()
                && a.iter().all(|(key, part)| b.get(key).is_some_and(|other| asks_no_less(part, other, Some(key))))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(part, other)| asks_no_less(part, other, key))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::resolve;
    use super::super::source::Source;
    use super::*;

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
    fn a_zone_outside_of_the_picture_is_told() {
        let zone = "[[camera.zone]]\nid = \"far\"\npolygon = [[600, 100], [900, 100], [900, 200]]\n";
        check(&format!("{zone}{RULE}"), &["2 of its 3 points"]);
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

    #[test]
    fn lower_bounds_may_differ_and_nothing_else() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let asks = |a: &str, b: &str| asks_no_less(&value(a), &value(b), None);
        let dwell = |s: u32, by: &str| format!(r#"{{"dwell":{{"for_s":{s},"by":"{by}"}}}}"#);
        assert!(asks(&dwell(20, "foot"), &dwell(10, "foot")));
        assert!(!asks(&dwell(10, "foot"), &dwell(20, "foot")));
        assert!(!asks(&dwell(20, "foot"), &dwell(10, "centre")));
        let not = |s: u32| format!(r#"{{"not":{}}}"#, dwell(s, "foot"));
        assert!(asks(&not(10), &not(10)) && !asks(&not(20), &not(10)));
    }
}
