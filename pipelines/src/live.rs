//! A live stream: the handle that its consumers use.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use forewarn_base::sync::lock;
use forewarn_domain::{Clock, StreamId};

use crate::stream::{EventSink, Shared, StreamConfig};
use crate::{FrameSlot, InitError, PreRollRing, StreamStatsSnapshot, supervisor};

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
}

/// A stream that is being watched. Dropping it stops it.
pub struct LiveStream {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl LiveStream {
    /// Starts to connect, in a thread of its own; returns at once. A camera that cannot be reached is no error
    /// here but an event.
    pub fn start(config: StreamConfig, clock: Arc<dyn Clock>, events: EventSink) -> Result<Self, StartError> {
        crate::init()?;
        let stream = config.stream.clone();
        let shared = Arc::new(Shared::new(config, clock, events));
        let in_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name(format!("ingest-{stream}"))
            .spawn(move || supervisor::run(&in_thread))
            .map_err(|source| StartError::Thread { stream, source })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// The stream's name.
    pub fn stream(&self) -> &StreamId {
        &self.shared.config.stream
    }

    /// Where decoded frames are taken.
    pub fn slot(&self) -> Arc<FrameSlot> {
        self.shared.slot.clone()
    }

    /// Where clips are recorded from.
    pub fn ring(&self) -> Arc<PreRollRing> {
        self.shared.ring.clone()
    }

    /// The counters now.
    pub fn stats(&self) -> StreamStatsSnapshot {
        self.shared.stats.snapshot(self.shared.ring.level(), self.shared.slot.dropped())
    }

    /// Has so much of each group of pictures decoded from its next key frame on: 1 for all of it, 0 for the key frame
    /// alone. Clips are whole all the same.
    pub fn decode_part(&self, part: f32) {
        self.shared.decoded_part.set(part);
    }

    /// Stops the stream and waits for its thread: under a second, also while connecting or backing off.
    pub fn stop(&self) {
        self.ask_to_stop();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Asks the stream to stop and does not wait, so that many can be stopped at the same time.
    pub fn ask_to_stop(&self) {
        self.shared.ask_to_stop();
    }
}

impl Drop for LiveStream {
    fn drop(&mut self) {
        self.stop();
    }
}
