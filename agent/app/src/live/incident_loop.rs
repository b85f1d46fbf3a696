//! The incident loop: the one thread that owns tracker, rules and machine, and that writes reports down before anything
//! else is done about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use forewarn_domain::{
    AnnounceOutcome, Announcement, AnnouncementId, Cause, Clock, Frame, IncidentState, Report, StreamId, Timestamp,
};
use forewarn_engine::Engine;
use forewarn_evidence::Said;
use forewarn_hw::sensor::{Mailbox, News, Turn};
use forewarn_hw::telemetry::live;
use forewarn_incident::{IncidentSnapshot, Output};
use forewarn_inference::Shared;
use forewarn_journal::{Batch, OutboxWriter};
use forewarn_memory::{ClockNews, ClockWatch, Keeper, Shelf};
use forewarn_pipelines::StreamEvent;
use forewarn_telemetry::queue::{QueueSpec, Receiver, Wait};
use forewarn_telemetry::{Latencies, Troubles};
use forewarn_wire::story::{Happening, Narrator};

use super::board::{Board, Down};
use super::evidence::{EvidenceDesk, Rewired};
use super::speakers::Speakers;
use super::{Adopted, LoopEvent};
use crate::config::pictures::Pictures;
use crate::evidence_folder::scenes;
use crate::telemetry;

/// Events that may wait.
pub const QUEUE: QueueSpec<Wait> = QueueSpec::new("incident-loop", 64);
/// How long the loop waits for an event when nothing falls due.
const IDLE: Duration = Duration::from_millis(500);
/// How long what the keepers keep may take to the disk when the agent stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the loop works with.
pub struct Ends {
    /// Decides.
    pub engine: Engine,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Holds it against the clock on the wall.
    pub clock_watch: ClockWatch,
    /// Takes reports.
    pub outbox: OutboxWriter,
    /// Take announcements.
    pub speakers: Speakers,
    /// Takes what is to be kept as evidence.
    pub evidence: EvidenceDesk,
    /// Keep something beside incidents.
    pub keepers: Vec<Box<dyn Keeper>>,
    /// Is told of tracks and open incidents, and takes the looks that are wanted.
    pub inference: Shared,
    /// Holds what is new of sensors.
    pub sensors: Arc<Mailbox>,
    /// Holds what is heard of flights.
    pub flights: Arc<live::Mailbox>,
    /// Knows what the size of a picture says of its zones.
    pub pictures: Pictures,
    /// Shows those outside how things stand.
    pub board: Board,
    /// Counts how long frames take.
    pub latencies: Arc<Latencies>,
    /// Is told of everything.
    pub narrator: Option<Box<dyn Narrator>>,
    /// Writes what the keepers keep.
    pub shelf: Shelf,
}

/// The loop's state.
pub struct IncidentLoop {
    ends: Ends,
    /// The latest analysed frame of each stream, for snapshots.
    latest: BTreeMap<StreamId, Frame>,
    /// When streams ended; a frame that arrived before is of another camera by the same name, or hides less than it should.
    ended: BTreeMap<StreamId, Timestamp>,
    troubles: Troubles,
    /// What loudspeakers are saying now.
    saying: BTreeMap<AnnouncementId, Announcement>,
}

impl IncidentLoop {
    /// A loop that is ready to run, with the incidents that were open when the agent last stopped, and what must be
    /// told of that.
    pub fn restored(mut ends: Ends, snapshots: Vec<IncidentSnapshot>) -> Self {
        let now = ends.clock.now();
        ends.engine.restore(snapshots, now);
        take_clock(&mut ends, now);
        let (latest, ended, saying) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let incident_loop = Self { ends, latest, ended, troubles: Troubles::default(), saying };
        incident_loop.show_open_incidents();
        incident_loop
    }

    /// Tells those outside and the inference thread which incidents are open.
    fn show_open_incidents(&self) {
        let open = self.ends.engine.open_incidents();
        let mut of_streams = BTreeMap::new();
        for record in &open {
            *of_streams.entry(record.rule.stream.clone()).or_default() += 1;
        }
        self.ends.inference.scenes.open(&of_streams);
        self.ends.board.lock().open = open;
    }

    /// Runs until told to stop.
    pub fn run(mut self, events: &Receiver<LoopEvent>) -> anyhow::Result<()> {
        self.tell_troubles();
        loop {
            anyhow::ensure!(!self.ends.outbox.is_broken(), "the thread that writes reports ended; see the log");
            let now = self.ends.clock.now();
            self.ends.board.lock().turned_at = Some(now);
            self.look_at_the_clock(now);
            self.ends.clock_watch.keep(now);
            self.take_sensors(now);
            self.take_flights();
            let late = self.ends.outbox.take_late();
            self.ends.engine.restore_late(late, now);
            self.ends.engine.timeout(now);
            self.carry_out(now);
            self.ends.evidence.offer_waiting();
            for keeper in &mut self.ends.keepers {
                keeper.turn(&mut self.ends.engine, now);
            }
            self.tell_troubles();
            match events.recv_timeout(self.until_timeout(now)) {
                Ok(LoopEvent::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(event) => self.take_in(event),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        let now = self.ends.clock.now();
        for last in self.latest.values() {
            self.ends.engine.finish(last, now);
        }
        self.carry_out(now);
        for keeper in &mut self.ends.keepers {
            keeper.finish(&mut self.ends.engine, now);
        }
        self.ends.clock_watch.finish();
        if !self.ends.shelf.flush(FAREWELL) {
            tracing::error!("the disk takes too long: what was learned lately is lost with the end of the agent");
        }
        self.ends.evidence.finish();
        let written = self.ends.outbox.finish();
        self.tell_troubles();
        // What other parts told meanwhile is told, and nothing else is done about it.
        while let Ok(event) = events.recv_timeout(Duration::ZERO) {
            if let LoopEvent::Happened(happening) = event {
                self.tell(&happening);
            }
        }
        Ok(written?)
    }

    /// Tells what lasting troubles have come and gone.
    fn tell_troubles(&mut self) {
        let now = self.ends.clock.now();
        for note in self.ends.outbox.take_notes(now) {
            self.tell(&note);
        }
        let mut told = Vec::new();
        told.extend(self.troubles.change("reports", self.ends.outbox.trouble()));
        told.extend(self.troubles.change("evidence", self.ends.evidence.trouble()));
        told.extend(self.troubles.change("time stamps", self.ends.evidence.unstamped()));
        told.extend(self.troubles.change("zones", self.ends.pictures.trouble()));
        told.extend(self.troubles.change("telemetry", self.ends.flights.trouble()));
        told.extend(self.troubles.change("ground", self.ends.engine.ground_trouble()));
        told.extend(self.troubles.change("clock", self.ends.clock_watch.trouble(now)));
        for keeper in &self.ends.keepers {
            told.extend(self.troubles.change(keeper.name(), keeper.trouble()));
        }
        if told.is_empty() {
            return;
        }
        self.ends.board.lock().failing = self.troubles.last().clone();
        for change in told {
            match change {
                Ok(what) => self.tell(&Happening::trouble(what, now)),
                Err(name) => tracing::info!("{name}: the trouble is over"),
            }
        }
    }

    /// Whoever set the clock on the wall, the engine knows before it decides anything else.
    fn look_at_the_clock(&mut self, now: Timestamp) {
        if take_clock(&mut self.ends, now) {
            self.show_open_incidents();
        }
    }

    /// Takes in what is new of the sensors.
    fn take_sensors(&mut self, now: Timestamp) {
        for (sensor, News { value, turn }) in self.ends.sensors.take() {
            match turn {
                Some(Turn::Failed(error)) => {
                    self.ends.board.lock().unread.insert(sensor.clone(), error.to_string());
                    self.tell(&Happening::trouble(format!("sensor {sensor}: {error}"), now));
                }
                Some(Turn::Mended) => {
                    self.ends.board.lock().unread.remove(&sensor);
                    tracing::info!(%sensor, "the sensor is read again");
                }
                None => {}
            }
            if let Some((value, at)) = value {
                self.ends.engine.sensor(&sensor, value, at, now);
            }
        }
    }

    /// Takes in what was heard of flights: before each frame, so that it is known where its camera was.
    fn take_flights(&mut self) {
        for (stream, live::News { samples, n_dropped, n_wild }) in self.ends.flights.take() {
            telemetry::TELEMETRY_SAMPLES.of([&stream]).increment(samples.len() as u64);
            telemetry::TELEMETRY_DROPPED.of([&stream]).increment(n_dropped);
            telemetry::TELEMETRY_WILD.of([&stream]).increment(n_wild);
            for sample in samples {
                self.ends.engine.telemetry(&stream, sample);
            }
        }
    }

    fn until_timeout(&self, now: Timestamp) -> Duration {
        self.ends.engine.poll_timeout().map_or(IDLE, |(at, _)| at.since(now).min(IDLE))
    }

    fn take_in(&mut self, event: LoopEvent) {
        let now = self.ends.clock.now();
        self.look_at_the_clock(now);
        match event {
            LoopEvent::Analysed(analysed) if self.is_of_the_past(&analysed.frame) => {}
            LoopEvent::Analysed(analysed) => {
                self.take_flights();
                let Ends { engine, inference, keepers, .. } = &mut self.ends;
                engine.set_zoom(&analysed.frame.meta.stream, inference.closer.zoom(&analysed.frame));
                let tracks = engine.analysed(&analysed, now);
                let frame = analysed.frame;
                let boxes = tracks.iter().map(|track| track.bbox).collect();
                inference.scenes.tracked(&frame.meta.stream, boxes);
                for keeper in keepers.iter_mut() {
                    keeper.observe(&frame, tracks);
                }
                let looks = engine.take_looks(&frame.meta.stream);
                inference.closer.put(&frame, looks);
                let decided_after = self.ends.clock.now().since(frame.meta.arrived_at);
                telemetry::DECISION_LATENCY.of([]).record(decided_after.as_secs_f64());
                self.ends.latencies.record(decided_after);
                tracing::trace!(target: "decided", after_us = decided_after.as_micros() as u64);
                let stream = frame.meta.stream.clone();
                self.latest.insert(stream.clone(), frame);
                self.carry_out(now);
                // Whoever looks is told when all is done that matters.
                let frame = &self.latest[&stream];
                let engine = &self.ends.engine;
                self.ends.board.1.show(frame, engine.scene(&stream), engine.looked(&stream));
            }
            LoopEvent::Read { stream, readings } => self.ends.engine.read(&stream, &readings),
            LoopEvent::Fell { stream, fall } => {
                let n_given_up = self.ends.engine.fell(&stream, fall);
                telemetry::FALLS_DROPPED.of([]).increment(n_given_up as u64);
                self.ends.inference.scenes.stir(&stream);
            }
            LoopEvent::Stream { stream, event } => self.stream_changed(&stream, &event, now),
            LoopEvent::Announced { id, speaker, outcome } => {
                self.ends.board.announced(&speaker, &outcome);
                self.keep_said(id, &outcome, now);
                self.tell(&Happening::Announced { speaker, outcome: outcome.clone(), at: now });
                self.ends.engine.announced(id, outcome, now);
            }
            LoopEvent::Asked(call) => {
                let told = call.put_to(&mut self.ends.engine, now);
                self.carry_out(now);
                call.settle(told);
            }
            LoopEvent::Happened(happening) => self.tell(&happening),
            LoopEvent::Adopted(adopted) => self.adopt(*adopted, now),
            // They are taken at the beginning of each turn.
            LoopEvent::Sensor | LoopEvent::Stop => {}
        }
        self.carry_out(now);
    }

    fn is_of_the_past(&self, frame: &Frame) -> bool {
        self.ended.get(&frame.meta.stream).is_some_and(|ended| frame.meta.arrived_at < *ended)
    }

    /// Goes by another reading of the site from now on.
    fn adopt(&mut self, Adopted { site, ended, clips }: Adopted, now: Timestamp) {
        self.latest.retain(|stream, _| !ended.contains(stream));
        self.ended.extend(ended.iter().map(|stream| (stream.clone(), now)));
        self.ends.engine.adopt(site.engine_setup(), now);
        self.ends.inference.closer.set_sources(clips.iter().cloned());
        self.ends.evidence.adopt(Rewired { scenes: scenes(&site), ended, clips });
        for doubt in self.ends.pictures.redraw(&site.cameras) {
            self.tell(&Happening::trouble(doubt, now));
        }
    }

    fn stream_changed(&mut self, stream: &StreamId, event: &StreamEvent, now: Timestamp) {
        match event {
            StreamEvent::Connected { .. } => self.ends.engine.resumed(stream, now),
            StreamEvent::Interrupted { .. } | StreamEvent::Ended => self.ends.engine.interrupted(stream, now),
            _ => {}
        }
        if let StreamEvent::Connected { width, height, .. } | StreamEvent::FormatChanged { width, height } = event {
            for doubt in self.ends.pictures.sized(stream, (*width, *height)) {
                tracing::warn!("{doubt}");
            }
        }
        let (is_up, text) = super::streams::in_words(event);
        if matches!(event, StreamEvent::Degraded { .. }) {
            self.ends.board.lock().degraded.insert(stream.clone(), text.clone());
        }
        match event {
            StreamEvent::Halved { away: Some(away) } => {
                self.ends.board.lock().halved.insert(stream.clone(), away.clone());
            }
            // What is away still is told after the connection.
            StreamEvent::Halved { away: None } | StreamEvent::Connected { .. } => {
                self.ends.board.lock().halved.remove(stream);
            }
            _ => {}
        }
        if is_up {
            self.ends.board.lock().down.remove(stream);
        } else {
            let down = if *event == StreamEvent::Ended { Down::Ended } else { Down::Because(text.clone()) };
            self.ends.board.lock().down.insert(stream.clone(), down);
        }
        if matches!(event, StreamEvent::RetryFailed { is_news: false, .. }) {
            return;
        }
        self.tell(&Happening::Stream { stream: stream.clone(), is_up, text, at: now });
    }

    /// Carries out what the engine asks for: first all reports to the disk, then the rest in its order.
    fn carry_out(&mut self, now: Timestamp) {
        let (mut reports, mut rest) = (Vec::new(), Vec::new());
        while let Some(output) = self.ends.engine.poll_output() {
            match output {
                Output::Report(report) => reports.push(report),
                output => rest.push(output),
            }
        }
        if !reports.is_empty() {
            self.ends.outbox.write(Batch::of(&reports, |id| self.ends.engine.snapshot(id)));
            self.tell_troubles();
            for report in &reports {
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
        if let Some(step) = report.case_step() {
            self.ends.evidence.seal(record.clone());
            return tracing::info!(incident = %record.id, stage = %step.stage, cause = step.cause.as_str(), "the case");
        }
        telemetry::INCIDENT_TRANSITIONS.of([&record.rule.violation, &record.state]).increment(1);
        if record.history.last().is_some_and(|step| step.cause == Cause::WarningNotDelivered) {
            telemetry::WARNINGS.of([&"any", &"not_delivered", &"none"]).increment(1);
        }
        // From the escalation on people act on the evidence.
        if matches!(record.state, IncidentState::Escalated | IncidentState::Closed) {
            self.ends.evidence.seal(record.clone());
        }
        self.tell(&Happening::Moved { record: record.clone(), at: report.at });
    }

    fn carry_out_one(&mut self, output: Output, now: Timestamp) {
        match output {
            Output::Report(_) => {}
            Output::Capture(request) => {
                let frame = self.latest.get(&request.incident.rule.stream).cloned();
                if let Err(what) = self.ends.evidence.capture(request, frame) {
                    self.tell(&Happening::trouble(what, now));
                }
            }
            Output::Announce(announcement) => self.announce(announcement, now),
            Output::Dismissed(dismissed) => {
                telemetry::SUSPICIONS_DISMISSED.of([&dismissed.rule.violation]).increment(1);
            }
        }
    }

    fn announce(&mut self, announcement: Announcement, now: Timestamp) {
        let (id, speaker) = (announcement.id, announcement.speaker.clone());
        self.tell(&Happening::Announcing { announcement: announcement.clone(), at: now });
        self.saying.insert(id, announcement.clone());
        if let Err((kind, reason)) = self.ends.speakers.offer(announcement) {
            let outcome = AnnounceOutcome::Failed { kind, reason };
            super::speakers::count(&speaker, &outcome);
            self.saying.remove(&id);
            self.ends.board.announced(&speaker, &outcome);
            self.tell(&Happening::Announced { speaker, outcome: outcome.clone(), at: now });
            self.ends.engine.announced(id, outcome, now);
            // The machine answers with the fall-back speaker or with going on unheard; the speakers are finite.
            self.carry_out(now);
        }
    }

    /// What was played is kept with the evidence of its incident.
    fn keep_said(&mut self, id: AnnouncementId, outcome: &AnnounceOutcome, now: Timestamp) {
        let Some(said) = self.saying.remove(&id) else { return };
        let open = self.ends.engine.open_incidents();
        let record = open.into_iter().find(|record| record.id == said.incident);
        if let (AnnounceOutcome::Played { .. }, Some(record)) = (outcome, record) {
            let at = record.wall(now).to_rfc3339();
            self.ends.evidence.said(record, Said::by(&said, at));
        }
    }

    /// Tells the log and the narrator.
    pub fn tell(&mut self, happening: &Happening) {
        crate::happening::log(happening);
        if let Some(narrator) = &mut self.ends.narrator
            && let Err(error) = narrator.tell(happening)
        {
            tracing::warn!(%error, "failed to print");
        }
    }
}

/// Looks at the clock on the wall, and tells the engine and the metrics if it reads in a new manner. Whether it does.
fn take_clock(ends: &mut Ends, now: Timestamp) -> bool {
    let Some(ClockNews { reading, leap }) = ends.clock_watch.look() else { return false };
    if let Some(leap) = leap {
        telemetry::CLOCK_LEAPS.of([&leap.direction()]).increment(1);
    }
    telemetry::CLOCK_OFFSET.of([]).set(reading.offset_us as f64 / 1e6);
    ends.engine.clock_read(reading, now);
    true
}
