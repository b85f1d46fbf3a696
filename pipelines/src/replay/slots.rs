//! When pictures are shown whose container does not say so of each.
//!
//! A raw stream states nothing, so its pictures follow each other at the rate of the video. AVI states when pictures are
//! decoded: one of them is shown in each of these moments, in the order in which they come out of the decoder. In a program
//! stream several pictures may share a packet, which states when the first is shown: the others follow at the rate between.

use std::collections::{BTreeMap, VecDeque};

use crate::entry::Entry;
use crate::ingest::RawUnit;

/// Units older than so many are forgotten.
const KEPT_UNITS: i64 = 256;

#[derive(Debug, Clone, Copy)]
struct Known {
    pts_ns: Option<i64>,
    dts_ns: Option<i64>,
    is_clean: bool,
}

/// What a container states of its units, and what follows from it.
#[derive(Debug)]
pub(super) struct Slots {
    /// By their numbers.
    known: BTreeMap<i64, Known>,
    /// Whether it states when pictures are shown.
    has_shown: bool,
    /// The unit in whose moment the next picture is shown, where only those of decoding are stated.
    next: Option<i64>,
    /// The last picture whose time was stated: how many were shown before, and when it was.
    anchor: Option<(i64, i64)>,
    pictures: i64,
    last_ns: Option<i64>,
    step_ns: i64,
}

impl Slots {
    /// For video of that rate, as long as nothing else is known.
    pub(super) fn new(step_ns: i64) -> Self {
        let (known, has_shown, next, anchor) = (BTreeMap::new(), false, None, None);
        Self { known, has_shown, next, anchor, pictures: 0, last_ns: None, step_ns }
    }

    /// Takes note of units that have come, in decoding order.
    pub(super) fn learn(&mut self, units: &VecDeque<RawUnit>) {
        let newest = self.known.last_key_value().map_or(-1, |(&number, _)| number);
        for unit in units.iter().rev().take_while(|unit| unit.count > newest) {
            let is_clean = unit.is_key && unit.entry == Entry::Clean;
            self.has_shown |= unit.pts_ns.is_some();
            self.known.insert(unit.count, Known { pts_ns: unit.pts_ns, dts_ns: unit.dts_ns, is_clean });
        }
        let oldest = self.known.last_key_value().map_or(0, |(&number, _)| number - KEPT_UNITS);
        self.known = self.known.split_off(&oldest);
    }

    /// When the next picture is shown, which is that of the unit with this number.
    pub(super) fn shown_ns(&mut self, number: Option<i64>) -> i64 {
        let known = number.and_then(|number| Some((number, *self.known.get(&number)?)));
        let stated = match known {
            Some((_, unit)) if self.has_shown => unit.pts_ns.inspect(|&at| self.anchor_at(at)),
            Some((number, unit)) => self.moment_of_decoding(number, unit.is_clean),
            None => None,
        };
        let at = stated.unwrap_or_else(|| self.last_ns.map_or(0, |last| last + self.step_ns));
        self.pictures += 1;
        self.last_ns = Some(at);
        at
    }

    /// Learns the rate from pictures whose times are stated.
    fn anchor_at(&mut self, at: i64) {
        if let Some((pictures, before)) =
            self.anchor.filter(|&(pictures, before)| pictures < self.pictures && before < at)
        {
            self.step_ns = (at - before) / (self.pictures - pictures);
        }
        self.anchor = Some((self.pictures, at));
    }

    fn moment_of_decoding(&mut self, number: i64, is_clean: bool) -> Option<i64> {
        // Whatever was decoded before a clean beginning has been shown or never will be.
        let here = self.next.map_or(number, |next| if is_clean { next.max(number) } else { next });
        let at = self.known.get(&here)?.dts_ns?;
        // Both fields of a picture may be units.
        let later = self.known.range(here + 1..).find(|(_, unit)| unit.dts_ns.is_some_and(|later| later > at));
        self.next = Some(later.map_or(here + 1, |(&number, _)| number));
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Orientation;

    use super::*;
    use crate::Codec;

    const MS: i64 = 1_000_000;

    fn units(times: impl IntoIterator<Item = (Option<i64>, Option<i64>)>) -> VecDeque<RawUnit> {
        crate::init().unwrap();
        let unit = |(count, (pts, dts)): (usize, (Option<i64>, Option<i64>))| RawUnit {
            codec: Codec::H264,
            caps: Codec::H264.unit_caps(),
            buffer: gst::Buffer::new(),
            pts_ns: pts.map(|ms| ms * MS),
            dts_ns: dts.map(|ms| ms * MS),
            count: count as i64,
            is_key: count % 6 == 0,
            entry: if count % 6 == 0 { Entry::Clean } else { Entry::No },
            orientation: Orientation::UPRIGHT,
        };
        times.into_iter().enumerate().map(unit).collect()
    }

    fn shown(units: &VecDeque<RawUnit>, numbers: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut slots = Slots::new(40 * MS);
        slots.learn(units);
        numbers.into_iter().map(|number| slots.shown_ns(Some(number)) / MS).collect()
    }

    #[test]
    fn without_times_the_rate_decides() {
        assert_eq!(shown(&units([(None, None); 4]), [0, 2, 1, 3]), [0, 40, 80, 120]);
        assert_eq!(Slots::new(7).shown_ns(None), 0);
    }

    #[test]
    fn pictures_are_shown_in_the_moments_of_decoding() {
        let decoded = units([0, 20, 60, 100, 140, 180, 300, 320].map(|ms| (None, Some(ms))));
        assert_eq!(shown(&decoded, [0, 2, 3, 1, 5, 4, 6, 7]), [0, 20, 60, 100, 140, 180, 300, 320]);
        // One that was lost leaves a gap up to the next clean beginning.
        assert_eq!(shown(&decoded, [0, 2, 3, 1, 5, 6, 7]), [0, 20, 60, 100, 140, 300, 320]);
        let fields = units([0, 0, 40, 40, 80, 80].map(|ms| (None, Some(ms))));
        assert_eq!(shown(&fields, [0, 2, 4]), [0, 40, 80]);
    }

    #[test]
    fn pictures_between_those_with_times_are_spread_evenly() {
        let some = units([Some(1000), None, Some(1100), None, None, Some(1250)].map(|ms| (ms, ms)));
        assert_eq!(shown(&some, 0..6), [1000, 1040, 1100, 1150, 1200, 1250]);
    }
}
