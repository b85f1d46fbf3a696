//! One thread for each camera before a facade: it is shown every decoded frame, made small, and finds what falls.
//!
//! The decoder never waits for it: a plane for which there is no room is left out, and the detector bridges a gap of a few
//! planes.

use forewarn_analytics::luma::{Fall, LumaPlane};
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
    let tell = |falls: Vec<Fall>| {
        falls.into_iter().all(|fall| {
            telemetry::FALLS.of([stream]).increment(1);
            to_loop.send(LoopEvent::Fell { stream: stream.clone(), fall })
        })
    };
    while let Ok(Job::Plane(at, plane)) = jobs.recv() {
        if !tell(detector.observe(at, &plane)) {
            return;
        }
    }
    // The camera or the agent stops: what more was waited for does not come.
    tell(detector.finish());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use forewarn_analytics::luma::FallingObjectConfig;
    use forewarn_domain::zone::{ZoneShape, ZoneUnit};
    use forewarn_domain::{Point, Polygon, Zone, ZoneId};
    use forewarn_engine::Area;

    use super::*;
    use crate::live::incident_loop;

    #[test]
    fn what_fell_a_moment_before_the_end_is_told() {
        let (queue, jobs) = QUEUE.open::<Job>();
        for n in 0..7u8 {
            let mut samples = vec![120; 200 * 360];
            if let Some(k) = n.checked_sub(2).map(usize::from).filter(|_| n < 6) {
                // A tenth of a second a plane, at eight metres a second and more, fifteen samples a metre.
                let top = 40 + 12 * k + 7 * k * k / 10;
                (top..top + 6).for_each(|y| samples[y * 200 + 90..][..6].fill(240));
            }
            let plane = LumaPlane::from_samples(200, 360, samples).unwrap().of_blocks(3);
            let at = Timestamp::from_secs_f64(f64::from(n) / 10.0);
            queue.put(Job::Plane(at, Box::new(plane)));
        }
        queue.finish(Job::Stop);
        let (to_loop, events) = incident_loop::QUEUE.open();
        let config = FallingObjectConfig::default();
        let points = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y)).to_vec();
        let shape = ZoneShape::Polygon(Polygon { points });
        let whole = Zone { id: ZoneId::new("whole").unwrap(), shape, unit: ZoneUnit::Normalised };
        watch_for_falls(
            &StreamId::new("facade").unwrap(),
            FallWatch { config, area: Area::of(&whole), exclusions: Arc::default() },
            &jobs,
            &to_loop,
        );
        let told = events.recv_timeout(Duration::ZERO);
        assert!(matches!(told, Ok(LoopEvent::Fell { .. })), "{told:?}");
    }
}
