//! The inference thread: takes the newest frame of each stream that is due, in turn, and runs the detector.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Clock, Detector, Frame, StreamId, Timestamp};
use forewarn_pipelines::{FrameSlot, Wakeup};

use super::streams::Streams;
use super::{LoopEvent, Sender, trouble};
use crate::config::Site;

/// How long the thread waits for a frame before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(200);

/// One stream's turn.
struct Turn {
    slot: Arc<FrameSlot>,
    interval: Duration,
    due: Timestamp,
}

/// The running thread.
pub struct Inference {
    is_stopping: Arc<AtomicBool>,
    analysed: Arc<AtomicU64>,
    wakeup: Arc<Wakeup>,
    thread: Option<JoinHandle<()>>,
}

impl Inference {
    /// Starts it.
    pub fn start(
        site: &Site,
        detector: Box<dyn Detector>,
        streams: &Streams,
        wakeup: Arc<Wakeup>,
        to_loop: Sender<LoopEvent>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let interval_of = |id: &StreamId| {
            site.cameras.iter().find(|camera| camera.id == *id).map_or(Duration::ZERO, |c| c.analysis_interval)
        };
        let turns = streams
            .slots()
            .into_iter()
            .map(|(stream, slot)| Turn { interval: interval_of(&stream), slot, due: Timestamp::ZERO })
            .collect();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let analysed = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            turns,
            detector,
            wakeup: Arc::clone(&wakeup),
            to_loop,
            clock: Arc::clone(clock),
            is_stopping: Arc::clone(&is_stopping),
            analysed: Arc::clone(&analysed),
        };
        let thread = std::thread::Builder::new()
            .name("inference".to_owned())
            .spawn(move || worker.run())
            .context("failed to start the inference thread")?;
        Ok(Self { is_stopping, analysed, wakeup, thread: Some(thread) })
    }

    /// Frames analysed so far.
    pub fn analysed(&self) -> u64 {
        self.analysed.load(Ordering::Relaxed)
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends the thread after the frame that it is at.
    pub fn stop(&mut self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.wakeup.notify();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the inference thread panicked");
        }
    }
}

struct Worker {
    turns: Vec<Turn>,
    detector: Box<dyn Detector>,
    wakeup: Arc<Wakeup>,
    to_loop: Sender<LoopEvent>,
    clock: Arc<dyn Clock>,
    is_stopping: Arc<AtomicBool>,
    analysed: Arc<AtomicU64>,
}

impl Worker {
    fn run(mut self) {
        let mut seen = self.wakeup.count();
        while !self.is_stopping.load(Ordering::Relaxed) {
            let mut has_worked = false;
            for index in 0..self.turns.len() {
                if let Some(frame) = self.take_due(index) {
                    has_worked = true;
                    if !self.analyse(frame) {
                        return;
                    }
                }
            }
            if !has_worked {
                seen = self.wakeup.wait_past(seen, self.until_next_turn());
            }
        }
    }

    /// The newest frame of a stream whose turn it is.
    fn take_due(&mut self, index: usize) -> Option<Frame> {
        let now = self.clock.now();
        let turn = &mut self.turns[index];
        if now < turn.due {
            return None;
        }
        let frame = turn.slot.take()?;
        // The next turn counts from the one that was due, so that the mean rate is kept; after a pause from now.
        let base = if now.since(turn.due) < turn.interval { turn.due } else { now };
        turn.due = base + turn.interval;
        Some(frame)
    }

    fn until_next_turn(&self) -> Duration {
        let now = self.clock.now();
        let ahead = self.turns.iter().filter(|turn| turn.due > now).map(|turn| turn.due.since(now));
        ahead.min().unwrap_or(PATIENCE).clamp(Duration::from_millis(1), PATIENCE)
    }

    /// Runs the detector. False if nobody wants the result any more.
    fn analyse(&mut self, frame: Frame) -> bool {
        let stream = frame.meta.stream.to_string();
        let stopwatch = Stopwatch::start();
        let event = match self.detector.detect(&[&frame]) {
            Ok(mut detections) => {
                metrics::histogram!("forewarn_inference_seconds").record(stopwatch.elapsed().as_secs_f64());
                metrics::counter!("forewarn_frames_analysed_total", "camera" => stream).increment(1);
                self.analysed.fetch_add(1, Ordering::Relaxed);
                LoopEvent::Analysed { frame, detections: detections.pop().unwrap_or_default() }
            }
            Err(error) => {
                metrics::counter!("forewarn_frames_dropped_total", "camera" => stream, "reason" => "inference_failed")
                    .increment(1);
                let what = format!("camera {}, frame {}: {error}", frame.meta.stream, frame.meta.sequence);
                LoopEvent::Happened(trouble(what, frame.meta.captured_at))
            }
        };
        self.to_loop.send(event)
    }
}
