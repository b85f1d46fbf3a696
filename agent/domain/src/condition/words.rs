//! Conditions about a zone as a whole, about the world, and sums of signs.

use serde::{Deserialize, Serialize};

use super::{Condition, Quantity};
use crate::{SensorId, ZoneId};

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

/// How much a number has grown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// By so many.
    pub by: Quantity,
    /// Within so many seconds.
    pub over_s: Quantity,
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
