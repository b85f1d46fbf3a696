//! The inference thread: runs what the scheduler says on the newest frames of all streams, within the budget.
//!
//! Frames come from one slot a stream, in which the newest wins; looks at tracks from the queue `looks`, of which the
//! oldest is dropped when it is full; what was found is told to whoever decides. The thread also tells each stream how
//! much of it to decode.

pub mod closer;
mod decoding;
mod lanes;
pub mod looks;
mod power;
mod publish;
mod scenes;
mod vitals;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{AttributeId, Clock, Detector, Exclusion, Reader, Reading, StreamId, Timestamp};
use forewarn_engine::Analysed;
use forewarn_engine::scheduler::{Scheduler, Settings, StreamSettings};
use forewarn_engine::tiles::Tiles;
use forewarn_pipelines::{Decode, FrameSlot, StreamStatsSnapshot, Wakeup};

use closer::CloserThread;
use publish::Telemetry;
use worker::Worker;

pub use closer::Closer;
pub use lanes::Lanes;
pub use looks::LookQueue;
pub use power::PowerDesk;
pub use scenes::Scenes;
pub use vitals::Vitals;

/// The part of the box that decoding and the models may take where the site does not say.
const PART_OF_BOX: f64 = 0.75;
/// With more streams than this for each core, only key frames are decoded until the streams' costs are known.
const START_WHOLE: f64 = 2.0;
/// What a look is taken to cost until one was measured.
const ASSUMED_COST_S: f64 = 0.05;

/// What the inference thread shares with those who decide.
#[derive(Clone, Default)]
pub struct Shared {
    /// The scenes of the streams.
    pub scenes: Scenes,
    /// Takes the looks that are wanted.
    pub closer: Arc<Closer>,
    /// The looks that have their pictures.
    pub looks: Arc<LookQueue>,
    /// How the models and their budget fare.
    pub vitals: Vitals,
    /// The streams that come and go.
    pub lanes: Lanes,
    /// How careful it is with heat and power.
    pub power: PowerDesk,
}

impl Shared {
    /// For a reader of `attributes`.
    pub fn new(attributes: &[AttributeId]) -> Self {
        let looks = Arc::new(LookQueue::new(attributes));
        Self { closer: Arc::new(Closer::new(Arc::clone(&looks))), looks, ..Self::default() }
    }
}

/// The running thread.
pub struct Inference {
    is_stopping: Arc<AtomicBool>,
    analysed: Arc<AtomicU64>,
    wakeup: Arc<Wakeup>,
    thread: Thread,
    closer: CloserThread,
}

/// What looks: the detector, and what reads crops of tracks, if there is such a thing.
pub struct Models {
    /// Looks at frames and tiles.
    pub detector: Box<dyn Detector>,
    /// Looks at tracks.
    pub reader: Option<Box<dyn Reader>>,
}

impl Models {
    /// What the models do otherwise than they were asked to, the detector first; none where all do as asked.
    fn shortfall(&self) -> Option<String> {
        let of_reader = || self.reader.as_ref().and_then(|reader| reader.shortfall());
        self.detector.shortfall().or_else(of_reader)
    }
}

/// How one stream is looked at.
pub struct StreamSetup {
    /// The stream.
    pub stream: StreamId,
    /// Where its newest frame lies.
    pub slot: Arc<FrameSlot>,
    /// How often it is looked at.
    pub settings: StreamSettings,
    /// Tiles for small subjects.
    pub tiles: Option<Tiles>,
    /// Where in its picture nothing is detected.
    pub exclusions: Arc<[Exclusion]>,
    /// Whether somebody looks at every frame, so that all must be decoded.
    pub is_whole: bool,
}

/// What is looked at, and with how much of the box.
pub struct Setup {
    /// The streams.
    pub streams: Vec<StreamSetup>,
    /// Width and height of the detector's input, in pixels.
    pub input_px: (u32, u32),
    /// Threads of one inference.
    pub threads: usize,
    /// Processor cores that decoding and the models may take; a part of the box where nobody says.
    pub budget: Option<f64>,
}

/// The decoders of the streams.
pub trait Decoders: Send {
    /// The counters of each stream now.
    fn snapshots(&self) -> Vec<(StreamId, StreamStatsSnapshot)>;

    /// Has so much of a stream decoded.
    fn decode(&self, stream: &StreamId, decode: Decode);
}

/// What the thread found.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most are the large one, and a box would be an allocation a frame")]
pub enum Found {
    /// A frame was analysed.
    Analysed(Analysed),
    /// Tracks of a stream were looked at closer.
    Read {
        /// The stream.
        stream: StreamId,
        /// What was seen.
        readings: Vec<Reading>,
    },
    /// The models failed.
    Failed {
        /// At what, and why.
        what: String,
        /// When what they failed at was seen.
        at: Timestamp,
    },
}

/// What the thread works with beside the models.
pub struct Ends {
    /// What decodes.
    pub decoders: Box<dyn Decoders>,
    /// What is shared with those who decide.
    pub shared: Shared,
    /// Rung when a frame lies in a slot.
    pub wakeup: Arc<Wakeup>,
    /// The agent's time.
    pub clock: Arc<dyn Clock>,
    /// Is told what was found. False if nobody wants it any more, which ends the thread.
    pub tell: Box<dyn FnMut(Found) -> bool + Send>,
}

impl Inference {
    /// Starts the thread.
    pub fn start(setup: Setup, models: Models, ends: Ends) -> Result<Self, ThreadError> {
        let Ends { decoders, shared, wakeup, clock, tell } = ends;
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let budget = setup.budget.unwrap_or(PART_OF_BOX * cores);
        let batch = models.detector.batch().max(1);
        if setup.streams.len() as f64 > START_WHOLE * cores {
            // So many decoders at once would choke the box before anything is known of their cost.
            for one in setup.streams.iter().filter(|one| !one.is_whole) {
                decoders.decode(&one.stream, Decode::Part(0.0));
            }
        }
        setup.streams.into_iter().for_each(|one| shared.lanes.add(one));
        let closer = CloserThread::start(&shared.closer, Arc::clone(&clock), Arc::clone(&wakeup))?;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let analysed = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            scheduler: Scheduler::new(Settings { budget, batch }, ASSUMED_COST_S),
            lanes: BTreeMap::new(),
            input_px: setup.input_px,
            models,
            shared,
            decoders,
            wakeup: Arc::clone(&wakeup),
            tell,
            clock,
            is_stopping: Arc::clone(&is_stopping),
            analysed: Arc::clone(&analysed),
            telemetry: Telemetry::new(budget),
            threads: setup.threads as f64,
        };
        let thread = Thread::spawn("inference", move || worker.run())?;
        Ok(Self { is_stopping, analysed, wakeup, thread, closer })
    }

    /// The count of frames analysed so far, which goes on.
    pub fn analysed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.analysed)
    }

    /// Whether a thread has ended.
    pub fn has_ended(&self) -> bool {
        self.thread.has_ended() || self.closer.has_ended()
    }

    /// Ends the thread after the job that it is at.
    pub fn stop(&mut self) -> Result<(), ThreadError> {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.wakeup.notify();
        let closer = self.closer.stop();
        self.thread.join().and(closer)
    }
}

#[cfg(test)]
mod tests;
