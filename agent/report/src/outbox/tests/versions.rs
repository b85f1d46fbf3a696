//! An outbox of every schema that an agent ever wrote: this one brings it up to date, and loses nothing. One of a later schema is
//! refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use forewarn_wire::samples::report;
use rusqlite::Connection;

use super::*;
use crate::outbox::ledger::IncidentLedger;
use crate::outbox::schema::KNOWN;

/// The same outbox as each schema kept it, from the first on: an incident that is closed and acknowledged, an open one and a
/// closed one with a message waiting; from the second on, two that are forgotten. Whoever adds a schema adds its outbox.
const VERSIONS: [&str; KNOWN] = [
    include_str!("../../../tests/fixtures/outbox-v1.sql"),
    include_str!("../../../tests/fixtures/outbox-v2.sql"),
    include_str!("../../../tests/fixtures/outbox-v3.sql"),
    include_str!("../../../tests/fixtures/outbox-v4.sql"),
];
/// What waits in it.
const WAITING: [&str; 2] = ["gate-illegal_parking-1769839627250-4/4", "gate-illegal_parking-1769839687250-5/6"];

fn written(dir: &Path, sql: &str) -> PathBuf {
    let path = dir.join("outbox.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

/// The columns of every table, and what else there is, by name.
fn shape(path: &Path) -> BTreeMap<String, Vec<String>> {
    let conn = Connection::open(path).unwrap();
    let mut parts =
        conn.prepare("SELECT type || ' ' || name, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").unwrap();
    let parts = parts.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let columns = |name: String| {
        let mut columns = conn.prepare("SELECT name || ' ' || type FROM pragma_table_info(?1)").unwrap();
        let columns = columns.query_map([name], |row| row.get(0)).unwrap();
        columns.collect::<Result<Vec<String>, _>>().unwrap()
    };
    parts
        .map(|part: rusqlite::Result<(String, String)>| part.unwrap())
        .map(|(part, name)| (part, columns(name)))
        .collect()
}

fn version_of(path: &Path) -> usize {
    let asked = Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    asked.unwrap().try_into().unwrap()
}

#[test]
fn an_outbox_of_every_schema_is_brought_up_to_date_and_what_waited_is_sent() {
    let new = tempfile::tempdir().unwrap();
    drop(open(new.path(), OutboxLimits::default()));
    for (n, sql) in VERSIONS.iter().enumerate() {
        let (dir, version) = (tempfile::tempdir().unwrap(), n + 1);
        let path = written(dir.path(), sql);
        assert_eq!(version_of(&path), version);
        let before = IncidentLedger::open(&path).unwrap().latest(100).unwrap();
        assert_eq!(before.len(), 3, "schema {version} is read also before it is brought up to date");
        let outbox = open(dir.path(), OutboxLimits::default());
        assert_eq!(IncidentLedger::open(&path).unwrap().latest(100).unwrap(), before, "schema {version}");
        let snapshots: Vec<String> = outbox.open_snapshots().unwrap().into_iter().map(|open| open.snapshot).collect();
        assert_eq!(snapshots, [r#"{"n":4,"s":4}"#], "schema {version}");
        let forgotten = forewarn_domain::IncidentId::from_stored("gate-illegal_parking-1769839447250-1");
        let known = if version == 1 { ReportState::Unknown } else { ReportState::Acknowledged };
        assert_eq!(outbox.report_state(&forgotten).unwrap(), known, "schema {version}");
        assert_eq!(drain(&outbox, MQTT), WAITING, "schema {version}");
        drop(outbox);
        // The second time there is nothing to do.
        let outbox = open(dir.path(), OutboxLimits::default());
        assert_eq!((ids(&outbox, MQTT).len(), outbox.depth()), (0, Depth::default()));
        drop(outbox);
        assert_eq!(
            (version_of(&path), shape(&path)),
            (KNOWN, shape(&new.path().join("outbox.db"))),
            "schema {version}"
        );
    }
}

/// Where none waits, messages are numbered from one again by the third schema. Nothing outside the file knows a number of before:
/// what is sent is known by its incident and step.
#[test]
fn where_nothing_waited_messages_are_numbered_anew_and_each_is_sent_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path(), VERSIONS[1]);
    Connection::open(&path).unwrap().execute("DELETE FROM messages", []).unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    assert_eq!((drain(&outbox, MQTT).len(), outbox.depth()), (0, Depth::default()));
    let (first, second) = (report(1, 1), report(2, 1));
    for one in [&first, &second] {
        let Recorded::Queued { seq, .. } = outbox.record(one, None).unwrap() else { panic!("queued") };
        assert!(seq <= 2, "{seq}");
    }
    assert_eq!(outbox.record(&first, None).unwrap(), Recorded::Repeated);
    let waiting = pending(&outbox, MQTT, 1);
    ack(&outbox, MQTT, &waiting);
    drop(outbox);
    let outbox = open(dir.path(), OutboxLimits::default());
    assert_eq!(drain(&outbox, MQTT), [format!("{}/1", second.incident.id)], "the first was acknowledged before");
    assert_eq!((ids(&outbox, MQTT).len(), outbox.depth()), (0, Depth::default()));
}

#[test]
fn an_outbox_of_a_later_schema_is_refused_by_all_who_read_it_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path(), VERSIONS[KNOWN - 1]);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", KNOWN as i64 + 1).unwrap();
    let ledger = IncidentLedger::open(&path).unwrap();
    let refused = [
        ledger.latest(1).unwrap_err(),
        ledger.open_incidents(1).unwrap_err(),
        Outbox::open(&path, settings(OutboxLimits::default(), &[MQTT]), now()).unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, OutboxError::Newer { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains(&format!("has schema {}, this agent knows {KNOWN}", KNOWN + 1)), "{told}");
        assert!(told.contains("Run the newer agent, or restore the backup"), "{told}");
    }
    assert_eq!(version_of(&path), KNOWN + 1);
    drop(ledger);
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("damaged")), "{names:?}");
}
