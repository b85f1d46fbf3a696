//! Upstreams that want to be told of some things alone.

use std::collections::BTreeSet;

use forewarn_domain::IncidentState;
use forewarn_wire::samples::{CLOSING, report, seal_report};

use super::*;

/// One that is told of escalations alone, and nobody's evidence waits for it.
fn phone(id: &str) -> Destination {
    let states = BTreeSet::from([IncidentState::Escalated]);
    let filter = Filter { states, without_seals: true, ..Filter::default() };
    Destination { is_required: false, filter, ..Destination::required(id) }
}

fn open_with(dir: &Path, limits: OutboxLimits, upstreams: Vec<Destination>) -> Outbox {
    open_for(dir, OutboxSettings { limits, source: source(), upstreams })
}

fn sequences(outbox: &Outbox, upstream: &str) -> Vec<u32> {
    let mut lane = outbox.lane(upstream);
    lane.pending_after(Cursor::default(), 1000).into_iter().map(|queued| queued.report.sequence).collect()
}

#[test]
fn a_report_waits_for_those_who_want_it_and_is_gone_where_nobody_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox =
        open_with(dir.path(), OutboxLimits::default(), vec![Destination::required("city"), phone("phone")]);
    for sequence in 1..=CLOSING {
        outbox.record(&report(1, sequence), None).unwrap();
    }
    outbox.record(&seal_report(1, 5), None).unwrap();
    assert_eq!(sequences(&outbox, "phone"), [5]);
    assert_eq!(sequences(&outbox, "city").len(), CLOSING as usize + 1);
    assert_eq!(outbox.lane("phone").backlog().depth.messages, 1);
    outbox.name_upstreams(vec![phone("phone")], report(1, CLOSING).at).unwrap();
    let before = outbox.depth().messages;
    outbox.record(&report(2, 1), None).unwrap();
    assert_eq!(outbox.depth().messages, before, "nobody wants it");
    outbox.record(&report(2, 5), None).unwrap();
    assert_eq!(sequences(&outbox, "phone"), [5, 5]);
}

#[test]
fn who_is_the_first_to_be_named_inherits_what_it_wants() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open_with(dir.path(), OutboxLimits::default(), Vec::new());
    for sequence in 1..=CLOSING {
        outbox.record(&report(1, sequence), None).unwrap();
    }
    outbox.name_upstreams(vec![phone("phone")], report(1, CLOSING).at).unwrap();
    assert_eq!(sequences(&outbox, "phone"), [5]);
    assert_eq!(outbox.depth().messages, 1);
}

#[test]
fn what_is_compacted_is_owed_to_who_does_not_want_the_later_one() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { max_messages: 8, ..OutboxLimits::default() };
    let mut outbox = open_with(dir.path(), limits, vec![Destination::required("city"), phone("phone")]);
    for sequence in 1..=CLOSING {
        outbox.record(&report(1, sequence), None).unwrap();
    }
    // The escalation is superseded for the city, and the only one that the phone wants.
    for n in 2..9 {
        outbox.record(&report(n, 1), None).unwrap();
    }
    let mut city = outbox.lane("city");
    while let [first, ..] = city.pending_after(Cursor::default(), 1).as_slice() {
        city.ack(&[first.receipt()]);
    }
    assert_eq!(sequences(&outbox, "phone"), [CLOSING], "its latest state tells the whole history");
}

#[test]
fn who_is_new_since_an_instant_is_told_of_incidents_that_came_to_what_it_wants() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open_with(dir.path(), OutboxLimits::default(), vec![Destination::required("city")]);
    for (n, last) in [(1, 2), (2, CLOSING)] {
        for sequence in 1..=last {
            outbox.record(&report(n, sequence), None).unwrap();
        }
    }
    let late = Destination { since: Some(Timestamp::ZERO), ..phone("phone") };
    outbox.name_upstreams(vec![Destination::required("city"), late], report(2, CLOSING).at).unwrap();
    assert_eq!(sequences(&outbox, "phone"), [CLOSING]);
}
