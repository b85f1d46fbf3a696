//! Copies what can still be read of a damaged outbox into a new one.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

const INCIDENTS: [&str; 9] =
    ["id", "state", "opened_at_us", "updated_at_us", "last_sequence", "is_owed", "is_closed", "record", "snapshot"];
const MESSAGES: [&str; 8] = ["seq", "id", "incident", "sequence", "camera", "violation", "body", "bytes"];

/// Copies row by row until the damage is met; returns how many incidents and messages came through.
///
/// A message that does not come through is made up for: its incident, if that could be read, is owed a report of its
/// latest state, which carries the whole history.
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
    let counts = salvage_from(&copy, conn);
    for file in copied.iter().chain(&[with_suffix(&copy, "-shm")]) {
        // A copy that stays takes space and does no other harm.
        let _ = std::fs::remove_file(file);
    }
    counts
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn salvage_from(damaged: &Path, conn: &mut Connection) -> (usize, usize) {
    let Ok(old) = Connection::open(damaged) else { return (0, 0) };
    let Ok(tx) = conn.transaction() else { return (0, 0) };
    let incidents = copy(&old, &tx, "incidents", &INCIDENTS);
    let messages = copy(&old, &tx, "messages", &MESSAGES);
    copy(&old, &tx, "forgotten", &["id"]);
    let owed = tx.execute(
        "UPDATE incidents SET is_owed = 1 WHERE NOT EXISTS
         (SELECT 1 FROM messages WHERE incident = incidents.id AND sequence = incidents.last_sequence)",
        [],
    );
    match owed.and_then(|_| tx.commit()) {
        Ok(()) => (incidents, messages),
        Err(_) => (0, 0),
    }
}

fn copy(old: &Connection, new: &Connection, table: &str, columns: &[&str]) -> usize {
    let names = columns.join(", ");
    let marks = vec!["?"; columns.len()].join(", ");
    let mut copied = 0;
    // Forwards as far as it goes, then backwards: the damage may lie in the middle.
    for order in ["ASC", "DESC"] {
        let Ok(mut select) = old.prepare(&format!("SELECT {names} FROM {table} ORDER BY rowid {order}")) else {
            return copied;
        };
        let Ok(mut rows) = select.query([]) else { continue };
        while let Ok(Some(row)) = rows.next() {
            let values: rusqlite::Result<Vec<Value>> = (0..columns.len()).map(|i| row.get(i)).collect();
            let Ok(values) = values else { continue };
            let insert = format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})");
            copied += new.execute(&insert, params_from_iter(values)).unwrap_or(0);
        }
    }
    copied
}
