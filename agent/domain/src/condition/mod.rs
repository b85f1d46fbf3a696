//! The condition language of violations, as written in TOML.
//!
//! A condition is a tree. Its leaves speak of
//!
//! * one track: `class`, `confidence`, `in_zone`, `dwell`, `stationary`, `line_crossed`, `moving`, `speed`, `near`,
//!   `wearing`, `appeared`, `falls`;
//! * the zone as a whole: `count`, `absent`;
//! * the world: `schedule`, `sensor`;
//!
//! `all`, `any` and `not` join them, and `score` adds up weak signs. A tree about the zone as a whole makes one incident
//! for the zone, not one for each person; a track's condition may stand within a `count`'s or an `absent`'s `of`, but not
//! beside them. A tree that speaks of a sensor and of no track is about the zone, too.

mod words;

use serde::{Deserialize, Serialize};

pub use self::words::{Anchor, CrossingDirection, Growth, Quantity, Told};
use crate::{AttributeId, Class, Schedule, SensorId, ZoneId};

/// One node of a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The track is of one of these classes.
    Class(Vec<Class>),
    /// The track's latest score is at least this.
    Confidence(Quantity),
    /// The track is in a zone now.
    InZone(InZone),
    /// The track has been in a zone for some time.
    Dwell(Dwell),
    /// The track has kept its place for some time.
    Stationary(Stationary),
    /// So many tracks fulfil a condition.
    Count(Count),
    /// Nobody has fulfilled a condition for some time.
    Absent(Absent),
    /// A sensor's value is beyond a threshold.
    Sensor(Sensor),
    /// Weak signs add up.
    Score(Score),
    /// The track crossed a line.
    LineCrossed(LineCrossed),
    /// The track moves, some way or any.
    Moving(Moving),
    /// The track moves so fast.
    Speed(Speed),
    /// Others are near by.
    Near(Near),
    /// The track is a thing that appeared, or went, and has stayed so.
    Appeared(Appeared),
    /// The track is a thing that falls.
    Falls(Falls),
    /// Closer looks told what the track wears.
    Wearing(Wearing),
    /// The time lies in a schedule; holds where the time of day is unknown.
    Schedule(Schedule),
    /// Each of these holds.
    All(Vec<Condition>),
    /// At least one of these holds.
    Any(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
}

/// Parameters of `in_zone`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InZone {
    /// The zone; the rule's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneId>,
    /// What of the track must lie inside.
    #[serde(default)]
    pub by: Anchor,
    /// For `overlap`: the least part of the box that must lie inside, 0 to 1 (0.5 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Quantity>,
}

/// Parameters of `dwell`: the track has been in the zone without a break for so long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dwell {
    /// Seconds.
    pub for_s: Quantity,
    /// The zone; the rule's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneId>,
    /// What of the track must lie inside.
    #[serde(default)]
    pub by: Anchor,
}

/// Parameters of `stationary`: the track has kept its place for so long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stationary {
    /// Seconds.
    pub for_s: Quantity,
    /// How far the box's centre may wander, as a part of the box's diagonal (0.25 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Quantity>,
}

/// Parameters of `line_crossed`: the track's foot point crossed a line not long ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineCrossed {
    /// The line; the rule's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<ZoneId>,
    /// Which way.
    #[serde(default)]
    pub direction: CrossingDirection,
    /// For how many seconds after the crossing the condition holds (5 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_for_s: Option<Quantity>,
}

/// Parameters of `wearing`: closer looks at the track told what it wears, or does not.
///
/// As long as they cannot tell, neither `yes` nor `no` holds, also under `not`, and the subject counts as not in view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wearing {
    /// The attribute, such as `hard_hat`.
    pub item: AttributeId,
    /// What must have been told of it.
    pub is: Told,
    /// The least number of independent looks that said so (3 if absent); looks count in full when they are half a second
    /// apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_votes: Option<Quantity>,
    /// The least seconds from the first of these looks to the last (1 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread_s: Option<Quantity>,
    /// The least confidence of all looks together, 0.5 to 1 (0.8 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Quantity>,
}

/// Parameters of `near`: so many others are near the track.
///
/// The distance is the gap between the boxes, in heights of the higher of the two; boxes that do not stand at about the
/// same depth, by their lower edges, are further apart by that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// The classes that count.
    pub class: Vec<Class>,
    /// The greatest distance (1 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Quantity>,
    /// The least number (1 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Quantity>,
    /// For how many seconds, breaks of 3 s forgiven (0 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<Quantity>,
}

/// Parameters of `moving`: the track has come a certain way of late. Without a direction any will do; at most one may be
/// given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moving {
    /// The least distance as the crow flies, in heights of the box.
    pub distance: Quantity,
    /// In how many seconds (3 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_s: Option<Quantity>,
    /// Towards this bearing in the picture: 0 is up, 90 right, 180 down, 270 left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toward_deg: Option<Quantity>,
    /// Against this bearing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_deg: Option<Quantity>,
    /// Along a line, from its first point to its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub along_line: Option<ZoneId>,
    /// Against a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_line: Option<ZoneId>,
    /// How far the direction may differ, in degrees (60 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_deg: Option<Quantity>,
}

/// Parameters of `speed`: how fast the track moves, in heights of its box per second. At least one limit is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speed {
    /// The least speed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Quantity>,
    /// The greatest speed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Quantity>,
    /// Measured over so many seconds (1 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_s: Option<Quantity>,
}

/// Parameters of `appeared`: the track is of class `new_object` or `removed_object`, which the detector of static objects
/// reports, and has stayed for so long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appeared {
    /// Seconds since it appeared, or went.
    pub for_s: Quantity,
    /// Somebody of these classes must have been seen to bring it, or to take it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brought_by: Vec<Class>,
    /// Whoever brought it must have left so many seconds ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_s: Option<Quantity>,
}

/// Parameters of `falls`: the track is of class `falling_object`, which the detector of falling objects reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Falls {
    /// It must have begun to fall this many floors up or higher, the ground floor is 1; a fall of which the floor is not
    /// known counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_floor: Option<Quantity>,
}

/// Parameters of `count`: so many tracks fulfil `of` at the same time. Exactly one of `at_least`, `per_m2` and `growth` is
/// given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// What each counted track must fulfil.
    pub of: Box<Condition>,
    /// The least number of tracks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Quantity>,
    /// The least number for each square metre of the zone, whose area the site file states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_m2: Option<Quantity>,
    /// The least growth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// Once it was reached, the count holds until it is below this, in the same unit (the same limit if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_below: Option<Quantity>,
    /// The zone whose area counts for `per_m2`; the rule's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneId>,
    /// For how many seconds without a break (0 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<Quantity>,
}

/// Parameters of `absent`: fewer tracks than needed have fulfilled `of` for so long, in time in which the stream was
/// watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    /// What those who are missed would fulfil.
    pub of: Box<Condition>,
    /// Seconds of watching; they go on after a restart.
    pub for_s: Quantity,
    /// How many there should be (1 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Quantity>,
}

/// Parameters of `sensor`: the latest value of a sensor is beyond a threshold. Exactly one of `above` and `below` is given.
///
/// While the sensor is silent it cannot be told, and nothing is raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensor {
    /// The sensor; the rule's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SensorId>,
    /// The value must be above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Quantity>,
    /// The value must be below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Quantity>,
    /// How far the value must come back over the threshold before it counts as back (0 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hysteresis: Option<Quantity>,
    /// For how many seconds (0 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<Quantity>,
    /// A sensor without a value for so many seconds is silent (120 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_after_s: Option<Quantity>,
}

/// Parameters of `score`: weak signs whose weights add up to enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The signs.
    pub of: Vec<Sign>,
    /// The least sum of weights.
    pub at_least: Quantity,
    /// Once it was reached, the score holds until it is below this (`at_least` if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_below: Option<Quantity>,
    /// For how many seconds without a break (0 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<Quantity>,
    /// Seconds in which a sign that is no longer seen loses half of its weight (5 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_life_s: Option<Quantity>,
}

/// One sign of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// What it adds to the score; a negative weight speaks against.
    pub weight: Quantity,
    /// When it adds that.
    #[serde(rename = "if")]
    pub condition: Condition,
    /// What it is called in the incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}
