//! Cameras over HTTP: Motion JPEG in parts that follow each other without an end, and transport streams.
//!
//! What is sent is known by the head of the answer. The parts are not taken apart by their boundary: cameras state it with
//! dashes and without, and some state another than they send. Each JPEG picture says itself where it begins and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;

use super::{Site, fork, raw};
use crate::plugin::make;
use crate::{SourceUrl, StreamFault};

/// Without a byte for so many seconds the connection is given up.
const TIMEOUT_S: u32 = 15;

/// What takes a container whose kind has to be found out.
pub(super) type FindType = fn(&Arc<Site>, &gst::Pad) -> Result<(), StreamFault>;

pub(super) fn build(site: &Arc<Site>, source: &SourceUrl, find_type: FindType) -> Result<(), StreamFault> {
    let options = &site.options;
    let http = make("souphttpsrc")?;
    http.set_property("location", source.location());
    http.set_property("is-live", true);
    http.set_property("do-timestamp", true);
    http.set_property("timeout", TIMEOUT_S);
    // Reconnection is ours, with back-off.
    http.set_property("retries", 0_i32);
    http.set_property("keep-alive", false);
    http.set_property("iradio-mode", false);
    http.set_property("ssl-strict", !options.is_any_certificate_accepted);
    http.set_property("user-agent", concat!("forewarn/", env!("CARGO_PKG_VERSION")));
    if let Some(credentials) = options.credentials.as_ref().or(source.credentials()) {
        http.set_property("user-id", &credentials.user);
        http.set_property("user-pw", credentials.password.expose());
    }
    let output = http.static_pad("src").ok_or_else(|| StreamFault::other("souphttpsrc has no output"))?;
    let (on_head, is_taken) = (site.clone(), AtomicBool::new(false));
    // The head of the answer comes before the first byte of its body.
    output.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        if let Some(kind) = info.event().and_then(|event| content_type(event))
            && !is_taken.swap(true, Ordering::SeqCst)
            && let Err(fault) = take(&on_head, pad, &kind, find_type)
        {
            on_head.intake.fault(fault);
        }
        gst::PadProbeReturn::Ok
    });
    site.pipeline()?.add(&http).map_err(StreamFault::other)
}

/// The kind of content that the head of an answer states, in small letters; empty where it states none.
fn content_type(event: &gst::EventRef) -> Option<String> {
    let head = event.structure().filter(|structure| structure.name() == "http-headers")?;
    let fields = head.get::<gst::Structure>("response-headers").ok()?;
    let field = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    Some(field.and_then(|(_, value)| value.get::<String>().ok()).unwrap_or_default().to_ascii_lowercase())
}

fn take(site: &Arc<Site>, output: &gst::Pad, kind: &str, find_type: FindType) -> Result<(), StreamFault> {
    let name = kind.split(';').next().unwrap_or_default().trim();
    tracing::debug!(kind, "the camera answers over HTTP");
    let none = |detail: String| Err(StreamFault::NoVideo { detail });
    match name.split('/').next().unwrap_or_default() {
        "multipart" => take_pictures(site, output),
        "image" => none(format!("it gives one picture ({name}); use the address of the camera's stream")),
        "text" => none(format!("it gives a page ({name}); use the address of the camera's stream")),
        _ if matches!(name, "" | "application/octet-stream" | "video/mp2t" | "video/x-flv") => find_type(site, output),
        _ => none(format!("it gives {name}; over HTTP Motion JPEG, MPEG transport streams and FLV are taken")),
    }
}

/// Takes JPEG pictures out of whatever stands between them.
pub(super) fn take_pictures(site: &Arc<Site>, output: &gst::Pad) -> Result<(), StreamFault> {
    site.claim_video();
    let parser = make("jpegparse")?;
    let pictures = parser.static_pad("src").ok_or_else(|| StreamFault::other("jpegparse has no output"))?;
    let pipeline = site.pipeline()?.downgrade();
    pictures.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        // Nothing says when a picture was taken; it counts as taken when the last of it arrived.
        let now = pipeline.upgrade().and_then(|pipeline| pipeline.current_running_time());
        if let Some(buffer) = info.buffer_mut() {
            let buffer = buffer.make_mut();
            buffer.set_pts(now);
            buffer.set_dts(None);
            buffer.set_duration(None);
        }
        gst::PadProbeReturn::Ok
    });
    fork::attach(site, output, &[&parser])?;
    raw::fork_jpeg(site, &pictures)
}
