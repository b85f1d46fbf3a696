//! How one stream's frames are looked at, live and in a replay: what moves in them, and which tiles are worth a look.

use std::time::Duration;

use forewarn_analytics::luma::{LookReason, LumaPlane, MotionGate, MotionGateConfig};
use forewarn_domain::{BBox, Coverage, Detection, Frame, Tile, Timestamp};

use crate::tiles::{self, Seen, TileRounds, Tiles};

/// Samples in a row of the small grey plane of a frame, on which motion, the camera's shake and things that stay are
/// sought.
const PLANE_WIDTH: u32 = 320;

/// The small grey plane of a frame.
pub fn plane_of(frame: &Frame) -> LumaPlane {
    LumaPlane::from_frame(frame, PLANE_WIDTH)
}

/// What a glance at a frame says.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// The frame, small and grey, where motion is sought in it.
    pub plane: Option<LumaPlane>,
    /// Whether something has moved since the last frame that was analysed.
    pub is_moving: bool,
    /// Where, in pixels of the frame.
    pub regions: Vec<BBox>,
}

/// What is looked at in one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// The whole frame first, then tiles.
    pub tiles: Vec<Tile>,
    /// What that can have seen; none where the whole frame is all there is.
    pub coverage: Option<Coverage>,
}

/// One stream's motion gate and tile rounds.
#[derive(Debug)]
pub struct Eye {
    gate: Option<MotionGate>,
    tiles: Option<Tiles>,
    rounds: Option<((u32, u32), TileRounds)>,
    input: (u32, u32),
}

impl Eye {
    /// The eye of a camera for a model whose input is of size `input`. Without motion gate and tiles it costs nothing.
    pub fn new(tiles: Option<Tiles>, input: (u32, u32), is_gated: bool) -> Self {
        // The scheduler knows when a look is due; the gate only says whether something moved.
        let never = Duration::from_hours(1).as_secs_f64();
        let config = MotionGateConfig { look_at_least_every_s: never, ..MotionGateConfig::default() };
        Self { gate: (is_gated || tiles.is_some()).then(|| MotionGate::new(config)), tiles, rounds: None, input }
    }

    /// Whether tiles are looked at.
    pub fn has_tiles(&self) -> bool {
        self.tiles.is_some()
    }

    /// How long the tile that was looked at the longest ago has waited; none without tiles.
    pub fn oldest_tile(&self, now: Timestamp) -> Option<Duration> {
        self.rounds.as_ref().map(|(_, rounds)| rounds.oldest(now))
    }

    /// Glances at a frame. A stream without a motion gate always moves.
    pub fn glance(&mut self, frame: &Frame) -> Glance {
        let Some(gate) = &mut self.gate else { return Glance { plane: None, is_moving: true, regions: Vec::new() } };
        let plane = plane_of(frame);
        let motion = gate.look(frame.meta.captured_at, &plane);
        let (width, height) = (frame.width as f32, frame.height as f32);
        let to_frame = |b: &BBox| BBox::new(b.x0 * width, b.y0 * height, b.x1 * width, b.y1 * height);
        Glance {
            is_moving: motion.reason.is_some_and(|reason| reason != LookReason::Due),
            regions: motion.regions_normalised.iter().map(to_frame).collect(),
            plane: Some(plane),
        }
    }

    /// The frame of the last glance is analysed; later ones are compared with it.
    pub fn analysed(&mut self) {
        if let Some(gate) = &mut self.gate {
            gate.mark_analysed();
        }
    }

    /// What to look at in a frame: all of it, and up to `most` tiles.
    pub fn parts(&mut self, frame: &Frame, now: Timestamp, tracks: &[BBox], motion: &[BBox], most: usize) -> Parts {
        let size = (frame.width, frame.height);
        let whole = Tile::whole(size);
        let Some(Tiles { spec, sweep }) = self.tiles else {
            return Parts { tiles: vec![whole], coverage: None };
        };
        if self.rounds.as_ref().is_none_or(|(of, _)| *of != size) {
            let tiles = tiles::plan(size, self.input, &spec);
            self.rounds = Some((size, TileRounds::new(tiles, size, self.input, sweep, now)));
        }
        let Some((_, rounds)) = self.rounds.as_mut().filter(|(_, rounds)| !rounds.tiles().is_empty()) else {
            return Parts { tiles: vec![whole], coverage: None };
        };
        let chosen = rounds.choose(now, tracks, motion, most);
        let coverage = Some(rounds.coverage(&chosen));
        Parts { tiles: std::iter::once(whole).chain(chosen).collect(), coverage }
    }
}

impl Parts {
    /// The pictures to be looked at, in order.
    pub fn pictures(&self, frame: &Frame) -> Vec<Frame> {
        self.tiles.iter().map(|tile| tile.of(frame)).collect()
    }

    /// Puts together what the detector says of the pictures.
    pub fn merge(&self, frame: &Frame, found: Vec<Vec<Detection>>) -> Vec<Detection> {
        if let [_] = self.tiles.as_slice() {
            return found.into_iter().next().unwrap_or_default();
        }
        let seen = |(tile, found): (&Tile, Vec<Detection>)| Seen { tile: *tile, detections: tile.to_frame(found) };
        tiles::merge((frame.width, frame.height), self.tiles.iter().zip(found).map(seen).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Analysed;
    use crate::testing::{at_s, grey};

    #[test]
    fn a_plane_is_made_by_the_glance_that_needs_it_and_else_for_the_analysed_frame() {
        let frame = grey(0, at_s(0.0));
        for is_gated in [true, false] {
            let glance = Eye::new(None, (416, 416), is_gated).glance(&frame);
            assert_eq!(glance.plane.is_some(), is_gated);
            let analysed = Analysed::new(frame.clone(), glance.plane, Vec::new(), None);
            assert_eq!(analysed.plane, plane_of(&frame));
        }
    }
}
