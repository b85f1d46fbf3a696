//! Slices of H.264 that are decoded without the filter that smooths the borders of blocks.
//!
//! That filter is a quarter of what a decoder in software does. Pictures that are looked at lie a few pictures behind each
//! other and those between are only passed through, so little is lost without it: the encoder's filter is missing in what later
//! pictures are predicted from, which adds up until the next key picture. [`Groups`] says for how long that is let be.
//!
//! Every slice says in its header whether it is filtered, so that can be said anew without touching what it codes.
//! Source: ITU-T H.264, 7.3.2.2 (picture parameter set), 7.3.3 (slice header), 7.3.4 (slice data), 7.4.1 (escapes).

use std::collections::BTreeMap;

use crate::bits::{Bits, unescaped};
use crate::codec::nal_units;
use crate::entry::Entry;
use crate::fields::{Sequence, sequence};

/// Bytes of a slice in which its header ends, with long tables of weights.
const HEAD_BYTES: usize = 256;
/// Bytes of a parameter set that are looked at. Lists for scaling may be long.
const SET_BYTES: usize = 1024;
/// Pictures of a group, at most, of which those behind the first go without the filter: three seconds of most cameras.
const LONGEST_GROUP: u32 = 75;

/// Which pictures of a stream go without the filter: those behind the key picture of groups that are short.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    since_key: u32,
    /// Length of the group before; none before its end.
    before: Option<u32>,
    has_begun: bool,
}

impl Groups {
    /// Takes the next unit, and how decoding can begin with it, where it can. Whether it may go without the filter: not
    /// where the picture is refreshed by and by, so that what is missing is never made up for at once.
    pub(crate) fn may_go_without(&mut self, begins: Option<Entry>) -> bool {
        if let Some(entry) = begins {
            self.before = self.has_begun.then_some(self.since_key);
            (self.since_key, self.has_begun) = (1, entry.lead_in() == 0);
            return false;
        }
        self.since_key = self.since_key.saturating_add(1);
        let was_short = self.before.is_some_and(|pictures| pictures <= LONGEST_GROUP);
        self.has_begun && was_short && self.since_key <= LONGEST_GROUP
    }
}

/// What a picture parameter set says of its slices.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "the standard's flags, each on its own")]
struct PictureSet {
    sequence: u32,
    is_arithmetic: bool,
    has_bottom_order: bool,
    /// References in the first and the second list, where a slice says nothing else.
    references: [u32; 2],
    has_weights: bool,
    has_weights_of_two: bool,
    has_filter_control: bool,
    has_redundant: bool,
}

/// Rewrites the slices of one stream.
#[derive(Debug, Default)]
pub(crate) struct Unfilter {
    sequences: BTreeMap<u32, Sequence>,
    pictures: BTreeMap<u32, PictureSet>,
}

/// Where a slice says, in bits from behind the first byte, whether it is filtered.
struct Place {
    from: usize,
    to: usize,
    is_off: bool,
    is_arithmetic: bool,
}

impl Unfilter {
    /// Learns the parameter sets of a unit, an Annex B byte stream.
    pub(crate) fn learn(&mut self, unit: &[u8]) {
        for nal in nal_units(unit) {
            let Some(kind) = nal.first().map(|first| first & 0x1F) else { continue };
            match kind {
                7 => {
                    let set = unescaped(nal, SET_BYTES);
                    learn(&mut self.sequences, set.get(1..).and_then(sequence), 32);
                }
                8 => {
                    let set = unescaped(nal, SET_BYTES);
                    learn(&mut self.pictures, set.get(1..).and_then(picture_set), 256);
                }
                1..=5 => return,
                _ => {}
            }
        }
    }

    /// The unit without the filter; none where it has none, and where that cannot be said of all of its slices.
    pub(crate) fn unit(&self, unit: &[u8]) -> Option<Vec<u8>> {
        let (mut out, mut had_filter) = (Vec::with_capacity(unit.len() + 64), false);
        for nal in nal_units(unit) {
            out.extend_from_slice(&[0, 0, 0, 1]);
            match nal.first()? & 0x1F {
                1 => had_filter |= self.slice(nal, &mut out)?,
                2..=5 => return None,
                _ => out.extend_from_slice(nal),
            }
        }
        had_filter.then_some(out)
    }

    /// Writes a slice without the filter. Whether it had one.
    fn slice(&self, nal: &[u8], out: &mut Vec<u8>) -> Option<bool> {
        let head = Head::of(nal);
        let Place { from, to, is_off, is_arithmetic } = self.place(nal[0], head.bytes.get(1..)?)?;
        if is_off {
            out.extend_from_slice(nal);
            return Some(false);
        }
        let (from, to) = (8 + from, 8 + to);
        let mut bits = BitWriter::new(&head.bytes, from);
        // ue(1): there is no filter, and then nothing is said of its strength.
        for bit in [false, true, false] {
            bits.push(bit);
        }
        let rest = to.div_ceil(8);
        if to - from == 3 {
            // As long as what stood there, so nothing moves.
            (to..rest * 8).for_each(|at| bits.push(head.bytes[at / 8] >> (7 - at % 8) & 1 == 1));
        } else if is_arithmetic {
            bits.fill_up();
        } else {
            return None;
        }
        // From behind a byte that is not nought on, what was escaped stays so.
        let whole = match head.bytes.len() {
            HEAD_BYTES => (rest + 2..HEAD_BYTES).find(|&n| head.bytes[n - 1] != 0)?,
            all => all,
        };
        let mut bytes = bits.bytes;
        bytes.extend_from_slice(&head.bytes[rest..whole]);
        escape(&bytes, out);
        out.extend_from_slice(&nal[head.ends[whole - 1]..]);
        Some(true)
    }

    /// Reads a slice's header up to what it says of the filter.
    fn place(&self, first: u8, head: &[u8]) -> Option<Place> {
        let mut bits = Bits::new(head);
        let (_first_macroblock, kind) = (bits.unsigned()?, bits.unsigned()? % 5);
        let picture = self.pictures.get(&bits.unsigned()?)?;
        let sequence = self.sequences.get(&picture.sequence)?;
        let (is_p, is_b, is_i) = (kind == 0, kind == 1, kind == 2);
        if !(is_p || is_b || is_i) || !picture.has_filter_control {
            return None;
        }
        bits.skip(sequence.colour_bits)?;
        bits.number(sequence.frame_bits)?;
        let is_field = sequence.has_fields && bits.flag()?;
        if is_field {
            bits.flag()?;
        }
        let has_bottom = picture.has_bottom_order && !is_field;
        if sequence.order_bits > 0 {
            bits.number(sequence.order_bits)?;
        }
        let deltas = if sequence.order_bits > 0 { 0 } else { usize::from(sequence.has_order_deltas) };
        let deltas = deltas + usize::from(has_bottom && (sequence.order_bits > 0 || deltas > 0));
        (0..deltas).try_for_each(|_| bits.signed().map(|_| ()))?;
        if picture.has_redundant {
            bits.unsigned()?;
        }
        if is_b {
            bits.flag()?;
        }
        let mut references = picture.references;
        if !is_i && bits.flag()? {
            references[0] = bits.unsigned()?.checked_add(1)?;
            if is_b {
                references[1] = bits.unsigned()?.checked_add(1)?;
            }
        }
        let lists = if is_i { 0 } else { 1 + usize::from(is_b) };
        (0..lists).try_for_each(|_| skip_order(&mut bits))?;
        if (is_p && picture.has_weights) || (is_b && picture.has_weights_of_two) {
            skip_weights(&mut bits, sequence.has_chroma, &references[..lists])?;
        }
        if first >> 5 & 3 != 0 {
            skip_marking(&mut bits)?;
        }
        if picture.is_arithmetic && !is_i {
            bits.unsigned()?;
        }
        bits.signed()?;
        let from = bits.at();
        let filter = bits.unsigned()?;
        if filter != 1 {
            let (_alpha, _beta) = (bits.signed()?, bits.signed()?);
        }
        Some(Place { from, to: bits.at(), is_off: filter == 1, is_arithmetic: picture.is_arithmetic })
    }
}

/// Takes a set over, the number of which is below `numbers`. Where it cannot be read, nothing is known any more.
fn learn<T>(known: &mut BTreeMap<u32, T>, set: Option<(u32, T)>, numbers: u32) {
    match set.filter(|(number, _)| *number < numbers) {
        Some((number, set)) => {
            known.insert(number, set);
        }
        None => known.clear(),
    }
}

/// The number of a picture parameter set, and what it says; none where slices come in groups, which nobody's do.
fn picture_set(set: &[u8]) -> Option<(u32, PictureSet)> {
    let mut bits = Bits::new(set);
    let (number, sequence) = (bits.unsigned()?, bits.unsigned()?);
    let (is_arithmetic, has_bottom_order) = (bits.flag()?, bits.flag()?);
    if bits.unsigned()? > 0 {
        return None;
    }
    let references = [bits.unsigned()?.checked_add(1)?, bits.unsigned()?.checked_add(1)?];
    let (has_weights, weights_of_two) = (bits.flag()?, bits.number(2)?);
    let (_quality, _switching, _chroma) = (bits.signed()?, bits.signed()?, bits.signed()?);
    let (has_filter_control, _constrained, has_redundant) = (bits.flag()?, bits.flag()?, bits.flag()?);
    let has_weights_of_two = weights_of_two == 1;
    Some((
        number,
        PictureSet {
            sequence,
            is_arithmetic,
            has_bottom_order,
            references,
            has_weights,
            has_weights_of_two,
            has_filter_control,
            has_redundant,
        },
    ))
}

/// How a list of references is put in order: ITU-T H.264, 7.3.3.1.
fn skip_order(bits: &mut Bits) -> Option<()> {
    if bits.flag()? {
        while bits.unsigned()? != 3 {
            bits.unsigned()?;
        }
    }
    Some(())
}

/// The weights of references: ITU-T H.264, 7.3.3.2.
fn skip_weights(bits: &mut Bits, has_chroma: bool, references: &[u32]) -> Option<()> {
    let numbers = |bits: &mut Bits, n: usize| (0..n).try_for_each(|_| bits.signed().map(|_| ()));
    bits.unsigned()?;
    if has_chroma {
        bits.unsigned()?;
    }
    for _ in 0..references.iter().map(|&n| n.min(32)).sum::<u32>() {
        if bits.flag()? {
            numbers(bits, 2)?;
        }
        if has_chroma && bits.flag()? {
            numbers(bits, 4)?;
        }
    }
    Some(())
}

/// Which references are kept: ITU-T H.264, 7.3.3.3, of a picture that is no IDR picture.
fn skip_marking(bits: &mut Bits) -> Option<()> {
    if bits.flag()? {
        loop {
            match bits.unsigned()? {
                0 => break,
                3 => {
                    let (_picture, _long) = (bits.unsigned()?, bits.unsigned()?);
                }
                1 | 2 | 4 | 6 => {
                    bits.unsigned()?;
                }
                _ => {}
            }
        }
    }
    Some(())
}

/// The first bytes of a NAL unit without escapes.
struct Head {
    bytes: Vec<u8>,
    /// How many bytes of the NAL unit each ends behind.
    ends: Vec<usize>,
}

impl Head {
    fn of(nal: &[u8]) -> Self {
        let mut head = Self { bytes: Vec::with_capacity(HEAD_BYTES), ends: Vec::with_capacity(HEAD_BYTES) };
        let mut zeros = 0;
        for (n, &byte) in nal.iter().enumerate() {
            if head.bytes.len() == HEAD_BYTES {
                break;
            }
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            head.bytes.push(byte);
            head.ends.push(n + 1);
        }
        head
    }
}

/// Writes bits behind the first ones of something.
struct BitWriter {
    bytes: Vec<u8>,
    at: usize,
}

impl BitWriter {
    /// The first `n` bits of `bytes`.
    fn new(bytes: &[u8], n: usize) -> Self {
        let mut kept = bytes[..n.div_ceil(8)].to_vec();
        if let Some(last) = kept.last_mut().filter(|_| !n.is_multiple_of(8)) {
            *last &= 0xFF << (8 - n % 8);
        }
        Self { bytes: kept, at: n }
    }

    fn push(&mut self, bit: bool) {
        if self.at.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.at % 8);
        }
        self.at += 1;
    }

    /// Writes ones to the end of a byte, where arithmetic coding begins.
    fn fill_up(&mut self) {
        while !self.at.is_multiple_of(8) {
            self.push(true);
        }
    }
}

/// Writes bytes so that no start code appears in them.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
}

#[cfg(test)]
mod tests;
