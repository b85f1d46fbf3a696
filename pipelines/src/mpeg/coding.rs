//! How video is coded, told by its bytes.

use std::collections::BTreeMap;

use super::Piece;
use crate::Codec;

/// So much of each stream is looked at.
const HEAD_BYTES: usize = 8 << 20;

/// The codings that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// One that is kept as it comes.
    Kept(Codec),
    /// MPEG-1 and MPEG-2.
    Mpeg2,
    /// MPEG-4 part 2.
    Mpeg4,
}

impl Coding {
    /// The coding of video that holds these bytes, if they have a header of it.
    fn of(bytes: &[u8]) -> Option<Self> {
        memchr::memmem::find_iter(bytes, &[0, 0, 1]).find_map(|at| match *bytes.get(at + 3..at + 6)? {
            [0xB3, ..] => Some(Self::Mpeg2),
            [0xB0, ..] => Some(Self::Mpeg4),
            // A video or sequence parameter set of layer 0.
            [0x40 | 0x42, 0x01, _] => Some(Self::Kept(Codec::H265)),
            // A sequence parameter set of a known profile, whose last flags are reserved.
            [name, 44 | 66 | 77 | 83 | 86 | 88 | 100 | 110 | 118 | 122 | 128 | 144 | 244, flags]
                if name & 0x9F == 7 && flags.trailing_zeros() >= 2 =>
            {
                Some(Self::Kept(Codec::H264))
            }
            _ => None,
        })
    }

    /// What it is called between elements.
    pub(crate) fn caps(self) -> gst::Caps {
        let mpeg = |version: i32| {
            let caps = gst::Caps::builder("video/mpeg").field("mpegversion", version);
            caps.field("systemstream", false).field("parsed", false).build()
        };
        match self {
            Self::Kept(codec) => gst::Caps::builder(codec.media_type()).field("stream-format", "byte-stream").build(),
            Self::Mpeg2 => mpeg(2),
            Self::Mpeg4 => mpeg(4),
        }
    }
}

/// The beginnings of all streams, until one says how it is coded.
#[derive(Debug, Default)]
pub(super) struct Heads(BTreeMap<u16, Vec<u8>>);

impl Heads {
    /// Takes a piece over; gives the coding of its stream once that is known.
    pub(super) fn learn(&mut self, piece: &Piece) -> Option<Coding> {
        let head = self.0.entry(piece.track).or_default();
        // A header may be cut by the border of two pieces.
        let from = head.len().saturating_sub(8);
        if head.len() < HEAD_BYTES {
            head.extend_from_slice(&piece.bytes);
        }
        Coding::of(&head[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn video_says_how_it_is_coded() {
        let of = |bytes: &[u8]| Coding::of(&[&[9, 0, 0, 1, 0x09, 0xF0, 0, 0, 0, 1], bytes].concat());
        assert_eq!(of(&[0x67, 100, 0, 30]), Some(Coding::Kept(Codec::H264)));
        assert_eq!(of(&[0x27, 66, 0xC0, 30]), Some(Coding::Kept(Codec::H264)));
        assert_eq!(of(&[0x40, 1, 12, 1]), Some(Coding::Kept(Codec::H265)));
        assert_eq!(of(&[0xB3, 1, 2, 3]), Some(Coding::Mpeg2));
        assert_eq!(of(&[0xB0, 1, 2, 3]), Some(Coding::Mpeg4));
        assert_eq!((of(&[0x65, 100, 0, 30]), of(&[0x67, 1, 0, 30]), of(&[0x67])), (None, None, None));
    }
}
