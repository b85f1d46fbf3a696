//! A live stream: its configuration and the handle that its consumers use.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::secret::Credentials;
use forewarn_base::sync::lock;
use forewarn_domain::{Clock, StreamId};

use crate::supervisor::{self, Shared};
use crate::{
    DecoderPreference, FrameSlot, FrameTap, InitError, PreRollRing, RingLimits, RtspTransport, SourceUrl, StreamEvent,
    StreamStatsSnapshot, Wakeup,
};

/// What a live stream is and how it is kept.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// Its name.
    pub stream: StreamId,
    /// Where it comes from.
    pub source: SourceUrl,
    /// User and password from a secret file or the environment; they win over those in the address.
    pub credentials: Option<Credentials>,
    /// How RTP travels.
    pub transport: RtspTransport,
    /// Jitter buffer of RTSP in milliseconds.
    pub latency_ms: u32,
    /// Accept any TLS certificate of the camera. Off unless the site file asks for it.
    pub is_any_certificate_accepted: bool,
    /// Which decoder to take.
    pub decoder: DecoderPreference,
    /// Threads of a software decoder.
    pub decoder_threads: u32,
    /// Access units that may wait for the decoder before it is made to skip to the next key frame.
    pub decode_queue: u32,
    /// Bounds of the pre-roll ring.
    pub ring: RingLimits,
    /// Without a frame for this long the connection counts as dead.
    pub stall_after: Duration,
    /// Waits between attempts.
    pub backoff: BackoffLimits,
    /// How long after the first access unit an RTCP sender report is waited for; frames before are dropped.
    pub sender_report_wait: Duration,
    /// A camera whose clock differs by more is not believed.
    pub max_camera_skew: Duration,
    /// Is notified of each frame, so that one consumer can wait for many streams.
    pub wakeup: Option<Arc<Wakeup>>,
    /// Is shown every decoded frame.
    pub tap: Option<FrameTap>,
}

impl StreamConfig {
    /// The defaults for `source`.
    pub fn new(stream: StreamId, source: SourceUrl) -> Self {
        Self {
            stream,
            source,
            credentials: None,
            transport: RtspTransport::default(),
            latency_ms: 100,
            is_any_certificate_accepted: false,
            decoder: DecoderPreference::default(),
            decoder_threads: 1,
            decode_queue: 60,
            ring: RingLimits::default(),
            stall_after: Duration::from_secs(10),
            backoff: BackoffLimits::USUAL,
            sender_report_wait: Duration::from_millis(1500),
            max_camera_skew: Duration::from_secs(5),
            wakeup: None,
            tap: None,
        }
    }
}

/// Takes the events of a stream. It is called from the stream's own thread and should not block.
pub type EventSink = Arc<dyn Fn(StreamEvent) + Send + Sync>;

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
