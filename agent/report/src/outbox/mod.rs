//! The durable outbox in SQLite: incidents, their snapshots, and the messages that some upstream has not acknowledged.
//!
//! WAL with `synchronous = FULL`: a committed transaction survives the loss of power. One file may be used through
//! several connections ([`Outbox::again`], [`Outbox::lane`]), one a thread; writers wait for each other for at most ten
//! seconds.

mod bounds;
mod by_destination;
mod destinations;
mod error;
mod lane;
pub mod ledger;
mod owed;
mod record;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::{IncidentId, Report, StreamId, Timestamp};
use forewarn_wire::{Event, EventSource};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::watch;

pub use destinations::Destination;
pub use error::OutboxError;
pub(crate) use lane::BacklogReader;
pub use lane::Lane;
pub use types::{
    Backlog, Depth, MadeRoom, OpenSnapshot, OutboxLimits, OutboxSettings, QueuedReport, Receipt, Recorded, ReportState,
    SetAside,
};

/// An outbox and what happened when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The outbox.
    pub outbox: Outbox,
    /// The former file if it was damaged; to be raised as an alarm.
    pub set_aside: Option<SetAside>,
}

/// What the connections to one outbox share within the process.
#[derive(Debug)]
struct Shared {
    /// Counts commits that queued a message; those who send watch it.
    queued: watch::Sender<u64>,
    /// Held during a write, so that the figures are those of the latest commit.
    depths: Mutex<Depths>,
}

/// How much waits, in all and for each upstream.
#[derive(Debug, Clone, Default)]
struct Depths {
    total: Depth,
    of: BTreeMap<String, Backlog>,
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
    ///
    /// The upstreams that `settings` names are those that are told from now on. One that was not named before is told
    /// of what is new, or of what its `since` says; one that is named no longer keeps for seven days what waits for it.
    pub fn open(path: impl Into<PathBuf>, settings: OutboxSettings, now: Timestamp) -> Result<Opened, OutboxError> {
        let path = path.into();
        let OutboxSettings { limits, source, upstreams } = settings;
        // The rules for a site's name are those of all names that become part of topics.
        StreamId::new(&source.site)?;
        let (conn, set_aside) = schema::open_or_set_aside(&path)?;
        let shared = Arc::new(Shared { queued: watch::Sender::default(), depths: Mutex::default() });
        let mut outbox = Self { conn, path, limits, source, shared };
        outbox.write("name the upstreams", |tx, outbox| {
            destinations::settle(tx, &upstreams, now)?;
            owed::pay(tx, &outbox.limits, outbox.source, None)
        })?;
        Ok(Opened { outbox, set_aside })
    }

    /// Another connection to the same outbox, for another thread.
    pub fn again(&self) -> Result<Self, OutboxError> {
        let conn = schema::connect(&self.path)?;
        let (path, limits) = (self.path.clone(), self.limits);
        Ok(Self { conn, path, limits, source: self.source.clone(), shared: Arc::clone(&self.shared) })
    }

    /// What waits for one upstream, through a connection of its own.
    pub fn lane(&self, upstream: &str) -> Result<Lane, OutboxError> {
        Ok(Lane::new(self.again()?, upstream))
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
        for &(report, snapshot) in steps {
            let encode = |source| OutboxError::Encode { incident: report.incident.id.clone(), source };
            let whole = serde_json::to_string(report).map_err(encode)?;
            let record = serde_json::to_string(&report.incident).map_err(encode)?;
            encoded.push(record::Step { report, whole, record, snapshot });
        }
        let outcomes = self.write("record a report", |tx, outbox| {
            let record = |step| record::record(tx, &outbox.limits, outbox.source, step);
            encoded.iter().map(record).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        if outcomes.iter().any(|outcome| matches!(outcome, Some(Recorded::Queued { .. }))) {
            self.shared.tell_queued();
        }
        let full = outcomes.iter().zip(&encoded).find(|(outcome, _)| outcome.is_none());
        match full {
            Some((_, record::Step { report, .. })) => {
                let Depth { messages, bytes } = self.depth();
                Err(OutboxError::Full { id: Event::id_of(&report.incident.id, report.sequence), messages, bytes })
            }
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
            bounds::forget_old(tx, keep_closed, record::KEEP_FORGOTTEN)
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

    /// Whether every required upstream has acknowledged everything that was recorded of an incident.
    ///
    /// A closed incident is forgotten only after that, so one that was forgotten counts as acknowledged.
    pub fn report_state(&self, incident: &IncidentId) -> Result<ReportState, OutboxError> {
        let waits: Option<bool> = self
            .conn
            .prepare_cached(&format!(
                "SELECT {} FROM incidents i WHERE id = ?1
                 UNION ALL
                 SELECT 0 FROM forgotten WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM incidents WHERE id = ?1)",
                bounds::IS_AWAITED
            ))
            .and_then(|mut select| select.query_row(params![incident.as_str()], |row| row.get(0)).optional())
            .map_err(|source| self.failed("read an incident", source))?;
        Ok(match waits {
            None => ReportState::Unknown,
            Some(true) => ReportState::Pending,
            Some(false) => ReportState::Acknowledged,
        })
    }

    /// How much waits, as of this process's latest write; another process's writes are not seen.
    pub fn depth(&self) -> Depth {
        lock(&self.shared.depths).total
    }

    /// Runs one transaction and publishes the new depths after its commit.
    fn write<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>, &WriteContext<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let context = WriteContext { limits: self.limits, source: &self.source };
        let mut known = lock(&self.shared.depths);
        let run = |conn: &mut Connection| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx, &context)?;
            let depths = lane::depths(&tx)?;
            tx.commit()?;
            Ok((value, depths))
        };
        let (value, depths) =
            run(&mut self.conn).map_err(|source| OutboxError::from_sqlite(operation, &self.path, source))?;
        *known = depths;
        Ok(value)
    }

    fn failed(&self, operation: &'static str, source: rusqlite::Error) -> OutboxError {
        OutboxError::from_sqlite(operation, &self.path, source)
    }
}

impl Shared {
    fn tell_queued(&self) {
        self.queued.send_modify(|commits| *commits = commits.wrapping_add(1));
    }
}

/// What a transaction may know of its outbox.
struct WriteContext<'a> {
    limits: OutboxLimits,
    source: &'a EventSource,
}
