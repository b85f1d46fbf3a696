//! Who is to be told: comparing the upstreams that the site file names with those that the outbox knows.

use std::time::Duration;

use forewarn_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::filter::Filter;

/// Stands for whoever comes first, as long as no upstream was ever named.
pub(super) const NOBODY_YET: &str = "";
/// For so long an upstream that is no longer named keeps what waited for it, so that a mistake in the site file can be
/// taken back.
const KEEP_REMOVED: Duration = Duration::from_hours(7 * 24);

/// An upstream as the outbox sees it.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its id; what waits for it is kept under this name.
    pub id: String,
    /// Whether a report counts as acknowledged only when it has it.
    pub is_required: bool,
    /// Where it is new: from when on it is told of incidents, by their latest state. Only of what is new if absent.
    pub since: Option<Timestamp>,
    /// What it is told of.
    pub filter: Filter,
}

impl Destination {
    /// One that must have everything, from now on.
    pub fn required(id: impl Into<String>) -> Self {
        Self { id: id.into(), is_required: true, since: None, filter: Filter::default() }
    }
}

/// Adds an upstream for which nothing waits.
pub(super) fn add(conn: &Connection, id: &str, is_required: bool) -> rusqlite::Result<()> {
    conn.execute("INSERT OR IGNORE INTO upstreams (id, is_required) VALUES (?1, ?2)", params![id, is_required])?;
    Ok(())
}

/// Makes the outbox's upstreams those that are named.
///
/// Without any, what happens waits for those that were there, or for whoever comes first.
pub(super) fn settle(tx: &Transaction<'_>, named: &[Destination], now: Timestamp) -> rusqlite::Result<()> {
    let known: u32 = tx.query_row("SELECT count(*) FROM upstreams", [], |row| row.get(0))?;
    if named.is_empty() {
        return if known == 0 { add(tx, NOBODY_YET, true) } else { Ok(()) };
    }
    let nobody_yet =
        tx.query_row("SELECT EXISTS (SELECT 1 FROM upstreams WHERE id = ?1)", [NOBODY_YET], |r| r.get(0))?;
    for destination in named {
        let id = destination.id.as_str();
        let removed_at: Option<Option<i64>> = tx
            .query_row("SELECT removed_at_us FROM upstreams WHERE id = ?1", params![id], |row| row.get(0))
            .optional()?;
        add(tx, id, destination.is_required)?;
        tx.execute(
            "UPDATE upstreams SET is_required = ?2, removed_at_us = NULL WHERE id = ?1",
            params![id, destination.is_required],
        )?;
        match removed_at {
            None if nobody_yet => inherit(tx, destination)?,
            None => owe_since(tx, id, destination.since)?,
            // What happened while it was away was not kept for it.
            Some(removed_at) => owe_since(tx, id, removed_at.map(Timestamp::from_micros))?,
        }
    }
    drop_upstream(tx, NOBODY_YET)?;
    let mut select = tx.prepare("SELECT id FROM upstreams WHERE removed_at_us IS NULL")?;
    let there: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in there.iter().filter(|id| named.iter().all(|destination| destination.id != **id)) {
        tracing::warn!(
            upstream = id,
            "the site file no longer names this upstream; what waits for it is kept for seven days"
        );
        tx.execute(
            "UPDATE upstreams SET is_required = 0, removed_at_us = ?2 WHERE id = ?1",
            params![id, now.as_micros()],
        )?;
    }
    forget_removed(tx, now)
}

/// Gives up what waits for upstreams that have not been named for too long.
pub(super) fn forget_removed(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let mut select = tx.prepare_cached("SELECT id, messages FROM upstreams WHERE removed_at_us <= ?1")?;
    let limit = params![(now - KEEP_REMOVED).as_micros()];
    let gone: Vec<(String, i64)> =
        select.query_map(limit, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for (id, messages) in gone {
        tracing::warn!(upstream = id, messages, "gave up what waited for an upstream that is no longer named");
        drop_upstream(tx, &id)?;
    }
    Ok(())
}

/// Everything that waited for nobody in particular waits for this one.
fn inherit(tx: &Transaction<'_>, destination: &Destination) -> rusqlite::Result<()> {
    let id = destination.id.as_str();
    tx.execute(
        "INSERT OR IGNORE INTO deliveries (upstream, seq) SELECT ?1, seq FROM deliveries WHERE upstream = ?2",
        params![id, NOBODY_YET],
    )?;
    tx.execute(
        "INSERT OR IGNORE INTO owed (upstream, incident) SELECT ?1, incident FROM owed WHERE upstream = ?2",
        params![id, NOBODY_YET],
    )?;
    take_back_unwanted(tx, destination)
}

/// Of what waits for an upstream that is new, only that stays which it wants.
fn take_back_unwanted(tx: &Transaction<'_>, destination: &Destination) -> rusqlite::Result<()> {
    let mut select =
        tx.prepare("SELECT d.seq, m.report FROM deliveries d JOIN messages m ON m.seq = d.seq WHERE d.upstream = ?1")?;
    let mut rows = select.query(params![destination.id])?;
    let mut unwanted = Vec::new();
    while let Some(row) = rows.next()? {
        // One that the disk has spoilt is made up for when it is met.
        let report = serde_json::from_str(&row.get::<_, String>(1)?);
        if report.is_ok_and(|report| !destination.filter.wants(&report)) {
            unwanted.push(row.get(0)?);
        }
    }
    unwanted.into_iter().try_for_each(|seq| take_back(tx, &destination.id, seq))
}

/// A message does not wait for an upstream any more.
pub(super) fn take_back(tx: &Transaction<'_>, id: &str, seq: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM deliveries WHERE upstream = ?1 AND seq = ?2")?.execute(params![id, seq])?;
    Ok(())
}

fn owe_since(tx: &Transaction<'_>, id: &str, since: Option<Timestamp>) -> rusqlite::Result<()> {
    let Some(since) = since else { return Ok(()) };
    tx.execute(
        "INSERT OR IGNORE INTO owed (upstream, incident) SELECT ?1, id FROM incidents WHERE updated_at_us >= ?2",
        params![id, since.as_micros()],
    )?;
    Ok(())
}

fn drop_upstream(tx: &Transaction<'_>, id: &str) -> rusqlite::Result<()> {
    for table in ["deliveries", "owed"] {
        tx.execute(&format!("DELETE FROM {table} WHERE upstream = ?1"), params![id])?;
    }
    tx.execute("DELETE FROM upstreams WHERE id = ?1", params![id])?;
    Ok(())
}
