//! `in_zone`: what of a track lies inside of a zone now.

use forewarn_domain::condition::{self, Anchor, Quantity};
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Point, ZoneId};

use super::TrackCondition;
use crate::rules::error::{CompileError, Problem};
use crate::rules::lookup::{Lookup, PART};
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;

/// What of a box must lie inside of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Anchored {
    Foot,
    Centre,
    Overlap(f32),
}

/// The subject is in a zone now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::rules) struct InZone {
    zone: usize,
    by: Anchored,
}

impl InZone {
    pub(super) fn compile(in_zone: &condition::InZone, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        Self::of(in_zone.zone.as_ref(), (in_zone.by, in_zone.at_least.as_ref()), lookup, place)
    }

    /// Being in a zone, or in the rule's own if none is named.
    pub(super) fn of(
        zone: Option<&ZoneId>,
        (by, at_least): (Anchor, Option<&Quantity>),
        lookup: &Lookup<'_>,
        place: &str,
    ) -> Result<Self, CompileError> {
        let zone = lookup.zone(zone, false, &format!("{place}.zone"))?;
        let place = format!("{place}.at_least");
        let by = match (by, at_least) {
            (Anchor::Overlap, None) => Anchored::Overlap(0.5),
            (Anchor::Overlap, Some(quantity)) => {
                let part = lookup.quantity(quantity, &place)?;
                Anchored::Overlap(lookup.in_range(part, 0.0..=1.0, PART, &place)? as f32)
            }
            (_, Some(_)) => return Err(lookup.error(place, Problem::NeedlessOverlap)),
            (Anchor::Foot, None) => Anchored::Foot,
            (Anchor::Centre, None) => Anchored::Centre,
        };
        Ok(Self { zone, by })
    }

    /// Whether the subject is inside.
    pub(super) fn holds(&self, seen: &Sighting<'_>) -> bool {
        let Some(ZoneShape::Polygon(polygon)) = seen.zones.get(self.zone) else { return false };
        match self.by {
            Anchored::Foot => polygon.contains(foot_in_picture(&seen.bbox, seen.size)),
            Anchored::Centre => polygon.contains(seen.bbox.centre()),
            Anchored::Overlap(least) => polygon.overlap(&seen.bbox) >= least,
        }
    }
}

impl TrackCondition for InZone {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        self.holds(seen).into()
    }
}

/// The foot point, half a pixel within the picture of `size` where the box ends at its edge: the feet of who is cut off
/// by the lower edge are on it, and a zone that ends there would not hold them.
fn foot_in_picture(bbox: &BBox, (width, height): (u32, u32)) -> Point {
    let foot = bbox.foot();
    let within = |v: f32, length: u32| if length > 0 { v.min(length as f32 - 0.5) } else { v };
    Point::new(within(foot.x, width), within(foot.y, height))
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Polygon;

    use super::*;

    #[test]
    fn feet_on_the_edge_of_the_picture_are_in_a_zone_that_ends_there() {
        let cut_off = foot_in_picture(&BBox::new(600.0, 300.0, 680.0, 480.0).clamped(640, 480), (640, 480));
        let zone = |lower: f32| {
            Polygon::new([[0.0, 0.0], [640.0, 0.0], [640.0, lower], [0.0, lower]].map(Point::from).to_vec())
        };
        assert!(zone(480.0).contains(cut_off));
        assert!(!zone(470.0).contains(cut_off));
    }
}
