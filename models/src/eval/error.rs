//! Why a model could not be judged.

use std::io;
use std::path::PathBuf;

use super::{LabelError, SampleError};
use crate::reader::ClassifyError;
use crate::{DetectError, PhotoError};

/// Right and wrong boxes that any curve of a calibration needs.
pub(super) const LEAST: usize = 20;

/// No curve can be fitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Too little data.
    #[error(
        "{right} right and {wrong} wrong boxes of {what} are too few to fit on; at least {LEAST} of each are needed: \
         hand in more photos, or lower --score"
    )]
    TooFew {
        /// Of which classes.
        what: String,
        /// Right boxes.
        right: usize,
        /// Wrong boxes.
        wrong: usize,
    },
    /// Higher scores are not more often right.
    #[error("surer boxes of {what} are not more often right, so their scores say nothing; check the labels' classes")]
    NoOrder {
        /// Of which classes.
        what: String,
    },
}

/// A model could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The labels cannot be used.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// The file of class names cannot be read.
    #[error("failed to read {path}: {source}", path = path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A class was asked for that the labels do not have.
    #[error("--classes: the labels have no class `{name}`; they have {known}")]
    NoSuchClass {
        /// The class.
        name: String,
        /// What the labels have.
        known: String,
    },
    /// The labels and the model share no class.
    #[error("model {model} has none of the labels' classes {labelled}")]
    NothingInCommon {
        /// The card's name.
        model: String,
        /// What the labels have.
        labelled: String,
    },
    /// A photo cannot be read.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// The detector failed.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// The classifier failed.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// What the classifier said cannot be judged.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// No calibration comes of what was found.
    #[error(transparent)]
    Fit(#[from] FitError),
}

impl EvalError {
    /// Whether the command line asks for what cannot be.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NoSuchClass { .. })
    }

    /// Whether what was handed in is at fault, and not the model.
    pub fn is_of_input(&self) -> bool {
        matches!(
            self,
            Self::Labels(_) | Self::Names { .. } | Self::NothingInCommon { .. } | Self::Photo(_) | Self::Fit(_)
        )
    }
}
