//! Footage as bytes: fragmented MP4 of H.264 or H.265, a fragment of about a second at once, each with the time on the wall.
//!
//! Source: ISO/IEC 14496-12, 8.8 (fragments), 8.16.5 `prft`.

use forewarn_domain::{Orientation, WallTime};

use crate::Codec;
use crate::codec::nal_units;
use crate::described::Described;
use crate::fragment::{IS_NOT_SYNC, IS_SYNC, TRACK, boxed, full, header_of, words};

/// Seconds from 1900-01-01, from which network time counts, to 1970-01-01.
const NTP_UNIX_S: i64 = 2_208_988_800;

/// What comes before the fragments, by the parameter sets of a key picture; none if some are lacking.
pub(crate) fn header(codec: Codec, unit: &[u8], size_px: (u32, u32), orientation: Orientation) -> Option<Vec<u8>> {
    let entry = Described::of(codec, unit, size_px)?.entry;
    Some(header_of(&entry, size_px, orientation))
}

/// One picture of a fragment.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) lasts_us: u32,
    pub(crate) shown_after_us: i32,
    pub(crate) is_key: bool,
    /// Its units, each behind its length.
    pub(crate) bytes: Vec<u8>,
}

/// An access unit as it stands in the file. Its parameter sets stay in it: a camera may change them in mid-stream.
pub(crate) fn sample_bytes(codec: Codec, unit: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(unit.len() + 64);
    for nal in nal_units(unit).filter(|nal| !codec.is_delimiter(nal)) {
        out.extend_from_slice(&(nal.len() as u32).to_be_bytes());
        out.extend_from_slice(nal);
    }
    out
}

/// When the first picture of a fragment was taken, and when it is shown on the file's own line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) wall: WallTime,
    pub(crate) shown_us: u64,
}

/// The box that says so.
pub(crate) fn taken_box(taken: Taken) -> Vec<u8> {
    let (seconds, micros) =
        (taken.wall.as_micros().div_euclid(1_000_000), taken.wall.as_micros().rem_euclid(1_000_000));
    // Rounded up, so that reading it again gives the same microsecond.
    let fraction = ((micros as u64) << 32).div_ceil(1_000_000);
    // It begins anew in 2036.
    let ntp = u64::from((seconds + NTP_UNIX_S) as u32) << 32 | fraction;
    full(*b"prft", 1 << 24, &[&words(&[TRACK]), &ntp.to_be_bytes(), &taken.shown_us.to_be_bytes()])
}

/// What a network time means: RFC 4330, section 3, from 1968 to 2104.
pub(crate) fn wall_of_ntp(ntp: u64) -> WallTime {
    let round = if ntp >> 63 == 1 { 0 } else { 1 << 32 };
    let seconds = (ntp >> 32) as i64 + round - NTP_UNIX_S;
    let micros = ((ntp & 0xFFFF_FFFF) * 1_000_000) >> 32;
    WallTime::from_micros(seconds * 1_000_000 + micros as i64)
}

/// A fragment, with the time on the wall in front of it.
pub(crate) fn piece(number: u32, taken: Taken, decoded_us: u64, samples: &[Sample]) -> Vec<u8> {
    let index = |offset: u32| {
        let mut run = vec![samples.len() as u32, offset];
        for sample in samples {
            let flags = if sample.is_key { IS_SYNC } else { IS_NOT_SYNC };
            run.extend([sample.lasts_us, sample.bytes.len() as u32, flags, sample.shown_after_us as u32]);
        }
        let track = boxed(
            *b"traf",
            &[
                &full(*b"tfhd", 0x02_0000, &[&words(&[TRACK])]),
                &full(*b"tfdt", 1 << 24, &[&decoded_us.to_be_bytes()]),
                &full(*b"trun", 1 << 24 | 0x0F01, &[&words(&run)]),
            ],
        );
        boxed(*b"moof", &[&full(*b"mfhd", 0, &[&words(&[number])]), &track])
    };
    let head_bytes = index(0).len() as u32 + 8;
    let data: Vec<&[u8]> = samples.iter().map(|sample| sample.bytes.as_slice()).collect();
    [taken_box(taken), index(head_bytes), boxed(*b"mdat", &data)].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_time_on_the_wall_is_read_as_it_was_written(micros in 0_i64..4_000_000_000_000_000) {
            let bytes = taken_box(Taken { wall: WallTime::from_micros(micros), shown_us: 7 });
            let ntp = u64::from_be_bytes(bytes[16..24].try_into().unwrap());
            prop_assert_eq!(wall_of_ntp(ntp).as_micros(), micros);
        }

        #[test]
        fn any_parameter_sets_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let unit = [&[0, 0, 0, 1, 0x40, 1, 9, 0, 0, 0, 1, 0x42, 1][..], &bytes, &[0, 0, 0, 1, 0x44, 1, 9]].concat();
            let _ = header(Codec::H265, &unit, (64, 48), Orientation::UPRIGHT);
        }
    }
}
