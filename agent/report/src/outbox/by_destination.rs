//! The third schema: what happened is kept as plain records, and who still has to be told of it beside them.
//!
//! The second schema kept each message as the CloudEvents body that one broker was to get. Such a body is turned back
//! into the record that it was made from, so that the same bytes can be made again, and waits for whoever is upstream.

use forewarn_domain::{
    BestCrop, Finding, IdError, IncidentRecord, Reckoning, Report, RuleKey, StreamId, Timestamp, Transition,
    ViolationId, WallTime, ZoneId,
};
use forewarn_wire::{Event, EventSource, WireFinding};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::destinations::NOBODY_YET;
use super::record::{encode, insert_message};

const TABLES: &str = "
DROP TRIGGER message_added;
DROP TRIGGER message_removed;
DROP INDEX messages_by_incident;
ALTER TABLE messages RENAME TO messages_of_schema_2;
UPDATE totals SET messages = 0, bytes = 0;

-- Who is to be told. An empty id stands for whoever comes first, as long as there is nobody.
CREATE TABLE upstreams (
    id            TEXT PRIMARY KEY,
    is_required   INTEGER NOT NULL,
    -- Since when the site file no longer names it; null while it does.
    removed_at_us INTEGER,
    -- What waits for it, kept by triggers.
    messages      INTEGER NOT NULL DEFAULT 0,
    bytes         INTEGER NOT NULL DEFAULT 0
) STRICT;

-- An incident as of one of its steps, in no upstream's language.
CREATE TABLE messages (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    incident      TEXT NOT NULL,
    sequence      INTEGER NOT NULL,
    at_us         INTEGER NOT NULL,
    site          TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    report        TEXT NOT NULL,
    bytes         INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_incident ON messages (incident, sequence);

-- One row for each message that an upstream has not acknowledged. A message goes with its last row.
CREATE TABLE deliveries (
    upstream TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (upstream, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_message ON deliveries (seq);

-- Incidents of whose latest state an upstream is still to be sent a message, as soon as there is room for it.
CREATE TABLE owed (
    upstream TEXT NOT NULL,
    incident TEXT NOT NULL,
    PRIMARY KEY (upstream, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX owed_by_incident ON owed (incident);

CREATE TRIGGER message_added AFTER INSERT ON messages BEGIN
    UPDATE totals SET messages = messages + 1, bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER message_removed AFTER DELETE ON messages BEGIN
    UPDATE totals SET messages = messages - 1, bytes = bytes - OLD.bytes;
END;
CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
    UPDATE upstreams
    SET messages = messages + 1,
        bytes = bytes + coalesce((SELECT m.bytes FROM messages m WHERE m.seq = NEW.seq), 0)
    WHERE id = NEW.upstream;
END;
CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN
    UPDATE upstreams
    SET messages = messages - 1,
        bytes = bytes - coalesce((SELECT m.bytes FROM messages m WHERE m.seq = OLD.seq), 0)
    WHERE id = OLD.upstream;
    DELETE FROM messages WHERE seq = OLD.seq AND NOT EXISTS (SELECT 1 FROM deliveries WHERE seq = OLD.seq);
END;
";

const TIDY_UP: &str = "
INSERT OR IGNORE INTO owed (upstream, incident) SELECT '', id FROM incidents WHERE is_owed = 1;
DROP INDEX incidents_owed;
ALTER TABLE incidents DROP COLUMN is_owed;
DROP TABLE messages_of_schema_2;
";

/// Brings a database from the second schema to the third.
pub(super) fn migrate(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.execute_batch(TABLES)?;
    super::destinations::add(tx, NOBODY_YET, true)?;
    let mut select = tx.prepare("SELECT seq, incident, body FROM messages_of_schema_2 ORDER BY seq")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        carry_over(tx, row.get(0)?, &row.get::<_, String>(1)?, &row.get::<_, String>(2)?)?;
    }
    drop(rows);
    drop(select);
    tx.execute_batch(TIDY_UP)
}

/// Keeps one message of the second schema. Whether it could be read.
///
/// One that cannot be read is made up for by the latest state of its incident, which carries the whole history.
pub(super) fn carry_over(tx: &Connection, seq: i64, incident: &str, body: &str) -> rusqlite::Result<bool> {
    match unsaid(tx, body)? {
        Ok((report, source)) => {
            insert_message(tx, Some(seq), &report, &encode(&report)?, &source)?;
            tx.execute("INSERT INTO deliveries (upstream, seq) VALUES (?1, ?2)", params![NOBODY_YET, seq])?;
            Ok(true)
        }
        Err(problem) => {
            tracing::error!(incident, problem, "a message of the outbox cannot be read; its incident is reported anew");
            tx.execute(
                "INSERT OR IGNORE INTO owed (upstream, incident) VALUES (?1, ?2)",
                params![NOBODY_YET, incident],
            )?;
            Ok(false)
        }
    }
}

/// What an event was made from.
fn unsaid(conn: &Connection, body: &str) -> rusqlite::Result<Result<(Report, EventSource), String>> {
    let event: Event = match serde_json::from_str(body) {
        Ok(event) => event,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut findings = Vec::with_capacity(event.data.incident.findings.len());
    for finding in &event.data.incident.findings {
        let (first_at, last_at) =
            (instant(conn, finding.first_at.as_deref())?, instant(conn, finding.last_at.as_deref())?);
        match unsaid_finding(finding, first_at, last_at) {
            Ok(finding) => findings.push(finding),
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    let told_at = instant(conn, Some(&event.time))?;
    Ok(unsaid_report(&event, findings, told_at).map_err(|error| error.to_string()))
}

fn unsaid_report(
    event: &Event,
    findings: Vec<Finding>,
    told_at: Option<Timestamp>,
) -> Result<(Report, EventSource), IdError> {
    let (data, incident) = (&event.data, &event.data.incident);
    let step = |t: &forewarn_wire::WireTransition| Transition {
        state: t.state,
        at: Timestamp::from_micros(t.at_us),
        cause: t.cause,
        proof: t.proof,
        tried: t.tried.clone(),
    };
    let history: Vec<Transition> = incident.history.iter().map(step).collect();
    let of_the_step = history.get(data.sequence as usize).map(|t| t.at);
    let at = of_the_step
        .filter(|at| WallTime::from_micros(at.as_micros()).to_rfc3339() == event.time)
        .or(told_at)
        .unwrap_or(Timestamp::ZERO);
    let record = IncidentRecord {
        id: incident.id.clone(),
        rule: RuleKey {
            stream: StreamId::new(&incident.camera)?,
            violation: ViolationId::new(&incident.violation)?,
            zone: ZoneId::new(&incident.zone)?,
        },
        state: history.last().map_or(incident.state, |t| t.state),
        history,
        subject: incident.subject.clone(),
        warnings_played: incident.warnings_played,
        warning_not_delivered: incident.warning_not_delivered,
        said: None,
        findings,
        clock: Reckoning::default(),
        case: None,
    };
    let source = EventSource { site: incident.site.clone(), agent_version: data.agent_version.clone() };
    Ok((Report { incident: record, sequence: data.sequence, at, seal: None, evidence: None }, source))
}

/// The wire spells what a finding is about by the word under which it is stored, so the stored form tells it.
fn unsaid_finding(
    finding: &WireFinding,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
) -> Result<Finding, serde_json::Error> {
    let best = finding.best.as_ref().map(|best| BestCrop {
        at: Timestamp::from_micros(best.at_us),
        bbox: best.bbox,
        quality: best.quality,
    });
    serde_json::from_value(serde_json::json!({
        "attribute": finding.attribute,
        "verdict": finding.verdict,
        "unclear": finding.unclear,
        "confidence": finding.confidence,
        "votes": finding.votes,
        "looks": finding.looks,
        "first_at": first_at,
        "last_at": last_at,
        "text": finding.text,
        "best": best,
        "fly_within_m": finding.fly_within_m,
    }))
}

/// The instant that an RFC 3339 text in UTC with milliseconds names. SQLite knows the calendar.
fn instant(conn: &Connection, text: Option<&str>) -> rusqlite::Result<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    let seconds: Option<i64> =
        conn.query_row("SELECT unixepoch(?1)", params![text], |row| row.get(0)).optional()?.flatten();
    let ms = text.rsplit_once('.').and_then(|(_, ms)| ms.trim_end_matches('Z').parse::<i64>().ok()).unwrap_or(0);
    Ok(seconds.map(|seconds| Timestamp::from_micros((seconds * 1000 + ms) * 1000)))
}
