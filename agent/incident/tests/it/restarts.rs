//! What is stored and taken up again: `kill -9` at each step of the loop.

use std::collections::BTreeMap;
use std::sync::Arc;

use expect_test::expect;
use forewarn_domain::Sight::{Compliant, Violating};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::{IncidentId, IncidentState, SubjectId, Timestamp};
use forewarn_incident::Incidents;

use crate::support::{PARKING, Stage, policy, rule, violation};

fn fresh() -> Incidents {
    let policy = policy(violation(PARKING), &["horn", "spare"]);
    Incidents::new(BTreeMap::from([(rule("parking", "kerb"), policy)]), Arc::new(UnknownCivilTime))
}

fn stage() -> Stage {
    let mut stage = Stage::new(policy(violation(PARKING), &["horn", "spare"]));
    stage.show(Violating, 1.0);
    stage
}

#[test]
fn an_announcement_of_unknown_fate_is_made_again() {
    let mut stage = stage();
    stage.restart(fresh(), 2.0);
    stage.show(Violating, 10.0);
    expect![[r#"
        1.0     #1 confirmed (held_long_enough)
        1.0        capture confirmed, clip -4.5..6.0
        1.0     #2 warned (warning_sent)
        1.0        announce #1 on horn
        3.0     restart
        3.0     #3 warned (warning_sent)
        3.0        announce #1 on horn
        6.0     #4 observing (playback_proven)
    "#]]
    .assert_eq(&stage.transcript());
}

#[test]
fn what_could_only_be_read_late_ends_as_lost_beside_the_incidents_of_today() {
    let before = stage();
    let old = before.incidents.open_incidents().next().unwrap().id.clone();
    let snapshot = before.incidents.snapshot(&old).unwrap();
    // The same subject, by its number, has an incident of its own when the old one can be read.
    let mut today = Stage::new(policy(violation(PARKING), &["horn"])).starting_at(1000.0);
    today.show(Violating, 2.0);
    let new = today.incidents.open_incidents().next().unwrap().id.clone();
    let now = Timestamp::from_secs_f64(today.now());
    today.incidents.restore_late(vec![snapshot.clone(), snapshot], now);
    assert_eq!(today.incidents.open_incidents().count(), 2, "each once");
    today.show(Violating, 120.0);
    let steps = |id: &IncidentId| {
        let of_it = today.reports.iter().filter(|report| report.incident.id == *id);
        of_it.map(|report| report.incident.state).collect::<Vec<_>>()
    };
    assert_eq!(steps(&old).last_chunk(), Some(&[IncidentState::Lost, IncidentState::Closed]), "{:?}", steps(&old));
    assert!(steps(&new).contains(&IncidentState::Escalated), "{:?}", steps(&new));
}

#[test]
fn the_end_of_an_observation_stands() {
    let mut stage = stage();
    stage.show(Violating, 10.0);
    stage.restart(fresh(), 5.0);
    stage.show(Violating, 10.0);
    expect![[r#"
        1.0     #1 confirmed (held_long_enough)
        1.0        capture confirmed, clip -4.5..6.0
        1.0     #2 warned (warning_sent)
        1.0        announce #1 on horn
        4.0     #3 observing (playback_proven)
        16.0    restart
        24.0    #4 persisted (still_violating)
        24.0       capture after_warning
        24.0    #5 warned (warning_sent)
        24.0       announce #2 on horn
    "#]]
    .assert_eq(&stage.transcript());
}

#[test]
fn an_observation_that_ended_meanwhile_waits_for_a_sight() {
    let mut stage = stage();
    stage.show(Violating, 10.0);
    stage.restart(fresh(), 60.0);
    stage.wait(10.0);
    stage.show(Violating, 0.5);
    expect![[r#"
        1.0     #1 confirmed (held_long_enough)
        1.0        capture confirmed, clip -4.5..6.0
        1.0     #2 warned (warning_sent)
        1.0        announce #1 on horn
        4.0     #3 observing (playback_proven)
        71.0    restart
        81.5    #4 persisted (still_violating)
        81.5       capture after_warning
        81.5    #5 warned (warning_sent)
        81.5       announce #2 on horn
    "#]]
    .assert_eq(&stage.transcript());
}

#[test]
fn a_subject_goes_on_with_its_number_and_others_begin_incidents_of_their_own() {
    let mut stage = stage();
    stage.show(Violating, 5.0);
    let id = stage.incidents.open_incidents().next().unwrap().id.clone();
    assert_eq!(stage.incidents.snapshot(&id).unwrap().subject(), SubjectId(1));
    stage.restart(fresh(), 3.0);
    stage.show_all(&[(1, Compliant), (2, Violating)], 3.0);
    let states: Vec<_> = stage.incidents.open_incidents().map(|record| record.state).collect();
    assert_eq!(states, [IncidentState::Complied, IncidentState::Observing]);
}

#[test]
fn an_incident_whose_rule_is_gone_ends_as_lost() {
    let mut stage = stage();
    stage.show(Violating, 5.0);
    stage.restart(Incidents::new(BTreeMap::new(), Arc::new(UnknownCivilTime)), 1.0);
    stage.wait(100.0);
    assert_eq!(stage.reports.last().unwrap().incident.state, IncidentState::Closed);
    expect![[r#"
        1.0     #1 confirmed (held_long_enough)
        1.0        capture confirmed, clip -4.5..6.0
        1.0     #2 warned (warning_sent)
        1.0        announce #1 on horn
        4.0     #3 observing (playback_proven)
        7.0     restart
        7.0     #4 lost (out_of_sight)
        7.0        capture ended, clip 2.0..12.0
        12.0    #5 closed (settled)
    "#]]
    .assert_eq(&stage.transcript());
}

#[test]
fn what_was_settled_before_stays_settled_and_nothing_is_reported_twice() {
    let mut stage = stage();
    stage.show(Violating, 5.0);
    stage.show(Compliant, 3.0);
    stage.restart(fresh(), 1.0);
    stage.wait(10.0);
    let sequences: Vec<u32> = stage.reports.iter().map(|report| report.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
    assert_eq!(stage.incidents.records().count(), 0);
}
