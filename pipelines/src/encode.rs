//! Pictures encoded to H.264, as a clip in MP4.

use std::path::Path;
use std::time::Duration;

use forewarn_base::durable::Unfinished;
use forewarn_domain::{ColourMatrix, Timestamp};
use gst::prelude::*;

use crate::mux::Running;
use crate::plugin::make;
use crate::transcode::{ask_for_key_frames, h264_encoder};
use crate::{InitError, MissingElement, mp4};

/// Pictures that wait for the encoder; when as many do, whoever brings one waits.
const QUEUE: u64 = 4;
/// Longest time that the encoder takes for what waits.
const END_TIMEOUT: gst::ClockTime = gst::ClockTime::from_seconds(60);
/// What an encoder can be held to.
const LEAST_KBIT_PER_S: u32 = 16;
/// What an encoder can be held to.
const MOST_KBIT_PER_S: u32 = 100_000;
/// A clip that is held to a rate may be larger by what that gives in so long.
const SURPLUS_MS: u32 = 1000;
/// Threads of the encoder, the same on every box, so that the same pictures give the same bytes.
const THREADS: u32 = 2;

/// A clip cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// GStreamer is not there.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A missing element.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// The file cannot be written.
    #[error("failed to write {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// GStreamer refused.
    #[error("failed to encode {path}: {reason}")]
    Failed {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
}

/// Writes a clip picture by picture: a key picture each second, no sound. What is not finished leaves nothing behind.
pub struct ClipEncoder {
    pipeline: Running,
    source: gst_app::AppSrc,
    clip: Unfinished,
    shown: String,
    size: (u32, u32),
    pictures: u64,
}

impl ClipEncoder {
    /// Begins a clip of pictures of these sides, both even, most of which last `step`. When each is shown is said with it;
    /// without a rate, the last one would last no time, and players would leave it out.
    pub fn create(path: &Path, size: (u32, u32), step: Duration, colour: ColourMatrix) -> Result<Self, EncodeError> {
        Self::begin(path, size, step, (colour, None))
    }

    /// The same, of at most so many bits a second, whatever that costs of its quality.
    pub fn create_within(
        path: &Path,
        size: (u32, u32),
        step: Duration,
        (colour, kbit_per_s): (ColourMatrix, u32),
    ) -> Result<Self, EncodeError> {
        Self::begin(path, size, step, (colour, Some(kbit_per_s)))
    }

    fn begin(
        path: &Path,
        (width, height): (u32, u32),
        step: Duration,
        (colour, most_kbit_per_s): (ColourMatrix, Option<u32>),
    ) -> Result<Self, EncodeError> {
        crate::init()?;
        let shown = path.display().to_string();
        let failed =
            |error: &dyn std::fmt::Display| EncodeError::Failed { path: shown.clone(), reason: error.to_string() };
        let step_us = i32::try_from(step.as_micros()).unwrap_or(i32::MAX).max(1);
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", width as i32)
            .field("height", height as i32)
            .field("framerate", gst::Fraction::new(1_000_000, step_us))
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .field("interlace-mode", "progressive")
            .field("colorimetry", colorimetry(colour))
            .build();
        let picture_bytes = u64::from(width) * u64::from(height) * 3 / 2;
        let source = gst_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .max_bytes(picture_bytes * QUEUE)
            .block(true)
            .build();
        let clip = Unfinished::beside(path);
        let encoder = h264_encoder(THREADS, "ultrafast")?;
        // The one thing that this preset leaves out and that is worth its time: without it a clip is twice as large.
        encoder.set_property("option-string", "scenecut=0:cabac=1");
        // On by default, whatever the preset is, and dear for the few bytes that it saves.
        encoder.set_property("trellis", false);
        if let Some(most) = most_kbit_per_s {
            encoder.set_property_from_str("pass", "qual");
            encoder.set_property("bitrate", most.clamp(LEAST_KBIT_PER_S, MOST_KBIT_PER_S));
            encoder.set_property("vbv-buf-capacity", SURPLUS_MS);
        }
        let (parser, muxer, sink) = (make("h264parse")?, make("mp4mux")?, make("filesink")?);
        muxer.set_property("faststart", true);
        sink.set_property("location", clip.path().to_string_lossy().as_ref());
        let pipeline = Running(gst::Pipeline::new());
        let chain = [source.upcast_ref(), &encoder, &parser, &muxer, &sink];
        pipeline.0.add_many(chain).map_err(|error| failed(&error))?;
        gst::Element::link_many(chain).map_err(|error| failed(&error))?;
        ask_for_key_frames(&encoder);
        pipeline.0.set_state(gst::State::Playing).map_err(|error| failed(&error))?;
        Ok(Self { pipeline, source, clip, shown, size: (width, height), pictures: 0 })
    }

    /// Takes a picture of packed planes Y, U and V that is shown so long after the first, and lasts so long.
    pub fn push(&mut self, i420: Vec<u8>, shown_after: Duration, lasts: Duration) -> Result<(), EncodeError> {
        let mut buffer = gst::Buffer::from_mut_slice(i420);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_useconds(shown_after.as_micros() as u64));
            buffer.set_duration(gst::ClockTime::from_useconds(lasts.as_micros() as u64));
            self.say_layout(buffer)?;
        }
        self.pictures += 1;
        self.source.push_buffer(buffer).map(|_| ()).map_err(|error| self.reason(&error.to_string()))
    }

    /// Says where the planes lie: of itself GStreamer takes rows to be filled up to multiples of four bytes.
    fn say_layout(&self, buffer: &mut gst::BufferRef) -> Result<(), EncodeError> {
        let (width, height) = self.size;
        let (w, h) = (width as usize, height as usize);
        let offsets = [0, w * h, w * h + w / 2 * (h / 2)];
        let strides = [width as i32, width as i32 / 2, width as i32 / 2];
        let (flags, format) = (gst_video::VideoFrameFlags::empty(), gst_video::VideoFormat::I420);
        let said = gst_video::VideoMeta::add_full(buffer, flags, format, width, height, &offsets, &strides);
        said.map(|_| ()).map_err(|error| self.failed(error.to_string()))
    }

    /// How many pictures were taken.
    pub fn pictures(&self) -> u64 {
        self.pictures
    }

    /// Ends the clip and puts it in its place; `taken_at` becomes its creation time.
    pub fn finish(self, taken_at: Timestamp) -> Result<(), EncodeError> {
        self.source.end_of_stream().map_err(|error| self.reason(&error.to_string()))?;
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = self.pipeline.0.bus().and_then(|bus| bus.timed_pop_filtered(END_TIMEOUT, &kinds));
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Eos(_)) => {}
            Some(gst::MessageView::Error(error)) => return Err(self.failed(error.error().to_string())),
            _ => return Err(self.failed("the encoder did not end in time".to_owned())),
        }
        let Self { pipeline, clip, shown, .. } = self;
        drop(pipeline);
        let placed = mp4::set_creation_time(clip.path(), taken_at).and_then(|()| clip.place());
        placed.map_err(|source| EncodeError::Io { path: shown, source })
    }

    /// What an element says of why it takes no more, else `otherwise`.
    fn reason(&self, otherwise: &str) -> EncodeError {
        let message = self.pipeline.0.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        let said = message.as_ref().and_then(|message| match message.view() {
            gst::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        });
        self.failed(said.unwrap_or_else(|| otherwise.to_owned()))
    }

    fn failed(&self, reason: String) -> EncodeError {
        EncodeError::Failed { path: self.shown.clone(), reason }
    }
}

/// The colours in GStreamer's words.
fn colorimetry(colour: ColourMatrix) -> String {
    let (range, matrix) = (if colour.is_full_range { 1 } else { 2 }, if colour.is_bt709 { 3 } else { 4 });
    let (transfer, primaries) = if colour.is_bt709 { (5, 1) } else { (16, 4) };
    format!("{range}:{matrix}:{transfer}:{primaries}")
}
