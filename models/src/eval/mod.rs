//! Figures of models against ground truth: average precision of detectors, accuracy and calibration of classifiers.
//!
//! The figures are pure functions of what a model said and of what is true, so they serve any model that can fill
//! [`Picture`] or [`Sample`]. Labels are read by [`labels`]; [`judge`], [`classify`] and [`calibration`] run a model over
//! them.

mod average_precision;
pub mod calibration;
mod classification;
mod classifying;
mod detecting;
mod error;
pub mod labels;
mod matching;
mod scope;

pub use average_precision::{ApReport, ApSummary, ClassAp, average_precision};
pub use classification::{
    ClassFigures, ClassifierReport, OperatingPoint, ReliabilityBin, RocPoint, Sample, SampleError, classification,
    operating_point,
};
pub use classifying::{Classified, classify};
pub use detecting::{CocoResult, Judged, RunOf, judge};
pub use error::{EvalError, FitError};
pub use labels::{LabelError, Labelled, LabelledPhoto};
pub use scope::{Scope, Source};

/// Left, top, width and height of a box in pixels of the photo, as COCO writes boxes.
pub type Rect = [f64; 4];

/// A box that is really there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TruthBox {
    /// Number of its class.
    pub class: usize,
    /// Where it is.
    pub bbox: Rect,
    /// Area in square pixels by which it counts as small, medium or large; of the outline where one is known, else of
    /// the box.
    pub area: f64,
    /// Whether it is a crowd of which single subjects were not marked: whatever is found in it is neither right nor
    /// wrong.
    pub is_crowd: bool,
}

/// A box that the model found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoundBox {
    /// Number of its class.
    pub class: usize,
    /// Confidence; only its order counts.
    pub score: f64,
    /// Where it is.
    pub bbox: Rect,
}

/// One photo: what is there, and what was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// What is there.
    pub truth: Vec<TruthBox>,
    /// What was found, in any order.
    pub found: Vec<FoundBox>,
}
