//! From a source's address to a pipeline.

use std::io::Read as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;

use super::tracks::{Tracks, is_complete_at_start, is_video, take_video};
use super::whole::Wholeness;
use super::{IngestOptions, Intake, Site, Times, fork, http, picture, publish, recording, rtsp, v4l2, whip, why};
use crate::plugin::{make, set_if_present};
use crate::tap::BesideTap;
use crate::{Codec, SourceKind, SourceUrl, StreamFault};
use crate::{mp4, mpeg};

/// Builds the pipeline for `source`; nothing runs yet.
pub(crate) fn open(
    source: &SourceUrl,
    options: IngestOptions,
    intake: Arc<dyn Intake>,
) -> Result<gst::Pipeline, StreamFault> {
    let pipeline = gst::Pipeline::new();
    let is_paced = options.is_live && source.kind() == SourceKind::File;
    let site = Arc::new(Site {
        pipeline: pipeline.downgrade(),
        options,
        intake,
        has_video: AtomicBool::new(false),
        is_paced,
        stated: picture::Stated::default(),
        times: std::sync::Mutex::default(),
        wholeness: Wholeness::default(),
        latest_packet: std::sync::Mutex::default(),
    });
    match source.kind() {
        SourceKind::Rtsp => {
            let rtsp = rtsp::build(&site, source)?;
            pipeline.add(&rtsp).map_err(StreamFault::other)?;
        }
        SourceKind::Rtmp if source.listens_at().is_some() => {
            contained(&site, &publish::build(&site, source)?)?;
        }
        SourceKind::Rtmp => contained(&site, &rtmp(&site, source)?)?,
        SourceKind::Whip => whip::build(&site, source, &site.options.door)?,
        SourceKind::Srt => contained(&site, &srt(source)?)?,
        SourceKind::Udp => contained(&site, &datagrams(source)?)?,
        SourceKind::Http => http::build(&site, source, find_type)?,
        SourceKind::File => file_contained(&site, source)?,
        SourceKind::V4l2 => v4l2::build(&site, source)?,
    }
    Ok(pipeline)
}

fn file(source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let element = make("filesrc")?;
    element.set_property("location", source.location());
    Ok(element)
}

/// A file, whose demuxer is linked before anything runs where its kind is known from its first bytes: only so it can read
/// the file where it wants to. One that takes the file as it comes loses pictures of very small files.
fn file_contained(site: &Arc<Site>, source: &SourceUrl) -> Result<(), StreamFault> {
    forewarn_base::file::check(&source.path()).map_err(|why| StreamFault::Unreachable { detail: why.to_string() })?;
    let element = file(source)?;
    let kind = kind_of(&source.path());
    if kind.as_ref().is_none_or(is_mpeg)
        && let Some(recording) = mpeg::open(&source.path())
    {
        return recording::build(site, recording);
    }
    if kind.as_ref().and_then(|caps| caps.structure(0)).is_some_and(|kind| kind.name() == "image/gif") {
        // Its decoder goes round for ever.
        return Err(StreamFault::NoVideo { detail: IS_GIF.to_owned() });
    }
    let (Some(caps), Some(pad)) = (kind, element.static_pad("src")) else {
        return contained(site, &element);
    };
    if demuxer_for(&caps) == "qtdemux"
        && let Ok(index) = std::fs::File::open(source.path()).and_then(|mut file| mp4::turns(&mut file))
    {
        site.stated.know_tracks(index.ok_or_else(|| StreamFault::NoVideo { detail: NO_INDEX.to_owned() })?);
    }
    site.pipeline()?.add(&element).map_err(StreamFault::other)?;
    take_container(site, &pad, &caps)
}

/// Said of a recording that nothing can play.
const NO_INDEX: &str = "the recording has no index (moov box), as when it was cut off before it was finished, perhaps by a \
                        power cut; a tool such as untrunc builds one from another recording of the same camera";

/// Said of moving pictures that are no video.
const IS_GIF: &str = "it is a GIF, which is not played; convert it first, as by `ffmpeg -i moving.gif moving.mp4`";

/// What the first bytes of a file say that it is.
fn kind_of(path: &std::path::Path) -> Option<gst::Caps> {
    const HEAD_BYTES: u64 = 1 << 18;
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    let (caps, _) = gst_base::type_find_helper_for_data(None::<&gst::Object>, &head).ok()?;
    Some(caps)
}

/// Whether it is a program or transport stream, or Flash video.
fn is_mpeg(caps: &gst::Caps) -> bool {
    caps.structure(0).is_some_and(|s| {
        matches!(s.name().as_str(), "video/mpegts" | "video/x-flv")
            || (s.name() == "video/mpeg" && s.get("systemstream") == Ok(true))
    })
}

fn rtmp(site: &Site, source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let element = make("rtmp2src")?;
    element.set_property("location", source.location());
    if let Some(credentials) = site.options.credentials.as_ref().or(source.credentials()) {
        element.set_property("username", &credentials.user);
        element.set_property("password", credentials.password.expose());
    }
    if site.options.is_any_certificate_accepted {
        element.set_property_from_str("tls-validation-flags", "0");
    }
    // Reconnection is ours, with back-off; a source that waits for ever would never report an outage.
    set_if_present(&element, "idle-timeout", "0");
    Ok(element)
}

fn srt(source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let element = make("srtsrc")?;
    element.set_property("uri", source.location());
    if let Some(passphrase) = source.passphrase() {
        element.set_property("passphrase", passphrase);
    }
    Ok(element)
}

/// So many bytes of datagrams wait in the kernel while a key picture comes in one burst.
const DATAGRAM_BYTES: i32 = 4 << 20;

fn datagrams(source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let (address, port) = source.listens_at().ok_or_else(|| StreamFault::other("the address has no port"))?;
    let is_group = address.parse().is_ok_and(|address: IpAddr| address.is_multicast());
    // GStreamer tells a port that is taken as a setting that it lacks.
    if let Some(why) = Some(source).filter(|_| !is_group).and_then(why::taken) {
        return Err(why);
    }
    let element = make("udpsrc")?;
    element.set_property("address", address);
    element.set_property("port", i32::from(port));
    // Of two that listen at one address, the kernel gives all of a sender to either one.
    element.set_property("reuse", is_group);
    element.set_property("buffer-size", DATAGRAM_BYTES);
    Ok(element)
}

/// A source of bytes in some container.
fn contained(site: &Arc<Site>, source: &gst::Element) -> Result<(), StreamFault> {
    site.pipeline()?.add(source).map_err(StreamFault::other)?;
    let pad = source.static_pad("src").ok_or_else(|| StreamFault::other("a source has no output"))?;
    if let Some(tap) = site.intake.stream_tap() {
        show_bytes(tap, &pad);
    }
    find_type(site, &pad)
}

/// Shows the bytes that a source gives, before they are taken apart.
fn show_bytes(tap: Arc<BesideTap>, pad: &gst::Pad) {
    let show = move |buffer: &gst::BufferRef| {
        if let Ok(bytes) = buffer.map_readable() {
            tap.feed(&bytes);
        }
    };
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => show(buffer),
            Some(gst::PadProbeData::BufferList(list)) => list.iter().for_each(&show),
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// Takes the container that `pad` turns out to give.
///
/// The demuxer is chosen here and not by parsebin, which loses the error of a demuxer that fails while it starts.
fn find_type(site: &Arc<Site>, pad: &gst::Pad) -> Result<(), StreamFault> {
    let finder = make("typefind")?;
    let (on_type, is_found) = (site.clone(), AtomicBool::new(false));
    finder.connect("have-type", false, move |values| {
        let finder = values.first()?.get::<gst::Element>().ok()?;
        let caps = values.get(2)?.get::<gst::Caps>().ok()?;
        let pad = finder.static_pad("src")?;
        if !is_found.swap(true, Ordering::SeqCst)
            && let Err(fault) = take_container(&on_type, &pad, &caps)
        {
            on_type.intake.fault(fault);
        }
        None
    });
    fork::attach(site, pad, &[&finder])
}

/// The demuxer of a container.
fn demuxer_of(container: &str) -> Option<&'static str> {
    match container {
        "video/quicktime" | "audio/x-m4a" | "application/x-3gp" => Some("qtdemux"),
        "video/x-matroska" | "video/webm" => Some("matroskademux"),
        "video/x-msvideo" => Some("avidemux"),
        "video/mpegts" => Some("tsdemux"),
        "video/x-flv" => Some("flvdemux"),
        "video/mpeg" => Some("mpegpsdemux"),
        _ => None,
    }
}

/// What takes such bytes apart.
fn demuxer_for(caps: &gst::Caps) -> &'static str {
    let is_stream = |s: &&gst::StructureRef| s.get::<bool>("systemstream").unwrap_or(true);
    caps.structure(0).filter(is_stream).and_then(|s| demuxer_of(s.name())).unwrap_or("parsebin")
}

fn take_container(site: &Arc<Site>, pad: &gst::Pad, caps: &gst::Caps) -> Result<(), StreamFault> {
    if Codec::of_caps(caps).is_some() {
        site.set_times(Times::Missing);
        return take_video(site, pad, caps);
    }
    if caps.structure(0).is_some_and(|s| s.name() == "multipart/x-mixed-replace") {
        return http::take_pictures(site, pad);
    }
    let demuxer_name = demuxer_for(caps);
    site.set_times(if demuxer_name == "avidemux" { Times::OfDecoding } else { Times::Stated });
    let demuxer = make(demuxer_name)?;
    let (on_pad, is_chosen_at_end) = (site.clone(), is_complete_at_start(demuxer_name));
    let tracks = Arc::new(Tracks::default());
    let shown = tracks.clone();
    demuxer.connect_pad_added(move |_, pad| {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        if is_chosen_at_end && is_video(&caps) && !on_pad.has_video() {
            return shown.add(pad, caps);
        }
        if let Err(fault) = take_video(&on_pad, pad, &caps) {
            on_pad.intake.fault(fault);
        }
    });
    let on_end = site.clone();
    demuxer.connect_no_more_pads(move |_| {
        if let Err(fault) = tracks.choose(&on_end) {
            on_end.intake.fault(fault);
        } else if !on_end.has_video() {
            on_end.intake.fault(StreamFault::NoVideo { detail: "it has no video track".to_owned() });
        }
    });
    fork::attach(site, pad, &[&demuxer])
}
