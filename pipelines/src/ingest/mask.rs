//! Privacy masks, blackened before anything else sees the pictures.
//!
//! ```text
//! parser → decoder → I420 → black → x264 → what follows without masks: parser → tee → …
//! ```
//!
//! What follows gets a stream of its own, in which the hidden pixels never were: the ring, clips, snapshots and models know
//! nothing of masks. Cameras without any go another way and pay nothing.

use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::mask::{Run, hidden_runs};
use forewarn_domain::{Orientation, Showing};
use gst::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::{Site, Times, fork, picture};
use crate::entry::marks;
use crate::pairing::{Framing, pair_up};
use crate::plugin::make;
use crate::transcode::{ask_for_key_frames, h264_encoder};
use crate::{Codec, DecoderPreference, StreamFault, decoder};

/// Pictures that wait for the encoder. Live, the oldest is left out when they are more.
const WAITING: u32 = 3;
/// Black in limited range; in full range nearly so.
const BLACK: [u8; 3] = [16, 128, 128];

/// Forks what `pad` gives, masked where something is to be hidden.
pub(super) fn fork(site: &Arc<Site>, pad: &gst::Pad, codec: Codec) -> Result<(), StreamFault> {
    if site.options.masks.is_empty() {
        return fork::fork(site, pad, codec);
    }
    let masked = through(site, pad, codec)?;
    fork::fork(site, &masked, Codec::H264)
}

/// Decodes what `pad` gives, without an encoded branch, masked where something is to be hidden.
pub(super) fn decode_only(site: &Arc<Site>, pad: &gst::Pad, is_raw: bool) -> Result<(), StreamFault> {
    let black = if site.options.masks.is_empty() { make("identity")? } else { blackened(site)? };
    fork::decode_only(site, pad, is_raw, &black)
}

/// Decodes what `pad` gives, blackens it and encodes it again; returns where that comes out.
fn through(site: &Arc<Site>, pad: &gst::Pad, codec: Codec) -> Result<gst::Pad, StreamFault> {
    let parser = make(codec.parser())?;
    if let Some(input) = parser.static_pad("sink") {
        fork::listen_for_data(site, &input);
    }
    let units = make("capsfilter")?;
    units.set_property("caps", codec.unit_caps());
    picture::listen(site, &parser, Some(codec));
    pair_up(&units, codec, Framing::StartCodes);
    listen_for_turns(site, &units, codec);
    let threads = site.options.decoder_threads;
    let opened = decoder::open(codec, &DecoderPreference::Software, &[], threads)?;
    let (converter, black) = (make("videoconvert")?, blackened(site)?);
    let queue = make("queue")?;
    queue.set_property("max-size-buffers", WAITING);
    queue.set_property("max-size-bytes", 0_u32);
    queue.set_property("max-size-time", 0_u64);
    if site.options.is_live {
        queue.set_property_from_str("leaky", "downstream");
    }
    let encoder = h264_encoder(1, "superfast")?;
    encoder.set_property_from_str("tune", "zerolatency");
    // On by default, whatever the preset is, and dear for the few bytes that it saves.
    encoder.set_property("trellis", false);
    ask_for_key_frames(&encoder);
    // Left alone it takes High, which browsers do not take over WebRTC.
    let profile = make("capsfilter")?;
    profile.set_property("caps", gst::Caps::builder("video/x-h264").field("profile", "main").build());
    let out = profile.static_pad("src").ok_or_else(|| StreamFault::other("a filter has no output"))?;
    fork::attach(site, pad, &[&parser, &units, &opened.element, &converter, &black, &queue, &encoder, &profile])?;
    // Each picture leaves with a time, whatever the file states.
    site.set_times(Times::Stated);
    Ok(out)
}

/// Lets I420 through, blackened.
pub(super) fn blackened(site: &Arc<Site>) -> Result<gst::Element, StreamFault> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", gst::Caps::builder("video/x-raw").field("format", "I420").build());
    if !site.options.masks.is_empty()
        && let Some(pad) = filter.static_pad("src")
    {
        blacken(site, &pad);
    }
    Ok(filter)
}

/// What is hidden of pictures that come so.
struct Plan {
    info: VideoInfo,
    orientation: Orientation,
    runs: Vec<Run>,
    /// When the last picture was shown.
    last: Option<gst::ClockTime>,
}

fn blacken(site: &Arc<Site>, pad: &gst::Pad) {
    let (site, plan) = (site.clone(), Mutex::new(None::<Plan>));
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let mut plan = lock(&plan);
        let done = pad.current_caps().zip(info.buffer_mut()).and_then(|(caps, buffer)| {
            let known = VideoInfo::from_caps(&caps).ok()?;
            let orientation = site.orientation();
            let plan = match &mut *plan {
                Some(plan) if plan.info == known && plan.orientation == orientation => plan,
                other => {
                    let last = other.as_ref().and_then(|plan| plan.last);
                    other.insert(make_plan(&site, known, orientation, last))
                }
            };
            let buffer = buffer.make_mut();
            plan.set_time(buffer);
            plan.apply(buffer)
        });
        if done.is_none() {
            // Better no picture than one that shows what is to be hidden.
            site.intake.fault(StreamFault::other("a picture could not be masked"));
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}

fn make_plan(site: &Site, info: VideoInfo, orientation: Orientation, last: Option<gst::ClockTime>) -> Plan {
    let side = |side: i32| u32::try_from(side).unwrap_or(0);
    let pixel_aspect = (side(info.par().numer()), side(info.par().denom()));
    let runs = hidden_runs(&site.options.masks, (info.width(), info.height()), Showing { orientation, pixel_aspect });
    Plan { info, orientation, runs, last }
}

impl Plan {
    /// Pictures of which no time is known follow each other at the rate of the video.
    fn set_time(&mut self, buffer: &mut gst::BufferRef) {
        let fps = self.info.fps();
        let step = gst::ClockTime::SECOND
            .mul_div_floor(u64::try_from(fps.denom()).unwrap_or(0), u64::try_from(fps.numer()).unwrap_or(0).max(1))
            .filter(|step| *step > gst::ClockTime::ZERO);
        let next =
            self.last.map_or(gst::ClockTime::ZERO, |last| last + step.unwrap_or(gst::ClockTime::from_mseconds(40)));
        let pts = buffer.pts().unwrap_or(next);
        buffer.set_pts(pts);
        self.last = Some(pts);
    }

    fn apply(&self, buffer: &mut gst::BufferRef) -> Option<()> {
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &self.info).ok()?;
        let (width, height) = (self.info.width() as usize, self.info.height() as usize);
        let strides: Vec<usize> = frame.plane_stride().iter().map(|stride| stride.unsigned_abs() as usize).collect();
        for (plane, colour) in BLACK.into_iter().enumerate() {
            let stride = *strides.get(plane)?;
            let pixels = frame.plane_data_mut(plane as u32).ok()?;
            for run in &self.runs {
                let (rows, from, to) = if plane == 0 {
                    (run.row * 2..(run.row * 2 + 2).min(height), run.from * 2, (run.to * 2).min(width))
                } else {
                    (run.row..run.row + 1, run.from, run.to)
                };
                for row in rows {
                    pixels.get_mut(row * stride + from..row * stride + to)?.fill(colour);
                }
            }
        }
        Some(())
    }
}

/// What the coded video says of how it is turned gets lost on the way.
fn listen_for_turns(site: &Arc<Site>, units: &gst::Element, codec: Codec) {
    let Some(pad) = units.static_pad("src") else { return };
    let site = site.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let said = info.buffer().and_then(|buffer| buffer.map_readable().ok().map(|bytes| marks(codec, &bytes)));
        if let Some(orientation) = said.and_then(|said| said.orientation) {
            site.stated.turned_by_video(orientation);
        }
        gst::PadProbeReturn::Ok
    });
}
