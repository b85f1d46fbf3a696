//! What one look tells of violations that nobody watches for.

use std::time::Duration;

use forewarn_domain::zone::{Zone, ZoneShape, ZoneUnit};

use super::*;
use crate::look::{Looked, OfRule, Sought, SoughtRule, Told};

/// A shipped violation in the whole picture, as one look seeks it.
fn sought(id: &str, needs_s: u64) -> Sought {
    let mut setup = setup(id, |_, _| {});
    let stream = setup.streams.remove(&gate()).unwrap();
    let rule = stream.rules[0].clone().at_once();
    let needs = Duration::from_secs(needs_s);
    let rules = vec![SoughtRule { rule, needs, hits: 2, is_watched: false, hangs_on_before: false, schedule: None }];
    Sought { zones: stream.zones, rules, classes: vec![Class::new("car")] }
}

/// What a look of a second that begins at 10 s tells, where one of `class` is at `x` after so many seconds.
fn looked(watched: &str, sought: &Sought, class: &str, x: impl Fn(f64) -> f32) -> (Looked, Vec<IncidentRecord>) {
    let mut told = None;
    let records = play(&mut engine(watched), 0..60, |engine, n, at| {
        if n == 50 {
            assert!(engine.looked(&gate()).is_none(), "nobody looks yet");
            assert!(engine.look(&gate(), sought.clone(), at));
        }
        let x = x(at.as_secs_f64());
        let bbox = BBox::new(x, 100.0, x + 80.0, 300.0);
        let detection = Detection { class: Class::new(class), score: 0.9, bbox };
        engine.analysed(&Analysed::whole(grey(n, at), vec![detection]), at);
        if n == 56 {
            told = engine.looked(&gate());
        }
    });
    (told.unwrap(), records)
}

fn of(looked: &Looked) -> (Told, u32, &OfRule) {
    (looked.rules[0].told, looked.rules[0].count, &looked.rules[0])
}

#[test]
fn who_is_in_the_zone_is_told_with_how_long_he_is_seen_and_that_the_time_is_not_up() {
    let (told, records) = looked("illegal_parking", &sought("loitering", 60), "person", |_| 200.0);
    let (verdict, count, rule) = of(&told);
    assert_eq!((verdict, count, told.pictures, rule.is_in_hours), (Told::Begun, 1, 7, Some(true)));
    assert!((rule.subjects[0].seen_s - 11.2).abs() < 0.5, "{}", rule.subjects[0].seen_s);
    assert_eq!((rule.subjects[0].incident.as_ref(), rule.needs_s), (None, 60.0));
    assert_eq!((told.found.len(), records), (0, Vec::new()), "it is no car, and a look raises nothing");
    let (told, _) = looked("illegal_parking", &sought("loitering", 0), "person", |_| 200.0);
    assert_eq!(of(&told).0, Told::Violated, "what need not last is violated");
}

#[test]
fn who_stands_has_begun_to_park_and_who_passes_has_not() {
    let parking = sought("illegal_parking", 60);
    let (stands, _) = looked("loitering", &parking, "car", |_| 200.0);
    assert_eq!((of(&stands).0, stands.found.len(), stands.found[0].score), (Told::Begun, 1, 0.9));
    let (passes, _) = looked("loitering", &parking, "car", |s| 60.0 * s as f32 - 400.0);
    let (verdict, count, rule) = of(&passes);
    assert_eq!((verdict, count, rule.subjects.len()), (Told::NotNow, 0, 1), "{rule:?}");
}

#[test]
fn what_held_for_as_long_as_it_must_within_the_look_is_violated() {
    let briefly = |needs_s: f64, hits: u32| {
        let mut sought = sought("loitering", 0);
        (sought.rules[0].needs, sought.rules[0].hits) = (Duration::from_secs_f64(needs_s), hits);
        of(&looked("illegal_parking", &sought, "person", |_| 200.0).0).0
    };
    assert_eq!(
        [briefly(0.5, 3), briefly(1.1, 7), briefly(1.3, 3), briefly(0.5, 8)],
        [Told::Violated, Told::Violated, Told::Begun, Told::Begun]
    );
}

/// What a look of a second from 10 s on tells of a line at `x` = 320 that somebody crosses at `crosses_s`.
fn line_told(crosses_s: f64) -> Told {
    let line = ZoneShape::Line(vec![Point::new(0.5, 0.0), Point::new(0.5, 1.0)]);
    let mut setup = setup("line_crossing", |_, binding| {
        let line = Zone { id: ZoneId::new("line").unwrap(), shape: line, unit: ZoneUnit::Normalised };
        (binding.key.zone, binding.zones) = (line.id.clone(), vec![line]);
    });
    let stream = setup.streams.remove(&gate()).unwrap();
    let rule = stream.rules[0].clone().at_once();
    assert!(rule.is_of_a_moment(), "there is nothing to wait for");
    let one =
        SoughtRule { rule, needs: Duration::ZERO, hits: 2, is_watched: false, hangs_on_before: false, schedule: None };
    let sought = Sought { zones: stream.zones, rules: vec![one], classes: Vec::new() };
    let x = |s: f64| 280.0 + 60.0 * (s - crosses_s).clamp(-2.5, 2.5) as f32;
    of(&looked("illegal_parking", &sought, "person", x).0).0
}

#[test]
fn a_line_that_is_crossed_within_the_look_is_violated_and_one_that_was_crossed_before_is_not() {
    assert_eq!(line_told(10.5), Told::Violated);
    for before_s in [9.0, 6.0, 3.0] {
        assert_eq!(line_told(before_s), Told::NotNow, "crossed at {before_s} s, before the look began");
    }
    assert_eq!(line_told(20.0), Told::NotNow, "not yet");
}

#[test]
fn an_incident_that_is_open_is_told_whatever_this_look_sees() {
    let mut setup = setup("loitering", |violation, binding| {
        binding.parameters.insert("dwell_s".to_owned(), 2.0);
        violation.confirm.for_s = 0.2;
    });
    setup.payloads.clear();
    let mut engine = engine_of(setup);
    let mut told = None;
    play(&mut engine, 0..60, |engine, n, at| {
        if n == 50 {
            engine.look(&gate(), sought("loitering", 2), at);
        }
        let bbox = BBox::new(200.0, 100.0, 280.0, 300.0);
        let detection = Detection { class: Class::new("person"), score: 0.9, bbox };
        engine.analysed(&Analysed::whole(grey(n, at), vec![detection]), at);
        told = engine.looked(&gate());
    });
    let told = told.unwrap();
    let (verdict, _, rule) = of(&told);
    assert_eq!(verdict, Told::Violated);
    assert!(rule.incident.is_some() && rule.subjects[0].incident == rule.incident, "{rule:?}");
}

#[test]
fn what_cannot_be_told_is_said_to_be_so_and_a_look_ends() {
    let (told, _) = looked("illegal_parking", &sought("no_hard_hat", 2), "person", |_| 200.0);
    assert_eq!(of(&told).0, Told::CannotTell, "nobody has looked at the head");
    let mut engine = engine("loitering");
    engine.look(&gate(), sought("loitering", 60), at_s(1.0));
    assert_eq!(engine.looked(&gate()).unwrap().rules[0].told, Told::CannotTell, "no picture came yet");
    engine.analysed(&Analysed::whole(grey(1, at_s(7.0)), Vec::new()), at_s(7.0));
    assert!(engine.looked(&gate()).is_none());
    assert!(!engine.look(&StreamId::new("none").unwrap(), sought("loitering", 60), at_s(1.0)));
}
