//! YOLOX with the raw head: centre offset and log size for each cell.
//!
//! Source: Ge et al., YOLOX (2021), section 2; the layout is that of the project's ONNX export without
//! `--decode_in_inference`: x, y, log w, log h, objectness, class scores (both sigmoid), all strides in one row.

use super::nanodet::contiguous;
use super::{DecodeError, Outputs, RawBox, best_class, cells};

/// Decodes the one output.
#[derive(Debug)]
pub(crate) struct YoloxDecoder {
    /// Column, row and stride of each cell.
    cells: Vec<[f32; 3]>,
    n_classes: usize,
}

impl YoloxDecoder {
    pub(crate) fn new([width, height]: [u32; 2], n_classes: usize, strides: &[u32]) -> Self {
        let grid = |&stride: &u32| {
            let (columns, rows) = (width / stride, height / stride);
            (0..rows).flat_map(move |y| (0..columns).map(move |x| [x as f32, y as f32, stride as f32]))
        };
        Self { cells: strides.iter().flat_map(grid).collect(), n_classes }
    }

    pub(crate) fn decode(&self, outputs: &impl Outputs, threshold: f32) -> Result<Vec<RawBox>, DecodeError> {
        // The export's one output is taken whatever its name.
        let name = outputs.names().into_iter().next().unwrap_or_default();
        let rows = cells(outputs, &name, self.cells.len(), 5 + self.n_classes)?;
        let mut boxes = Vec::new();
        for (row, &[column, line, stride]) in rows.outer_iter().zip(&self.cells) {
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
            let (x, y) = ((row[0] + column) * stride, (row[1] + line) * stride);
            let (half_w, half_h) = (row[2].exp() * stride * 0.5, row[3].exp() * stride * 0.5);
            boxes.push(RawBox { class, score, corners: [x - half_w, y - half_h, x + half_w, y + half_h] });
        }
        Ok(boxes)
    }
}
