//! Parts of a frame that are looked at one by one.

use crate::{BBox, Detection, Frame};

/// A rectangular part of a frame in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// Left edge; even.
    pub x: u32,
    /// Top edge; even.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Tile {
    /// All of a frame of that size.
    pub const fn whole((width, height): (u32, u32)) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// The tile as a box in pixels of the frame.
    pub fn bbox(&self) -> BBox {
        let (x, y) = (self.x as f32, self.y as f32);
        BBox::new(x, y, x + self.width as f32, y + self.height as f32)
    }

    /// The tile's picture, sharing the frame's bytes.
    pub fn of(&self, frame: &Frame) -> Frame {
        frame.part((self.x, self.y), (self.width, self.height))
    }

    /// Detections of the tile's picture in pixels of the frame.
    pub fn to_frame(&self, mut detections: Vec<Detection>) -> Vec<Detection> {
        let (x, y) = (self.x as f32, self.y as f32);
        for Detection { bbox, .. } in &mut detections {
            *bbox = BBox::new(bbox.x0 + x, bbox.y0 + y, bbox.x1 + x, bbox.y1 + y);
        }
        detections
    }
}
