//! `in_zone`: what of a track lies inside of a zone now.

use forewarn_domain::ZoneId;
use forewarn_domain::condition::{self, Anchor, Quantity};
use forewarn_domain::zone::ZoneShape;

use super::TrackCondition;
use crate::foot::foot_in_picture;
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
