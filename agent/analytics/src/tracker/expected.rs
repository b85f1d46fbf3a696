//! Where a track is expected, and how much of it a detection overlaps: boxes are widened by what is not known.
//!
//! At 2 to 10 frames a second a small walker moves by more than the width of the box, so plain IoU finds no overlap.
//! Both boxes are therefore widened before they are compared (buffered IoU, Yang et al. 2023), the more the less sure
//! the filter is; after a few regular frames the widening is slight and neighbours are told apart.

use forewarn_domain::BBox;

use super::kalman::{BoxFilter, mean_side};

/// Widening of each side, in parts of the mean side: what is always added, and what per standard deviation.
const WIDEN: f32 = 0.08;
const WIDEN_PER_SPREAD: f32 = 0.6;
const WIDEST: f32 = 0.6;

fn widened(bbox: &BBox, by: f32) -> BBox {
    BBox::new(bbox.x0 - by, bbox.y0 - by, bbox.x1 + by, bbox.y1 + by)
}

/// Where a track is expected in a frame, which each of its detections is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) bbox: BBox,
    side: f32,
    /// By how much of the mean side it is widened.
    widen: f32,
}

impl Expected {
    pub(super) fn new(filter: &BoxFilter) -> Self {
        let bbox = filter.bbox();
        let widen = (WIDEN + WIDEN_PER_SPREAD * filter.spread()).min(WIDEST);
        Self { bbox, side: mean_side(&bbox), widen }
    }
}

/// Overlap of the widened boxes, 0 to 1; `side` is the mean side of `bbox`.
pub(super) fn overlap(expected: &Expected, bbox: &BBox, side: f32) -> f32 {
    let place = &expected.bbox;
    let side = expected.side.min(side);
    // Most pairs of a picture lie too far apart, whatever is known of the track, and that is told for little.
    let apart_x = (place.x0 - bbox.x1).max(bbox.x0 - place.x1);
    let apart_y = (place.y0 - bbox.y1).max(bbox.y0 - place.y1);
    if apart_x.max(apart_y) > 2.0 * WIDEST * side {
        return 0.0;
    }
    let by = expected.widen * side;
    widened(place, by).iou(&widened(bbox, by))
}
