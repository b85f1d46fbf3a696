//! `line_crossed`: when a track last crossed a line, as long as it has not come back.

use forewarn_domain::condition::{self, CrossingDirection};
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Point};

use super::TrackCondition;
use crate::rules::error::CompileError;
use crate::rules::line::{crossing, distance_to};
use crate::rules::lookup::Lookup;
use crate::rules::place::Remap;
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;
use crate::rules::watched::Watched;

/// A foot point this near to a line, as a part of the box's diagonal, is on neither side of it.
const LINE_MARGIN: f32 = 0.05;

/// The subject crossed a line not long ago. A foot point counts as on a side only when it is clear of the line, so that
/// jitter of a subject that stands on the line is no crossing.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct LineCrossed {
    line: usize,
    direction: CrossingDirection,
    holds_for_us: i64,
    from: Option<Point>,
    /// When, and to which side: 1 for left, -1 for right, 0 if that is not known any more.
    crossed: Option<(Watched, i32)>,
}

impl LineCrossed {
    pub(super) fn compile(
        crossed: &condition::LineCrossed,
        lookup: &Lookup<'_>,
        place: &str,
    ) -> Result<Self, CompileError> {
        let line = lookup.zone(crossed.line.as_ref(), true, &format!("{place}.line"))?;
        let holds_for_us = lookup.seconds_or(crossed.holds_for_s.as_ref(), 5.0, &format!("{place}.holds_for_s"))?;
        Ok(Self { line, direction: crossed.direction, holds_for_us, from: None, crossed: None })
    }

    /// When the line was crossed by a subject that has not come back.
    fn crossed_at(&mut self, seen: &Sighting<'_>) -> Option<Watched> {
        let Some(ZoneShape::Line(line)) = seen.zones.get(self.line) else { return None };
        let (foot, margin) = (seen.bbox.foot(), (LINE_MARGIN * seen.bbox.diagonal()).max(1.0));
        let is_clear = |foot: Point| line.windows(2).all(|s| distance_to(foot, s[0], s[1]) >= margin);
        // Whoever was not judged at first, as he might have been somebody who stood there, comes from where he was seen first.
        let birth = seen.birth.foot();
        let from = *self.from.get_or_insert(if is_clear(birth) { birth } else { foot });
        if is_clear(foot) {
            self.from = Some(foot);
            // Crossings of a bent line to and fro cancel out.
            let net: i32 = line.windows(2).map(|s| crossing(from, foot, s[0], s[1])).sum();
            let is_wanted = match self.direction {
                CrossingDirection::Any => net != 0,
                CrossingDirection::ToLeft => net > 0,
                CrossingDirection::ToRight => net < 0,
            };
            let comes_back = net != 0 && self.crossed.is_some_and(|(_, side)| side != net.signum());
            if comes_back {
                self.crossed = None;
            } else if is_wanted {
                self.crossed = Some((seen.now, net.signum()));
            }
        }
        self.crossed.map(|(at, _)| at)
    }
}

impl TrackCondition for LineCrossed {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        self.crossed_at(seen).is_some_and(|at| seen.now.micros_since(at) <= self.holds_for_us).into()
    }

    fn recall(&mut self, now: Watched, bbox: BBox) {
        self.from = Some(bbox.foot());
        self.crossed = Some((now, 0));
    }

    fn remap(&mut self, remap: &Remap) {
        self.from = self.from.map(|from| remap.point(from));
    }
}
