//! A live stream: the handle that its consumers use.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use forewarn_base::sync::lock;
use forewarn_domain::{ClipSource, Clock, StreamId, Viewing, Wake};

use crate::call::Callee;
use crate::footage::{FootageNow, Writer};
use crate::kept::KeptRing;
use crate::past::WithFootage;
use crate::stream::{EventSink, Shared, StreamConfig};
use crate::{Decode, FrameSlot, InitError, PreRollRing, RingLevel, StreamStatsSnapshot, pair, supervisor};

/// A stream could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// GStreamer is not there.
    #[error(transparent)]
    Init(#[from] InitError),
    /// No thread.
    #[error("failed to start a thread for stream {stream}: {source}")]
    Thread {
        /// The stream.
        stream: StreamId,
        /// The reason.
        source: std::io::Error,
    },
    /// No thread for its footage.
    #[error(transparent)]
    Footage(#[from] forewarn_base::thread::ThreadError),
}

/// A stream that is being watched. Dropping it stops it.
pub struct LiveStream {
    shared: Arc<Shared>,
    /// The smaller stream of the same camera, if that is watched.
    beside: Option<Arc<Shared>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    footage: Option<Mutex<Writer>>,
}

impl LiveStream {
    /// Starts to connect, in a thread of its own; returns at once. A camera that cannot be reached is no error
    /// here but an event.
    pub fn start(config: StreamConfig, clock: Arc<dyn Clock>, events: EventSink) -> Result<Self, StartError> {
        crate::init()?;
        let stream = config.stream.clone();
        let (shared, beside) = match config.watched.clone() {
            None => (Shared::new(config, clock, events), None),
            Some(watched) => {
                let sinks = pair::sinks(&events);
                let mut kept = Shared::new(config, clock, sinks.kept);
                kept.decoded_part = sinks.decoded_part;
                let beside = kept.beside(watched, sinks.watched);
                (kept, Some(Arc::new(beside)))
            }
        };
        let writer = |footage: &Arc<_>| Writer::start(&stream, Arc::clone(footage), Arc::clone(&shared.clock));
        let footage = shared.config.footage.as_ref().map(writer).transpose()?;
        if let Some(writer) = &footage {
            shared.ring.keep(writer.cell());
        }
        let footage = footage.map(Mutex::new);
        let live = Self { shared: Arc::new(shared), beside, threads: Mutex::default(), footage };
        for (shared, prefix) in live.each().zip(["ingest", "sub"]) {
            let shared = Arc::clone(shared);
            let thread = std::thread::Builder::new()
                .name(format!("{prefix}-{stream}"))
                .spawn(move || supervisor::run(&shared))
                .map_err(|source| StartError::Thread { stream: stream.clone(), source })?;
            lock(&live.threads).push(thread);
        }
        Ok(live)
    }

    /// The stream, and the smaller one if that is watched.
    fn each(&self) -> impl Iterator<Item = &Arc<Shared>> {
        std::iter::once(&self.shared).chain(&self.beside)
    }

    /// The stream's name.
    pub fn stream(&self) -> &StreamId {
        &self.shared.config.stream
    }

    /// Where decoded frames are taken.
    pub fn slot(&self) -> Arc<FrameSlot> {
        self.shared.slot.clone()
    }

    /// Where evidence comes from: clips, and better pictures than those that are watched where there are any.
    pub fn clips(&self) -> Arc<dyn ClipSource> {
        let watched = self.beside.is_none().then(|| Arc::clone(&self.shared.decoded_part));
        let clips: Arc<dyn ClipSource> = Arc::new(KeptRing { ring: self.ring(), watched });
        let Some(footage) = self.shared.config.footage.clone() else { return clips };
        let (stream, clock) = (self.stream().clone(), Arc::clone(&self.shared.clock));
        Arc::new(WithFootage { clips, ring: self.ring(), footage, stream, clock })
    }

    /// What is told of its footage; none if none is kept.
    pub fn footage(&self) -> Option<FootageNow> {
        self.footage.as_ref().map(|writer| lock(writer).now())
    }

    /// Where clips are recorded from.
    pub fn ring(&self) -> Arc<PreRollRing> {
        self.shared.ring.clone()
    }

    /// Shows the video as it comes, that of the smaller stream where there is one and it is asked for.
    pub fn view(&self, is_small: bool, wake: Wake) -> Box<dyn Viewing> {
        self.shown(is_small).ring.view(wake)
    }

    /// Shows the same by WebRTC.
    pub fn callee(&self, is_small: bool) -> Callee {
        let shown = self.shown(is_small);
        Callee { stream: self.stream().clone(), ring: Arc::clone(&shown.ring), clock: Arc::clone(&shown.clock) }
    }

    fn shown(&self, is_small: bool) -> &Arc<Shared> {
        self.beside.as_ref().filter(|beside| is_small && beside.ring.is_fed()).unwrap_or(&self.shared)
    }

    /// The counters now.
    pub fn stats(&self) -> StreamStatsSnapshot {
        let footage = self.footage().map(|now| now.counts).unwrap_or_default();
        let kept = self.shared.stats.snapshot(self.shared.ring.level(), self.shared.slot.dropped());
        let kept = StreamStatsSnapshot { footage, ..kept };
        self.beside.as_ref().map_or(kept, |beside| kept.beside(&beside.stats.snapshot(RingLevel::default(), 0)))
    }

    /// Has so much decoded, a part from the next key frame on. Clips are whole all the same. A stream that dozed and is
    /// wanted whole gives what came since the key frame before the last one, so frames may be older than the last.
    pub fn decode(&self, decode: Decode) {
        self.each().for_each(|shared| shared.decoded_part.set(decode));
    }

    /// Stops the stream and waits for its thread: under a second, also while connecting or backing off.
    pub fn stop(&self) {
        self.ask_to_stop();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            let _ = thread.join();
        }
        if let Some(writer) = &self.footage {
            lock(writer).stop();
        }
    }

    /// Asks the stream to stop and does not wait, so that many can be stopped at the same time.
    pub fn ask_to_stop(&self) {
        self.each().for_each(|shared| shared.ask_to_stop());
    }
}

impl Drop for LiveStream {
    fn drop(&mut self) {
        self.stop();
    }
}
