//! Where decoding can begin: what an access unit says of itself.
//!
//! A picture with which decoding begins cleanly is an IDR picture, or in H.265 any intra random access point. Encoders
//! that refresh the picture by and by, and those with open groups of pictures, mark places with a recovery point instead:
//! decoding may begin there, and so many pictures later everything shown is right. An encoder may also write an intra
//! picture without any mark, as x264 and x265 do when the light changes: pictures after it may refer to pictures before
//! it.
//!
//! Source: ITU-T H.264 7.3.3, 7.4.1.2.4, D.1.8, D.1.27; ITU-T H.265 7.4.2.2, D.2.8, D.2.17.

use forewarn_base::messages::messages;
use forewarn_domain::Orientation;

use crate::Codec;
use crate::bits::{Bits, unescaped};
use crate::codec::nal_units;

/// How decoding may begin with an access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Entry {
    /// It needs pictures before it.
    #[default]
    No,
    /// An intra picture without a mark, which is better than nothing.
    Intra,
    /// A recovery point: pictures are whole after so many more.
    Recovery { pictures: u32 },
    /// Nothing after it in decoding order needs a picture before it.
    Clean,
}

impl Entry {
    /// Pictures after this one until everything shown is right.
    pub(crate) fn lead_in(self) -> u32 {
        match self {
            Self::Recovery { pictures } => pictures,
            Self::No | Self::Intra | Self::Clean => 0,
        }
    }
}

/// What an access unit says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    pub(crate) entry: Entry,
    /// How the picture is to be turned, where the video itself says so.
    pub(crate) orientation: Option<Orientation>,
}

/// Bytes of a slice or message that are looked at.
const HEAD_BYTES: usize = 64;

/// Reads the marks of an access unit, an Annex B byte stream.
pub(crate) fn marks(codec: Codec, unit: &[u8]) -> Marks {
    let mut marks = Marks::default();
    let mut n_intra = 0;
    for nal in nal_units(unit) {
        match kind_of(codec, nal) {
            Kind::Message => read_messages(codec, nal, &mut marks),
            Kind::CleanSlice => {
                marks.entry = Entry::Clean;
                break;
            }
            // One slice that is not intra is enough.
            Kind::Slice if is_intra(nal) => n_intra += 1,
            Kind::Slice | Kind::UnknownSlice => {
                n_intra = 0;
                break;
            }
            Kind::Other => {}
        }
    }
    if marks.entry == Entry::No && n_intra > 0 {
        marks.entry = Entry::Intra;
    }
    marks
}

enum Kind {
    Message,
    CleanSlice,
    Slice,
    UnknownSlice,
    Other,
}

fn kind_of(codec: Codec, nal: &[u8]) -> Kind {
    let Some(&first) = nal.first() else { return Kind::Other };
    match codec {
        Codec::H264 => match first & 0x1F {
            5 => Kind::CleanSlice,
            1..=4 => Kind::Slice,
            6 => Kind::Message,
            _ => Kind::Other,
        },
        Codec::H265 => match first >> 1 & 0x3F {
            16..=23 => Kind::CleanSlice,
            // The kind of these slices stands behind fields whose length other parameter sets decide.
            0..=15 => Kind::UnknownSlice,
            39 => Kind::Message,
            _ => Kind::Other,
        },
    }
}

/// Whether an H.264 slice is of a kind that refers to no other picture.
fn is_intra(slice: &[u8]) -> bool {
    let head = unescaped(slice.get(1..).unwrap_or_default(), HEAD_BYTES);
    let mut bits = Bits::new(&head);
    let kind = bits.unsigned().and_then(|_first_macroblock| bits.unsigned());
    kind.is_some_and(|kind| matches!(kind % 5, 2 | 4))
}

/// Reads the supplemental messages of a NAL unit: ITU-T H.264 7.3.2.3.1.
fn read_messages(codec: Codec, nal: &[u8], marks: &mut Marks) {
    // Messages that a vendor puts before the others may be long.
    let bytes = unescaped(codec.messages_of(nal).unwrap_or_default(), 4096);
    for (kind, message) in messages(&bytes) {
        let mut bits = Bits::new(message);
        match kind {
            6 if marks.entry == Entry::No => {
                let pictures = match codec {
                    Codec::H264 => bits.unsigned(),
                    Codec::H265 => bits.signed().map(|n| n.max(0).unsigned_abs()),
                };
                marks.entry = pictures.map_or(Entry::No, |pictures| Entry::Recovery { pictures });
            }
            47 => marks.orientation = orientation(&mut bits),
            _ => {}
        }
    }
}

/// The display orientation message: flips first, then a turn anticlockwise in parts of 2^16 of a circle.
fn orientation(bits: &mut Bits<'_>) -> Option<Orientation> {
    if bits.flag()? {
        return Some(Orientation::UPRIGHT);
    }
    let (is_flipped_sideways, is_flipped_over) = (bits.flag()?, bits.flag()?);
    let anticlockwise = bits.number(16)?;
    let quarter_turns = ((4 - (anticlockwise + (1 << 13)) / (1 << 14) % 4) % 4) as u8;
    let sideways = Orientation { is_mirrored: is_flipped_sideways, quarter_turns: 0 };
    let over = Orientation { is_mirrored: is_flipped_over, quarter_turns: if is_flipped_over { 2 } else { 0 } };
    Some(sideways.then(over).then(Orientation { is_mirrored: false, quarter_turns }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
    }

    #[test]
    fn each_way_to_begin_is_told_from_the_others() {
        let of = |nals: &[&[u8]]| marks(Codec::H264, &unit(nals)).entry;
        // Slices: first macroblock 0 (1), then the kind: P 0 (1), I 7 (0001000), B 1 (010).
        let (p, i, b) = ([0x41, 0b1100_0000], [0x41, 0b1000_1000], [0x01, 0b1010_0000]);
        // Recovery points: payload 6 of 1 byte, count 0 (1) and 19 (000010100), then the rest and the end.
        let (now, later) = ([0x06, 6, 1, 0b1100_0000, 0x80], [0x06, 6, 2, 0b0000_1010, 0b0100_0000, 0x80]);
        assert_eq!(of(&[&[0x67, 1], &[0x68, 1], &[0x65, 0x88]]), Entry::Clean);
        assert_eq!((of(&[&p]), of(&[&b]), of(&[&i])), (Entry::No, Entry::No, Entry::Intra));
        assert_eq!(of(&[&i, &i, &p]), Entry::No, "one slice refers to others");
        assert_eq!(of(&[&now, &i]), Entry::Recovery { pictures: 0 });
        assert_eq!(of(&[&later, &p]), Entry::Recovery { pictures: 19 });
        let vendor = [[0x06, 5, 255, 10].as_slice(), &[7; 265], &later[1..]].concat();
        assert_eq!(of(&[&vendor, &p]), Entry::Recovery { pictures: 19 });
        let of = |nals: &[&[u8]]| marks(Codec::H265, &unit(nals)).entry;
        for (kind, entry) in
            [(1, Entry::No), (9, Entry::No), (16, Entry::Clean), (19, Entry::Clean), (21, Entry::Clean)]
        {
            assert_eq!(of(&[&[kind << 1, 1, 0xD0]]), entry, "{kind}");
        }
        assert_eq!(of(&[&[39 << 1, 1, 6, 1, 0b0010_0110, 0x80], &[2, 1, 0xD0]]), Entry::Recovery { pictures: 2 });
    }

    #[test]
    fn the_video_may_say_how_it_is_turned() {
        let of = |flips: u8, turn: u16| {
            // Not cancelled, two flips, 16 bits of turn, and the rest.
            let bits = u32::from(flips) << 29 | u32::from(turn) << 13 | 1 << 12;
            let message = [[0x06, 47, 4].as_slice(), &bits.to_be_bytes(), &[0x80]].concat();
            marks(Codec::H264, &unit(&[&message, &[0x41, 0xC0]])).orientation
        };
        assert_eq!(of(0b00, 0), Orientation::of_exif(1));
        assert_eq!(of(0b00, 0x4000), Orientation::of_exif(8), "anticlockwise");
        assert_eq!(of(0b00, 0x8000), Orientation::of_exif(3));
        assert_eq!(of(0b10, 0), Orientation::of_exif(2));
        assert_eq!(of(0b01, 0), Orientation::of_exif(4));
        assert_eq!(of(0b11, 0), Orientation::of_exif(3));
    }

    proptest! {
        #[test]
        fn any_unit_is_read(bytes in prop::collection::vec(any::<u8>(), 0..80), is_h265: bool) {
            let codec = if is_h265 { Codec::H265 } else { Codec::H264 };
            let _ = marks(codec, &unit(&[&bytes, &[&[0x06, 6][..], &bytes].concat()]));
        }
    }
}
