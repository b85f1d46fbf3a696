//! Video in and video out: GStreamer ingest, decode, pre-roll ring and clip muxing.
//!
//! The parts, in the order in which a picture meets them:
//!
//! - [`SourceUrl`] says where video comes from; secrets in it are never printed.
//! - [`LiveStream`] keeps one camera connected from a thread of its own, reconnects with back-off, reports each
//!   outage as a [`StreamEvent`], and counts what it does in [`StreamStatsSnapshot`].
//! - [`FileReplay`] pulls every frame of a file in order, as fast as the consumer takes them.
//! - Both fork the parsed video: access units go into a [`PreRollRing`], decoded pictures to the consumer,
//!   for a live stream through a [`FrameSlot`] in which the newest frame wins.
//! - [`ClipRecorder`] cuts a clip out of the ring and writes it as MP4 without re-encoding.
//! - [`footage`] keeps all of a stream's video in files of a minute, for those who want it, and cuts spans out of them.
//! - [`SimCamera`] serves a clip as a real RTSP camera, for demonstrations and tests.
//!
//! Call [`init`] once before anything else.

mod address;
mod bits;
mod call;
mod clip;
mod clip_error;
mod clip_source;
mod clock_map;
mod codec;
mod decoder;
mod described;
mod doze;
mod encode;
mod entry;
mod event;
mod fields;
pub mod footage;
mod fragment;
mod frame_map;
mod heap;
mod ingest;
mod kept;
mod live;
mod moment;
mod mp4;
mod mpeg;
mod mux;
mod pair;
mod pairing;
mod past;
mod plugin;
mod quiet;
mod recorder;
mod replay;
mod ring;
mod session;
mod sets;
mod signed;
mod sim;
mod slot;
mod source;
mod stats;
mod stream;
mod supervisor;
mod talk;
mod tap;
mod thinning;
mod transcode;
mod unfiltered;
mod unit;
mod viewing;
mod webrtc;

pub use address::redact;
pub use call::{Answered, Call, CallError, Callee};
pub use clip::{ClipInfo, ClipRecorder};
pub use clip_error::ClipError;
pub use codec::{Codec, coding_in_words};
pub use decoder::{Candidate, CodecProbe, DecoderKind, DecoderPreference, NoDecoderError, RankedDecoder, probe};
pub use doze::Decode;
pub use encode::{ClipEncoder, EncodeError};
pub use event::{Away, StreamEvent, StreamFault};
pub use live::{LiveStream, StartError};
pub use mp4::set_creation_time;
pub use mpeg::{LiveMetadata, Metadata, fuzz_metadata, fuzz_recording, metadata};
pub use plugin::{InitError, MissingElement, init};
pub use recorder::{ClipEnd, EpochEnd};
pub use replay::{FileReplay, ReplayConfig, ReplayError};
pub use ring::{PreRollRing, Rhythm, RingLevel, RingLimits};
pub use sim::{SimCamera, SimConfig, SimError};
pub use slot::{FrameSlot, Wakeup};
pub use source::{RtspTransport, SourceError, SourceKind, SourceUrl};
pub use stats::StreamStatsSnapshot;
pub use stream::{EventSink, StreamConfig};
pub use tap::{FrameTap, MetadataTap};
pub use transcode::{TranscodeError, transcode_to_h264};
pub use unit::StreamFormat;
