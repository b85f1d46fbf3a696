//! Time of one frame in the tracker, and in tracker and rules, at 10, 50 and 200 subjects.
//!
//! Walkers go to and fro over a picture of 1920 by 1080 pixels; at 200 they form knots in which each overlaps several.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use forewarn_analytics::{CompiledRule, RuleBinding, Rules, StillZones, Tracker, TrackerConfig, View};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{
    BBox, Class, Detection, Point, Polygon, RuleKey, StreamId, Timestamp, Violation, ViolationId, Zone, ZoneId,
};

const SIZE: (u32, u32) = (1920, 1080);
const VIOLATIONS: [&str; 3] = [
    "{ dwell = { for_s = 10 } }",
    "{ all = [{ in_zone = { by = \"overlap\" } }, { stationary = { for_s = 60 } }] }",
    "{ count = { of = { in_zone = {} }, at_least = 4, for_s = 2 } }",
];

/// Detections of the frame at `at`: subject k walks on its own row at its own pace.
fn detections(subjects: u32, class: &Class, at: f64) -> Vec<Detection> {
    let one = |k: u32| {
        let pace = 40.0 + f64::from(k % 7) * 15.0;
        let way = (f64::from(k) * 137.0 + pace * at) % 3600.0;
        let x = if way < 1800.0 { way } else { 3600.0 - way } as f32;
        let y = 150.0 + (k as f32 * 61.0) % 850.0;
        Detection {
            class: class.clone(),
            score: 0.5 + (k % 5) as f32 * 0.1,
            bbox: BBox::new(x, y, x + 40.0, y + 100.0),
        }
    };
    (0..subjects).map(one).collect()
}

fn rules() -> (Rules, StillZones) {
    let corners = [[300., 150.], [1500., 150.], [1500., 900.], [300., 900.]].map(Point::from).to_vec();
    let id = |text| ZoneId::new(text).expect("a valid id");
    let zones = vec![Zone { id: id("zone"), shape: ZoneShape::Polygon(Polygon::new(corners)), unit: ZoneUnit::Pixel }];
    let compile = |condition: &str| {
        let text = format!("id = \"v\"\ntitle = {{ en = \"V\" }}\nsubject = [\"person\"]\ncondition = {condition}");
        let violation: Violation = toml::from_str(&text).expect("a valid violation");
        let key = RuleKey {
            stream: StreamId::new("s").expect("a valid id"),
            violation: ViolationId::new("v").expect("a valid id"),
            zone: id("zone"),
        };
        CompiledRule::compile(&violation, &RuleBinding::new(key, zones.clone())).expect("a rule that compiles")
    };
    (Rules::new(VIOLATIONS.map(compile).to_vec()), StillZones::new(zones))
}

fn frames(c: &mut Criterion) {
    let class = Class::new("person");
    for subjects in [10, 50, 200] {
        for with_rules in [false, true] {
            let (mut tracker, (mut rules, mut zones)) = (Tracker::new(TrackerConfig::default()), rules());
            let mut n = 0u32;
            let name = format!("{} {subjects}", if with_rules { "tracker and 3 rules" } else { "tracker" });
            c.bench_function(&name, |b| {
                b.iter(|| {
                    n += 1;
                    let at = Timestamp::from_secs_f64(f64::from(n) / 10.0);
                    let tracks = tracker.update(at, SIZE, &detections(subjects, &class, at.as_secs_f64()));
                    if with_rules {
                        let zones = zones.laid_out(SIZE);
                        let view = View { at, size: SIZE, zones, tracks, civil: &UnknownCivilTime };
                        black_box(rules.evaluate(&view));
                    }
                });
            });
        }
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
