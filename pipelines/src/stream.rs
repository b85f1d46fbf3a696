//! What a live stream is, and what its threads share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::secret::Credentials;
use forewarn_base::sync::{held, lock};
use forewarn_domain::mask::Mask;
use forewarn_domain::{Clock, Orientation, StreamId};

use crate::footage::Footage;
use crate::stats::StreamStats;
use crate::thinning::DecodedPart;
use crate::{
    DecoderPreference, FrameSlot, FrameTap, MetadataTap, PreRollRing, RingLimits, RtspTransport, SourceUrl,
    StreamEvent, Wakeup,
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
    /// How the camera is mounted: its pictures are turned so beside what the video says.
    pub turned: Orientation,
    /// What is hidden in every picture, before anything is kept, shown or analysed.
    pub masks: Arc<[Mask]>,
    /// Bounds of the pre-roll ring.
    pub ring: RingLimits,
    /// Without a frame for this long the connection counts as dead.
    pub stall_after: Duration,
    /// Waits between attempts.
    pub backoff: BackoffLimits,
    /// A camera whose clock differs by more is not believed.
    pub max_camera_skew: Duration,
    /// Is notified of each frame, so that one consumer can wait for many streams.
    pub wakeup: Option<Arc<Wakeup>>,
    /// Is shown every decoded frame.
    pub tap: Option<FrameTap>,
    /// Is told what comes beside the video of a transport stream in datagrams or over SRT.
    pub metadata: Option<MetadataTap>,
    /// A smaller stream of the same camera, which is watched in place of this one: this one is kept for clips, and is
    /// watched only while the other is away.
    pub watched: Option<SourceUrl>,
    /// Where all of its video is kept around the clock, if it is.
    pub footage: Option<Arc<Footage>>,
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
            turned: Orientation::UPRIGHT,
            masks: Arc::default(),
            ring: RingLimits::default(),
            stall_after: Duration::from_secs(10),
            backoff: BackoffLimits::USUAL,
            max_camera_skew: Duration::from_secs(5),
            wakeup: None,
            tap: None,
            metadata: None,
            watched: None,
            footage: None,
        }
    }
}

/// A stream of which nothing is kept has room for a group of pictures.
const WATCHED_BYTES: usize = 4 << 20;

/// Takes the events of a stream. It is called from the stream's own thread and should not block.
pub type EventSink = Arc<dyn Fn(StreamEvent) + Send + Sync>;

/// What the threads of a stream share.
pub(crate) struct Shared {
    pub(crate) config: StreamConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) slot: Arc<FrameSlot>,
    pub(crate) ring: Arc<PreRollRing>,
    pub(crate) stats: StreamStats,
    pub(crate) decoded_part: Arc<DecodedPart>,
    /// Whether the slot belongs to another stream, which closes it.
    pub(crate) is_beside: bool,
    events: EventSink,
    stop: Mutex<Stop>,
    stopped: Condvar,
}

#[derive(Default)]
struct Stop {
    is_asked: bool,
    bus: Option<gst::Bus>,
}

impl Shared {
    pub(crate) fn new(config: StreamConfig, clock: Arc<dyn Clock>, events: EventSink) -> Self {
        Self {
            slot: Arc::new(FrameSlot::new(config.wakeup.clone())),
            ring: Arc::new(PreRollRing::new(config.ring)),
            config,
            clock,
            stats: StreamStats::default(),
            decoded_part: Arc::default(),
            is_beside: false,
            events,
            stop: Mutex::default(),
            stopped: Condvar::new(),
        }
    }

    /// The same for the smaller stream of the camera, `source`: its frames go the same way, its units to nobody.
    pub(crate) fn beside(&self, source: SourceUrl, events: EventSink) -> Self {
        let ring = RingLimits { span: Duration::ZERO, bytes: WATCHED_BYTES, ..RingLimits::default() };
        let config = StreamConfig { source, ring, watched: None, metadata: None, footage: None, ..self.config.clone() };
        Self { slot: Arc::clone(&self.slot), is_beside: true, ..Self::new(config, Arc::clone(&self.clock), events) }
    }

    pub(crate) fn ask_to_stop(&self) {
        let mut stop = self.lock_stop();
        stop.is_asked = true;
        if let Some(bus) = &stop.bus {
            wake(bus);
        }
        self.stopped.notify_all();
    }

    /// Waits, and says whether the stream is to stop.
    pub(crate) fn wait_for_stop(&self, timeout: Duration) -> bool {
        let stop = self.lock_stop();
        let waited = self.stopped.wait_timeout_while(stop, timeout, |stop| !stop.is_asked);
        held(waited).0.is_asked
    }

    /// Sets the bus that is woken to stop; says whether the stream is to stop already.
    pub(crate) fn set_bus(&self, bus: Option<gst::Bus>) -> bool {
        let mut stop = self.lock_stop();
        stop.bus = bus;
        stop.is_asked
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lock_stop().is_asked
    }

    fn lock_stop(&self) -> MutexGuard<'_, Stop> {
        lock(&self.stop)
    }

    pub(crate) fn emit(&self, event: StreamEvent) {
        let stream = &self.config.stream;
        match &event {
            StreamEvent::Interrupted { reason, .. } | StreamEvent::RetryFailed { reason, .. } => {
                tracing::debug!(%stream, %reason, "stream interrupted");
            }
            event => tracing::debug!(%stream, ?event, "stream event"),
        }
        (self.events)(event);
    }
}

/// Makes the thread that waits on `bus` look around.
pub(crate) fn wake(bus: &gst::Bus) {
    let _ = bus.post(gst::message::Application::new(gst::Structure::new_empty("forewarn-wake")));
}
