//! What a model saw in one frame, and the port of detectors.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::violation::Language;
use crate::{BBox, Frame, InputGrid, Window, words};

/// Classes that no model reports: things that the detectors on grey planes find, and a sensor in place of a subject.
pub const BUILT_IN_CLASSES: [&str; 4] = ["new_object", "removed_object", "falling_object", "sensor"];

/// Classes of heads, with a hard hat on and without. A detector that has learned them helps to find people by them.
pub const HEAD_CLASSES: [&str; 2] = ["head_in_hard_hat", "head"];

/// The name of a class as the model card spells it, such as `person`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Class(Arc<str>);

impl Class {
    /// A class by its name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What people call it.
    pub fn in_language(&self, language: Language) -> &str {
        words::in_language(&self.0, language)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Class({})", self.0)
    }
}

/// One box that a model reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// What it is.
    pub class: Class,
    /// The model's confidence, 0 to 1.
    pub score: f32,
    /// Where it is, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
}

/// A detector failed on a frame; the frame counts as not analysed.
#[derive(Debug)]
pub struct DetectorError {
    /// What failed and why.
    pub message: String,
}

impl fmt::Display for DetectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DetectorError {}

/// Finds things in frames. An ONNX model, or recorded detections in tests.
pub trait Detector: Send {
    /// The classes that can be reported.
    fn classes(&self) -> &[Class];

    /// How many frames at once are cheaper than one by one; 1 where they are run one by one anyway.
    fn batch(&self) -> usize {
        1
    }

    /// What it does otherwise than it was asked to, and why; none where it does as asked.
    fn shortfall(&self) -> Option<String> {
        None
    }

    /// Detections of each frame, best score first, boxes in the frame's own pixels.
    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError>;

    /// How frames of a width and height lie in its input, where it can look at windows of that; none where it looks at whole
    /// frames only, or shall at the next one.
    fn input_grid(&self, _size: (u32, u32)) -> Option<InputGrid> {
        None
    }

    /// Detections in each of these windows of a frame, best score first, boxes in the frame's own pixels and cut off at the
    /// window's edge. Only who has an [`InputGrid`] for the frame is asked.
    fn detect_in(&mut self, _frame: &Frame, _windows: &[Window]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        Err(DetectorError { message: "this detector looks at whole frames only".to_owned() })
    }
}
