//! What a demo did, in a few lines.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use forewarn_domain::{AnnounceOutcome, IncidentId, IncidentRecord, IncidentState};
use forewarn_wire::story::Happening;
use serde_json::json;

/// What happened, counted.
#[derive(Debug, Default)]
pub struct Tally {
    records: BTreeMap<IncidentId, IncidentRecord>,
    warnings_played: u64,
    bundles: u64,
}

impl Tally {
    /// Counts one thing.
    pub fn count(&mut self, happening: &Happening) {
        match happening {
            Happening::Moved { record, .. } => {
                self.records.insert(record.id.clone(), record.clone());
            }
            Happening::Announced { outcome: AnnounceOutcome::Played { .. }, .. } => self.warnings_played += 1,
            Happening::Sealed { .. } => self.bundles += 1,
            Happening::Announced { .. }
            | Happening::Announcing { .. }
            | Happening::Stream { .. }
            | Happening::Trouble { .. } => {}
        }
    }

    fn ever(&self, state: IncidentState) -> usize {
        self.records.values().filter(|record| record.first_entered(state).is_some()).count()
    }
}

/// Figures of the run.
#[derive(Debug, Default)]
pub struct Figures {
    /// Frames that were decoded.
    pub frames_decoded: u64,
    /// Frames that were analysed.
    pub frames_analysed: u64,
    /// Frames that were dropped because a newer one came.
    pub frames_dropped: u64,
    /// Reports that the broker acknowledged; none without a broker.
    pub reports_acknowledged: Option<u64>,
    /// Reports that it has not acknowledged.
    pub reports_pending: u64,
    /// Milliseconds from a frame's arrival to the decision: median and 99th percentile; none in a fast run.
    pub latency_ms: Option<(u64, u64)>,
    /// What the report of a flight says, and where it lies.
    pub flight: Option<String>,
    /// Processor seconds of this process.
    pub cpu_s: f64,
    /// Seconds that the run took.
    pub wall_s: f64,
}

/// Prints the summary.
pub fn print(tally: &Tally, figures: &Figures, out: &Path, is_json: bool) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let open = tally.records.values().filter(|record| record.state != IncidentState::Closed).count();
    let (complied, escalated) = (tally.ever(IncidentState::Complied), tally.ever(IncidentState::Escalated));
    let cpu_share = 100.0 * figures.cpu_s / figures.wall_s.max(0.001);
    if is_json {
        let value = json!({ "event": "summary", "incidents": tally.records.len(), "complied": complied,
            "escalated": escalated, "open": open, "warnings_played": tally.warnings_played,
            "frames_decoded": figures.frames_decoded, "frames_analysed": figures.frames_analysed,
            "frames_dropped": figures.frames_dropped, "reports_acknowledged": figures.reports_acknowledged,
            "reports_pending": figures.reports_pending, "latency_p50_ms": figures.latency_ms.map(|(p50, _)| p50),
            "latency_p99_ms": figures.latency_ms.map(|(_, p99)| p99), "cpu_s": figures.cpu_s, "wall_s": figures.wall_s,
            "evidence": out.join("evidence"), "flight": figures.flight });
        return writeln!(stdout, "{value}");
    }
    writeln!(stdout)?;
    writeln!(
        stdout,
        "incidents   {}: {complied} complied, {escalated} escalated, {open} still open",
        tally.records.len()
    )?;
    let proof = if figures.reports_acknowledged.is_some() { "played to the end" } else { "assumed to be played" };
    writeln!(stdout, "warnings    {} {proof}", tally.warnings_played)?;
    match figures.reports_acknowledged {
        Some(n) => writeln!(stdout, "reports     {n} acknowledged by the broker, {} waiting", figures.reports_pending)?,
        None => writeln!(stdout, "reports     not sent in a fast run")?,
    }
    writeln!(
        stdout,
        "frames      {} decoded, {} analysed, {} dropped",
        figures.frames_decoded, figures.frames_analysed, figures.frames_dropped
    )?;
    if let Some((p50, p99)) = figures.latency_ms {
        writeln!(stdout, "latency     {p50} ms from a frame's arrival to the decision, 99 % within {p99} ms")?;
    }
    writeln!(stdout, "processor   {:.1} s in {:.1} s, {cpu_share:.0} % of one core", figures.cpu_s, figures.wall_s)?;
    if let Some(told) = &figures.flight {
        writeln!(stdout, "flight      {told}")?;
    }
    writeln!(stdout, "evidence    {}", out.join("evidence").display())?;
    writeln!(stdout, "            open a clip in any player; check a folder with `forewarn evidence verify FOLDER`")
}
