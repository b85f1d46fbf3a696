//! The condition language of violations, as written in TOML.
//!
//! A condition is a tree. Its leaves speak of one track (`class`, `confidence`, `in_zone`, `dwell`, `stationary`,
//! `line_crossed`, `wearing`), of all tracks of a zone (`count`) or of the time (`schedule`); `all`, `any` and `not` join them.
//! A tree with a `count` outside of another `count`'s `of` is about the zone as a whole: one incident for the crowd,
//! not one for each person.

use serde::{Deserialize, Serialize};

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

/// Parameters of `count`: so many tracks fulfil `of` at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// What each counted track must fulfil.
    pub of: Box<Condition>,
    /// The least number of tracks.
    pub at_least: Quantity,
    /// For how many seconds without a break (0 if absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<Quantity>,
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
    /// The track crossed a line.
    LineCrossed(LineCrossed),
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
