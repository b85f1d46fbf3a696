//! Packets of a transport stream: 188 bytes each, with 4 or 16 more in some recordings.

use std::collections::{BTreeMap, BTreeSet};

use super::Piece;
use super::pes::{head, is_metadata, is_video};

/// The first byte of each packet.
const SYNC: u8 = 0x47;
const PACKET_BYTES: usize = 188;
/// The first packets begin within so many bytes, whatever stands before them.
const LOOKED_AT: usize = 4096;
/// A packet of video that is larger is cut.
const LARGEST: usize = 32 << 20;

/// A transport stream that is being read.
#[derive(Debug)]
pub(crate) struct Transport {
    /// From one packet to the next.
    stride: usize,
    /// Whether metadata is read, and of video no more than where each packet begins.
    has_metadata: bool,
    bytes: Vec<u8>,
    /// By the number of the stream: the packet of video that is not complete.
    open: BTreeMap<u16, Vec<u8>>,
    /// The streams in which a packet of video began.
    videos: BTreeSet<u16>,
}

impl Transport {
    /// What begins with `head`, if it is one.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let is_in_step = |stride: usize, offset: usize| {
            let packets = head.get(offset..).unwrap_or_default().chunks(stride).take(5);
            packets.clone().count() >= 3 && packets.map(|packet| packet[0]).all(|first| first == SYNC)
        };
        let is_of = |&stride: &usize| (0..LOOKED_AT).any(|i| is_in_step(stride, i));
        let stride = [PACKET_BYTES, 192, 204].into_iter().find(is_of)?;
        Some(Self { stride, has_metadata: false, bytes: Vec::new(), open: BTreeMap::new(), videos: BTreeSet::new() })
    }

    /// The same before its first byte.
    pub(super) fn anew(&self) -> Self {
        Self {
            stride: self.stride,
            has_metadata: self.has_metadata,
            bytes: Vec::new(),
            open: BTreeMap::new(),
            videos: BTreeSet::new(),
        }
    }

    /// The same, which also gives what may be metadata, and of video no more than where each packet begins.
    pub(super) fn with_metadata(self) -> Self {
        Self { has_metadata: true, ..self }
    }

    /// Whether a stream is one of video.
    pub(super) fn is_video(&self, track: u16) -> bool {
        self.videos.contains(&track)
    }

    /// Takes the next bytes, or the end.
    pub(super) fn feed(&mut self, bytes: Option<&[u8]>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let is_end = bytes.is_none();
        let mut all = std::mem::take(&mut self.bytes);
        all.extend_from_slice(bytes.unwrap_or_default());
        let mut at = 0;
        while let Some(packet) = all.get(at..at + PACKET_BYTES) {
            // In step where this packet and the next begin with the mark; the last has none after it.
            let is_in_step = match all.get(at + self.stride) {
                Some(&next) => packet[0] == SYNC && next == SYNC,
                None if is_end => packet[0] == SYNC,
                None => break,
            };
            if is_in_step {
                pieces.extend(self.packet(packet).into_iter().flatten());
                at += self.stride;
            } else {
                at += 1 + memchr::memchr(SYNC, &all[at + 1..]).unwrap_or(all.len() - at - 1);
            }
        }
        self.bytes = all.split_off(at.min(all.len()));
        if is_end {
            let open = std::mem::take(&mut self.open);
            pieces.extend(open.into_iter().filter_map(|(track, content)| piece(track, &content)));
        }
        pieces
    }

    /// Takes a packet; gives the piece that it ends, and that which it holds whole.
    fn packet(&mut self, packet: &[u8]) -> [Option<Piece>; 2] {
        let Some((track, begins, content)) = Self::content(packet) else { return [None, None] };
        if !begins {
            let Some(open) = self.open.get_mut(&track) else { return [None, None] };
            open.extend_from_slice(content);
            if open.len() < LARGEST {
                return [self.wanted_now(track), None];
            }
            return [self.open.remove(&track).and_then(|content| piece(track, &content)), None];
        }
        let before = self.open.remove(&track);
        let is_wanted = |name: u8| is_video(name) || (self.has_metadata && is_metadata(name));
        if matches!(content, [0, 0, 1, name, ..] if is_wanted(*name)) {
            self.open.insert(track, content.to_vec());
        }
        if matches!(content, [0, 0, 1, name, ..] if is_video(*name)) {
            self.videos.insert(track);
        }
        [before.and_then(|content| piece(track, &content)), self.wanted_now(track)]
    }

    /// What is open beside metadata and is wanted now: a packet of metadata that is all there, as the next may be a second
    /// away, and of video the beginning, which states the time.
    fn wanted_now(&mut self, track: u16) -> Option<Piece> {
        let [_, _, _, name, high, low, ..] = self.open.get(&track)?[..] else { return None };
        let stated = usize::from(high) << 8 | usize::from(low);
        let is_whole = stated > 0 && self.open.get(&track)?.len() >= 6 + stated;
        if !self.has_metadata || !(is_video(name) || is_whole) {
            return None;
        }
        self.open.remove(&track).and_then(|content| piece(track, &content))
    }

    /// The number of a packet's stream, whether something begins in it, and what it holds.
    fn content(packet: &[u8]) -> Option<(u16, bool, &[u8])> {
        let has_error = packet[1] & 0x80 != 0;
        let is_scrambled = packet[3] & 0xC0 != 0;
        if has_error || is_scrambled || packet[3] & 0x10 == 0 {
            return None;
        }
        let track = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
        let begin = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
        Some((track, packet[1] & 0x40 != 0, packet.get(begin..)?))
    }
}

/// What a complete packet of a stream holds.
fn piece(track: u16, packet: &[u8]) -> Option<Piece> {
    let stated = usize::from(*packet.get(4)?) << 8 | usize::from(*packet.get(5)?);
    // None is stated of video that does not fit into 16 bits.
    let end = if stated == 0 { packet.len() } else { packet.len().min(6 + stated) };
    let content = packet.get(6..end)?;
    let head = head(content)?;
    Some(Piece { track, pts: head.pts, dts: head.dts, bytes: content[head.size..].to_vec() })
}
