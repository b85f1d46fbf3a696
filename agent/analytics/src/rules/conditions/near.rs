//! `near`: whether enough others are near a track.

use std::sync::Arc;

use forewarn_domain::condition;
use forewarn_domain::{BBox, Class};

use super::TrackCondition;
use crate::rules::error::CompileError;
use crate::rules::lookup::{COUNT, Lookup};
use crate::rules::sighting::{Other, Sighting};
use crate::rules::truth::Held;
use crate::rules::watched::Watched;

/// For so long fewer than needed may be near without ending it, in microseconds: small things are found in some frames
/// and missed in others.
const FORGIVEN_US: i64 = 3_000_000;
/// Boxes whose lower edges differ by this part of the higher one's height may stand at the same depth: goods on a table,
/// a bag on a shoulder.
const SAME_DEPTH: f32 = 0.6;

/// Enough others have been near the subject.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Near {
    classes: Arc<[Class]>,
    /// In heights of the higher box.
    within: f32,
    at_least: usize,
    for_us: i64,
    /// Since when enough others have been near.
    since: Option<Watched>,
    missed_since: Option<Watched>,
}

impl Near {
    pub(super) fn compile(near: &condition::Near, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        lookup.some_classes(&near.class, &format!("{place}.class"))?;
        let range = "write heights of the higher box from 0 to 20";
        let within = lookup.number(near.within.as_ref(), 1.0, 0.0..=20.0, range, &format!("{place}.within"))?;
        let at_least_place = format!("{place}.at_least");
        let at_least = near.at_least.as_ref().map_or(Ok(1), |n| lookup.whole(n, 1000.0, COUNT, &at_least_place))?;
        let for_us = lookup.seconds_or(near.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?;
        let classes = near.class.as_slice().into();
        let at_least = at_least as usize;
        Ok(Self { classes, within: within as f32, at_least, for_us, since: None, missed_since: None })
    }

    /// The classes that count.
    pub(in crate::rules) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// How long it takes, in microseconds.
    pub(super) fn for_us(&self) -> i64 {
        self.for_us
    }
}

impl TrackCondition for Near {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        let is_near = |other: &&Other| {
            other.number != seen.number
                && self.classes.contains(&other.class)
                && distance(&seen.bbox, &other.bbox) <= self.within
        };
        let is_enough = seen.others.iter().filter(is_near).take(self.at_least).count() >= self.at_least;
        if is_enough {
            self.since.get_or_insert(seen.now);
            self.missed_since = None;
        } else if seen.now.micros_since(*self.missed_since.get_or_insert(seen.now)) > FORGIVEN_US {
            self.since = None;
        }
        self.since.map_or(false.into(), |since| Held::lasted(seen.now.micros_since(since), self.for_us))
    }

    fn recall(&mut self, now: Watched, _bbox: BBox) {
        self.since = Some(now.before(self.for_us));
    }

    fn at_once(&mut self) {
        self.for_us = 0;
    }
}

/// How far apart two boxes are, in heights of the higher one.
fn distance(a: &BBox, b: &BBox) -> f32 {
    let gap = |low: f32, high: f32, other_low: f32, other_high: f32| (other_low - high).max(low - other_high).max(0.0);
    let height = a.height().max(b.height()).max(1.0);
    let x = gap(a.x0, a.x1, b.x0, b.x1);
    let depth = (a.y1 - b.y1).abs() - SAME_DEPTH * height;
    let y = gap(a.y0, a.y1, b.y0, b.y1).max(depth);
    x.hypot(y.max(0.0)) / height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_the_gap_in_heights_and_respects_depth() {
        let person = BBox::new(100., 100., 150., 200.);
        assert_eq!(distance(&person, &BBox::new(200., 120., 260., 200.)), 0.5);
        assert_eq!(distance(&person, &BBox::new(110., 140., 140., 160.)), 0.0);
        // In the picture right behind, on the ground far away.
        assert!(distance(&person, &BBox::new(110., 20., 140., 60.)) > 0.7);
        assert_eq!(distance(&person, &person), 0.0);
    }
}
