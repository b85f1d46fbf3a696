//! Times of the units of a stream that lacks them: they are told by their pictures.
//!
//! The fork numbers access units in decoding order, and the decoder hands each unit's number on with its picture. When
//! that is shown, so is its unit.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use forewarn_domain::Timestamp;

use crate::ingest::RawUnit;

/// A unit whose picture has not come while so many later ones have gives none.
const MAX_REORDERED: i64 = 32;

/// When the units of such a stream are shown.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// By the number of a unit: when its picture is shown, for units that are still to go.
    shown_at: BTreeMap<i64, Timestamp>,
    newest: i64,
    last: Option<Timestamp>,
}

impl Counted {
    /// The picture of the unit of that number is shown at that time.
    pub(super) fn picture(&mut self, number: i64, at: Timestamp) {
        self.newest = self.newest.max(number);
        self.shown_at.insert(number, at);
    }

    /// Takes the units that can go, in decoding order, with their times. At the `end` all can.
    pub(super) fn take(&mut self, units: &mut VecDeque<RawUnit>, end: bool) -> Vec<(RawUnit, Timestamp)> {
        let mut taken = Vec::new();
        while let Some(number) = units.front().map(|unit| unit.count) {
            let known = self.shown_at.remove(&number);
            if known.is_none() && !end && self.newest - number <= MAX_REORDERED {
                break;
            }
            // One without a picture of its own, such as a second field, belongs to the one before it.
            let Some(at) = known.or(self.last.map(|last| last + Duration::from_micros(1))) else {
                units.pop_front();
                continue;
            };
            self.last = Some(at);
            taken.extend(units.pop_front().map(|unit| (unit, at)));
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Orientation;

    use super::*;
    use crate::Codec;
    use crate::entry::Entry;

    fn unit(count: i64) -> RawUnit {
        crate::init().unwrap();
        let (codec, caps, buffer) = (Codec::H265, Codec::H265.unit_caps(), gst::Buffer::new());
        let (is_key, entry, orientation) = (count == 0, Entry::No, Orientation::UPRIGHT);
        RawUnit { codec, caps, buffer, pts_ns: None, dts_ns: None, count, is_key, entry, orientation }
    }

    #[test]
    fn units_get_the_times_of_their_pictures_in_decoding_order() {
        // Decoded as I P B B, shown as I B B P.
        let mut units: VecDeque<RawUnit> = (0..4).map(unit).collect();
        let mut counted = Counted::default();
        let mut given = Vec::new();
        for (n, number) in [0, 2, 3, 1].into_iter().enumerate() {
            counted.picture(number, Timestamp::from_micros(n as i64 * 40));
            given.push(
                counted.take(&mut units, false).iter().map(|(u, at)| (u.count, at.as_micros())).collect::<Vec<_>>(),
            );
        }
        assert_eq!(given, [vec![(0, 0)], vec![], vec![], vec![(1, 120), (2, 40), (3, 80)]]);
    }

    #[test]
    fn units_without_a_picture_hold_nothing_up() {
        let mut units: VecDeque<RawUnit> = (0..50).map(unit).collect();
        let mut counted = Counted::default();
        (0..50).filter(|n| n % 2 == 0).for_each(|n| counted.picture(n, Timestamp::from_micros(n * 20)));
        assert_eq!(counted.take(&mut units, false).len(), 17, "the others may still come");
        let rest = counted.take(&mut units, true);
        assert_eq!((rest.len(), rest.last().unwrap().1), (33, Timestamp::from_micros(48 * 20 + 1)));
    }
}
