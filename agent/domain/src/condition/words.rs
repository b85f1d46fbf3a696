//! The words that parameters of conditions are made of.

use serde::{Deserialize, Serialize};

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

/// What closer looks must have told of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It is there.
    Yes,
    /// It is not there.
    No,
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
