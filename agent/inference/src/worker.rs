//! What the inference thread does: glances at new frames, asks the scheduler, runs the models, tells what it found.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use forewarn_analytics::luma::LumaPlane;
use forewarn_base::thread::cpu_time;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Clock, Detection, DetectorError, Frame, Reading, StreamId, Timestamp};
use forewarn_engine::Analysed;
use forewarn_engine::eye::{Eye, Glance, Parts};
use forewarn_engine::scheduler::{Job, Scene, Scheduler, Spent, StreamSettings};
use forewarn_engine::tiles::Tiles;
use forewarn_pipelines::{Decode, FrameSlot, Wakeup};
use forewarn_telemetry as telemetry;

use crate::decoding::DecodeMeter;
use crate::looks::Wanted;
use crate::publish::{StreamVitals, Telemetry};
use crate::{Decoders, Found, Models, Shared, StreamSetup};

/// How long the thread waits for a frame before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(200);
/// Time between two looks at the decoders' counters.
const HOUSEKEEPING: Duration = Duration::from_millis(500);

/// One stream's way to the detector.
pub(super) struct Lane {
    pub(super) slot: Arc<FrameSlot>,
    settings: StreamSettings,
    tiles: Option<Tiles>,
    pub(super) eye: Eye,
    /// Whether somebody looks at every frame, so that all must be decoded.
    pub(super) is_whole: bool,
    /// The newest frame that was glanced at and not looked at.
    pub(super) waiting: Option<(Frame, Glance)>,
    pub(super) decoding: DecodeMeter,
    /// Whether key frames alone are decoded while nothing moves.
    dozes: bool,
    /// When the last frame that was looked at was taken; what was taken before it is not looked at any more.
    looked_at: Option<Timestamp>,
}

impl Lane {
    /// Has all of the stream decoded from now on, and what was kept of it.
    fn wake(&mut self, stream: &StreamId, now: Timestamp, scheduler: &mut Scheduler, decoders: &dyn Decoders) {
        self.dozes = false;
        scheduler.stirred(stream, now);
        decoders.decode(stream, Decode::Part(1.0));
    }

    /// Whether it looks at the same stream in the manner that `setup` asks for.
    fn is_as(&self, setup: &StreamSetup) -> bool {
        Arc::ptr_eq(&self.slot, &setup.slot)
            && (self.settings, self.tiles, self.is_whole) == (setup.settings, setup.tiles, setup.is_whole)
    }
}

pub(super) struct Worker {
    pub(super) scheduler: Scheduler,
    pub(super) lanes: BTreeMap<StreamId, Lane>,
    /// Width and height of the detector's input.
    pub(super) input_px: (u32, u32),
    pub(super) models: Models,
    pub(super) shared: Shared,
    pub(super) decoders: Box<dyn Decoders>,
    pub(super) wakeup: Arc<Wakeup>,
    pub(super) tell: Box<dyn FnMut(Found) -> bool + Send>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) is_stopping: Arc<AtomicBool>,
    pub(super) analysed: Arc<AtomicU64>,
    pub(super) telemetry: Telemetry,
    /// Threads of one inference.
    pub(super) threads: f64,
}

/// A frame that is looked at, with what is looked at in it.
struct Turn {
    frame: Frame,
    plane: Option<LumaPlane>,
    parts: Parts,
}

/// Measures what a job takes.
struct Meter {
    stopwatch: Stopwatch,
    cpu: Duration,
}

impl Meter {
    fn start() -> Self {
        Self { stopwatch: Stopwatch::start(), cpu: cpu_time() }
    }

    /// Processor seconds, where each of `threads` works as much as this one, and seconds.
    fn read(&self, threads: f64) -> (f64, f64) {
        let cpu_s = cpu_time().saturating_sub(self.cpu).as_secs_f64();
        (cpu_s * threads, self.stopwatch.elapsed().as_secs_f64())
    }
}

impl Worker {
    pub(super) fn run(mut self) {
        let mut seen = self.wakeup.count();
        let mut kept_house_at: Option<Timestamp> = None;
        while !self.is_stopping.load(Ordering::Relaxed) {
            let now = self.clock.now();
            self.take_up_lanes();
            if kept_house_at.is_none_or(|at| now.since(at) >= HOUSEKEEPING) {
                kept_house_at = Some(now);
                self.keep_house(now);
            }
            self.glance(now);
            let is_wanted = match self.scheduler.next(now) {
                Some(Job::Frames { streams, tiles }) => self.look_at_frames(&streams, tiles, now),
                Some(Job::Crops { most }) => self.look_at_crops(most, now),
                None => {
                    seen = self.wakeup.wait_past(seen, self.until_next(now));
                    true
                }
            };
            if !is_wanted {
                return;
            }
        }
    }

    /// Looks at the streams that have come and no more at those that are gone.
    fn take_up_lanes(&mut self) {
        for (stream, setup) in self.shared.lanes.take() {
            let Some(setup) = setup else {
                self.scheduler.remove(&stream);
                self.lanes.remove(&stream);
                self.shared.scenes.forget(&stream);
                self.telemetry.forget(&stream);
                continue;
            };
            // What is as it was keeps what it knows.
            if let Some(lane) = self.lanes.get_mut(&stream).filter(|lane| lane.is_as(&setup)) {
                lane.eye.exclude(setup.exclusions);
                continue;
            }
            let StreamSetup { slot, settings, tiles, exclusions, is_whole, .. } = setup;
            self.scheduler.add(stream.clone(), settings);
            let eye = Eye::new(tiles, self.input_px, settings.is_gated).excluding(exclusions);
            let decoding = DecodeMeter::default();
            let (waiting, looked_at) = (None, None);
            let lane = Lane { slot, settings, tiles, eye, is_whole, waiting, decoding, dozes: false, looked_at };
            self.lanes.insert(stream, lane);
        }
    }

    fn until_next(&self, now: Timestamp) -> Duration {
        let next = self.scheduler.wake_at(now).map_or(PATIENCE, |at| at.since(now));
        next.clamp(Duration::from_millis(1), PATIENCE)
    }

    /// Takes the newest frames that are worth it and tells the scheduler whether something moves in them.
    fn glance(&mut self, now: Timestamp) {
        for (stream, lane) in &mut self.lanes {
            if lane.dozes && self.shared.scenes.is_stirred(stream) {
                lane.wake(stream, now, &mut self.scheduler, &*self.decoders);
            }
            let due = self.scheduler.glance_due(stream);
            let Some(frame) = due.and_then(|due| lane.slot.take_since(due)) else { continue };
            if lane.looked_at.is_some_and(|at| frame.meta.captured_at <= at) {
                continue;
            }
            let (tracks, open_incidents) = self.shared.scenes.counts(stream);
            self.scheduler.scene(stream, Scene { tracks, open_incidents });
            let mut glance = lane.eye.glance(&frame);
            if lane.dozes && glance.is_moving {
                // This key frame comes again, after those before it.
                lane.waiting = None;
                lane.wake(stream, now, &mut self.scheduler, &*self.decoders);
                continue;
            }
            glance.is_moving |= self.shared.scenes.take_stirred(stream);
            self.scheduler.fresh(stream, glance.is_moving, frame.meta.arrived_at, now);
            if lane.waiting.replace((frame, glance)).is_some() {
                telemetry::FRAMES_GATED.of([stream]).increment(1);
            }
        }
        let waiting = if self.models.reader.is_some() { self.shared.looks.waiting() } else { 0 };
        self.scheduler.crops_waiting(waiting, now);
    }

    /// Looks at the waiting frames of `streams` and at up to `tiles` tiles of them in one batch. False if nobody wants
    /// the result any more.
    fn look_at_frames(&mut self, streams: &[StreamId], tiles: usize, now: Timestamp) -> bool {
        self.scheduler.taken(streams, now);
        let mut left = tiles;
        let mut turns = Vec::with_capacity(streams.len());
        for stream in streams {
            let Some(lane) = self.lanes.get_mut(stream) else { continue };
            let Some((frame, glance)) = lane.waiting.take() else { continue };
            lane.eye.analysed();
            lane.looked_at = Some(frame.meta.captured_at);
            let tracks = if lane.eye.has_tiles() { self.shared.scenes.of(stream).tracks } else { Vec::new() };
            let parts = lane.eye.parts(&frame, now, &tracks, &glance.regions, left);
            let grid = self.models.detector.input_grid((frame.width, frame.height));
            let parts = lane.eye.narrowed(parts, &frame, &glance, grid);
            if lane.eye.has_tiles() {
                self.scheduler.tiles_wanted(now);
                left -= parts.tiles.len() - 1;
            }
            turns.push(Turn { frame, plane: glance.plane, parts });
        }
        let meter = Meter::start();
        let found = self.detect(&turns);
        let (cpu_s, wall_s) = meter.read(self.threads);
        let spent = Spent { frames: turns.len(), tiles: tiles - left, crops: 0, cpu_s, wall_s };
        self.scheduler.spent(spent);
        self.telemetry.spent(spent);
        let each_s = wall_s / turns.len().max(1) as f64;
        for (turn, found) in turns.into_iter().zip(found) {
            telemetry::INFERENCE_SECONDS.of([]).record(each_s);
            let Some(lane) = self.lanes.get_mut(&turn.frame.meta.stream) else { continue };
            let found = lane.eye.told(&turn.parts, &turn.frame, turn.plane.as_ref(), found);
            if !self.tell(turn, found, now) {
                return false;
            }
        }
        true
    }

    /// What the parts of each frame show. A frame on which the batch fails is tried alone, so that it takes no other with it.
    fn detect(&mut self, turns: &[Turn]) -> Vec<Result<Vec<Vec<Detection>>, DetectorError>> {
        let detector = &mut *self.models.detector;
        let of_turn: Vec<Vec<Frame>> = turns.iter().map(|turn| turn.parts.pictures(&turn.frame)).collect();
        let all: Vec<&Frame> = of_turn.iter().flatten().collect();
        let batch = if all.is_empty() { Ok(Vec::new()) } else { detector.detect(&all) };
        match batch {
            Ok(found) => {
                let mut found = found.into_iter();
                let each = turns.iter().zip(&of_turn).map(|(turn, pictures)| match turn.parts.windows() {
                    Some(windows) => detector.detect_in(&turn.frame, windows),
                    None => Ok(found.by_ref().take(pictures.len()).collect()),
                });
                each.collect()
            }
            Err(error) if turns.len() == 1 => vec![Err(error)],
            Err(_) => turns.iter().map(|turn| turn.parts.look(&mut *detector, &turn.frame)).collect(),
        }
    }

    fn tell(&mut self, turn: Turn, found: Result<Vec<Detection>, DetectorError>, now: Timestamp) -> bool {
        let Turn { frame, plane, parts } = turn;
        let camera = &frame.meta.stream;
        let found = match found {
            Ok(detections) => {
                self.shared.vitals.looked();
                telemetry::FRAMES_ANALYSED.of([camera]).increment(1);
                telemetry::TILES_ANALYSED.of([camera]).increment(parts.tiles.len() as u64 - 1);
                telemetry::FRAMES_IN_PART.of([camera]).increment(u64::from(parts.windows().is_some()));
                self.analysed.fetch_add(1, Ordering::Relaxed);
                self.telemetry.looked(&frame.meta.stream, now);
                Found::Analysed(Analysed::new(frame, plane, detections, parts.coverage))
            }
            Err(error) => {
                self.shared.vitals.failed(&error);
                telemetry::FRAMES_DROPPED.of([camera, &"inference_failed"]).increment(1);
                let what = format!("camera {}, frame {}: {error}", frame.meta.stream, frame.meta.sequence);
                Found::Failed { what, at: frame.meta.captured_at }
            }
        };
        (self.tell)(found)
    }

    /// Looks closer at up to `most` tracks in one batch.
    fn look_at_crops(&mut self, most: usize, now: Timestamp) -> bool {
        let wanted = self.shared.looks.take(most);
        let Some(reader) = self.models.reader.as_mut().filter(|_| !wanted.is_empty()) else { return true };
        let meter = Meter::start();
        let looks: Vec<_> = wanted.iter().map(|wanted| (&wanted.frame, &wanted.look)).collect();
        let read = reader.read(&looks);
        let (cpu_s, wall_s) = meter.read(self.threads);
        let spent = Spent { frames: 0, tiles: 0, crops: wanted.len(), cpu_s, wall_s };
        self.scheduler.spent(spent);
        self.telemetry.spent(spent);
        match read {
            Ok(readings) => {
                telemetry::LOOKS.of([]).increment(readings.len() as u64);
                let of_streams = by_stream(&wanted, readings);
                of_streams.into_iter().all(|(stream, readings)| (self.tell)(Found::Read { stream, readings }))
            }
            Err(error) => {
                telemetry::LOOKS_DROPPED.of([&"failed"]).increment(wanted.len() as u64);
                let what = format!("{} closer looks at tracks failed: {error}", wanted.len());
                (self.tell)(Found::Failed { what, at: now })
            }
        }
    }

    /// Reads what decoding costs, has as much decoded as is planned, and tells how the streams fare.
    fn keep_house(&mut self, now: Timestamp) {
        for (stream, stats) in self.decoders.snapshots() {
            let Some(lane) = self.lanes.get_mut(&stream) else { continue };
            lane.decoding.sample(now, stats);
            self.scheduler.decoding(&stream, lane.decoding.decoding(lane.is_whole));
            let vitals = StreamVitals {
                is_alive: lane.decoding.is_alive(),
                connections: stats.connections,
                key_interval_s: lane.decoding.key_interval_s(),
                decode_cost: lane.decoding.spent(),
                tile_age: lane.eye.oldest_tile(now),
            };
            self.telemetry.vitals(&stream, vitals);
        }
        self.scheduler.ease(self.shared.power.turn(now));
        for (stream, fare) in self.scheduler.fares(now) {
            let planned = fare.planned;
            let decode = if planned.dozes { Decode::Doze } else { Decode::Part(planned.decoded_part as f32) };
            self.decoders.decode(stream, decode);
            if let Some(lane) = self.lanes.get_mut(stream) {
                lane.dozes = planned.dozes;
            }
        }
        self.shared.vitals.falls_short(self.models.shortfall());
        self.shared.vitals.budget(self.telemetry.publish(&self.scheduler, now));
    }
}

/// The readings of each stream, in the order of the looks.
fn by_stream(wanted: &[Wanted], readings: Vec<Reading>) -> BTreeMap<StreamId, Vec<Reading>> {
    let mut of_streams: BTreeMap<StreamId, Vec<Reading>> = BTreeMap::new();
    for (wanted, reading) in wanted.iter().zip(readings) {
        of_streams.entry(wanted.frame.meta.stream.clone()).or_default().push(reading);
    }
    of_streams
}
