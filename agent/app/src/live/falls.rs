//! One thread for each camera before a facade: it is shown every decoded frame, made small, and finds what falls.
//!
//! The decoder never waits for it: a plane for which there is no room is left out, and the detector bridges a gap of a few
//! planes.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_analytics::luma::LumaPlane;
use forewarn_base::thread::Thread;
use forewarn_domain::{StreamId, Timestamp};
use forewarn_engine::{FallDetector, FallWatch};
use forewarn_pipelines::FrameTap;
use forewarn_telemetry::queue::{LeaveOut, QueueSpec, Receiver, Sender, Wait};

use super::LoopEvent;
use super::part::Part;
use crate::config::Site;
use crate::telemetry;

/// Planes that may wait: a third of a second at 25 frames a second.
pub const QUEUE: QueueSpec<LeaveOut> = QueueSpec::new("falls-ID", 8);

enum Job {
    Plane(Timestamp, Box<LumaPlane>),
    Stop,
}

/// The running threads.
pub struct Falls {
    threads: Vec<(Sender<Job, LeaveOut>, Thread)>,
}

impl Falls {
    /// Starts a thread for each camera that looks for falls. Returns with them how each is shown its frames.
    pub fn start(
        site: &Site,
        to_loop: &Sender<LoopEvent, Wait>,
    ) -> anyhow::Result<(Self, BTreeMap<StreamId, FrameTap>)> {
        let (mut threads, mut taps) = (Vec::new(), BTreeMap::new());
        for camera in &site.cameras {
            let Some(watch) = camera.falls.clone() else { continue };
            let (queue, jobs) = QUEUE.open_for(&camera.id);
            taps.insert(camera.id.clone(), tap(watch.clone(), queue.clone()));
            let (stream, to_loop) = (camera.id.clone(), to_loop.clone());
            let work = move || watch_for_falls(&stream, watch, &jobs, &to_loop);
            threads.push((queue, Thread::spawn(QUEUE.name_for(&camera.id), work)?));
        }
        Ok((Self { threads }, taps))
    }
}

impl Part for Falls {
    fn name(&self) -> &'static str {
        "falls"
    }

    fn is_broken(&self) -> bool {
        self.threads.iter().any(|(_, thread)| thread.has_ended())
    }

    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        let end = |(queue, mut thread): (Sender<Job, LeaveOut>, Thread)| {
            queue.finish(Job::Stop);
            thread.join()
        };
        let ends: Vec<_> = self.threads.drain(..).map(end).collect();
        Ok(ends.into_iter().try_for_each(|end| end.map(drop))?)
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
