//! The outbox's bound: compaction of superseded messages, and incidents that are owed a message.
//!
//! Every message carries its incident's whole history, so a message is superseded as soon as a later one of the same
//! incident is queued. When the bound is met, superseded messages are removed, those of closed incidents first, the
//! oldest first, until a tenth of the bound is free. If that does not make room, the new message is not queued; its
//! incident is kept all the same and is owed a message of its latest state, which is queued as soon as acknowledgements
//! make room.

use forewarn_domain::{IncidentRecord, Report, Timestamp};
use forewarn_wire::{Event, EventSource};
use rusqlite::{Row, Transaction, params};

use super::{OutboxLimits, insert_message};

/// Messages and bytes now queued.
pub(super) fn totals(tx: &rusqlite::Connection) -> rusqlite::Result<(u64, u64)> {
    tx.query_row("SELECT messages, bytes FROM totals", [], |row| Ok((count(row, 0)?, count(row, 1)?)))
}

/// A number that is never negative.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0))
}

fn fits((messages, bytes): (u64, u64), more_bytes: u64, limits: &OutboxLimits) -> bool {
    messages < limits.max_messages && bytes.saturating_add(more_bytes) <= limits.max_bytes
}

/// Makes room for a message of an incident; returns whether there is room, and how many messages were compacted.
pub(super) fn make_room(
    tx: &Transaction<'_>,
    limits: &OutboxLimits,
    incident: &str,
    bytes: u64,
) -> rusqlite::Result<(bool, u32)> {
    let mut now = totals(tx)?;
    if fits(now, bytes, limits) {
        return Ok((true, 0));
    }
    let goal_messages = limits.max_messages - limits.max_messages.div_ceil(10).min(limits.max_messages);
    let goal_bytes = limits.max_bytes - limits.max_bytes / 10;
    let mut select = tx.prepare_cached(
        "SELECT m.seq, m.bytes FROM messages m LEFT JOIN incidents i ON i.id = m.incident
         WHERE m.incident = ?1
            OR m.sequence < (SELECT max(x.sequence) FROM messages x WHERE x.incident = m.incident)
         ORDER BY coalesce(i.is_closed, 1) DESC, m.seq",
    )?;
    let superseded: Vec<(i64, u64)> =
        select.query_map(params![incident], |row| Ok((row.get(0)?, count(row, 1)?)))?.collect::<Result<_, _>>()?;
    let mut compacted = 0;
    for (seq, size) in superseded {
        if now.0 <= goal_messages && now.1.saturating_add(bytes) <= goal_bytes {
            break;
        }
        tx.execute("DELETE FROM messages WHERE seq = ?1", params![seq])?;
        now = (now.0.saturating_sub(1), now.1.saturating_sub(size));
        compacted += 1;
    }
    tx.execute("UPDATE totals SET compacted = compacted + ?1", params![compacted])?;
    Ok((fits(now, bytes, limits), compacted))
}

/// Queues messages of incidents that are owed one, the longest waiting first, as far as there is room.
pub(super) fn pay_owed(tx: &Transaction<'_>, limits: &OutboxLimits, source: &EventSource) -> rusqlite::Result<u32> {
    let mut select =
        tx.prepare_cached("SELECT record FROM incidents WHERE is_owed = 1 ORDER BY updated_at_us, id LIMIT 64")?;
    let owed: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut paid = 0;
    for record in owed {
        let record = match serde_json::from_str(&record) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(%error, "an incident that is owed a message is unreadable in the outbox");
                continue;
            }
        };
        let report = latest_report(&record);
        let event = Event::from_report(&report, source);
        let body = serde_json::to_string(&event).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        if !fits(totals(tx)?, body.len() as u64, limits) {
            break;
        }
        insert_message(tx, &report, &event.id, &body)?;
        tx.execute("UPDATE incidents SET is_owed = 0 WHERE id = ?1", params![record.id.as_str()])?;
        paid += 1;
    }
    Ok(paid)
}

/// Forgets the oldest closed incidents of which nothing is left to send, beyond those that are kept for reading.
///
/// Their ids are kept, `keep_ids` of them, so that whoever holds their evidence still learns that upstream has them.
pub(super) fn forget_old(tx: &Transaction<'_>, keep_closed: u64, keep_ids: u64) -> rusqlite::Result<()> {
    let closed: u64 = tx.query_row("SELECT count(*) FROM incidents WHERE is_closed = 1", [], |row| count(row, 0))?;
    if closed <= keep_closed {
        return Ok(());
    }
    let mut select = tx.prepare_cached(
        "SELECT id FROM incidents i WHERE is_closed = 1 AND is_owed = 0
            AND NOT EXISTS (SELECT 1 FROM messages WHERE incident = i.id)
         ORDER BY updated_at_us, id LIMIT ?1",
    )?;
    let surplus = params![(closed - keep_closed) as i64];
    let forgotten: Vec<String> = select.query_map(surplus, |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in forgotten {
        tx.prepare_cached("INSERT OR REPLACE INTO forgotten (id) VALUES (?1)")?.execute(params![id])?;
        tx.prepare_cached("DELETE FROM incidents WHERE id = ?1")?.execute(params![id])?;
    }
    tx.execute(
        "DELETE FROM forgotten WHERE seq <= (SELECT coalesce(max(seq), 0) FROM forgotten) - ?1",
        params![i64::try_from(keep_ids).unwrap_or(i64::MAX)],
    )?;
    Ok(())
}

/// The report of an incident's latest transition.
fn latest_report(record: &IncidentRecord) -> Report {
    Report {
        sequence: u32::try_from(record.history.len().saturating_sub(1)).unwrap_or(u32::MAX),
        at: record.history.last().map_or(Timestamp::ZERO, |t| t.at),
        incident: record.clone(),
    }
}
