//! Decoding less than comes in: which access units a live decoder is given.
//!
//! To decode a picture all pictures back to its key frame must be decoded, so what can be saved is the end of each group
//! of pictures, and pictures that no other refers to. With a part of 0 only key frames are decoded, and nothing at all while
//! another stream of the camera is watched. Everything still goes to the pre-roll ring: clips are always whole.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::Codec;
use crate::codec::nal_units;
use crate::doze::{Decode, MAX_KEPT, Wanted};

/// The whole of a group of pictures, in thousandths.
pub(crate) const WHOLE: u32 = 1000;
/// So many units more may wait for the decoder when a stream has dozed: two groups that were kept.
pub(crate) const CATCH_UP: u32 = 2 * (MAX_KEPT as u32 + 1);
/// Key frames after which the decoder must have caught up.
const CATCH_UP_KEYS: u32 = 2;

/// The part of each group of pictures that is decoded; shared by who decides and who decodes.
#[derive(Debug)]
pub(crate) struct DecodedPart {
    thousandths: AtomicU32,
    dozes: AtomicBool,
    rests: AtomicBool,
    goes_plain: AtomicBool,
}

impl Default for DecodedPart {
    fn default() -> Self {
        let (dozes, rests, goes_plain) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
        Self { thousandths: AtomicU32::new(WHOLE), dozes, rests, goes_plain }
    }
}

impl DecodedPart {
    /// Sets it; a part from 0 (key frames only) to 1 (everything).
    pub(crate) fn set(&self, decode: Decode) {
        let part = match decode {
            Decode::Part(part) if part.is_finite() => part.clamp(0.0, 1.0),
            Decode::Part(_) | Decode::Doze => 1.0,
        };
        self.thousandths.store((part * WHOLE as f32).round() as u32, Ordering::Relaxed);
        self.dozes.store(decode == Decode::Doze, Ordering::Relaxed);
    }

    pub(crate) fn wanted(&self) -> Wanted {
        if self.dozes.load(Ordering::Relaxed) {
            Wanted::Doze
        } else if self.thousandths() >= WHOLE {
            Wanted::All
        } else {
            Wanted::Part
        }
    }

    pub(crate) fn thousandths(&self) -> u32 {
        self.thousandths.load(Ordering::Relaxed)
    }

    /// Has nothing decoded from the next unit on, or the part again from the next key frame on.
    pub(crate) fn rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
    }

    /// Pictures are decoded without the filter at the borders of blocks from now on, or with it.
    pub(crate) fn go_plain(&self, goes_plain: bool) {
        self.goes_plain.store(goes_plain, Ordering::Relaxed);
    }

    /// Whether pictures may differ a little from what the camera sent.
    pub(crate) fn goes_plain(&self) -> bool {
        self.goes_plain.load(Ordering::Relaxed)
    }

    /// Whether nothing is decoded.
    pub(crate) fn rests(&self) -> bool {
        self.rests.load(Ordering::Relaxed)
    }
}

/// What becomes of an access unit in front of a live decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is decoded.
    LetIn,
    /// It is left out because the decoder lags, or because no key frame came before it.
    LeftOut,
    /// It is left out because less is wanted than comes in.
    Thinned,
}

/// Decides which units a live decode queue lets in, so that the decoder never sees half of what it needs.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: u32,
    is_shut: bool,
    /// Units of the group so far, and of the last whole group.
    units: u32,
    last_group: u32,
    is_group_thinned: bool,
    /// Key frames until which more units may wait, because many came at once.
    catches_up_for: u32,
}

impl Gate {
    /// It starts shut: what comes before the first key frame cannot be decoded.
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, is_shut: true, units: 0, last_group: 0, is_group_thinned: false, catches_up_for: 0 }
    }

    /// Shuts when the queue is full, and opens at a key frame once half of it is free. While it is open, the end of each
    /// group is thinned out; `is_reference` is asked only then.
    pub(crate) fn admit(
        &mut self,
        level: u32,
        is_key: bool,
        decoded_thousandths: u32,
        is_reference: impl FnOnce() -> bool,
    ) -> Admission {
        self.count(is_key);
        if level <= self.limit / 2 {
            self.catches_up_for = 0;
        }
        let more = if self.catches_up_for > 0 { CATCH_UP } else { 0 };
        if level >= self.limit + more {
            self.is_shut = true;
        } else if is_key && level <= self.limit / 2 + more {
            self.is_shut = false;
        }
        if self.is_shut {
            return Admission::LeftOut;
        }
        if is_key || decoded_thousandths >= WHOLE && !self.is_group_thinned {
            return Admission::LetIn;
        }
        let wanted = u64::from(self.last_group) * u64::from(decoded_thousandths) / u64::from(WHOLE);
        self.is_group_thinned |= u64::from(self.units) > wanted;
        if self.is_group_thinned || !is_reference() { Admission::Thinned } else { Admission::LetIn }
    }

    /// Lets nothing in, and then nothing before the next key frame.
    pub(crate) fn rest(&mut self, is_key: bool) -> Admission {
        self.count(is_key);
        self.is_shut = true;
        Admission::Thinned
    }

    /// The decoder was given all that was left out of the group, and more.
    pub(crate) fn catch_up(&mut self) {
        self.is_shut = false;
        self.is_group_thinned = false;
        self.catches_up_for = CATCH_UP_KEYS;
    }

    fn count(&mut self, is_key: bool) {
        if is_key {
            self.catches_up_for = self.catches_up_for.saturating_sub(1);
            self.last_group = self.units;
            self.units = 0;
            self.is_group_thinned = false;
        }
        self.units = self.units.saturating_add(1);
    }

    /// Whether nothing is let in before the next key frame.
    pub(crate) fn is_shut(&self) -> bool {
        self.is_shut
    }

    /// Whether the rest of the current group is left out, so that the decoder can give what it holds back.
    pub(crate) fn is_group_thinned(&self) -> bool {
        self.is_group_thinned
    }
}

/// Whether other pictures may refer to this one. Only H.264 says so in a manner that holds for every later picture:
/// `nal_ref_idc` (ITU-T H.264, 7.4.1); an H.265 picture of a lower sub-layer may be referred to by a higher one.
pub(crate) fn is_reference(codec: Codec, unit: &[u8]) -> bool {
    let is_slice = |nal: &&[u8]| nal.first().is_some_and(|&b| matches!(b & 0x1F, 1..=5));
    match codec {
        Codec::H264 => nal_units(unit).find(is_slice).is_none_or(|nal| nal[0] & 0x60 != 0),
        Codec::H265 => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the units of groups of ten are let in, by their number in the group.
    fn let_in(decoded_thousandths: u32, groups: usize) -> Vec<usize> {
        let mut gate = Gate::new(4);
        let mut last = Vec::new();
        for _ in 0..groups {
            last =
                (0..10).filter(|&i| gate.admit(0, i == 0, decoded_thousandths, || true) == Admission::LetIn).collect();
        }
        last
    }

    #[test]
    fn a_decoder_that_lags_skips_to_a_key_frame() {
        let mut gate = Gate::new(4);
        let mut lets_in = |level, is_key| gate.admit(level, is_key, WHOLE, || true) == Admission::LetIn;
        assert!(!lets_in(0, false), "nothing before the first key frame");
        assert!(lets_in(0, true));
        assert!(lets_in(3, false));
        assert!(!lets_in(4, false), "full");
        assert!(!lets_in(1, false), "half a group of pictures cannot be decoded");
        assert!(!lets_in(3, true), "not yet drained");
        assert!(lets_in(2, true));
        assert!(lets_in(3, false));
    }

    #[test]
    fn the_end_of_each_group_is_left_out() {
        assert_eq!(let_in(1000, 3), (0..10).collect::<Vec<_>>());
        assert_eq!(let_in(400, 3), [0, 1, 2, 3]);
        assert_eq!(let_in(0, 3), [0]);
        assert_eq!(let_in(400, 1), [0], "the length of the first group is not known");
    }

    #[test]
    fn decoding_goes_on_at_the_next_key_frame_and_not_before() {
        let mut gate = Gate::new(4);
        let mut admit = |is_key, part| gate.admit(0, is_key, part, || true);
        assert_eq!(admit(true, 0), Admission::LetIn);
        assert_eq!(admit(false, 0), Admission::Thinned);
        assert_eq!(admit(false, 1000), Admission::Thinned, "the picture before it was left out");
        assert_eq!(admit(true, 1000), Admission::LetIn);
        assert_eq!(admit(false, 1000), Admission::LetIn);
    }

    #[test]
    fn pictures_that_no_other_refers_to_go_first() {
        let mut gate = Gate::new(4);
        for _ in 0..2 {
            for i in 0..10 {
                gate.admit(0, i == 0, 1000, || true);
            }
        }
        assert_eq!(gate.admit(0, true, 900, || true), Admission::LetIn);
        assert_eq!(gate.admit(0, false, 900, || false), Admission::Thinned);
        assert_eq!(gate.admit(0, false, 900, || true), Admission::LetIn, "nothing refers to the one before");
        let unit = |header: u8| [&[0, 0, 0, 1, 9, 16, 0, 0, 1][..], &[header, 1, 2, 3]].concat();
        assert!(is_reference(Codec::H264, &unit(0x41)) && is_reference(Codec::H264, &unit(0x65)));
        assert!(!is_reference(Codec::H264, &unit(0x01)));
        assert!(is_reference(Codec::H265, &unit(0x02)) && is_reference(Codec::H264, &[]));
    }

    #[test]
    fn after_a_rest_decoding_begins_with_a_key_frame() {
        let mut gate = Gate::new(4);
        assert_eq!(gate.admit(0, true, WHOLE, || true), Admission::LetIn);
        assert_eq!((gate.rest(false), gate.rest(true)), (Admission::Thinned, Admission::Thinned));
        assert_eq!(gate.admit(0, false, WHOLE, || true), Admission::LeftOut, "its key frame was not decoded");
        assert_eq!(gate.admit(0, true, WHOLE, || true), Admission::LetIn);
        assert_eq!(gate.admit(0, false, WHOLE, || true), Admission::LetIn);
    }

    #[test]
    fn a_decoder_that_got_much_at_once_may_lag_for_a_while() {
        let mut gate = Gate::new(4);
        for n in 0..3 {
            gate.admit(0, n == 0, 0, || true);
        }
        assert!(gate.is_group_thinned());
        gate.catch_up();
        assert_eq!(gate.admit(60, false, WHOLE, || true), Admission::LetIn);
        assert_eq!(gate.admit(50, true, WHOLE, || true), Admission::LetIn, "a key frame later it still may");
        assert_eq!(gate.admit(5, true, WHOLE, || true), Admission::LeftOut, "and not for ever");
        gate.catch_up();
        assert_eq!(gate.admit(2, false, WHOLE, || true), Admission::LetIn);
        assert_eq!(gate.admit(4, false, WHOLE, || true), Admission::LeftOut, "it had caught up");
    }

    #[test]
    fn the_part_is_kept_in_its_range() {
        let part = DecodedPart::default();
        assert_eq!(part.thousandths(), 1000);
        for (given, kept) in [(0.25, 250), (-1.0, 0), (7.0, 1000), (f32::NAN, 1000)] {
            part.set(Decode::Part(given));
            assert_eq!(part.thousandths(), kept);
        }
        assert_eq!(part.wanted(), Wanted::All);
        part.set(Decode::Part(0.5));
        assert_eq!(part.wanted(), Wanted::Part);
        part.set(Decode::Doze);
        assert_eq!(part.wanted(), Wanted::Doze);
    }
}
