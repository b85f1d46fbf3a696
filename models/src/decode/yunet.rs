//! YuNet: an anchor-free face detector with one head for each stride.
//!
//! Source: Wu et al., YuNet (2023), section 3.3, and OpenCV 4 `modules/objdetect/src/face_detect.cpp`: offsets from
//! the cell's top left corner in strides, sizes as logarithms, score the root of class score times objectness.

use ndarray::Ix3;

use super::shape::{Side, tensor};
use super::{DecodeError, Outputs, RawBox, RawBoxes, Shot, corners, grid, grid_cells};
use crate::card::{Card, DecoderSpec};

/// Landmarks of a face: eyes, nose, corners of the mouth.
const LANDMARKS: usize = 5;

/// The names of a head's outputs.
#[derive(Debug)]
struct Head {
    stride: u32,
    classes: String,
    objects: String,
    boxes: String,
    landmarks: String,
}

/// Decodes all heads.
#[derive(Debug)]
pub(super) struct YunetDecoder(Vec<Head>);

impl YunetDecoder {
    pub(super) fn new(card: &Card) -> Option<Self> {
        let DecoderSpec::Yunet { strides, class_outputs, object_outputs, box_outputs, landmark_outputs } =
            card.decoder.clone()
        else {
            return None;
        };
        let names = class_outputs.into_iter().zip(object_outputs).zip(box_outputs.into_iter().zip(landmark_outputs));
        let head =
            |(stride, ((classes, objects), (boxes, landmarks)))| Head { stride, classes, objects, boxes, landmarks };
        Some(Self(strides.into_iter().zip(names).map(head).collect()))
    }

    pub(super) fn decode(
        &self,
        outputs: &impl Outputs,
        shot: Shot,
        threshold: f32,
        found: &mut RawBoxes,
    ) -> Result<(), DecodeError> {
        found.begin(LANDMARKS);
        for head in &self.0 {
            let n = grid(shot.size, head.stride).iter().product();
            let rows = |name: &str, values| tensor::<Ix3>(outputs, name, shot, &[Side::Is(n), Side::Is(values)]);
            let (classes, objects) = (rows(&head.classes, 1)?, rows(&head.objects, 1)?);
            let (boxes, landmarks) = (rows(&head.boxes, 4)?, rows(&head.landmarks, LANDMARKS * 2)?);
            let (classes, objects) = (classes.part(), objects.part());
            let (boxes, landmarks) = (boxes.part(), landmarks.part());
            for (i, [column, line, stride]) in grid_cells(shot.size, &[head.stride]).enumerate() {
                let score = (classes[[i, 0]].clamp(0.0, 1.0) * objects[[i, 0]].clamp(0.0, 1.0)).sqrt();
                if score.is_nan() || score < threshold {
                    continue;
                }
                let (b, l) = (boxes.row(i), landmarks.row(i));
                let centre = [(column + b[0]) * stride, (line + b[1]) * stride];
                let size = [b[2].exp() * stride, b[3].exp() * stride];
                let points = (0..LANDMARKS).map(|k| [(column + l[2 * k]) * stride, (line + l[2 * k + 1]) * stride]);
                found.push_with(RawBox { class: 0, score, corners: corners(centre, size) }, points);
            }
        }
        Ok(())
    }
}
