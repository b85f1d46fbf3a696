//! The outbox's bound, which holds over all upstreams together, and what is done when it is met.
//!
//! Every message carries its incident's whole history, so a message is superseded as soon as a later one of the same
//! incident is queued. When the bound is met, messages go in this order, the oldest first, until a tenth of the bound is
//! free:
//!
//! 1. those that only upstreams that are not required still wait for;
//! 2. those that are superseded, first those that the fewest required upstreams wait for, those of closed incidents
//!    before others;
//! 3. those that some required upstream has and another has not: whoever is slow or away pays for the room, not the
//!    others.
//!
//! Whoever waited for a message of the first or third kind is *owed* its incident instead: a message of its latest state,
//! which is queued as soon as acknowledgements make room. If all that makes no room, every required upstream is behind:
//! the new message is not queued, and everybody is owed its incident. No incident is dropped.

use rusqlite::{Row, Transaction, params};

use super::types::{MadeRoom, OutboxLimits};

/// Messages and bytes now queued.
pub(super) fn totals(tx: &rusqlite::Connection) -> rusqlite::Result<(u64, u64)> {
    tx.query_row("SELECT messages, bytes FROM totals", [], |row| Ok((count(row, 0)?, count(row, 1)?)))
}

/// A number that is never negative.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0))
}

pub(super) fn fits((messages, bytes): (u64, u64), more_bytes: u64, limits: &OutboxLimits) -> bool {
    messages < limits.max_messages && bytes.saturating_add(more_bytes) <= limits.max_bytes
}

/// Whether a required upstream still waits for something of the incident that a query calls `i`.
pub(super) const IS_AWAITED: &str = "
(EXISTS (SELECT 1 FROM messages m JOIN deliveries d ON d.seq = m.seq JOIN upstreams u ON u.id = d.upstream
         WHERE m.incident = i.id AND u.is_required = 1)
 OR EXISTS (SELECT 1 FROM owed o JOIN upstreams u ON u.id = o.upstream
            WHERE o.incident = i.id AND u.is_required = 1))";

/// Messages that may go, in the order in which they go. Each has a later message of its incident beside it in the queue
/// (or about to be), or is only postponed.
const VICTIMS: &str = "
WITH queued AS (
    SELECT m.seq, m.bytes, coalesce(i.is_closed, 1) AS is_closed,
        -- Transitions, steps of a case and seals have their own quarters of the sequences, and supersede each other alone.
        (m.incident = ?1 AND m.sequence / 1073741824 = ?2)
            OR m.sequence < (SELECT max(x.sequence) FROM messages x
                WHERE x.incident = m.incident AND x.sequence / 1073741824 = m.sequence / 1073741824)
            AS is_superseded,
        (SELECT count(*) FROM deliveries d JOIN upstreams u ON u.id = d.upstream
         WHERE d.seq = m.seq AND u.is_required = 1) AS waiting
    FROM messages m LEFT JOIN incidents i ON i.id = m.incident
), ranked AS (
    SELECT *, CASE
        WHEN waiting = 0 THEN 0
        WHEN is_superseded THEN 1
        WHEN waiting < (SELECT count(*) FROM upstreams WHERE is_required = 1) THEN 2
        ELSE 3 END AS rank
    FROM queued
)
SELECT seq, bytes, is_superseded FROM ranked WHERE rank < 3
ORDER BY rank, CASE WHEN rank = 1 THEN waiting ELSE 0 END, CASE WHEN rank = 1 THEN -is_closed ELSE 0 END, seq";

/// What messages of an incident supersede each other: the upper bits of their sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Those of its transitions.
    Transitions,
    /// Those of steps of its case.
    Case,
    /// Those of its seals.
    Seals,
}

/// Makes room for a message of an incident; none if there is no room.
pub(super) fn make_room(
    tx: &Transaction<'_>,
    limits: &OutboxLimits,
    incident: &str,
    group: Group,
    bytes: u64,
) -> rusqlite::Result<Option<MadeRoom>> {
    let mut made = MadeRoom::default();
    let mut now = totals(tx)?;
    if fits(now, bytes, limits) {
        return Ok(Some(made));
    }
    let goal_messages = limits.max_messages - limits.max_messages.div_ceil(10).min(limits.max_messages);
    let goal_bytes = limits.max_bytes - limits.max_bytes / 10;
    let victims: Vec<(i64, u64, bool)> = tx
        .prepare_cached(VICTIMS)?
        .query_map(params![incident, group as i64], |row| Ok((row.get(0)?, count(row, 1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (seq, size, is_superseded) in victims {
        if now.0 <= goal_messages && now.1.saturating_add(bytes) <= goal_bytes {
            break;
        }
        if is_superseded {
            owe_where_last(tx, seq, if group == Group::Transitions { incident } else { "" })?;
            made.compacted += 1;
        } else {
            owe_instead(tx, seq)?;
            made.postponed += 1;
        }
        remove(tx, seq)?;
        now = (now.0.saturating_sub(1), now.1.saturating_sub(size));
    }
    tx.execute("UPDATE totals SET compacted = compacted + ?1", params![made.compacted])?;
    if made.postponed > 0 {
        tracing::warn!(
            messages = made.postponed,
            "the outbox is full: an upstream that is away or slow gets the latest state of these incidents later"
        );
    }
    Ok(fits(now, bytes, limits).then_some(made))
}

/// Removes a message that some still wait for.
pub(super) fn remove(tx: &Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    // The message goes with its last delivery.
    tx.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?.execute(params![seq])?;
    Ok(())
}

/// Whoever waits for this message is owed its incident, as far as that is still known.
pub(super) fn owe_instead(tx: &Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO owed (upstream, incident)
         SELECT d.upstream, m.incident FROM deliveries d JOIN messages m ON m.seq = d.seq
         WHERE d.seq = ?1 AND EXISTS (SELECT 1 FROM incidents WHERE id = m.incident)",
    )?
    .execute(params![seq])?;
    Ok(())
}

/// Whoever waits for this message and for no later one of its incident, because it does not want that, is owed the
/// incident. What the message that is about to come brings is owed no more as soon as that is queued.
fn owe_where_last(tx: &Transaction<'_>, seq: i64, incident: &str) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO owed (upstream, incident)
         SELECT d.upstream, m.incident FROM deliveries d JOIN messages m ON m.seq = d.seq
         WHERE d.seq = ?1 AND m.sequence < 1073741824
             AND (m.incident = ?2 OR NOT EXISTS (
                 SELECT 1 FROM deliveries l JOIN messages n ON n.seq = l.seq
                 WHERE l.upstream = d.upstream AND n.incident = m.incident AND n.seq > m.seq
                     AND n.sequence < 1073741824))",
    )?
    .execute(params![seq, incident])?;
    Ok(())
}

/// Forgets the oldest closed incidents of which nothing is left to send to a required upstream, beyond those that are
/// kept for reading.
///
/// Their ids are kept, `keep_ids` of them, so that whoever holds their evidence still learns that upstream has them.
pub(super) fn forget_old(tx: &Transaction<'_>, keep_closed: u64, keep_ids: u64) -> rusqlite::Result<()> {
    let closed: u64 = tx.query_row("SELECT count(*) FROM incidents WHERE is_closed = 1", [], |row| count(row, 0))?;
    if closed <= keep_closed {
        return Ok(());
    }
    let mut select = tx.prepare_cached(&format!(
        "SELECT id FROM incidents i WHERE is_closed = 1 AND snapshot IS NULL AND NOT {IS_AWAITED} ORDER BY updated_at_us, id LIMIT ?1"
    ))?;
    let surplus = params![(closed - keep_closed) as i64];
    let forgotten: Vec<String> = select.query_map(surplus, |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in forgotten {
        tx.prepare_cached("INSERT OR REPLACE INTO forgotten (id) VALUES (?1)")?.execute(params![id])?;
        tx.prepare_cached("DELETE FROM owed WHERE incident = ?1")?.execute(params![id])?;
        tx.prepare_cached("DELETE FROM incidents WHERE id = ?1")?.execute(params![id])?;
    }
    tx.execute(
        "DELETE FROM forgotten WHERE seq <= (SELECT coalesce(max(seq), 0) FROM forgotten) - ?1",
        params![i64::try_from(keep_ids).unwrap_or(i64::MAX)],
    )?;
    Ok(())
}
