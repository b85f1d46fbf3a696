//! Tests of the outbox: against a model, through crashes, at its bound, and after damage.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::outbox::ledger::IncidentLedger;
use forewarn_wire::samples::{CLOSING, report, source};

fn open(dir: &Path, limits: OutboxLimits) -> Outbox {
    let opened = Outbox::open(dir.join("outbox.db"), limits, source()).unwrap();
    assert_eq!(opened.set_aside, None);
    opened.outbox
}

fn ids(outbox: &Outbox) -> Vec<String> {
    outbox.pending(10_000).unwrap().into_iter().map(|message| message.id).collect()
}

/// What a kill leaves: the files as they are while the connection is open.
fn crash(outbox: Outbox, from: &Path, to: &Path) -> Outbox {
    for file in ["outbox.db", "outbox.db-wal"] {
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
    let limits = outbox.limits;
    drop(outbox);
    open(to, limits)
}

#[test]
fn a_report_is_kept_until_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    let first = report(1, 1);
    let id = first.incident.id.clone();
    assert_eq!(outbox.report_state(&id).unwrap(), ReportState::Unknown);
    let Recorded::Queued { seq, compacted: 0, skipped: 0 } = outbox.record(&first, Some("{\"a\":1}")).unwrap() else {
        panic!("it is queued");
    };
    assert_eq!(outbox.record(&first, Some("{\"a\":2}")).unwrap(), Recorded::Repeated);
    assert_eq!(ids(&outbox), [format!("{id}/1")]);
    assert_eq!(outbox.open_snapshots().unwrap()[0].snapshot, "{\"a\":2}");
    assert_eq!((outbox.depth().messages, outbox.report_state(&id).unwrap()), (1, ReportState::Pending));
    outbox.ack(&[seq]).unwrap();
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
fn two_threads_use_one_outbox() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), OutboxLimits::default());
    let mut sender = writer.again().unwrap();
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
        let pending = sender.pending(7).unwrap();
        sender.ack(&pending.iter().map(|m| m.seq).collect::<Vec<_>>()).unwrap();
        seen.extend(pending.into_iter().map(|m| m.seq));
    }
    recording.join().unwrap();
    assert!(seen.is_sorted());
    assert_eq!(sender.depth(), Depth::default());
}

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
    let Recorded::Queued { compacted, .. } = outbox.record(&report(3, 1), Some("{}")).unwrap() else {
        panic!("compaction makes room");
    };
    assert!(compacted > 0);
    let kept = ids(&outbox);
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
    assert!(outbox.open_snapshots().unwrap().iter().any(|s| s.record.id == owed), "its snapshot is kept");
    let mut delivered = Vec::new();
    while let Some(message) = outbox.pending(1).unwrap().pop() {
        delivered.push(message.id);
        outbox.ack(&[message.seq]).unwrap();
    }
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
    let all: Vec<i64> = outbox.pending(10).unwrap().iter().map(|m| m.seq).collect();
    outbox.ack(&all).unwrap();
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
    let all: Vec<i64> = outbox.pending(10).unwrap().iter().map(|m| m.seq).collect();
    outbox.ack(&all).unwrap();
    outbox.write("forget", |tx, _| bounds::forget_old(tx, 1, 3)).unwrap();
    let states: Vec<ReportState> = (0..5).map(|n| outbox.report_state(&report(n, 1).incident.id).unwrap()).collect();
    let (acked, unknown) = (ReportState::Acknowledged, ReportState::Unknown);
    assert_eq!(states, [unknown, acked, acked, acked, acked], "the oldest id goes first");
}

#[test]
fn an_outbox_of_the_first_schema_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    outbox.record(&report(1, 1), Some("{}")).unwrap();
    outbox.conn.execute_batch("DROP TABLE forgotten; PRAGMA user_version = 1;").unwrap();
    drop(outbox);
    let mut outbox = open(dir.path(), OutboxLimits { keep_closed: 0, ..OutboxLimits::default() });
    let kept = outbox.pending(10).unwrap();
    assert_eq!(kept.len(), 1);
    outbox.record(&report(1, CLOSING), None).unwrap();
    let all: Vec<i64> = outbox.pending(10).unwrap().iter().map(|m| m.seq).collect();
    outbox.ack(&all).unwrap();
    outbox.close_incident(&report(1, 1).incident.id).unwrap();
    assert_eq!(outbox.report_state(&report(1, 1).incident.id).unwrap(), ReportState::Acknowledged);
    assert_eq!(IncidentLedger::open(outbox.path()).unwrap().latest(10).unwrap(), []);
}

#[test]
fn what_is_no_database_is_set_aside_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    for n in 1..=2 {
        std::fs::write(&path, format!("this is no database {n}").repeat(100)).unwrap();
        let opened = Outbox::open(&path, OutboxLimits::default(), source()).unwrap();
        let set_aside = opened.set_aside.unwrap();
        assert_eq!(set_aside.kept_as, dir.path().join(format!("outbox.db.damaged-{n}")));
        let kept = std::fs::read_to_string(&set_aside.kept_as).unwrap();
        assert!(kept.starts_with(&format!("this is no database {n}")));
        drop(opened.outbox);
        for companion in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.path().join(format!("outbox.db{companion}")));
        }
    }
}

#[test]
fn a_damaged_database_is_set_aside_and_salvaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    let mut outbox = open(dir.path(), OutboxLimits::default());
    for n in 0..120 {
        outbox.record(&report(n, 1), Some("{}")).unwrap();
    }
    drop(outbox);
    let mut bytes = std::fs::read(&path).unwrap();
    let (pages, page) = (bytes.len() / 4096, 4096);
    // A page in the last third of the file, which holds rows and not the schema.
    let hit = pages * 3 / 4 * page;
    bytes[hit..hit + page].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let opened = Outbox::open(&path, OutboxLimits::default(), source()).unwrap();
    let set_aside = opened.set_aside.unwrap();
    assert_eq!(std::fs::read(&set_aside.kept_as).unwrap(), bytes, "what was found is kept as it was");
    assert!(set_aside.incidents + set_aside.messages > 120, "{set_aside:?}");
    let names: Vec<String> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".copy"))
        .collect();
    assert_eq!(names, Vec::<String>::new());
    // Each incident that came through has its message, copied or made anew.
    assert!(opened.outbox.depth().messages >= set_aside.incidents.min(64) as u64);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path(), OutboxLimits::default());
    outbox.conn.pragma_update(None, "user_version", 99).unwrap();
    drop(outbox);
    let error = Outbox::open(dir.path().join("outbox.db"), OutboxLimits::default(), source()).unwrap_err();
    assert!(matches!(error, OutboxError::Newer { version: 99, .. }), "{error}");
}

#[test]
fn a_site_that_cannot_be_a_topic_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let source = EventSource { site: "north/+".to_owned(), ..source() };
    let error = Outbox::open(dir.path().join("outbox.db"), OutboxLimits::default(), source).unwrap_err();
    assert!(matches!(error, OutboxError::Site(_)), "{error}");
}

#[derive(Debug, Clone)]
enum Op {
    /// Record the next transition of an incident.
    Record(u64),
    /// Record the latest one again.
    Again(u64),
    /// Acknowledge some of the first pending messages, by a bit mask.
    Ack(u8),
    /// Kill the process and open what is left.
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0u64..5).prop_map(Op::Record),
        1 => (0u64..5).prop_map(Op::Again),
        3 => any::<u8>().prop_map(Op::Ack),
        1 => Just(Op::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn without_a_bound_it_is_an_ordered_list(ops in prop::collection::vec(op(), 1..40)) {
        let dirs: Vec<_> = (0..=ops.len()).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut at = 0;
        let mut outbox = open(dirs[0].path(), OutboxLimits::default());
        let mut messages: Vec<String> = Vec::new();
        let mut incidents: BTreeMap<u64, u32> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Record(n) if incidents.get(&n) < Some(&CLOSING) => {
                    let sequence = incidents.get(&n).map_or(1, |last| last + 1);
                    let report = report(n, sequence);
                    outbox.record(&report, Some(&format!("{n}/{sequence}"))).unwrap();
                    incidents.insert(n, sequence);
                    messages.push(Event::id_of(&report.incident.id, sequence));
                }
                Op::Again(n) => {
                    if let Some(&last) = incidents.get(&n) {
                        let again = outbox.record(&report(n, last), Some(&format!("{n}/{last}"))).unwrap();
                        prop_assert_eq!(again, Recorded::Repeated);
                    }
                }
                Op::Record(_) => {}
                Op::Ack(mask) => {
                    let pending = outbox.pending(8).unwrap();
                    let is_acked = |i: &usize| mask & (1 << i) != 0;
                    let seqs: Vec<i64> = (0..pending.len()).filter(is_acked).map(|i| pending[i].seq).collect();
                    outbox.ack(&seqs).unwrap();
                    for i in (0..pending.len()).filter(is_acked).rev() {
                        messages.remove(i);
                    }
                }
                Op::Crash => {
                    outbox = crash(outbox, dirs[at].path(), dirs[at + 1].path());
                    at += 1;
                }
            }
            prop_assert_eq!(&ids(&outbox), &messages);
            prop_assert_eq!(outbox.depth().messages, messages.len() as u64);
            let open: Vec<String> = outbox.open_snapshots().unwrap().into_iter().map(|s| s.snapshot).collect();
            let expected: Vec<String> =
                incidents.iter().filter(|(_, s)| **s < CLOSING).map(|(n, s)| format!("{n}/{s}")).collect();
            prop_assert_eq!(open, expected);
            for &n in incidents.keys() {
                let id = report(n, 1).incident.id;
                let waits = messages.iter().any(|m| m.starts_with(&format!("{id}/")));
                let expected = if waits { ReportState::Pending } else { ReportState::Acknowledged };
                prop_assert_eq!(outbox.report_state(&id).unwrap(), expected);
            }
        }
    }

    #[test]
    fn at_its_bound_no_incident_is_lost(ops in prop::collection::vec(op(), 1..60), max_messages in 0u64..8) {
        let dirs: Vec<_> = (0..=ops.len()).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut at = 0;
        let mut outbox = open(dirs[0].path(), OutboxLimits { max_messages, ..OutboxLimits::default() });
        let mut recorded: BTreeMap<u64, u32> = BTreeMap::new();
        let mut acked: Vec<PendingMessage> = Vec::new();
        let mut take = |outbox: &mut Outbox, mask: u8| {
            let mut pending = outbox.pending(8).unwrap();
            let mut i = 0;
            pending.retain(|_| { i += 1; mask & (1 << (i - 1)) != 0 });
            outbox.ack(&pending.iter().map(|m| m.seq).collect::<Vec<_>>()).unwrap();
            acked.extend(pending);
        };
        for op in ops {
            match op {
                Op::Record(n) if recorded.get(&n) < Some(&CLOSING) => {
                    let sequence = recorded.get(&n).map_or(1, |last| last + 1);
                    let outcome = outbox.record(&report(n, sequence), Some("{}"));
                    let is_expected = matches!(outcome, Ok(Recorded::Queued { .. }) | Err(OutboxError::Full { .. }));
                    prop_assert!(is_expected, "{:?}", outcome);
                    recorded.insert(n, sequence);
                }
                Op::Ack(mask) => take(&mut outbox, mask),
                Op::Crash => {
                    outbox = crash(outbox, dirs[at].path(), dirs[at + 1].path());
                    at += 1;
                }
                _ => {}
            }
            prop_assert!(outbox.depth().messages <= max_messages);
        }
        if max_messages > 0 {
            while outbox.depth().messages > 0 {
                take(&mut outbox, 0xff);
            }
            for (n, last) in recorded {
                let id = report(n, 1).incident.id;
                let of_it = acked.iter().filter(|m| m.incident == id);
                let highest = of_it.filter_map(|m| m.id.rsplit('/').next()?.parse::<u32>().ok()).max();
                prop_assert_eq!(highest, Some(last), "the latest state of incident {} came through", n);
            }
        }
    }
}
