//! The outbox against a model, with two upstreams and kills at random.

use std::collections::{BTreeMap, BTreeSet};

use forewarn_wire::samples::{CLOSING, report};
use proptest::prelude::*;

use super::*;

const UPSTREAMS: [&str; 2] = ["city", "mqtt"];

#[derive(Debug, Clone)]
enum Op {
    /// Record the next transition of an incident.
    Record(u64),
    /// Record the latest one again.
    Again(u64),
    /// One of two upstreams acknowledges some of the first messages that wait for it, by a bit mask.
    Ack(usize, u8),
    /// Kill the process and open what is left.
    Crash,
}

/// Those that a bit mask names, and the rest.
fn split(reports: Vec<QueuedReport>, mask: u8) -> (Vec<QueuedReport>, Vec<QueuedReport>) {
    let (mut named, mut rest) = (Vec::new(), Vec::new());
    for (i, report) in reports.into_iter().enumerate() {
        if mask & (1 << i) == 0 { rest.push(report) } else { named.push(report) }
    }
    (named, rest)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0u64..5).prop_map(Op::Record),
        1 => (0u64..5).prop_map(Op::Again),
        3 => (0usize..2, any::<u8>()).prop_map(|(upstream, mask)| Op::Ack(upstream, mask)),
        1 => Just(Op::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn without_a_bound_it_is_an_ordered_list(ops in prop::collection::vec(op(), 1..40)) {
        let dirs: Vec<_> = (0..=ops.len()).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut at = 0;
        let mut outbox = open_for(dirs[0].path(), settings(OutboxLimits::default(), &UPSTREAMS));
        let mut waiting: [Vec<String>; 2] = Default::default();
        let mut incidents: BTreeMap<u64, u32> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Record(n) if incidents.get(&n) < Some(&CLOSING) => {
                    let sequence = incidents.get(&n).map_or(1, |last| last + 1);
                    let report = report(n, sequence);
                    outbox.record(&report, Some(&format!("{n}/{sequence}"))).unwrap();
                    incidents.insert(n, sequence);
                    for list in &mut waiting {
                        list.push(Event::id_of(&report.incident.id, sequence));
                    }
                }
                Op::Again(n) => {
                    if let Some(&last) = incidents.get(&n) {
                        let again = outbox.record(&report(n, last), Some(&format!("{n}/{last}"))).unwrap();
                        prop_assert_eq!(again, Recorded::Repeated);
                    }
                }
                Op::Record(_) => {}
                Op::Ack(upstream, mask) => {
                    let (acked, left) = split(pending(&outbox, UPSTREAMS[upstream], 8), mask);
                    ack(&outbox, UPSTREAMS[upstream], &acked);
                    let behind = waiting[upstream].split_off(acked.len() + left.len());
                    waiting[upstream] = left.iter().map(QueuedReport::id).chain(behind).collect();
                }
                Op::Crash => {
                    outbox = crash(outbox, dirs[at].path(), dirs[at + 1].path(), &UPSTREAMS);
                    at += 1;
                }
            }
            for (upstream, waiting) in UPSTREAMS.iter().zip(&waiting) {
                prop_assert_eq!(&ids(&outbox, upstream), waiting);
                prop_assert_eq!(outbox.lane(upstream).backlog().depth.messages, waiting.len() as u64);
            }
            let messages: BTreeSet<&String> = waiting.iter().flatten().collect();
            prop_assert_eq!(outbox.depth().messages, messages.len() as u64, "a message that two wait for counts once");
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
        let limits = OutboxLimits { max_messages, ..OutboxLimits::default() };
        let mut outbox = open_for(dirs[0].path(), settings(limits, &UPSTREAMS));
        let mut recorded: BTreeMap<u64, u32> = BTreeMap::new();
        let mut came: [Vec<QueuedReport>; 2] = Default::default();
        let mut take = |outbox: &Outbox, upstream: usize, mask: u8| {
            let (acked, _) = split(pending(outbox, UPSTREAMS[upstream], 8), mask);
            ack(outbox, UPSTREAMS[upstream], &acked);
            came[upstream].extend(acked);
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
                Op::Ack(upstream, mask) => take(&outbox, upstream, mask),
                Op::Crash => {
                    outbox = crash(outbox, dirs[at].path(), dirs[at + 1].path(), &UPSTREAMS);
                    at += 1;
                }
                _ => {}
            }
            prop_assert!(outbox.depth().messages <= max_messages);
        }
        if max_messages > 0 {
            while outbox.depth().messages > 0 {
                take(&outbox, 0, 0xff);
                take(&outbox, 1, 0xff);
            }
            for (n, last) in recorded {
                let id = report(n, 1).incident.id;
                for came in &came {
                    let of_it = came.iter().filter(|m| m.report.incident.id == id).map(|m| m.report.sequence);
                    prop_assert_eq!(of_it.max(), Some(last), "the latest state of incident {} came through", n);
                }
                prop_assert_eq!(outbox.report_state(&id).unwrap(), ReportState::Acknowledged);
            }
        }
    }
}
