//! The transaction that writes a report down.

use forewarn_domain::{EvidenceRef, IncidentState, Report};
use forewarn_wire::EventSource;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;

use super::WriteContext;
use super::bounds::{self, Group};
use super::destinations;
use super::types::Recorded;

/// Ids of forgotten incidents that are kept, about 150 bytes each. Evidence of this many takes 100 GB and more, so that
/// retention has deleted it before its incident's id goes.
pub(super) const KEEP_FORGOTTEN: u64 = 200_000;

/// A report with what is written of it.
pub(super) struct Step<'a> {
    pub(super) report: &'a Report,
    /// The whole report as JSON.
    pub(super) whole: String,
    /// Its incident as JSON.
    pub(super) record: String,
    pub(super) snapshot: Option<&'a str>,
}

impl<'a> Step<'a> {
    /// Encodes a report.
    pub(super) fn of(report: &'a Report, snapshot: Option<&'a str>) -> serde_json::Result<Self> {
        let (whole, record) = (serde_json::to_string(report)?, serde_json::to_string(&report.incident)?);
        Ok(Self { report, whole, record, snapshot })
    }
}

/// A report, or a seal, as it is stored.
pub(super) fn encode(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

/// Queues one message for nobody yet, `whole` being its report as it is stored; returns its place.
pub(super) fn insert_message(
    tx: &Connection,
    seq: Option<i64>,
    report: &Report,
    whole: &str,
    source: &EventSource,
) -> rusqlite::Result<i64> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO messages (seq, incident, sequence, at_us, site, agent_version, report, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    insert.execute(params![
        seq,
        report.incident.id.as_str(),
        report.sequence,
        report.at.as_micros(),
        source.site,
        source.agent_version,
        whole,
        whole.len() as i64,
    ])?;
    Ok(tx.last_insert_rowid())
}

/// Writes the incident, its snapshot and the message down; `None` if the message found no room.
pub(super) fn record(
    tx: &Transaction<'_>,
    context: &WriteContext<'_>,
    step: &Step<'_>,
) -> rusqlite::Result<Option<Recorded>> {
    let limits = &context.limits;
    let report = step.report;
    let key = report.incident.id.as_str();
    if report.seal.is_some() {
        return record_seal(tx, context, step);
    }
    if report.is_of_case() {
        return record_case(tx, context, step);
    }
    let last: Option<u32> = tx
        .prepare_cached("SELECT last_sequence FROM incidents WHERE id = ?1")?
        .query_row(params![key], |row| row.get(0))
        .optional()?;
    if last.is_some_and(|last| report.sequence <= last) {
        if let Some(snapshot) = step.snapshot {
            tx.execute("UPDATE incidents SET snapshot = ?2 WHERE id = ?1 AND is_closed = 0", params![key, snapshot])?;
        }
        return Ok(Some(Recorded::Repeated));
    }
    let named = name_evidence(tx, report)?;
    let step = &Step { report: &named, whole: encode(&named)?, record: step.record.clone(), snapshot: step.snapshot };
    let skipped = last.map_or(0, |last| report.sequence - last - 1);
    let made_room = bounds::make_room(tx, limits, key, Group::Transitions, step.whole.len() as u64)?;
    keep_incident(tx, step)?;
    let mut recorded = None;
    if let Some(made_room) = made_room {
        let seq = queue(tx, context, step)?;
        // What was owed of this incident comes with this message.
        tx.prepare_cached(
            "DELETE FROM owed WHERE incident = ?1 AND upstream IN (SELECT upstream FROM deliveries WHERE seq = ?2)",
        )?
        .execute(params![key, seq])?;
        recorded = Some(Recorded::Queued { seq, made_room, skipped });
    } else {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO owed (upstream, incident)
             SELECT id, ?1 FROM upstreams WHERE removed_at_us IS NULL",
        )?
        .execute(params![key])?;
        for destination in context.unwilling(report) {
            tx.prepare_cached(
                "DELETE FROM owed WHERE upstream = ?1 AND incident = ?2
                 AND NOT EXISTS (SELECT 1 FROM messages m JOIN deliveries d ON d.seq = m.seq
                                 WHERE m.incident = ?2 AND d.upstream = ?1)",
            )?
            .execute(params![destination.id, key])?;
        }
    }
    // Only now: an incident whose message is not queued yet looks like one of which nothing is left to send.
    if report.incident.state == IncidentState::Closed {
        destinations::forget_removed(tx, report.at)?;
        bounds::forget_old(tx, limits.keep_closed, KEEP_FORGOTTEN)?;
    }
    Ok(recorded)
}

/// The report of a transition with where its evidence lies, and the latest seal of that.
pub(super) fn name_evidence(tx: &Connection, report: &Report) -> rusqlite::Result<Report> {
    let seal: Option<String> = tx
        .prepare_cached("SELECT seal FROM incidents WHERE id = ?1")?
        .query_row(params![report.incident.id.as_str()], |row| row.get(0))
        .optional()?
        .flatten();
    // One that the disk has spoilt was told by a message of its own.
    let seal = seal.and_then(|seal| serde_json::from_str(&seal).ok());
    let evidence = Some(Box::new(EvidenceRef { bundle: report.incident.bundle(), seal }));
    Ok(Report { evidence, ..report.clone() })
}

/// Queues a message for everybody who wants it; returns its place. One that nobody wants is gone again.
fn queue(tx: &Transaction<'_>, context: &WriteContext<'_>, step: &Step<'_>) -> rusqlite::Result<i64> {
    let seq = insert_message(tx, None, step.report, &step.whole, context.source)?;
    tx.prepare_cached(
        "INSERT INTO deliveries (upstream, seq) SELECT id, ?1 FROM upstreams WHERE removed_at_us IS NULL",
    )?
    .execute(params![seq])?;
    context.unwilling(step.report).try_for_each(|one| destinations::take_back(tx, &one.id, seq))?;
    Ok(seq)
}

/// Writes the message of a seal down, beside what is kept of its incident; `None` if it found no room. One that waits
/// already does so once.
fn record_seal(
    tx: &Transaction<'_>,
    context: &WriteContext<'_>,
    step: &Step<'_>,
) -> rusqlite::Result<Option<Recorded>> {
    let key = step.report.incident.id.as_str();
    if let Some(seal) = &step.report.seal {
        let seal = encode(seal)?;
        tx.prepare_cached("UPDATE incidents SET seal = ?2 WHERE id = ?1")?.execute(params![key, seal])?;
    }
    let waits: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE incident = ?1 AND sequence = ?2)")?
        .query_row(params![key, step.report.sequence], |row| row.get(0))?;
    if waits {
        return Ok(Some(Recorded::Repeated));
    }
    let Some(made_room) = bounds::make_room(tx, &context.limits, key, Group::Seals, step.whole.len() as u64)? else {
        return Ok(None);
    };
    Ok(Some(Recorded::Queued { seq: queue(tx, context, step)?, made_room, skipped: 0 }))
}

/// Writes the message of a step of a case down, with the incident as it is now and what its case is gone on with from;
/// `None` if it found no room. The case may go on when the incident is closed.
fn record_case(
    tx: &Transaction<'_>,
    context: &WriteContext<'_>,
    step: &Step<'_>,
) -> rusqlite::Result<Option<Recorded>> {
    let (report, key) = (step.report, step.report.incident.id.as_str());
    tx.prepare_cached(
        "UPDATE incidents SET record = ?2, updated_at_us = max(updated_at_us, ?3),
             snapshot = CASE WHEN is_closed THEN ?4 ELSE coalesce(?4, snapshot) END WHERE id = ?1",
    )?
    .execute(params![key, step.record, report.at.as_micros(), step.snapshot])?;
    let waits: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE incident = ?1 AND sequence = ?2)")?
        .query_row(params![key, report.sequence], |row| row.get(0))?;
    if waits {
        return Ok(Some(Recorded::Repeated));
    }
    let named = name_evidence(tx, report)?;
    let step = &Step { report: &named, whole: encode(&named)?, record: step.record.clone(), snapshot: step.snapshot };
    let made = bounds::make_room(tx, &context.limits, key, Group::Case, step.whole.len() as u64)?;
    let Some(made_room) = made else { return Ok(None) };
    Ok(Some(Recorded::Queued { seq: queue(tx, context, step)?, made_room, skipped: 0 }))
}

fn keep_incident(tx: &Transaction<'_>, step: &Step<'_>) -> rusqlite::Result<()> {
    let (report, incident) = (step.report, &step.report.incident);
    let is_closed = incident.state == IncidentState::Closed;
    let goes_on = incident.case.as_deref().is_some_and(|case| !case.stage.is_end());
    let opened_at = incident.history.first().map_or(report.at, |t| t.at);
    tx.prepare_cached(
        "INSERT INTO incidents
             (id, state, opened_at_us, updated_at_us, last_sequence, is_closed, record, snapshot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET
             state = excluded.state, updated_at_us = excluded.updated_at_us,
             last_sequence = excluded.last_sequence,
             is_closed = max(is_closed, excluded.is_closed), record = excluded.record,
             snapshot = CASE WHEN excluded.is_closed THEN excluded.snapshot
                             ELSE coalesce(excluded.snapshot, snapshot) END",
    )?
    .execute(params![
        incident.id.as_str(),
        incident.state.as_str(),
        opened_at.as_micros(),
        report.at.as_micros(),
        report.sequence,
        is_closed,
        step.record,
        step.snapshot.filter(|_| !is_closed || goes_on),
    ])?;
    Ok(())
}
