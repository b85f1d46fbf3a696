//! Fragmented MP4 of one track of H.264 or H.265: a header, then a fragment for each picture, for browsers that show video live.
//!
//! GStreamer's muxer writes fragments of a second or more and of whole groups; here a picture must not wait for the next.
//!
//! Source: ISO/IEC 14496-12, sections 8.2 to 8.8 and 12.1.

use forewarn_domain::Orientation;

use crate::Codec;
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

/// What comes before the fragments, by how its samples are described.
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
pub(crate) fn fragment(codec: Codec, number: u32, time: FragmentTime, is_key: bool, unit: &[u8]) -> Vec<u8> {
    let mut sample = Vec::with_capacity(unit.len() + 64);
    // The sets stand in the header, and what delimits byte streams has no place between lengths.
    let is_left_out =
        |nal: &[u8]| codec.is_delimiter(nal) || nal.first().is_some_and(|one| codec.is_parameter_set(*one));
    for nal in nal_units(unit).filter(|nal| !is_left_out(nal)) {
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
