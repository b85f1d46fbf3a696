//! What each condition means.

use expect_test::expect;
use forewarn_domain::{LocalTime, Weekday};
use proptest::prelude::*;

use super::*;

const DWELL: &str = "{ dwell = { for_s = 8 } }";

#[test]
fn in_zone_is_about_now() {
    let walk = |at: f64| vec![person(1, at, 20.0 * at as f32, 300.0)];
    check(
        "{ in_zone = {} }",
        "yard",
        30.0,
        walk,
        &expect![[r#"
        1: 5.0-19.8 V 20.0-30.0 C
    "#]],
    );
    check(
        "{ in_zone = { by = \"overlap\", at_least = 0.9 } }",
        "yard",
        30.0,
        walk,
        &expect![[r#"
            1: 5.6-19.4 V 19.6-30.0 C
        "#]],
    );
    check(
        "{ in_zone = { zone = \"gate\", by = \"centre\" } }",
        "yard",
        30.0,
        walk,
        &expect![[r#"
        1: 20.0-29.8 V 30.0-30.0 C
    "#]],
    );
}

#[test]
fn dwell_counts_from_the_first_detection_inside() {
    check(
        DWELL,
        "yard",
        20.0,
        |at| vec![person(1, at, 200.0, 300.0)],
        &expect![[r#"
        1: 8.0-20.0 V
    "#]],
    );
}

#[test]
fn dwell_forgives_a_foot_point_that_flickers_over_the_border_and_missed_detections() {
    let flicker = |at: f64| {
        let x = if ((at * FPS) as u32).is_multiple_of(3) { 98.0 } else { 103.0 };
        if (4.0..6.0).contains(&at) { vec![] } else { vec![person(1, at, x, 300.0)] }
    };
    check(
        DWELL,
        "yard",
        12.0,
        flicker,
        &expect![[r#"
            1: 8.0-12.0 V
        "#]],
    );
}

#[test]
fn dwell_starts_anew_after_leaving() {
    let out_and_in = |at: f64| vec![person(1, at, if (6.0..9.0).contains(&at) { 60.0 } else { 150.0 }, 300.0)];
    check(
        DWELL,
        "yard",
        25.0,
        out_and_in,
        &expect![[r#"
        1: 17.0-25.0 V
    "#]],
    );
}

#[test]
fn a_parked_car_is_stationary_and_a_creeping_one_is_not() {
    let condition = "{ stationary = { for_s = 10 } }";
    let jitter = |at: f64| ((at * 37.0).sin() * 6.0) as f32;
    check(
        condition,
        "yard",
        30.0,
        |at| vec![car(1, at, 250.0 + jitter(at), 250.0 - jitter(at + 1.0))],
        &expect![[r#"
        1: 10.0-30.0 V
    "#]],
    );
    check(condition, "yard", 60.0, |at| vec![car(1, at, 150.0 + 4.0 * at as f32, 250.0)], &expect![""]);
}

#[test]
fn a_car_that_comes_to_rest_is_stationary_from_then_on_and_no_longer_when_it_leaves() {
    let drive = |at: f64| {
        let x = if at < 5.0 {
            100.0 + 40.0 * at
        } else if at < 25.0 {
            300.0
        } else {
            300.0 + 40.0 * (at - 25.0)
        };
        vec![car(1, at, x as f32, 250.0)]
    };
    check(
        "{ stationary = { for_s = 10 } }",
        "yard",
        30.0,
        drive,
        &expect![[r#"
            1: 15.4-26.0 V 26.2-30.0 C
        "#]],
    );
}

#[test]
fn a_partly_hidden_car_keeps_its_place() {
    let hidden = |at: f64| {
        let w = if (6.0..9.0).contains(&at) || (15.0..22.0).contains(&at) { 40.0 } else { 90.0 };
        vec![track(1, "car", at, [200.0, 200.0, w, 60.0])]
    };
    check(
        "{ stationary = { for_s = 10 } }",
        "yard",
        30.0,
        hidden,
        &expect![[r#"
        1: 10.0-30.0 V
    "#]],
    );
}

#[test]
fn a_line_is_crossed_in_a_direction() {
    let down = |at: f64| vec![person(1, at, 200.0, 150.0 + 20.0 * at as f32)];
    check(
        "{ line_crossed = {} }",
        "kerb",
        20.0,
        down,
        &expect![[r#"
        1: 5.4-10.4 V 10.6-20.0 C
    "#]],
    );
    check(
        "{ line_crossed = { direction = \"to_right\", holds_for_s = 2 } }",
        "kerb",
        20.0,
        down,
        &expect![[r#"
        1: 5.4-7.4 V 7.6-20.0 C
    "#]],
    );
    let there_and_back = |at: f64| {
        let y = if at < 8.0 { 150.0 + 20.0 * at } else { 310.0 - 20.0 * (at - 8.0) };
        vec![person(1, at, 200.0, y as f32)]
    };
    for direction in ["any", "to_right"] {
        let condition = format!("{{ line_crossed = {{ direction = \"{direction}\", holds_for_s = 12 }} }}");
        check(
            &condition,
            "kerb",
            20.0,
            there_and_back,
            &expect![[r#"
            1: 5.4-11.2 V 11.4-20.0 C
        "#]],
        );
    }
    check("{ line_crossed = { direction = \"to_left\" } }", "kerb", 20.0, down, &expect![""]);
    check(
        "{ line_crossed = { line = \"kerb\" } }",
        "yard",
        20.0,
        |at| vec![person(1, at, 600.0, 150.0 + 20.0 * at as f32)],
        &expect![""],
    );
}

#[test]
fn standing_on_a_line_is_no_crossing() {
    let jitter = |at: f64| vec![person(1, at, 200.0, 250.0 + (3.0 * (at * 31.0).sin()) as f32)];
    check("{ line_crossed = {} }", "kerb", 20.0, jitter, &expect![""]);
}

#[test]
fn a_crowd_is_one_subject() {
    let crowd = |at: f64| {
        let n = if (5.0..15.0).contains(&at) { 5 } else { 2 };
        // One of them is missed now and then.
        let missed = (at * FPS) as u64 % 4;
        (1..=n)
            .filter(|id| at < 6.0 || *id != missed)
            .map(|id| person(id, at, 120.0 + 50.0 * id as f32, 300.0))
            .collect()
    };
    check(
        "{ count = { of = { in_zone = {} }, at_least = 5, for_s = 2 } }",
        "yard",
        20.0,
        crowd,
        &expect![[r#"
            1: 7.0-16.2 V 16.4-20.0 C
        "#]],
    );
    let mut rules = rules("{ count = { of = { in_zone = {} }, at_least = 3 } }", "yard");
    let tracks: Vec<Track> = (1..=4).map(|id| person(id, 0.0, 120.0 + 50.0 * id as f32, 300.0)).collect();
    let hits = rules.show(Timestamp::ZERO, &tracks, &UnknownCivilTime);
    assert_eq!((hits.len(), hits[0].count, hits[0].track, hits[0].class.as_str()), (1, 4, None, "person"));
    assert_eq!(hits[0].bbox, BBox::new(155.0, 225.0, 335.0, 300.0));
}

#[test]
fn all_any_and_not_join() {
    let two = |at: f64| vec![person(1, at, 200.0, 300.0), car(2, at, 300.0, 300.0), person(3, at, 500.0, 300.0)];
    for (condition, subjects) in [
        ("{ all = [{ class = [\"person\"] }, { in_zone = {} }] }", 1),
        ("{ any = [{ class = [\"car\"] }, { in_zone = {} }] }", 2),
        ("{ not = { in_zone = {} } }", 1),
        ("{ confidence = 0.9 }", 0),
        ("{ not = { any = [{ class = [\"car\"] }, { in_zone = {} }] } }", 1),
    ] {
        let text = story(&mut rules(condition, "yard"), frames(1.0), two);
        assert_eq!(text.lines().count(), subjects, "{condition}: {text}");
    }
}

#[test]
fn what_is_not_seen_begins_nothing() {
    let lost = |at: f64| {
        let state = if at < 3.0 { TrackState::Seen } else { TrackState::Lost };
        vec![Track { state, ..person(1, at, if at < 3.0 { 50.0 } else { 200.0 }, 300.0) }]
    };
    check("{ in_zone = {} }", "yard", 6.0, lost, &expect![""]);
    check(
        "{ not = { in_zone = {} } }",
        "yard",
        3.0,
        |at| vec![Track { state: TrackState::Lost, ..lost(at).remove(0) }],
        &expect![""],
    );
}

#[test]
fn unsure_detections_begin_no_subject_but_do_not_end_one() {
    let rule =
        CompiledRule::compile(&Violation { min_confidence: 0.5, ..violation("{ in_zone = {} }") }, &binding("yard"));
    let fading = |at: f64| {
        vec![Track { score: if (4.0..5.0).contains(&at) { 0.7 } else { 0.3 }, ..person(1, at, 200.0, 300.0) }]
    };
    expect![[r#"
        1: 4.0-9.0 V
    "#]]
    .assert_eq(&story(&mut Rules::new(vec![rule.unwrap()]), frames(9.0), fading));
}

struct Noon;

impl CivilTime for Noon {
    fn local(&self, _: Option<&str>, _: Timestamp) -> Option<LocalTime> {
        Some(LocalTime { weekday: Weekday::Wed, minute: 12 * 60 })
    }
}

#[test]
fn a_schedule_holds_by_the_clock_and_always_where_there_is_none() {
    let night = "{ schedule = { from = \"22:00\", to = \"06:00\" } }";
    for (condition, at_noon, unknown) in [
        (format!("{{ all = [{{ in_zone = {{}} }}, {night}] }}"), 0, 1),
        (format!("{{ all = [{{ in_zone = {{}} }}, {{ not = {night} }}] }}"), 1, 1),
        (format!("{{ all = [{{ not = {{ in_zone = {{}} }} }}, {night}] }}"), 0, 0),
    ] {
        let hits = |civil: &dyn CivilTime| {
            rules(&condition, "yard").show(Timestamp::ZERO, &[person(1, 0.0, 200.0, 300.0)], civil).len()
        };
        assert_eq!((hits(&Noon), hits(&UnknownCivilTime)), (at_noon, unknown), "{condition}");
    }
    let schedule = toml::from_str("from = \"22:00\"\nto = \"06:00\"").unwrap();
    let bound = RuleBinding { schedule: Some(schedule), ..binding("yard") };
    let mut rules = Rules::new(vec![CompiledRule::compile(&violation("{ in_zone = {} }"), &bound).unwrap()]);
    assert!(rules.show(Timestamp::ZERO, &[person(1, 0.0, 200.0, 300.0)], &Noon).is_empty());
}

fn any_track() -> impl Strategy<Value = Track> {
    let number = prop_oneof![9 => (0f32..8.0).prop_map(|n| n.floor() * 60.0), 1 => prop::num::f32::ANY];
    let class = prop::sample::select(vec!["person", "car", "dog"]);
    (1u64..6, class, prop::array::uniform4(number), any::<bool>()).prop_map(|(id, class, corners, is_seen)| Track {
        state: if is_seen { TrackState::Seen } else { TrackState::Lost },
        ..track(id, class, 0.0, corners)
    })
}

proptest! {
    #[test]
    fn hits_are_sound_for_any_tracks(frames in prop::collection::vec((-1_000_000i64..9_000_000, prop::collection::vec(any_track(), 0..6)), 0..30)) {
        let conditions = ["{ in_zone = {} }", "{ dwell = { for_s = 2 } }", "{ stationary = { for_s = 3 } }", "{ count = { of = { in_zone = {} }, at_least = 2 } }",
            "{ moving = { distance = 1, over_s = 2, toward_deg = 90 } }", "{ speed = { at_most = 1 } }",
            "{ near = { class = [\"car\"], within = 2, for_s = 1 } }",
            "{ score = { at_least = 1, of = [{ weight = 1, if = { near = { class = [\"dog\"] } } }, { weight = 1, if = { in_zone = {} } }] } }",
            "{ count = { of = { in_zone = {} }, growth = { by = 1, over_s = 5 } } }", "{ absent = { of = { in_zone = {} }, for_s = 3 } }",
            "{ any = [{ wearing = { item = \"hard_hat\", is = \"no\" } }, { in_zone = {} }] }"];
        let run = || {
            let compiled = conditions.map(|c| CompiledRule::compile(&violation(c), &binding("yard")).unwrap());
            let (mut rules, mut at) = (Rules::new(compiled.to_vec()), 0);
            let step = |(step, tracks): &(i64, Vec<Track>)| {
                at += step;
                rules.show(Timestamp::from_micros(at), tracks, &UnknownCivilTime)
            };
            frames.iter().map(step).collect::<Vec<_>>()
        };
        let hits = run();
        prop_assert_eq!(&hits, &run());
        for hits in hits {
            let mut subjects: Vec<_> = hits.iter().map(|hit| hit.subject).collect();
            subjects.sort_unstable();
            subjects.dedup();
            prop_assert_eq!(subjects.len(), hits.len());
            prop_assert!(hits.iter().all(|hit| hit.track.is_none() || hit.sight != Sight::Absent));
        }
    }
}

#[test]
fn zones_may_lie_elsewhere_in_each_frame() {
    // The camera flies to the right: who stands goes to the left in the picture, and the zone with him.
    let mut rules = rules("{ dwell = { for_s = 4 } }", "yard");
    let first = frames(10.0).find(|at| {
        let left = -15.0 * *at as f32;
        let moved = |p: &Point| Point::new(p.x + left, p.y);
        let shapes: Vec<ZoneShape> = zones()
            .into_iter()
            .map(|zone| match zone.shape {
                ZoneShape::Polygon(area) => ZoneShape::Polygon(Polygon::new(area.points.iter().map(moved).collect())),
                ZoneShape::Line(points) => ZoneShape::Line(points.iter().map(moved).collect()),
            })
            .collect();
        let tracks = [person(1, *at, 120.0 + left, 300.0)];
        let at = Timestamp::from_secs_f64(*at);
        let view = View { at, size: SIZE, zones: &shapes, tracks: &tracks, civil: &UnknownCivilTime };
        !rules.evaluate(&view).is_empty()
    });
    assert_eq!(first, Some(4.0));
}

#[test]
fn who_leaves_a_zone_that_stays_does_not_dwell_there() {
    let walks = |at: f64| vec![person(1, at, 120.0 - 15.0 * at as f32, 300.0)];
    check("{ dwell = { for_s = 4 } }", "yard", 10.0, walks, &expect![""]);
}
