//! One thread for each camera before a facade: it is shown every decoded frame, made small, and finds what falls.
//!
//! The decoder never waits for it: a plane for which there is no room is left out, and the detector bridges a gap of a few
//! planes.

use forewarn_analytics::luma::LumaPlane;
use forewarn_base::thread::Thread;
use forewarn_domain::{StreamId, Timestamp};
use forewarn_engine::{FallDetector, FallWatch};
use forewarn_pipelines::FrameTap;
use forewarn_telemetry::queue::{LeaveOut, QueueSpec, Receiver, Sender, Wait};

use super::LoopEvent;
use crate::telemetry;

/// Planes that may wait: a third of a second at 25 frames a second.
pub const QUEUE: QueueSpec<LeaveOut> = QueueSpec::new("falls-ID", 8);

enum Job {
    Plane(Timestamp, Box<LumaPlane>),
    Stop,
}

/// The running thread of one camera. It ends when this is dropped.
pub struct Falls {
    queue: Sender<Job, LeaveOut>,
    thread: Thread,
}

impl Falls {
    /// Starts to look for falls as `watch` says. Returns with it how it is shown the camera's frames.
    pub fn start(
        stream: &StreamId,
        watch: FallWatch,
        to_loop: &Sender<LoopEvent, Wait>,
    ) -> anyhow::Result<(Self, FrameTap)> {
        let (queue, jobs) = QUEUE.open_for(stream);
        let tap = tap(watch.clone(), queue.clone());
        let (of_thread, to_loop) = (stream.clone(), to_loop.clone());
        let work = move || watch_for_falls(&of_thread, watch, &jobs, &to_loop);
        let thread = Thread::spawn(QUEUE.name_for(stream), work)?;
        Ok((Self { queue, thread }, tap))
    }

    /// Whether the thread has ended though nobody stopped it.
    pub fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }
}

impl Drop for Falls {
    fn drop(&mut self) {
        self.queue.finish(Job::Stop);
        if let Err(error) = self.thread.join() {
            tracing::error!("{error}");
        }
    }
}

fn tap(watch: FallWatch, queue: Sender<Job, LeaveOut>) -> FrameTap {
    FrameTap::new(move |frame| {
        let plane = FallDetector::plane_of(&watch, frame);
        queue.put(Job::Plane(frame.meta.captured_at, Box::new(plane)));
    })
}

fn watch_for_falls(stream: &StreamId, watch: FallWatch, jobs: &Receiver<Job>, to_loop: &Sender<LoopEvent, Wait>) {
    let mut detector = FallDetector::new(watch);
    while let Ok(Job::Plane(at, plane)) = jobs.recv() {
        for fall in detector.observe(at, &plane) {
            telemetry::FALLS.of([stream]).increment(1);
            if !to_loop.send(LoopEvent::Fell { stream: stream.clone(), fall }) {
                return;
            }
        }
    }
}
