//! From a source's address to a pipeline.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gst::prelude::*;

use super::{IngestOptions, Intake, Site, fork, rtsp, v4l2};
use crate::plugin::{make, set_if_present};
use crate::{Codec, SourceKind, SourceUrl, StreamFault};

/// Builds the pipeline for `source`; nothing runs yet.
pub(crate) fn open(
    source: &SourceUrl,
    options: IngestOptions,
    intake: Arc<dyn Intake>,
) -> Result<gst::Pipeline, StreamFault> {
    let pipeline = gst::Pipeline::new();
    let is_paced = options.is_live && source.kind() == SourceKind::File;
    let site =
        Arc::new(Site { pipeline: pipeline.downgrade(), options, intake, has_video: AtomicBool::new(false), is_paced });
    match source.kind() {
        SourceKind::Rtsp => {
            let rtsp = rtsp::build(&site, source)?;
            pipeline.add(&rtsp).map_err(StreamFault::other)?;
        }
        SourceKind::Rtmp => contained(&site, &rtmp(&site, source)?)?,
        SourceKind::Srt => contained(&site, &srt(source)?)?,
        SourceKind::File => contained(&site, &file(source)?)?,
        SourceKind::V4l2 => v4l2::build(&site, source)?,
    }
    Ok(pipeline)
}

fn file(source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let element = make("filesrc")?;
    element.set_property("location", source.location());
    Ok(element)
}

fn rtmp(site: &Site, source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let element = make("rtmp2src")?;
    element.set_property("location", source.location());
    if let Some(credentials) = site.options.credentials.as_ref().or(source.credentials()) {
        element.set_property("username", credentials.user());
        element.set_property("password", credentials.password());
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

/// A source of bytes in some container.
fn contained(site: &Arc<Site>, source: &gst::Element) -> Result<(), StreamFault> {
    let parsebin = make("parsebin")?;
    let on_pad = site.clone();
    parsebin.connect_pad_added(move |_, pad| {
        if let Err(fault) = take_pad(&on_pad, pad) {
            on_pad.intake.fault(fault);
        }
    });
    let on_end = site.clone();
    parsebin.connect_no_more_pads(move |_| {
        if !on_end.has_video() {
            on_end.intake.fault(StreamFault::NoVideo { detail: "it has no video track".to_owned() });
        }
    });
    site.pipeline()?.add_many([source, &parsebin]).map_err(StreamFault::other)?;
    source.link(&parsebin).map_err(StreamFault::other)
}

fn take_pad(site: &Arc<Site>, pad: &gst::Pad) -> Result<(), StreamFault> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    let is_video = name.starts_with("video/") || name.starts_with("image/");
    if !is_video || !site.claim_video() {
        return fork::ignore(site, pad);
    }
    let Some(codec) = Codec::of_caps(&caps) else {
        if site.options.is_any_codec_accepted {
            return fork::decode_only(site, pad, name == "video/x-raw");
        }
        return Err(StreamFault::UnsupportedCodec { codec: name });
    };
    if !site.is_paced {
        return fork::fork(site, pad, codec);
    }
    // A file that stands for a camera would run ahead of time.
    let pacer = make("clocksync")?;
    let paced = pacer.static_pad("src").ok_or_else(|| StreamFault::other("clocksync has no output"))?;
    fork::attach(site, pad, &[&pacer])?;
    fork::fork(site, &paced, codec)
}
