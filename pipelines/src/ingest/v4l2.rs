//! Video4linux2 cameras.
//!
//! A camera that gives H.264 or H.265 is treated like any other. One that gives raw pictures or JPEG is decoded
//! (JPEG) and brought to I420, which analysis and encoders need and USB cameras seldom give; these frames go
//! to the consumer as they are, and an x264 encoder fills the encoded branch. Without the encoder the stream
//! runs, but no clips can be kept; that is reported as degraded.

use std::sync::Arc;

use gst::prelude::*;

use super::fork::{decode_queue, frame_sink, unit_sink};
use super::{ForkInfo, Site, fork};
use crate::plugin::make;
use crate::{Codec, DecoderKind, SourceUrl, StreamFault};

/// Kilobits per second of the evidence of a raw camera.
const BITRATE_KBIT: u32 = 2_500;
/// Pictures from one key frame to the next.
const KEY_FRAME_EVERY: u32 = 30;

pub(super) fn build(site: &Arc<Site>, source: &SourceUrl) -> Result<(), StreamFault> {
    let camera = make("v4l2src")?;
    camera.set_property("device", source.location());
    let pipeline = site.pipeline()?;
    pipeline.add(&camera).map_err(StreamFault::other)?;
    let no_device = || StreamFault::Unreachable { detail: format!("failed to open {}", source.location()) };
    // The device must be open to say what it offers.
    camera.set_state(gst::State::Ready).map_err(|_| no_device())?;
    let output = camera.static_pad("src").ok_or_else(no_device)?;
    connect(site, &output, &output.query_caps(None))
}

/// Connects a camera that offers `caps` at `output`.
fn connect(site: &Arc<Site>, output: &gst::Pad, caps: &gst::Caps) -> Result<(), StreamFault> {
    let offers = |media_type: &str| caps.iter().any(|s| s.name() == media_type);
    site.claim_video();
    for codec in Codec::ALL {
        if offers(codec.media_type()) {
            let filter = make("capsfilter")?;
            filter.set_property("caps", gst::Caps::new_empty_simple(codec.media_type()));
            let filtered = filter.static_pad("src").ok_or_else(|| StreamFault::other("a filter has no output"))?;
            fork::attach(site, output, &[&filter])?;
            return fork::fork(site, &filtered, codec);
        }
    }
    let converter = make("videoconvert")?;
    if offers("video/x-raw") {
        let filter = make("capsfilter")?;
        filter.set_property("caps", gst::Caps::new_empty_simple("video/x-raw"));
        fork_raw(site, output, &[&filter, &converter])
    } else if offers("image/jpeg") {
        fork_raw(site, output, &[&make("jpegdec")?, &converter])
    } else {
        Err(StreamFault::NoVideo { detail: format!("the camera offers {caps}") })
    }
}

/// Raw pictures to the consumer, and through an encoder to the encoded branch.
fn fork_raw(site: &Arc<Site>, output: &gst::Pad, front: &[&gst::Element]) -> Result<(), StreamFault> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", gst::Caps::builder("video/x-raw").field("format", "I420").build());
    let tee = make("tee")?;
    let frames = frame_sink(site);
    let queue = make("queue")?;
    // The camera must not wait for the consumer of frames: the newest picture wins already here.
    queue.set_property("max-size-buffers", 2_u32);
    queue.set_property_from_str("leaky", "downstream");
    site.intake.forked(ForkInfo {
        codec: None,
        decoder: "none".to_owned(),
        kind: DecoderKind::Software,
        element: None,
    });
    let pipeline = site.pipeline()?;
    let head: Vec<&gst::Element> = front.iter().copied().chain([&filter, &tee]).collect();
    pipeline.add_many(head[1..].iter().copied().chain([&queue, frames.upcast_ref()])).map_err(StreamFault::other)?;
    gst::Element::link_many(head[1..].iter().copied()).map_err(StreamFault::other)?;
    encoded_branch(site, &tee)?;
    gst::Element::link_many([&tee, &queue, frames.upcast_ref()]).map_err(StreamFault::other)?;
    for element in [frames.upcast_ref(), &queue].into_iter().chain(head[1..].iter().rev().copied()) {
        element.sync_state_with_parent().map_err(StreamFault::other)?;
    }
    fork::attach(site, output, &head[..1])?;
    head[0].link(head[1]).map_err(StreamFault::other)
}

fn encoded_branch(site: &Arc<Site>, tee: &gst::Element) -> Result<(), StreamFault> {
    let encoder = match make("x264enc") {
        Ok(encoder) => encoder,
        Err(missing) => {
            site.intake.degraded(missing.into());
            return Ok(());
        }
    };
    encoder.set_property_from_str("tune", "zerolatency");
    encoder.set_property_from_str("speed-preset", "ultrafast");
    encoder.set_property("bitrate", BITRATE_KBIT);
    encoder.set_property("key-int-max", KEY_FRAME_EVERY);
    encoder.set_property("threads", 1_u32);
    let queue = decode_queue(site)?;
    let parser = make(Codec::H264.parser())?;
    parser.set_property("config-interval", -1_i32);
    let filter = make("capsfilter")?;
    filter.set_property("caps", Codec::H264.unit_caps());
    let units = unit_sink(site, Codec::H264);
    let elements = [&queue, &encoder, &parser, &filter, units.upcast_ref()];
    site.pipeline()?.add_many(elements).map_err(StreamFault::other)?;
    gst::Element::link_many(std::iter::once(tee).chain(elements)).map_err(StreamFault::other)?;
    elements.iter().rev().try_for_each(|e| e.sync_state_with_parent()).map_err(StreamFault::other)
}
