//! Rules: whom the violations of one stream concern in each frame.
//!
//! [`CompiledRule::compile`] joins a violation with a zone of a site; [`Rules::evaluate`] takes the tracks of one
//! frame and says of each subject what was seen. The semantics of the conditions:
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
//! A condition that hangs on what closer looks cannot tell raises nothing, and its subject is [`Sight::Occluded`]: seen,
//! but without a view that tells, so that whoever turns away after a warning has not complied.
//!
//! A violation's `min_confidence` must be reached once by one of a subject's detections; later ones may be less sure.
//!
//! A track that is not seen in a frame neither begins nor ends anything: its conditions keep their values, its subject
//! is [`Sight::Absent`] or [`Sight::Occluded`]. Time in which the stream was interrupted does not count, neither
//! towards a dwell nor as an absence.

mod attributes;
mod binding;
mod classes;
mod compile;
mod error;
mod identity;
mod inputs;
mod judge;
mod line;
mod looks;
mod memory;
mod motion;
mod near;
mod notes;
mod place;
mod program;
mod score;
mod sensors;
mod stream;
mod subjects;
mod tree;
mod whole;
mod zone;

pub use self::attributes::ReadingCounts;
pub use self::binding::RuleBinding;
pub use self::error::{CompileError, Problem};
pub use self::inputs::RulesMemory;
pub use self::program::CompiledRule;
pub use self::stream::Rules;
pub use self::subjects::SubjectSeed;

#[cfg(test)]
mod tests;
