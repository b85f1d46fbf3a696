//! The fork behind the parser: access units to one side, decoded frames to the other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_base::thread::cpu_time;
use forewarn_domain::Orientation;
use gst::prelude::*;
use gst_video::VideoMeta;

use super::entrance::{Stamp, entry_of};
use super::{ForkInfo, RawUnit, Site, entrance, gate, picture, plain};
use crate::codec::decoder_of;
use crate::frame_map::{Picture, running_time_ns};
use crate::pairing::{Framing, pair_up};
use crate::plugin::make;
use crate::thinning::CATCH_UP;
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

/// Starts `element`, which is in the pipeline, and gives it `pad`.
pub(super) fn join(pad: &gst::Pad, element: &gst::Element) -> Result<(), StreamFault> {
    start(&[element])?;
    give(pad, element)
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
    if let Some(input) = parser.static_pad("sink") {
        listen_for_data(site, &input);
    }
    let filter = make("capsfilter")?;
    filter.set_property("caps", codec.unit_caps());
    picture::listen(site, &parser, Some(codec));
    pair_up(&filter, codec, Framing::StartCodes);
    entrance::watch(site, &filter, codec);
    let unit_sink = unit_sink(site, codec);
    let options = &site.options;
    if !options.is_decoded {
        return attach(site, pad, &[&parser, &filter, unit_sink.upcast_ref()]);
    }
    let tee = make("tee")?;
    let queue = decode_queue(site, Some(codec))?;
    let opened = decoder::open(codec, &options.decoder, &options.excluded_decoders, options.decoder_threads)?;
    meter(site, &opened.element);
    let is_copied = opened.kind != DecoderKind::Software;
    options.decoded_part.go_plain(false);
    if options.is_live && codec == Codec::H264 && !is_copied {
        plain::add(&opened.element, &options.decoded_part);
    }
    tracing::debug!(%codec, decoder = %opened.name, is_copied, "decoder chosen");
    let (converter, frame_sink) = (converter(site, &opened.name)?, frame_sink(site));
    site.intake.forked(ForkInfo {
        codec: Some(codec),
        decoder: opened.name,
        kind: opened.kind,
        is_counted: site.is_counted(),
        element: opened.element.downgrade(),
    });
    let pipeline = site.pipeline()?;
    let decoding = [&queue, &opened.element, &converter, frame_sink.upcast_ref()];
    let elements: Vec<&gst::Element> =
        [&parser, &filter, &tee, unit_sink.upcast_ref()].into_iter().chain(decoding).collect();
    pipeline.add_many(elements.iter().copied()).map_err(StreamFault::other)?;
    gst::Element::link_many([&parser, &filter, &tee]).map_err(StreamFault::other)?;
    // A tee serves its branches in the order in which they were linked.
    gst::Element::link_many([&tee, unit_sink.upcast_ref()]).map_err(StreamFault::other)?;
    gst::Element::link_many(std::iter::once(&tee).chain(decoding)).map_err(StreamFault::other)?;
    start(&elements)?;
    give(pad, &parser)
}

/// Says of each buffer on `pad` that there is one: until parameter sets were seen, nothing comes out of depayloaders and
/// parsers.
pub(super) fn listen_for_data(site: &Site, pad: &gst::Pad) {
    let intake = site.intake.clone();
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
        intake.data();
        gst::PadProbeReturn::Ok
    });
}

/// Decodes what `pad` gives, without an encoded branch; the pictures go through `black`.
pub(super) fn decode_only(
    site: &Arc<Site>,
    pad: &gst::Pad,
    is_raw: bool,
    black: &gst::Element,
) -> Result<(), StreamFault> {
    let (converter, frame_sink) = (converter(site, "decodebin")?, frame_sink(site));
    picture::listen(site, &converter, None);
    if is_raw {
        let decoder = "none".to_owned();
        let element = gst::glib::WeakRef::new();
        site.intake.forked(ForkInfo { codec: None, decoder, kind: DecoderKind::Software, is_counted: false, element });
        return attach(site, pad, &[&converter, black, frame_sink.upcast_ref()]);
    }
    let decoder = make("decodebin")?;
    picture::listen(site, &decoder, None);
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let name = decoder_of(caps.structure(0).map_or("", |structure| structure.name().as_str()));
    let element = decoder.downgrade();
    site.intake.forked(ForkInfo {
        codec: None,
        decoder: name,
        kind: DecoderKind::Software,
        is_counted: false,
        element,
    });
    let pipeline = site.pipeline()?;
    pipeline.add_many([&decoder, &converter, black, frame_sink.upcast_ref()]).map_err(StreamFault::other)?;
    gst::Element::link_many([&converter, black, frame_sink.upcast_ref()]).map_err(StreamFault::other)?;
    let (intake, first) = (site.intake.clone(), converter.clone());
    decoder.connect_pad_added(move |_, decoded| {
        if !first.static_pad("sink").is_some_and(|pad| pad.is_linked())
            && let Err(fault) = give(decoded, &first)
        {
            intake.fault(fault);
        }
    });
    start(&[&decoder, &converter, black, frame_sink.upcast_ref()])?;
    give(pad, &decoder)
}

/// Brings samples that are not analysed, such as those of 10 bits, to 8-bit 4:2:0, and lets all others through as they
/// are.
fn converter(site: &Arc<Site>, decoder: &str) -> Result<gst::Element, StreamFault> {
    let converter = make("videoconvert")?;
    picture::tell_of_conversion(site, &converter, decoder);
    Ok(converter)
}

/// Forgets what `pad` gives, so that an unused track does not stop the others.
pub(super) fn ignore(site: &Site, pad: &gst::Pad) -> Result<(), StreamFault> {
    let sink = make("fakesink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    if let Some(end) = sink.static_pad("sink") {
        let intake = site.intake.clone();
        end.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let segment = pad.sticky_event::<gst::event::Segment>(0);
            let at = info.buffer().and_then(|buffer| running_time_ns(buffer, segment.as_ref().map(|s| s.segment())));
            if let Some(at) = at {
                intake.beside(at);
            }
            gst::PadProbeReturn::Ok
        });
    }
    attach(site, pad, &[&sink])
}

/// The end of the encoded branch.
pub(super) fn unit_sink(site: &Arc<Site>, codec: Codec) -> gst_app::AppSink {
    let sink = gst_app::AppSink::builder().sync(false).async_(false).max_buffers(1).build();
    let (intake, ender) = (site.intake.clone(), site.intake.clone());
    let (is_last_branch, shown) = (!site.options.is_decoded, site.clone());
    let on_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(unit) = unit_of_sample(codec, &sample, shown.orientation()) {
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

fn unit_of_sample(codec: Codec, sample: &gst::Sample, orientation: Orientation) -> Option<RawUnit> {
    let buffer = sample.buffer_owned()?;
    let count = entrance::count_of(&buffer);
    let (pts_ns, dts_ns) = match count {
        Some(_) => (Stamp::Shown.of(&buffer), Stamp::Decoded.of(&buffer)),
        None => (running_time_ns(&buffer, sample.segment()), None),
    };
    let entry = entry_of(codec, &buffer);
    let (is_key, entry) = (entry.is_some(), entry.unwrap_or_default());
    let (caps, count) = (sample.caps_owned()?, count.unwrap_or(0));
    Some(RawUnit { codec, caps, buffer, pts_ns, dts_ns, count, is_key, entry, orientation })
}

/// The end of the decoded branch.
pub(super) fn frame_sink(site: &Arc<Site>) -> gst_app::AppSink {
    // Decoders take the first layout that they can give. Fields that come one by one are announced by a feature.
    let ours = gst::Structure::builder("video/x-raw").field("format", gst::List::new(["I420", "NV12"])).build();
    let caps = gst::Caps::builder_full()
        .structure(ours.clone())
        .structure_with_features(ours, gst::CapsFeatures::new([gst_video::CAPS_FEATURE_FORMAT_INTERLACED]))
        .build();
    let sink = gst_app::AppSink::builder().caps(&caps).sync(false).async_(false).max_buffers(1).build();
    if let Some(pad) = sink.static_pad("sink") {
        offer_video_meta(&pad);
    }
    let (taker, ender) = (site.clone(), site.intake.clone());
    let on_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if !taker.wholeness.is_whole(sample.buffer().and_then(gst::BufferRef::pts)) {
            taker.intake.partial_frame();
            return Ok(gst::FlowSuccess::Ok);
        }
        let (orientation, colorimetry) = (taker.orientation(), taker.stated.colorimetry());
        taker.intake.frame(Picture { sample, orientation, colorimetry })
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
/// units are left out up to the next key frame, so that the decoder never sees half a group of pictures. Without a codec
/// it holds raw pictures, each whole.
pub(super) fn decode_queue(site: &Arc<Site>, codec: Option<Codec>) -> Result<gst::Element, StreamFault> {
    let queue = make("queue")?;
    let limit = site.options.decode_queue.max(1);
    // A live queue has room for one unit more than its gate lets in, so that it never blocks.
    let room = if site.options.is_live { 1 + CATCH_UP } else { 0 };
    queue.set_property("max-size-buffers", limit + room);
    queue.set_property("max-size-bytes", 0_u32);
    queue.set_property("max-size-time", 0_u64);
    match queue.static_pad("sink") {
        Some(pad) if site.options.is_live => gate::add(site, &pad, &queue, limit, codec),
        Some(pad) => codec.into_iter().for_each(|codec| watch_beginning(site, &pad, codec)),
        None => {}
    }
    Ok(queue)
}

/// Notes how the decoding of a file begins.
fn watch_beginning(site: &Arc<Site>, pad: &gst::Pad, codec: Codec) {
    let (site, has_begun) = (site.clone(), std::sync::atomic::AtomicBool::new(false));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer() {
            let is_first = !has_begun.swap(true, std::sync::atomic::Ordering::Relaxed);
            let begins = is_first.then(|| entry_of(codec, buffer)).flatten();
            site.wholeness.pass(begins, buffer.pts());
        }
        gst::PadProbeReturn::Ok
    });
}

/// Tells the intake what each unit costs the thread that decodes it: the time from one unit to the next is spent on the
/// first. Threads of the decoder's own are not counted, nor is what a device does.
fn meter(site: &Arc<Site>, decoder: &gst::Element) {
    let Some(pad) = decoder.static_pad("sink") else { return };
    let (intake, last) = (site.intake.clone(), Mutex::new(None::<(Duration, bool)>));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(buffer) = info.buffer() else { return gst::PadProbeReturn::Ok };
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let now = cpu_time();
        let before = lock(&last).replace((now, is_key));
        // Another thread has another clock; one that is behind is such a one.
        if let Some((spent, was_key)) = before.and_then(|(then, key)| Some((now.checked_sub(then)?, key))) {
            intake.decode_cost(was_key, spent);
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use forewarn_domain::{StreamId, SystemClock};

    use super::*;
    use crate::ingest::IngestOptions;
    use crate::ingest::whole::Wholeness;
    use crate::session::Session;
    use crate::stream::Shared;
    use crate::{DecoderPreference, RtspTransport, StreamConfig};

    fn options() -> IngestOptions {
        IngestOptions {
            credentials: None,
            transport: RtspTransport::default(),
            latency_ms: 0,
            is_any_certificate_accepted: false,
            decoder: DecoderPreference::Software,
            excluded_decoders: Vec::new(),
            decoder_threads: 1,
            decode_queue: 8,
            decoded_part: Arc::default(),
            is_live: true,
            is_decoded: true,
            is_any_codec_accepted: false,
            turned: Orientation::UPRIGHT,
            masks: Arc::default(),
            door: crate::ingest::Door::default(),
        }
    }

    #[test]
    fn a_connection_that_is_over_keeps_neither_its_decoder_nor_its_pipeline() {
        crate::init().unwrap();
        for codec in Codec::ALL {
            let config = StreamConfig::new(StreamId::new("gate").unwrap(), "rtsp://127.0.0.1/1".parse().unwrap());
            let shared = Arc::new(Shared::new(config, Arc::new(SystemClock), Arc::new(|_| {})));
            let (pipeline, source) = (gst::Pipeline::new(), make("appsrc").unwrap());
            pipeline.add(&source).unwrap();
            let session = Arc::new(Session::new(shared));
            session.set_bus(&pipeline.bus().unwrap());
            let site = Site {
                pipeline: pipeline.downgrade(),
                options: options(),
                intake: session.clone(),
                has_video: AtomicBool::new(false),
                is_paced: false,
                times: Mutex::default(),
                stated: picture::Stated::default(),
                wholeness: Wholeness::default(),
                latest_packet: std::sync::Mutex::default(),
            };
            fork(&Arc::new(site), &source.static_pad("src").unwrap(), codec).unwrap();
            let decoder = session.fork().unwrap().element;
            assert!(decoder.upgrade().is_some());
            pipeline.set_state(gst::State::Playing).unwrap();
            pipeline.set_state(gst::State::Null).unwrap();
            let left = (pipeline.downgrade(), Arc::downgrade(&session), pipeline.bus().unwrap().downgrade());
            drop((pipeline, source, session));
            assert!(decoder.upgrade().is_none(), "{codec}: the decoder");
            assert!(left.0.upgrade().is_none() && left.1.upgrade().is_none() && left.2.upgrade().is_none(), "{codec}");
        }
    }
}
