//! Detection transformers: each query claims one box, and no two claim the same.
//!
//! Source: Carion et al., DETR (2020), section 3.1; RT-DETR (Zhao et al. 2023) and D-FINE (Peng et al. 2024) keep the
//! outputs and score each class by a sigmoid of its own, so that one query may claim several classes.

use ndarray::{Ix2, Ix3};

use super::shape::{Side, tensor};
use super::ssd::Scorer;
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, corners, sigmoid};
use crate::card::{Activation, BoxFormat, Card, DecoderSpec};

/// What a query is called in messages.
const QUERIES: Side = Side::Any("queries");

/// Decodes queries.
#[derive(Debug)]
pub(super) struct QueriesDecoder {
    boxes: String,
    scores: String,
    labels: Option<String>,
    scorer: Scorer,
    activation: Activation,
    format: BoxFormat,
    is_normalised: bool,
}

impl QueriesDecoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Queries { boxes, scores, labels, activation, background, box_format, normalised } =
            card.decoder.clone()
        else {
            return None;
        };
        let scorer = Scorer::new(card, activation, background);
        Some(Self { boxes, scores, labels, scorer, activation, format: box_format, is_normalised: normalised })
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        let boxes = tensor::<Ix3>(outputs, &self.boxes, shot, &[QUERIES, Side::Is(4)])?;
        let boxes = boxes.part();
        let n = boxes.nrows();
        let claims = match &self.labels {
            Some(labels) => self.chosen(outputs, (labels, n), shot, threshold)?,
            None => self.scored(outputs, n, shot, threshold)?,
        };
        let [width, height] = if self.is_normalised { shot.size.map(|side| side as f32) } else { [1.0; 2] };
        found.begin(0);
        for (query, class, score) in claims {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| boxes[[query, k]]);
            let [x0, y0, x1, y1] = match self.format {
                BoxFormat::Cxcywh => corners([a, b], [c, d]),
                BoxFormat::Xyxy => [a, b, c, d],
            };
            found.push(RawBox { class, score, corners: [x0 * width, y0 * height, x1 * width, y1 * height] });
        }
        Ok(())
    }

    /// Query, class and score of a graph that scores every class.
    fn scored(
        &self,
        outputs: &impl Outputs,
        n: usize,
        shot: Shot,
        threshold: f32,
    ) -> Result<Vec<(usize, usize, f32)>, DecodeError> {
        let scores = tensor::<Ix3>(outputs, &self.scores, shot, &[Side::Is(n), Side::Is(self.scorer.n_scores())])?;
        let of_query = |(query, row): (usize, ndarray::ArrayView1<'_, f32>)| {
            let claims = self.scorer.all(&super::shape::contiguous(&row), threshold);
            claims.into_iter().map(move |(class, score)| (query, class, score)).collect::<Vec<_>>()
        };
        Ok(scores.part().outer_iter().enumerate().flat_map(of_query).collect())
    }

    /// Query, class and score of a graph that chose the best pairs itself.
    fn chosen(
        &self,
        outputs: &impl Outputs,
        (labels, n): (&str, usize),
        shot: Shot,
        threshold: f32,
    ) -> Result<Vec<(usize, usize, f32)>, DecodeError> {
        let labels = tensor::<Ix2>(outputs, labels, shot, &[Side::Is(n)])?;
        let scores = tensor::<Ix2>(outputs, &self.scores, shot, &[Side::Is(n)])?;
        let score = |raw: f32| if self.activation == Activation::Sigmoid { sigmoid(raw) } else { raw };
        let (labels, scores) = (labels.part(), scores.part());
        let claims = labels.iter().zip(scores).enumerate().map(|(query, (&label, &raw))| (query, label, score(raw)));
        // A negative label, which some graphs fill up with, becomes no class.
        let strong = claims.filter(|&(_, label, score)| label >= 0.0 && score >= threshold);
        Ok(strong.map(|(query, label, score)| (query, label as usize, score)).collect())
    }
}
