//! One thread for each camera before a facade: it is shown every decoded frame, made small, and finds what falls.
//!
//! The queue `falls-ID` holds [`QUEUE`] planes. When it is full the newest plane is left out and counted, so that the
//! decoder never waits; the detector bridges a gap of a few planes.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use anyhow::Context as _;
use forewarn_analytics::luma::LumaPlane;
use forewarn_domain::{StreamId, Timestamp};
use forewarn_engine::{FallDetector, FallWatch};
use forewarn_pipelines::FrameTap;

use super::{LoopEvent, Receiver, Sender, queue};
use crate::config::Site;

/// Planes that may wait: a third of a second at 25 frames a second.
const QUEUE: usize = 8;

enum Job {
    Plane(Timestamp, Box<LumaPlane>),
    Stop,
}

/// The running threads.
pub struct Falls {
    threads: Vec<(Sender<Job>, JoinHandle<()>)>,
}

impl Falls {
    /// Starts a thread for each camera that looks for falls. Returns with them how each is shown its frames.
    pub fn start(site: &Site, to_loop: &Sender<LoopEvent>) -> anyhow::Result<(Self, BTreeMap<StreamId, FrameTap>)> {
        let (mut threads, mut taps) = (Vec::new(), BTreeMap::new());
        for camera in &site.cameras {
            let Some(watch) = camera.falls.clone() else { continue };
            let name = format!("falls-{}", camera.id);
            let (queue, jobs) = queue::bounded(&name, QUEUE);
            taps.insert(camera.id.clone(), tap(watch.clone(), queue.clone()));
            let (stream, to_loop) = (camera.id.clone(), to_loop.clone());
            let thread = std::thread::Builder::new()
                .name(name)
                .spawn(move || watch_for_falls(&stream, watch, &jobs, &to_loop))
                .with_context(|| format!("failed to start the thread that looks for falls of camera {}", camera.id))?;
            threads.push((queue, thread));
        }
        Ok((Self { threads }, taps))
    }

    /// Whether a thread has ended.
    pub fn is_broken(&self) -> bool {
        self.threads.iter().any(|(_, thread)| thread.is_finished())
    }

    /// Ends the threads, after the streams have ended.
    pub fn stop(&mut self) {
        for (queue, thread) in self.threads.drain(..) {
            queue.send(Job::Stop);
            if thread.join().is_err() {
                tracing::error!("a thread that looks for falls panicked");
            }
        }
    }
}

fn tap(watch: FallWatch, queue: Sender<Job>) -> FrameTap {
    FrameTap::new(move |frame| {
        let plane = FallDetector::plane_of(&watch, frame);
        // A plane that does not fit is counted by the queue.
        let _ = queue.offer(Job::Plane(frame.meta.captured_at, Box::new(plane)));
    })
}

fn watch_for_falls(stream: &StreamId, watch: FallWatch, jobs: &Receiver<Job>, to_loop: &Sender<LoopEvent>) {
    let mut detector = FallDetector::new(watch);
    while let Ok(Job::Plane(at, plane)) = jobs.recv() {
        for fall in detector.observe(at, &plane) {
            metrics::counter!("forewarn_falls_total", "camera" => stream.to_string()).increment(1);
            if !to_loop.send(LoopEvent::Fell { stream: stream.clone(), fall }) {
                return;
            }
        }
    }
}
