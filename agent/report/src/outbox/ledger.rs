//! The read side: the incidents that the outbox knows, for consoles and for the command line.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, params};

use forewarn_domain::{IncidentId, IncidentRecord, Timestamp};

use super::OutboxError;
use super::schema::known_version;

/// One incident as it was last recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerEntry {
    /// The incident with its history.
    pub record: IncidentRecord,
    /// Number of its latest recorded transition.
    pub last_sequence: u32,
    /// When it was first suspected.
    pub opened_at: Timestamp,
    /// When its latest recorded transition happened.
    pub updated_at: Timestamp,
    /// Whether it is closed.
    pub is_closed: bool,
    /// How many of its messages a required upstream has not acknowledged.
    pub unacknowledged: u32,
}

/// Reads incidents from an outbox that an agent may be writing at the same time.
#[derive(Debug)]
pub struct IncidentLedger {
    conn: Connection,
    path: std::path::PathBuf,
}

const COLUMNS: &str = "record, last_sequence, opened_at_us, updated_at_us, is_closed";

/// Messages of an incident that wait for a required upstream, with those that are owed.
const UNACKNOWLEDGED: &str = "
    (SELECT count(DISTINCT m.seq) FROM messages m JOIN deliveries d ON d.seq = m.seq
     JOIN upstreams u ON u.id = d.upstream WHERE m.incident = incidents.id AND u.is_required = 1)
    + EXISTS (SELECT 1 FROM owed o JOIN upstreams u ON u.id = o.upstream
              WHERE o.incident = incidents.id AND u.is_required = 1)";
/// The same in an outbox of an earlier schema, which the next start of the agent brings up to date.
const UNACKNOWLEDGED_BEFORE: &str = "is_owed + (SELECT count(*) FROM messages WHERE incident = incidents.id)";

impl IncidentLedger {
    /// Opens the outbox's file for reading.
    pub fn open(path: &Path) -> Result<Self, OutboxError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)
            .map_err(|source| OutboxError::from_sqlite("open", path, source))?;
        Ok(Self { conn, path: path.to_owned() })
    }

    /// The incidents that were updated last, the latest first; at most `limit`.
    pub fn latest(&self, limit: u32) -> Result<Vec<LedgerEntry>, OutboxError> {
        self.list("ORDER BY updated_at_us DESC, id LIMIT ?1", params![limit])
    }

    /// The incidents that are not closed, the oldest first; at most `limit`.
    pub fn open_incidents(&self, limit: u32) -> Result<Vec<LedgerEntry>, OutboxError> {
        self.list("WHERE is_closed = 0 ORDER BY opened_at_us, id LIMIT ?1", params![limit])
    }

    /// The incidents that were updated at `from` or later, the earliest first; at most `limit`.
    pub fn updated_since(&self, from: Timestamp, limit: u32) -> Result<Vec<LedgerEntry>, OutboxError> {
        let clause = "WHERE is_closed IN (0, 1) AND updated_at_us >= ?1 ORDER BY updated_at_us, id LIMIT ?2";
        self.list(clause, params![from.as_micros(), limit])
    }

    /// One incident.
    pub fn incident(&self, id: &IncidentId) -> Result<Option<LedgerEntry>, OutboxError> {
        Ok(self.list("WHERE id = ?1", params![id.as_str()])?.pop())
    }

    fn list(&self, clause: &str, params: impl rusqlite::Params) -> Result<Vec<LedgerEntry>, OutboxError> {
        // Asked each time, since a start of the agent may bring it up to date meanwhile.
        let version = known_version(&self.conn, &self.path)?;
        let rows = || {
            let waiting = if version < 3 { UNACKNOWLEDGED_BEFORE } else { UNACKNOWLEDGED };
            let mut select = self.conn.prepare(&format!("SELECT {COLUMNS}, {waiting} FROM incidents {clause}"))?;
            let mut rows = select.query(params)?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                match entry(row) {
                    Ok(entry) => entries.push(entry),
                    // One that the disk has spoilt hides no other.
                    Err(error) => tracing::warn!(%error, "an incident of the outbox cannot be read; it is left out"),
                }
            }
            Ok(entries)
        };
        rows().map_err(|source| OutboxError::from_sqlite("read incidents", &self.path, source))
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<LedgerEntry> {
    let record: String = row.get(0)?;
    let record = serde_json::from_str(&record)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))?;
    Ok(LedgerEntry {
        record,
        last_sequence: row.get(1)?,
        opened_at: Timestamp::from_micros(row.get(2)?),
        updated_at: Timestamp::from_micros(row.get(3)?),
        is_closed: row.get(4)?,
        unacknowledged: row.get(5)?,
    })
}
