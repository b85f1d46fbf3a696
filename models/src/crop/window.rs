//! Rectangles of whole pixels around parts of a track.

use forewarn_domain::BBox;

/// Farthest that an edge may lie from the frame's origin, in pixels; a box beyond says nothing.
const FARTHEST_PX: f32 = 65_536.0;

/// A rectangle of whole pixels of a frame, which may reach beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Left edge.
    pub left: i32,
    /// Top edge.
    pub top: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Window {
    /// The window around a box: `margin` is added on each side as a part of that side's length, then the shorter side
    /// is widened to the longer one if a square is asked for, and edges go to the nearest whole pixel, so that a square
    /// may be a pixel longer than wide.
    ///
    /// `None` for a box without an area, or one that no frame can hold.
    pub fn around(bbox: &BBox, margin: f32, square: bool) -> Option<Self> {
        let is_near = <[f32; 4]>::from(*bbox).iter().all(|edge| edge.abs() <= FARTHEST_PX);
        if !bbox.is_valid() || bbox.area() <= 0.0 || !is_near || !(0.0..=4.0).contains(&margin) {
            return None;
        }
        let (mut width, mut height) = (bbox.width() * (1.0 + 2.0 * margin), bbox.height() * (1.0 + 2.0 * margin));
        if square {
            width = width.max(height);
            height = width;
        }
        let centre = bbox.centre();
        let (left, top) = ((centre.x - width / 2.0).round() as i32, (centre.y - height / 2.0).round() as i32);
        let (right, bottom) = ((centre.x + width / 2.0).round() as i32, (centre.y + height / 2.0).round() as i32);
        Some(Self { left, top, width: right.abs_diff(left).max(1), height: bottom.abs_diff(top).max(1) })
    }

    /// The part inside a frame of that size; `None` if there is none.
    #[must_use]
    pub fn inside(&self, width: u32, height: u32) -> Option<Self> {
        let span = |start: i32, side: u32, most: u32| {
            let end = (i64::from(start) + i64::from(side)).min(i64::from(most));
            let start = i64::from(start).max(0);
            (end > start).then(|| (start as i32, (end - start) as u32))
        };
        let (left, width) = span(self.left, self.width, width)?;
        let (top, height) = span(self.top, self.height, height)?;
        Some(Self { left, top, width, height })
    }

    /// How much of the window lies inside a frame of that size, 0 to 1.
    pub fn visible_part(&self, width: u32, height: u32) -> f32 {
        let area = |w: &Self| w.width as f32 * w.height as f32;
        self.inside(width, height).map_or(0.0, |inside| area(&inside) / area(self).max(1.0))
    }

    /// The shorter side in pixels.
    pub fn shorter_side_px(&self) -> u32 {
        self.width.min(self.height)
    }

    /// The window as a box of the frame.
    pub fn to_box(&self) -> BBox {
        let (x, y) = (self.left as f32, self.top as f32);
        BBox::new(x, y, x + self.width as f32, y + self.height as f32)
    }

    /// A box of the crop, in pixels of the window, as a box of the frame.
    pub fn box_to_frame(&self, bbox: &BBox) -> BBox {
        let (x, y) = (self.left as f32, self.top as f32);
        BBox::new(bbox.x0 + x, bbox.y0 + y, bbox.x1 + x, bbox.y1 + y)
    }
}
