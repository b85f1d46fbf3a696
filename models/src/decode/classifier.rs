//! Classifiers: one probability for each class, with logits divided by a temperature.
//!
//! Source: Guo et al., On Calibration of Modern Neural Networks (2017), section 4.2.

use ndarray::Ix2;

use super::shape::{DecodeError, Side, contiguous, one_output, tensor};
use super::{Outputs, Shot, sigmoid, softmax};
use crate::card::{Activation, Card, DecoderSpec};

/// Decodes the one output of a classifier.
#[derive(Debug, Clone)]
pub struct ClassDecoder {
    output: Option<String>,
    activation: Activation,
    temperature: f32,
    n_classes: usize,
}

impl ClassDecoder {
    /// The decoder that a card asks for; `None` if its family does not classify.
    pub fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Classifier { output, activation, temperature } = &card.decoder else { return None };
        let n_classes = card.classes.by_number().len();
        Some(Self { output: output.clone(), activation: *activation, temperature: *temperature, n_classes })
    }

    /// The probability of each class of one picture, in the order of the card's numbers. A number that is infinite
    /// or NaN makes all of them 0, so that nothing can be told.
    pub fn decode(&self, outputs: &impl Outputs, shot: Shot) -> Result<Vec<f32>, DecodeError> {
        let name = one_output(outputs, self.output.as_deref())?;
        let scores = tensor::<Ix2>(outputs, name, shot, &[Side::Is(self.n_classes)])?;
        let mut scores = contiguous(&scores.part()).into_owned();
        if scores.iter().any(|score| !score.is_finite()) {
            return Ok(vec![0.0; self.n_classes]);
        }
        match self.activation {
            Activation::None => self.cool_probabilities(&mut scores),
            Activation::Sigmoid => scores.iter_mut().for_each(|score| *score = sigmoid(*score / self.temperature)),
            Activation::Softmax => {
                for score in &mut scores {
                    *score /= self.temperature;
                }
                softmax(&mut scores);
            }
        }
        Ok(scores)
    }

    /// Applies the temperature to probabilities that the graph has made, which are softmaxed logits up to a constant.
    fn cool_probabilities(&self, scores: &mut [f32]) {
        for score in &mut *scores {
            *score = score.clamp(0.0, 1.0);
        }
        if self.temperature == 1.0 {
            return;
        }
        if let [only] = scores {
            *only = sigmoid(super::logit(only.clamp(1e-6, 1.0 - 1e-6)) / self.temperature);
        } else {
            for score in &mut *scores {
                *score = score.max(1e-9).ln() / self.temperature;
            }
            softmax(scores);
        }
    }
}
