//! Building of ingest pipelines, for cameras and for files.
//!
//! ```text
//! source → parser → tee ─→ access units  → Intake::unit
//!                     └──→ queue → decoder → Intake::frame
//! ```
//!
//! The encoded branch comes first in the fork, so a unit has been handed over before its picture is decoded.
//! Pictures are converted only where the decoder gives samples that are not analysed. What is not the video track goes to
//! a sink that forgets it.

mod entrance;
mod fork;
mod gate;
mod http;
mod keep_alive;
mod listen;
mod mask;
mod open;
mod packet;
mod picture;
mod plain;
mod publish;
mod raw;
mod recording;
mod refuse;
mod rtsp;
mod tracks;
mod v4l2;
mod wanted;
mod whip;
mod whole;
mod why;

use std::sync::Arc;
use std::time::Duration;

use forewarn_base::secret::Credentials;
use forewarn_base::sync::lock;
use forewarn_domain::Orientation;
use forewarn_domain::mask::Mask;

use self::picture::Stated;
use self::whole::Wholeness;
use crate::entry::Entry;
use crate::frame_map::Picture;
use crate::tap::BesideTap;
use crate::thinning::{Admission, DecodedPart};
use crate::{Codec, DecoderKind, DecoderPreference, RtspTransport, StreamFault};

pub(crate) use crate::talk::Talk;
pub(crate) use entrance::count_of;
pub(crate) use keep_alive::KeepAlive;
pub(crate) use listen::Door;
pub(crate) use open::open;
pub(crate) use why::reason;

/// Who takes what a pipeline gives. Called from GStreamer's streaming threads.
pub(crate) trait Intake: Send + Sync + 'static {
    /// The video was found; comes before its units and frames.
    fn forked(&self, fork: ForkInfo);
    /// Coded data came, out of which units are made.
    fn data(&self) {}
    /// Whether nothing has come for so long that the stream counts as interrupted, though its session goes on.
    fn is_silent(&self) -> bool {
        false
    }
    /// Who takes the bytes of the container, too.
    fn stream_tap(&self) -> Option<Arc<BesideTap>> {
        None
    }
    /// An access unit, in decoding order.
    fn unit(&self, unit: RawUnit);
    /// A decoded picture, in the order of presentation.
    fn frame(&self, picture: Picture) -> Result<gst::FlowSuccess, gst::FlowError>;
    /// What is heard between the pipeline's RTSP source and its camera.
    fn talk(&self, _talk: Arc<Talk>) {}
    /// The pipeline takes the video's packets by this jitter buffer, over a way on which nothing that is lost is sent again.
    fn lossy_way(&self, _jitter_buffer: gst::glib::WeakRef<gst::Element>) {}
    /// A decoded picture that does not show everything yet.
    fn partial_frame(&self) {}
    /// No further frame comes.
    fn end(&self);
    /// A track that is not watched has come so far, in running time.
    fn beside(&self, _running_ns: i64) {}
    /// The pipeline cannot go on.
    fn fault(&self, fault: StreamFault);
    /// Explains an error that may follow.
    fn hint(&self, fault: StreamFault);
    /// The pipeline goes on, but not as well as it could.
    fn degraded(&self, fault: StreamFault);
    /// The picture with this running time was taken at this instant, says the camera.
    fn sender_report(&self, running_ns: i64, shown: forewarn_domain::WallTime);
    /// The decode queue holds this many units, and what became of the one that came.
    fn decode_queue(&self, level: u32, admission: Admission);
    /// Pictures follow that were taken before others that were given; the first, of this running time, was given itself.
    fn goes_back(&self, _to_running_ns: Option<i64>) {}
    /// A unit took the decoding thread so much processor time.
    fn decode_cost(&self, is_key: bool, spent: Duration);
}

/// What decodes the video.
#[derive(Debug, Clone)]
pub(crate) struct ForkInfo {
    /// `None` for video that is not kept encoded.
    pub(crate) codec: Option<Codec>,
    pub(crate) decoder: String,
    pub(crate) kind: DecoderKind,
    /// Whether units and pictures are told by their numbers, because times may be missing.
    pub(crate) is_counted: bool,
    /// Weak: whoever keeps this is kept by what hangs on the decoder's pads, and neither would ever go.
    pub(crate) element: gst::glib::WeakRef<gst::Element>,
}

impl ForkInfo {
    /// The decoder's element, if there is one, and its name.
    pub(crate) fn decoder_element(&self) -> Option<(gst::Element, &str)> {
        Some((self.element.upgrade()?, &self.decoder))
    }
}

/// An access unit as the parser gives it.
#[derive(Debug, Clone)]
pub(crate) struct RawUnit {
    pub(crate) codec: Codec,
    pub(crate) caps: gst::Caps,
    pub(crate) buffer: gst::Buffer,
    /// When its picture is shown, in running time in nanoseconds.
    pub(crate) pts_ns: Option<i64>,
    /// When it is decoded; kept where units are counted.
    pub(crate) dts_ns: Option<i64>,
    /// Its number in a stream that lacks times, counted in decoding order.
    pub(crate) count: i64,
    pub(crate) is_key: bool,
    /// How decoding begins with it, if it can.
    pub(crate) entry: Entry,
    /// How its picture is turned when it is shown.
    pub(crate) orientation: Orientation,
}

/// How to build a pipeline.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own; none excludes another")]
pub(crate) struct IngestOptions {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) transport: RtspTransport,
    pub(crate) latency_ms: u32,
    pub(crate) is_any_certificate_accepted: bool,
    pub(crate) decoder: DecoderPreference,
    pub(crate) excluded_decoders: Vec<String>,
    pub(crate) decoder_threads: u32,
    /// Access units between fork and decoder. A live stream skips to the next key frame when it is full; a
    /// replay waits.
    pub(crate) decode_queue: u32,
    /// How much of a live stream is decoded.
    pub(crate) decoded_part: Arc<DecodedPart>,
    pub(crate) is_live: bool,
    /// Decode at all; otherwise only access units are given.
    pub(crate) is_decoded: bool,
    /// Take video that is neither H.264 nor H.265, without an encoded branch.
    pub(crate) is_any_codec_accepted: bool,
    /// How the pictures are turned beside what the video says.
    pub(crate) turned: Orientation,
    /// What is hidden in every picture.
    pub(crate) masks: Arc<[Mask]>,
    /// Where publishers come in.
    pub(crate) door: Door,
}

/// What a file states of the times of its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Times {
    /// When each is shown.
    #[default]
    Stated,
    /// When some are shown.
    Partial,
    /// When each is decoded.
    OfDecoding,
    /// Nothing.
    Missing,
}

/// What the callbacks of one pipeline share.
pub(crate) struct Site {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    options: IngestOptions,
    intake: Arc<dyn Intake>,
    has_video: std::sync::atomic::AtomicBool,
    is_paced: bool,
    times: std::sync::Mutex<Times>,
    stated: Stated,
    wholeness: Wholeness,
    latest_packet: std::sync::Mutex<Option<packet::Packet>>,
}

impl Site {
    fn pipeline(&self) -> Result<gst::Pipeline, StreamFault> {
        self.pipeline.upgrade().ok_or_else(|| StreamFault::other("the pipeline was shut down"))
    }

    /// True for the first caller only: one video track is taken.
    fn claim_video(&self) -> bool {
        !self.has_video.swap(true, std::sync::atomic::Ordering::SeqCst)
    }

    /// How the pictures are turned: as the video says, and then as its camera is mounted.
    fn orientation(&self) -> Orientation {
        self.stated.orientation().then(self.options.turned)
    }

    /// Whether units are counted, because they lack times: in a raw file, AVI or program stream that is not played in real
    /// time.
    fn is_counted(&self) -> bool {
        self.times() != Times::Stated && !self.options.is_live
    }

    fn times(&self) -> Times {
        *lock(&self.times)
    }

    fn set_times(&self, times: Times) {
        *lock(&self.times) = times;
    }

    fn has_video(&self) -> bool {
        self.has_video.load(std::sync::atomic::Ordering::SeqCst)
    }
}
