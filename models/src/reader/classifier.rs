//! A classifier on photos that are crops already, for judging it.

use std::path::Path;

use forewarn_domain::Frame;

use super::model::{CropError, CropModel, OpenCropModelError, Said, as_trained};
use crate::card::{Card, Task};
use crate::runtime::Runtime;

/// An open classifier.
pub struct Classifier {
    model: CropModel,
}

/// A crop was not classified.
#[derive(Debug, thiserror::Error)]
#[error("failed to classify a crop by model `{model}`: {reason}")]
pub struct ClassifyError {
    model: String,
    reason: String,
}

impl Classifier {
    /// Opens the weights of a classifier's card with `threads` threads.
    pub fn open(card: &Card, weights: &Path, runtime: &Runtime, threads: usize) -> Result<Self, OpenCropModelError> {
        if card.task() != Task::Classify {
            return Err(OpenCropModelError::Family { model: card.name.clone(), family: card.decoder.family() });
        }
        let folder = weights.parent().unwrap_or_else(|| Path::new(""));
        Ok(Self { model: CropModel::open(card, weights, folder, (runtime, threads))? })
    }

    /// The probability of each class of the card, for a photo that shows the part and nothing else.
    pub fn classify(&mut self, crop: Frame) -> Result<Vec<f32>, ClassifyError> {
        let crop = as_trained(crop, self.model.card());
        let name = self.model.card().name.clone();
        let fail = |reason: String| ClassifyError { model: name, reason };
        match self.model.look(&[&crop]).map_err(|error: CropError| error.to_string()) {
            Ok(mut said) => match said.pop() {
                Some(Said::Classes(scores)) => Ok(scores),
                _ => Err(fail("it gives no probabilities".to_owned())),
            },
            Err(error) => Err(fail(error)),
        }
    }
}
