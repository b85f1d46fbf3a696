//! Fields of H.264 that are pictures of their own: which two make one picture.
//!
//! Cameras of the time of television, camcorders and broadcasts send the rows of a picture in two halves. Each is a unit of
//! its own for the parser, but both are one picture, one frame to the decoder and one sample of a clip.
//!
//! Source: ITU-T H.264, 7.3.2.1.1 (sequence), 7.3.2.2 (picture parameter set), 7.3.3 (slice header), 3.30 (pairs).

use std::collections::BTreeMap;

use crate::bits::{Bits, unescaped};

/// Bytes of a slice header or parameter set that are looked at. Lists for scaling may be long.
const HEAD_BYTES: usize = 24;
const SET_BYTES: usize = 1024;

/// A unit that is one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    is_bottom: bool,
    frame: u32,
    is_idr: bool,
}

impl Field {
    /// Whether `self`, the next unit, is the other field of the picture that `first` begins.
    pub(crate) fn completes(self, first: Self) -> bool {
        self.is_bottom != first.is_bottom && self.frame == first.frame && (first.is_idr || !self.is_idr)
    }
}

/// What a sequence says of its slices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sequence {
    /// Bits in front of the number of a frame.
    pub(crate) colour_bits: usize,
    pub(crate) frame_bits: u32,
    pub(crate) has_fields: bool,
    /// Whether luma and chroma are coded together.
    pub(crate) has_chroma: bool,
    /// Bits of a picture's place in the order of showing; none where that is not told as a number.
    pub(crate) order_bits: u32,
    /// Whether a slice says by how much its picture is out of the usual order.
    pub(crate) has_order_deltas: bool,
}

/// Tells fields from frames.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    sequences: BTreeMap<u32, Sequence>,
    /// By the number of a picture parameter set: its sequence.
    pictures: BTreeMap<u32, u32>,
}

impl Fields {
    /// The field that a unit of these NAL units is; `None` for frames, for both fields at once, and for what is not known.
    pub(crate) fn field_of<'a>(&mut self, unit: impl Iterator<Item = &'a [u8]>) -> Option<Field> {
        let mut found = None;
        for nal in unit {
            match nal.first()? & 0x1F {
                7 => self.learn_sequence(nal),
                8 => self.learn_picture(nal),
                1 | 2 | 5 => {
                    let field = self.field_of_slice(nal)?;
                    if *found.get_or_insert(field) != field {
                        return None;
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn field_of_slice(&self, slice: &[u8]) -> Option<Field> {
        let head = unescaped(slice, HEAD_BYTES);
        let mut bits = Bits::new(head.get(1..)?);
        let (_first_macroblock, _kind) = (bits.unsigned()?, bits.unsigned()?);
        let sequence = self.sequences.get(self.pictures.get(&bits.unsigned()?)?)?;
        bits.skip(sequence.colour_bits)?;
        let frame = bits.number(sequence.frame_bits)?;
        let is_field = sequence.has_fields && bits.flag()?;
        if !is_field {
            return None;
        }
        Some(Field { is_bottom: bits.flag()?, frame, is_idr: head[0] & 0x1F == 5 })
    }

    fn learn_picture(&mut self, set: &[u8]) {
        let head = unescaped(set, HEAD_BYTES);
        let mut bits = Bits::new(head.get(1..).unwrap_or_default());
        if let (Some(number), Some(sequence)) = (bits.unsigned(), bits.unsigned()) {
            self.pictures.insert(number, sequence);
        }
    }

    fn learn_sequence(&mut self, set: &[u8]) {
        let head = unescaped(set, SET_BYTES);
        if let Some((number, sequence)) = head.get(1..).and_then(sequence) {
            self.sequences.insert(number, sequence);
        }
    }
}

/// The number of a sequence parameter set, and what it says.
pub(crate) fn sequence(set: &[u8]) -> Option<(u32, Sequence)> {
    let mut bits = Bits::new(set);
    let profile = bits.number(8)?;
    bits.skip(16)?;
    let number = bits.unsigned()?;
    let (mut colour_bits, mut has_chroma) = (0, true);
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        let chroma = bits.unsigned()?;
        if chroma == 3 {
            colour_bits = if bits.flag()? { 2 } else { 0 };
        }
        has_chroma = chroma != 0 && colour_bits == 0;
        let (_luma, _chroma, _bypass) = (bits.unsigned()?, bits.unsigned()?, bits.flag()?);
        if bits.flag()? {
            for i in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_list(&mut bits, if i < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    let frame_bits = bits.unsigned().filter(|&bits| bits <= 12)? + 4;
    let (mut order_bits, mut has_order_deltas) = (0, false);
    match bits.unsigned()? {
        0 => order_bits = bits.unsigned().filter(|&bits| bits <= 12)? + 4,
        1 => {
            has_order_deltas = !bits.flag()?;
            let (_apart, _between) = (bits.signed()?, bits.signed()?);
            for _ in 0..bits.unsigned().filter(|&n| n < 256)? {
                bits.signed()?;
            }
        }
        _ => {}
    }
    let (_references, _gaps, _width, _height) = (bits.unsigned()?, bits.flag()?, bits.unsigned()?, bits.unsigned()?);
    let has_fields = !bits.flag()?;
    Some((number, Sequence { colour_bits, frame_bits, has_fields, has_chroma, order_bits, has_order_deltas }))
}

/// A list for scaling ends where its next number is nought: ITU-T H.264, 7.3.2.1.1.1.
fn skip_list(bits: &mut Bits, length: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..length {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A NAL unit of that first byte, whose bits are written so.
    fn nal(first: u8, bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').chain([1]).collect();
        let bytes = bits.chunks(8).map(|byte| byte.iter().enumerate().map(|(i, bit)| bit << (7 - i)).sum());
        std::iter::once(first).chain(bytes).collect()
    }

    const MAIN: &str = "01001101 00000000 00011110 ";
    const HIGH: &str = "01100100 00000000 00011110 ";
    /// Numbers of 4 bits, the second kind of order, one reference, 8 by 6 macroblocks.
    const SHAPE: &str = "1 011 010 0 0001000 00110 ";

    fn known(sequence: &str) -> Fields {
        let mut fields = Fields::default();
        let (sequence, picture) = (nal(0x67, sequence), nal(0x68, "1 1"));
        assert_eq!(fields.field_of([&sequence[..], &picture].into_iter()), None);
        fields
    }

    fn field(fields: &mut Fields, slices: &[(u8, &str)]) -> Option<Field> {
        let slices: Vec<Vec<u8>> =
            slices.iter().map(|(first, bits)| nal(*first, &format!("1 1 1 {bits} 0000"))).collect();
        fields.field_of(slices.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_field_is_told_from_a_frame_and_from_both_at_once() {
        for sequence in [
            format!("{MAIN} 1 {SHAPE} 0"),
            // 4:2:0, 8 bits, no bypass, no lists.
            format!("{HIGH} 1 010 1 1 0 0 {SHAPE} 0"),
            // The first list is of one number, -8; seven are not there.
            format!("{HIGH} 1 010 1 1 0 1 1 000010001 0000000 {SHAPE} 0"),
        ] {
            let mut fields = known(&sequence);
            let top = field(&mut fields, &[(0x65, "0011 1 0")]).unwrap();
            let bottom = field(&mut fields, &[(0x41, "0011 1 1"), (0x41, "0011 1 1")]).unwrap();
            assert_eq!((top.frame, top.is_bottom, bottom.is_bottom), (3, false, true));
            assert!(bottom.completes(top) && !top.completes(top));
            assert!(!top.completes(bottom), "an IDR picture begins a picture");
            let next = field(&mut fields, &[(0x41, "0100 1 1")]).unwrap();
            assert!(!next.completes(top), "of another frame");
            assert_eq!(field(&mut fields, &[(0x41, "0011 0")]), None, "a frame");
            assert_eq!(field(&mut fields, &[(0x65, "0011 1 0"), (0x41, "0011 1 1")]), None, "both");
        }
        let mut frames = known(&format!("{MAIN} 1 {SHAPE} 1"));
        assert_eq!(field(&mut frames, &[(0x65, "0011 1 0")]), None);
        assert_eq!(field(&mut Fields::default(), &[(0x65, "0011 1 0")]), None, "without sets");
    }

    proptest! {
        #[test]
        fn any_unit_is_read(nals in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)) {
            let mut fields = known(&format!("{MAIN} 1 {SHAPE} 0"));
            let _ = fields.field_of(nals.iter().map(Vec::as_slice));
        }
    }
}
