//! Rules: whom the violations of one stream concern in each frame.
//!
//! [`CompiledRule::compile`] joins a violation with a zone of a site; [`Rules::evaluate`] takes the [`View`] of one frame
//! and says of each subject what was seen. What each condition means is stated in
//! `conditions/mod.rs`; of all of them the following holds.
//!
//! A condition that hangs on what closer looks cannot tell raises nothing, and its subject is [`Sight::Occluded`]: seen,
//! but without a view that tells, so that whoever turns away after a warning has not complied.
//!
//! A violation's `min_confidence` must be reached once by one of a subject's detections; later ones may be less sure.
//!
//! A track that is not seen in a frame neither begins nor ends anything: its conditions keep their values, its subject
//! is [`Sight::Absent`] or [`Sight::Occluded`]. Time in which the stream was interrupted does not count, neither
//! towards a dwell nor as an absence.

mod adoption;
mod at_once;
mod attributes;
mod binding;
mod classes;
mod compile;
mod conditions;
mod error;
mod gate;
mod glimpse;
mod identity;
mod inputs;
mod judge;
mod line;
mod looks;
mod lookup;
mod notes;
mod place;
mod program;
mod recollection;
mod sighting;
mod stream;
mod subjects;
mod succession;
mod tree;
mod truth;
mod values;
mod view;
mod watched;
mod whole;

pub use self::attributes::ReadingCounts;
pub use self::binding::RuleBinding;
pub use self::error::{CompileError, Problem};
pub use self::glimpse::{Glimpse, Glimpsed};
pub use self::inputs::RulesMemory;
pub use self::program::CompiledRule;
pub use self::stream::Rules;
pub use self::subjects::SubjectSeed;
pub use self::view::{StillZones, View};

#[cfg(test)]
mod tests;
