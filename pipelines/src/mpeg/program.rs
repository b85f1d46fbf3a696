//! Packets of a program stream, the form of video recorders and of DVDs.

use super::Piece;
use super::pes::{head, is_video};

/// A video packet that states no length ends here at the latest.
const LONGEST_UNSTATED: usize = 8 << 20;

/// Bytes of a program stream that are not yet complete packets.
#[derive(Debug, Default)]
pub(crate) struct Program {
    bytes: Vec<u8>,
}

/// What stands at a place.
enum Found {
    /// Something that ends there, perhaps with a piece.
    Unit(usize, Option<Piece>),
    /// More bytes are needed.
    Incomplete,
}

impl Program {
    /// Whether a pack begins near the beginning; recorders put heads of their own in front.
    pub(super) fn is_begun(head: &[u8]) -> bool {
        memchr::memmem::find(head, &[0, 0, 1, 0xBA]).is_some()
    }

    /// Takes the next bytes, or the end.
    pub(super) fn feed(&mut self, bytes: Option<&[u8]>) -> Vec<Piece> {
        self.bytes.extend_from_slice(bytes.unwrap_or_default());
        let is_end = bytes.is_none();
        let (mut at, mut pieces) = (0, Vec::new());
        while let Some(begin) = start_code(&self.bytes[at..]).map(|i| at + i) {
            at = begin;
            match unit_at(&self.bytes[at..], is_end) {
                Found::Unit(size, piece) => {
                    at += size;
                    pieces.extend(piece);
                }
                Found::Incomplete => break,
            }
        }
        if start_code(&self.bytes[at..]).is_none() {
            // A start code may be cut.
            at = at.max(self.bytes.len().saturating_sub(3));
        }
        self.bytes.drain(..at);
        pieces
    }
}

/// The next code of the system layer: those of coded video are smaller.
fn start_code(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, &[0, 0, 1]).find(|&i| bytes.get(i + 3).is_some_and(|&name| name >= 0xB9))
}

/// The unit that begins with `bytes`.
fn unit_at(bytes: &[u8], is_end: bool) -> Found {
    let cut = if is_end { Found::Unit(bytes.len(), None) } else { Found::Incomplete };
    let name = bytes[3];
    if matches!(name, 0xB9 | 0xBA) {
        // What a pack of MPEG-2 is stuffed with is passed over as no start code.
        let size = match bytes.get(4) {
            _ if name == 0xB9 => 4,
            Some(byte) if byte >> 6 == 0b01 => 14,
            _ => 12,
        };
        return if bytes.len() >= size { Found::Unit(size, None) } else { cut };
    }
    let Some(stated) = bytes.get(4..6).map(|length| usize::from(length[0]) << 8 | usize::from(length[1])) else {
        return cut;
    };
    if !is_video(name) {
        return if bytes.len() >= 6 + stated { Found::Unit(6 + stated, None) } else { cut };
    }
    // Behind the head, which may hold anything.
    let begin = bytes.get(8).map_or(6, |&length| 9 + usize::from(length)).min(bytes.len());
    let next = start_code(&bytes[begin..]).map(|i| begin + i);
    let end =
        if stated > 0 { Some(6 + stated) } else { next.or((bytes.len() > LONGEST_UNSTATED).then_some(bytes.len())) };
    let end = match end {
        // Within coded video no such code can stand: what was stated is wrong.
        Some(end) if bytes.len() >= end => next.map_or(end, |next| next.min(end)),
        _ if is_end => next.unwrap_or(bytes.len()),
        _ => return Found::Incomplete,
    };
    let content = bytes.get(6..end).unwrap_or_default();
    let piece = head(content).map(|head| Piece {
        track: name.into(),
        pts: head.pts,
        dts: head.dts,
        bytes: content[head.size..].to_vec(),
    });
    Found::Unit(end, piece)
}
