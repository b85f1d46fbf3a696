//! Tiles: parts of a frame that are looked at one by one, so that small subjects reach the model at a size that it can
//! see.
//!
//! A model that takes 416 pixels sees a 4K frame nine times smaller than it is; a drone of 40 pixels is left with four.
//! Tiles cover the frame at about the model's own scale ([`plan`]) and overlap, so that a subject no larger than the
//! overlap lies wholly in at least one of them. The whole frame is looked at as well: subjects larger than a tile are
//! seen only there. What all parts say is put together by [`merge`].
//!
//! Everything here is pure: which of the planned tiles are worth a look is decided by the caller.

mod merge;
mod plan;

use forewarn_domain::{BBox, Detection, Detector, DetectorError, Frame};

pub use merge::{Seen, merge};
pub use plan::{Grid, MAX_OVERLAP, MOST_ACROSS, TileSpec, TileSpecError, plan};

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

/// Looks at a frame as a whole and at `tiles` of it in one batch, and puts together what they show.
pub fn detect(detector: &mut dyn Detector, frame: &Frame, tiles: &[Tile]) -> Result<Vec<Detection>, DetectorError> {
    let whole = Tile::whole((frame.width, frame.height));
    let parts: Vec<Tile> = std::iter::once(whole).chain(tiles.iter().copied()).collect();
    let pictures: Vec<Frame> = parts.iter().map(|tile| tile.of(frame)).collect();
    let found = detector.detect(&pictures.iter().collect::<Vec<_>>())?;
    let seen = parts.iter().zip(found).map(|(tile, found)| Seen { tile: *tile, detections: tile.to_frame(found) });
    Ok(merge((frame.width, frame.height), seen.collect()))
}

#[cfg(test)]
mod tests;
