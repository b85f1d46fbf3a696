//! What the conditions about a zone as a whole and about sensors mean.

use expect_test::expect;
use forewarn_domain::{LocalTime, SensorId, Weekday};

use super::*;

/// So many people in the yard.
fn people(n: u64, at: f64) -> Vec<Track> {
    (1..=n).map(|id| person(id, at, 120.0 + 20.0 * id as f32, 300.0)).collect()
}

#[test]
fn a_count_that_flickers_holds_between_its_limits() {
    // 5, 3, 4, 5, … people until 10 s, then 2.
    let flicker = |at: f64| {
        let n = if at < 10.0 { 3 + (at * FPS).round() as u64 % 3 } else { 2 };
        // New numbers each time, so that nobody counts on.
        people(n, at)
            .into_iter()
            .map(|t| Track { bbox: person(0, at, 120.0 + 30.0 * t.id.0 as f32, 300.0).bbox, ..t })
            .collect()
    };
    check(
        "{ count = { of = { in_zone = {} }, at_least = 5, leave_below = 3 } }",
        "yard",
        15.0,
        flicker,
        &expect![[r#"
            1: 0.4-11.2 V 11.4-15.0 C
        "#]],
    );
}

#[test]
fn density_takes_the_area_of_the_zone() {
    let compile = |area| {
        let bound = RuleBinding { areas_m2: BTreeMap::from([(ZoneId::new("yard").unwrap(), area)]), ..binding("yard") };
        let violation = violation("{ count = { of = { in_zone = {} }, per_m2 = 0.5, leave_below = 0.4 } }");
        Rules::new(vec![CompiledRule::compile(&violation, &bound).unwrap()])
    };
    let scene = |at: f64| people(if at < 5.0 { 5 } else { 4 }, at);
    expect![[r#"
        1: 0.0-10.0 V
    "#]]
    .assert_eq(&story(&mut compile(10.0), frames(10.0), scene));
    expect![""].assert_eq(&story(&mut compile(10.1), frames(10.0), scene));
}

#[test]
fn growth_is_measured_against_a_while_ago() {
    // Twelve people stay all the time; from 30 s on one comes every second until there are 20 more.
    let scene = |at: f64| people(4 + (at - 30.0).clamp(0.0, 8.0) as u64, at);
    check(
        "{ count = { of = { in_zone = {} }, growth = { by = 5, over_s = 10 }, leave_below = 3 } }",
        "yard",
        60.0,
        scene,
        &expect![[r#"
            1: 35.0-45.2 V 45.4-60.0 C
        "#]],
    );
    // Those who are there from the beginning are no growth.
    let crowd = |at: f64| people(9, at);
    check("{ count = { of = { in_zone = {} }, growth = { by = 5, over_s = 10 } } }", "yard", 60.0, crowd, &expect![""]);
}

const POST: &str = "{ absent = { of = { in_zone = {} }, for_s = 20 } }";

#[test]
fn an_empty_post_is_an_incident_of_the_zone_until_somebody_is_back() {
    let guard = |at: f64| if (10.0..50.0).contains(&at) { vec![] } else { people(1, at) };
    check(
        POST,
        "yard",
        60.0,
        guard,
        &expect![[r#"
            1: 31.2-49.8 V 50.0-60.0 C
        "#]],
    );
    let mut rules = rules(POST, "yard");
    let hits: Vec<RuleHit> =
        frames(25.0).flat_map(|at| rules.show(Timestamp::from_secs_f64(at), &[], &UnknownCivilTime)).collect();
    assert_eq!((hits[0].bbox, hits[0].count), (BBox::new(100., 100., 400., 400.), 0));
    assert_eq!(hits[0].class.as_str(), "person");
}

#[test]
fn absence_does_not_run_while_the_stream_is_away_and_goes_on_after_a_restart() {
    let nobody = |_: f64| vec![];
    // Ten seconds of watching, an hour of outage, and on.
    let times = frames(10.0).chain((0..=75).map(|n| 3600.0 + f64::from(n) / FPS));
    expect![[r#"
        1: 3608.0-3615.0 V
    "#]]
    .assert_eq(&story(&mut rules(POST, "yard"), times, nobody));

    let mut before = rules(POST, "yard");
    story(&mut before, frames(15.0), nobody);
    let json = serde_json::to_string(&before.memory()).unwrap();
    let mut after = rules(POST, "yard");
    after.remember(serde_json::from_str(&json).unwrap());
    expect![[r#"
        1: 9005.0-9010.0 V
    "#]]
    .assert_eq(&story(&mut after, (0..=50).map(|n| 9000.0 + f64::from(n) / FPS), nobody));
    // Another site's memory does no harm.
    let mut other = rules(POST, "gate");
    other.remember(serde_json::from_str(&json).unwrap());
    assert_eq!(story(&mut other, frames(10.0), nobody), "");
}

struct Hour(u16);

impl CivilTime for Hour {
    fn local(&self, _: Option<&str>, at: Timestamp) -> Option<LocalTime> {
        let minute = self.0 + u16::try_from(at.as_micros() / 60_000_000).ok()?;
        Some(LocalTime { weekday: Weekday::Mon, minute })
    }
}

#[test]
fn nobody_is_missed_before_the_schedule_begins() {
    let schedule = toml::from_str("from = \"08:00\"\nto = \"18:00\"").unwrap();
    let bound = RuleBinding { schedule: Some(schedule), ..binding("yard") };
    let mut rules = Rules::new(vec![CompiledRule::compile(&violation(POST), &bound).unwrap()]);
    let first = (0..=1200).map(|n| f64::from(n) / FPS).find(|at| {
        let at = Timestamp::from_secs_f64(*at);
        !rules.show(at, &[], &Hour(8 * 60 - 2)).is_empty()
    });
    assert!(first.is_some_and(|at| (139.0..141.0).contains(&at)), "{first:?}");
}

#[test]
fn an_absence_that_was_kept_before_is_read_and_kept_in_the_same_form() {
    let kept = r#"{"absences":[{"rule":{"stream":"cam","violation":"test","zone":"yard"},"term":0,"absence":{"absent_us":15000000}}]}"#;
    let mut rules = rules(POST, "yard");
    rules.remember(serde_json::from_str(kept).unwrap());
    assert_eq!(serde_json::to_string(&rules.memory()).unwrap(), kept);
    expect![[r#"
        1: 5.0-6.0 V
    "#]]
    .assert_eq(&story(&mut rules, frames(6.0), |_| vec![]));
}

fn fume() -> SensorId {
    SensorId::new("fume").unwrap()
}

/// Plays values before a rule without any frame: the sights, and when they changed.
fn heard(rules: &mut Rules, values: &[(f64, f64)]) -> String {
    let mut text = String::new();
    let mut last = None;
    for (at, value) in values {
        for hit in rules.sensor(&fume(), *value, Timestamp::from_secs_f64(*at), &UnknownCivilTime) {
            if last != Some(hit.sight) {
                writeln!(text, "{at}: {:?} {}", hit.sight, hit.findings[0].text.as_deref().unwrap()).unwrap();
            }
            last = Some(hit.sight);
        }
    }
    text
}

const FUME: &str = "{ sensor = { id = \"fume\", above = 2, hysteresis = 0.5, for_s = 30, silent_after_s = 60 } }";

#[test]
fn a_sensor_raises_an_incident_without_any_track_and_does_not_flap() {
    let values: Vec<(f64, f64)> = (0..40)
        .map(|n| {
            let value = match n {
                // A short peak, then a long time around the threshold.
                5 => 3.0,
                0..10 => 1.0,
                10..30 => 2.2 - 0.5 * f64::from(n % 2),
                _ => 1.2,
            };
            (f64::from(n) * 10.0, value)
        })
        .collect();
    expect![[r#"
        130: Violating 1.7
        300: Compliant 1.2
    "#]]
    .assert_eq(&heard(&mut rules(FUME, "yard"), &values));
    assert_eq!(heard(&mut rules(FUME, "yard"), &[(0.0, f64::NAN), (5.0, 9.0), (2.0, 9.0)]), "");
}

#[test]
fn a_silent_sensor_raises_nothing_and_proves_nothing() {
    let mut rules = rules(FUME, "yard");
    let frame = |rules: &mut Rules, at: f64| {
        let hits = rules.show(Timestamp::from_secs_f64(at), &[], &UnknownCivilTime);
        hits.first().map(|hit| hit.sight)
    };
    assert_eq!(frame(&mut rules, 1.0), None);
    heard(&mut rules, &[(2.0, 3.0), (20.0, 3.0), (40.0, 3.0)]);
    assert_eq!(frame(&mut rules, 41.0), Some(Sight::Violating));
    assert_eq!(frame(&mut rules, 110.0), Some(Sight::Occluded));
    heard(&mut rules, &[(120.0, 1.0)]);
    assert_eq!(frame(&mut rules, 121.0), Some(Sight::Compliant));
}

/// Lets time alone pass before a rule, as often as it asks: the sights, and when they changed.
fn left_alone(rules: &mut Rules, until: f64) -> String {
    let mut text = String::new();
    let mut last = None;
    while let Some(due) = rules.poll_timeout().filter(|due| due.as_secs_f64() <= until) {
        for hit in rules.timeout(due, &UnknownCivilTime) {
            if last != Some(hit.sight) {
                writeln!(text, "{}: {:?}", due.as_secs_f64(), hit.sight).unwrap();
            }
            last = Some(hit.sight);
        }
        assert!(rules.poll_timeout().is_none_or(|next| next > due), "time stands still at {due:?}");
    }
    text
}

#[test]
fn time_alone_raises_an_incident_and_a_sensor_that_falls_silent_is_not_known() {
    let mut rules = rules(FUME, "yard");
    assert_eq!(rules.poll_timeout(), None);
    assert_eq!(heard(&mut rules, &[(10.0, 3.0)]), "");
    expect![[r#"
        40: Violating
        70.000001: Occluded
    "#]]
    .assert_eq(&left_alone(&mut rules, 500.0));
    assert_eq!(heard(&mut rules, &[(501.0, 1.0)]), "501: Compliant 1\n");
    assert_eq!(left_alone(&mut rules, 561.0), "502: Compliant\n");
}

#[test]
fn what_a_silent_sensor_did_not_measure_counts_neither_for_nor_against() {
    let mut fresh = rules(FUME, "yard");
    let over = [(10.0, 3.0), (20.0, 3.0), (1000.0, 3.0), (1020.0, 3.0), (1040.0, 3.0)];
    assert_eq!(heard(&mut fresh, &over), "1040: Violating 3\n", "nobody knows of the time in between");
    // An open incident is not ended by a value that is still over the limit.
    assert_eq!(heard(&mut fresh, &[(2000.0, 3.0), (2020.0, 3.0)]), "2000: Occluded 3\n");
    assert_eq!(heard(&mut fresh, &[(2030.0, 3.0), (2040.0, 1.0)]), "2030: Violating 3\n2040: Compliant 1\n");
}

#[test]
fn the_open_incident_of_a_sensor_goes_on_after_a_restart_without_a_frame() {
    let mut rules = rules(FUME, "yard");
    let seed = SubjectSeed {
        subject: SubjectId(3),
        rule: binding("yard").key,
        class: Class::new("sensor"),
        bbox: BBox::new(0., 0., 1., 1.),
        at: Timestamp::from_secs_f64(100.0),
    };
    assert!(rules.restore(vec![seed]).is_empty());
    assert_eq!(left_alone(&mut rules, 105.0), "1: Occluded\n", "nothing was measured yet");
    assert_eq!(heard(&mut rules, &[(106.0, 1.8)]), "106: Violating 1.8\n");
}

#[test]
fn a_value_is_told_with_its_unit() {
    let mut bound = binding("yard");
    bound.sensor_units.insert(fume(), "mg/m³".to_owned());
    let mut rules = Rules::new(vec![CompiledRule::compile(&violation(FUME), &bound).unwrap()]);
    assert_eq!(heard(&mut rules, &[(0.0, 3.0), (30.0, 3.12345)]), "30: Violating 3.1235 mg/m³\n");
}

#[test]
fn a_sensor_may_stand_beside_a_track() {
    let mut rules = rules("{ all = [{ in_zone = {} }, { sensor = { id = \"fume\", above = 2 } }] }", "yard");
    let mut sight = |value: f64, at: f64| {
        let when = Timestamp::from_secs_f64(at);
        assert!(rules.sensor(&fume(), value, when, &UnknownCivilTime).is_empty(), "it needs a frame");
        rules.show(when, &people(1, at), &UnknownCivilTime).first().map(|hit| (hit.sight, hit.track))
    };
    assert_eq!(sight(1.0, 1.0), None);
    assert_eq!(sight(3.0, 2.0), Some((Sight::Violating, Some(TrackId(1)))));
    assert_eq!(sight(1.0, 3.0), Some((Sight::Compliant, Some(TrackId(1)))));
}

#[test]
fn the_open_incident_of_a_crowd_is_not_ended_by_a_restart() {
    let mut rules = rules("{ count = { of = { in_zone = {} }, at_least = 4, for_s = 10 } }", "yard");
    let seed = SubjectSeed {
        subject: SubjectId(3),
        rule: binding("yard").key,
        class: Class::new("person"),
        bbox: BBox::new(100., 200., 300., 300.),
        at: Timestamp::ZERO,
    };
    rules.restore(vec![seed]);
    // The tracker needs a second to find them again.
    expect![[r#"
        3: 0.0-1.8 O 2.0-10.0 V
    "#]]
    .assert_eq(&story(&mut rules, frames(10.0), |at| if at < 1.0 { vec![] } else { people(5, at) }));
}
