//! `[[camera.exclusion]]`: parts of the picture in which nothing is detected.

use std::collections::BTreeSet;

use forewarn_domain::detection::BUILT_IN_CLASSES;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{BBox, Class, Exclusion, Point, Polygon, Zone, ZoneId};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::drawing::{self, Corner, RawUnit};
use crate::rule::{RawRule, Rule};

pub(crate) const EXAMPLE: &str = r#"# An exclusion is a part of the picture that stays visible and recorded, and in which nothing is detected: a poster with faces, a
# screen, a swaying tree.
# [[camera.exclusion]]
# id = "poster"
# polygon = [[0.02, 0.10], [0.12, 0.10], [0.12, 0.30], [0.02, 0.30]]
# classes = ["person"]           # only these are not detected; nothing is, and no movement counts, if absent
"#;

/// One `[[camera.exclusion]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawExclusion {
    /// Its name, unique among the exclusions of the camera.
    #[schemars(with = "String")]
    pub id: Spanned<ZoneId>,
    /// Its corners, `[[x, y], …]`, three or more.
    #[schemars(with = "Vec<[f32; 2]>")]
    pub polygon: Spanned<Vec<Corner>>,
    /// Unit of the coordinates; if absent, `normalised` where none is above 1 by more than a hair, else `pixel`.
    #[serde(default)]
    pub unit: Option<RawUnit>,
    /// The classes that are not detected there; nothing is detected and no movement counts if absent.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub classes: Option<Vec<Spanned<Class>>>,
}

/// The classes that no model names. A sensor has no place in the picture.
fn things<'a>() -> impl Iterator<Item = &'a str> + Clone {
    BUILT_IN_CLASSES.into_iter().filter(|thing: &&'a str| *thing != "sensor")
}

/// The classes that an exclusion may name, beside those of the model.
pub(crate) fn excludable(known: &[Class]) -> Vec<Class> {
    known.iter().cloned().chain(things().map(Class::new)).collect()
}

/// Points on each side of a grid by which it is measured what lies in what.
const MEASURED: usize = 48;

/// Checks the exclusions of one camera, which may have two streams. `known` are the classes of the model; none where there is no
/// model.
pub(crate) fn check(
    raw: &[RawExclusion],
    check: &mut Check<'_>,
    has_two_streams: bool,
    known: &[Class],
) -> Vec<Exclusion> {
    let mut ids = BTreeSet::new();
    let mut exclusions = Vec::new();
    for raw in raw {
        let id = raw.id.get_ref();
        if !ids.insert(id.clone()) {
            let problem = format!("there is an exclusion `{id}` already");
            check.fail::<()>(raw.id.span(), problem, "give each exclusion of a camera its own id");
        }
        let words = ("an exclusion", "would not be excluded");
        let shape = drawing::closed_area(check, &raw.polygon, raw.unit, has_two_streams, words);
        let classes = raw.classes(check, known);
        let (Some(classes), Some((polygon, unit))) = (classes, shape) else { continue };
        exclusions.push(Exclusion { id: id.clone(), polygon, unit, classes: classes.into() });
    }
    let whole = Polygon::new([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(Point::from).to_vec());
    if let Some(last) = raw.last()
        && are_within(&points_in(&whole), ZoneUnit::Normalised, &exclusions, Exclusion::is_of_everything)
    {
        let problem = "the exclusions cover the whole picture, so nothing is ever detected";
        let mend = "draw exclusions that leave something to be watched, name `classes`, or take the camera out";
        check.fail::<()>(last.polygon.span(), problem, mend);
    }
    exclusions
}

impl RawExclusion {
    /// Nothing where all classes are meant; none after a mistake.
    fn classes(&self, check: &mut Check<'_>, known: &[Class]) -> Option<Vec<Class>> {
        let Some(classes) = &self.classes else { return Some(Vec::new()) };
        if classes.is_empty() {
            let mend = "write classes of the model, such as [\"person\"], or leave `classes` out so that nothing is detected there";
            return check.fail(self.id.span(), "`classes` names no class", mend);
        }
        for class in classes.iter().filter(|_| !known.is_empty()) {
            let name = class.get_ref().as_str();
            let names = known.iter().map(Class::as_str).chain(things());
            let problem = format!("the model has no class `{name}`");
            check.named(class.span(), name, names, problem, "write a class of the model's card")?;
        }
        Some(classes.iter().map(|class| class.get_ref().clone()).collect())
    }
}

/// Doubts about the zones that rules watch: of one that lies where nothing that its rule is about is detected nothing is ever told.
pub(crate) fn doubt_zones(
    check: &mut Check<'_>,
    (raw, rules): (&[RawRule], &[Rule]),
    zones: &[Zone],
    exclusions: &[Exclusion],
) {
    for raw in raw {
        let (id, violation) = (raw.zone.get_ref(), raw.violation.get_ref());
        let is_it = |rule: &&Rule| rule.key.zone == *id && rule.key.violation == *violation;
        let zone = zones.iter().find(|zone| zone.id == *id && id.as_str() != "whole");
        let (Some(rule), Some(zone)) = (rules.iter().find(is_it), zone) else { continue };
        let points = match &zone.shape {
            ZoneShape::Polygon(polygon) => points_in(polygon),
            ZoneShape::Line(points) => points_on(points),
        };
        // A sensor is seen nowhere.
        let subjects: Vec<&Class> = rule.violation.subject.iter().filter(|class| class.as_str() != "sensor").collect();
        let hides = |one: &Exclusion| !subjects.is_empty() && subjects.iter().all(|class| one.is_of(class));
        if are_within(&points, zone.unit, exclusions, hides) {
            let problem = format!(
                "zone `{id}` lies wholly where nothing is detected of what `{violation}` is about, so nothing is ever seen in it"
            );
            let mend = "draw the exclusion smaller, name other `classes` in it, or take the rule out";
            check.doubt(raw.zone.span(), problem, mend);
        }
    }
}

/// Whether all these points lie in exclusions that count, so far as these are in the same unit.
fn are_within(points: &[Point], unit: ZoneUnit, exclusions: &[Exclusion], counts: impl Fn(&Exclusion) -> bool) -> bool {
    let counting: Vec<&Exclusion> = exclusions.iter().filter(|one| one.unit == unit && counts(one)).collect();
    let is_within = |at: &Point| counting.iter().any(|one| one.polygon.contains(*at));
    !points.is_empty() && points.iter().all(is_within)
}

/// Points of a grid around a polygon that lie in it.
fn points_in(polygon: &Polygon) -> Vec<Point> {
    let corners = polygon.points.iter().map(|p| BBox::new(p.x, p.y, p.x, p.y));
    let Some(around) = corners.reduce(|a, b| a.union(&b)) else { return Vec::new() };
    let part = |n: usize, from: f32, to: f32| from + (n as f32 + 0.5) / MEASURED as f32 * (to - from);
    let rows = (0..MEASURED).map(|n| part(n, around.y0, around.y1));
    let grid = rows.flat_map(|y| (0..MEASURED).map(move |n| Point::new(part(n, around.x0, around.x1), y)));
    grid.filter(|at| polygon.contains(*at)).collect()
}

/// Points along a line.
fn points_on(line: &[Point]) -> Vec<Point> {
    let on = |pair: &[Point]| {
        let (a, b) = (pair[0], pair[1]);
        (0..MEASURED).map(move |n| {
            let part = (n as f32 + 0.5) / MEASURED as f32;
            Point::new(a.x + part * (b.x - a.x), a.y + part * (b.y - a.y))
        })
    };
    line.windows(2).flat_map(on).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::{Site, resolve};

    fn site(exclusions: &str, more: &str) -> Result<Site, String> {
        let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1/a\"\n{more}\n");
        let text = format!("[site]\nid = \"s\"\n{camera}{exclusions}");
        resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())
    }

    fn exclusion(id: &str, polygon: &str, more: &str) -> String {
        format!("[[camera.exclusion]]\nid = \"{id}\"\npolygon = {polygon}\n{more}\n")
    }

    const POSTER: &str = "[[0.1, 0.1], [0.3, 0.1], [0.3, 0.3], [0.1, 0.3]]";

    #[test]
    fn exclusions_are_read_with_their_classes() {
        let poster = exclusion("poster", POSTER, "classes = [\"person\", \"new_object\"]");
        let screen = exclusion("screen", "[[600, 10], [700, 10], [700, 90]]", "");
        let site = site(&format!("{poster}{screen}"), "").unwrap();
        let [poster, screen] = &*site.cameras[0].exclusions else { panic!("{:?}", site.cameras[0].exclusions) };
        assert_eq!((poster.id.as_str(), poster.unit, screen.unit), ("poster", ZoneUnit::Normalised, ZoneUnit::Pixel));
        assert!(poster.is_of(&Class::new("new_object")) && !poster.is_of(&Class::new("car")));
        assert!(screen.is_of_everything());
        assert!(site.doubts.is_empty(), "{:?}", site.doubts);
    }

    #[test]
    fn what_can_be_no_exclusion_is_told_with_its_line_its_key_and_a_mend() {
        let poster = exclusion("poster", POSTER, "");
        let all = "[[0, 0], [1, 0], [1, 1], [0, 1]]";
        let halves = exclusion("a", "[[0, 0], [0.6, 0], [0.6, 1], [0, 1]]", "")
            + &exclusion("b", "[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]", "");
        for (exclusions, more, told) in [
            (
                format!("{poster}{poster}"),
                "",
                "site.toml:12: id: there is an exclusion `poster` already\n  fix: give each exclusion of a camera its own id",
            ),
            (
                exclusion("p", "[[0.1, 0.1], [0.3, 0.1]]", ""),
                "",
                "site.toml:9: polygon: 2 points are too few\n  fix: give 3 or more",
            ),
            (
                exclusion("p", "[[0.1, 0.1], [0.3, 0.3], [0.5, 0.5]]", ""),
                "",
                "site.toml:9: polygon: its corners lie on one line or point, so it has no area\n  fix: give three corners or more around an area",
            ),
            (
                exclusion("p", "[[0.1, 0.1], [0.3, 0.3], [0.3, 0.1], [0.1, 0.3]]", ""),
                "",
                "site.toml:9: polygon: its edges behind corner 1 and corner 3 cross, so a part of it would not be excluded\n  fix: exchange corners 2 and 3",
            ),
            (
                exclusion("p", POSTER, "classes = [\"persn\"]"),
                "",
                "site.toml:10: classes: the model has no class `persn`\n  fix: did you mean `person`?",
            ),
            (
                exclusion("p", POSTER, "classes = [\"sensor\"]"),
                "",
                "site.toml:10: classes: the model has no class `sensor`\n  fix: write a class of the model's card",
            ),
            (
                exclusion("p", POSTER, "classes = []"),
                "",
                "site.toml:8: id: `classes` names no class\n  fix: write classes of the model, such as [\"person\"], or leave `classes` out so that nothing is detected there",
            ),
            (
                halves,
                "",
                "site.toml:13: polygon: the exclusions cover the whole picture, so nothing is ever detected\n  fix: draw exclusions that leave something to be watched, name `classes`, or take the camera out",
            ),
            (
                exclusion("p", "[[600, 10], [700, 10], [700, 90]]", ""),
                "detect_url = \"rtsp://127.0.0.1/b\"",
                "site.toml:9: polygon: an exclusion in pixels says nothing where two streams differ in size\n  fix: write its points from 0 to 1 over width and height",
            ),
        ] {
            assert_eq!(site(&exclusions, more).unwrap_err(), told, "{exclusions}");
        }
        assert!(site(&exclusion("p", all, "classes = [\"dog\"]"), "").is_ok(), "no dog at this camera is meant");
    }

    #[test]
    fn a_zone_that_is_watched_where_nothing_is_detected_is_doubted() {
        let doubts = |zone: &str, exclusions: &str| -> Vec<String> {
            let zone = format!("[[camera.zone]]\nid = \"wall\"\n{zone}\n");
            let rule = "[[camera.rule]]\nviolation = \"loitering\"\nzone = \"wall\"\n";
            let rule = if zone.contains("line") { rule.replace("loitering", "line_crossing") } else { rule.to_owned() };
            let site = site(&format!("{zone}{rule}{exclusions}"), "").unwrap_or_else(|errors| panic!("{errors}"));
            site.doubts.iter().map(ToString::to_string).collect()
        };
        let within = "polygon = [[0.15, 0.15], [0.25, 0.15], [0.2, 0.25]]";
        let told = "site.toml:12: zone: zone `wall` lies wholly where nothing is detected of what `loitering` is about, so nothing is \
                    ever seen in it\n  fix: draw the exclusion smaller, name other `classes` in it, or take the rule out";
        let poster = exclusion("poster", POSTER, "");
        assert_eq!(doubts(within, &poster), [told]);
        assert_eq!(doubts(&format!("polygon = {POSTER}"), &poster), [told], "one as large as the other");
        let beside = exclusion("beside", "[[0.3, 0.1], [0.5, 0.1], [0.5, 0.3], [0.3, 0.3]]", "");
        let across = "polygon = [[0.15, 0.15], [0.45, 0.15], [0.45, 0.25], [0.15, 0.25]]";
        assert_eq!(doubts(across, &format!("{poster}{beside}")), [told], "two together");
        assert_eq!(doubts(across, &poster), [""; 0], "half of it is seen");
        let of = |classes: &str| exclusion("p", POSTER, &format!("classes = {classes}"));
        assert_eq!(doubts(within, &of("[\"dog\", \"person\"]")), [told], "loitering is about people");
        assert_eq!(doubts(within, &of("[\"dog\"]")), [""; 0]);
        let line = "line = [[0.15, 0.15], [0.25, 0.25]]";
        assert_eq!(doubts(line, &poster), [told.replace("loitering", "line_crossing")]);
        assert_eq!(doubts(&line.replace("0.25]]", "0.35]]"), &poster), [""; 0]);
    }
}
