//! Several upstreams: who gets what, who holds whom up, and who comes and goes.

use std::time::Duration;

use forewarn_wire::samples::{CLOSING, report};

use super::*;

const DAY: Duration = Duration::from_hours(24);

fn optional(id: &str) -> Destination {
    Destination { is_required: false, ..Destination::required(id) }
}

fn with(upstreams: Vec<Destination>, limits: OutboxLimits) -> OutboxSettings {
    OutboxSettings { upstreams, ..settings(limits, &[]) }
}

/// The same file, opened anew at another time for other upstreams.
fn reopen(dir: &Path, upstreams: Vec<Destination>, at: Timestamp) -> Outbox {
    Outbox::open(dir.join("outbox.db"), with(upstreams, OutboxLimits::default()), at).unwrap().outbox
}

fn state(outbox: &Outbox, n: u64) -> ReportState {
    outbox.report_state(&report(n, 1).incident.id).unwrap()
}

fn id(n: u64, sequence: u32) -> String {
    Event::id_of(&report(n, 1).incident.id, sequence)
}

#[test]
fn a_message_goes_when_everybody_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open_for(dir.path(), settings(OutboxLimits::default(), &["city", "mqtt"]));
    outbox.record(&report(1, 1), None).unwrap();
    outbox.record(&report(2, 1), None).unwrap();
    ack(&outbox, "city", &pending(&outbox, "city", 2));
    assert_eq!((outbox.depth().messages, state(&outbox, 1)), (2, ReportState::Pending));
    assert_eq!(outbox.lane("city").backlog(), Backlog::default());
    let waits = outbox.lane("mqtt").backlog();
    assert_eq!((waits.depth.messages, waits.oldest_unacknowledged_at), (2, Some(report(1, 1).at)));
    assert_eq!(waits.depth.bytes, outbox.depth().bytes);
    ack(&outbox, "mqtt", &pending(&outbox, "mqtt", 1));
    assert_eq!((outbox.depth().messages, state(&outbox, 1)), (1, ReportState::Acknowledged));
    assert_eq!(outbox.lane("mqtt").backlog().oldest_unacknowledged_at, Some(report(2, 1).at));
}

#[test]
fn an_upstream_that_may_miss_something_holds_no_state_back_and_pays_first() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { max_messages: 10, ..OutboxLimits::default() };
    let mut outbox = open_for(dir.path(), with(vec![optional("board"), Destination::required("mqtt")], limits));
    for n in 0..10 {
        outbox.record(&report(n, 1), None).unwrap();
    }
    ack(&outbox, "mqtt", &pending(&outbox, "mqtt", 5));
    assert_eq!((state(&outbox, 0), state(&outbox, 9)), (ReportState::Acknowledged, ReportState::Pending));
    assert_eq!(outbox.depth().messages, 10, "they wait for the board while there is room");
    let Recorded::Queued { made_room, .. } = outbox.record(&report(10, 1), None).unwrap() else { panic!("queued") };
    assert_eq!(made_room, MadeRoom { compacted: 0, postponed: 1 });
    assert_eq!(ids(&outbox, "mqtt"), [5, 6, 7, 8, 9, 10].map(|n| id(n, 1)), "nothing is taken from the required one");
    let board = drain(&outbox, "board");
    assert_eq!(board.last(), Some(&id(0, 1)), "what was postponed comes in the end");
    assert_eq!(board.len(), 11);
}

#[test]
fn an_upstream_that_is_away_holds_nobody_up_at_the_bound() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { max_messages: 20, ..OutboxLimits::default() };
    let mut outbox = open_for(dir.path(), settings(limits, &["dead", "live"]));
    for n in 0..200 {
        outbox.record(&report(n, 1), Some("{}")).expect("there is always room for the one that is there");
        assert_eq!(drain(&outbox, "live"), [id(n, 1)]);
        assert_eq!(state(&outbox, n), ReportState::Pending, "the other one has not got it");
    }
    let dead = outbox.lane("dead").backlog();
    assert_eq!(dead.depth.messages + dead.owed, 200, "nothing is lost for it: {dead:?}");
    let mut came = drain(&outbox, "dead");
    came.sort();
    let mut all: Vec<String> = (0..200).map(|n| id(n, 1)).collect();
    all.sort();
    assert_eq!(came, all);
    assert_eq!(outbox.depth(), Depth::default());
    assert!((0..200).all(|n| state(&outbox, n) == ReportState::Acknowledged));
}

#[test]
fn when_all_are_away_each_one_that_comes_back_gets_everything() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { max_messages: 5, ..OutboxLimits::default() };
    let mut outbox = open_for(dir.path(), settings(limits, &["a", "b"]));
    for n in 0..30 {
        let outcome = outbox.record(&report(n, 1), None);
        assert_eq!(outcome.is_err(), n >= 5, "{outcome:?}");
    }
    for upstream in ["a", "b"] {
        let mut came = drain(&outbox, upstream);
        came.sort();
        let mut all: Vec<String> = (0..30).map(|n| id(n, 1)).collect();
        all.sort();
        assert_eq!(came, all, "{upstream}");
    }
    assert_eq!(outbox.depth(), Depth::default());
}

#[test]
fn an_acknowledgement_of_what_was_postponed_meanwhile_counts() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { max_messages: 3, ..OutboxLimits::default() };
    let mut outbox = open_for(dir.path(), settings(limits, &["live", "slow"]));
    for n in 0..3 {
        outbox.record(&report(n, 1), None).unwrap();
    }
    let on_its_way = pending(&outbox, "slow", 1);
    drain(&outbox, "live");
    outbox.record(&report(3, 1), None).unwrap();
    assert_eq!(outbox.lane("slow").backlog().owed, 1);
    ack(&outbox, "slow", &on_its_way);
    assert_eq!(outbox.lane("slow").backlog().owed, 0);
    assert_eq!(state(&outbox, 0), ReportState::Acknowledged);
    assert_eq!(drain(&outbox, "slow"), [id(1, 1), id(2, 1), id(3, 1)], "it is not sent twice");
}

#[test]
fn what_happened_before_anybody_was_named_waits_for_whoever_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = reopen(dir.path(), Vec::new(), now());
    outbox.record(&report(1, 1), None).unwrap();
    outbox.record(&report(1, 2), None).unwrap();
    assert_eq!((outbox.depth().messages, state(&outbox, 1)), (2, ReportState::Pending));
    drop(outbox);
    let outbox = reopen(dir.path(), vec![Destination::required("a"), Destination::required("b")], now());
    for upstream in ["a", "b"] {
        assert_eq!(drain(&outbox, upstream), [id(1, 1), id(1, 2)]);
    }
    assert_eq!(outbox.depth(), Depth::default());
}

#[test]
fn a_new_upstream_begins_with_what_is_new_or_since_a_given_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = reopen(dir.path(), vec![Destination::required("a")], now());
    for n in 1..=3 {
        outbox.record(&report(n, CLOSING), None).unwrap();
    }
    drain(&outbox, "a");
    outbox.record(&report(4, 1), None).unwrap();
    drop(outbox);
    let since = Some(report(2, CLOSING).at);
    let named = vec![
        Destination::required("a"),
        Destination::required("now"),
        Destination { since, ..Destination::required("since") },
    ];
    let mut outbox = reopen(dir.path(), named.clone(), now());
    outbox.record(&report(4, 2), None).unwrap();
    assert_eq!(drain(&outbox, "a"), [id(4, 1), id(4, 2)]);
    assert_eq!(drain(&outbox, "now"), [id(4, 2)]);
    let told = drain(&outbox, "since");
    assert_eq!(told, [id(2, CLOSING), id(3, CLOSING), id(4, 1), id(4, 2)]);
    drop(outbox);
    let outbox = reopen(dir.path(), named, now());
    assert_eq!(outbox.depth(), Depth::default(), "it is told once, not at each start");
}

#[test]
fn an_upstream_that_is_no_longer_named_is_kept_for_a_week_and_holds_nothing_back() {
    let dir = tempfile::tempdir().unwrap();
    let both = || vec![Destination::required("a"), Destination::required("b")];
    let mut outbox = reopen(dir.path(), both(), now());
    outbox.record(&report(1, 1), None).unwrap();
    drain(&outbox, "a");
    drop(outbox);
    let mut outbox = reopen(dir.path(), vec![Destination::required("a")], now());
    assert_eq!((outbox.depth().messages, state(&outbox, 1)), (1, ReportState::Acknowledged));
    let mut during = report(2, 1);
    during.at = now() + DAY;
    outbox.record(&during, None).unwrap();
    drain(&outbox, "a");
    drop(outbox);
    let outbox = reopen(dir.path(), both(), now() + DAY * 2);
    assert_eq!(drain(&outbox, "b"), [id(1, 1), id(2, 1)], "a mistake taken back costs nothing");
    drop(outbox);

    let mut outbox = reopen(dir.path(), both(), now() + DAY * 2);
    outbox.record(&report(3, 1), None).unwrap();
    drain(&outbox, "a");
    drop(outbox);
    drop(reopen(dir.path(), vec![Destination::required("a")], now() + DAY * 2));
    let mut outbox = reopen(dir.path(), vec![Destination::required("a")], now() + DAY * 8);
    assert_eq!(outbox.depth().messages, 1);
    let mut late = report(4, CLOSING);
    late.at = now() + DAY * 10;
    outbox.record(&late, None).unwrap();
    drain(&outbox, "a");
    assert_eq!(outbox.depth(), Depth::default(), "it is given up without a restart");
}

#[test]
fn a_message_that_cannot_be_read_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    for n in 1..=3 {
        outbox.record(&report(n, 1), None).unwrap();
    }
    let spoil = |what: &str| {
        let door = outbox.door.borrow();
        door.conn.as_ref().unwrap().execute(&format!("UPDATE messages SET {what} WHERE seq = 2"), []).unwrap();
    };
    // Neither JSON nor even text.
    for spoilt in ["report = 'scratched'", "report = CAST(x'ff22' AS TEXT)", "site = CAST(x'c3' AS TEXT)"] {
        spoil(spoilt);
        let mut lane = outbox.lane(MQTT);
        let read = lane.pending_after(Cursor::default(), 10);
        assert_eq!(read.iter().map(QueuedReport::id).take(2).collect::<Vec<_>>(), [id(1, 1), id(3, 1)], "{spoilt}");
    }
    assert_eq!(drain(&outbox, MQTT), [id(1, 1), id(3, 1), id(2, 1)], "its incident comes by its latest state");
}

#[test]
fn upstreams_come_and_go_while_the_outbox_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open_for(dir.path(), settings(OutboxLimits::default(), &["mqtt", "old"]));
    outbox.record(&report(1, 1), None).unwrap();
    let second = outbox.again();
    let since = Destination { since: Some(Timestamp::ZERO), ..Destination::required("city") };
    let between = report(2, 1).at - Duration::from_secs(1);
    second.name_upstreams(vec![Destination::required("mqtt"), since], between).unwrap();
    outbox.record(&report(2, 1), None).unwrap();
    assert_eq!(drain(&outbox, "mqtt"), [id(1, 1), id(2, 1)], "what waited still waits");
    assert_eq!(drain(&outbox, "city"), [id(1, 1), id(2, 1)], "it is told since when the site file says");
    assert_eq!(ids(&outbox, "old"), [id(1, 1)], "what waited for it is kept, and nothing more comes");
    drop((outbox, second));
    let outbox = reopen(dir.path(), vec![Destination::required("old")], between + DAY);
    assert_eq!(drain(&outbox, "old"), [id(1, 1), id(2, 1)], "it is back within its days, and is owed what it missed");
}
