//! YOLOv8 and its kin: boxes in input pixels and class scores, one column for each cell.
//!
//! Source: the documented ONNX export of that family without suppression in the graph: rows centre x, centre y,
//! width, height and one for each class (sigmoid applied); columns are the cells of all strides.

use ndarray::{ArrayView2, Ix3};

use super::shape::{Side, one_output, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, corners, n_cells};
use crate::card::{Card, DecoderSpec};

/// Decodes the one output.
#[derive(Debug)]
pub(super) struct Yolov8Decoder {
    output: Option<String>,
    is_cells_first: bool,
    strides: Vec<u32>,
    n_classes: usize,
}

impl Yolov8Decoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Yolov8 { output, cells_first, strides } = card.decoder.clone() else { return None };
        Some(Self { output, is_cells_first: cells_first, strides, n_classes: card.classes.by_number().len() })
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        let name = one_output(outputs, self.output.as_deref())?;
        let (cells, values) = (Side::Is(n_cells(shot.size, &self.strides)), Side::Is(4 + self.n_classes));
        let sides = if self.is_cells_first { [cells, values] } else { [values, cells] };
        let tensor = tensor::<Ix3>(outputs, name, shot, &sides)?;
        let part = tensor.part();
        let columns = if self.is_cells_first { part.reversed_axes() } else { part };
        let best = best_of_columns(&columns, self.n_classes);
        found.begin(0);
        for (cell, (class, score)) in best.into_iter().enumerate().filter(|&(_, (_, score))| score >= threshold) {
            let [x, y, w, h] = [0, 1, 2, 3].map(|k| columns[[k, cell]]);
            found.push(RawBox { class, score, corners: corners([x, y], [w, h]) });
        }
        Ok(())
    }
}

/// The best class and score of each column, the first of equals.
fn best_of_columns(columns: &ArrayView2<'_, f32>, n_classes: usize) -> Vec<(usize, f32)> {
    // Whole rows are compared, because the cells of a row lie side by side.
    let mut best = vec![(0, f32::NEG_INFINITY); columns.ncols()];
    for class in 0..n_classes {
        for (best, &score) in best.iter_mut().zip(columns.row(4 + class)) {
            if score > best.1 {
                *best = (class, score);
            }
        }
    }
    best
}
