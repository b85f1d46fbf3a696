//! What an outbox keeps, and until when.

use forewarn_domain::{Report, Seal};
use forewarn_wire::samples::{CLOSING, report, seal_report};

use super::*;
use crate::outbox::ledger::IncidentLedger;

#[test]
fn a_report_is_kept_until_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    let first = report(1, 1);
    let id = first.incident.id.clone();
    assert_eq!(outbox.report_state(&id).unwrap(), ReportState::Unknown);
    let recorded = outbox.record(&first, Some("{\"a\":1}")).unwrap();
    assert!(matches!(
        recorded,
        Recorded::Queued { made_room: MadeRoom { compacted: 0, postponed: 0 }, skipped: 0, .. }
    ));
    assert_eq!(outbox.record(&first, Some("{\"a\":2}")).unwrap(), Recorded::Repeated);
    assert_eq!(ids(&outbox, MQTT), [format!("{id}/1")]);
    assert_eq!(outbox.open_snapshots().unwrap()[0].snapshot, "{\"a\":2}");
    assert_eq!((outbox.depth().messages, outbox.report_state(&id).unwrap()), (1, ReportState::Pending));
    ack(&outbox, MQTT, &pending(&outbox, MQTT, 1));
    assert_eq!((outbox.depth(), outbox.report_state(&id).unwrap()), (Depth::default(), ReportState::Acknowledged));
    assert_eq!(outbox.record(&first, None).unwrap(), Recorded::Repeated, "also after the message has gone");

    let Recorded::Queued { skipped, .. } = outbox.record(&report(1, 4), None).unwrap() else { panic!("queued") };
    assert_eq!(skipped, 2);
    outbox.record(&report(1, CLOSING), Some("ignored")).unwrap();
    assert_eq!(outbox.open_snapshots().unwrap(), []);
}

#[test]
fn the_ledger_reads_beside_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    outbox.record(&report(1, 1), Some("{}")).unwrap();
    outbox.record(&report(2, CLOSING), None).unwrap();
    let ledger = IncidentLedger::open(outbox.path()).unwrap();
    let latest = ledger.latest(10).unwrap();
    assert_eq!(latest.iter().map(|e| e.is_closed).collect::<Vec<_>>(), [true, false]);
    assert_eq!(latest[1].record, report(1, 1).incident);
    assert_eq!(latest[1].unacknowledged, 1);
    outbox.record(&report(1, 2), Some("{}")).unwrap();
    assert_eq!(ledger.open_incidents(10).unwrap()[0].last_sequence, 2);
    assert_eq!(ledger.incident(&report(3, 1).incident.id).unwrap(), None);
}

#[test]
fn a_transition_is_told_with_its_evidence_and_the_latest_seal_of_that() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    let seal = |number| {
        let Report { incident, at, seal, .. } = seal_report(1, 5);
        Report::of_seal(incident, Seal { number, ..seal.unwrap() }, at)
    };
    outbox.record(&report(1, 5), Some("{}")).unwrap();
    outbox.record(&seal(7), None).unwrap();
    outbox.record(&seal(9), None).unwrap();
    drop(outbox);
    let mut outbox = open(dir.path(), OutboxLimits::default());
    outbox.record(&report(1, CLOSING), None).unwrap();
    outbox.record(&report(2, 1), Some("{}")).unwrap();
    let told = |queued: QueuedReport| {
        let evidence = queued.report.evidence?;
        assert_eq!(evidence.bundle, queued.report.incident.bundle());
        Some(evidence.seal.map(|seal| seal.number))
    };
    let told: Vec<_> = pending(&outbox, MQTT, 9).into_iter().map(told).collect();
    assert_eq!(told, [Some(None), None, None, Some(Some(9)), Some(None)]);
}

#[test]
fn two_threads_use_one_outbox() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), OutboxLimits::default());
    let reader = writer.again();
    let mut sender = writer.lane(MQTT);
    let recording = std::thread::Builder::new()
        .name("recording".to_owned())
        .spawn(move || {
            for n in 0..60 {
                writer.record(&report(n, 1), Some("{}")).unwrap();
            }
        })
        .unwrap();
    let mut seen = Vec::new();
    while seen.len() < 60 {
        let pending = sender.pending_after(Cursor::default(), 7);
        sender.ack(&pending.iter().map(QueuedReport::receipt).collect::<Vec<_>>());
        seen.extend(pending.into_iter().map(|m| m.seq));
    }
    recording.join().unwrap();
    assert!(seen.is_sorted());
    assert_eq!((reader.depth(), sender.backlog()), (Depth::default(), Backlog::default()));
}

#[test]
fn a_site_that_cannot_be_a_topic_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let source = EventSource { site: "north/+".to_owned(), ..source() };
    let settings = OutboxSettings { source, ..settings(OutboxLimits::default(), &[MQTT]) };
    let error = Outbox::open(dir.path().join("outbox.db"), settings, now()).unwrap_err();
    assert!(matches!(error, OutboxError::Site(_)), "{error}");
}

#[test]
fn a_seal_is_queued_beside_the_states_of_its_incident_and_supersedes_none_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits { max_messages: 3, ..OutboxLimits::default() });
    let id = report(1, 1).incident.id;
    outbox.record(&report(1, 1), Some("{}")).unwrap();
    let seal = |number| {
        let Report { incident, at, seal, .. } = seal_report(1, 5);
        Report::of_seal(incident, Seal { number, ..seal.unwrap() }, at)
    };
    assert!(matches!(outbox.record(&seal(7), None).unwrap(), Recorded::Queued { .. }));
    assert_eq!(outbox.record(&seal(7), None).unwrap(), Recorded::Repeated);
    outbox.record(&report(1, 2), None).unwrap();
    assert_eq!(ids(&outbox, MQTT), [format!("{id}/1"), format!("{id}/seal/7"), format!("{id}/2")]);
    assert_eq!(outbox.open_snapshots().unwrap()[0].last_sequence, 2, "a seal is no step");
    // Where there is no room, a state makes way for a state and a seal for a seal.
    outbox.record(&report(1, 3), None).unwrap();
    assert_eq!(ids(&outbox, MQTT), [format!("{id}/seal/7"), format!("{id}/2"), format!("{id}/3")]);
    outbox.record(&report(2, 1), None).unwrap();
    outbox.record(&seal(8), None).unwrap();
    let left = ids(&outbox, MQTT);
    assert!(left.contains(&format!("{id}/3")) && left.contains(&format!("{id}/seal/8")), "{left:?}");
    assert!(!left.contains(&format!("{id}/seal/7")), "{left:?}");
    let waiting = pending(&outbox, MQTT, 9);
    let (seals, states): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|queued| queued.report.seal.is_some());
    ack(&outbox, MQTT, &states);
    assert_eq!(outbox.report_state(&id).unwrap(), ReportState::Pending);
    ack(&outbox, MQTT, &seals);
    assert_eq!(outbox.report_state(&id).unwrap(), ReportState::Acknowledged);
}
