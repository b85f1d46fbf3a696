//! Conversion of a clip to H.264 in MP4, for clips that no camera would send as they are.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use forewarn_base::durable::Unfinished;
use forewarn_domain::Timestamp;
use gst::prelude::*;

use crate::mux::Running;
use crate::plugin::make;
use crate::{InitError, MissingElement, mp4};

/// Without any progress for this long the conversion is given up.
const GIVE_UP_AFTER: gst::ClockTime = gst::ClockTime::from_seconds(60);

/// Why there is no converted clip.
#[derive(Debug, thiserror::Error)]
pub enum TranscodeError {
    /// GStreamer is not there.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A missing element.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// A file cannot be read or written.
    #[error("failed to convert {input}: {source}")]
    Io {
        /// The input.
        input: String,
        /// The reason.
        source: std::io::Error,
    },
    /// GStreamer refused.
    #[error("failed to convert {input}: {reason}")]
    Failed {
        /// The input.
        input: String,
        /// The reason.
        reason: String,
    },
}

/// Converts `input` to H.264 in MP4 at `output`: a key frame each second, no B-frames, one thread, so that the same
/// input gives the same bytes. `progress` is called about ten times a second of conversion with the position and,
/// where known, the length of the clip.
pub fn transcode_to_h264(
    input: &Path,
    output: &Path,
    progress: impl FnMut(Duration, Option<Duration>),
) -> Result<(), TranscodeError> {
    crate::init()?;
    let io = |source| TranscodeError::Io { input: input.display().to_string(), source };
    forewarn_base::file::open(input).map_err(io)?;
    let clip = Unfinished::beside(output);
    convert(input, clip.path(), progress)?;
    mp4::set_creation_time(clip.path(), Timestamp::ZERO).and_then(|()| clip.place()).map_err(io)
}

fn convert(
    input: &Path,
    output: &Path,
    mut progress: impl FnMut(Duration, Option<Duration>),
) -> Result<(), TranscodeError> {
    let failed = |reason: String| TranscodeError::Failed { input: input.display().to_string(), reason };
    let pipeline = Running(build(input, output, &failed)?);
    pipeline.0.set_state(gst::State::Playing).map_err(|e| failed(e.to_string()))?;
    let bus = pipeline.0.bus().ok_or_else(|| failed("there is no bus".to_owned()))?;
    let look_every = gst::ClockTime::from_mseconds(100);
    let (mut last, mut silent) = (None, gst::ClockTime::ZERO);
    loop {
        let message = bus.timed_pop_filtered(look_every, &[gst::MessageType::Eos, gst::MessageType::Error]);
        let Some(message) = message else {
            let position = pipeline.0.query_position::<gst::ClockTime>();
            let length = pipeline.0.query_duration::<gst::ClockTime>();
            silent = if position == last { silent + look_every } else { gst::ClockTime::ZERO };
            if silent > GIVE_UP_AFTER {
                return Err(failed(format!("no progress for {} s", GIVE_UP_AFTER.seconds())));
            }
            last = position;
            progress(position.unwrap_or_default().into(), length.map(Into::into));
            continue;
        };
        return match message.view() {
            gst::MessageView::Error(error) => Err(failed(error.error().to_string())),
            _ => Ok(()),
        };
    }
}

fn build(
    input: &Path,
    output: &Path,
    failed: &impl Fn(String) -> TranscodeError,
) -> Result<gst::Pipeline, TranscodeError> {
    let source = make("filesrc")?;
    source.set_property("location", input.to_string_lossy().as_ref());
    let decoder = make("decodebin")?;
    let converter = make("videoconvert")?;
    let encoder = h264_encoder(1, "faster")?;
    let picture = make("capsfilter")?;
    picture.set_property("caps", gst::Caps::builder("video/x-raw").field("format", "I420").build());
    let profile = make("capsfilter")?;
    profile.set_property("caps", gst::Caps::builder("video/x-h264").field("profile", "main").build());
    let parser = make("h264parse")?;
    let muxer = make("mp4mux")?;
    muxer.set_property("faststart", true);
    let sink = make("filesink")?;
    sink.set_property("location", output.to_string_lossy().as_ref());
    let pipeline = gst::Pipeline::new();
    let error = |e: gst::glib::BoolError| failed(e.to_string());
    pipeline.add_many([&source, &decoder]).map_err(error)?;
    let chain = [&converter, &picture, &encoder, &profile, &parser, &muxer, &sink];
    pipeline.add_many(chain).map_err(error)?;
    source.link(&decoder).map_err(error)?;
    gst::Element::link_many(chain).map_err(error)?;
    ask_for_key_frames(&encoder);
    let input_pad = converter.static_pad("sink").map(Arc::new);
    decoder.connect_pad_added(move |_, pad| {
        let is_video = pad.current_caps().is_some_and(|c| c.iter().any(|s| s.name().starts_with("video/")));
        if let Some(input_pad) = input_pad.as_ref().filter(|input_pad| is_video && !input_pad.is_linked()) {
            let _ = pad.link(input_pad.as_ref());
        }
    });
    Ok(pipeline)
}

/// An encoder of even quality without B-frames, whose key frames come when they are asked for, and at no other time.
pub(crate) fn h264_encoder(threads: u32, preset: &str) -> Result<gst::Element, MissingElement> {
    let encoder = make("x264enc")?;
    encoder.set_property("threads", threads);
    encoder.set_property("bframes", 0_u32);
    encoder.set_property("b-adapt", false);
    encoder.set_property("key-int-max", 10_000_u32);
    encoder.set_property("option-string", "scenecut=0");
    encoder.set_property_from_str("pass", "quant");
    encoder.set_property("quantizer", 21_u32);
    encoder.set_property_from_str("speed-preset", preset);
    Ok(encoder)
}

/// Asks for a key frame each second, whatever the frame rate.
pub(crate) fn ask_for_key_frames(encoder: &gst::Element) {
    let Some(pad) = encoder.static_pad("sink") else { return };
    let next = AtomicU64::new(0);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(pts) = info.buffer().and_then(|buffer| buffer.pts()) else { return gst::PadProbeReturn::Ok };
        if pts.mseconds() >= next.load(Ordering::Relaxed) {
            next.store((pts.seconds() + 1) * 1000, Ordering::Relaxed);
            pad.send_event(gst_video::DownstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
        gst::PadProbeReturn::Ok
    });
}
