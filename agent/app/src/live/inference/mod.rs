//! The inference thread: runs what the scheduler says on the newest frames of all streams, within the budget.
//!
//! Frames come from one slot a stream, in which the newest wins; looks at tracks from the queue `looks`, of which the
//! oldest is dropped when it is full; what was found goes to the incident loop. The thread also tells each stream how
//! much of it to decode.

mod decoding;
pub(super) mod looks;
mod scenes;
mod telemetry;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use forewarn_domain::{AttributeId, Clock, Detector, Reader, StreamId};
use forewarn_engine::eye::Eye;
use forewarn_engine::scheduler::{Scheduler, Settings};
use forewarn_pipelines::{FrameSlot, Wakeup};
use forewarn_telemetry::queue::{Sender, Wait};

use super::LoopEvent;
use super::part::{Part, Thread};
use super::streams::{Control, Streams};
use super::vitals::Vitals;
use crate::config::Site;
use decoding::DecodeMeter;
use telemetry::Telemetry;
use worker::{Lane, Worker};

pub use looks::LookQueue;
pub use scenes::Scenes;

/// The part of the box that decoding and the models may take where the site does not say.
const PART_OF_BOX: f64 = 0.75;
/// With more streams than this for each core, only key frames are decoded until the streams' costs are known.
const START_WHOLE: f64 = 2.0;
/// What a look is taken to cost until one was measured.
const ASSUMED_COST_S: f64 = 0.05;

/// What the incident loop and the inference thread share.
#[derive(Clone, Default)]
pub struct Shared {
    /// The scenes of the streams.
    pub scenes: Scenes,
    /// The looks that are wanted.
    pub looks: Arc<LookQueue>,
    /// How the models and their budget fare.
    pub vitals: Vitals,
}

impl Shared {
    /// For a reader of `attributes`.
    pub fn new(attributes: &[AttributeId]) -> Self {
        Self { scenes: Scenes::default(), looks: Arc::new(LookQueue::new(attributes)), vitals: Vitals::default() }
    }
}

/// The running thread.
pub struct Inference {
    is_stopping: Arc<AtomicBool>,
    analysed: Arc<AtomicU64>,
    wakeup: Arc<Wakeup>,
    thread: Thread,
}

/// What looks: the detector, and what reads crops of tracks, if there is such a thing.
pub struct Models {
    /// Looks at frames and tiles.
    pub detector: Box<dyn Detector>,
    /// Looks at tracks.
    pub reader: Option<Box<dyn Reader>>,
}

/// Where frames come from and where results go.
struct Ends {
    slots: Vec<(StreamId, Arc<FrameSlot>)>,
    control: Control,
    shared: Shared,
    wakeup: Arc<Wakeup>,
    to_loop: Sender<LoopEvent, Wait>,
}

impl Inference {
    /// Starts it.
    pub fn start(
        site: &Site,
        models: Models,
        streams: &Streams,
        shared: Shared,
        wakeup: Arc<Wakeup>,
        to_loop: Sender<LoopEvent, Wait>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let ends = Ends { slots: streams.slots(), control: streams.control(), shared, wakeup, to_loop };
        Self::between(site, models, ends, clock)
    }

    fn between(site: &Site, models: Models, ends: Ends, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let Ends { slots, control, shared, wakeup, to_loop } = ends;
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let budget = site.inference.budget.unwrap_or(PART_OF_BOX * cores);
        let batch = models.detector.batch().max(1);
        let settings = Settings { budget, batch };
        let mut scheduler = Scheduler::new(settings, ASSUMED_COST_S);
        let mut lanes = BTreeMap::new();
        for (stream, slot) in slots {
            let Some(camera) = site.cameras.iter().find(|camera| camera.id == stream) else { continue };
            scheduler.add(stream.clone(), site.stream_settings(camera));
            let input = (site.model.card.input.width, site.model.card.input.height);
            let eye = Eye::new(camera.tiles, input, camera.is_gated);
            let is_whole = camera.falls.is_some();
            lanes.insert(stream, Lane { slot, eye, is_whole, waiting: None, decoding: DecodeMeter::default() });
        }
        if lanes.len() as f64 > START_WHOLE * cores {
            // So many decoders at once would choke the box before anything is known of their cost.
            for (stream, _) in lanes.iter().filter(|(_, lane)| !lane.is_whole) {
                control.decode_part(stream, 0.0);
            }
        }
        let is_stopping = Arc::new(AtomicBool::new(false));
        let analysed = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            scheduler,
            lanes,
            models,
            shared,
            streams: control,
            wakeup: Arc::clone(&wakeup),
            to_loop,
            clock: Arc::clone(clock),
            is_stopping: Arc::clone(&is_stopping),
            analysed: Arc::clone(&analysed),
            telemetry: Telemetry::new(budget),
            threads: site.model.threads as f64,
        };
        let thread = Thread::spawn("inference", move || worker.run())?;
        Ok(Self { is_stopping, analysed, wakeup, thread })
    }

    /// The count of frames analysed so far, which goes on.
    pub fn analysed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.analysed)
    }
}

impl Part for Inference {
    fn name(&self) -> &'static str {
        "inference"
    }

    fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }

    /// Ends the thread after the job that it is at.
    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.wakeup.notify();
        self.thread.join().map(drop)
    }
}

#[cfg(test)]
mod tests;
