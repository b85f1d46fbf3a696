//! Copies what can still be read of a damaged outbox into a new one.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::by_destination;
use super::companion::with_suffix;

const INCIDENTS: [&str; 8] =
    ["id", "state", "opened_at_us", "updated_at_us", "last_sequence", "is_closed", "record", "snapshot"];
const MESSAGES: [&str; 8] = ["seq", "incident", "sequence", "at_us", "site", "agent_version", "report", "bytes"];

/// What becomes consistent again once everything readable was copied.
///
/// A message that no longer says for whom it is waits for everybody. An upstream that has no message of an incident's
/// latest state beside it is owed one: whether it had it can no longer be told.
const MEND: &str = "
DELETE FROM deliveries WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.seq = deliveries.seq)
    OR NOT EXISTS (SELECT 1 FROM upstreams WHERE id = deliveries.upstream);
INSERT OR IGNORE INTO deliveries (upstream, seq)
    SELECT u.id, m.seq FROM messages m JOIN upstreams u
    WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = m.seq);
INSERT OR IGNORE INTO owed (upstream, incident)
    SELECT u.id, i.id FROM incidents i JOIN upstreams u
    WHERE u.removed_at_us IS NULL AND NOT EXISTS (
        SELECT 1 FROM messages m JOIN deliveries d ON d.seq = m.seq
        WHERE d.upstream = u.id AND m.incident = i.id AND m.sequence = i.last_sequence);
";

/// Copies row by row until the damage is met, from the files that were set aside; returns how many incidents and messages
/// came through.
pub(super) fn salvage(damaged: &Path, conn: &mut Connection) -> (usize, usize) {
    // SQLite repairs what it opens, so it is given a copy: what was set aside stays as it was found.
    let copy = with_suffix(damaged, ".copy");
    let copied: Vec<PathBuf> = ["", "-wal"]
        .iter()
        .filter_map(|companion| {
            let to = with_suffix(&copy, companion);
            std::fs::copy(with_suffix(damaged, companion), &to).ok().map(|_| to)
        })
        .collect();
    let old = if copied.is_empty() { immutable(damaged) } else { Connection::open(&copy) };
    let counts = old.map_or((0, 0), |old| salvage_through(&old, conn));
    for file in copied.iter().chain(&[with_suffix(&copy, "-shm")]) {
        // A copy that stays takes space and does no other harm.
        let _ = std::fs::remove_file(file);
    }
    counts
}

/// Copies what `old` can still read and the new one does not have; returns how many incidents and messages came through.
///
/// A message that does not come through is made up for: its incident, if that could be read, is owed to every upstream
/// by a report of its latest state, which carries the whole history.
pub(super) fn salvage_through(old: &Connection, conn: &mut Connection) -> (usize, usize) {
    let Ok(tx) = conn.transaction() else { return (0, 0) };
    let incidents = copy(old, &tx, "incidents", &INCIDENTS);
    copy(old, &tx, "forgotten", &["id"]);
    let messages = if old.prepare("SELECT body FROM messages LIMIT 0").is_ok() {
        each(old, "messages", &["seq", "incident", "body"], |row| {
            let [Value::Integer(seq), Value::Text(incident), Value::Text(body)] = row else { return 0 };
            usize::from(by_destination::carry_over(&tx, *seq, incident, body).unwrap_or(false))
        })
    } else {
        let named = copy(old, &tx, "upstreams", &["id", "is_required", "removed_at_us"]);
        if named > 0 {
            // Those that were named take the place of whoever would have come first.
            let _ = tx.execute("DELETE FROM upstreams WHERE id = '' AND (SELECT count(*) FROM upstreams) > 1", []);
        }
        let messages = copy(old, &tx, "messages", &MESSAGES);
        copy(old, &tx, "deliveries", &["upstream", "seq"]);
        copy(old, &tx, "owed", &["upstream", "incident"]);
        messages
    };
    match tx.execute_batch(MEND).and_then(|()| tx.commit()) {
        Ok(()) => (incidents, messages),
        Err(_) => (0, 0),
    }
}

/// Reads a file as it lies there, without its log: there is no room for a copy.
fn immutable(damaged: &Path) -> rusqlite::Result<Connection> {
    let path = damaged.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)
}

fn copy(old: &Connection, new: &Connection, table: &str, columns: &[&str]) -> usize {
    let marks = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({marks})", columns.join(", "));
    each(old, table, columns, |row| new.execute(&insert, params_from_iter(row)).unwrap_or(0))
}

/// Hands over the rows of a table as far as they can be read; returns the sum of what `take` says of them.
fn each(old: &Connection, table: &str, columns: &[&str], mut take: impl FnMut(&[Value]) -> usize) -> usize {
    let names = columns.join(", ");
    // What has no rowid lies in the order of its key.
    let key = if matches!(table, "deliveries" | "owed") { columns[0] } else { "rowid" };
    let mut taken = 0;
    // Forwards as far as it goes, then backwards: the damage may lie in the middle.
    for order in ["ASC", "DESC"] {
        let Ok(mut select) = old.prepare(&format!("SELECT {names} FROM {table} ORDER BY {key} {order}")) else {
            return taken;
        };
        let Ok(mut rows) = select.query([]) else { continue };
        while let Ok(Some(row)) = rows.next() {
            let values: rusqlite::Result<Vec<Value>> = (0..columns.len()).map(|i| row.get(i)).collect();
            let Ok(values) = values else { continue };
            taken += take(&values);
        }
    }
    taken
}
