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

mod track;
mod zone;

use serde::{Deserialize, Serialize};

pub use self::track::{
    Anchor, Appeared, CrossingDirection, Dwell, Falls, InZone, LineCrossed, Moving, Near, Speed, Stationary, Told,
    Wearing,
};
pub use self::zone::{Absent, Count, Growth, Sensor};
use crate::{Class, Schedule};

/// A number, or the name of one of the violation's parameters with a dollar sign: `60` or `"$dwell_s"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// The number itself.
    Number(f64),
    /// `$name` of an entry of `[parameters]`, which a site may override.
    Parameter(String),
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
