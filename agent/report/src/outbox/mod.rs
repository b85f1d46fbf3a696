//! The durable outbox in SQLite: incidents, their snapshots, and the messages that some upstream has not acknowledged.
//!
//! WAL with `synchronous = FULL`: a committed transaction survives the loss of power. One file may be used through
//! several connections ([`Outbox::again`], [`Outbox::lane`]), one a thread; writers wait for each other for at most ten
//! seconds.
//!
//! A disk that refuses keeps nobody from reporting: what it does not take is held in memory ([`Holder`]), is sent from
//! there, and is written when it takes it. A file that is damaged, removed or replaced while it is in use is set aside and
//! replaced by one with all that can be had of it. Room for reports is reserved in a file beside it.

mod bounds;
mod by_destination;
mod companion;
mod depths;
mod destinations;
mod error;
mod filter;
mod held;
mod holder;
mod lane;
pub mod ledger;
mod noter;
mod owed;
mod recent;
mod record;
mod reserve;
mod salvage;
mod schema;
mod shared;
#[cfg(test)]
mod tests;
mod types;

use std::cell::{RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forewarn_base::sync::lock;
use forewarn_domain::{IncidentId, Report, StreamId, Timestamp};
use forewarn_wire::{Event, EventSource};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

pub use destinations::Destination;
pub use error::OutboxError;
pub use filter::Filter;
pub use held::HeldCount;
pub use holder::Holder;
pub(crate) use lane::BacklogReader;
pub use lane::{Cursor, Lane};
use shared::{Shared, Writing};
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
    /// Why the disk refused it, if it did: it is opened with the first write that succeeds.
    pub refused: Option<OutboxError>,
}

/// The outbox. Its methods block for the time of a write to the disk.
#[derive(Debug)]
pub struct Outbox {
    door: RefCell<Door>,
    shared: Arc<Shared>,
}

/// A connection to the file of one generation.
#[derive(Debug, Default)]
struct Door {
    conn: Option<Connection>,
    generation: u64,
}

impl Outbox {
    /// Opens the outbox, makes it if there is none, and sets a damaged one aside. Where the disk refuses, it is opened
    /// later, and is of use all the same.
    ///
    /// The upstreams that `settings` names are those that are told from now on. One that was not named before is told
    /// of what is new, or of what its `since` says; one that is named no longer keeps for seven days what waits for it.
    pub fn open(path: impl Into<PathBuf>, settings: OutboxSettings, now: Timestamp) -> Result<Opened, OutboxError> {
        // The rules for a site's name are those of all names that become part of topics.
        StreamId::new(&settings.source.site)?;
        let outbox = Self::of(&Arc::new(Shared::new(path.into(), settings, now)));
        let refused = match outbox.write("open", |_, _| Ok(())) {
            Ok(()) => None,
            Err(error) if error.is_of_the_disk() => Some(error),
            Err(error) => return Err(error),
        };
        let set_aside = outbox.shared.take_set_aside().pop();
        Ok(Opened { outbox, set_aside, refused })
    }

    fn of(shared: &Arc<Shared>) -> Self {
        Self { door: RefCell::default(), shared: Arc::clone(shared) }
    }

    /// Another connection to the same outbox, for another thread.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::of(&self.shared)
    }

    /// What waits for one upstream, through a connection of its own.
    pub fn lane(&self, upstream: &str) -> Lane {
        Lane::new(self.again(), upstream)
    }

    /// The way in for those who must not wait for the disk.
    pub fn holder(&self) -> Holder {
        Holder::of(&self.shared)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Who reports.
    pub fn source(&self) -> &EventSource {
        &self.shared.settings.source
    }

    /// Tells these upstreams from `now` on. One that is new is told of what its `since` says; what waits for one that is
    /// named no longer is kept for seven days. Where the disk refuses, those of before are told.
    pub fn name_upstreams(&self, upstreams: Vec<Destination>, now: Timestamp) -> Result<(), OutboxError> {
        let named = Arc::new(upstreams);
        self.write("name the upstreams", |tx, context| {
            destinations::settle(tx, &named, now)?;
            owed::pay(tx, &WriteContext { named: Arc::clone(&named), ..*context }, None)
        })?;
        *lock(&self.shared.upstreams) = named;
        self.shared.tell_queued();
        Ok(())
    }

    /// Writes a report's message, the incident and its snapshot in one transaction, before anything is sent.
    ///
    /// Once this has returned, neither a crash nor a loss of power takes the message back. `snapshot` is what the
    /// caller restores an open incident from; `None` leaves the one that is kept. A report of the state `Closed`
    /// closes the incident and drops its snapshot, unless its case goes on.
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
            encoded.push(record::Step::of(report, snapshot).map_err(encode)?);
        }
        let outcomes = self.write("record a report", |tx, outbox| {
            let record = |step| record::record(tx, outbox, step);
            encoded.iter().map(record).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        self.keep_in_mind(&encoded);
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

    /// Keeps what was written in memory for a while: a damaged file may lose it.
    fn keep_in_mind(&self, written: &[record::Step<'_>]) {
        let mut writing = lock(&self.shared.writing);
        for step in written {
            writing.recent.push(step.report.clone(), step.snapshot.map(str::to_owned), step.whole.len());
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
        let keep_closed = self.shared.settings.limits.keep_closed;
        self.write("close an incident", |tx, _| {
            tx.execute(
                "UPDATE incidents SET is_closed = 1, snapshot = NULL WHERE id = ?1",
                params![incident.as_str()],
            )?;
            bounds::forget_old(tx, keep_closed, record::KEEP_FORGOTTEN)
        })
    }

    /// Incidents that are open, or have an open case, and have a snapshot, in the order in which they were opened. Those that cannot be read are
    /// left out.
    pub fn open_snapshots(&self) -> Result<Vec<OpenSnapshot>, OutboxError> {
        self.read("read snapshots", |conn| {
            let mut select = conn.prepare(
                "SELECT id, last_sequence, snapshot FROM incidents
                 WHERE is_closed IN (0, 1) AND snapshot IS NOT NULL ORDER BY opened_at_us, id",
            )?;
            let mut rows = select.query([])?;
            let mut snapshots = Vec::new();
            while let Some(row) = rows.next()? {
                let read = || Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
                match read() {
                    Ok((id, last_sequence, snapshot)) => {
                        let incident = IncidentId::from_stored(&id);
                        snapshots.push(OpenSnapshot { incident, last_sequence, snapshot });
                    }
                    Err::<_, rusqlite::Error>(error) => {
                        tracing::error!(%error, "an open incident of the outbox cannot be read and is not gone on with");
                    }
                }
            }
            Ok(snapshots)
        })
    }

    /// Whether every required upstream has acknowledged everything that was recorded of an incident.
    ///
    /// A closed incident is forgotten only after that, so one that was forgotten counts as acknowledged.
    pub fn report_state(&self, incident: &IncidentId) -> Result<ReportState, OutboxError> {
        let waits: Option<bool> = self.read("read an incident", |conn| {
            let mut select = conn.prepare_cached(&format!(
                "SELECT {} FROM incidents i WHERE id = ?1
                 UNION ALL
                 SELECT 0 FROM forgotten WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM incidents WHERE id = ?1)",
                bounds::IS_AWAITED
            ))?;
            select.query_row(params![incident.as_str()], |row| row.get(0)).optional()
        })?;
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

    /// Runs one transaction and publishes the new depths after its commit. A damaged file is replaced, and room that was
    /// reserved is used, before it fails.
    fn write<T>(
        &self,
        operation: &'static str,
        work: impl Fn(&Transaction<'_>, &WriteContext<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let mut writing = lock(&self.shared.writing);
        let mut is_replaced = false;
        loop {
            match self.attempt(&mut writing, operation, &work) {
                Err(OutboxError::Damaged { reason, .. }) if !is_replaced => {
                    is_replaced = true;
                    self.replace(&mut writing, &reason)?;
                }
                Err(error) if error.is_for_want_of_room() && writing.reserve.give() => {}
                outcome => return outcome,
            }
        }
    }

    fn attempt<T>(
        &self,
        writing: &mut Writing,
        operation: &'static str,
        work: &impl Fn(&Transaction<'_>, &WriteContext<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        if self.shared.generation() == 0 {
            let conn = self.shared.open(writing)?;
            *self.door.borrow_mut() = Door { conn: Some(conn), generation: self.shared.generation() };
        }
        self.shared.look(writing)?;
        let mut door = self.door()?;
        let Some(conn) = &mut door.conn else { return Err(OutboxError::Unopened { path: self.path().to_owned() }) };
        let mut run = || {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx, &self.shared.context())?;
            let depths = depths::depths(&tx)?;
            tx.commit()?;
            Ok((value, depths))
        };
        let (value, depths) = run().map_err(|source| self.failed(operation, source))?;
        *lock(&self.shared.depths) = depths;
        writing.reserve.fill();
        Ok(value)
    }

    /// Puts a file in the place of one that is damaged or gone.
    fn replace(&self, writing: &mut Writing, reason: &str) -> Result<(), OutboxError> {
        let mut door = self.door.borrow_mut();
        let conn = self.shared.replace(writing, reason, door.conn.as_ref())?;
        *door = Door { conn: Some(conn), generation: self.shared.generation() };
        Ok(())
    }

    /// Replaces the file of the generation `seen` because of what a reader has found, unless somebody has done so since.
    fn mend(&self, seen: u64, reason: &str) -> Result<(), OutboxError> {
        let mut writing = lock(&self.shared.writing);
        if self.shared.generation() == seen { self.replace(&mut writing, reason) } else { Ok(()) }
    }

    fn read<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let door = self.door()?;
        let Some(conn) = &door.conn else { return Err(OutboxError::Unopened { path: self.path().to_owned() }) };
        work(conn).map_err(|source| self.failed(operation, source))
    }

    /// A connection to the file as it now is.
    fn door(&self) -> Result<RefMut<'_, Door>, OutboxError> {
        let mut door = self.door.borrow_mut();
        let generation = self.shared.generation();
        if door.generation != generation || (door.conn.is_none() && generation > 0) {
            *door = Door { conn: Some(schema::connect(self.path())?), generation };
        }
        Ok(door)
    }

    fn failed(&self, operation: &'static str, source: rusqlite::Error) -> OutboxError {
        OutboxError::from_sqlite(operation, self.path(), source)
    }
}

/// What a transaction may know of its outbox.
struct WriteContext<'a> {
    limits: OutboxLimits,
    source: &'a EventSource,
    named: Arc<Vec<Destination>>,
}

impl WriteContext<'_> {
    /// What an upstream wants; none of one that is not named.
    fn filter(&self, upstream: &str) -> Option<&Filter> {
        self.named.iter().find(|one| one.id == upstream).map(|one| &one.filter)
    }

    /// Those that do not want a report.
    fn unwilling(&self, report: &Report) -> impl Iterator<Item = &Destination> {
        self.named.iter().filter(|one| !one.filter.wants(report))
    }
}
