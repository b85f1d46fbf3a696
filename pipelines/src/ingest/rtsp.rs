//! RTSP sources: only the video track is set up, and sender reports are passed on.

use std::sync::Arc;

use forewarn_base::sync::lock;
use gst::prelude::*;

use super::fork::attach;
use super::packet::{self, Packet, word};
use super::{Site, fork, mask, raw};
use crate::clock_map::wall_of_ntp_ns;
use crate::plugin::make;
use crate::talk::{self, Talk};
use crate::{Codec, RtspTransport, SourceUrl, StreamFault};

/// Longest wait for a connection or an answer, in microseconds.
const TCP_TIMEOUT_US: u64 = 5_000_000;
/// How far a picture may lie behind one that was sent before it, over TCP, in milliseconds: longer than groups of B pictures take.
const REORDERED_MS: u32 = 3000;
/// Longest wait for the camera to confirm the end, in nanoseconds.
const TEARDOWN_TIMEOUT_NS: u64 = 100_000_000;

pub(super) fn build(site: &Arc<Site>, source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let options = &site.options;
    let talk = Arc::default();
    let rtsp = talk::overheard(&talk, || make("rtspsrc"))?;
    site.intake.talk(talk.clone());
    rtsp.set_property("location", source.location());
    rtsp.set_property_from_str("protocols", if options.transport == RtspTransport::Tcp { "tcp" } else { "udp" });
    rtsp.set_property("latency", options.latency_ms);
    rtsp.set_property("tcp-timeout", TCP_TIMEOUT_US);
    // Otherwise silence over UDP would make it change to TCP; the watchdog takes care of silence.
    rtsp.set_property("timeout", 0_u64);
    rtsp.set_property("teardown-timeout", TEARDOWN_TIMEOUT_NS);
    rtsp.set_property("do-retransmission", false);
    rtsp.set_property("user-agent", concat!("forewarn/", env!("CARGO_PKG_VERSION")));
    if options.is_any_certificate_accepted {
        rtsp.set_property_from_str("tls-validation-flags", "0");
    }
    if let Some(credentials) = options.credentials.as_ref().or(source.credentials()) {
        rtsp.set_property("user-id", &credentials.user);
        rtsp.set_property("user-pw", credentials.password.expose());
    }
    select_video(&rtsp, site, talk);
    watch_manager(&rtsp, site);
    let on_pad = site.clone();
    rtsp.connect_pad_added(move |_, pad| {
        if let Err(fault) = take_pad(&on_pad, pad) {
            on_pad.intake.fault(fault);
        }
    });
    Ok(rtsp)
}

/// The RTP encoding name of Motion JPEG, RFC 2435.
const JPEG: &str = "JPEG";

/// Sets up the first H.264 or H.265 track, where the camera offers none the first of Motion JPEG, and nothing else.
fn select_video(rtsp: &gst::Element, site: &Arc<Site>, talk: Arc<Talk>) {
    let site = site.clone();
    rtsp.connect("select-stream", false, move |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let text = |field| {
            let structure = caps.as_ref()?.structure(0)?;
            structure.get::<String>(field).ok()
        };
        let (media, name) = (text("media").unwrap_or_default(), text("encoding-name").unwrap_or_default());
        let is_known = Codec::of_rtp(&name).is_some() || (name == JPEG && !talk.offers_kept_coding());
        let is_taken = media == "video" && is_known && site.claim_video();
        if media == "video" && !is_taken && !site.has_video() {
            site.intake.hint(StreamFault::UnsupportedCodec { codec: name.clone() });
        }
        tracing::debug!(%media, codec = %name, is_taken, "the camera offers a track");
        Some(is_taken.to_value())
    });
}

/// Takes RTP of the video.
pub(super) fn take_pad(site: &Arc<Site>, pad: &gst::Pad) -> Result<(), StreamFault> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let name = caps.structure(0).and_then(|s| s.get::<String>("encoding-name").ok()).unwrap_or_default();
    if name == JPEG {
        let depayloader = make("rtpjpegdepay")?;
        let output = depayloader.static_pad("src").ok_or_else(|| StreamFault::other("a depayloader has no output"))?;
        attach(site, pad, &[&depayloader])?;
        return raw::fork_jpeg(site, &output);
    }
    let Some(codec) = Codec::of_rtp(&name) else { return fork::ignore(site, pad) };
    fork::listen_for_data(site, pad);
    packet::follow(site, pad);
    let depayloader = make(codec.depayloader())?;
    let filter = make("capsfilter")?;
    filter.set_property("caps", codec.packet_caps());
    let output = filter.static_pad("src").ok_or_else(|| StreamFault::other("a depayloader has no output"))?;
    attach(site, pad, &[&depayloader, &filter])?;
    mask::fork(site, &output, codec)
}

/// Has sender reports passed on, and over TCP the times of pictures left alone.
fn watch_manager(rtsp: &gst::Element, site: &Arc<Site>) {
    let site = site.clone();
    rtsp.connect("new-manager", false, move |values| {
        let manager = values.get(1)?.get::<gst::Element>().ok()?;
        // Other managers than rtpbin do not say which jitter buffers they make.
        gst::glib::subclass::SignalId::lookup("new-jitterbuffer", manager.type_())?;
        watch_jitter_buffers(&manager, &site);
        let (is_tcp, intake) = (site.options.transport == RtspTransport::Tcp, site.intake.clone());
        manager.connect("new-jitterbuffer", false, move |values| {
            let jitter_buffer = values.get(1)?.get::<gst::Element>().ok()?;
            if is_tcp {
                leave_times_alone(&jitter_buffer);
            } else {
                intake.lossy_way(jitter_buffer.downgrade());
            }
            None
        });
        None
    });
}

/// Lets pictures come in the order of decoding, however far that is from the order of showing.
///
/// A jitter buffer takes a packet whose time is farther back than its latency for one of a sender that begins anew, and gives that
/// and what follows other times. Over TCP it waits for no packet that was lost, and it holds back the first one alone, so once
/// that is through, the latency costs nothing.
fn leave_times_alone(jitter_buffer: &gst::Element) {
    let Some(out) = jitter_buffer.static_pad("src") else { return };
    let buffer = jitter_buffer.downgrade();
    out.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
        if let Some(buffer) = buffer.upgrade() {
            buffer.set_property("latency", REORDERED_MS);
        }
        gst::PadProbeReturn::Remove
    });
}

/// Passes pairs of running time and sender-report time on, of every jitter buffer that an `rtpbin` makes.
pub(super) fn watch_jitter_buffers(manager: &gst::Element, site: &Arc<Site>) {
    let site = site.clone();
    manager.connect("new-jitterbuffer", false, move |values| {
        let jitter_buffer = values.get(1)?.get::<gst::Element>().ok()?;
        let site = site.clone();
        jitter_buffer.connect("handle-sync", false, move |values| {
            let sync = values.get(1)?.get::<gst::Structure>().ok()?;
            let latest = *lock(&site.latest_packet);
            if let Some((running_ns, ntp_ns)) = pair_of(&sync, latest) {
                site.intake.sender_report(running_ns, wall_of_ntp_ns(ntp_ns));
            }
            None
        });
        None
    });
}

/// Running time and NTP time in nanoseconds of the same picture: by the `latest` packet of the video, and before that has
/// come by what the jitter buffer says.
fn pair_of(sync: &gst::StructureRef, latest: Option<Packet>) -> Option<(i64, u64)> {
    let report = sync.get::<gst::Buffer>("sr-buffer").ok()?;
    let report = report.map_readable().ok()?;
    let ntp_ns = ntp_of_report(report.as_slice())?;
    let report_rtp = sync.get::<u64>("sr-ext-rtptime").ok()?;
    let clock_rate = sync.get::<u32>("clock-rate").ok().filter(|&rate| rate > 0)?;
    if let Some(latest) = latest {
        let running_ns = latest.running_ns_of(word(report.as_slice(), 4)?, report_rtp as u32, clock_rate)?;
        return Some((running_ns, ntp_ns));
    }
    let base_rtp = sync.get::<u64>("base-rtptime").ok()?;
    let base_ns = sync.get::<u64>("base-time").ok()?;
    let ticks = i128::from(report_rtp) - i128::from(base_rtp);
    let running_ns = i128::from(base_ns) + ticks * 1_000_000_000 / i128::from(clock_rate);
    Some((i64::try_from(running_ns).ok()?, ntp_ns))
}

/// NTP time in nanoseconds of an RTCP sender report: RFC 3550, section 6.4.1.
fn ntp_of_report(packet: &[u8]) -> Option<u64> {
    const SENDER_REPORT: u8 = 200;
    if packet.get(1) != Some(&SENDER_REPORT) {
        return None;
    }
    let (seconds, fraction) = (u64::from(word(packet, 8)?), u64::from(word(packet, 12)?));
    // Cameras that do not know the time send zero.
    (seconds != 0).then(|| seconds * 1_000_000_000 + ((fraction * 1_000_000_000) >> 32))
}

#[cfg(test)]
mod tests {
    use super::super::packet::tests::packet;
    use super::*;

    fn report(seconds: u32, fraction: u32) -> Vec<u8> {
        [&[0x80, 200, 0, 6, 1, 2, 3, 4][..], &seconds.to_be_bytes(), &fraction.to_be_bytes(), &[0; 12]].concat()
    }

    #[test]
    fn sender_reports_are_read() {
        assert_eq!(ntp_of_report(&report(10, 1 << 31)), Some(10_500_000_000));
        assert_eq!(ntp_of_report(&report(0, 0)), None);
        assert_eq!(ntp_of_report(&report(10, 0)[..14]), None);
        assert_eq!(ntp_of_report(&[0x80, 201, 0, 6]), None);
    }

    #[test]
    fn a_report_is_paired_with_running_time() {
        crate::init().unwrap();
        let sync = gst::Structure::builder("application/x-rtp-sync")
            .field("base-rtptime", 90_000_u64)
            .field("base-time", 5_000_000_000_u64)
            .field("clock-rate", 90_000_u32)
            .field("sr-ext-rtptime", 45_000_u64)
            .field("sr-buffer", gst::Buffer::from_slice(report(10, 0)))
            .build();
        assert_eq!(pair_of(&sync, None), Some((4_500_000_000, 10_000_000_000)));
        // The jitter buffer has taken packets 200 ms back since the first.
        let latest = packet(0x0102_0304, 90_000, 4_800_000_000);
        assert_eq!(pair_of(&sync, Some(latest)), Some((4_300_000_000, 10_000_000_000)));
        assert_eq!(pair_of(&sync, Some(packet(5, 90_000, 0))), None, "the report of another track");
    }
}
