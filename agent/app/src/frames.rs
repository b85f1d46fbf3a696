//! Frames for a command: clips one after the other, or live cameras for some time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use forewarn_domain::{Clock, Frame, StreamId, SystemClock, Timestamp};
use forewarn_pipelines::{FileReplay, FrameSlot, LiveStream, ReplayConfig, SourceKind, Wakeup};

use crate::config::{Camera, Site};
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// How long a live camera is waited for before the time is looked at again.
const PATIENCE: Duration = Duration::from_millis(200);

/// A clip under a camera's name.
struct Clip {
    config: ReplayConfig,
    path: PathBuf,
}

/// Live cameras.
struct Live {
    streams: Vec<LiveStream>,
    slots: Vec<Arc<FrameSlot>>,
    wakeup: Arc<Wakeup>,
    clock: Arc<dyn Clock>,
    until: Timestamp,
    /// The slot that is looked at first, so that no camera starves.
    turn: usize,
}

/// All frames, those of the clips first.
pub struct Frames {
    clips: std::vec::IntoIter<Clip>,
    playing: Option<FileReplay>,
    live: Option<Live>,
}

impl Frames {
    /// Clips as named by `named`, else each camera's own source: a file is played to its end, a live camera watched for
    /// `live_for`.
    ///
    /// With `named` only the cameras named are looked at.
    pub fn open(site: &Site, named: &[(StreamId, PathBuf)], live_for: Option<Duration>) -> Result<Self, CommandError> {
        let mut clips = Vec::new();
        let mut live: Vec<&Camera> = Vec::new();
        for (id, path) in named {
            let Some(camera) = site.cameras.iter().find(|camera| camera.id == *id) else {
                let known: Vec<&str> = site.cameras.iter().map(|camera| camera.id.as_str()).collect();
                let error = anyhow!("--camera {id}: the site has no camera {id}; it has {}", known.join(", "));
                return Err(CommandError { code: ExitCode::BadInput, error });
            };
            clips.push(Clip { config: camera.replay_config(), path: path.clone() });
        }
        for camera in site.cameras.iter().filter(|_| named.is_empty()) {
            if camera.source.kind() == SourceKind::File {
                clips.push(Clip { config: camera.replay_config(), path: camera.source.path() });
            } else {
                live.push(camera);
            }
        }
        let live = match (live.first(), live_for) {
            (None, _) => None,
            (Some(first), None) => {
                let error = anyhow!(
                    "camera {} is live; say with --for how many seconds it is watched, or name a clip with --camera {}=CLIP",
                    first.id,
                    first.id
                );
                return Err(CommandError { code: ExitCode::Usage, error });
            }
            (Some(_), Some(live_for)) => Some(Live::start(&live, live_for)?),
        };
        Ok(Self { clips: clips.into_iter(), playing: None, live })
    }

    /// The next frame; `None` when all is seen.
    pub fn next(&mut self) -> Result<Option<Frame>, CommandError> {
        loop {
            if let Some(replay) = &mut self.playing {
                if let Some(frame) = replay.next_frame().or_exit(ExitCode::BadInput)? {
                    return Ok(Some(frame));
                }
                self.playing = None;
            }
            let Some(Clip { config, path }) = self.clips.next() else { break };
            self.playing = Some(FileReplay::open(&path, config).or_exit(ExitCode::BadInput)?);
        }
        Ok(self.live.as_mut().and_then(Live::next))
    }
}

impl Live {
    fn start(cameras: &[&Camera], live_for: Duration) -> Result<Self, CommandError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let wakeup = Arc::new(Wakeup::default());
        let mut streams = Vec::new();
        for camera in cameras {
            let mut config = camera.stream_config();
            config.wakeup = Some(Arc::clone(&wakeup));
            let id = camera.id.clone();
            let sink = Arc::new(move |event| tracing::info!(camera = %id, ?event, "stream"));
            streams.push(LiveStream::start(config, Arc::clone(&clock), sink).or_exit(ExitCode::Failed)?);
        }
        let slots = streams.iter().map(LiveStream::slot).collect();
        let until = clock.now() + live_for;
        Ok(Self { streams, slots, wakeup, clock, until, turn: 0 })
    }

    fn next(&mut self) -> Option<Frame> {
        while self.clock.now() < self.until {
            let seen = self.wakeup.count();
            for offset in 0..self.slots.len() {
                let index = (self.turn + offset) % self.slots.len();
                if let Some(frame) = self.slots[index].take() {
                    self.turn = index + 1;
                    return Some(frame);
                }
            }
            self.wakeup.wait_past(seen, PATIENCE);
        }
        None
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.streams.iter().for_each(LiveStream::ask_to_stop);
        self.streams.iter().for_each(LiveStream::stop);
    }
}
