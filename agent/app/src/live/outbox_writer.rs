//! Writes reports to the outbox before anything else is done about them. A disk that fails holds nothing else back:
//! reports wait in memory, bounded, until it has mended.

use std::collections::BTreeMap;
use std::path::PathBuf;

use forewarn_domain::{Clock, IncidentId, Report, Timestamp, WallTime};
use forewarn_engine::Engine;
use forewarn_incident::IncidentSnapshot;
use forewarn_report::{Destination, Outbox, OutboxError, OutboxLimits, OutboxSettings, ResolvedUpstream};
use forewarn_wire::EventSource;
use forewarn_wire::story::Happening;

use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::telemetry;

/// Batches that wait for the disk to mend. Beyond this each incident keeps its latest report, which holds the whole
/// history.
const UNWRITTEN: usize = 1024;

/// Opens the outbox of a site. What must be told of it comes along.
pub fn open_outbox(site: &Site, clock: &dyn Clock) -> Result<(Outbox, Vec<Happening>), CommandError> {
    let path = site.storage.dir.outbox();
    let limits = OutboxLimits { max_bytes: site.storage.outbox_bytes, ..OutboxLimits::default() };
    let source = EventSource { site: site.header.id.to_string(), agent_version: env!("CARGO_PKG_VERSION").to_owned() };
    let now = clock.now();
    // What the site file says by the clock on the wall becomes an instant of the time line.
    let since = |shown: Timestamp| now - clock.age(WallTime::from_micros(shown.as_micros()));
    let upstreams = site.upstreams.iter().map(ResolvedUpstream::destination);
    let upstreams = upstreams.map(|one| Destination { since: one.since.map(since), ..one }).collect();
    let settings = OutboxSettings { limits, source, upstreams };
    let opened = Outbox::open(path, settings, now).or_exit(ExitCode::Failed)?;
    let notes = opened.set_aside.map(|aside| {
        let what = format!(
            "the outbox was damaged ({}); it is kept as {} and {} reports of {} incidents were carried over",
            aside.reason,
            PathBuf::from(&aside.kept_as).display(),
            aside.messages,
            aside.incidents
        );
        Happening::trouble(what, now)
    });
    Ok((opened.outbox, notes.into_iter().collect()))
}

/// The reports that one call of the engine made, with the snapshots of their incidents after it.
#[derive(Debug, Default)]
pub struct Batch {
    reports: Vec<Report>,
    snapshots: BTreeMap<IncidentId, String>,
}

impl Batch {
    /// Reports of `engine`, before it goes on.
    pub fn of(reports: &[Report], engine: &Engine) -> Self {
        let snapshot = |report: &Report| {
            let id = &report.incident.id;
            Some((id.clone(), serde_json::to_string(&engine.snapshot(id)?).ok()?))
        };
        Self { reports: reports.to_vec(), snapshots: reports.iter().filter_map(snapshot).collect() }
    }
}

/// The way into the outbox.
pub struct OutboxWriter {
    outbox: Outbox,
    unwritten: Vec<Batch>,
    trouble: Option<String>,
}

impl OutboxWriter {
    /// Writes to `outbox`.
    pub fn new(outbox: Outbox) -> Self {
        Self { outbox, unwritten: Vec::new(), trouble: None }
    }

    /// The incidents that were open when the agent last stopped, and what must be told of others.
    pub fn open_snapshots(&mut self, now: Timestamp) -> Result<(Vec<IncidentSnapshot>, Vec<Happening>), CommandError> {
        let (mut snapshots, mut notes) = (Vec::new(), Vec::new());
        for stored in self.outbox.open_snapshots().or_exit(ExitCode::Failed)? {
            match serde_json::from_str::<IncidentSnapshot>(&stored.snapshot) {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => {
                    let what = format!(
                        "incident {} cannot be taken up again ({error}); it stays in the outbox as it was last reported",
                        stored.record.id
                    );
                    notes.push(Happening::trouble(what, now));
                    self.outbox.close_incident(&stored.record.id).or_exit(ExitCode::Failed)?;
                }
            }
        }
        Ok((snapshots, notes))
    }

    /// Writes a batch, after those that wait.
    pub fn write(&mut self, batch: Batch) {
        self.unwritten.push(batch);
        self.write_waiting();
    }

    /// Writes what waits, as far as the disk lets it.
    pub fn write_waiting(&mut self) {
        while let Some(batch) = self.unwritten.first() {
            let snapshot = |report: &Report| batch.snapshots.get(&report.incident.id).map(String::as_str);
            let steps: Vec<_> = batch.reports.iter().map(|report| (report, snapshot(report))).collect();
            self.trouble = match self.outbox.record_all(&steps) {
                Ok(_) => None,
                // The incidents are kept and their latest state is queued as soon as there is room.
                Err(error @ OutboxError::Full { .. }) => Some(error.to_string()),
                Err(error) => {
                    telemetry::OUTBOX_WRITE_ERRORS.of([]).increment(1);
                    self.trouble = Some(format!("{error}; reports wait in memory"));
                    if self.unwritten.len() > UNWRITTEN {
                        self.unwritten = vec![joined(std::mem::take(&mut self.unwritten))];
                    }
                    return;
                }
            };
            self.unwritten.remove(0);
        }
    }

    /// Why reports cannot be written now.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    /// Writes what waits for the last time. An error if something is left.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        self.write_waiting();
        anyhow::ensure!(
            self.unwritten.is_empty(),
            "{} batches of reports could not be written to {}; see the log",
            self.unwritten.len(),
            self.outbox.path().display()
        );
        Ok(())
    }
}

/// One batch with the latest report of each incident.
fn joined(batches: Vec<Batch>) -> Batch {
    let (mut latest, mut snapshots) = (BTreeMap::new(), BTreeMap::new());
    for batch in batches {
        latest.extend(batch.reports.into_iter().map(|report| (report.incident.id.clone(), report)));
        snapshots.extend(batch.snapshots);
    }
    Batch { reports: latest.into_values().collect(), snapshots }
}
