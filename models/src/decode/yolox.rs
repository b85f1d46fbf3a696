//! YOLOX with the raw head: centre offset and log size for each cell.
//!
//! Source: Ge et al., YOLOX (2021), section 2; the layout is that of the project's ONNX export without
//! `--decode_in_inference`: x, y, log w, log h, objectness, class scores (both sigmoid), all strides in one row.

use ndarray::Ix3;

use super::shape::{Side, contiguous, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, best_class, corners, grid_cells, n_cells};

/// Decodes the one output.
#[derive(Debug)]
pub(super) struct YoloxDecoder {
    strides: Vec<u32>,
    n_classes: usize,
}

impl YoloxDecoder {
    pub(super) fn new(n_classes: usize, strides: Vec<u32>) -> Self {
        Self { strides, n_classes }
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        // The export's one output is taken whatever its name.
        let name = outputs.name(0).unwrap_or_default();
        let sides = [Side::Is(n_cells(shot.size, &self.strides)), Side::Is(5 + self.n_classes)];
        let rows = tensor::<Ix3>(outputs, name, shot, &sides)?;
        found.begin(0);
        for (row, [column, line, stride]) in rows.part().outer_iter().zip(grid_cells(shot.size, &self.strides)) {
            let row = contiguous(&row);
            let objectness = row[4];
            // A class score is at most 1, so the product cannot reach the threshold either.
            if objectness.is_nan() || objectness < threshold {
                continue;
            }
            let Some((class, class_score)) = best_class(&row[5..], 0.0) else { continue };
            let score = objectness * class_score;
            if score.is_nan() || score < threshold {
                continue;
            }
            let centre = [(row[0] + column) * stride, (row[1] + line) * stride];
            let size = [row[2].exp() * stride, row[3].exp() * stride];
            found.push(RawBox { class, score, corners: corners(centre, size) });
        }
        Ok(())
    }
}
