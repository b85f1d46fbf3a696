//! CenterFace: faces as peaks of a heat map.
//!
//! Source: Xu et al., CenterFace (2019), section 3.2, and the author's decoding: sizes are exponentials in cells,
//! height first; landmarks are parts of the box from its top left corner, y first.

use ndarray::{ArrayView3, Ix4};

use super::shape::{Side, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, corners, grid};
use crate::card::{Card, DecoderSpec};

/// Landmarks of a face: eyes, nose, corners of the mouth.
const LANDMARKS: usize = 5;

/// Decodes the four maps.
#[derive(Debug)]
pub(super) struct CenterfaceDecoder {
    stride: u32,
    heat_map: String,
    sizes: String,
    offsets: String,
    landmarks: String,
}

impl CenterfaceDecoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Centerface { stride, heat_map, sizes, offsets, landmarks } = card.decoder.clone() else {
            return None;
        };
        Some(Self { stride, heat_map, sizes, offsets, landmarks })
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        let [columns, rows] = grid(shot.size, self.stride);
        let map = |name: &str, channels: usize| {
            tensor::<Ix4>(outputs, name, shot, &[Side::Is(channels), Side::Is(rows), Side::Is(columns)])
        };
        let heat = map(&self.heat_map, 1)?;
        let (sizes, offsets, landmarks) =
            (map(&self.sizes, 2)?, map(&self.offsets, 2)?, map(&self.landmarks, LANDMARKS * 2)?);
        let (heat, sizes, offsets, landmarks) = (heat.part(), sizes.part(), offsets.part(), landmarks.part());
        let stride = self.stride as f32;
        found.begin(LANDMARKS);
        for ((_, row, column), &score) in heat.indexed_iter().filter(|&(_, &score)| score >= threshold) {
            let at = |map: &ArrayView3<'_, f32>, channel: usize| map[[channel, row, column]];
            let (h, w) = (at(&sizes, 0).exp() * stride, at(&sizes, 1).exp() * stride);
            let x = (column as f32 + at(&offsets, 1) + 0.5) * stride;
            let y = (row as f32 + at(&offsets, 0) + 0.5) * stride;
            let corners = corners([x, y], [w, h]);
            let point = |k: usize| [at(&landmarks, 2 * k + 1) * w + corners[0], at(&landmarks, 2 * k) * h + corners[1]];
            found.push_with(RawBox { class: 0, score, corners }, (0..LANDMARKS).map(point));
        }
        Ok(())
    }
}
