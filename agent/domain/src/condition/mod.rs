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

mod zone;

use serde::{Deserialize, Serialize};

pub use self::zone::{Absent, Count, Growth, Score, Sensor, Sign};
use crate::{AttributeId, Class, Schedule, ZoneId};

/// A number, or the name of one of the violation's parameters with a dollar sign: `60` or `"$dwell_s"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// The number itself.
    Number(f64),
    /// `$name` of an entry of `[parameters]`, which a site may override.
    Parameter(String),
}

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

/// How a track's place is compared with a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The middle of the box's bottom edge lies in the zone.
    #[default]
    Foot,
    /// The box's centre lies in the zone.
    Centre,
    /// At least `at_least` of the box's area lies in the zone.
    Overlap,
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

/// Which way a line is crossed, seen when walking along the line from its first point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrossingDirection {
    /// Either way.
    #[default]
    Any,
    /// From the right side to the left.
    ToLeft,
    /// From the left side to the right.
    ToRight,
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

/// What closer looks must have told of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It is there.
    Yes,
    /// It is not there.
    No,
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
