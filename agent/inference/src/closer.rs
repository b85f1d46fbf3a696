//! Closer looks in the larger stream of a camera: where a sub-stream is watched, what a subject wears is read in the main
//! stream's picture of the same moment.
//!
//! A thread of its own takes that picture out of the video that is kept for clips, so nothing that decides waits for it;
//! what is read comes as a vote a moment later. Decoding one picture costs as much as the part of its group before it, so
//! the thread takes no more than a part of one core, and all looks at one frame share one picture.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::{held, lock};
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{ClipSource, Clock, Frame, Look, StreamId, Timestamp};
use forewarn_pipelines::Wakeup;
use forewarn_telemetry as telemetry;
use forewarn_telemetry::queue::{GiveUpOldest, QueueSpec};

use crate::looks::{LookQueue, Wanted};

/// Looks that may wait for their picture. Each keeps its frame alive.
pub const QUEUE: QueueSpec<GiveUpOldest> = QueueSpec::new("closer", 32);

/// The part of one core that decoding may take.
const PART_OF_CORE: f64 = 0.2;
/// The larger stream may come later than the one that is watched; its picture is not asked for before this.
const SETTLED_AFTER: Duration = Duration::from_millis(250);
/// Whoever was seen this long ago may be gone; he is asked for again while he is there.
const LATE_AFTER: Duration = Duration::from_secs(3);
/// A picture that was taken this far from the frame shows subjects that walk elsewhere.
const FARTHEST: Duration = Duration::from_millis(100);
/// A picture whose sides are longer by less shows no more.
const LEAST_ZOOM: f32 = 1.1;
/// How long the thread waits at most before it looks around.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Default)]
struct State {
    waiting: VecDeque<Wanted>,
    sources: BTreeMap<StreamId, Arc<dyn ClipSource>>,
    is_stopping: bool,
}

/// All looks at one frame, which see one picture.
struct Ripe {
    frame: Frame,
    looks: Vec<Look>,
    /// Where the picture comes from; none if the stream has ended meanwhile.
    source: Option<Arc<dyn ClipSource>>,
}

/// The looks that wait for a larger picture, between those who decide and the thread.
#[derive(Default)]
pub struct Closer {
    state: Mutex<State>,
    changed: Condvar,
    looks: Arc<LookQueue>,
}

impl Closer {
    /// Hands looks on to `looks`.
    pub fn new(looks: Arc<LookQueue>) -> Self {
        Self { looks, ..Self::default() }
    }

    /// The larger pictures of each stream come from there from now on, where there are any.
    pub fn set_sources(&self, sources: impl IntoIterator<Item = (StreamId, Arc<dyn ClipSource>)>) {
        self.lock().sources = sources.into_iter().collect();
    }

    /// How many times as long as the frame's sides those of the pictures are in which closer looks are taken.
    pub fn zoom(&self, frame: &Frame) -> f32 {
        let source = self.lock().sources.get(&frame.meta.stream).cloned();
        let Some((width, height)) = source.and_then(|source| source.larger_size()) else { return 1.0 };
        let area = |width: u32, height: u32| width as f32 * height as f32;
        let zoom = (area(width, height) / area(frame.width, frame.height).max(1.0)).sqrt();
        if zoom >= LEAST_ZOOM { zoom } else { 1.0 }
    }

    /// Puts looks at one frame in, or hands them on at once where the frame is as large as any picture. A look at the same
    /// track for the same thing that still waits is replaced and keeps its turn.
    pub fn put(&self, frame: &Frame, looks: Vec<Look>) {
        if looks.is_empty() || self.zoom(frame) <= 1.0 {
            return self.looks.put(frame, looks);
        }
        let mut state = self.lock();
        for look in looks.into_iter().filter(|look| self.looks.can_ask(look)) {
            let wanted = Wanted { frame: frame.clone(), look };
            if let Some(older) = state.waiting.iter_mut().find(|older| wanted.is_like(older)) {
                *older = wanted;
                count_dropped("newer", 1);
                continue;
            }
            if state.waiting.len() == QUEUE.len {
                state.waiting.pop_front();
                count_dropped("queue_full", 1);
            }
            state.waiting.push_back(wanted);
        }
        show_depth(&state);
        self.changed.notify_all();
    }

    /// The looks at the frame that has waited longest; none where nothing is ripe by `now`. What is late is given up.
    fn take(&self, now: Timestamp) -> Option<Ripe> {
        let mut state = self.lock();
        let before = state.waiting.len();
        state.waiting.retain(|wanted| now.since(wanted.frame.meta.arrived_at) < LATE_AFTER);
        count_dropped("late", before - state.waiting.len());
        let is_ripe = |wanted: &&Wanted| now.since(wanted.frame.meta.arrived_at) >= SETTLED_AFTER;
        let frame = state.waiting.iter().find(is_ripe)?.frame.clone();
        let is_of_frame = |wanted: &Wanted| wanted.frame.meta == frame.meta;
        let (taken, left): (Vec<_>, Vec<_>) = state.waiting.drain(..).partition(is_of_frame);
        state.waiting = left.into();
        show_depth(&state);
        let source = state.sources.get(&frame.meta.stream).cloned();
        Some(Ripe { frame, looks: taken.into_iter().map(|wanted| wanted.look).collect(), source })
    }

    /// Waits for `time` or until the thread is to stop; says whether it is.
    fn wait_for_stop(&self, time: Duration) -> bool {
        held(self.changed.wait_timeout_while(self.lock(), time, |state| !state.is_stopping)).0.is_stopping
    }

    /// Waits until something waits; says whether the thread is to stop.
    fn wait_for_looks(&self) -> bool {
        let is_idle = |state: &mut State| !state.is_stopping && state.waiting.is_empty();
        held(self.changed.wait_timeout_while(self.lock(), PATIENCE, is_idle)).0.is_stopping
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Takes the larger picture of the frame and hands the looks on with it, or with the frame where there is none.
    fn look_closer(&self, Ripe { frame, looks, source }: Ripe) {
        let larger = match source.map(|source| source.larger(&frame)).transpose() {
            Ok(larger) => larger.flatten(),
            Err(error) => {
                tracing::debug!(stream = %frame.meta.stream, "closer looks see the smaller picture: {error}");
                None
            }
        };
        let apart = |larger: &Frame| {
            let (at, of) = (larger.meta.captured_at, frame.meta.captured_at);
            at.since(of).max(of.since(at))
        };
        let Some(mut larger) = larger.filter(|larger| apart(larger) <= FARTHEST) else {
            telemetry::CLOSER_LOOKS.of([&"sub"]).increment(looks.len() as u64);
            return self.looks.put(&frame, looks);
        };
        telemetry::CLOSER_LOOKS.of([&"main"]).increment(looks.len() as u64);
        // What is read is a vote of the frame.
        larger.meta = frame.meta.clone();
        let of = Some((frame.width, frame.height));
        self.looks.put(&larger, looks.into_iter().map(|look| Look { of, ..look }).collect());
    }
}

fn show_depth(state: &State) {
    telemetry::QUEUE_DEPTH.of([&QUEUE.name]).set(state.waiting.len() as f64);
}

fn count_dropped(reason: &'static str, looks: usize) {
    if looks > 0 {
        telemetry::LOOKS_DROPPED.of([&reason]).increment(looks as u64);
    }
}

/// The running thread. It ends when it is dropped.
pub(crate) struct CloserThread {
    closer: Arc<Closer>,
    thread: Thread,
}

impl CloserThread {
    /// Starts it; `wakeup` is rung when looks have their pictures.
    pub(crate) fn start(closer: &Arc<Closer>, clock: Arc<dyn Clock>, wakeup: Arc<Wakeup>) -> Result<Self, ThreadError> {
        let of_thread = Arc::clone(closer);
        let thread = Thread::spawn(QUEUE.name, move || work(&of_thread, &*clock, &wakeup))?;
        Ok(Self { closer: Arc::clone(closer), thread })
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.has_ended()
    }

    /// Ends it after the picture that it is at.
    pub(crate) fn stop(&mut self) -> Result<(), ThreadError> {
        self.closer.lock().is_stopping = true;
        self.closer.changed.notify_all();
        self.thread.join().map(drop)
    }
}

fn work(closer: &Closer, clock: &dyn Clock, wakeup: &Wakeup) {
    while !closer.wait_for_looks() {
        let Some(ripe) = closer.take(clock.now()) else {
            // What waits is not ripe yet.
            if closer.wait_for_stop(SETTLED_AFTER / 8) {
                return;
            }
            continue;
        };
        let stopwatch = Stopwatch::start();
        closer.look_closer(ripe);
        wakeup.notify();
        let spent = stopwatch.elapsed();
        telemetry::CLOSER_SECONDS.of([]).record(spent.as_secs_f64());
        if closer.wait_for_stop(spent.mul_f64(1.0 / PART_OF_CORE - 1.0).min(LATE_AFTER)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
