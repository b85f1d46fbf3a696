//! The outbox as one upstream sees it: what waits for it, and its acknowledgements.

use std::collections::BTreeSet;
use std::sync::Arc;

use forewarn_base::sync::lock;
use forewarn_domain::{IncidentId, Report};
use forewarn_wire::EventSource;
use rusqlite::{Row, params};
use tokio::sync::watch;

use super::noter::{Noted, Noter};
use super::shared::Shared;
use super::{Backlog, Outbox, OutboxError, QueuedReport, Receipt, bounds, held, owed};

/// What waits for one upstream.
#[derive(Debug)]
pub struct Lane {
    outbox: Outbox,
    upstream: String,
    queued: watch::Receiver<u64>,
    /// What was acknowledged and could not be noted on the disk yet.
    unnoted: Vec<Receipt>,
    /// What was sent from memory on this connection, lest it be sent again when the disk has it.
    lent: BTreeSet<(IncidentId, u32)>,
    /// Started with the first acknowledgement.
    noter: Option<Noter>,
    /// The generation of the file that the places of this connection are of; 0 before it was open.
    generation: u64,
}

/// How far an upstream has got on one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The last place on the disk.
    disk: i64,
    /// The last place in memory.
    memory: i64,
}

impl Cursor {
    /// The report of this place was handed over.
    pub fn advance(&mut self, place: i64) {
        let cursor = if held::is_in_memory(place) { &mut self.memory } else { &mut self.disk };
        *cursor = place.max(*cursor);
    }
}

/// A message that cannot be read, and why.
type Unreadable = (i64, String);

impl Lane {
    pub(super) fn new(outbox: Outbox, upstream: &str) -> Self {
        let queued = outbox.shared.queued.subscribe();
        Self {
            outbox,
            upstream: upstream.to_owned(),
            queued,
            unnoted: Vec::new(),
            lent: BTreeSet::new(),
            noter: None,
            generation: 0,
        }
    }

    /// Whose it is.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// Who reports.
    pub fn source(&self) -> &EventSource {
        self.outbox.source()
    }

    /// The first `limit` reports behind the cursor that wait for this upstream, in the order of sending: those on the disk,
    /// then those that the disk does not take. A disk that cannot be read gives none, which is told.
    ///
    /// One that cannot be read is made up for by its incident's latest state, so that it holds nothing up.
    pub fn pending_after(&mut self, cursor: Cursor, limit: usize) -> Vec<QueuedReport> {
        if cursor == Cursor::default() {
            self.lent.clear();
        }
        if self.generation == 0 {
            self.generation = self.outbox.shared.generation();
        }
        let noted = self.note();
        let on_disk = self.on_disk(cursor.disk, limit);
        let trouble = noted.err().or(on_disk.as_ref().err().cloned());
        *lock(&self.outbox.shared.reading_trouble) = trouble;
        let mut reports = on_disk.unwrap_or_default();
        let shared = &self.outbox.shared;
        let context = shared.context();
        let filter = context.filter(&self.upstream);
        let wants = |report: &Report| filter.is_none_or(|filter| filter.wants(report));
        let from_memory = shared.held.pending_after(cursor.memory, limit - reports.len(), &self.upstream, wants);
        for (seq, report) in from_memory {
            self.lent.insert((report.incident.id.clone(), report.sequence));
            reports.push(QueuedReport { seq, report, source: self.source().clone() });
        }
        reports
    }

    /// A connection begins, which has read nothing yet.
    pub fn begin(&mut self) {
        self.generation = 0;
    }

    /// Whether the file was replaced since the connection began: what waits in the new one has places of its own, which
    /// the connection's cursor may be past already.
    pub fn is_of_another_file(&self) -> bool {
        self.generation != 0 && self.generation != self.outbox.shared.generation()
    }

    fn on_disk(&mut self, seq: i64, limit: usize) -> Result<Vec<QueuedReport>, String> {
        let generation = self.outbox.shared.generation();
        let mut read = self.read(seq, limit);
        if let Err(OutboxError::Damaged { reason, .. }) = &read {
            read = self.outbox.mend(generation, reason).and_then(|()| self.read(seq, limit));
        }
        let (reports, unreadable) = read.map_err(|error| error.to_string())?;
        if unreadable.is_empty() {
            return Ok(reports);
        }
        for (seq, problem) in &unreadable {
            tracing::error!(seq, problem, "a message of the outbox cannot be read; its incident is reported anew");
        }
        let replaced = self.outbox.write("replace messages that cannot be read", |tx, outbox| {
            for (seq, _) in &unreadable {
                bounds::owe_instead(tx, *seq)?;
                bounds::remove(tx, *seq)?;
            }
            owed::pay(tx, outbox, None)
        });
        self.outbox.shared.tell_queued();
        match replaced {
            // They are passed over; what the disk does not take now is done when they are met again.
            Err(error) if reports.is_empty() => Err(error.to_string()),
            _ => Ok(reports),
        }
    }

    fn read(&self, seq: i64, limit: usize) -> Result<(Vec<QueuedReport>, Vec<Unreadable>), OutboxError> {
        let known: BTreeSet<i64> = self.unnoted.iter().map(|receipt| receipt.seq).collect();
        self.outbox.read("read messages", |conn| {
            let mut select = conn.prepare_cached(
                "SELECT m.seq, m.report, m.site, m.agent_version FROM deliveries d JOIN messages m ON m.seq = d.seq
                 WHERE d.upstream = ?1 AND d.seq > ?2 ORDER BY d.seq",
            )?;
            let mut rows = select.query(params![self.upstream, seq])?;
            let (mut reports, mut unreadable) = (Vec::new(), Vec::new());
            while reports.len() + unreadable.len() < limit
                && let Some(row) = rows.next()?
            {
                let seq = row.get(0)?;
                match report_of(row, seq) {
                    Ok(queued) if known.contains(&seq) || self.is_known(&queued) => {}
                    Ok(queued) => reports.push(queued),
                    Err(problem) => unreadable.push((seq, problem)),
                }
            }
            Ok((reports, unreadable))
        })
    }

    /// Whether this upstream was sent the report from memory, before the disk took it.
    fn is_known(&self, queued: &QueuedReport) -> bool {
        let key = (queued.report.incident.id.clone(), queued.report.sequence);
        let is_unnoted = |receipt: &Receipt| (&receipt.incident, receipt.sequence) == (&key.0, key.1);
        self.lent.contains(&key) || self.unnoted.iter().any(is_unnoted)
    }

    /// Takes out what this upstream has acknowledged. Places that hold nothing for it are passed over. What the disk does
    /// not note now is noted later; until then it is not sent again, unless the agent is killed.
    pub fn ack(&mut self, receipts: &[Receipt]) {
        for receipt in receipts {
            if held::is_in_memory(receipt.seq) {
                self.outbox.shared.held.ack(receipt.seq, &self.upstream);
            }
        }
        self.unnoted.extend_from_slice(receipts);
        let trouble = self.note().err();
        *lock(&self.outbox.shared.reading_trouble) = trouble;
    }

    /// Notes on the disk what was acknowledged, as far as the disk has the reports.
    fn note(&mut self) -> Result<(), String> {
        let held = &self.outbox.shared.held;
        let is_held = |receipt: &&Receipt| held::is_in_memory(receipt.seq) && held.contains(receipt.seq);
        let due: Vec<Receipt> = self.unnoted.iter().filter(|receipt| !is_held(receipt)).cloned().collect();
        if due.is_empty() {
            return Ok(());
        }
        if self.noter.is_none() {
            self.noter = Some(Noter::start(self.outbox.again(), &self.upstream).map_err(|error| error.to_string())?);
        }
        match self.noter.as_mut().map_or(Noted::Waits, |noter| noter.note(due)) {
            Noted::Done { receipts, paid } => {
                let noted: BTreeSet<i64> = receipts.iter().map(|receipt| receipt.seq).collect();
                self.unnoted.retain(|receipt| !noted.contains(&receipt.seq));
                if paid > 0 {
                    self.outbox.shared.tell_queued();
                }
                Ok(())
            }
            Noted::Refused(why) => Err(why),
            Noted::Waits => Err("the disk takes long to note what was acknowledged".to_owned()),
        }
    }

    /// How much waits for this upstream, as of this process's latest write.
    pub fn backlog(&self) -> Backlog {
        self.reader().get()
    }

    /// A reader of the backlog that outlives this connection.
    pub(crate) fn reader(&self) -> BacklogReader {
        BacklogReader { shared: Arc::clone(&self.outbox.shared), upstream: self.upstream.clone() }
    }

    /// Returns once a message was queued since the last call.
    pub(crate) async fn queued(&mut self) {
        // The outbox itself holds the other end.
        let _ = self.queued.changed().await;
    }
}

/// Tells the backlog without a connection to the database.
#[derive(Debug, Clone)]
pub(crate) struct BacklogReader {
    shared: Arc<Shared>,
    upstream: String,
}

impl BacklogReader {
    pub(crate) fn get(&self) -> Backlog {
        let mut backlog = lock(&self.shared.depths).of.get(&self.upstream).copied().unwrap_or_default();
        let (held, oldest) = self.shared.held.waiting(&self.upstream);
        backlog.depth.messages += held;
        let on_disk = backlog.oldest_unacknowledged_at;
        backlog.oldest_unacknowledged_at = on_disk.into_iter().chain(oldest).min();
        backlog
    }
}

/// The report of a row; why it cannot be read, where the disk has spoilt it.
fn report_of(row: &Row<'_>, seq: i64) -> Result<QueuedReport, String> {
    let text = |column| row.get::<_, String>(column).map_err(|error| error.to_string());
    let report = serde_json::from_str(&text(1)?).map_err(|error| error.to_string())?;
    Ok(QueuedReport { seq, report, source: EventSource { site: text(2)?, agent_version: text(3)? } })
}
