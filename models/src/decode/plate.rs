//! Plates with their corners: RetinaFace with other landmarks.
//!
//! Source: Deng et al., RetinaFace (2019), and the common PyTorch port: square priors of fixed sides in input pixels
//! around the centres of the cells of each stride; offsets as in SSD; landmarks are offsets in prior sides.

use ndarray::Ix3;

use super::shape::{Side, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, corners, grid, grid_cells};
use crate::card::{Card, DecoderSpec};

/// Number of the class that is wanted; the other one is the background.
const PLATE: usize = 1;

/// Decodes offsets, scores and landmarks.
#[derive(Debug)]
pub(super) struct PlateDecoder {
    boxes: String,
    scores: String,
    landmarks: String,
    n_landmarks: usize,
    heads: Vec<(u32, Vec<f32>)>,
    variances: [f32; 2],
}

impl PlateDecoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Plate { boxes, scores, landmarks, points, strides, prior_sides, variances } =
            card.decoder.clone()
        else {
            return None;
        };
        let heads = strides.into_iter().zip(prior_sides).collect();
        Some(Self { boxes, scores, landmarks, n_landmarks: points as usize, heads, variances })
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        let cells = |stride: u32| grid(shot.size, stride).iter().product::<usize>();
        let n = self.heads.iter().map(|(stride, sides)| cells(*stride) * sides.len()).sum();
        let rows = |name: &str, values| tensor::<Ix3>(outputs, name, shot, &[Side::Is(n), Side::Is(values)]);
        let (scores, boxes) = (rows(&self.scores, 2)?, rows(&self.boxes, 4)?);
        let landmarks = rows(&self.landmarks, 2 * self.n_landmarks)?;
        let (scores, boxes, landmarks) = (scores.part(), boxes.part(), landmarks.part());
        let [of_centre, of_size] = self.variances;
        found.begin(self.n_landmarks);
        for (i, [x, y, side]) in self.priors(shot.size).enumerate() {
            let score = scores[[i, PLATE]];
            if score.is_nan() || score < threshold {
                continue;
            }
            let (b, l) = (boxes.row(i), landmarks.row(i));
            let at = |dx: f32, dy: f32| [x + dx * of_centre * side, y + dy * of_centre * side];
            let size = [side * (b[2] * of_size).exp(), side * (b[3] * of_size).exp()];
            let points = (0..self.n_landmarks).map(|k| at(l[2 * k], l[2 * k + 1]));
            found.push_with(RawBox { class: 0, score, corners: corners(at(b[0], b[1]), size) }, points);
        }
        Ok(())
    }

    /// Centre and side of each prior in input pixels.
    fn priors(&self, size: [u32; 2]) -> impl Iterator<Item = [f32; 3]> + '_ {
        self.heads.iter().flat_map(move |(stride, sides)| {
            grid_cells(size, std::slice::from_ref(stride)).flat_map(move |[column, row, stride]| {
                sides.iter().map(move |&side| [(column + 0.5) * stride, (row + 0.5) * stride, side])
            })
        })
    }
}
