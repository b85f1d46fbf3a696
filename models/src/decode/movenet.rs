//! MoveNet for one person: key points in parts of the input.
//!
//! Source: Google, MoveNet SinglePose model card (2021): y, x and score of the 17 key points of COCO.

use ndarray::Ix4;

use super::shape::{DecodeError, Side, one_output, tensor};
use super::{Outputs, Shot};
use crate::card::{Card, DecoderSpec};

/// A key point in input pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawPoint {
    /// x and y in input pixels.
    pub position: [f32; 2],
    /// Confidence, 0 to 1.
    pub score: f32,
}

/// Decodes the one output of a pose model.
#[derive(Debug, Clone)]
pub struct PoseDecoder {
    output: Option<String>,
    n_points: usize,
}

impl PoseDecoder {
    /// The decoder that a card asks for; `None` if its family finds no key points.
    pub fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Movenet { output, points } = &card.decoder else { return None };
        Some(Self { output: output.clone(), n_points: points.len() })
    }

    /// The key points of one picture in the order of the card. One that is infinite or NaN gets score 0 at (0, 0).
    pub fn decode(&self, outputs: &impl Outputs, shot: Shot) -> Result<Vec<RawPoint>, DecodeError> {
        let name = one_output(outputs, self.output.as_deref())?;
        let points = tensor::<Ix4>(outputs, name, shot, &[Side::Is(1), Side::Is(self.n_points), Side::Is(3)])?;
        let part = points.part();
        let [width, height] = shot.size.map(|side| side as f32);
        let point = |k: usize| {
            let [y, x, score] = [0, 1, 2].map(|v| part[[0, k, v]]);
            if [y, x, score].iter().all(|v| v.is_finite()) {
                RawPoint { position: [x * width, y * height], score: score.clamp(0.0, 1.0) }
            } else {
                RawPoint { position: [0.0; 2], score: 0.0 }
            }
        };
        Ok((0..self.n_points).map(point).collect())
    }
}
