//! Text by connectionist temporal classification, the best character at each step.
//!
//! Source: Graves et al., Connectionist Temporal Classification (2006), section 3.2, best-path decoding: equal
//! neighbours become one, then blanks go.

use ndarray::Ix3;

use super::shape::{DecodeError, Side, contiguous, one_output, tensor};
use super::{Outputs, Shot, sigmoid, softmax};
use crate::card::{Activation, Card, DecoderSpec};

/// A character that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Character {
    /// The character as the dictionary has it.
    pub text: String,
    /// Highest confidence among the steps that said so, 0 to 1.
    pub score: f32,
    /// Where it stands: the step of that confidence, from 0 at the left, in parts of all steps.
    pub position: f32,
}

/// Decodes the one output of a text model.
#[derive(Debug, Clone)]
pub struct TextDecoder {
    output: Option<String>,
    activation: Activation,
    blank: usize,
    characters: Vec<String>,
}

impl TextDecoder {
    /// The decoder that a card asks for, with the characters of its dictionary; `None` if its family reads no text.
    pub fn new(card: &Card, characters: Vec<String>) -> Option<Self> {
        let DecoderSpec::Ctc { output, activation, blank, .. } = &card.decoder else { return None };
        Some(Self { output: output.clone(), activation: *activation, blank: *blank, characters })
    }

    /// The characters of one picture from left to right.
    pub fn decode(&self, outputs: &impl Outputs, shot: Shot) -> Result<Vec<Character>, DecodeError> {
        let name = one_output(outputs, self.output.as_deref())?;
        let sides = [Side::Any("steps"), Side::Is(self.characters.len() + 1)];
        let steps = tensor::<Ix3>(outputs, name, shot, &sides)?;
        let part = steps.part();
        let n_steps = part.nrows() as f32;
        let mut read: Vec<Character> = Vec::new();
        let mut last = self.blank;
        for (step, row) in part.outer_iter().enumerate() {
            let (number, score) = self.best(&contiguous(&row));
            let position = (step as f32 + 0.5) / n_steps;
            if number == self.blank {
                last = number;
                continue;
            }
            if number != last {
                let index = if number > self.blank { number - 1 } else { number };
                let text = self.characters.get(index).cloned().unwrap_or_default();
                read.push(Character { text, score, position });
            } else if let Some(character) = read.last_mut()
                && score > character.score
            {
                (character.score, character.position) = (score, position);
            }
            last = number;
        }
        Ok(read)
    }

    /// The best number of a step and its confidence; the blank if nothing is a number.
    fn best(&self, row: &[f32]) -> (usize, f32) {
        let mut best = (self.blank, f32::NEG_INFINITY);
        for (number, &score) in row.iter().enumerate() {
            if score > best.1 {
                best = (number, score);
            }
        }
        let score = match self.activation {
            Activation::None => best.1,
            Activation::Sigmoid => sigmoid(best.1),
            Activation::Softmax => {
                let mut row = row.to_vec();
                softmax(&mut row);
                row.get(best.0).copied().unwrap_or(0.0)
            }
        };
        (best.0, if score.is_nan() { 0.0 } else { score.clamp(0.0, 1.0) })
    }
}
