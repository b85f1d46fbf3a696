//! Fragmented MP4 of one H.264 track: a header, then a fragment for each picture, for browsers that show video live.
//!
//! GStreamer's muxer writes fragments of a second or more and of whole groups; here a picture must not wait for the next.
//!
//! Source: ISO/IEC 14496-12, sections 8.2 to 8.8 and 12.1; ISO/IEC 14496-15, 5.3.3 (`avcC`).

use forewarn_domain::Orientation;

use crate::bits::{Bits, unescaped};
use crate::codec::nal_units;
use crate::mp4::matrix_of;

/// Times are in microseconds.
pub(crate) const TIMESCALE: u32 = 1_000_000;
/// The only track.
pub(crate) const TRACK: u32 = 1;
/// Decoding may begin with this sample.
pub(crate) const IS_SYNC: u32 = 0x0200_0000;
/// It needs others.
pub(crate) const IS_NOT_SYNC: u32 = 0x0101_0000;

/// The parameter sets of a key picture: those of sequences and those of pictures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ParameterSets {
    sequences: Vec<Vec<u8>>,
    pictures: Vec<Vec<u8>>,
}

impl ParameterSets {
    /// Those of an access unit, an Annex B byte stream; none if either kind is lacking.
    pub(crate) fn of(unit: &[u8]) -> Option<Self> {
        let mut sets = Self::default();
        for nal in nal_units(unit) {
            match kind(nal) {
                SEQUENCE => sets.sequences.push(nal.to_vec()),
                PICTURE => sets.pictures.push(nal.to_vec()),
                1..=5 => break,
                _ => {}
            }
        }
        let is_whole = sets.sequences.first().is_some_and(|set| set.len() >= 4) && !sets.pictures.is_empty();
        is_whole.then_some(sets)
    }

    /// The codec's name for browsers: RFC 6381, 3.3.
    pub(crate) fn codec(&self) -> String {
        let [profile, constraints, level] = self.profile();
        format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
    }

    fn profile(&self) -> [u8; 3] {
        let set = self.sequences.first().map_or(&[][..], Vec::as_slice);
        [1, 2, 3].map(|i| set.get(i).copied().unwrap_or_default())
    }

    /// The content of `avcC`.
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut out = [&[1][..], &self.profile(), &[0xFF, 0xE0 | (self.sequences.len() as u8 & 0x1F)]].concat();
        let put = |out: &mut Vec<u8>, sets: &[Vec<u8>]| {
            for set in sets {
                out.extend_from_slice(&(set.len() as u16).to_be_bytes());
                out.extend_from_slice(set);
            }
        };
        put(&mut out, &self.sequences);
        out.push(self.pictures.len() as u8);
        put(&mut out, &self.pictures);
        if let Some([chroma, luma_depth, chroma_depth]) = self.sequences.first().and_then(|set| samples_of_high(set)) {
            out.extend([0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0]);
        }
        out
    }
}

const SEQUENCE: u8 = 7;
const PICTURE: u8 = 8;
const DELIMITER: u8 = 9;

fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |first| first & 0x1F)
}

/// Chroma format and the depths of luma and chroma less eight, which stand in the sets of the High profiles: ITU-T H.264
/// 7.3.2.1.1.
fn samples_of_high(set: &[u8]) -> Option<[u8; 3]> {
    if !matches!(set.get(1)?, 100 | 110 | 122 | 144) {
        return None;
    }
    let head = unescaped(set.get(4..)?, 16);
    let mut bits = Bits::new(&head);
    bits.unsigned()?;
    let chroma = bits.unsigned()?;
    if chroma == 3 {
        bits.flag()?;
    }
    Some([(chroma & 3) as u8, (bits.unsigned()? & 7) as u8, (bits.unsigned()? & 7) as u8])
}

/// What comes before the fragments.
pub(crate) fn header(sets: &ParameterSets, size_px: (u32, u32), orientation: Orientation) -> Vec<u8> {
    let record = boxed(*b"avcC", &[&sets.record()]);
    header_of(&sample_entry(*b"avc1", &record, size_px), size_px, orientation)
}

/// The same by how its samples are described.
pub(crate) fn header_of(entry: &[u8], (width, height): (u32, u32), orientation: Orientation) -> Vec<u8> {
    let brands = boxed(*b"ftyp", &[b"iso6\0\0\0\0iso6avc1mp41"]);
    let upright: Vec<u8> = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000_u32].map(u32::to_be_bytes).concat();
    let film = full(
        *b"mvhd",
        0,
        &[&[0; 8], &words(&[TIMESCALE, 0, 0x1_0000, 0x0100_0000, 0, 0]), &upright, &[0; 24], &words(&[2])],
    );
    let side = |px: u32| px.min(0xFFFF) << 16;
    let size = (side(width) as i32, side(height) as i32);
    let turned = matrix_of(orientation, size).map(i32::to_be_bytes).concat();
    let track =
        full(*b"tkhd", 3, &[&words(&[0, 0, TRACK, 0, 0, 0, 0, 0, 0]), &turned, &words(&[side(width), side(height)])]);
    let media = full(*b"mdhd", 0, &[&words(&[0, 0, TIMESCALE, 0, 0x55C4_0000])]);
    let handler = full(*b"hdlr", 0, &[&[0; 4], b"vide", &[0; 12], b"video\0"]);
    let data = boxed(*b"dinf", &[&full(*b"dref", 0, &[&words(&[1]), &full(*b"url ", 1, &[])])]);
    let tables = boxed(
        *b"stbl",
        &[
            &full(*b"stsd", 0, &[&words(&[1]), entry]),
            &full(*b"stts", 0, &[&[0; 4]]),
            &full(*b"stsc", 0, &[&[0; 4]]),
            &full(*b"stsz", 0, &[&[0; 8]]),
            &full(*b"stco", 0, &[&[0; 4]]),
        ],
    );
    let info = boxed(*b"minf", &[&full(*b"vmhd", 1, &[&[0; 8]]), &data, &tables]);
    let track = boxed(*b"trak", &[&track, &boxed(*b"mdia", &[&media, &handler, &info])]);
    let extends = boxed(*b"mvex", &[&full(*b"trex", 0, &[&words(&[TRACK, 1, 0, 0, 0])])]);
    [brands, boxed(*b"moov", &[&film, &track, &extends])].concat()
}

/// The description of samples of a kind, such as `avc1`, with the box of their parameter sets.
pub(crate) fn sample_entry(kind: [u8; 4], record: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    let side = |px: u32| (px.min(0xFFFF) as u16).to_be_bytes();
    let resolution = words(&[0x48_0000, 0x48_0000, 0]);
    boxed(
        kind,
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0; 16],
            &side(width),
            &side(height),
            &resolution,
            &[0, 1],
            &[0; 32],
            &[0, 0x18, 0xFF, 0xFF],
            record,
        ],
    )
}

/// Times of a sample on the line of the fragments, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit stands in each name")]
pub(crate) struct FragmentTime {
    pub(crate) decoded_us: u64,
    /// Shown so long after it is decoded.
    pub(crate) shown_after_us: i32,
    pub(crate) lasts_us: u32,
}

/// The fragment of one picture, an access unit as an Annex B byte stream.
pub(crate) fn fragment(number: u32, time: FragmentTime, is_key: bool, unit: &[u8]) -> Vec<u8> {
    let mut sample = Vec::with_capacity(unit.len() + 64);
    // The sets stand in the header, and what delimits byte streams has no place between lengths.
    for nal in nal_units(unit).filter(|nal| !matches!(kind(nal), SEQUENCE | PICTURE | DELIMITER)) {
        sample.extend_from_slice(&(nal.len() as u32).to_be_bytes());
        sample.extend_from_slice(nal);
    }
    let index = |offset: u32| {
        let flags = if is_key { IS_SYNC } else { IS_NOT_SYNC };
        let run = [1, offset, time.lasts_us, sample.len() as u32, flags, time.shown_after_us as u32];
        let track = boxed(
            *b"traf",
            &[
                &full(*b"tfhd", 0x02_0000, &[&words(&[TRACK])]),
                &full(*b"tfdt", 1 << 24, &[&time.decoded_us.to_be_bytes()]),
                &full(*b"trun", 1 << 24 | 0x0F01, &[&words(&run)]),
            ],
        );
        boxed(*b"moof", &[&full(*b"mfhd", 0, &[&words(&[number])]), &track])
    };
    // The data begin behind the index and the head of their own box.
    let head_bytes = index(0).len() as u32 + 8;
    [index(head_bytes), boxed(*b"mdat", &[&sample])].concat()
}

/// Numbers of 32 bits.
pub(crate) fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// A box with these parts.
pub(crate) fn boxed(kind: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let size = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(&(size as u32).to_be_bytes());
    out.extend_from_slice(&kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A box with its version, in the highest byte, and flags.
pub(crate) fn full(kind: [u8; 4], version_and_flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    boxed(kind, &[&version_and_flags.to_be_bytes(), &parts.concat()])
}
