//! BlazeFace: anchors are the centres of cells, and everything is in input pixels from there.
//!
//! Source: Bazarevsky et al., BlazeFace (2019), sections 3 and 4; the long-range model of MediaPipe has the same head.

use ndarray::{Ix2, Ix3};

use super::shape::{Side, tensor};
use super::ssd::Scorer;
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, corners, grid, grid_cells};
use crate::card::{Card, DecoderSpec};

/// Decodes scores and regression.
#[derive(Debug)]
pub(super) struct BlazefaceDecoder {
    scores: String,
    regression: String,
    scorer: Scorer,
    strides: Vec<u32>,
    anchors: Vec<u32>,
    n_landmarks: usize,
}

impl BlazefaceDecoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Blazeface { scores, regression, activation, strides, anchors, landmarks } =
            card.decoder.clone()
        else {
            return None;
        };
        let scorer = Scorer::new(card, activation, None);
        Some(Self { scores, regression, scorer, strides, anchors, n_landmarks: landmarks as usize })
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        let heads = self.strides.iter().zip(&self.anchors);
        let n = heads.map(|(&stride, &n)| grid(shot.size, stride).iter().product::<usize>() * n as usize).sum();
        let scores = tensor::<Ix2>(outputs, &self.scores, shot, &[Side::Is(n)])?;
        let sides = [Side::Is(n), Side::Is(4 + 2 * self.n_landmarks)];
        let regression = tensor::<Ix3>(outputs, &self.regression, shot, &sides)?;
        let (scores, regression) = (scores.part(), regression.part());
        found.begin(self.n_landmarks);
        for (i, [x, y]) in self.points(shot.size).enumerate() {
            let Some((class, score)) = self.scorer.best(&[scores[i]], threshold) else { continue };
            let row = regression.row(i);
            let centre = [row[0] + x, row[1] + y];
            let landmarks = (0..self.n_landmarks).map(|k| [row[4 + 2 * k] + x, row[5 + 2 * k] + y]);
            found.push_with(RawBox { class, score, corners: corners(centre, [row[2], row[3]]) }, landmarks);
        }
        Ok(())
    }

    /// The anchors in input pixels.
    fn points(&self, size: [u32; 2]) -> impl Iterator<Item = [f32; 2]> + '_ {
        self.strides.iter().zip(&self.anchors).flat_map(move |(stride, &n)| {
            let cells = grid_cells(size, std::slice::from_ref(stride)).collect::<Vec<_>>();
            let centre = |[column, row, stride]: [f32; 3]| [(column + 0.5) * stride, (row + 0.5) * stride];
            cells.into_iter().flat_map(move |cell| std::iter::repeat_n(centre(cell), n as usize))
        })
    }
}
