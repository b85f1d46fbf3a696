//! How much waits, in all and for each upstream.

use std::collections::BTreeMap;

use forewarn_domain::Timestamp;
use rusqlite::Connection;

use super::bounds;
use super::types::{Backlog, Depth};

/// How much waits, in all and for each upstream.
#[derive(Debug, Clone, Default)]
pub(super) struct Depths {
    pub(super) total: Depth,
    pub(super) of: BTreeMap<String, Backlog>,
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
