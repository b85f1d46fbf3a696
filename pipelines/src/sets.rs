//! The parameter sets in force: every one that came, by its kind and number, the newest of each.
//!
//! Encoders send them before every key picture, only once at the start, in the header of a file or in the description of a
//! stream; some alternate between several. A clip needs all that its pictures may refer to, in front of its first.

use std::collections::BTreeMap;

use crate::Codec;
use crate::bits::{Bits, unescaped};
use crate::codec::nal_units;

/// A larger set is none that an encoder writes.
const MAX_SET_BYTES: usize = 1 << 14;

/// The parameter sets in force.
#[derive(Debug, Default)]
pub(crate) struct Sets(BTreeMap<(u8, u32), Vec<u8>>);

impl Sets {
    /// Takes those of a unit over. True if it has any.
    pub(crate) fn learn(&mut self, codec: Codec, unit: &[u8]) -> bool {
        let mut has_any = false;
        for nal in nal_units(unit) {
            if codec.is_slice(nal) {
                break;
            }
            if let Some(name) = name_of(codec, nal).filter(|_| nal.len() <= MAX_SET_BYTES) {
                has_any = true;
                if self.0.get(&name).is_none_or(|known| known != nal) {
                    self.0.insert(name, nal.to_vec());
                }
            }
        }
        has_any
    }

    /// `unit` with those in front that it lacks, behind its delimiter; `None` if it lacks none.
    pub(crate) fn completed(&self, codec: Codec, unit: &[u8]) -> Option<Vec<u8>> {
        let own: Vec<_> = nal_units(unit).take_while(|nal| !codec.is_slice(nal)).collect();
        let own_names: Vec<_> = own.iter().filter_map(|nal| name_of(codec, nal)).collect();
        let missing: Vec<&Vec<u8>> =
            self.0.iter().filter(|(name, _)| !own_names.contains(name)).map(|(_, set)| set).collect();
        if missing.is_empty() {
            return None;
        }
        let delimiter = own.first().filter(|nal| codec.is_delimiter(nal)).map_or(&[][..], |nal| nal);
        let mut out = Vec::with_capacity(unit.len() + missing.iter().map(|set| set.len() + 4).sum::<usize>());
        let mut put = |nal: &[u8]| {
            out.extend_from_slice(&[0, 0, 0, 1]);
            out.extend_from_slice(nal);
        };
        if !delimiter.is_empty() {
            put(delimiter);
        }
        for set in missing {
            put(set);
        }
        nal_units(unit).skip(usize::from(!delimiter.is_empty())).for_each(put);
        Some(out)
    }
}

/// Kind and number of a parameter set; `None` for other NAL units.
fn name_of(codec: Codec, nal: &[u8]) -> Option<(u8, u32)> {
    let first = *nal.first()?;
    if !codec.is_parameter_set(first) {
        return None;
    }
    let kind = if codec == Codec::H264 { first & 0x1F } else { first >> 1 & 0x3F };
    let head = unescaped(nal, 128);
    let number = match (codec, kind) {
        (Codec::H264, 7) => Bits::new(head.get(4..)?).unsigned(),
        (Codec::H264, _) => Bits::new(head.get(1..)?).unsigned(),
        (Codec::H265, 32) => head.get(2).map(|&byte| u32::from(byte >> 4)),
        (Codec::H265, 33) => number_of_h265(head.get(2..)?),
        (Codec::H265, _) => Bits::new(head.get(2..)?).unsigned(),
    };
    Some((kind, number?))
}

/// The number of an H.265 sequence parameter set stands behind its profile and level: ITU-T H.265 7.3.2.2.1, 7.3.3.
fn number_of_h265(set: &[u8]) -> Option<u32> {
    let mut bits = Bits::new(set);
    bits.skip(4)?;
    let layers = bits.number(3)?;
    bits.skip(1 + 88 + 8)?;
    let present: Vec<(bool, bool)> = (0..layers).map(|_| Some((bits.flag()?, bits.flag()?))).collect::<Option<_>>()?;
    if layers > 0 {
        bits.skip((8 - layers as usize) * 2)?;
    }
    for (has_profile, has_level) in present {
        bits.skip(usize::from(has_profile) * 88 + usize::from(has_level) * 8)?;
    }
    bits.unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
    }

    #[test]
    fn a_picture_without_sets_gets_those_in_force() {
        // Numbers: 0 is the bit 1, 1 is 010.
        let (sequence, picture, other) = ([0x67, 66, 0, 30, 0x80], [0x68, 0x80, 7], [0x68, 0x40, 8]);
        let mut sets = Sets::default();
        assert!(sets.learn(Codec::H264, &unit(&[&sequence, &picture, &[0x65, 1]])));
        assert!(sets.learn(Codec::H264, &unit(&[&other, &[0x65, 1]])));
        assert!(!sets.learn(Codec::H264, &unit(&[&[0x41, 1]])));
        let bare = unit(&[&[9, 16], &[0x06, 6, 1, 0xC4], &[0x41, 5]]);
        let all = unit(&[&[9, 16], &sequence, &picture, &other, &[0x06, 6, 1, 0xC4], &[0x41, 5]]);
        assert_eq!(sets.completed(Codec::H264, &bare), Some(all.clone()));
        assert_eq!(sets.completed(Codec::H264, &all), None);
        let newer = [0x68, 0x80, 9];
        sets.learn(Codec::H264, &unit(&[&newer]));
        assert_eq!(
            sets.completed(Codec::H264, &unit(&[&[0x65, 1]])),
            Some(unit(&[&sequence, &newer, &other, &[0x65, 1]]))
        );
    }

    #[test]
    fn sets_of_h265_have_numbers_too() {
        let sequence = [[33 << 1, 1, 1].as_slice(), &[1; 12], &[0b0110_0000]].concat();
        assert_eq!(name_of(Codec::H265, &sequence), Some((33, 2)));
        assert_eq!(name_of(Codec::H265, &[32 << 1, 1, 0x3C]), Some((32, 3)));
        assert_eq!(name_of(Codec::H265, &[34 << 1, 1, 0xC0]), Some((34, 0)));
        assert_eq!(name_of(Codec::H265, &[33 << 1, 1]), None);
        assert_eq!(name_of(Codec::H265, &[1 << 1, 1]), None);
    }
}
