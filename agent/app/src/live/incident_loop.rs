//! The incident loop: the one thread that owns tracker, rules and machine, and that writes reports down before anything
//! else is done about them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use forewarn_domain::{
    AnnounceOutcome, Announcement, Cause, Clock, EvidenceRequest, FailureKind, Frame, IncidentRecord, IncidentState,
    Report, SensorId, StreamId, Timestamp,
};
use forewarn_engine::Engine;
use forewarn_incident::{IncidentSnapshot, Output};
use forewarn_pipelines::StreamEvent;
use forewarn_report::{Outbox, OutboxError, OutboxLimits};
use forewarn_wire::EventSource;

use super::evidence::EvidenceQueue;
use super::inference::Shared;
use super::latency::Latencies;
use super::sensors::{Mailbox, News, Turn};
use super::speakers::Queues;
use super::{LoopEvent, Receiver, trouble};
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::happening::Happening;
use crate::heat::HeatKeeper;
use crate::learned_scenes::SceneKeeper;
use crate::operator::suppressions::SuppressionsFile;
use crate::output::timeline::Narrator;
use crate::rules_memory::MemoryKeeper;

/// How long the loop waits for an event when nothing falls due.
const IDLE: Duration = Duration::from_millis(500);
/// Reports that could not be written and wait for the disk to mend. Beyond this the oldest state of the same incident is
/// replaced by its newest, which holds the whole history.
const UNWRITTEN: usize = 1024;

/// What the loop knows, for those who look from outside.
#[derive(Debug, Default)]
pub struct Board {
    /// The incidents that are open.
    pub open: Vec<IncidentRecord>,
    /// The streams without a picture, and why.
    pub down: BTreeMap<StreamId, String>,
    /// The sensors that cannot be read, and why.
    pub unread: BTreeMap<SensorId, String>,
}

/// The board, shared.
pub type SharedBoard = Arc<Mutex<Board>>;

/// Opens the outbox of a site. What must be told of it comes along.
pub fn open_outbox(site: &Site, now: Timestamp) -> Result<(Outbox, Vec<Happening>), CommandError> {
    let path = site.storage.outbox();
    let limits = OutboxLimits { max_bytes: site.storage.outbox_bytes, ..OutboxLimits::default() };
    let source = EventSource { site: site.header.id.to_string(), agent_version: env!("CARGO_PKG_VERSION").to_owned() };
    let opened = Outbox::open(path, limits, source).or_exit(ExitCode::Failed)?;
    let notes = opened.set_aside.map(|aside| {
        let what = format!(
            "the outbox was damaged ({}); it is kept as {} and {} reports of {} incidents were carried over",
            aside.reason,
            PathBuf::from(&aside.kept_as).display(),
            aside.messages,
            aside.incidents
        );
        trouble(what, now)
    });
    Ok((opened.outbox, notes.into_iter().collect()))
}

/// A batch of reports that one call of the engine made, with the snapshots after it.
struct Batch {
    reports: Vec<Report>,
    snapshots: BTreeMap<forewarn_domain::IncidentId, String>,
}

/// The loop's state.
pub struct IncidentLoop {
    engine: Engine,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    speakers: Queues,
    evidence: EvidenceQueue,
    narrator: Option<Box<dyn Narrator>>,
    latest: BTreeMap<StreamId, Frame>,
    unwritten: Vec<Batch>,
    write_trouble: Option<String>,
    board: SharedBoard,
    /// Closed incidents whose seal the evidence queue had no room for.
    unsealed: Vec<IncidentRecord>,
    /// Evidence that the queue had no room for; its frames are given up, its clips are not.
    uncaptured: Vec<EvidenceRequest>,
    latencies: Arc<Latencies>,
    heat: Option<HeatKeeper>,
    suppressions: Option<SuppressionsFile>,
    inference: Shared,
    memory: Option<MemoryKeeper>,
    scenes: Option<SceneKeeper>,
    sensors: Arc<Mailbox>,
}

impl IncidentLoop {
    /// A loop that is ready to run.
    pub fn new(
        engine: Engine,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
        speakers: Queues,
        evidence: EvidenceQueue,
        narrator: Option<Box<dyn Narrator>>,
    ) -> Self {
        Self {
            engine,
            outbox,
            clock,
            speakers,
            evidence,
            narrator,
            latest: BTreeMap::new(),
            unwritten: Vec::new(),
            write_trouble: None,
            board: SharedBoard::default(),
            unsealed: Vec::new(),
            uncaptured: Vec::new(),
            latencies: Arc::default(),
            heat: None,
            suppressions: None,
            inference: Shared::default(),
            memory: None,
            scenes: None,
            sensors: Arc::default(),
        }
    }

    /// Also keeps over a restart what the rules remember.
    #[must_use]
    pub fn with_memory(mut self, memory: MemoryKeeper) -> Self {
        self.memory = Some(memory);
        self
    }

    fn keep_memory(&mut self, now: Timestamp) {
        if let Some(memory) = &mut self.memory {
            memory.keep(self.engine.memory(), now);
        }
    }

    /// Also keeps over a restart the empty scenes that were learned.
    #[must_use]
    pub fn with_scenes(mut self, scenes: SceneKeeper) -> Self {
        self.scenes = Some(scenes);
        self
    }

    fn keep_scenes(&mut self, now: Timestamp) {
        if let Some(scenes) = &mut self.scenes {
            scenes.keep(&self.engine.scenes(now), now);
        }
    }

    /// Also keeps where people stay.
    #[must_use]
    pub fn with_heat(mut self, heat: Option<HeatKeeper>) -> Self {
        self.heat = heat;
        self
    }

    /// Also passes over what operators suppress while it runs.
    #[must_use]
    pub fn with_suppressions(mut self, file: SuppressionsFile) -> Self {
        self.suppressions = Some(file);
        self
    }

    /// Tells the inference thread of tracks and open incidents, and hands it the looks that are wanted.
    #[must_use]
    pub fn with_inference(mut self, inference: Shared) -> Self {
        self.inference = inference;
        self
    }

    /// Also takes in what is new of sensors.
    #[must_use]
    pub fn with_sensors(mut self, sensors: Arc<Mailbox>) -> Self {
        self.sensors = sensors;
        self
    }

    /// What can be seen from outside, kept up to date.
    pub fn board(&self) -> SharedBoard {
        Arc::clone(&self.board)
    }

    fn lock_board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latencies, counted as frames are decided.
    pub fn latencies(&self) -> Arc<Latencies> {
        Arc::clone(&self.latencies)
    }

    /// Takes up the incidents that were open when the agent last stopped. Returns what must be told.
    pub fn restore(&mut self) -> Result<Vec<Happening>, CommandError> {
        let now = self.clock.now();
        let mut snapshots = Vec::new();
        let mut notes = Vec::new();
        for stored in self.outbox.open_snapshots().or_exit(ExitCode::Failed)? {
            match serde_json::from_str::<IncidentSnapshot>(&stored.snapshot) {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => {
                    let what = format!(
                        "incident {} cannot be taken up again ({error}); it stays in the outbox as it was last reported",
                        stored.record.id
                    );
                    notes.push(trouble(what, now));
                    self.outbox.close_incident(&stored.record.id).or_exit(ExitCode::Failed)?;
                }
            }
        }
        self.engine.restore(snapshots, now);
        self.show_open_incidents();
        Ok(notes)
    }

    /// Tells those outside and the inference thread which incidents are open.
    fn show_open_incidents(&mut self) {
        let open = self.engine.open_incidents();
        let mut of_streams = BTreeMap::new();
        for record in &open {
            *of_streams.entry(record.rule.stream.clone()).or_default() += 1;
        }
        self.inference.scenes.open(&of_streams);
        self.lock_board().open = open;
    }

    /// Runs until told to stop.
    pub fn run(mut self, events: &Receiver<LoopEvent>) -> anyhow::Result<()> {
        loop {
            let now = self.clock.now();
            self.take_suppressions(now);
            self.take_sensors(now);
            self.engine.timeout(now);
            self.carry_out(now);
            self.write_reports();
            self.offer_evidence();
            if self.memory.as_ref().is_some_and(|memory| memory.is_due(now)) {
                self.keep_memory(now);
            }
            if self.scenes.as_ref().is_some_and(|scenes| scenes.is_due(now)) {
                self.keep_scenes(now);
            }
            match events.recv_timeout(self.until_timeout(now)) {
                Ok(LoopEvent::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(event) => self.take_in(event),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        if let Some(heat) = &mut self.heat {
            heat.finish();
        }
        self.keep_memory(self.clock.now());
        self.keep_scenes(self.clock.now());
        self.offer_evidence();
        let left = self.unwritten.len();
        self.write_reports();
        anyhow::ensure!(
            self.unwritten.is_empty(),
            "{left} batches of reports could not be written to {}; see the log",
            self.outbox.path().display()
        );
        Ok(())
    }

    fn take_suppressions(&mut self, now: Timestamp) {
        let Some(list) = self.suppressions.as_mut().and_then(|file| file.changed(now)) else { return };
        tracing::info!("{} instances are suppressed, {} hits were so far", list.len(), self.engine.passed_over());
        metrics::gauge!("forewarn_suppressions").set(list.len() as f64);
        self.engine.suppress(list);
    }

    /// Takes in what is new of the sensors.
    fn take_sensors(&mut self, now: Timestamp) {
        for (sensor, News { value, turn }) in self.sensors.take() {
            match turn {
                Some(Turn::Failed(error)) => {
                    self.lock_board().unread.insert(sensor.clone(), error.to_string());
                    self.tell(&trouble(format!("sensor {sensor}: {error}"), now));
                }
                Some(Turn::Mended) => {
                    self.lock_board().unread.remove(&sensor);
                    tracing::info!(%sensor, "the sensor is read again");
                }
                None => {}
            }
            if let Some((value, at)) = value {
                self.engine.sensor(&sensor, value, at, now);
            }
        }
    }

    fn until_timeout(&self, now: Timestamp) -> Duration {
        self.engine.poll_timeout().map_or(IDLE, |(at, _)| at.since(now).min(IDLE))
    }

    fn take_in(&mut self, event: LoopEvent) {
        let now = self.clock.now();
        match event {
            LoopEvent::Analysed(analysed) => {
                let tracks = self.engine.analysed(&analysed, now);
                let frame = analysed.frame;
                let boxes = tracks.iter().map(|track| track.bbox).collect();
                self.inference.scenes.tracked(&frame.meta.stream, boxes);
                if let Some(heat) = &mut self.heat {
                    heat.observe(&frame, tracks);
                }
                let looks = self.engine.take_looks(&frame.meta.stream);
                self.inference.looks.put(&frame, looks);
                let decided_after = self.clock.now().since(frame.meta.arrived_at);
                metrics::histogram!("forewarn_decision_latency_seconds").record(decided_after.as_secs_f64());
                self.latencies.record(decided_after);
                self.latest.insert(frame.meta.stream.clone(), frame);
            }
            LoopEvent::Read { stream, readings } => self.engine.read(&stream, &readings),
            LoopEvent::Fell { stream, fall } => {
                let n_given_up = self.engine.fell(&stream, fall);
                metrics::counter!("forewarn_falls_dropped_total").increment(n_given_up as u64);
                self.inference.scenes.stir(&stream);
            }
            LoopEvent::Stream { stream, event } => self.stream_changed(&stream, &event, now),
            LoopEvent::Announced { id, speaker, outcome } => {
                self.tell(&Happening::Announced { speaker, outcome: outcome.clone(), at: now });
                self.engine.announced(id, outcome, now);
            }
            LoopEvent::Happened(happening) => self.tell(&happening),
            // They are taken at the beginning of each turn.
            LoopEvent::Sensor | LoopEvent::Stop => {}
        }
        self.carry_out(now);
    }

    fn stream_changed(&mut self, stream: &StreamId, event: &StreamEvent, now: Timestamp) {
        let text = match event {
            StreamEvent::Connected { width, height, codec, decoder } => {
                self.engine.resumed(stream, now);
                let codec = codec.as_ref().map_or_else(|| "raw".to_owned(), ToString::to_string);
                format!("connected, {codec} {width}x{height}, decoder {decoder}")
            }
            StreamEvent::Interrupted { reason, retry_in } => {
                self.engine.interrupted(stream, now);
                format!("interrupted: {reason}; next attempt in {:.1} s", retry_in.as_secs_f64())
            }
            StreamEvent::RetryFailed { attempt, reason, retry_in } => {
                format!("attempt {attempt} failed: {reason}; next in {:.1} s", retry_in.as_secs_f64())
            }
            StreamEvent::Resumed { gap } => format!("back after a gap of {:.1} s", gap.as_secs_f64()),
            StreamEvent::FormatChanged { width, height } => format!("the picture is now {width}x{height}"),
            StreamEvent::Degraded { reason } => format!("degraded: {reason}"),
            StreamEvent::Ended => {
                self.engine.interrupted(stream, now);
                "ended".to_owned()
            }
        };
        let is_up =
            !matches!(event, StreamEvent::Interrupted { .. } | StreamEvent::RetryFailed { .. } | StreamEvent::Ended);
        if is_up {
            self.lock_board().down.remove(stream);
        } else {
            self.lock_board().down.insert(stream.clone(), text.clone());
        }
        self.tell(&Happening::Stream { stream: stream.clone(), is_up, text, at: now });
    }

    /// Carries out what the engine asks for: first all reports to the disk, then the rest in its order.
    fn carry_out(&mut self, now: Timestamp) {
        let mut batch = Batch { reports: Vec::new(), snapshots: BTreeMap::new() };
        let mut rest = Vec::new();
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Report(report) => batch.reports.push(report),
                output => rest.push(output),
            }
        }
        if !batch.reports.is_empty() {
            for report in &batch.reports {
                let id = &report.incident.id;
                if let Some(snapshot) = self.engine.snapshot(id)
                    && let Ok(json) = serde_json::to_string(&snapshot)
                {
                    batch.snapshots.insert(id.clone(), json);
                }
            }
            let told: Vec<Report> = batch.reports.clone();
            self.unwritten.push(batch);
            self.write_reports();
            for report in &told {
                self.report_told(report);
            }
            self.show_open_incidents();
        }
        for output in rest {
            self.carry_out_one(output, now);
        }
    }

    fn report_told(&mut self, report: &Report) {
        let record = &report.incident;
        metrics::counter!("forewarn_incident_transitions_total",
            "violation" => record.rule.violation.to_string(), "state" => record.state.as_str())
        .increment(1);
        if record.history.last().is_some_and(|step| step.cause == Cause::WarningNotDelivered) {
            metrics::counter!("forewarn_warnings_total", "speaker" => "any", "outcome" => "not_delivered").increment(1);
        }
        if record.state == IncidentState::Closed {
            self.unsealed.push(record.clone());
        }
        self.tell(&Happening::Moved { record: record.clone(), at: report.at });
    }

    /// Writes what waits to the outbox. A disk that fails holds nothing else back; the rest is tried again.
    fn write_reports(&mut self) {
        while let Some(batch) = self.unwritten.first() {
            let snapshot = |report: &Report| batch.snapshots.get(&report.incident.id).map(String::as_str);
            let steps: Vec<_> = batch.reports.iter().map(|report| (report, snapshot(report))).collect();
            let problem = match self.outbox.record_all(&steps) {
                Ok(_) => None,
                // The incidents are kept and their latest state is queued as soon as there is room.
                Err(error @ OutboxError::Full { .. }) => Some((error.to_string(), true)),
                Err(error) => Some((error.to_string(), false)),
            };
            let is_written = problem.as_ref().is_none_or(|(_, is_written)| *is_written);
            self.tell_write_trouble(problem.map(|(text, _)| text));
            if !is_written {
                metrics::counter!("forewarn_outbox_write_errors_total").increment(1);
                if self.unwritten.len() > UNWRITTEN {
                    self.squeeze();
                }
                return;
            }
            self.unwritten.remove(0);
        }
    }

    /// Tells a trouble with the disk once, and its end.
    fn tell_write_trouble(&mut self, problem: Option<String>) {
        if problem == self.write_trouble {
            return;
        }
        let now = self.clock.now();
        if let Some(text) = &problem {
            let waiting = self.unwritten.len();
            self.tell(&trouble(format!("{text}; {waiting} batches of reports wait in memory"), now));
        } else {
            tracing::info!("reports can be written again");
        }
        self.write_trouble = problem;
    }

    /// Joins the waiting batches so that memory stays bounded: each incident keeps its latest report, which holds its
    /// whole history.
    fn squeeze(&mut self) {
        let mut latest: BTreeMap<_, Report> = BTreeMap::new();
        let mut snapshots = BTreeMap::new();
        for batch in std::mem::take(&mut self.unwritten) {
            latest.extend(batch.reports.into_iter().map(|report| (report.incident.id.clone(), report)));
            snapshots.extend(batch.snapshots);
        }
        self.unwritten.push(Batch { reports: latest.into_values().collect(), snapshots });
    }

    fn carry_out_one(&mut self, output: Output, now: Timestamp) {
        match output {
            Output::Report(_) => {}
            Output::Capture(request) => {
                let frame = self.latest.get(&request.incident.rule.stream).cloned();
                if let Err(request) = self.evidence.capture(request, frame) {
                    let what = format!("the {} snapshot of {} was not kept", request.moment, request.incident.id);
                    self.tell(&trouble(format!("{what}: the evidence queue is full"), now));
                    self.uncaptured.push(*request);
                }
            }
            Output::Announce(announcement) => self.announce(announcement, now),
            Output::Dismissed(dismissed) => {
                metrics::counter!("forewarn_suspicions_dismissed_total",
                    "violation" => dismissed.rule.violation.to_string())
                .increment(1);
            }
        }
    }

    /// Hands over what the evidence queue had no room for, in order: captures before seals. There are at most three
    /// captures and one seal for each incident.
    fn offer_evidence(&mut self) {
        for request in std::mem::take(&mut self.uncaptured) {
            if let Err(request) = self.evidence.capture(request, None) {
                self.uncaptured.push(*request);
            }
        }
        if !self.uncaptured.is_empty() {
            return;
        }
        for record in std::mem::take(&mut self.unsealed) {
            if let Err(record) = self.evidence.close(record) {
                self.unsealed.push(*record);
            }
        }
    }

    fn announce(&mut self, announcement: Announcement, now: Timestamp) {
        let (id, speaker) = (announcement.id, announcement.speaker.clone());
        self.tell(&Happening::Announcing { announcement: announcement.clone(), at: now });
        let failure = match self.speakers.get(&speaker).map(|queue| queue.offer(announcement)) {
            Some(Ok(())) => None,
            Some(Err(_)) => Some((FailureKind::QueueFull, "too many announcements wait for the speaker")),
            None => Some((FailureKind::Misconfigured, "there is no such speaker")),
        };
        if let Some((kind, reason)) = failure {
            let outcome = AnnounceOutcome::Failed { kind, reason: reason.to_owned() };
            super::speakers::count(&speaker, &outcome);
            self.tell(&Happening::Announced { speaker, outcome: outcome.clone(), at: now });
            self.engine.announced(id, outcome, now);
            // The machine answers with the fall-back speaker or with going on unheard; the speakers are finite.
            self.carry_out(now);
        }
    }

    /// Tells the log and the narrator.
    pub fn tell(&mut self, happening: &Happening) {
        match happening {
            Happening::Moved { record, .. } => {
                let cause = record.history.last().map_or("", |step| step.cause.as_str());
                tracing::info!(incident = %record.id, state = %record.state, cause, "incident");
            }
            Happening::Announcing { announcement, .. } => {
                tracing::info!(incident = %announcement.incident, speaker = %announcement.speaker, "announcing");
            }
            Happening::Announced { speaker, outcome, .. } => tracing::info!(%speaker, ?outcome, "announced"),
            Happening::Stream { stream, text, .. } => tracing::info!(%stream, "{text}"),
            Happening::Sealed { incident, path, .. } => {
                tracing::info!(%incident, path = %path.display(), "evidence sealed");
            }
            Happening::Trouble { what, .. } => tracing::error!("{what}"),
        }
        if let Some(narrator) = &mut self.narrator
            && let Err(error) = narrator.tell(happening)
        {
            tracing::warn!(%error, "failed to print");
        }
    }
}
