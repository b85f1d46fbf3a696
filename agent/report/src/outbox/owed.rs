//! Paying what upstreams are owed: messages of the latest state of incidents for which there was no room before.

use forewarn_domain::{IncidentRecord, Report, Timestamp};
use rusqlite::{Transaction, params};

use super::WriteContext;
use super::bounds::{fits, owe_instead, remove, totals};
use super::record::{encode, insert_message, name_evidence};
use super::types::OutboxLimits;

/// Debts are paid while fewer messages wait for an upstream: enough to keep it busy, so that the rest stays a debt,
/// which takes no room.
const ENOUGH: u64 = 256;
/// Debts paid in one transaction, at most.
const AT_ONCE: usize = 64;

/// Queues messages of what each upstream is owed, as far as there is room; returns how many.
///
/// For `first`, who has just acknowledged something, room is also made by postponing what waits for others that are
/// farther behind: somebody who is away holds nobody up.
pub(super) fn pay(tx: &Transaction<'_>, context: &WriteContext<'_>, first: Option<&str>) -> rusqlite::Result<u32> {
    let mut select = tx.prepare_cached(
        "SELECT id FROM upstreams WHERE removed_at_us IS NULL AND messages < ?2
             AND EXISTS (SELECT 1 FROM owed WHERE upstream = id)
         ORDER BY id <> ?1, id",
    )?;
    let owing = params![first.unwrap_or_default(), ENOUGH as i64];
    let upstreams: Vec<String> = select.query_map(owing, |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut paid = 0;
    for upstream in upstreams {
        paid += pay_one(tx, context, &upstream, first == Some(upstream.as_str()))?;
    }
    Ok(paid)
}

fn pay_one(
    tx: &Transaction<'_>,
    context: &WriteContext<'_>,
    upstream: &str,
    may_postpone: bool,
) -> rusqlite::Result<u32> {
    let WriteContext { limits, source, .. } = context;
    let filter = context.filter(upstream);
    let mut select = tx.prepare_cached(
        "SELECT o.incident, i.record FROM owed o LEFT JOIN incidents i ON i.id = o.incident
         WHERE o.upstream = ?1 ORDER BY i.updated_at_us, o.incident LIMIT ?2",
    )?;
    let owed: Vec<(String, Option<String>)> = select
        .query_map(params![upstream, AT_ONCE as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut paid = 0;
    for (incident, record) in owed {
        let report = record
            .as_deref()
            .ok_or_else(|| "it is gone".to_owned())
            .and_then(|record| serde_json::from_str(record).map(latest_report).map_err(|error| error.to_string()));
        match report {
            // It was owed before anybody looked at what it is.
            Ok(report) if filter.is_some_and(|filter| !filter.wants_any(&report)) => {}
            Ok(report) => {
                let report = name_evidence(tx, &report)?;
                let whole = encode(&report)?;
                let bytes = whole.len() as u64;
                let has_room =
                    fits(totals(tx)?, bytes, limits) || (may_postpone && take_room(tx, limits, upstream, bytes)?);
                if !has_room {
                    break;
                }
                let seq = insert_message(tx, None, &report, &whole, source)?;
                tx.prepare_cached("INSERT INTO deliveries (upstream, seq) VALUES (?1, ?2)")?
                    .execute(params![upstream, seq])?;
                paid += 1;
            }
            Err(problem) => {
                tracing::error!(incident, upstream, problem, "an incident that is owed to an upstream cannot be read");
            }
        }
        tx.prepare_cached("DELETE FROM owed WHERE upstream = ?1 AND incident = ?2")?
            .execute(params![upstream, incident])?;
    }
    Ok(paid)
}

/// Postpones what waits only for those who are farther behind than `upstream`, until there is room.
fn take_room(tx: &Transaction<'_>, limits: &OutboxLimits, upstream: &str, bytes: u64) -> rusqlite::Result<bool> {
    let mut select = tx.prepare_cached(
        "SELECT m.seq FROM messages m
         WHERE EXISTS (SELECT 1 FROM upstreams WHERE id = ?1 AND is_required = 1)
             AND NOT EXISTS (
                 SELECT 1 FROM deliveries d JOIN upstreams u ON u.id = d.upstream
                 WHERE d.seq = m.seq AND u.messages <= (SELECT messages FROM upstreams WHERE id = ?1) + 1)
         ORDER BY m.seq LIMIT ?2",
    )?;
    let of_others: Vec<i64> =
        select.query_map(params![upstream, AT_ONCE as i64], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for seq in of_others {
        if fits(totals(tx)?, bytes, limits) {
            break;
        }
        owe_instead(tx, seq)?;
        remove(tx, seq)?;
    }
    Ok(fits(totals(tx)?, bytes, limits))
}

/// The report of an incident's latest transition.
fn latest_report(record: IncidentRecord) -> Report {
    Report {
        sequence: u32::try_from(record.history.len().saturating_sub(1)).unwrap_or(u32::MAX),
        at: record.history.last().map_or(Timestamp::ZERO, |t| t.at),
        incident: record,
        seal: None,
        evidence: None,
    }
}
