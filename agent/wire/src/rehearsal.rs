//! What a rehearsal writes down, a line of JSON each: what a site would have raised by footage.

use forewarn_domain::{ViolationId, ZoneId};
use serde::{Deserialize, Serialize};

/// One line. Times are those of the clock on the wall, in microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RehearsalLine {
    /// It begins.
    Begun {
        /// When the first picture was taken.
        from_us: i64,
        /// When the last one was over.
        to_us: i64,
        /// What lacks in between, from when to when.
        gaps: Vec<[i64; 2]>,
    },
    /// The footage was looked at so far.
    Until {
        /// When the picture was taken.
        at_us: i64,
    },
    /// This would have been raised.
    Raised(RaisedLine),
    /// All of it was looked at.
    Done,
}

/// An incident that would have been raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaisedLine {
    /// When it would have begun.
    pub at_us: i64,
    /// When it would have been confirmed.
    pub confirmed_us: i64,
    /// What it would have been.
    pub violation: ViolationId,
    /// Where.
    pub zone: ZoneId,
    /// What it is about.
    pub class: String,
    /// How many of them.
    pub count: u32,
    /// The subject in the picture: left, top, right, bottom, in parts of it.
    pub r#box: Option<[f32; 4]>,
    /// The name of its picture; none where there are too many, or none could be made.
    pub picture: Option<String>,
}
