//! How the samples of a stream are described to whoever plays them, by the parameter sets of a key picture.
//!
//! Source: ISO/IEC 14496-15, 5.3.3 (`avcC`) and 8.3.3 (`hvcC`); ITU-T H.265, 7.3.2.2 (sequence parameter sets).

use std::fmt::Write as _;

use crate::Codec;
use crate::bits::{Bits, unescaped};
use crate::codec::nal_units;
use crate::fragment::{boxed, sample_entry};

/// How samples are described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// By the name that browsers know.
    pub(crate) name: String,
    /// The entry that stands in the header.
    pub(crate) entry: Vec<u8>,
}

impl Described {
    /// By an access unit, an Annex B byte stream; none if some of its parameter sets are lacking.
    pub(crate) fn of(codec: Codec, unit: &[u8], size_px: (u32, u32)) -> Option<Self> {
        let (name, entry) = match codec {
            Codec::H264 => {
                let sets = ParameterSets::of(unit)?;
                (sets.codec(), sample_entry(*b"avc1", &boxed(*b"avcC", &[&sets.record()]), size_px))
            }
            Codec::H265 => {
                let (name, record) = of_h265(unit)?;
                (name, sample_entry(*b"hvc1", &boxed(*b"hvcC", &[&record]), size_px))
            }
        };
        Some(Self { name, entry })
    }
}

/// The parameter sets of a key picture: those of sequences and those of pictures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ParameterSets {
    sequences: Vec<Vec<u8>>,
    pictures: Vec<Vec<u8>>,
}

impl ParameterSets {
    /// Those of an access unit, an Annex B byte stream; none if either kind is lacking.
    fn of(unit: &[u8]) -> Option<Self> {
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

    /// Its name for browsers: RFC 6381, 3.3.
    fn codec(&self) -> String {
        let [profile, constraints, level] = self.profile();
        format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
    }

    fn profile(&self) -> [u8; 3] {
        let set = self.sequences.first().map_or(&[][..], Vec::as_slice);
        [1, 2, 3].map(|i| set.get(i).copied().unwrap_or_default())
    }

    /// The content of `avcC`.
    fn record(&self) -> Vec<u8> {
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

/// Its name for browsers and the content of `hvcC`: ISO/IEC 14496-15, E.3 and 8.3.3.
fn of_h265(unit: &[u8]) -> Option<(String, Vec<u8>)> {
    let kind = |nal: &[u8]| nal.first().map_or(0, |first| first >> 1 & 0x3F);
    // Behind the first slice there are none, and to look for them there would take long.
    let before = Codec::H265.before_slices(unit);
    let of_kind = |wanted: u8| nal_units(before).filter(|nal| kind(nal) == wanted).collect::<Vec<_>>();
    let sets = [32, 33, 34].map(|wanted| (wanted, of_kind(wanted)));
    let head = unescaped(sets[1].1.first()?.get(2..)?, 128);
    let (first, profile) = (*head.first()?, head.get(1..13)?);
    let [chroma, luma_depth, chroma_depth] = samples_of_h265(&head)?;
    let mut out = [&[1][..], profile, &[0xF0, 0, 0xFC, 0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth]].concat();
    let sub_layers = (first >> 1 & 7) + 1;
    out.extend([0, 0, sub_layers << 3 | (first & 1) << 2 | 3, sets.len() as u8]);
    for (kind, nals) in &sets {
        out.extend([0x80 | kind, 0, nals.len() as u8]);
        for nal in nals {
            out.extend_from_slice(&(nal.len() as u16).to_be_bytes());
            out.extend_from_slice(nal);
        }
    }
    (!sets[2].1.is_empty()).then(|| (name_of_h265(profile), out))
}

/// The name by profile, tier, level and constraints, 12 bytes.
fn name_of_h265(profile: &[u8]) -> String {
    let space = ["", "A", "B", "C"][usize::from(profile[0] >> 6)];
    let tier = if profile[0] & 0x20 == 0 { 'L' } else { 'H' };
    let fits = u32::from_be_bytes([profile[1], profile[2], profile[3], profile[4]]).reverse_bits();
    let mut name = format!("hvc1.{space}{}.{fits:X}.{tier}{}", profile[0] & 0x1F, profile[11]);
    let told = profile[5..11].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &profile[5..5 + told] {
        let _ = write!(name, ".{byte:X}");
    }
    name
}

/// Chroma format and the depths of luma and chroma less eight, behind profile, tier and level of all layers.
fn samples_of_h265(set: &[u8]) -> Option<[u8; 3]> {
    let mut bits = Bits::new(set);
    bits.skip(4)?;
    let layers = bits.number(3)?;
    bits.skip(1 + 96)?;
    let mut told = Vec::new();
    for _ in 0..layers {
        told.push((bits.flag()?, bits.flag()?));
    }
    if layers > 0 {
        bits.skip(2 * (8 - layers as usize))?;
    }
    for (profile, level) in told {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    bits.unsigned()?;
    let chroma = bits.unsigned()?;
    if chroma == 3 {
        bits.flag()?;
    }
    bits.unsigned()?;
    bits.unsigned()?;
    if bits.flag()? {
        for _ in 0..4 {
            bits.unsigned()?;
        }
    }
    Some([(chroma & 3) as u8, (bits.unsigned()? & 7) as u8, (bits.unsigned()? & 7) as u8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h265_is_named_as_browsers_know_it() {
        // Main, level 3.1, progressive and frames only; Main 10 of the high tier, level 5.
        let main = [1, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93];
        let main_10 = [0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 150];
        let bare = [0x41, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 30];
        let names = [main, main_10, bare].map(|profile| name_of_h265(&profile));
        assert_eq!(names, ["hvc1.1.6.L93.B0", "hvc1.2.4.H150.90", "hvc1.A1.80000001.L30"]);
    }
}
