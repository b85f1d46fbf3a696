//! What comes beside the video of a transport stream while it flows.
//!
//! The stream has a clock of its own, and the pipeline has one that the demuxer made of it. Which instant of the one is which
//! of the other is told by the video, which goes both ways: the first bytes of a picture are the same in the stream and in the
//! access unit that the pipeline gives. So a packet of metadata has the time of the picture beside which it was stated, to the
//! microsecond, whatever the demuxer and the network hold back.

use std::collections::VecDeque;

use forewarn_domain::Timestamp;

use super::Line;
use super::metadata::packets;
use super::transport::Transport;

/// So much is looked through for the first packets; what is no transport stream by then is none.
const HEAD_BYTES: usize = 1 << 16;
/// Pictures whose access units have not come yet: some seconds.
const MOST_PICTURES: usize = 256;
/// Packets that wait until it is known when they are.
const MOST_WAITING: usize = 256;
/// So many bytes of a picture are compared: enough that no two pictures begin alike, and never more than one packet holds.
const MARK_BYTES: usize = 32;
/// The beginning of an access unit in which they are sought, behind parameter sets and messages.
const SOUGHT_BYTES: usize = 1 << 14;

/// Packets of metadata that came beside the video of a live stream.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveMetadata {
    /// The instant that the stream states for them.
    pub at: Option<Timestamp>,
    /// The instant of the video beside which they came.
    pub beside: Timestamp,
    /// The packets, without the heads of cells; none where only the video went on.
    pub bytes: Vec<u8>,
}

/// Metadata on the line of the stream's clock, in nanoseconds.
#[derive(Debug)]
struct Waiting {
    at_ns: Option<i64>,
    beside_ns: i64,
    bytes: Vec<u8>,
}

/// Reads a transport stream beside the demuxer.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// The first bytes, until it is known that they are a transport stream.
    head: Vec<u8>,
    transport: Option<Transport>,
    is_other: bool,
    line: Line,
    /// The track of the video, which is the first one.
    video: Option<u16>,
    /// The latest pictures: when they are shown, and how they begin.
    pictures: VecDeque<(i64, Vec<u8>)>,
    /// From the line to the running time of the pipeline.
    shift_ns: Option<i64>,
    latest_ns: Option<i64>,
    waiting: VecDeque<Waiting>,
}

impl Beside {
    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.is_other {
            return;
        }
        let pieces = if let Some(transport) = &mut self.transport {
            transport.feed(Some(bytes))
        } else {
            self.head.extend_from_slice(bytes);
            let Some(transport) = Transport::of(&self.head) else {
                self.is_other = self.head.len() > HEAD_BYTES;
                return;
            };
            let head = std::mem::take(&mut self.head);
            self.transport.insert(transport.with_metadata()).feed(Some(&head))
        };
        for piece in pieces {
            if self.transport.as_ref().is_some_and(|transport| transport.is_video(piece.track)) {
                if *self.video.get_or_insert(piece.track) != piece.track {
                    continue;
                }
                let (shown, _) = self.line.place(piece.pts, piece.dts);
                let Some(shown) = shown.and_then(|ns| i64::try_from(ns).ok()) else { continue };
                self.latest_ns = Some(shown);
                // What begins every picture alike, such as a delimiter, stands in front of what tells them apart.
                let from = piece.bytes.len().saturating_sub(MARK_BYTES);
                self.pictures.push_back((shown, piece.bytes[from..].to_vec()));
                let n_over = self.pictures.len().saturating_sub(MOST_PICTURES);
                self.pictures.drain(..n_over);
            } else if let (Some(bytes), Some(beside_ns)) = (packets(&piece.bytes), self.latest_ns) {
                let at_ns = self.line.at(piece.pts).map(|second| (second * 1e9) as i64);
                self.waiting.push_back(Waiting { at_ns, beside_ns, bytes });
                let n_over = self.waiting.len().saturating_sub(MOST_WAITING);
                self.waiting.drain(..n_over);
            }
        }
    }

    /// An access unit of that running time came out of the pipeline; it begins so.
    pub(crate) fn unit(&mut self, running_ns: i64, unit: &[u8]) {
        let sought = &unit[..unit.len().min(SOUGHT_BYTES)];
        let is_in = |mark: &[u8]| mark.len() == MARK_BYTES && memchr::memmem::find(sought, mark).is_some();
        if let Some(at) = self.pictures.iter().position(|(_, mark)| is_in(mark)) {
            let (shown_ns, _) = self.pictures[at];
            self.shift_ns = Some(running_ns - shown_ns);
            self.pictures.drain(..=at);
        }
    }

    /// The metadata whose instants `map` knows by running time, and word of the video.
    pub(crate) fn take(&mut self, map: impl Fn(i64) -> Option<Timestamp>) -> Vec<LiveMetadata> {
        let Some(shift_ns) = self.shift_ns else { return Vec::new() };
        let on_line = |ns: i64| map(ns + shift_ns);
        let Some(latest) = self.latest_ns.and_then(on_line) else { return Vec::new() };
        let told = self.waiting.drain(..).filter_map(|waiting| {
            let (at, beside) = (waiting.at_ns.and_then(on_line), on_line(waiting.beside_ns)?);
            Some(LiveMetadata { at, beside, bytes: waiting.bytes })
        });
        told.chain([LiveMetadata { at: None, beside: latest, bytes: Vec::new() }]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpeg::tests::{packet, transport};

    const KEY: [u8; 17] = [0x06, 0x0E, 0x2B, 0x34, 2, 0x0B, 1, 1, 0x0E, 1, 3, 1, 1, 0, 0, 0, 1];

    fn klv(n: u8) -> Vec<u8> {
        [&KEY[..], &[n]].concat()
    }

    fn tick(s: f64) -> u64 {
        (s * 90_000.0) as u64
    }

    /// A picture whose bytes are its own.
    fn picture(n: u8) -> Vec<u8> {
        (0..200).map(|i: u8| if i < 6 { [0, 0, 0, 1, 9, 16][usize::from(i)] } else { i.wrapping_mul(n) ^ n }).collect()
    }

    /// As parsers give it: with parameter sets in front.
    fn unit(n: u8) -> Vec<u8> {
        [&[0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 0x67, 66, 0, 30][..], &picture(n)[6..], &[7; 5000]].concat()
    }

    fn instant(ns: i64) -> Timestamp {
        Timestamp::from_micros(ns / 1000 + 1_000_000_000)
    }

    #[test]
    fn metadata_has_the_time_of_the_picture_with_which_it_was_stated() {
        let mut beside = Beside::default();
        let stream = |n: u8| {
            let at = 100.0 + f64::from(n) * 0.04;
            [
                transport(0x100, &[packet(0xE0, Some(tick(at)), &[&picture(n)[..], &[7; 5000]].concat())], 188),
                transport(0x200, &[packet(0xBD, Some(tick(at)), &klv(n)), packet(0xBD, None, &klv(n + 100))], 188),
            ]
            .concat()
        };
        let bytes: Vec<u8> = (1..=5).flat_map(stream).collect();
        bytes.chunks(1316).for_each(|datagram| beside.feed(datagram));
        assert_eq!(beside.take(|ns| Some(instant(ns))), [], "no picture tells yet which time is which");
        // The pipeline begins with the third picture, at a running time of its own.
        beside.unit(7_000_000_000, &unit(3));
        let told = beside.take(|ns| Some(instant(ns)));
        let at_ms = |at: Timestamp| (at.as_micros() - 1_000_000_000) / 1000;
        let found: Vec<(u8, Option<i64>, i64)> =
            told.iter().filter_map(|of| Some((*of.bytes.get(17)?, of.at.map(at_ms), at_ms(of.beside)))).collect();
        assert_eq!(found[0], (1, Some(6920), 6920), "{found:?}");
        assert_eq!(found[3], (102, None, 6960));
        assert_eq!(found[6], (4, Some(7040), 7040));
        assert_eq!(told.last().map(|of| (of.bytes.len(), at_ms(of.beside))), Some((0, 7080)), "the video goes on");
        assert_eq!(beside.take(|ns| Some(instant(ns))).len(), 1, "and nothing is told twice");
    }

    #[test]
    fn what_is_no_transport_stream_and_what_never_comes_out_is_bounded() {
        let mut other = Beside::default();
        (0..100).for_each(|_| other.feed(&[1; 1316]));
        assert!(other.is_other && other.head.len() <= HEAD_BYTES + 1316);
        let mut silent = Beside::default();
        for n in 0..2_000_u32 {
            let at = Some(tick(f64::from(n) * 0.04));
            silent.feed(&transport(0x100, &[packet(0xE0, at, &picture(n as u8))], 188));
            silent.feed(&transport(0x200, &[packet(0xBD, at, &klv(1))], 188));
        }
        assert_eq!((silent.pictures.len(), silent.waiting.len()), (MOST_PICTURES, MOST_WAITING));
    }
}
