//! Single-shot detectors: offsets of prior boxes.
//!
//! Source: Liu et al., SSD (2016), section 2.2: centre = prior centre + offset · variance · prior size, size = prior
//! size · exp(offset · variance). TensorFlow's object detection API calls the inverse of a variance a scale factor and
//! puts y before x.

use ndarray::Ix3;

use super::shape::{Side, contiguous, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, best_class, corners, logit, sigmoid, softmax};
use crate::card::{Activation, AnchorGrid, Card, DecoderSpec, OffsetOrder};

/// Decodes offsets and scores.
#[derive(Debug)]
pub(super) struct SsdDecoder {
    boxes: String,
    scores: String,
    scorer: Scorer,
    order: OffsetOrder,
    variances: [f32; 4],
    /// Centre and size in parts of the input.
    priors: Vec<[f32; 4]>,
}

impl SsdDecoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Ssd { boxes, scores, activation, background, order, variances, grids } = card.decoder.clone()
        else {
            return None;
        };
        let scorer = Scorer::new(card, activation, background);
        let priors = grids.iter().flat_map(priors).collect();
        Some(Self { boxes, scores, scorer, order, variances, priors })
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        let n = Side::Is(self.priors.len());
        let scores = tensor::<Ix3>(outputs, &self.scores, shot, &[n, Side::Is(self.scorer.n_scores())])?;
        let offsets = tensor::<Ix3>(outputs, &self.boxes, shot, &[n, Side::Is(4)])?;
        let (scores, offsets) = (scores.part(), offsets.part());
        let [width, height] = shot.size.map(|side| side as f32);
        found.begin(0);
        for (i, (row, prior)) in scores.outer_iter().zip(&self.priors).enumerate() {
            let Some((class, score)) = self.scorer.best(&contiguous(&row), threshold) else { continue };
            let offsets = offsets.row(i);
            let [x, y, w, h] = match self.order {
                OffsetOrder::Xywh => [0, 1, 2, 3],
                OffsetOrder::Yxhw => [1, 0, 3, 2],
            }
            .map(|k| offsets[k]);
            let [vx, vy, vw, vh] = self.variances;
            let centre = [prior[0] + x * vx * prior[2], prior[1] + y * vy * prior[3]];
            let size = [prior[2] * (w * vw).exp(), prior[3] * (h * vh).exp()];
            let [x0, y0, x1, y1] = corners(centre, size);
            found.push(RawBox { class, score, corners: [x0 * width, y0 * height, x1 * width, y1 * height] });
        }
        Ok(())
    }
}

/// The priors of one grid: centre and size in parts of the input.
fn priors(grid: &AnchorGrid) -> impl Iterator<Item = [f32; 4]> + '_ {
    let centre = |cell: u32, n: u32| (cell as f32 + 0.5) / n as f32;
    (0..grid.rows).flat_map(move |row| {
        (0..grid.columns).flat_map(move |column| {
            let (x, y) = (centre(column, grid.columns), centre(row, grid.rows));
            grid.anchors.iter().map(move |&[w, h]| [x, y, w, h])
        })
    })
}

/// Chooses the best class of a row of scores.
#[derive(Debug)]
pub(super) struct Scorer {
    activation: Activation,
    /// Whether a number can be reported.
    is_class: Vec<bool>,
    are_all_classes: bool,
}

impl Scorer {
    /// `background` may be one beyond the card's classes.
    pub(super) fn new(card: &Card, activation: Activation, background: Option<usize>) -> Self {
        let mut is_class: Vec<bool> = card.classes.by_number().iter().map(Option::is_some).collect();
        if let Some(background) = background {
            is_class.resize(is_class.len().max(background + 1), false);
            is_class[background] = false;
        }
        Self { activation, are_all_classes: is_class.iter().all(|&is_class| is_class), is_class }
    }

    /// Scores of a row.
    pub(super) fn n_scores(&self) -> usize {
        self.is_class.len()
    }

    /// The best class and its score, if that is at least `threshold`.
    pub(super) fn best(&self, row: &[f32], threshold: f32) -> Option<(usize, f32)> {
        match self.activation {
            Activation::None => self.best_raw(row, threshold),
            Activation::Sigmoid => {
                // The logistic function rises, so the best logit has the best score.
                let (class, best) = self.best_raw(row, loosened(logit(threshold)))?;
                Some((class, sigmoid(best))).filter(|&(_, score)| score >= threshold)
            }
            Activation::Softmax => {
                let mut row = row.to_vec();
                softmax(&mut row);
                self.best_raw(&row, threshold)
            }
        }
    }

    /// All classes of a row whose score is at least `threshold`.
    pub(super) fn all(&self, row: &[f32], threshold: f32) -> Vec<(usize, f32)> {
        if self.activation == Activation::Softmax {
            return self.best(row, threshold).into_iter().collect();
        }
        let score = |raw: f32| if self.activation == Activation::Sigmoid { sigmoid(raw) } else { raw };
        let scored = row.iter().zip(&self.is_class).enumerate().filter(|(_, (_, is_class))| **is_class);
        scored.map(|(class, (&raw, _))| (class, score(raw))).filter(|&(_, score)| score >= threshold).collect()
    }

    fn best_raw(&self, row: &[f32], threshold: f32) -> Option<(usize, f32)> {
        let best = best_class(row, threshold)?;
        if self.are_all_classes || self.is_class[best.0] {
            return Some(best);
        }
        let masked = row.iter().zip(&self.is_class);
        let masked: Vec<f32> =
            masked.map(|(&score, &is_class)| if is_class { score } else { f32::NEG_INFINITY }).collect();
        best_class(&masked, threshold)
    }
}

/// A little below a threshold, so that rounding loses nothing; the exact test follows.
fn loosened(threshold: f32) -> f32 {
    threshold - threshold.abs() * 1e-4 - 1e-4
}
