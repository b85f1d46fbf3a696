//! `falls`: whether a thing falls, and from which floor.

use forewarn_domain::Origin;
use forewarn_domain::condition;

use super::TrackCondition;
use crate::rules::error::CompileError;
use crate::rules::lookup::Lookup;
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;

/// The class of the detector of falling objects.
pub(in crate::rules) const FALLING: &str = "falling_object";

/// The subject is a thing that falls; a fall of which the floor is not known counts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Falls {
    from_floor: u32,
}

impl Falls {
    pub(super) fn compile(falls: &condition::Falls, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let range = "write a whole number from 1 to 200";
        let floor_place = format!("{place}.from_floor");
        let from_floor = falls.from_floor.as_ref().map_or(Ok(1), |n| lookup.whole(n, 200.0, range, &floor_place))?;
        Ok(Self { from_floor })
    }
}

impl TrackCondition for Falls {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        let floor = match seen.origin {
            Some(Origin::Fell { floor, .. }) => *floor,
            Some(Origin::Brought(_)) | None => None,
        };
        (seen.class.as_str() == FALLING && floor.is_none_or(|floor| floor >= self.from_floor)).into()
    }
}
