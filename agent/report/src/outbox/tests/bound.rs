//! The outbox at its bound with one upstream.

use forewarn_wire::samples::{CLOSING, report};

use super::*;
use crate::outbox::ledger::IncidentLedger;

#[test]
fn a_full_outbox_compacts_what_is_superseded_and_owes_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { max_messages: 10, ..OutboxLimits::default() };
    let mut outbox = open(dir.path(), limits);
    for sequence in 1..=CLOSING {
        outbox.record(&report(1, sequence), Some("{}")).unwrap();
    }
    for sequence in 1..=4 {
        outbox.record(&report(2, sequence), Some("{}")).unwrap();
    }
    let Recorded::Queued { made_room: MadeRoom { compacted, .. }, .. } =
        outbox.record(&report(3, 1), Some("{}")).unwrap()
    else {
        panic!("compaction makes room");
    };
    assert!(compacted > 0);
    let kept = ids(&outbox, MQTT);
    assert!(kept.contains(&format!("{}/{CLOSING}", report(1, 1).incident.id)), "the last of a closed incident stays");
    assert!(kept.contains(&format!("{}/1", report(2, 1).incident.id)), "open incidents are compacted last");

    for n in 4..20 {
        match outbox.record(&report(n, 1), Some("{}")) {
            Ok(_) => {}
            Err(OutboxError::Full { messages, .. }) => assert_eq!(messages, 10),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(outbox.depth().messages, 10);
    let owed = report(19, 1).incident.id;
    assert_eq!(outbox.report_state(&owed).unwrap(), ReportState::Pending);
    assert!(outbox.open_snapshots().unwrap().iter().any(|s| s.incident == owed), "its snapshot is kept");
    let delivered = drain(&outbox, MQTT);
    for n in 3..20 {
        assert!(delivered.contains(&format!("{}/1", report(n, 1).incident.id)), "incident {n} came through");
    }
}

#[test]
fn closed_incidents_are_forgotten_beyond_the_bound_but_never_before_their_acknowledgement() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits { keep_closed: 2, ..OutboxLimits::default() });
    for n in 0..4 {
        outbox.record(&report(n, CLOSING), None).unwrap();
    }
    let known =
        |outbox: &Outbox| (0..5).map(|n| outbox.report_state(&report(n, 1).incident.id).unwrap()).collect::<Vec<_>>();
    assert_eq!(known(&outbox)[..4], [ReportState::Pending; 4]);
    drain(&outbox, MQTT);
    outbox.record(&report(4, CLOSING), None).unwrap();
    let ledger = IncidentLedger::open(outbox.path()).unwrap();
    let is_readable = |n| ledger.incident(&report(n, 1).incident.id).unwrap().is_some();
    assert_eq!((0..5).map(is_readable).collect::<Vec<_>>(), [false, false, false, true, true]);
    let acked = ReportState::Acknowledged;
    assert_eq!(
        known(&outbox),
        [acked, acked, acked, acked, ReportState::Pending],
        "what is forgotten was acknowledged"
    );
    assert_eq!(outbox.report_state(&report(5, 1).incident.id).unwrap(), ReportState::Unknown);
    drop(ledger);
    drop(outbox);
    let outbox = open(dir.path(), OutboxLimits { keep_closed: 2, ..OutboxLimits::default() });
    assert_eq!(known(&outbox)[0], acked, "also after a restart");
}

#[test]
fn ids_of_the_forgotten_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    for n in 0..5 {
        outbox.record(&report(n, CLOSING), None).unwrap();
    }
    drain(&outbox, MQTT);
    outbox.write("forget", |tx, _| bounds::forget_old(tx, 1, 3)).unwrap();
    let states: Vec<ReportState> = (0..5).map(|n| outbox.report_state(&report(n, 1).incident.id).unwrap()).collect();
    let (acked, unknown) = (ReportState::Acknowledged, ReportState::Unknown);
    assert_eq!(states, [unknown, acked, acked, acked, acked], "the oldest id goes first");
}
