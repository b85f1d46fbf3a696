//! The conditions of the language, each in a file of its own: what it is told by the violation's file, how that is
//! checked, what it remembers, and what it says of a frame.
//!
//! What a condition was told and what it remembers are one value, so that the memory of one condition never meets the
//! parameters of another: a rule holds its conditions as they are before anything was seen, and each subject has copies
//! of its own. A new condition is a variant and its parameters in `domain/src/condition/mod.rs`, a variant
//! here, and a file beside this one.
//!
//! | condition | holds for a seen track when |
//! |---|---|
//! | `class` | its voted class is listed |
//! | `confidence` | the score of its latest detection is at least that |
//! | `in_zone` | its foot point, its centre or a part of its box is inside now |
//! | `dwell` | it has been inside since its first detection there; up to 1.5 s outside and any time unseen are forgiven |
//! | `stationary` | the median of its latest boxes is still at the place where it came to rest; shrinking by occlusion is forgiven, creeping adds up |
//! | `line_crossed` | its foot point got clear of the line on the other side, not longer ago than `holds_for_s`, and has not come back |
//! | `moving` | it has come so far, along that course, within the last `over_s` |
//! | `speed` | it moves that fast; a track that was first seen a moment ago is neither fast nor slow |
//! | `near` | so many others are near; each counts on for 1.5 s while it is missed, breaks of 3 s are forgiven |
//! | `appeared` | it is a thing that the detector of static objects reports, old enough, brought by the right ones |
//! | `falls` | it is a thing that the detector of falling objects reports |
//! | `score` | the weights of its signs add up to enough; a sign that is no longer seen loses half its weight each half-life |
//! | `wearing` | the votes of closer looks say so; while they cannot tell, neither yes nor no holds |
//! | `schedule` | the local time lies inside, or is unknown |
//! | `sensor` | the latest value is beyond the threshold for long enough; while the sensor is silent it cannot be told |
//!
//! | condition | holds for a zone when |
//! |---|---|
//! | `count` | so many subjects fulfil `of`, for each square metre, or more than before; each counts on for 1.5 s while it is missed, the count must hold for `for_s` without a break |
//! | `absent` | fewer than needed have fulfilled `of` for so much watched time; while the rule is closed nobody is missed |
//!
//! A condition about a track is fed only with frames in which its subject was seen. While that is not seen it stands
//! still: a gap neither breaks a dwell nor starts one, as long as it is still the same subject.

mod absent;
mod appeared;
mod class;
mod count;
mod course;
mod dwell;
mod falls;
mod in_zone;
mod line_crossed;
mod near;
mod score;
mod sensor;
mod stationary;
mod wearing;

use std::fmt::Debug;

use forewarn_domain::condition;
use forewarn_domain::{BBox, Condition, Schedule};

pub(super) use self::absent::Absence;
pub(super) use self::appeared::THINGS;
pub(super) use self::falls::FALLING;
pub(super) use self::score::{Score, Sign};
pub(super) use self::sensor::Threshold;
use super::error::CompileError;
use super::lookup::Lookup;
use super::place::Remap;
use super::sighting::Sighting;
use super::truth::{Held, Truth};
use super::watched::Watched;

/// A condition about one track: its parameters, and what it remembers of one subject.
trait TrackCondition: Debug {
    /// Takes in a sighting of the subject and tells what is known of the condition.
    fn see(&mut self, seen: &Sighting<'_>) -> Held;

    /// Goes on with a subject that fulfilled the condition at `now`, when it was at `bbox`, before a restart.
    fn recall(&mut self, _now: Watched, _bbox: BBox) {}

    /// Fits remembered places to a picture that has changed as a whole.
    fn remap(&mut self, _remap: &Remap) {}

    /// Holds as soon as it begins to, so that one look can judge it.
    fn at_once(&mut self) {}
}

/// A condition about the zone as a whole: its parameters, and what it remembers.
trait ZoneCondition: Debug {
    /// Takes in how many fulfil it, surely and perhaps, `step_us` of watching after the last frame, and tells what is
    /// known of the condition.
    fn count(&mut self, n: (usize, usize), step_us: i64, now: Watched) -> Truth;

    /// Goes on with an incident that was open at `now`, before a restart.
    fn recall(&mut self, now: Watched);

    /// The rule does not hold now, so that nobody is missed.
    fn close(&mut self) {}

    /// Whether those who fulfil it take part in the incident.
    fn has_members(&self) -> bool {
        true
    }

    /// What goes on after a restart though no incident is open.
    fn absence(&self) -> Option<Absence> {
        None
    }

    /// Goes on with what was remembered.
    fn remember(&mut self, _absence: Absence) {}

    /// Holds as soon as it begins to, so that one look can judge it.
    fn at_once(&mut self);

    /// Whether it compares with what was before, so that a look that sees nothing of it tells nothing.
    fn hangs_on_before(&self) -> bool {
        false
    }
}

/// What is watched of one track.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Watch {
    Class(class::OfClass),
    Confidence(class::Confidence),
    InZone(in_zone::InZone),
    Dwell(dwell::Dwell),
    Stationary(stationary::Stationary),
    LineCrossed(line_crossed::LineCrossed),
    Moving(course::Moving),
    Speed(course::Speed),
    Near(near::Near),
    Appeared(appeared::Appeared),
    Falls(falls::Falls),
    Wearing(wearing::Wearing),
}

impl Watch {
    fn condition(&mut self) -> &mut dyn TrackCondition {
        match self {
            Self::Class(condition) => condition,
            Self::Confidence(condition) => condition,
            Self::InZone(condition) => condition,
            Self::Dwell(condition) => condition,
            Self::Stationary(condition) => condition,
            Self::LineCrossed(condition) => condition,
            Self::Moving(condition) => condition,
            Self::Speed(condition) => condition,
            Self::Near(condition) => condition,
            Self::Appeared(condition) => condition,
            Self::Falls(condition) => condition,
            Self::Wearing(condition) => condition,
        }
    }

    /// Takes in a sighting of the subject and tells what is known of the condition.
    pub(super) fn see(&mut self, seen: &Sighting<'_>) -> Held {
        self.condition().see(seen)
    }

    /// Microseconds for which a subject is in view at the least before this can hold.
    pub(super) fn least_us(&self) -> i64 {
        match self {
            Self::Dwell(dwell) => dwell.for_us(),
            Self::Stationary(stationary) => stationary.for_us(),
            Self::Near(near) => near.for_us(),
            Self::Appeared(appeared) => appeared.least_us(),
            Self::Wearing(wearing) => wearing.spread_us(),
            _ => 0,
        }
    }

    /// Goes on with a subject that fulfilled the condition at `now`, when it was at `bbox`, before a restart.
    pub(super) fn recall(&mut self, now: Watched, bbox: BBox) {
        self.condition().recall(now, bbox);
    }

    /// Fits remembered places to a picture that has changed as a whole.
    pub(super) fn remap(&mut self, remap: &Remap) {
        self.condition().remap(remap);
    }

    /// Holds as soon as it begins to.
    pub(super) fn at_once(&mut self) {
        self.condition().at_once();
    }

    /// Whether it is about what happens in one moment, after which there is nothing to wait for.
    pub(super) fn is_of_a_moment(&self) -> bool {
        matches!(self, Self::LineCrossed(_) | Self::Falls(_))
    }
}

/// What is watched of the zone as a whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ZoneWatch {
    Count(count::Count),
    Absent(absent::Absent),
}

impl ZoneWatch {
    fn condition(&self) -> &dyn ZoneCondition {
        match self {
            Self::Count(condition) => condition,
            Self::Absent(condition) => condition,
        }
    }

    fn condition_mut(&mut self) -> &mut dyn ZoneCondition {
        match self {
            Self::Count(condition) => condition,
            Self::Absent(condition) => condition,
        }
    }

    /// Takes in how many fulfil it, surely and perhaps, `step_us` of watching after the last frame, and tells what is
    /// known of the condition.
    pub(super) fn count(&mut self, n: (usize, usize), step_us: i64, now: Watched) -> Truth {
        self.condition_mut().count(n, step_us, now)
    }

    /// Goes on with an incident that was open at `now`, before a restart.
    pub(super) fn recall(&mut self, now: Watched) {
        self.condition_mut().recall(now);
    }

    /// The rule does not hold now, so that nobody is missed.
    pub(super) fn close(&mut self) {
        self.condition_mut().close();
    }

    /// Microseconds for which somebody is in view at the least before this can hold.
    pub(super) fn least_us(&self) -> i64 {
        match self {
            Self::Count(count) => count.least_us(),
            // Whoever comes for a moment is not missed any more.
            Self::Absent(_) => 0,
        }
    }

    /// Whether those who fulfil it take part in the incident.
    pub(super) fn has_members(&self) -> bool {
        self.condition().has_members()
    }

    /// What goes on after a restart though no incident is open.
    pub(super) fn absence(&self) -> Option<Absence> {
        self.condition().absence()
    }

    /// Holds as soon as it begins to.
    pub(super) fn at_once(&mut self) {
        self.condition_mut().at_once();
    }

    /// Whether it compares with what was before.
    pub(super) fn hangs_on_before(&self) -> bool {
        self.condition().hangs_on_before()
    }

    /// Goes on with what was remembered.
    pub(super) fn remember(&mut self, absence: Absence) {
        self.condition_mut().remember(absence);
    }
}

/// What a node of the language's tree comes to.
pub(super) enum Part<'c> {
    /// Something that is watched of each track.
    Track(Watch),
    /// Something that is watched of all who fulfil `of`; the key is its name in the language.
    Zone {
        key: &'static str,
        of: &'c Condition,
        watch: ZoneWatch,
    },
    Sensor(Threshold),
    Score(&'c condition::Score),
    Schedule(&'c Schedule),
    All(&'c [Condition]),
    Any(&'c [Condition]),
    Not(&'c Condition),
}

impl<'c> Part<'c> {
    /// Checks what a condition at `place` of a file says, but for the conditions within it.
    pub(super) fn compile(condition: &'c Condition, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let at = |key: &str| format!("{place}.{key}");
        let watch = match condition {
            Condition::Class(of) => Watch::Class(class::OfClass::compile(of, lookup, &at("class"))?),
            Condition::Confidence(of) => Watch::Confidence(class::Confidence::compile(of, lookup, &at("confidence"))?),
            Condition::InZone(of) => Watch::InZone(in_zone::InZone::compile(of, lookup, &at("in_zone"))?),
            Condition::Dwell(of) => Watch::Dwell(dwell::Dwell::compile(of, lookup, &at("dwell"))?),
            Condition::Stationary(of) => {
                Watch::Stationary(stationary::Stationary::compile(of, lookup, &at("stationary"))?)
            }
            Condition::LineCrossed(of) => {
                Watch::LineCrossed(line_crossed::LineCrossed::compile(of, lookup, &at("line_crossed"))?)
            }
            Condition::Moving(of) => Watch::Moving(course::Moving::compile(of, lookup, &at("moving"))?),
            Condition::Speed(of) => Watch::Speed(course::Speed::compile(of, lookup, &at("speed"))?),
            Condition::Near(of) => Watch::Near(near::Near::compile(of, lookup, &at("near"))?),
            Condition::Appeared(of) => Watch::Appeared(appeared::Appeared::compile(of, lookup, &at("appeared"))?),
            Condition::Falls(of) => Watch::Falls(falls::Falls::compile(of, lookup, &at("falls"))?),
            Condition::Wearing(of) => Watch::Wearing(wearing::Wearing::compile(of, lookup, &at("wearing"))?),
            Condition::Count(of) => {
                let watch = ZoneWatch::Count(count::Count::compile(of, lookup, &at("count"))?);
                return Ok(Self::Zone { key: "count", of: &of.of, watch });
            }
            Condition::Absent(of) => {
                let watch = ZoneWatch::Absent(absent::Absent::compile(of, lookup, &at("absent"))?);
                return Ok(Self::Zone { key: "absent", of: &of.of, watch });
            }
            Condition::Sensor(of) => return Ok(Self::Sensor(Threshold::compile(of, lookup, &at("sensor"))?)),
            Condition::Score(of) => return Ok(Self::Score(of)),
            Condition::Schedule(of) => return Ok(Self::Schedule(of)),
            Condition::All(parts) => return Ok(Self::All(parts)),
            Condition::Any(parts) => return Ok(Self::Any(parts)),
            Condition::Not(part) => return Ok(Self::Not(part)),
        };
        Ok(Self::Track(watch))
    }
}
