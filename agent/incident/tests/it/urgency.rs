//! What is more urgent is said at once, and what was cut for it is said again.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_domain::Sight::{Compliant, Violating};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::{AnnounceOutcome, Cause, FailureKind, IncidentState};
use forewarn_incident::IncidentInput;

use crate::support::{PARKING, Stage, policy, rule, violation};

/// A car is parked, for which a warning is in the air; outcomes are told by the test.
fn parked() -> Stage {
    let of = |name: &str, more: &str| {
        let text = format!("{}{more}", PARKING.replace("\"parking\"", &format!("\"{name}\"")));
        (rule(name, "kerb"), policy(violation(&text), &["horn", "spare"]))
    };
    let rules = BTreeMap::from([of("parking", ""), of("fire_lane", "urgency = 5\n")]);
    let mut stage = Stage::with(rules, Arc::new(UnknownCivilTime)).silent_speakers();
    stage.show(Violating, 1.5);
    stage
}

/// Another car violates a rule.
fn comes(stage: &mut Stage, subject: u64, violation: &str) {
    stage.rule = rule(violation, "kerb");
    stage.show_all(&[(subject, Violating)], 1.5);
}

/// Who was warned, by which loudspeaker.
fn said(stage: &Stage) -> Vec<(&str, &str)> {
    let name = |incident: &'static str, said: &str| said.contains(incident).then_some(incident);
    let of = |said: &str| name("fire_lane", said).or_else(|| name("parking", said)).unwrap_or_default();
    stage.announced.iter().map(|said| (of(said.incident.as_str()), said.speaker.as_str())).collect()
}

fn cut(stage: &mut Stage, announcement: usize) {
    let outcome = AnnounceOutcome::Failed { kind: FailureKind::Cut, reason: "something more urgent".to_owned() };
    let id = stage.announced[announcement].id;
    stage.input(IncidentInput::Announced { id, outcome });
}

#[test]
fn what_is_more_urgent_does_not_wait_and_what_was_cut_is_said_again_after_it() {
    let mut stage = parked();
    comes(&mut stage, 2, "fire_lane");
    assert_eq!(said(&stage), [("parking", "horn"), ("fire_lane", "horn")], "at once");
    cut(&mut stage, 0);
    assert_eq!(stage.announced.len(), 2, "it waits for what is more urgent");
    stage.outcome(1, true);
    stage.wait(14.0);
    assert_eq!(stage.announced.len(), 2, "and for its cool-down");
    stage.wait(2.0);
    assert_eq!(said(&stage)[2..], [("parking", "horn")], "by the loudspeaker that was cut");
    assert_eq!(stage.announced[2].attempt, 1, "it is the same warning");
    stage.outcome(2, true);
    let of_parking = stage.reports.iter().rev().find(|report| report.incident.id.as_str().contains("parking")).unwrap();
    let steps: Vec<_> = of_parking.incident.history.iter().map(|step| (step.state, step.cause)).collect();
    let warned = (IncidentState::Warned, Cause::WarningSent);
    assert_eq!(steps[2..], [warned, warned, (IncidentState::Observing, Cause::PlaybackProven)]);
    let tried = &of_parking.incident.history[3].tried;
    assert_eq!(tried[0].to_string(), "horn: failed, cut; something more urgent");
    assert_eq!(of_parking.incident.warnings_played, 1);
}

#[test]
fn what_is_more_urgent_does_not_wait_for_the_cool_down_of_what_is_less() {
    let mut stage = parked();
    stage.outcome(0, true);
    comes(&mut stage, 2, "fire_lane");
    assert_eq!(said(&stage), [("parking", "horn"), ("fire_lane", "horn")], "in the cool-down of the first");
    stage.outcome(1, true);
    comes(&mut stage, 3, "parking");
    assert_eq!(stage.announced.len(), 2, "what is less urgent waits for both");
    comes(&mut stage, 4, "fire_lane");
    assert_eq!(stage.announced.len(), 2, "an equal is covered by what was heard");
}

#[test]
fn a_warning_that_is_cut_again_and_again_goes_to_the_next_loudspeaker() {
    let mut stage = Stage::new(policy(violation(PARKING), &["horn", "spare"])).silent_speakers();
    stage.show(Violating, 1.5);
    (0..5).for_each(|n| cut(&mut stage, n));
    let speakers: Vec<&str> = stage.announced.iter().map(|said| said.speaker.as_str()).collect();
    assert_eq!(speakers, ["horn", "horn", "horn", "horn", "spare"]);
    let last = stage.reports.last().unwrap().incident.history.last().unwrap();
    assert_eq!(last.cause, Cause::WarningNotDelivered);
}

#[test]
fn who_has_complied_meanwhile_is_not_warned_again() {
    let mut stage = Stage::new(policy(violation(PARKING), &["horn"])).silent_speakers();
    stage.show(Violating, 1.5);
    stage.show(Compliant, 4.0);
    cut(&mut stage, 0);
    stage.wait(30.0);
    assert_eq!(stage.announced.len(), 1);
    assert_eq!(stage.reports.last().unwrap().incident.state, IncidentState::Closed);
}
