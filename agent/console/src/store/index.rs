//! The index of all incidents, newest first: `incidents.sqlite` in the storage directory. It holds nothing that does not
//! stand elsewhere too, so a damaged one is made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use forewarn_base::sync::lock;
use forewarn_domain::{IncidentRecord, IncidentState, Timestamp};
use forewarn_wire::WireIncident;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use serde::Serialize;

use super::filter::{Cursor, Filter, Judged};

/// The version of the tables; another one is made anew.
const VERSION: i64 = 3;
/// Words that more incidents have are found on the way from the newest on.
const COMMON: u32 = 1000;
/// Incidents that are kept; the oldest go beyond that. What is kept of them elsewhere stays.
const MOST: i64 = 1_000_000;

const TABLES: &str = "
CREATE TABLE incidents (
    id         TEXT PRIMARY KEY,
    opened_us  INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    steps      INTEGER NOT NULL,
    is_open    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    camera     TEXT NOT NULL,
    zone       TEXT NOT NULL,
    violation  TEXT NOT NULL,
    class      TEXT NOT NULL,
    count      INTEGER NOT NULL,
    warnings   INTEGER NOT NULL,
    opinion    TEXT,
    words      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX by_time ON incidents (opened_us DESC, id DESC);
CREATE INDEX by_camera ON incidents (camera, opened_us DESC, id DESC);
CREATE INDEX by_violation ON incidents (violation, opened_us DESC, id DESC);
CREATE INDEX by_outcome ON incidents (outcome, opened_us DESC, id DESC);
CREATE INDEX by_opinion ON incidents (opinion, opened_us DESC, id DESC);
CREATE INDEX those_open ON incidents (opened_us DESC, id DESC) WHERE is_open = 1;
-- Apart, so that a search reads little.
CREATE TABLE records (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
-- The words again, by each three letters of them, under the rows of `records`.
CREATE VIRTUAL TABLE words_of USING fts5(words, tokenize = 'trigram', detail = 'none', columnsize = 0);
CREATE TRIGGER gone AFTER DELETE ON incidents BEGIN
    DELETE FROM words_of WHERE rowid = (SELECT rowid FROM records WHERE id = old.id);
    DELETE FROM records WHERE id = old.id;
END;
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
";

/// The index failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {}: {source}; it can be deleted, and is then made anew from the evidence", path.display())]
pub(crate) struct IndexError {
    what: &'static str,
    path: PathBuf,
    source: rusqlite::Error,
}

/// An incident in a list.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    pub id: String,
    /// When it began, microseconds since the Unix epoch.
    pub opened_us: i64,
    /// When it last changed.
    pub updated_us: i64,
    pub is_open: bool,
    /// The state that it is in.
    pub state: String,
    /// What became of it: `complied`, `escalated`, `lost`, `over`, or `open`.
    pub outcome: String,
    pub camera: String,
    pub zone: String,
    pub violation: String,
    pub class: String,
    pub count: u32,
    pub warnings: u32,
    /// What operators said of it: `true`, `false_alarm`, or nothing.
    pub opinion: Option<String>,
}

/// The index. All its readers and its one writer share one connection, which each holds for milliseconds.
#[derive(Debug)]
pub(crate) struct Index {
    conn: Mutex<Connection>,
    path: PathBuf,
}

impl Index {
    /// Opens it, or makes it anew where it is damaged or of another version.
    pub(crate) fn open(path: &Path) -> Result<Self, IndexError> {
        let failed = |source| IndexError { what: "open", path: path.to_owned(), source };
        let conn = match connect(path) {
            Ok(conn) => conn,
            Err(error) => {
                tracing::warn!(%error, "the index of incidents is made anew");
                for suffix in ["", "-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    // What is not there need not go.
                    let _ = fs::remove_file(PathBuf::from(name));
                }
                connect(path).map_err(failed)?
            }
        };
        Ok(Self { conn: Mutex::new(conn), path: path.to_owned() })
    }

    /// Takes incidents in; those that were not known so, as they are listed.
    pub(crate) fn put(&self, records: &[(IncidentRecord, Option<&str>)], site: &str) -> Result<Vec<Found>, IndexError> {
        self.with("write to", |conn| {
            let tx = conn.transaction()?;
            let mut changed = Vec::new();
            for (record, opinion) in records {
                if put_one(&tx, record, *opinion, site)? {
                    changed.extend(find_one(&tx, record.id.as_str())?);
                }
            }
            tx.execute(
                "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents ORDER BY opened_us DESC, id DESC LIMIT -1 OFFSET ?1)",
                [MOST],
            )?;
            tx.commit()?;
            Ok(changed)
        })
    }

    /// Writes down what operators said of an incident; none if it is not known.
    pub(crate) fn judge(&self, id: &str, opinion: &str) -> Result<Option<Found>, IndexError> {
        self.with("write to", |conn| {
            conn.execute("UPDATE incidents SET opinion = ?2 WHERE id = ?1", params![id, opinion])?;
            find_one(conn, id)
        })
    }

    /// The incidents that fit, newest first, at most `limit`, and where the next page goes on; none where it ends.
    pub(crate) fn page(&self, filter: &Filter, limit: usize) -> Result<(Vec<Found>, Option<Cursor>), IndexError> {
        let (mut condition, mut values) = filter.sql();
        self.with("read", |conn| {
            if let Some((rare, words)) = rare(conn, filter)? {
                condition = format!("{condition} AND id IN ({rare})");
                values.extend(words);
            }
            let mut select = conn.prepare_cached(&select(&condition, limit + 1))?;
            let mut found = select.query_map(params_from_iter(values), found)?.collect::<Result<Vec<_>, _>>()?;
            let goes_on = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| goes_on);
            let cursor = last.map(|last| Cursor { opened_us: last.opened_us, id: last.id.clone() });
            Ok((found, cursor))
        })
    }

    /// How a page is found, in SQLite's words.
    #[cfg(test)]
    pub(super) fn plan(&self, filter: &Filter) -> Vec<String> {
        let (condition, values) = filter.sql();
        let explain = format!("EXPLAIN QUERY PLAN {}", select(&condition, 50));
        let plan = self.with("read", |conn| {
            let mut explain = conn.prepare(&explain)?;
            explain.query_map(params_from_iter(values), |row| row.get("detail"))?.collect()
        });
        plan.unwrap()
    }

    /// One incident as it was recorded and as it is listed.
    pub(crate) fn get(&self, id: &str) -> Result<Option<(IncidentRecord, Found)>, IndexError> {
        self.with("read", |conn| {
            let record: Option<String> =
                conn.query_row("SELECT record FROM records WHERE id = ?1", [id], |row| row.get(0)).optional()?;
            let record = record.and_then(|record| serde_json::from_str(&record).ok());
            Ok(record.zip(find_one(conn, id)?))
        })
    }

    /// Whether an incident is known.
    pub(crate) fn knows(&self, id: &str) -> Result<bool, IndexError> {
        self.with("read", |conn| Ok(find_one(conn, id)?.is_some()))
    }

    /// How many are open, and how many nobody has judged, of these cameras or of all.
    pub(crate) fn counts(&self, cameras: Option<&[String]>) -> Result<(u32, u32), IndexError> {
        let of = |only: Filter| {
            let (condition, values) = Filter { cameras: cameras.map(<[String]>::to_vec), ..only }.sql();
            (format!("SELECT count(*) FROM incidents {condition}"), values)
        };
        let open = of(Filter { state: Some("open".to_owned()), ..Filter::default() });
        let unjudged = of(Filter { judged: Some(Judged::Not), ..Filter::default() });
        self.with("read", |conn| {
            let count = |(select, values): (String, Vec<_>)| {
                conn.query_row(&select, params_from_iter(values), |row| row.get::<_, u32>(0))
            };
            Ok((count(open)?, count(unjudged)?))
        })
    }

    /// Up to where the outbox was read.
    pub(crate) fn read_up_to(&self) -> Result<Timestamp, IndexError> {
        let select = "SELECT value FROM marks WHERE name = 'read_up_to'";
        self.with("read", |conn| {
            let mark: Option<i64> = conn.query_row(select, [], |row| row.get(0)).optional()?;
            Ok(Timestamp::from_micros(mark.unwrap_or(i64::MIN)))
        })
    }

    /// The outbox was read up to there.
    pub(crate) fn has_read_up_to(&self, at: Timestamp) -> Result<(), IndexError> {
        let replace = "INSERT OR REPLACE INTO marks VALUES ('read_up_to', ?1)";
        self.with("write to", |conn| conn.execute(replace, [at.as_micros()]).map(drop))
    }

    fn with<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, IndexError> {
        work(&mut lock(&self.conn)).map_err(|source| IndexError { what, path: self.path.clone(), source })
    }
}

/// How those are found who have words that few have; none where nobody asks for words, or many have them.
fn rare(conn: &Connection, filter: &Filter) -> rusqlite::Result<Option<(String, Vec<Value>)>> {
    let words: Vec<Value> = filter.long_words().map(Value::from).collect();
    if words.is_empty() {
        return Ok(None);
    }
    let likes = vec!["words LIKE ?"; words.len()].join(" AND ");
    let probe = format!("SELECT count(*) FROM (SELECT 1 FROM words_of WHERE {likes} LIMIT {})", COMMON + 1);
    let n: u32 = conn.prepare_cached(&probe)?.query_row(params_from_iter(&words), |row| row.get(0))?;
    let of = format!("SELECT id FROM records WHERE rowid IN (SELECT rowid FROM words_of WHERE {likes})");
    Ok((n <= COMMON).then_some((of, words)))
}

const COLUMNS: &str =
    "id, opened_us, updated_us, is_open, state, outcome, camera, zone, violation, class, count, warnings, opinion";

fn select(condition: &str, most: usize) -> String {
    format!("SELECT {COLUMNS} FROM incidents {condition} ORDER BY opened_us DESC, id DESC LIMIT {most}")
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open(path)?;
    {
        // It answers before it commits; run to its end it tells of a disk that refused it.
        let mut switch = conn.prepare("PRAGMA journal_mode = WAL")?;
        let mut answers = switch.query([])?;
        while answers.next()?.is_some() {}
    }
    conn.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;")?;
    match conn.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? {
        VERSION => {}
        0 => {
            conn.execute_batch(TABLES)?;
            conn.pragma_update(None, "user_version", VERSION)?;
        }
        _ => return Err(rusqlite::Error::InvalidQuery),
    }
    Ok(conn)
}

fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        id: row.get(0)?,
        opened_us: row.get(1)?,
        updated_us: row.get(2)?,
        is_open: row.get(3)?,
        state: row.get(4)?,
        outcome: row.get(5)?,
        camera: row.get(6)?,
        zone: row.get(7)?,
        violation: row.get(8)?,
        class: row.get(9)?,
        count: row.get(10)?,
        warnings: row.get(11)?,
        opinion: row.get(12)?,
    })
}

fn find_one(conn: &Connection, id: &str) -> rusqlite::Result<Option<Found>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM incidents WHERE id = ?1"))?.query_row([id], found).optional()
}

/// True if it was not known so.
fn put_one(conn: &Connection, record: &IncidentRecord, opinion: Option<&str>, site: &str) -> rusqlite::Result<bool> {
    let id = record.id.as_str();
    let known = "SELECT steps FROM incidents WHERE id = ?1";
    let steps: Option<u32> = conn.prepare_cached(known)?.query_row([id], |row| row.get(0)).optional()?;
    let of_case = record.case.as_deref().map_or(0, |case| case.steps.len());
    let now = u32::try_from(record.history.len() + of_case).unwrap_or(u32::MAX);
    if steps.is_some_and(|steps| steps >= now) {
        return Ok(false);
    }
    let text = serde_json::to_string(record).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let wire = WireIncident::latest(record, site);
    let (first, last) =
        (wire.history.first().map_or(0, |step| step.at_us), wire.history.last().map_or(0, |step| step.at_us));
    let last = wire.case.as_ref().and_then(|case| case.steps.last()).map_or(last, |step| last.max(step.at_us));
    let upsert = "INSERT INTO incidents VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)
        ON CONFLICT (id) DO UPDATE SET updated_us = ?3, steps = ?4, is_open = ?5, state = ?6, outcome = ?7, class = ?11,
        count = ?12, warnings = ?13, words = ?15";
    conn.prepare_cached(upsert)?.execute(params![
        id,
        first,
        last,
        now,
        record.state != IncidentState::Closed,
        record.state.as_str(),
        outcome(record),
        wire.camera,
        wire.zone,
        wire.violation,
        record.subject.class.as_str(),
        record.subject.count,
        record.warnings_played,
        opinion,
        words(&wire),
    ])?;
    // Its row stays the same, for its words lie under that.
    let keep = "INSERT INTO records VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET record = ?2 RETURNING rowid";
    let row: i64 = conn.prepare_cached(keep)?.query_row(params![id, text], |row| row.get(0))?;
    conn.prepare_cached("INSERT OR REPLACE INTO words_of (rowid, words) VALUES (?1, ?2)")?
        .execute(params![row, words(&wire)])?;
    Ok(true)
}

/// What became of it. Whoever was escalated and went afterwards was escalated.
fn outcome(record: &IncidentRecord) -> &'static str {
    let ever = |state| record.first_entered(state).is_some();
    [IncidentState::Escalated, IncidentState::Complied, IncidentState::Lost, IncidentState::Over]
        .into_iter()
        .find(|state| ever(*state))
        .map_or(if record.state == IncidentState::Closed { "closed" } else { "open" }, IncidentState::as_str)
}

/// What a search looks into, in small letters.
fn words(wire: &WireIncident) -> String {
    let plates = wire.findings.iter().filter_map(|finding| finding.text.as_deref());
    let fixed = [wire.id.as_str(), &wire.camera, &wire.zone, &wire.violation, wire.subject.class.as_str()];
    fixed.into_iter().chain(plates).collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
pub(super) mod tests;
