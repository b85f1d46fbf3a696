//! From a model's raw outputs to candidates in input pixels.

mod nanodet;
mod yolox;

use ndarray::{ArrayView2, ArrayViewD, Ix2};

use crate::card::{Card, DecoderSpec};
use nanodet::NanodetDecoder;
use yolox::YoloxDecoder;

/// One cell's claim in input pixels, before it is mapped to the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawBox {
    /// Number of the class.
    pub class: usize,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Left, top, right, bottom in input pixels.
    pub corners: [f32; 4],
}

/// The model's outputs are not what the card promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An output is missing.
    #[error("the model card promises an output `{output}`, but the model has {has}")]
    MissingOutput {
        /// The name in the card.
        output: String,
        /// The names that the model has.
        has: String,
    },
    /// An output has another shape.
    #[error("the model card promises {promised} for output `{output}`, but the model gives {given}")]
    Shape {
        /// The output's name.
        output: String,
        /// The shape that follows from the card.
        promised: String,
        /// The shape that the model gives.
        given: String,
    },
}

/// A model's outputs by name.
pub trait Outputs {
    /// The names of the outputs.
    fn names(&self) -> Vec<String>;
    /// The output of that name; `None` if there is none or it does not hold 32-bit floats.
    fn get(&self, name: &str) -> Option<ArrayViewD<'_, f32>>;
}

/// Decodes the outputs of one family of models.
#[derive(Debug)]
pub struct Decoder(Family);

#[derive(Debug)]
enum Family {
    Nanodet(NanodetDecoder),
    Yolox(YoloxDecoder),
}

impl Decoder {
    /// The decoder that a card asks for; `None` if its family finds no boxes.
    pub fn new(card: &Card) -> Option<Self> {
        let size = [card.input.width, card.input.height];
        let n_classes = card.classes.by_number().len();
        Some(Self(match &card.decoder {
            DecoderSpec::Nanodet { strides, reg_max, class_outputs, box_outputs } => {
                let names = class_outputs.iter().cloned().zip(box_outputs.iter().cloned());
                let heads = strides.iter().copied().zip(names).collect();
                Family::Nanodet(NanodetDecoder::new(size, n_classes, *reg_max as usize + 1, heads))
            }
            DecoderSpec::Yolox { strides } => Family::Yolox(YoloxDecoder::new(size, n_classes, strides)),
            _ => return None,
        }))
    }

    /// All boxes whose score is at least `threshold`, in the order of the cells. Nothing infinite or NaN comes out.
    pub fn decode(&self, outputs: &impl Outputs, threshold: f32) -> Result<Vec<RawBox>, DecodeError> {
        let mut boxes = match &self.0 {
            Family::Nanodet(decoder) => decoder.decode(outputs, threshold)?,
            Family::Yolox(decoder) => decoder.decode(outputs, threshold)?,
        };
        boxes.retain(|b| b.score.is_finite() && b.corners.iter().all(|v| v.is_finite()));
        Ok(boxes)
    }
}

/// An output as rows of cells: 1 x `cells` x `values`.
fn cells<'a>(
    outputs: &'a impl Outputs,
    name: &str,
    cells: usize,
    values: usize,
) -> Result<ArrayView2<'a, f32>, DecodeError> {
    let Some(array) = outputs.get(name) else {
        let has = outputs.names().iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        return Err(DecodeError::MissingOutput { output: name.to_owned(), has });
    };
    let shape = array.shape().to_vec();
    let wrong = || DecodeError::Shape {
        output: name.to_owned(),
        promised: format!("1x{cells}x{values}"),
        given: shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"),
    };
    if shape != [1, cells, values] {
        return Err(wrong());
    }
    array.index_axis_move(ndarray::Axis(0), 0).into_dimensionality::<Ix2>().map_err(|_| wrong())
}

/// The best class of a row of scores, the first of equals, if it is at least `threshold`.
fn best_class(scores: &[f32], threshold: f32) -> Option<(usize, f32)> {
    // Most cells see nothing; this pass has no early exit and no dependency, so it becomes vector code.
    if scores.iter().fold(0_u32, |n, &score| n + u32::from(score >= threshold)) == 0 {
        return None;
    }
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &score) in scores.iter().enumerate() {
        if score > best.1 {
            best = (class, score);
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests;
