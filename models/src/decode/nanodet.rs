//! NanoDet: anchor-free, a distribution of distances for each side of the box.
//!
//! Source: Lyu, NanoDet (2020), whose head is that of Li et al., Generalized Focal Loss (2020), section 3.2: a
//! side's distance is the expectation over `reg_max + 1` bins of a softmax, in units of the stride.

use ndarray::Ix3;

use super::shape::{Side, contiguous, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, best_class, grid};

/// One detection head: stride, and the names of its class and box outputs.
type Head = (u32, (String, String));

/// Decodes all heads.
#[derive(Debug)]
pub(super) struct NanodetDecoder {
    heads: Vec<Head>,
    n_classes: usize,
    n_bins: usize,
}

impl NanodetDecoder {
    pub(super) fn new(n_classes: usize, n_bins: usize, heads: Vec<Head>) -> Self {
        Self { heads, n_classes, n_bins }
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        found.begin(0);
        for (stride, (class_output, box_output)) in &self.heads {
            let [columns, rows] = grid(shot.size, *stride);
            let n_cells = columns * rows;
            let scores = tensor::<Ix3>(outputs, class_output, shot, &[Side::Is(n_cells), Side::Is(self.n_classes)])?;
            let sides = tensor::<Ix3>(outputs, box_output, shot, &[Side::Is(n_cells), Side::Is(self.n_bins * 4)])?;
            let (scores, sides) = (scores.part(), sides.part());
            let stride = *stride as f32;
            for (cell, row) in scores.outer_iter().enumerate() {
                let Some((class, score)) = best_class(&contiguous(&row), threshold) else { continue };
                let sides_of_cell = sides.row(cell);
                let sides = contiguous(&sides_of_cell);
                let mut distance = [0.0; 4];
                for (distance, bins) in distance.iter_mut().zip(sides.chunks_exact(self.n_bins)) {
                    *distance = expectation(bins) * stride;
                }
                let x = ((cell % columns) as f32 + 0.5) * stride;
                let y = ((cell / columns) as f32 + 0.5) * stride;
                let corners = [x - distance[0], y - distance[1], x + distance[2], y + distance[3]];
                found.push(RawBox { class, score, corners });
            }
        }
        Ok(())
    }
}

/// The mean bin of a softmax over logits.
fn expectation(logits: &[f32]) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0_f32, 0.0_f32);
    for (bin, &logit) in logits.iter().enumerate() {
        let e = (logit - highest).exp();
        sum += e;
        weighted += e * bin as f32;
    }
    weighted / sum
}
