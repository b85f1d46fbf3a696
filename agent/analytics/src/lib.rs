//! From detections to violations: tracks subjects over frames, tests zones, lines, times and counts, and reports
//! whom each violation's condition concerns; and, on small grey planes, what moves, stays or falls. Pure: time is an
//! argument, nothing is read or written.

// The generated scenes of the examples are those of the tests, too.
#[cfg(test)]
extern crate self as forewarn_analytics;

mod exclusions;
mod foot;
pub mod ground;
mod groups;
pub mod heat;
pub mod luma;
pub mod rules;
#[cfg(feature = "schema")]
mod schema;
pub mod suppression;
mod tracker;
mod votes;

pub use exclusions::Exclusions;
pub use groups::ClassGroups;
pub use rules::{
    CompileError, CompiledRule, Glimpse, Glimpsed, Problem, ReadingCounts, RuleBinding, Rules, RulesMemory, StillZones,
    SubjectSeed, View,
};
pub use tracker::{Appearance, Beside, Tracker, TrackerConfig, TrackerConfigError};
