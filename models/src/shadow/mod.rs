//! Shadow mode: a second model looks at a sample of the frames, off the hot path, and tells where it differs.
//!
//! The main detector never waits: a frame of the sample is handed over only when the second model is idle, else it is
//! dropped and counted. The second model's thread has the lowest priority that the system gives.

mod compare;
mod log;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use forewarn_domain::{Class, Detection, Detector, DetectorError, Frame, FrameMeta};

pub use compare::{Comparison, SAME_IOU, Tally, compare};
pub use log::{Log, LogError, Summary, summarise};

use crate::frame_copy::own_copy;

/// What became of one sampled frame.
#[derive(Debug)]
pub enum Shadowed {
    /// Both models looked at it.
    Compared {
        /// Which frame.
        meta: FrameMeta,
        /// Where they differ.
        comparison: Comparison,
    },
    /// The second model failed.
    Failed {
        /// Which frame.
        meta: FrameMeta,
        /// Why.
        error: DetectorError,
    },
}

/// Counters of a shadow.
#[derive(Debug, Default)]
pub struct ShadowStats {
    sampled: AtomicU64,
    dropped: AtomicU64,
}

impl ShadowStats {
    /// Frames handed to the second model.
    pub fn sampled(&self) -> u64 {
        self.sampled.load(Ordering::Relaxed)
    }

    /// Frames of the sample that it had no time for.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// What is handed to the second model: the frame, and what the main one found in it.
type Job = (Frame, Vec<Detection>);

/// A detector with a second one in its shadow.
pub struct ShadowedDetector {
    main: Box<dyn Detector>,
    sample: f64,
    /// Part of a frame that is due; from one on a frame is sampled.
    due: f64,
    stats: Arc<ShadowStats>,
    /// Whether a frame waits for the second model.
    has_job: Arc<AtomicBool>,
    jobs: Option<SyncSender<Job>>,
    worker: Option<JoinHandle<()>>,
}

impl ShadowedDetector {
    /// Puts `shadow` in the shadow of `main`. A part `sample` (0 to 1) of the frames goes to both, evenly spread; what
    /// comes of it is handed to `tell` on the shadow's thread, with the counters. Only detections from `least_score` on count.
    pub fn start(
        main: Box<dyn Detector>,
        shadow: Box<dyn Detector>,
        sample: f64,
        least_score: f32,
        mut tell: impl FnMut(Shadowed, &ShadowStats) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel(1);
        let has_job = Arc::new(AtomicBool::new(false));
        let (sample, stats) = (sample.clamp(0.0, 1.0), Arc::new(ShadowStats::default()));
        let (taken, counted) = (Arc::clone(&has_job), Arc::clone(&stats));
        let worker = std::thread::Builder::new()
            .name("shadow".to_owned())
            .spawn(move || work(shadow, &queue, &taken, least_score, |shadowed| tell(shadowed, &counted)))?;
        Ok(Self { main, sample, due: 0.0, stats, has_job, jobs: Some(jobs), worker: Some(worker) })
    }

    /// The counters, which go on after this call.
    pub fn stats(&self) -> Arc<ShadowStats> {
        Arc::clone(&self.stats)
    }

    fn hand_over(&mut self, frame: &Frame, found: &[Detection]) {
        self.due += self.sample;
        if self.due < 1.0 {
            return;
        }
        self.due -= 1.0;
        // The copy frees the decoder's buffer, of which there may be few. It is made only where it will be used.
        let is_taken = !self.has_job.load(Ordering::Acquire)
            && self.jobs.as_ref().zip(own_copy(frame)).is_some_and(|(jobs, copy)| {
                self.has_job.store(true, Ordering::Release);
                jobs.try_send((copy, found.to_vec())).is_ok()
            });
        let counter = if is_taken { &self.stats.sampled } else { &self.stats.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Looks at whole frames only, which are what the two are compared on.
impl Detector for ShadowedDetector {
    fn classes(&self) -> &[Class] {
        self.main.classes()
    }

    fn batch(&self) -> usize {
        self.main.batch()
    }

    fn shortfall(&self) -> Option<String> {
        self.main.shortfall()
    }

    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        let found = self.main.detect(frames)?;
        for (frame, found) in frames.iter().zip(&found) {
            self.hand_over(frame, found);
        }
        Ok(found)
    }
}

impl Drop for ShadowedDetector {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(worker) = self.worker.take()
            && worker.join().is_err()
        {
            tracing::error!("the shadow model's thread panicked");
        }
    }
}

fn work(
    mut shadow: Box<dyn Detector>,
    jobs: &Receiver<Job>,
    has_job: &AtomicBool,
    least_score: f32,
    mut tell: impl FnMut(Shadowed),
) {
    // On Linux the priority is that of the calling thread alone.
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::warn!(%error, "the shadow model's thread keeps its priority");
    }
    while let Ok((frame, main)) = jobs.recv() {
        has_job.store(false, Ordering::Release);
        let meta = frame.meta.clone();
        tell(match shadow.detect(&[&frame]) {
            Ok(mut found) => {
                let comparison = compare(&main, &found.pop().unwrap_or_default(), least_score);
                Shadowed::Compared { meta, comparison }
            }
            Err(error) => Shadowed::Failed { meta, error },
        });
    }
}

#[cfg(test)]
mod tests;
