//! From a model's raw outputs to findings in input pixels.
//!
//! Every family is a pure function of the outputs, the card and the sides of the input. The shapes of all outputs are
//! checked before a number is read, so a model that does not fit its card is found by one run on an empty input.

mod blazeface;
mod centerface;
mod classifier;
mod ctc;
mod movenet;
mod nanodet;
mod plate;
mod queries;
mod shape;
mod ssd;
mod suppressed;
mod yolov8;
mod yolox;
mod yunet;

use ndarray::{CowArray, IxDyn};

use crate::card::{Card, DecoderSpec};
pub use classifier::ClassDecoder;
pub use ctc::{Character, TextDecoder};
pub use movenet::{PoseDecoder, RawPoint};
pub use shape::DecodeError;

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

/// What a detector claims, with landmarks where its family has them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawBoxes {
    /// The boxes in the order of the cells.
    pub boxes: Vec<RawBox>,
    /// Landmarks of each box.
    n_landmarks: usize,
    /// All landmarks, those of the first box first.
    landmarks: Vec<[f32; 2]>,
}

impl RawBoxes {
    /// Begins anew with what was claimed of memory before.
    fn begin(&mut self, n_landmarks: usize) {
        self.n_landmarks = n_landmarks;
        self.boxes.clear();
        self.landmarks.clear();
    }

    /// Adds a box without landmarks, unless a number of it is infinite or NaN.
    fn push(&mut self, raw: RawBox) {
        if is_finite(&raw) {
            self.boxes.push(raw);
        }
    }

    /// Adds a box with its landmarks, unless a number is infinite or NaN.
    fn push_with(&mut self, raw: RawBox, landmarks: impl Iterator<Item = [f32; 2]>) {
        let start = self.landmarks.len();
        self.landmarks.extend(landmarks.take(self.n_landmarks));
        let own = &self.landmarks[start..];
        if is_finite(&raw) && own.len() == self.n_landmarks && own.as_flattened().iter().all(|v| v.is_finite()) {
            self.boxes.push(raw);
        } else {
            self.landmarks.truncate(start);
        }
    }

    /// The landmarks of the box of that index, in input pixels; none where the family has none.
    pub fn landmarks(&self, index: usize) -> &[[f32; 2]] {
        self.landmarks.get(index * self.n_landmarks..(index + 1) * self.n_landmarks).unwrap_or_default()
    }
}

fn is_finite(raw: &RawBox) -> bool {
    raw.score.is_finite() && raw.corners.iter().all(|v| v.is_finite())
}

/// Which picture of a run is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shot {
    /// Pictures in the run.
    pub batch: usize,
    /// Number of the picture, from 0.
    pub index: usize,
    /// Width and height of the input tensor in pixels.
    pub size: [u32; 2],
}

impl Shot {
    /// The only picture of a run.
    pub fn single(size: [u32; 2]) -> Self {
        Self { batch: 1, index: 0, size }
    }
}

/// A model's outputs by name.
pub trait Outputs {
    /// The name of the output of that number, from 0.
    fn name(&self, index: usize) -> Option<&str>;
    /// The output of that name as 32-bit floats, without a copy where it holds them; `None` if there is none or it
    /// holds no numbers.
    fn get(&self, name: &str) -> Option<CowArray<'_, f32, IxDyn>>;
}

/// Decodes the outputs of one family of detectors.
#[derive(Debug)]
pub struct Decoder(Family);

#[derive(Debug)]
enum Family {
    Nanodet(nanodet::NanodetDecoder),
    Yolox(yolox::YoloxDecoder),
    Ssd(ssd::SsdDecoder),
    Queries(queries::QueriesDecoder),
    Yolov8(yolov8::Yolov8Decoder),
    Suppressed(suppressed::SuppressedDecoder),
    Centerface(centerface::CenterfaceDecoder),
    Blazeface(blazeface::BlazefaceDecoder),
    Yunet(yunet::YunetDecoder),
    Plate(plate::PlateDecoder),
}

impl Decoder {
    /// The decoder that a card asks for; `None` if its family finds no boxes.
    pub fn new(card: &Card) -> Option<Self> {
        let n_classes = card.classes.by_number().len();
        let family = match card.decoder.clone() {
            DecoderSpec::Nanodet { strides, reg_max, class_outputs, box_outputs } => {
                let heads = strides.into_iter().zip(class_outputs.into_iter().zip(box_outputs)).collect();
                Family::Nanodet(nanodet::NanodetDecoder::new(n_classes, reg_max as usize + 1, heads))
            }
            DecoderSpec::Yolox { strides } => Family::Yolox(yolox::YoloxDecoder::new(n_classes, strides)),
            DecoderSpec::Ssd { .. } => Family::Ssd(ssd::SsdDecoder::new(card)?),
            DecoderSpec::Queries { .. } => Family::Queries(queries::QueriesDecoder::new(card)?),
            DecoderSpec::Yolov8 { .. } => Family::Yolov8(yolov8::Yolov8Decoder::new(card)?),
            DecoderSpec::Suppressed { .. } => Family::Suppressed(suppressed::SuppressedDecoder::new(card)?),
            DecoderSpec::Centerface { .. } => Family::Centerface(centerface::CenterfaceDecoder::new(card)?),
            DecoderSpec::Blazeface { .. } => Family::Blazeface(blazeface::BlazefaceDecoder::new(card)?),
            DecoderSpec::Yunet { .. } => Family::Yunet(yunet::YunetDecoder::new(card)?),
            DecoderSpec::Plate { .. } => Family::Plate(plate::PlateDecoder::new(card)?),
            DecoderSpec::Movenet { .. } | DecoderSpec::Ctc { .. } | DecoderSpec::Classifier { .. } => return None,
        };
        Some(Self(family))
    }

    /// All boxes of one picture whose score is at least `threshold` (above 0), in the order of the cells. Nothing
    /// infinite or NaN comes out.
    pub fn decode(&self, outputs: &impl Outputs, shot: Shot, threshold: f32) -> Result<RawBoxes, DecodeError> {
        let mut found = RawBoxes::default();
        self.decode_into(outputs, shot, threshold, &mut found)?;
        Ok(found)
    }

    /// The same in place of what was found before, in the memory of that.
    pub fn decode_into(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        match &self.0 {
            Family::Nanodet(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Yolox(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Ssd(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Queries(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Yolov8(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Suppressed(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Centerface(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Blazeface(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Yunet(decoder) => decoder.decode(outputs, shot, threshold, found),
            Family::Plate(decoder) => decoder.decode(outputs, shot, threshold, found),
        }
    }
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

/// The logistic function.
fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The logit whose sigmoid is `score`.
fn logit(score: f32) -> f32 {
    (score / (1.0 - score)).ln()
}

/// Turns logits to probabilities that add up to 1.
fn softmax(scores: &mut [f32]) {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in &mut *scores {
        *score = (*score - highest).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

/// Columns and rows of the cells of a stride.
fn grid([width, height]: [u32; 2], stride: u32) -> [usize; 2] {
    [(width / stride) as usize, (height / stride) as usize]
}

/// All cells of several strides, one stride after the other, row by row: column, row and stride.
fn grid_cells(size: [u32; 2], strides: &[u32]) -> impl Iterator<Item = [f32; 3]> + '_ {
    strides.iter().flat_map(move |&stride| {
        let [columns, rows] = grid(size, stride);
        (0..rows).flat_map(move |y| (0..columns).map(move |x| [x as f32, y as f32, stride as f32]))
    })
}

/// How many those are.
fn n_cells(size: [u32; 2], strides: &[u32]) -> usize {
    strides.iter().map(|&stride| grid(size, stride).iter().product::<usize>()).sum()
}

/// The corners of a box by centre and size.
fn corners([x, y]: [f32; 2], [width, height]: [f32; 2]) -> [f32; 4] {
    let (half_w, half_h) = (width * 0.5, height * 0.5);
    [x - half_w, y - half_h, x + half_w, y + half_h]
}

#[cfg(test)]
mod tests;
