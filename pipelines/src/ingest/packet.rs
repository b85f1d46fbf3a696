//! The latest packet of the video, by which the times of the camera's reports are told in running time.
//!
//! A jitter buffer moves the running time of packets as it learns how late they come; what it says of a report is by the
//! first packet alone, which on a busy machine is often the latest of all.

use forewarn_base::sync::lock;
use gst::prelude::*;

use super::Site;
use crate::frame_map::running_time_ns;

/// Where an RTP packet (RFC 3550, section 5.1) lies in running time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet {
    source: u32,
    rtp_time: u32,
    running_ns: i64,
}

impl Packet {
    fn of(bytes: &[u8], running_ns: i64) -> Option<Self> {
        Some(Self { source: word(bytes, 8)?, rtp_time: word(bytes, 4)?, running_ns })
    }

    /// The running time in nanoseconds of another RTP time of the same source.
    pub(super) fn running_ns_of(self, source: u32, rtp_time: u32, clock_rate: u32) -> Option<i64> {
        let ticks = i64::from(rtp_time.wrapping_sub(self.rtp_time).cast_signed());
        (source == self.source && clock_rate > 0)
            .then(|| self.running_ns + ticks * 1_000_000_000 / i64::from(clock_rate))
    }
}

/// The big-endian word at byte `at` of an RTP or RTCP packet.
pub(super) fn word(packet: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?))
}

/// Keeps the latest packet that leaves `pad` in `site`.
pub(super) fn follow(site: &std::sync::Arc<Site>, pad: &gst::Pad) {
    let site = site.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(buffer) = info.buffer() {
            let segment = pad.sticky_event::<gst::event::Segment>(0);
            let running_ns = running_time_ns(buffer, segment.as_ref().map(|event| event.segment()));
            let packet = running_ns.zip(buffer.map_readable().ok());
            if let Some(packet) = packet.and_then(|(running_ns, bytes)| Packet::of(bytes.as_slice(), running_ns)) {
                *lock(&site.latest_packet) = Some(packet);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn packet(source: u32, rtp_time: u32, running_ns: i64) -> Packet {
        let bytes = [&[0x80, 96, 0, 1][..], &rtp_time.to_be_bytes(), &source.to_be_bytes(), &[1, 2, 3]].concat();
        Packet::of(&bytes, running_ns).unwrap()
    }

    #[test]
    fn running_time_is_told_from_the_latest_packet_across_a_turn_of_the_counter() {
        let latest = packet(7, 0, 5_000_000_000);
        assert_eq!(latest.running_ns_of(7, 90_000, 90_000), Some(6_000_000_000));
        assert_eq!(latest.running_ns_of(7, 0_u32.wrapping_sub(45_000), 90_000), Some(4_500_000_000));
        assert_eq!(latest.running_ns_of(8, 90_000, 90_000), None, "sound has a clock of its own");
        assert_eq!(latest.running_ns_of(7, 90_000, 0), None);
        assert_eq!(Packet::of(&[0x80; 11], 0), None);
    }
}
