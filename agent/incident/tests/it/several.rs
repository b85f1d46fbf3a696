//! Several subjects, zones and incidents at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use expect_test::expect;
use forewarn_domain::Sight::{Compliant, Violating};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_incident::IncidentInput;

use crate::support::{PARKING, Stage, check, hit, parking, policy, rule, violation};

#[test]
fn a_crowd_is_one_subject_whose_size_is_kept_up_to_date() {
    let mut stage = parking();
    for count in [4, 5, 7, 7, 6, 6, 6, 6, 6, 6] {
        stage.wait(0.5);
        let mut crowd = hit(&stage.rule, 1, Violating, stage.now());
        (crowd.count, crowd.track) = (count, None);
        stage.input(IncidentInput::Hit(crowd));
    }
    let counts: Vec<u32> = stage.reports.iter().map(|report| report.incident.subject.count).collect();
    assert_eq!(counts, [5, 5, 6]);
    check(
        stage,
        &expect![[r#"
            1.0     5 #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     5 #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     6 #3 observing (playback_proven)
        "#]],
    );
}

#[test]
fn a_warning_that_was_just_heard_covers_the_next_subject() {
    let mut stage = parking();
    stage.show(Violating, 6.0);
    stage.show_all(&[(1, Violating), (2, Violating)], 46.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            7.0     #1 confirmed (held_long_enough)
            7.0        capture confirmed, clip 1.5..12.0
            7.0     #2 observing (covered_by_recent_warning)
            24.0    #4 persisted (still_violating)
            24.0       capture after_warning
            24.0    #5 warned (warning_sent)
            24.0       announce #2 on horn
            27.0    #6 observing (playback_proven)
            27.0    #3 persisted (still_violating)
            27.0       capture after_warning
            27.0    #4 observing (covered_by_recent_warning)
            47.0    #7 persisted (still_violating)
            47.0       capture after_warning
            47.0    #8 escalated (warnings_used_up)
            47.0       capture ended, clip 42.0..52.0
            47.0    #5 persisted (still_violating)
            47.0       capture after_warning
            47.0    #6 escalated (warnings_used_up)
            47.0       capture ended, clip 42.0..52.0
        "#]],
    );
}

#[test]
fn a_subject_confirmed_during_an_announcement_waits_for_its_fate() {
    let mut stage = parking();
    stage.show_all(&[(1, Violating), (2, Violating)], 6.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            4.0     #3 observing (playback_proven)
            4.0     #2 observing (covered_by_recent_warning)
        "#]],
    );
}

#[test]
fn another_violation_in_the_zone_waits_for_the_cool_down() {
    let loitering = PARKING.replace("\"parking\"", "\"loitering\"");
    let rules = BTreeMap::from([
        (rule("parking", "kerb"), policy(violation(PARKING), &["horn"])),
        (rule("loitering", "kerb"), policy(violation(&loitering), &["horn"])),
    ]);
    let mut stage = Stage::with(rules, Arc::new(UnknownCivilTime));
    stage.show(Violating, 2.0);
    stage.rule = rule("loitering", "kerb");
    stage.show_all(&[(2, Violating)], 20.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            3.0     #1 confirmed (held_long_enough)
            3.0        capture confirmed, clip -2.5..8.0
            4.0     #3 observing (playback_proven)
            19.0    #2 warned (warning_sent)
            19.0       announce #1 on horn
            22.0    #3 observing (playback_proven)
        "#]],
    );
}

#[test]
fn of_those_that_wait_for_the_zone_the_most_urgent_is_said_first() {
    let named = |name: &str, more: &str| {
        violation(&format!("{}{more}", PARKING.replace("\"parking\"", &format!("\"{name}\""))))
    };
    let of = |name: &str, more: &str| (rule(name, "kerb"), policy(named(name, more), &["horn"]));
    let rules = BTreeMap::from([of("parking", ""), of("loitering", ""), of("fire_lane", "urgency = 5\n")]);
    let mut stage = Stage::with(rules, Arc::new(UnknownCivilTime));
    for (n, (name, seconds)) in (1..).zip([("parking", 1.5), ("loitering", 2.0), ("fire_lane", 21.0)]) {
        stage.rule = rule(name, "kerb");
        stage.show_all(&[(n, Violating)], seconds);
    }
    let said: Vec<&str> = stage.announced.iter().map(|said| said.incident.as_str()).collect();
    for (name, said) in ["parking", "fire_lane", "loitering"].iter().zip(&said) {
        assert!(said.contains(name), "{said} is said before {name}");
    }
    assert_eq!((said.len(), stage.announced[1].urgency), (3, 5), "{said:?}");
}

#[test]
fn after_it_was_closed_the_subject_can_begin_a_new_incident() {
    let mut stage = parking();
    stage.show(Violating, 5.0);
    stage.show(Compliant, 3.0);
    stage.show(Violating, 8.0);
    let ids: BTreeSet<_> = stage.reports.iter().map(|report| report.incident.id.as_str()).collect();
    assert_eq!(ids.len(), 2);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            7.5     #4 complied (seen_complying)
            7.5        capture ended, clip 2.5..12.5
            12.5    #5 closed (settled)
            13.0    #1 confirmed (held_long_enough)
            13.0       capture confirmed, clip 7.5..18.0
            13.0    #2 observing (covered_by_recent_warning)
        "#]],
    );
}

#[test]
fn two_zones_that_suspect_the_same_subject_number_at_once_get_two_names() {
    let parking = policy(violation(PARKING), &["horn"]);
    let rules = BTreeMap::from([(rule("parking", "kerb"), parking.clone()), (rule("parking", "drive"), parking)]);
    let mut stage = Stage::with(rules, Arc::new(UnknownCivilTime));
    for zone in ["kerb", "drive"] {
        let hit = hit(&rule("parking", zone), 1, Violating, 0.0);
        stage.input(IncidentInput::Hit(hit));
    }
    let names: Vec<&str> = stage.incidents.records().map(|record| record.id.as_str()).collect();
    assert_eq!(names, ["gate-parking-0-1", "gate-parking-0-1-drive"]);
}
