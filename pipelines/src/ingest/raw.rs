//! Cameras whose pictures are not kept as they come: raw ones, and Motion JPEG.
//!
//! JPEG is decoded, and all pictures are brought to I420, which analysis and encoders need. These frames go to the
//! consumer as they are, and an x264 encoder fills the encoded branch. Without the encoder the stream runs, but no clips
//! can be kept; that is reported as degraded.

use std::sync::Arc;

use gst::prelude::*;

use super::fork::{decode_queue, frame_sink, unit_sink};
use super::{ForkInfo, Site, fork, mask};
use crate::plugin::make;
use crate::transcode::ask_for_key_frames;
use crate::{Codec, DecoderKind, StreamFault};

/// Kilobits per second of the evidence of such a camera.
const BITRATE_KBIT: u32 = 2_500;
/// The most pictures from one key frame to the next; one is asked for each second beside.
const KEY_FRAME_EVERY: u32 = 30;

/// JPEG pictures to the consumer, and through an encoder to the encoded branch.
pub(super) fn fork_jpeg(site: &Arc<Site>, output: &gst::Pad) -> Result<(), StreamFault> {
    let decoder = make("jpegdec")?;
    let (name, element) = ("jpegdec".to_owned(), decoder.downgrade());
    tell(site, name, element);
    fork_pictures(site, output, &decoder)
}

/// Raw pictures to the consumer, and through an encoder to the encoded branch.
pub(super) fn fork_raw(site: &Arc<Site>, output: &gst::Pad) -> Result<(), StreamFault> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", gst::Caps::new_empty_simple("video/x-raw"));
    tell(site, "none".to_owned(), gst::glib::WeakRef::new());
    fork_pictures(site, output, &filter)
}

fn tell(site: &Site, decoder: String, element: gst::glib::WeakRef<gst::Element>) {
    site.intake.forked(ForkInfo { codec: None, decoder, kind: DecoderKind::Software, is_counted: false, element });
}

/// Forks the raw pictures that `first` makes of what `output` gives.
fn fork_pictures(site: &Arc<Site>, output: &gst::Pad, first: &gst::Element) -> Result<(), StreamFault> {
    let converter = make("videoconvert")?;
    let filter = mask::blackened(site)?;
    let tee = make("tee")?;
    let frames = frame_sink(site);
    let queue = make("queue")?;
    // The camera must not wait for the consumer of frames: the newest picture wins already here.
    queue.set_property("max-size-buffers", 2_u32);
    queue.set_property_from_str("leaky", "downstream");
    let head = [&converter, &filter, &tee];
    let branch = [&queue, frames.upcast_ref()];
    site.pipeline()?.add_many(head.into_iter().chain(branch)).map_err(StreamFault::other)?;
    gst::Element::link_many(head).map_err(StreamFault::other)?;
    encoded_branch(site, &tee)?;
    gst::Element::link_many(std::iter::once(&tee).chain(branch)).map_err(StreamFault::other)?;
    for element in branch.into_iter().rev().chain(head.into_iter().rev()) {
        element.sync_state_with_parent().map_err(StreamFault::other)?;
    }
    site.pipeline()?.add(first).map_err(StreamFault::other)?;
    first.link(&converter).map_err(StreamFault::other)?;
    fork::join(output, first)
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
    // A camera that gives a picture a second would have a key frame every half minute.
    ask_for_key_frames(&encoder);
    let queue = decode_queue(site, None)?;
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
