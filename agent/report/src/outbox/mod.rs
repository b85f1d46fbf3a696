//! The durable outbox in SQLite: incidents, their snapshots, and the messages that upstream has not acknowledged.
//!
//! WAL with `synchronous = FULL`: a committed transaction survives the loss of power. One file may be used through
//! several connections ([`Outbox::again`]), one a thread; writers wait for each other for at most ten seconds.

mod bounds;
mod error;
pub mod ledger;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use forewarn_domain::{IncidentId, IncidentRecord, IncidentState, Report, StreamId};
use forewarn_wire::{Event, EventSource};

pub use error::OutboxError;

/// How much the outbox may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxLimits {
    /// Messages that wait for acknowledgement.
    pub max_messages: u64,
    /// Bytes of their bodies together.
    pub max_bytes: u64,
    /// Closed incidents that stay readable after all their messages were acknowledged.
    pub keep_closed: u64,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { max_messages: 100_000, max_bytes: 256 << 20, keep_closed: 20_000 }
    }
}

/// Ids of forgotten incidents that are kept, about 150 bytes each. Evidence of this many takes 100 GB and more, so that
/// retention has deleted it before its incident's id goes.
const KEEP_FORGOTTEN: u64 = 200_000;

/// A damaged outbox was found and put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where the damaged file is now.
    pub kept_as: PathBuf,
    /// What SQLite said of it.
    pub reason: String,
    /// Incidents that were carried over.
    pub incidents: usize,
    /// Messages that were carried over.
    pub messages: usize,
}

/// An outbox and what happened when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The outbox.
    pub outbox: Outbox,
    /// The former file if it was damaged; to be raised as an alarm.
    pub set_aside: Option<SetAside>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Its message is queued.
    Queued {
        /// The message's place in the order of sending.
        seq: i64,
        /// How many superseded messages were removed to make room.
        compacted: u32,
        /// How many transitions of the incident were never handed over before this one, not counting those before
        /// its first report; anything but 0 is a defect of the caller.
        skipped: u32,
    },
    /// A report of this or a later transition was recorded before; the snapshot was taken over, nothing was queued.
    Repeated,
}

/// What is known upstream of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// All its messages so far were acknowledged, also if the incident itself is no longer readable.
    Acknowledged,
    /// Messages wait to be sent or acknowledged.
    Pending,
    /// The outbox does not know the incident.
    Unknown,
}

/// An incident that was open when the agent stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSnapshot {
    /// The incident as it was last recorded.
    pub record: IncidentRecord,
    /// Number of its latest recorded transition.
    pub last_sequence: u32,
    /// What the caller gave to be restored from.
    pub snapshot: String,
}

/// A message that waits to be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMessage {
    /// Its place in the order of sending.
    pub seq: i64,
    /// Its stable id.
    pub id: String,
    /// The incident.
    pub incident: IncidentId,
    /// The camera.
    pub camera: String,
    /// The violation.
    pub violation: String,
    /// The event as JSON.
    pub body: String,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages.
    pub messages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// What the connections to one outbox share within the process.
#[derive(Debug, Default)]
struct Shared {
    /// Woken when a message was queued.
    queued: Notify,
    /// Held during a write, so that the figures are those of the latest commit.
    depth: Mutex<Depth>,
}

/// The outbox. Its methods block for the time of a write to the disk.
#[derive(Debug)]
pub struct Outbox {
    conn: Connection,
    path: PathBuf,
    limits: OutboxLimits,
    source: EventSource,
    shared: Arc<Shared>,
}

impl Outbox {
    /// Opens the outbox, makes it if there is none, and sets a damaged one aside.
    pub fn open(path: impl Into<PathBuf>, limits: OutboxLimits, source: EventSource) -> Result<Opened, OutboxError> {
        let path = path.into();
        // The rules for a site's name are those of all names that become part of topics.
        StreamId::new(&source.site)?;
        let (conn, set_aside) = schema::open_or_set_aside(&path)?;
        let mut outbox = Self { conn, path, limits, source, shared: Arc::default() };
        outbox.write("queue owed messages", |tx, outbox| bounds::pay_owed(tx, &outbox.limits, outbox.source))?;
        Ok(Opened { outbox, set_aside })
    }

    /// Another connection to the same outbox, for another thread.
    pub fn again(&self) -> Result<Self, OutboxError> {
        let conn = schema::connect(&self.path)?;
        let (path, limits) = (self.path.clone(), self.limits);
        Ok(Self { conn, path, limits, source: self.source.clone(), shared: Arc::clone(&self.shared) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who reports.
    pub fn source(&self) -> &EventSource {
        &self.source
    }

    /// Writes a report's message, the incident and its snapshot in one transaction, before anything is sent.
    ///
    /// Once this has returned, neither a crash nor a loss of power takes the message back. `snapshot` is what the
    /// caller restores an open incident from; `None` leaves the one that is kept. A report of the state `Closed`
    /// closes the incident and drops its snapshot.
    pub fn record(&mut self, report: &Report, snapshot: Option<&str>) -> Result<Recorded, OutboxError> {
        let recorded = self.record_all(&[(report, snapshot)])?;
        Ok(recorded.into_iter().next().unwrap_or(Recorded::Repeated))
    }

    /// Writes several reports, with the snapshots after the last of them, in one transaction: all or none.
    ///
    /// One call of the incident machine may take an incident through two states. If a crash could fall between them,
    /// the snapshot would be of another state than the last message.
    pub fn record_all(&mut self, steps: &[(&Report, Option<&str>)]) -> Result<Vec<Recorded>, OutboxError> {
        let mut encoded = Vec::with_capacity(steps.len());
        for (report, snapshot) in steps {
            let event = Event::from_report(report, &self.source);
            let encode = |source| OutboxError::Encode { incident: report.incident.id.clone(), source };
            let body = serde_json::to_string(&event).map_err(encode)?;
            let record = serde_json::to_string(&report.incident).map_err(encode)?;
            encoded.push((*report, event.id, body, record, *snapshot));
        }
        let (outcomes, depth) = self.write("record a report", |tx, outbox| {
            let mut outcomes = Vec::with_capacity(encoded.len());
            for (report, id, body, record, snapshot) in &encoded {
                outcomes.push(record_in(tx, &outbox.limits, report, id, body, (record, *snapshot))?);
            }
            Ok((outcomes, bounds::totals(tx)?))
        })?;
        if outcomes.iter().any(|outcome| matches!(outcome, Some(Recorded::Queued { .. }))) {
            self.shared.queued.notify_one();
        }
        let full = outcomes.iter().zip(&encoded).find(|(outcome, _)| outcome.is_none());
        match full {
            Some((_, (_, id, ..))) => Err(OutboxError::Full { id: id.clone(), messages: depth.0, bytes: depth.1 }),
            None => Ok(outcomes.into_iter().flatten().collect()),
        }
    }

    /// Replaces the snapshot of an incident that was recorded before and is open; otherwise does nothing.
    pub fn save_snapshot(&mut self, incident: &IncidentId, snapshot: &str) -> Result<(), OutboxError> {
        self.write("save a snapshot", |tx, _| {
            tx.execute(
                "UPDATE incidents SET snapshot = ?2 WHERE id = ?1 AND is_closed = 0",
                params![incident.as_str(), snapshot],
            )?;
            Ok(())
        })
    }

    /// Closes an incident without a report and drops its snapshot.
    pub fn close_incident(&mut self, incident: &IncidentId) -> Result<(), OutboxError> {
        let keep_closed = self.limits.keep_closed;
        self.write("close an incident", |tx, _| {
            tx.execute(
                "UPDATE incidents SET is_closed = 1, snapshot = NULL WHERE id = ?1",
                params![incident.as_str()],
            )?;
            bounds::forget_old(tx, keep_closed, KEEP_FORGOTTEN)
        })
    }

    /// Incidents that are open and have a snapshot, in the order in which they were opened.
    pub fn open_snapshots(&self) -> Result<Vec<OpenSnapshot>, OutboxError> {
        let read = || {
            let mut select = self.conn.prepare(
                "SELECT record, last_sequence, snapshot FROM incidents
                 WHERE is_closed = 0 AND snapshot IS NOT NULL ORDER BY opened_at_us, id",
            )?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<rusqlite::Result<Vec<(String, u32, String)>>>()
        };
        let rows = read().map_err(|source| self.failed("read snapshots", source))?;
        rows.into_iter()
            .map(|(record, last_sequence, snapshot)| {
                let record = serde_json::from_str(&record).map_err(|error| OutboxError::Damaged {
                    path: self.path.clone(),
                    reason: format!("an incident's record is unreadable: {error}"),
                })?;
                Ok(OpenSnapshot { record, last_sequence, snapshot })
            })
            .collect()
    }

    /// Whether upstream has acknowledged everything that was recorded of an incident.
    ///
    /// A closed incident is forgotten only after that, so one that was forgotten counts as acknowledged.
    pub fn report_state(&self, incident: &IncidentId) -> Result<ReportState, OutboxError> {
        let waits: Option<bool> = self
            .conn
            .prepare_cached(
                "SELECT is_owed OR EXISTS (SELECT 1 FROM messages WHERE incident = ?1) FROM incidents WHERE id = ?1
                 UNION ALL
                 SELECT 0 FROM forgotten WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM incidents WHERE id = ?1)",
            )
            .and_then(|mut select| select.query_row(params![incident.as_str()], |row| row.get(0)).optional())
            .map_err(|source| self.failed("read an incident", source))?;
        Ok(match waits {
            None => ReportState::Unknown,
            Some(true) => ReportState::Pending,
            Some(false) => ReportState::Acknowledged,
        })
    }

    /// The first `limit` messages that wait, in the order of sending.
    pub fn pending(&self, limit: usize) -> Result<Vec<PendingMessage>, OutboxError> {
        self.pending_after(0, limit)
    }

    /// The first `limit` messages behind the place `seq`, in the order of sending.
    pub fn pending_after(&self, seq: i64, limit: usize) -> Result<Vec<PendingMessage>, OutboxError> {
        let read = || {
            let mut select = self.conn.prepare_cached(
                "SELECT seq, id, incident, camera, violation, body FROM messages WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            let rows = select.query_map(params![seq, limit as i64], |row| {
                Ok(PendingMessage {
                    seq: row.get(0)?,
                    id: row.get(1)?,
                    incident: IncidentId::from_stored(&row.get::<_, String>(2)?),
                    camera: row.get(3)?,
                    violation: row.get(4)?,
                    body: row.get(5)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|source| self.failed("read messages", source))
    }

    /// Removes messages that the broker has acknowledged. Places that hold no message are passed over.
    pub fn ack(&mut self, seqs: &[i64]) -> Result<(), OutboxError> {
        if seqs.is_empty() {
            return Ok(());
        }
        let paid = self.write("remove acknowledged messages", |tx, outbox| {
            let mut delete = tx.prepare_cached("DELETE FROM messages WHERE seq = ?1")?;
            for seq in seqs {
                delete.execute(params![seq])?;
            }
            bounds::pay_owed(tx, &outbox.limits, outbox.source)
        })?;
        if paid > 0 {
            self.shared.queued.notify_one();
        }
        Ok(())
    }

    /// How much waits, as of this process's latest write; another process's writes are not seen.
    pub fn depth(&self) -> Depth {
        *lock(&self.shared.depth)
    }

    /// A reader of the depth that outlives this connection.
    pub(crate) fn depth_reader(&self) -> DepthReader {
        DepthReader(Arc::clone(&self.shared))
    }

    /// Returns once a message was queued since the last call.
    pub(crate) async fn queued(&self) {
        self.shared.queued.notified().await;
    }

    /// Runs one transaction and publishes the new depth after its commit.
    fn write<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>, &WriteContext<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let context = WriteContext { limits: self.limits, source: &self.source };
        let mut known = lock(&self.shared.depth);
        let run = |conn: &mut Connection| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx, &context)?;
            let depth = bounds::totals(&tx)?;
            tx.commit()?;
            Ok((value, depth))
        };
        let (value, (messages, bytes)) =
            run(&mut self.conn).map_err(|source| OutboxError::from_sqlite(operation, &self.path, source))?;
        *known = Depth { messages, bytes };
        Ok(value)
    }

    fn failed(&self, operation: &'static str, source: rusqlite::Error) -> OutboxError {
        OutboxError::from_sqlite(operation, &self.path, source)
    }
}

/// Tells the depth without a connection to the database.
#[derive(Debug, Clone)]
pub(crate) struct DepthReader(Arc<Shared>);

impl DepthReader {
    pub(crate) fn get(&self) -> Depth {
        *lock(&self.0.depth)
    }
}

fn lock(depth: &Mutex<Depth>) -> MutexGuard<'_, Depth> {
    depth.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a transaction may know of its outbox.
struct WriteContext<'a> {
    limits: OutboxLimits,
    source: &'a EventSource,
}

/// Queues one message.
fn insert_message(tx: &Transaction<'_>, report: &Report, id: &str, body: &str) -> rusqlite::Result<()> {
    let incident = &report.incident;
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO messages (id, incident, sequence, camera, violation, body, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute(params![
        id,
        incident.id.as_str(),
        report.sequence,
        incident.rule.stream.as_str(),
        incident.rule.violation.as_str(),
        body,
        body.len() as i64,
    ])?;
    Ok(())
}

/// The transaction of [`Outbox::record`]; `None` if the message found no room.
fn record_in(
    tx: &Transaction<'_>,
    limits: &OutboxLimits,
    report: &Report,
    id: &str,
    body: &str,
    (record, snapshot): (&str, Option<&str>),
) -> rusqlite::Result<Option<Recorded>> {
    let incident = &report.incident;
    let key = incident.id.as_str();
    let last: Option<u32> = tx
        .prepare_cached("SELECT last_sequence FROM incidents WHERE id = ?1")?
        .query_row(params![key], |row| row.get(0))
        .optional()?;
    if last.is_some_and(|last| report.sequence <= last) {
        if let Some(snapshot) = snapshot {
            tx.execute("UPDATE incidents SET snapshot = ?2 WHERE id = ?1 AND is_closed = 0", params![key, snapshot])?;
        }
        return Ok(Some(Recorded::Repeated));
    }
    let skipped = last.map_or(0, |last| report.sequence - last - 1);
    let (has_room, compacted) = bounds::make_room(tx, limits, key, body.len() as u64)?;
    let is_closed = incident.state == IncidentState::Closed;
    let opened_at = incident.history.first().map_or(report.at, |t| t.at);
    tx.prepare_cached(
        "INSERT INTO incidents
             (id, state, opened_at_us, updated_at_us, last_sequence, is_owed, is_closed, record, snapshot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET
             state = excluded.state, updated_at_us = excluded.updated_at_us,
             last_sequence = excluded.last_sequence, is_owed = excluded.is_owed,
             is_closed = max(is_closed, excluded.is_closed), record = excluded.record,
             snapshot = CASE WHEN excluded.is_closed THEN NULL ELSE coalesce(excluded.snapshot, snapshot) END",
    )?
    .execute(params![
        key,
        incident.state.as_str(),
        opened_at.as_micros(),
        report.at.as_micros(),
        report.sequence,
        !has_room,
        is_closed,
        record,
        snapshot.filter(|_| !is_closed),
    ])?;
    let mut recorded = None;
    if has_room {
        insert_message(tx, report, id, body)?;
        recorded = Some(Recorded::Queued { seq: tx.last_insert_rowid(), compacted, skipped });
    }
    // Only now: an incident whose message is not queued yet looks like one of which nothing is left to send.
    if is_closed {
        bounds::forget_old(tx, limits.keep_closed, KEEP_FORGOTTEN)?;
    }
    Ok(recorded)
}
