//! The outbox as one upstream sees it: what waits for it, and its acknowledgements.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_base::sync::lock;
use forewarn_domain::Timestamp;
use forewarn_wire::EventSource;
use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::{Backlog, Depth, Depths, Outbox, OutboxError, QueuedReport, Receipt, Shared, bounds, owed};

/// What waits for one upstream.
#[derive(Debug)]
pub struct Lane {
    outbox: Outbox,
    upstream: String,
    queued: watch::Receiver<u64>,
}

/// A message that cannot be read, and why.
type Unreadable = (i64, String);

impl Lane {
    pub(super) fn new(outbox: Outbox, upstream: &str) -> Self {
        let queued = outbox.shared.queued.subscribe();
        Self { outbox, upstream: upstream.to_owned(), queued }
    }

    /// Whose it is.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// Who reports.
    pub fn source(&self) -> &EventSource {
        self.outbox.source()
    }

    /// The first `limit` reports behind the place `seq` that wait for this upstream, in the order of sending.
    ///
    /// One that cannot be read is made up for by its incident's latest state, so that it holds nothing up.
    pub fn pending_after(&mut self, seq: i64, limit: usize) -> Result<Vec<QueuedReport>, OutboxError> {
        let (reports, unreadable) =
            self.read(seq, limit).map_err(|source| self.outbox.failed("read messages", source))?;
        if unreadable.is_empty() {
            return Ok(reports);
        }
        for (seq, problem) in &unreadable {
            tracing::error!(seq, problem, "a message of the outbox cannot be read; its incident is reported anew");
        }
        self.outbox.write("replace messages that cannot be read", |tx, outbox| {
            for (seq, _) in &unreadable {
                bounds::owe_instead(tx, *seq)?;
                bounds::remove(tx, *seq)?;
            }
            owed::pay(tx, &outbox.limits, outbox.source, None)
        })?;
        self.outbox.shared.tell_queued();
        Ok(reports)
    }

    fn read(&self, seq: i64, limit: usize) -> rusqlite::Result<(Vec<QueuedReport>, Vec<Unreadable>)> {
        let mut select = self.outbox.conn.prepare_cached(
            "SELECT m.seq, m.report, m.site, m.agent_version FROM deliveries d JOIN messages m ON m.seq = d.seq
             WHERE d.upstream = ?1 AND d.seq > ?2 ORDER BY d.seq LIMIT ?3",
        )?;
        let mut rows = select.query(params![self.upstream, seq, limit as i64])?;
        let (mut reports, mut unreadable) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            let source = EventSource { site: row.get(2)?, agent_version: row.get(3)? };
            match serde_json::from_str(&row.get::<_, String>(1)?) {
                Ok(report) => reports.push(QueuedReport { seq, report, source }),
                Err(error) => unreadable.push((seq, error.to_string())),
            }
        }
        Ok((reports, unreadable))
    }

    /// Takes out what this upstream has acknowledged. Places that hold nothing for it are passed over.
    pub fn ack(&mut self, receipts: &[Receipt]) -> Result<(), OutboxError> {
        if receipts.is_empty() {
            return Ok(());
        }
        let upstream = self.upstream.as_str();
        let paid = self.outbox.write("take out what was acknowledged", |tx, outbox| {
            let mut delete = tx.prepare_cached("DELETE FROM deliveries WHERE upstream = ?1 AND seq = ?2")?;
            // It may have been postponed while it was on its way.
            let mut settle = tx.prepare_cached(
                "DELETE FROM owed WHERE upstream = ?1 AND incident = ?2
                 AND (SELECT last_sequence FROM incidents WHERE id = ?2) <= ?3",
            )?;
            for receipt in receipts {
                delete.execute(params![upstream, receipt.seq])?;
                settle.execute(params![upstream, receipt.incident.as_str(), receipt.sequence])?;
            }
            owed::pay(tx, &outbox.limits, outbox.source, Some(upstream))
        })?;
        if paid > 0 {
            self.outbox.shared.tell_queued();
        }
        Ok(())
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
        lock(&self.shared.depths).of.get(&self.upstream).copied().unwrap_or_default()
    }
}

/// How much waits, in all and for each upstream.
pub(super) fn depths(tx: &Connection) -> rusqlite::Result<Depths> {
    let (messages, bytes) = bounds::totals(tx)?;
    let mut select = tx.prepare_cached(
        "SELECT u.id, u.messages, u.bytes, (SELECT count(*) FROM owed WHERE upstream = u.id), coalesce(
             (SELECT m.at_us FROM deliveries d JOIN messages m ON m.seq = d.seq
              WHERE d.upstream = u.id ORDER BY d.seq LIMIT 1),
             (SELECT min(i.updated_at_us) FROM owed o JOIN incidents i ON i.id = o.incident WHERE o.upstream = u.id))
         FROM upstreams u",
    )?;
    let mut rows = select.query([])?;
    let mut of = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let depth = Depth { messages: bounds::count(row, 1)?, bytes: bounds::count(row, 2)? };
        let owed = bounds::count(row, 3)?;
        let oldest: Option<i64> = row.get(4)?;
        let oldest_unacknowledged_at = oldest.map(Timestamp::from_micros);
        of.insert(id, Backlog { depth, owed, oldest_unacknowledged_at });
    }
    Ok(Depths { total: Depth { messages, bytes }, of })
}
