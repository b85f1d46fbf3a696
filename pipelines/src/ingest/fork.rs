//! The fork behind the parser: access units to one side, decoded frames to the other.

use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gst_video::VideoMeta;

use super::{ForkInfo, Intake, RawUnit, Site};
use crate::frame_map::running_time_ns;
use crate::plugin::make;
use crate::{Codec, DecoderKind, StreamFault, decoder};

/// Adds `elements` to the site's pipeline, links them and gives `pad` to the first.
pub(super) fn attach(site: &Site, pad: &gst::Pad, elements: &[&gst::Element]) -> Result<(), StreamFault> {
    let pipeline = site.pipeline()?;
    pipeline.add_many(elements.iter().copied()).map_err(StreamFault::other)?;
    gst::Element::link_many(elements.iter().copied()).map_err(StreamFault::other)?;
    start(elements)?;
    give(pad, elements[0])
}

/// Brings elements to the state of their pipeline, those downstream first.
fn start(elements: &[&gst::Element]) -> Result<(), StreamFault> {
    elements.iter().rev().try_for_each(|element| element.sync_state_with_parent()).map_err(StreamFault::other)
}

fn give(pad: &gst::Pad, element: &gst::Element) -> Result<(), StreamFault> {
    let sink = element.static_pad("sink").ok_or_else(|| StreamFault::other("an element has no input"))?;
    pad.link(&sink).map(|_| ()).map_err(|e| StreamFault::other(format!("failed to link {}: {e}", pad.name())))
}

/// Parses what `pad` gives and forks it.
pub(super) fn fork(site: &Arc<Site>, pad: &gst::Pad, codec: Codec) -> Result<(), StreamFault> {
    let parser = make(codec.parser())?;
    // Parameter sets in front of each key frame, so that a clip can begin at any of them.
    parser.set_property("config-interval", -1_i32);
    let filter = make("capsfilter")?;
    filter.set_property("caps", codec.unit_caps());
    let unit_sink = unit_sink(site, codec);
    let options = &site.options;
    if !options.is_decoded {
        return attach(site, pad, &[&parser, &filter, unit_sink.upcast_ref()]);
    }
    let tee = make("tee")?;
    let queue = decode_queue(site)?;
    let opened = decoder::open(codec, &options.decoder, &options.excluded_decoders, options.decoder_threads)?;
    let is_copied = opened.kind != DecoderKind::Software;
    tracing::debug!(%codec, decoder = %opened.name, is_copied, "decoder chosen");
    let frame_sink = frame_sink(site);
    site.intake.forked(ForkInfo {
        codec: Some(codec),
        decoder: opened.name,
        kind: opened.kind,
        element: Some(opened.element.clone()),
    });
    let pipeline = site.pipeline()?;
    let elements = [&parser, &filter, &tee, unit_sink.upcast_ref(), &queue, &opened.element, frame_sink.upcast_ref()];
    pipeline.add_many(elements).map_err(StreamFault::other)?;
    gst::Element::link_many([&parser, &filter, &tee]).map_err(StreamFault::other)?;
    // A tee serves its branches in the order in which they were linked.
    gst::Element::link_many([&tee, unit_sink.upcast_ref()]).map_err(StreamFault::other)?;
    gst::Element::link_many([&tee, &queue, &opened.element, frame_sink.upcast_ref()]).map_err(StreamFault::other)?;
    start(&elements)?;
    give(pad, &parser)
}

/// Decodes what `pad` gives, without an encoded branch.
pub(super) fn decode_only(site: &Arc<Site>, pad: &gst::Pad, is_raw: bool) -> Result<(), StreamFault> {
    let frame_sink = frame_sink(site);
    if is_raw {
        let decoder = "none".to_owned();
        site.intake.forked(ForkInfo { codec: None, decoder, kind: DecoderKind::Software, element: None });
        return attach(site, pad, &[frame_sink.upcast_ref()]);
    }
    let decoder = make("decodebin")?;
    let name = "decodebin".to_owned();
    let element = Some(decoder.clone());
    site.intake.forked(ForkInfo { codec: None, decoder: name, kind: DecoderKind::Software, element });
    let pipeline = site.pipeline()?;
    pipeline.add_many([&decoder, frame_sink.upcast_ref()]).map_err(StreamFault::other)?;
    let (intake, sink) = (site.intake.clone(), frame_sink.clone());
    decoder.connect_pad_added(move |_, decoded| {
        if !sink.upcast_ref::<gst::Element>().static_pad("sink").is_some_and(|pad| pad.is_linked())
            && let Err(fault) = give(decoded, sink.upcast_ref())
        {
            intake.fault(fault);
        }
    });
    start(&[&decoder, frame_sink.upcast_ref()])?;
    give(pad, &decoder)
}

/// Forgets what `pad` gives, so that an unused track does not stop the others.
pub(super) fn ignore(site: &Site, pad: &gst::Pad) -> Result<(), StreamFault> {
    let sink = make("fakesink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    attach(site, pad, &[&sink])
}

/// The end of the encoded branch.
pub(super) fn unit_sink(site: &Arc<Site>, codec: Codec) -> gst_app::AppSink {
    let sink = gst_app::AppSink::builder().sync(false).async_(false).max_buffers(1).build();
    let (intake, ender) = (site.intake.clone(), site.intake.clone());
    let is_last_branch = !site.options.is_decoded;
    let on_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(unit) = unit_of_sample(codec, &sample) {
            intake.unit(unit);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    let on_end = move |_: &gst_app::AppSink| {
        if is_last_branch {
            ender.end();
        }
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(on_sample).eos(on_end).build());
    sink
}

fn unit_of_sample(codec: Codec, sample: &gst::Sample) -> Option<RawUnit> {
    let buffer = sample.buffer_owned()?;
    let pts_ns = running_time_ns(&buffer, sample.segment());
    let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
    Some(RawUnit { codec, caps: sample.caps_owned()?, buffer, pts_ns, is_key })
}

/// The end of the decoded branch.
pub(super) fn frame_sink(site: &Arc<Site>) -> gst_app::AppSink {
    // Decoders take the first layout that they can give; others are let through to be refused by name.
    let caps = gst::Caps::builder_full()
        .structure(gst::Structure::builder("video/x-raw").field("format", gst::List::new(["I420", "NV12"])).build())
        .structure(gst::Structure::new_empty("video/x-raw"))
        .build();
    let sink = gst_app::AppSink::builder().caps(&caps).sync(false).async_(false).max_buffers(1).build();
    if let Some(pad) = sink.static_pad("sink") {
        offer_video_meta(&pad);
    }
    let (taker, ender) = (site.intake.clone(), site.intake.clone());
    let on_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        taker.frame(sample)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(on_sample).eos(move |_| ender.end()).build();
    sink.set_callbacks(callbacks);
    sink
}

/// Tells the decoder that strides and offsets are understood; otherwise it copies every picture.
fn offer_video_meta(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        if let Some(query) = info.query_mut()
            && let gst::QueryViewMut::Allocation(allocation) = query.view_mut()
        {
            allocation.add_allocation_meta::<VideoMeta>(None);
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}

/// The bounded queue in front of the decoder. In a live stream it never holds the fork up: when it is full,
/// units are left out up to the next key frame, so that the decoder never sees half a group of pictures.
pub(super) fn decode_queue(site: &Arc<Site>) -> Result<gst::Element, StreamFault> {
    let queue = make("queue")?;
    let limit = site.options.decode_queue.max(1);
    // A live queue has room for one unit more than the gate below lets in, so that it never blocks.
    queue.set_property("max-size-buffers", limit + u32::from(site.options.is_live));
    queue.set_property("max-size-bytes", 0_u32);
    queue.set_property("max-size-time", 0_u64);
    if site.options.is_live
        && let Some(pad) = queue.static_pad("sink")
    {
        add_gate(&pad, &queue, limit, site.intake.clone());
    }
    Ok(queue)
}

/// Decides which units a live decode queue lets in.
struct Gate {
    limit: u32,
    is_shut: bool,
}

impl Gate {
    /// It starts shut: what comes before the first key frame cannot be decoded.
    fn new(limit: u32) -> Self {
        Self { limit, is_shut: true }
    }

    /// Shuts when the queue is full, and opens at a key frame once half of it is free.
    fn lets_in(&mut self, level: u32, is_key: bool) -> bool {
        if level >= self.limit {
            self.is_shut = true;
        } else if is_key && level <= self.limit / 2 {
            self.is_shut = false;
        }
        !self.is_shut
    }
}

fn add_gate(pad: &gst::Pad, queue: &gst::Element, limit: u32, intake: Arc<dyn Intake>) {
    let gate = Mutex::new(Gate::new(limit));
    let queue = queue.downgrade();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let (Some(buffer), Some(queue)) = (info.buffer(), queue.upgrade()) else {
            return gst::PadProbeReturn::Ok;
        };
        let level: u32 = queue.property("current-level-buffers");
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let is_let_in = gate.lock().unwrap_or_else(PoisonError::into_inner).lets_in(level, is_key);
        intake.decode_queue(level, !is_let_in);
        if is_let_in { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Drop }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_lags_skips_to_a_key_frame() {
        let mut gate = Gate::new(4);
        assert!(!gate.lets_in(0, false), "nothing before the first key frame");
        assert!(gate.lets_in(0, true));
        assert!(gate.lets_in(3, false));
        assert!(!gate.lets_in(4, false), "full");
        assert!(!gate.lets_in(1, false), "half a group of pictures cannot be decoded");
        assert!(!gate.lets_in(3, true), "not yet drained");
        assert!(gate.lets_in(2, true));
        assert!(gate.lets_in(3, false));
    }
}
