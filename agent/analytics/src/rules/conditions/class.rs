//! `class` and `confidence`: what the detector holds a track for, and how surely.

use std::sync::Arc;

use forewarn_domain::Class;
use forewarn_domain::condition::Quantity;

use super::TrackCondition;
use crate::rules::error::CompileError;
use crate::rules::lookup::{Lookup, PART};
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;

/// The subject is of one of these classes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct OfClass {
    classes: Arc<[Class]>,
}

impl OfClass {
    pub(super) fn compile(classes: &[Class], lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        lookup.some_classes(classes, place)?;
        Ok(Self { classes: classes.into() })
    }
}

impl TrackCondition for OfClass {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        self.classes.contains(seen.class).into()
    }
}

/// The subject's latest score is at least this.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Confidence {
    least: f32,
}

impl Confidence {
    pub(super) fn compile(least: &Quantity, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        Ok(Self { least: lookup.number(Some(least), 0.0, 0.0..=1.0, PART, place)? as f32 })
    }
}

impl TrackCondition for Confidence {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        (seen.score >= self.least).into()
    }
}
