//! `appeared`: how long a thing has been there, or gone, and who brought it.

use std::sync::Arc;

use forewarn_domain::condition;
use forewarn_domain::{BBox, Class, Origin};

use super::TrackCondition;
use crate::rules::error::{CompileError, Problem};
use crate::rules::lookup::Lookup;
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;
use crate::rules::watched::Watched;

/// The classes of the detector of static objects.
pub(in crate::rules) const THINGS: [&str; 2] = ["new_object", "removed_object"];

/// The subject is a thing that appeared, or went, and has stayed so.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Appeared {
    for_us: i64,
    brought_by: Arc<[Class]>,
    left_us: Option<i64>,
    /// How long it had been there when the agent was started, in microseconds.
    before_us: i64,
}

impl Appeared {
    pub(super) fn compile(
        appeared: &condition::Appeared,
        lookup: &Lookup<'_>,
        place: &str,
    ) -> Result<Self, CompileError> {
        let for_us = lookup.seconds(&appeared.for_s, &format!("{place}.for_s"))?;
        lookup.classes(&appeared.brought_by, &format!("{place}.brought_by"))?;
        if appeared.left_s.is_some() && appeared.brought_by.is_empty() {
            return Err(lookup.error(format!("{place}.left_s"), Problem::Missing { keys: "brought_by" }));
        }
        let left = appeared.left_s.as_ref().map(|left| lookup.seconds(left, &format!("{place}.left_s")));
        let brought_by = appeared.brought_by.as_slice().into();
        Ok(Self { for_us, brought_by, left_us: left.transpose()?, before_us: 0 })
    }

    /// For how long it must have stayed, in microseconds.
    pub(in crate::rules) fn for_us(&self) -> i64 {
        self.for_us
    }

    /// For how long something must be in view, in microseconds: who brings a thing may be there for a moment only.
    pub(super) fn least_us(&self) -> i64 {
        if self.brought_by.is_empty() { self.for_us } else { 0 }
    }

    /// Whether the thing was brought by somebody of these classes, who left so long ago.
    fn is_brought(&self, seen: &Sighting<'_>) -> bool {
        let bringer = match seen.origin {
            Some(Origin::Brought(bringer)) => bringer,
            Some(Origin::Fell { .. }) | None => return self.brought_by.is_empty(),
        };
        let has_left = |us: i64| bringer.left_at.is_some_and(|left_at| seen.at.micros_since(left_at) >= us);
        (self.brought_by.is_empty() || self.brought_by.contains(&bringer.class)) && self.left_us.is_none_or(has_left)
    }
}

impl TrackCondition for Appeared {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        let age_us = seen.at.micros_since(seen.first_seen).saturating_add(self.before_us);
        // The bringer is not known again after a restart, and need not be.
        let is_brought = self.before_us > 0 || self.is_brought(seen);
        let is_thing = THINGS.contains(&seen.class.as_str());
        if is_thing && is_brought { Held::lasted(age_us, self.for_us) } else { false.into() }
    }

    fn recall(&mut self, _now: Watched, _bbox: BBox) {
        self.before_us = self.for_us;
    }

    fn at_once(&mut self) {
        self.for_us = 0;
    }
}
