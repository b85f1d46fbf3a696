//! Tests of the rules as a whole: scripted scenes, and what became of each subject.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

mod compile;
mod conditions;
mod identities;
mod language;
mod passing;
mod wearing;
mod worlds;

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::Expect;
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{
    AttributeId, AttributeNeed, BBox, CivilTime, Class, HeadNeed, Look, Point, Polygon, RuleHit, RuleKey, Sight,
    StreamId, SubjectId, TextKind, Timestamp, Track, TrackId, TrackState, Violation, ViolationId, Zone, ZoneId,
};

use super::*;

const SIZE: (u32, u32) = (640, 480);
/// Frames per second of the scenes.
const FPS: f64 = 5.0;

fn points(corners: &[[f32; 2]]) -> Vec<Point> {
    corners.iter().copied().map(Point::from).collect()
}

/// The camera of the tests: an area `yard` (100, 100) to (400, 400), an area `gate` right of it, and a line `kerb`
/// from (100, 250) to (400, 250), whose left side is up.
fn zones() -> Vec<Zone> {
    let area =
        |x0: f32, x1: f32| ZoneShape::Polygon(Polygon::new(points(&[[x0, 100.], [x1, 100.], [x1, 400.], [x0, 400.]])));
    let zone = |id, shape| Zone { id: ZoneId::new(id).unwrap(), shape, unit: ZoneUnit::Pixel };
    let line = ZoneShape::Line(points(&[[100., 250.], [400., 250.]]));
    vec![zone("yard", area(100., 400.)), zone("gate", area(400., 600.)), zone("kerb", line)]
}

fn binding(zone: &str) -> RuleBinding {
    let key = RuleKey {
        stream: StreamId::new("cam").unwrap(),
        violation: ViolationId::new("test").unwrap(),
        zone: ZoneId::new(zone).unwrap(),
    };
    let need = |name, least_height_px, part, text| {
        (
            AttributeId::new(name).unwrap(),
            AttributeNeed {
                least_height_px,
                part,
                is_whole: name != "plate",
                text,
                head: (name == "hard_hat").then_some(HeadNeed { least_px: 10.0, is_whole: true }),
            },
        )
    };
    let needs = BTreeMap::from([
        need("dust_mask", 100.0, (0.0, 0.3), None),
        need("hard_hat", 64.0, (0.0, 0.3), None),
        need("plate", 90.0, (0.4, 1.0), Some(TextKind::ChinesePlate)),
    ]);
    RuleBinding { needs, ..RuleBinding::new(key, zones()) }
}

/// A violation by its condition in TOML; people and vehicles are its subjects.
fn violation(condition: &str) -> Violation {
    let head = "id = \"test\"\ntitle = { en = \"Test\" }\nsubject = [\"person\", \"car\", \"truck\", \"new_object\", \"falling_object\"]\n";
    toml::from_str(&format!("{head}condition = {condition}\n[parameters]\ndwell_s = 8\nstationary_s = 60")).unwrap()
}

fn rules(condition: &str, zone: &str) -> Rules {
    Rules::new(vec![CompiledRule::compile(&violation(condition), &binding(zone)).unwrap()])
}

fn track(id: u64, class: &str, at: f64, [x, y, w, h]: [f32; 4]) -> Track {
    let at = Timestamp::from_secs_f64(at);
    Track {
        id: TrackId(id),
        class: Class::new(class),
        score: 0.8,
        bbox: BBox::new(x, y, x + w, y + h),
        state: TrackState::Seen,
        first_seen: at,
        last_seen: at,
    }
}

/// A person whose foot point is at (x, y).
fn person(id: u64, at: f64, x: f32, y: f32) -> Track {
    track(id, "person", at, [x - 15.0, y - 75.0, 30.0, 75.0])
}

/// A car of 90 by 60 pixels with its centre at (x, y).
fn car(id: u64, at: f64, x: f32, y: f32) -> Track {
    track(id, "car", at, [x - 45.0, y - 30.0, 90.0, 60.0])
}

/// Seconds of each frame of a scene that lasts `until_s`.
fn frames(until_s: f64) -> impl Iterator<Item = f64> {
    (0..=(until_s * FPS).round() as u32).map(|n| f64::from(n) / FPS)
}

/// Shows frames of the camera of the tests to rules.
trait Show {
    fn show(&mut self, at: Timestamp, tracks: &[Track], civil: &dyn CivilTime) -> Vec<RuleHit>;
}

impl Show for Rules {
    fn show(&mut self, at: Timestamp, tracks: &[Track], civil: &dyn CivilTime) -> Vec<RuleHit> {
        let mut zones = StillZones::new(zones());
        self.evaluate(&View { at, size: SIZE, zones: zones.laid_out(SIZE), tracks, civil })
    }
}

/// What became of each subject, as lines `subject: from-to sight …`; sights as V, C, A and O.
fn story(rules: &mut Rules, times: impl IntoIterator<Item = f64>, scene: impl Fn(f64) -> Vec<Track>) -> String {
    let mut spans: BTreeMap<SubjectId, Vec<(Sight, f64, f64)>> = BTreeMap::new();
    let mut first_seen: BTreeMap<TrackId, Timestamp> = BTreeMap::new();
    for at in times {
        let mut tracks = scene(at);
        for track in &mut tracks {
            track.first_seen = *first_seen.entry(track.id).or_insert(track.last_seen);
        }
        for hit in rules.show(Timestamp::from_secs_f64(at), &tracks, &UnknownCivilTime) {
            let spans = spans.entry(hit.subject).or_default();
            match spans.last_mut() {
                Some(span) if span.0 == hit.sight => span.2 = at,
                _ => spans.push((hit.sight, at, at)),
            }
        }
    }
    let mut text = String::new();
    for (subject, spans) in spans {
        write!(text, "{subject}:").unwrap();
        for (sight, from, to) in spans {
            let letter = format!("{sight:?}").remove(0);
            write!(text, " {from:.1}-{to:.1} {letter}").unwrap();
        }
        text.push('\n');
    }
    text
}

/// Plays a scene before one rule and compares what became of each subject.
fn check(condition: &str, zone: &str, until_s: f64, scene: impl Fn(f64) -> Vec<Track>, expected: &Expect) {
    expected.assert_eq(&story(&mut rules(condition, zone), frames(until_s), scene));
}
