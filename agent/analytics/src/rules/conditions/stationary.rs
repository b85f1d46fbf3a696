//! `stationary`: since when a track has kept its place.

use forewarn_domain::BBox;
use forewarn_domain::condition;

use super::TrackCondition;
use crate::rules::error::CompileError;
use crate::rules::lookup::Lookup;
use crate::rules::place::{Remap, Stillness};
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;
use crate::rules::watched::Watched;

/// Who keeps the place for so long in one look stands; whoever only passes moves further. In microseconds.
const STANDS_US: i64 = 700_000;

/// The subject has kept its place.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Stationary {
    for_us: i64,
    /// How far the centre may wander, as a part of the box's diagonal.
    within: f32,
    stillness: Stillness,
}

impl Stationary {
    pub(super) fn compile(
        stationary: &condition::Stationary,
        lookup: &Lookup<'_>,
        place: &str,
    ) -> Result<Self, CompileError> {
        let for_us = lookup.seconds(&stationary.for_s, &format!("{place}.for_s"))?;
        let range = "write a part of the diagonal from 0.01 to 1";
        let within = lookup.number(stationary.within.as_ref(), 0.25, 0.01..=1.0, range, &format!("{place}.within"))?;
        Ok(Self { for_us, within: within as f32, stillness: Stillness::default() })
    }

    /// How long it takes, in microseconds.
    pub(super) fn for_us(&self) -> i64 {
        self.for_us
    }
}

impl TrackCondition for Stationary {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        let since = self.stillness.update(self.within, seen.smooth, seen.size, (seen.first, seen.now));
        Held::lasted(seen.now.micros_since(since), self.for_us)
    }

    fn recall(&mut self, now: Watched, bbox: BBox) {
        self.stillness = Stillness::since(bbox, now.before(self.for_us));
    }

    fn remap(&mut self, remap: &Remap) {
        self.stillness.remap(remap);
    }

    fn at_once(&mut self) {
        self.for_us = self.for_us.min(STANDS_US);
    }
}
