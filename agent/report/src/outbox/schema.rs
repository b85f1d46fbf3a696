//! The database's file: opening, checking, migrating, and setting a damaged one aside.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::private;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction};

use super::companion::with_suffix;
use super::{OutboxError, SetAside, by_destination};

/// Each entry brings the schema from its index to its index plus one, recorded in `user_version`.
const MIGRATIONS: [fn(&Transaction<'_>) -> rusqlite::Result<()>; 4] = [
    |tx| tx.execute_batch(FIRST),
    |tx| tx.execute_batch(SECOND),
    by_destination::migrate,
    |tx| tx.execute_batch(FOURTH),
];

/// The schema that this agent writes.
pub(super) const KNOWN: usize = MIGRATIONS.len();

const FIRST: &str = "
CREATE TABLE incidents (
    id            TEXT PRIMARY KEY,
    state         TEXT NOT NULL,
    opened_at_us  INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    -- Whether the message of last_sequence could not be queued because the outbox was full.
    is_owed       INTEGER NOT NULL,
    is_closed     INTEGER NOT NULL,
    record        TEXT NOT NULL,
    snapshot      TEXT
) STRICT;
CREATE INDEX incidents_by_update ON incidents (is_closed, updated_at_us, id);
CREATE INDEX incidents_owed ON incidents (updated_at_us, id) WHERE is_owed = 1;

CREATE TABLE messages (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    incident  TEXT NOT NULL,
    sequence  INTEGER NOT NULL,
    camera    TEXT NOT NULL,
    violation TEXT NOT NULL,
    body      TEXT NOT NULL,
    bytes     INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_incident ON messages (incident, sequence);

-- Kept by triggers, so that asking for the depth does not read every message.
CREATE TABLE totals (
    messages  INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    compacted INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (0, 0, 0);
CREATE TRIGGER message_added AFTER INSERT ON messages BEGIN
    UPDATE totals SET messages = messages + 1, bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER message_removed AFTER DELETE ON messages BEGIN
    UPDATE totals SET messages = messages - 1, bytes = bytes - OLD.bytes;
END;
";

const SECOND: &str = "
-- Incidents that were removed from `incidents` once everything of them was acknowledged, in the order of removal.
CREATE TABLE forgotten (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id  TEXT NOT NULL UNIQUE
) STRICT;
";

const FOURTH: &str = "
-- The latest seal of the incident's evidence, as JSON.
ALTER TABLE incidents ADD COLUMN seal TEXT;
";

/// How long a connection waits for the other one's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Sets of damaged files that are kept: a disk that is dying must not be filled with them.
const MOST_SET_ASIDE: u32 = 4;

/// Opens the database, or puts a damaged one aside and starts a new one with what can still be read of the old.
pub(super) fn open_or_set_aside(path: &Path) -> Result<(Connection, Option<SetAside>), OutboxError> {
    match open(path) {
        Ok(conn) => Ok((conn, None)),
        Err(OutboxError::Damaged { reason, .. }) => {
            let (conn, set_aside) = start_anew(path, reason)?;
            Ok((conn, Some(set_aside)))
        }
        Err(error) => Err(error),
    }
}

/// Puts a damaged database aside and starts a new one with what can still be read of the old.
pub(super) fn start_anew(path: &Path, reason: String) -> Result<(Connection, SetAside), OutboxError> {
    let kept_as = set_aside(path)?;
    let mut conn = open(path)?;
    let (incidents, messages) = super::salvage::salvage(&kept_as, &mut conn);
    Ok((conn, SetAside { kept_as: Some(kept_as), reason, incidents, messages }))
}

/// Connects to a database that was opened before.
pub(super) fn connect(path: &Path) -> Result<Connection, OutboxError> {
    let failed = |source| OutboxError::from_sqlite("open", path, source);
    // One that is gone must not be made anew without its tables.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    configure(&conn).map_err(failed)?;
    Ok(conn)
}

/// Opens a sound database and brings its schema up to date.
fn open(path: &Path) -> Result<Connection, OutboxError> {
    let failed = |source| OutboxError::from_sqlite("open", path, source);
    // Its companions take the rights over. Only where there is none: to close a file that is there would take the locks of
    // other connections away. Where it cannot be made, SQLite says why.
    let _ = OpenOptions::new().append(true).create_new(true).mode(private::FILE_MODE).open(path);
    let mut conn = connect(path)?;
    let check: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if check != "ok" {
        return Err(OutboxError::Damaged { path: path.to_owned(), reason: check });
    }
    migrate(&mut conn, path)?;
    Ok(conn)
}

fn configure(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // The log stays where it is when the last connection goes, so that a log that is gone was taken away by somebody else.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // The statement answers before it commits, so it is run to its end: after a switch that the disk refused, SQLite goes on in
    // a log beside an empty file, and the next who opens that throws the log away.
    let mut switch = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mut answers = switch.query([])?;
    while answers.next()?.is_some() {}
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<(), OutboxError> {
    let failed = |source| OutboxError::from_sqlite("migrate", path, source);
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
    let version = known_version(&tx, path)?;
    for step in &MIGRATIONS[version..] {
        step(&tx).map_err(failed)?;
    }
    tx.pragma_update(None, "user_version", KNOWN as i64).map_err(failed)?;
    tx.commit().map_err(failed)
}

/// The schema of an outbox, which must be none that only newer agents know.
pub(super) fn known_version(conn: &Connection, path: &Path) -> Result<usize, OutboxError> {
    let version = conn.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let version = version.map_err(|source| OutboxError::from_sqlite("open", path, source))?.try_into().unwrap_or(0);
    if version > KNOWN {
        return Err(OutboxError::Newer { path: path.to_owned(), version, known: KNOWN });
    }
    Ok(version)
}

/// Renames the database and its companions to the first free `NAME.damaged-N`, at last to that of the latest.
fn set_aside(path: &Path) -> Result<PathBuf, OutboxError> {
    let place = |n: u32| with_suffix(path, &format!(".damaged-{n}"));
    let n = (1..MOST_SET_ASIDE).find(|n| !place(*n).exists()).unwrap_or(MOST_SET_ASIDE);
    // The companions go first: a crash in between leaves the main file in place, which is then set aside again.
    for companion in ["-wal", "-shm", ""] {
        let kept_as = with_suffix(&place(n), companion);
        match std::fs::rename(with_suffix(path, companion), &kept_as) {
            Ok(()) => {}
            // What an earlier one left must not be taken for its companion.
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => drop(std::fs::remove_file(kept_as)),
            Err(source) => return Err(OutboxError::SetAside { path: path.to_owned(), source }),
        }
    }
    Ok(place(n))
}
