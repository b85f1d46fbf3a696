//! The case of an incident: its steps are told beside the transitions, and it is gone on with when the incident is closed.

use forewarn_domain::{CaseStage, Report};
use forewarn_wire::samples::{CLOSING, case_report, report};

use super::*;
use crate::outbox::ledger::IncidentLedger;

/// The steps of a case so far, each as its own report.
fn step(number: u32) -> Report {
    let mut report = case_report(1);
    if let Some(case) = &mut report.incident.case {
        case.steps.truncate(number as usize + 1);
        case.stage = case.steps[number as usize].stage;
    }
    Report { sequence: Report::FIRST_CASE_STEP + number, ..report }
}

#[test]
fn a_case_goes_on_after_its_incident_and_after_a_crash() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut outbox = open(dir.path(), OutboxLimits::default());
    outbox.record(&report(1, 5), Some("escalated")).unwrap();
    outbox.record(&step(0), Some("sent")).unwrap();
    assert!(matches!(outbox.record(&step(0), Some("sent")).unwrap(), Recorded::Repeated));
    assert_eq!(outbox.open_snapshots().unwrap()[0].snapshot, "sent");
    let mut closing = report(1, CLOSING);
    closing.incident.case = step(0).incident.case;
    outbox.record(&closing, Some("closed, sent")).unwrap();
    let mut outbox = crash(outbox, dir.path(), copy.path(), &[MQTT]);
    assert_eq!(outbox.open_snapshots().unwrap()[0].snapshot, "closed, sent");

    let mut received = step(2);
    (received.incident.state, received.incident.history) = (closing.incident.state, closing.incident.history.clone());
    outbox.record(&received, Some("closed, received")).unwrap();
    let entry = IncidentLedger::open(outbox.path()).unwrap().incident(&received.incident.id).unwrap().unwrap();
    assert_eq!(
        (entry.record.case.as_deref().map(|case| case.stage), entry.last_sequence),
        (Some(CaseStage::Received), CLOSING)
    );
    let id = received.incident.id.to_string();
    let told = [format!("{id}/5"), format!("{id}/case/0"), format!("{id}/6"), format!("{id}/case/2")];
    assert_eq!(drain(&outbox, MQTT), told, "in the order in which they happened");

    if let Some(case) = &mut received.incident.case {
        case.stage = CaseStage::Settled;
    }
    received.sequence += 1;
    outbox.record(&received, None).unwrap();
    assert_eq!(outbox.open_snapshots().unwrap(), [], "nothing is gone on with");
}

#[test]
fn at_the_bound_a_step_of_a_case_takes_no_transition_away() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { max_messages: 4, ..OutboxLimits::default() };
    let mut outbox = open(dir.path(), limits);
    outbox.record(&report(1, 5), Some("{}")).unwrap();
    for number in 0..3 {
        outbox.record(&step(number), Some("{}")).unwrap();
    }
    outbox.record(&report(2, 1), Some("{}")).unwrap();
    let id = report(1, 5).incident.id.to_string();
    let waiting = ids(&outbox, MQTT);
    assert!(waiting.contains(&format!("{id}/5")) && waiting.contains(&format!("{id}/case/2")), "{waiting:?}");
}
