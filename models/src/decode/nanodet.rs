//! NanoDet: anchor-free, a distribution of distances for each side of the box.
//!
//! Source: Lyu, NanoDet (2020), whose head is that of Li et al., Generalized Focal Loss (2020), section 3.2: a
//! side's distance is the expectation over `reg_max + 1` bins of a softmax, in units of the stride.

use std::borrow::Cow;

use ndarray::ArrayView1;

use super::{DecodeError, Outputs, RawBox, best_class, cells};

/// One detection head.
#[derive(Debug)]
struct Head {
    stride: u32,
    columns: usize,
    rows: usize,
    class_output: String,
    box_output: String,
}

/// Decodes all heads.
#[derive(Debug)]
pub(crate) struct NanodetDecoder {
    heads: Vec<Head>,
    n_classes: usize,
    n_bins: usize,
}

impl NanodetDecoder {
    /// `heads` are the stride and the names of the class and box output of each head.
    pub(crate) fn new(
        [width, height]: [u32; 2],
        n_classes: usize,
        n_bins: usize,
        heads: Vec<(u32, (String, String))>,
    ) -> Self {
        let head = |(stride, (class_output, box_output))| Head {
            stride,
            columns: (width / stride) as usize,
            rows: (height / stride) as usize,
            class_output,
            box_output,
        };
        Self { heads: heads.into_iter().map(head).collect(), n_classes, n_bins }
    }

    pub(crate) fn decode(&self, outputs: &impl Outputs, threshold: f32) -> Result<Vec<RawBox>, DecodeError> {
        let mut boxes = Vec::new();
        for head in &self.heads {
            let n_cells = head.columns * head.rows;
            let scores = cells(outputs, &head.class_output, n_cells, self.n_classes)?;
            let sides = cells(outputs, &head.box_output, n_cells, self.n_bins * 4)?;
            let stride = head.stride as f32;
            for (cell, row) in scores.outer_iter().enumerate() {
                let Some((class, score)) = best_class(&contiguous(&row), threshold) else { continue };
                let sides_of_cell = sides.row(cell);
                let sides = contiguous(&sides_of_cell);
                let mut distance = [0.0; 4];
                for (distance, bins) in distance.iter_mut().zip(sides.chunks_exact(self.n_bins)) {
                    *distance = expectation(bins) * stride;
                }
                let x = ((cell % head.columns) as f32 + 0.5) * stride;
                let y = ((cell / head.columns) as f32 + 0.5) * stride;
                let corners = [x - distance[0], y - distance[1], x + distance[2], y + distance[3]];
                boxes.push(RawBox { class, score, corners });
            }
        }
        Ok(boxes)
    }
}

/// A row as a slice; copied only if the runtime gave it out of order.
pub(super) fn contiguous<'a>(row: &ArrayView1<'a, f32>) -> Cow<'a, [f32]> {
    match row.to_slice() {
        Some(slice) => slice.into(),
        None => row.to_vec().into(),
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
