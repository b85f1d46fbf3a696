//! What the conditions about motion, company, things and weak signs mean.

use expect_test::expect;
use forewarn_domain::{Bringer, Origin, TrackId, Verdict};

use super::*;

#[test]
fn moving_is_about_the_way_of_late_and_its_direction() {
    // To the right until 5 s, standing until 10 s, then back to the left.
    let walk = |at: f64| {
        let x = if at < 5.0 {
            120.0 + 40.0 * at
        } else if at < 10.0 {
            320.0
        } else {
            320.0 - 40.0 * (at - 10.0)
        };
        vec![person(1, at, x as f32, 300.0)]
    };
    check(
        "{ moving = { distance = 1, over_s = 2 } }",
        "yard",
        15.0,
        walk,
        &expect![[r#"
            1: 3.2-5.6 V 5.8-12.6 C 12.8-15.0 V
        "#]],
    );
    check(
        "{ moving = { distance = 1, over_s = 2, against_deg = 90 } }",
        "yard",
        15.0,
        walk,
        &expect![[r#"
            1: 12.8-15.0 V
        "#]],
    );
    check(
        "{ moving = { distance = 1, over_s = 2, along_line = \"kerb\" } }",
        "yard",
        15.0,
        walk,
        &expect![[r#"
            1: 3.2-5.6 V 5.8-15.0 C
        "#]],
    );
    check("{ moving = { distance = 1, over_s = 2, toward_deg = 0 } }", "yard", 15.0, walk, &expect![""]);
}

#[test]
fn who_stands_and_trembles_does_not_move() {
    let tremble = |at: f64| vec![person(1, at, 250.0 + (at * 31.0).sin() as f32 * 6.0, 300.0)];
    check("{ moving = { distance = 0.3, over_s = 3 } }", "yard", 30.0, tremble, &expect![""]);
    check("{ speed = { at_least = 0.5 } }", "yard", 30.0, tremble, &expect![""]);
}

#[test]
fn speed_is_in_heights_a_second() {
    // A person of 75 px who runs at 150 px/s from 4 s to 6 s and walks at 30 px/s otherwise.
    let run = |at: f64| {
        let x = 30.0 * at + 120.0 * (at - 4.0).clamp(0.0, 2.0);
        vec![person(1, at, x as f32, 300.0)]
    };
    check(
        "{ speed = { at_least = 1.2 } }",
        "yard",
        9.0,
        run,
        &expect![[r#"
            1: 5.2-7.0 V 7.2-9.0 C
        "#]],
    );
    check(
        "{ speed = { at_most = 1.2 } }",
        "yard",
        9.0,
        run,
        &expect![[r#"
            1: 0.4-5.0 V 5.2-7.0 C 7.2-9.0 V
        "#]],
    );
}

#[test]
fn near_counts_others_forgives_breaks_and_respects_depth() {
    let scene = |at: f64| {
        let mut tracks = vec![person(1, at, 200.0, 300.0)];
        // A table beside the person, found in two frames of three; and one that stands far behind.
        if at >= 2.0 && !((at * FPS) as u32).is_multiple_of(3) {
            tracks.push(track(2, "dining table", at, [230.0, 270.0, 60.0, 30.0]));
        }
        tracks.push(track(3, "dining table", at, [190.0, 100.0, 30.0, 15.0]));
        tracks
    };
    check(
        "{ near = { class = [\"dining table\"], within = 1, for_s = 4 } }",
        "yard",
        10.0,
        scene,
        &expect![[r#"
            1: 6.0-10.0 V
        "#]],
    );
    check("{ near = { class = [\"dining table\"], at_least = 2, within = 1 } }", "yard", 10.0, scene, &expect![""]);
    check("{ near = { class = [\"person\"], within = 20 } }", "yard", 10.0, scene, &expect![""]);
}

const STALL: &str = "{ score = { at_least = 3, leave_below = 2, half_life_s = 4, of = [
    { weight = 1, label = \"stands\", if = { stationary = { for_s = 3 } } },
    { weight = 1.5, label = \"umbrella\", if = { near = { class = [\"umbrella\"], within = 1 } } },
    { weight = 1, label = \"buyers\", if = { near = { class = [\"person\"], within = 1, at_least = 2 } } },
    { weight = -2, if = { speed = { at_least = 0.5 } } },
] } }";

fn stall() -> String {
    STALL.replace('\n', " ").replace("}, ] }", "} ] }")
}

#[test]
fn weak_signs_add_up_and_fade() {
    // A vendor under an umbrella; two buyers come at 10 s and go at 20 s; the umbrella is folded at 30 s.
    let scene = |at: f64| {
        let mut tracks = vec![person(1, at, 200.0, 300.0)];
        if at < 30.0 {
            tracks.push(track(2, "umbrella", at, [180.0, 200.0, 60.0, 40.0]));
        }
        if (10.0..20.0).contains(&at) {
            tracks.push(track(3, "person", at, [230.0, 226.0, 30.0, 75.0]));
            tracks.push(track(4, "person", at, [150.0, 226.0, 30.0, 75.0]));
        }
        tracks
    };
    let mut rules = rules(&stall(), "yard");
    expect![[r#"
        1: 10.0-37.2 V 37.4-45.0 C
        2: 13.0-19.8 V 20.0-45.0 A
        3: 13.0-19.8 V 20.0-45.0 A
    "#]]
    .assert_eq(&story(&mut rules, frames(45.0), scene));
    // Which signs count is told in the incident.
    let mut rules = self::rules(&stall(), "yard");
    let mut signs = None;
    for at in frames(15.0) {
        let hits = rules.show(Timestamp::from_secs_f64(at), &scene(at), &UnknownCivilTime);
        signs = hits.first().and_then(|hit| hit.findings.first()).cloned().or(signs);
    }
    let signs = signs.unwrap();
    assert_eq!((signs.about.as_str(), signs.text.as_deref()), ("signs", Some("stands, umbrella, buyers")));
}

/// A thing in the picture since 2 s, and what is known of who brought it.
fn thing(at: f64) -> Vec<Track> {
    let first_seen = Timestamp::from_secs_f64(2.0);
    let bag = Track { first_seen, ..track(1 << 40, "new_object", at, [200.0, 280.0, 30.0, 20.0]) };
    if at < 2.0 { vec![] } else { vec![bag] }
}

fn brought(class: &str, left_s: Option<f64>) -> BTreeMap<TrackId, Origin> {
    let bringer = Bringer {
        track: TrackId(7),
        class: Class::new(class),
        bbox: BBox::new(180.0, 220.0, 220.0, 300.0),
        at: Timestamp::from_secs_f64(1.5),
        left_at: left_s.map(Timestamp::from_secs_f64),
    };
    BTreeMap::from([(TrackId(1 << 40), Origin::Brought(bringer))])
}

#[test]
fn a_thing_that_stays_is_judged_by_who_brought_it_and_left() {
    let condition = "{ appeared = { for_s = 10, brought_by = [\"person\"], left_s = 5 } }";
    let play = |origins: &dyn Fn(f64) -> BTreeMap<TrackId, Origin>| {
        let mut rules = rules(condition, "yard");
        let mut first = None;
        for at in frames(30.0) {
            rules.set_origins(origins(at));
            let hits = rules.show(Timestamp::from_secs_f64(at), &thing(at), &UnknownCivilTime);
            first = first.or(hits.into_iter().find(|hit| hit.sight == Sight::Violating));
        }
        first
    };
    let hit = play(&|at| brought("person", (at >= 9.0).then_some(9.0))).unwrap();
    assert_eq!(hit.at.as_secs_f64(), 14.0);
    let by = &hit.findings[0];
    assert_eq!((by.about.as_str(), by.verdict, by.text.as_deref()), ("brought_by", Verdict::Yes, Some("person 7")));
    assert_eq!(by.best.map(|best| best.bbox.x0), Some(180.0));
    assert_eq!(play(&|_| brought("person", None)), None, "whoever brought it is still there");
    assert_eq!(play(&|_| brought("dog", Some(3.0))), None);
    assert_eq!(play(&|_| BTreeMap::new()), None, "nobody knows who brought it");
    check(
        "{ appeared = { for_s = 10 } }",
        "yard",
        30.0,
        thing,
        &expect![[r#"
            1: 12.0-30.0 V
        "#]],
    );
}

#[test]
fn a_fall_is_told_with_its_floor() {
    let fell = |floor| {
        let mut rules = rules("{ falls = { from_floor = 2 } }", "yard");
        let origin = Origin::Fell { bbox: BBox::new(200., 50., 210., 60.), at: Timestamp::ZERO, floor };
        rules.set_origins(BTreeMap::from([(TrackId(5), origin)]));
        let tracks = [track(5, "falling_object", 0.0, [200.0, 200.0, 10.0, 10.0]), person(1, 0.0, 300.0, 300.0)];
        rules.show(Timestamp::ZERO, &tracks, &UnknownCivilTime)
    };
    assert_eq!(fell(Some(1)), []);
    for (floor, text) in [(Some(7), "floor 7"), (None, "unknown floor")] {
        let hits = fell(floor);
        assert_eq!((hits.len(), hits[0].findings[0].text.as_deref()), (1, Some(text)));
    }
}
