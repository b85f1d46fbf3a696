//! What the agent sees in a picture, told to those who look at a camera: boxes, their ages, and the incidents that go on.
//!
//! The incident loop calls this for each analysed frame. It costs nothing while nobody looks, and never waits: whoever does
//! not take what is told misses the oldest of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::track::TrackState;
use forewarn_domain::{Frame, IncidentRecord, StreamId, Timestamp, Track};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Pictures that may wait for one who looks, of all cameras together.
const WAITING: usize = 256;

/// What was seen in one picture.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The camera.
    pub camera: StreamId,
    /// As JSON.
    pub text: String,
}

/// Those who look. Clones are the same ones.
#[derive(Clone)]
pub struct Onlookers(broadcast::Sender<Arc<Seen>>);

impl Default for Onlookers {
    fn default() -> Self {
        Self(broadcast::channel(WAITING).0)
    }
}

impl fmt::Debug for Onlookers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Onlookers")
    }
}

#[derive(Serialize)]
struct Picture<'a, L> {
    is: &'static str,
    camera: &'a StreamId,
    at_us: Timestamp,
    size_px: (u32, u32),
    tracks: Vec<Subject<'a>>,
    incidents: Vec<GoingOn<'a>>,
    /// What somebody who looks for something was told so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    looked: Option<L>,
}

#[derive(Serialize)]
struct Subject<'a> {
    id: u64,
    class: &'a str,
    r#box: [f32; 4],
    is_lost: bool,
    seen_ms: u64,
}

#[derive(Serialize)]
struct GoingOn<'a> {
    id: &'a str,
    state: &'static str,
    violation: &'a str,
    zone: &'a str,
    track: Option<u64>,
    r#box: [f32; 4],
    /// Since its condition holds.
    for_ms: u64,
}

fn rounded(bbox: forewarn_domain::BBox) -> [f32; 4] {
    <[f32; 4]>::from(bbox).map(f32::round)
}

impl Onlookers {
    /// Tells what was seen in a frame: the tracks after it, the incidents of its stream, and what somebody has `looked` for.
    pub fn show<'a>(
        &self,
        frame: &Frame,
        (tracks, incidents): (&[Track], impl Iterator<Item = &'a IncidentRecord>),
        looked: Option<impl Serialize>,
    ) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let at = frame.meta.captured_at;
        let tracks = tracks.iter().map(|track| Subject {
            id: track.id.0,
            class: track.class.as_str(),
            r#box: rounded(track.bbox),
            is_lost: track.state == TrackState::Lost,
            seen_ms: at.since(track.first_seen).as_millis() as u64,
        });
        let incidents = incidents.map(|record| GoingOn {
            id: record.id.as_str(),
            state: record.state.as_str(),
            violation: record.rule.violation.as_str(),
            zone: record.rule.zone.as_str(),
            track: record.subject.track.map(|track| track.0),
            r#box: rounded(record.subject.bbox),
            for_ms: record.history.first().map_or(0, |first| at.since(first.at).as_millis() as u64),
        });
        let camera = &frame.meta.stream;
        let size_px = (frame.width, frame.height);
        let picture = Picture {
            is: "seen",
            camera,
            at_us: at,
            size_px,
            tracks: tracks.collect(),
            incidents: incidents.collect(),
            looked,
        };
        match serde_json::to_string(&picture) {
            // Nobody need look any more.
            Ok(text) => drop(self.0.send(Arc::new(Seen { camera: camera.clone(), text }))),
            Err(error) => tracing::error!(%error, "what was seen could not be told"),
        }
    }

    /// What is seen in the next picture of a camera; none if there is none in time. `ready` is called when none can be missed
    /// any more.
    fn next_of(&self, camera: &StreamId, within: Duration, ready: impl FnOnce()) -> Option<String> {
        let mut told = self.join();
        ready();
        let next = async {
            loop {
                match told.recv().await {
                    Ok(seen) if seen.camera == *camera => return Some(seen.text.clone()),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().ok()?;
        runtime.block_on(async { tokio::time::timeout(within, next).await }).ok().flatten()
    }

    /// What is seen in the next picture of a camera, if one comes `within` that time, or in the last one before that is `over`.
    /// Each picture is asked for by `stir`. Not to be called on a thread that serves connections.
    pub fn watch(&self, camera: &StreamId, (within, over): (Duration, Duration), stir: impl Fn()) -> Option<String> {
        let begun = Stopwatch::start();
        let mut told = self.next_of(camera, within, &stir)?;
        while let Some(next) = self.next_of(camera, over.saturating_sub(begun.elapsed()), &stir) {
            told = next;
        }
        Some(told)
    }

    /// What is seen from now on.
    pub(crate) fn join(&self) -> broadcast::Receiver<Arc<Seen>> {
        self.0.subscribe()
    }
}
