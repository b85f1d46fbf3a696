//! Outboxes that earlier agents wrote.

use rusqlite::Connection;

use super::*;
use crate::outbox::ledger::IncidentLedger;

/// An outbox as the second schema wrote it: incidents that are closed and forgotten, closed and open ones with messages
/// waiting, one of them acknowledged out of order, after compaction at its bound.
const SECOND: &[u8] = include_bytes!("../../../tests/fixtures/outbox-v2.sqlite");

fn second(dir: &Path) -> Connection {
    std::fs::write(dir.join("outbox.db"), SECOND).unwrap();
    Connection::open(dir.join("outbox.db")).unwrap()
}

fn bodies(conn: &Connection) -> Vec<(i64, String, String)> {
    let mut select = conn.prepare("SELECT seq, id, body FROM messages ORDER BY seq").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// What is sent of a report, as by MQTT.
fn said(report: &QueuedReport) -> (i64, String, String) {
    let event = Event::from_report(&report.report, &report.source);
    (report.seq, report.id(), serde_json::to_string(&event).unwrap())
}

#[test]
fn messages_of_the_second_schema_are_sent_byte_for_byte_once_to_each() {
    let dir = tempfile::tempdir().unwrap();
    let before = bodies(&second(dir.path()));
    assert_eq!(before.len(), 12);
    let outbox = open_for(dir.path(), settings(OutboxLimits::default(), &["city", MQTT]));
    for upstream in ["city", MQTT] {
        let waiting = pending(&outbox, upstream, 100);
        assert_eq!(waiting.iter().map(said).collect::<Vec<_>>(), before, "{upstream}");
    }
    assert_eq!(drain(&outbox, MQTT).len(), 12);
    drop(outbox);
    let outbox = open_for(dir.path(), settings(OutboxLimits::default(), &["city", MQTT]));
    assert_eq!(ids(&outbox, MQTT), Vec::<String>::new());
    assert_eq!(ids(&outbox, "city").len(), 12);
}

#[test]
fn what_the_second_schema_knew_of_incidents_is_known() {
    let dir = tempfile::tempdir().unwrap();
    drop(second(dir.path()));
    let path = dir.path().join("outbox.db");
    let before = IncidentLedger::open(&path).unwrap().latest(100).unwrap();
    let outbox = open(dir.path(), OutboxLimits::default());
    let after = IncidentLedger::open(&path).unwrap().latest(100).unwrap();
    assert_eq!(before, after, "also read before the agent has brought it up to date");
    assert_eq!(before.len(), 13);
    let snapshots = outbox.open_snapshots().unwrap();
    assert_eq!((snapshots.len(), snapshots[0].snapshot.as_str()), (11, r#"{"n":4,"s":4}"#));
    let acked: Vec<String> = after.iter().filter(|e| e.unacknowledged == 0).map(|e| e.record.id.to_string()).collect();
    assert_eq!(acked, ["gate-illegal_parking-1769839567250-3"]);
    let forgotten = forewarn_domain::IncidentId::from_stored("gate-illegal_parking-1769839447250-1");
    assert_eq!(outbox.report_state(&forgotten).unwrap(), ReportState::Acknowledged);
    assert_eq!(outbox.depth().messages, 12);
}

#[test]
fn what_the_second_schema_owed_is_owed() {
    let dir = tempfile::tempdir().unwrap();
    let conn = second(dir.path());
    // The third incident has been acknowledged: as if its last message had found no room.
    conn.execute("UPDATE incidents SET is_owed = 1 WHERE id LIKE '%-3'", []).unwrap();
    drop(conn);
    let outbox = open(dir.path(), OutboxLimits::default());
    assert_eq!(drain(&outbox, MQTT).last().unwrap(), "gate-illegal_parking-1769839567250-3/6");
    assert_eq!(outbox.depth(), Depth::default());
}

#[test]
fn a_message_of_the_second_schema_that_cannot_be_read_is_made_up_for() {
    let dir = tempfile::tempdir().unwrap();
    let conn = second(dir.path());
    conn.execute("UPDATE messages SET body = 'scratched' WHERE seq = 22", []).unwrap();
    drop(conn);
    let came = drain(&open(dir.path(), OutboxLimits::default()), MQTT);
    assert_eq!((came.len(), came.last().unwrap().as_str()), (12, "gate-illegal_parking-1769839627250-4/4"));
}

#[test]
fn an_outbox_of_the_first_schema_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let conn = second(dir.path());
    conn.execute_batch("DROP TABLE forgotten; PRAGMA user_version = 1;").unwrap();
    let before = bodies(&conn);
    drop(conn);
    let outbox = open(dir.path(), OutboxLimits::default());
    assert_eq!(pending(&outbox, MQTT, 100).iter().map(said).collect::<Vec<_>>(), before);
    let forgotten = forewarn_domain::IncidentId::from_stored("gate-illegal_parking-1769839447250-1");
    assert_eq!(outbox.report_state(&forgotten).unwrap(), ReportState::Unknown, "it did not know that");
}

#[test]
fn a_damaged_outbox_of_the_second_schema_is_salvaged() {
    let dir = tempfile::tempdir().unwrap();
    drop(second(dir.path()));
    let mut bytes = SECOND.to_vec();
    // The last page holds rows of messages.
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xa5);
    std::fs::write(dir.path().join("outbox.db"), &bytes).unwrap();
    let opened = Outbox::open(dir.path().join("outbox.db"), settings(OutboxLimits::default(), &[MQTT]), now()).unwrap();
    let set_aside = opened.set_aside.expect("it is damaged");
    assert!(set_aside.incidents > 0, "{set_aside:?}");
    let came = drain(&opened.outbox, MQTT);
    assert!(came.len() >= set_aside.incidents, "{came:?}");
}
