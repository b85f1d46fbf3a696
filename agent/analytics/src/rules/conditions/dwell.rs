//! `dwell`: since when a track has been in a zone.

use forewarn_domain::BBox;
use forewarn_domain::condition;

use super::TrackCondition;
use super::in_zone::InZone;
use crate::rules::error::CompileError;
use crate::rules::lookup::Lookup;
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;
use crate::rules::watched::Watched;

/// A foot point that leaves a zone for no longer than this has not left it, in microseconds.
const BORDER_US: i64 = 1_500_000;

/// The subject has been in a zone from its first detection inside until it is seen outside for longer than a moment, so
/// that a foot point that flickers over the border does not start the count anew.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Dwell {
    inside: InZone,
    for_us: i64,
    since: Option<Watched>,
    outside_since: Option<Watched>,
}

impl Dwell {
    pub(super) fn compile(dwell: &condition::Dwell, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let inside = InZone::of(dwell.zone.as_ref(), (dwell.by, None), lookup, place)?;
        let for_us = lookup.seconds(&dwell.for_s, &format!("{place}.for_s"))?;
        Ok(Self { inside, for_us, since: None, outside_since: None })
    }

    /// How long it takes, in microseconds.
    pub(super) fn for_us(&self) -> i64 {
        self.for_us
    }
}

impl TrackCondition for Dwell {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        if self.inside.holds(seen) {
            // A track that is inside when it is confirmed was first detected there, a frame or two ago.
            let begin = if seen.now.micros_since(seen.first) <= BORDER_US { seen.first } else { seen.now };
            self.since.get_or_insert(begin);
            self.outside_since = None;
        } else if let Some(outside_since) = self.outside_since.filter(|_| self.since.is_some()) {
            if seen.now.micros_since(outside_since) > BORDER_US {
                self.since = None;
            }
        } else {
            self.outside_since = Some(seen.now);
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
