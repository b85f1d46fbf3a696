//! Tiles: parts of a frame that are looked at one by one, so that small subjects reach the model at a size that it can
//! see.
//!
//! A model that takes 416 pixels sees a 4K frame nine times smaller than it is; a drone of 40 pixels is left with four.
//! Tiles cover the frame at about the model's own scale ([`plan`]) and overlap, so that a subject no larger than the
//! overlap lies wholly in at least one of them. The whole frame is looked at as well: subjects larger than a tile are
//! seen only there. What all parts say is put together by [`merge`].
//!
//! Which of the planned tiles are worth a look is decided by [`TileRounds`].

mod merge;
mod plan;
mod rounds;

use std::time::Duration;

use forewarn_domain::{Detection, Detector, DetectorError, Frame, Tile};

pub use merge::{Seen, merge};
pub use plan::{Grid, MAX_OVERLAP, MOST_ACROSS, TileSpec, TileSpecError, plan};
pub use rounds::TileRounds;

/// How a camera's frames are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    /// The grid.
    pub spec: TileSpec,
    /// Time within which every tile is looked at, as far as the budget allows.
    pub sweep: Duration,
    /// Larger side of the subjects that are expected, in pixels of the frame, until some are tracked: tiles that go by the size of
    /// those begin for these. None where nobody knows.
    pub expected_px: Option<f32>,
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
