//! Graphs that suppress double boxes themselves: each row is a finished box with its score and the number of its class.
//!
//! Source: the documented ONNX export of YOLO families with suppression in the graph ("end to end"), and YOLOv10 (Wang et
//! al. 2024), which needs none: 1 x 300 x 6. Rows that hold nothing have the score 0.

use ndarray::Ix3;

use super::shape::{Side, one_output, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot};
use crate::card::{Card, DecoderSpec};

/// Numbers of a row: two corners, score, class.
const NUMBERS: usize = 6;

/// Decodes the one output.
#[derive(Debug)]
pub(super) struct SuppressedDecoder {
    output: Option<String>,
    is_normalised: bool,
}

impl SuppressedDecoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Suppressed { output, normalised } = card.decoder.clone() else { return None };
        Some(Self { output, is_normalised: normalised })
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        let name = one_output(outputs, self.output.as_deref())?;
        let tensor = tensor::<Ix3>(outputs, name, shot, &[Side::Any("rows"), Side::Is(NUMBERS)])?;
        let [width, height] = if self.is_normalised { shot.size.map(|side| side as f32) } else { [1.0; 2] };
        found.begin(0);
        for row in tensor.part().outer_iter() {
            let [x0, y0, x1, y1, score, class] = [0, 1, 2, 3, 4, 5].map(|k| row[k]);
            // A negative class, which some graphs fill up with, is none.
            if score >= threshold && class >= 0.0 {
                let corners = [x0 * width, y0 * height, x1 * width, y1 * height];
                found.push(RawBox { class: class.round() as usize, score, corners });
            }
        }
        Ok(())
    }
}
