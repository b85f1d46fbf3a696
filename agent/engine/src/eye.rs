//! How one stream's frames are looked at, live and in a replay: what moves in them, and which tiles or windows are worth a
//! look.

use std::sync::Arc;
use std::time::Duration;

use forewarn_analytics::Exclusions;
use forewarn_analytics::luma::{LookReason, LumaPlane, MotionGate, MotionGateConfig};
use forewarn_domain::{
    BBox, Coverage, Detection, Detector, DetectorError, Exclusion, Frame, InputGrid, Tile, Timestamp, Window,
};

use crate::focus::Focus;
use crate::heads;
use crate::tiles::{self, Grid, Seen, TileRounds, TileSpec, Tiles};

/// Samples in a row of the small grey plane of a frame, on which motion, the camera's shake and things that stay are
/// sought.
const PLANE_WIDTH: u32 = 320;

/// Part of a new look's sizes in the usual one.
const SIZE_GAIN: f32 = 0.2;

/// Tiles are planned anew when subjects are larger or smaller by this than those they were planned for.
const REPLANNED_AT: f32 = 1.35;

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
    /// How the frame lies in the detector's input, where that may be looked at in windows.
    grid: Option<InputGrid>,
    /// What of the whole frame is looked at; none where that is all of it.
    windows: Option<Vec<Window>>,
}

/// One stream's motion gate, tile rounds and windows.
#[derive(Debug)]
pub struct Eye {
    gate: Option<MotionGate>,
    tiles: Option<Tiles>,
    tiling: Option<Tiling>,
    focus: Option<Focus>,
    input: (u32, u32),
    /// Larger side of the smaller subjects that were tracked, in pixels of the frame; before that of those expected.
    usual_px: Option<f32>,
    exclusions: Exclusions,
}

/// Tiles and what they were planned for.
#[derive(Debug)]
struct Tiling {
    size: (u32, u32),
    smallest_px: Option<f32>,
    rounds: TileRounds,
}

impl Eye {
    /// The eye of a camera for a model whose input is of size `input`. Without motion gate and tiles it costs nothing.
    pub fn new(tiles: Option<Tiles>, input: (u32, u32), is_gated: bool) -> Self {
        // The scheduler knows when a look is due; the gate only says whether something moved.
        let never = Duration::from_hours(1).as_secs_f64();
        let config = MotionGateConfig { look_at_least_every_s: never, ..MotionGateConfig::default() };
        Self {
            gate: (is_gated || tiles.is_some()).then(|| MotionGate::new(config)),
            tiles,
            tiling: None,
            // Who wants every frame looked at whatever moves wants all of it looked at.
            focus: (is_gated && tiles.is_none()).then(Focus::default),
            input,
            usual_px: tiles.and_then(|tiles| tiles.expected_px),
            exclusions: Exclusions::default(),
        }
    }

    /// The eye, that finds nothing in these parts of the picture.
    #[must_use]
    pub fn excluding(mut self, exclusions: Arc<[Exclusion]>) -> Self {
        self.exclude(exclusions);
        self
    }

    /// Finds nothing in these parts of the picture from the next frame on; all else goes on as it was.
    pub fn exclude(&mut self, exclusions: Arc<[Exclusion]>) {
        self.exclusions = Exclusions::new(exclusions);
    }

    /// Whether tiles are looked at.
    pub fn has_tiles(&self) -> bool {
        self.tiles.is_some()
    }

    /// How long the tile that was looked at the longest ago has waited; none without tiles.
    pub fn oldest_tile(&self, now: Timestamp) -> Option<Duration> {
        self.tiling.as_ref().map(|planned| planned.rounds.oldest(now))
    }

    /// Glances at a frame. A stream without a motion gate always moves.
    pub fn glance(&mut self, frame: &Frame) -> Glance {
        let Some(gate) = &mut self.gate else { return Glance { plane: None, is_moving: true, regions: Vec::new() } };
        let plane = plane_of(frame);
        gate.pass_over(self.exclusions.passed_over(&plane));
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

    /// What to look at in a frame: all of it, and up to `most` tiles. `tracks` and `motion` are boxes in its pixels.
    pub fn parts(&mut self, frame: &Frame, now: Timestamp, tracks: &[BBox], motion: &[BBox], most: usize) -> Parts {
        let size = (frame.width, frame.height);
        let whole = Tile::whole(size);
        let Some(Tiles { spec, sweep, .. }) = self.tiles else {
            return Parts::of(vec![whole], None);
        };
        self.size_up(tracks);
        // Who says how many tiles there are, or for which size, is taken at his word.
        let is_adaptive = spec.grid == Grid::Auto && spec.smallest_px.is_none();
        let smallest_px = if is_adaptive { self.usual_px } else { spec.smallest_px };
        let serves = |planned: &Tiling| planned.size == size && is_near(planned.smallest_px, smallest_px);
        if !self.tiling.as_ref().is_some_and(serves) {
            let tiles = tiles::plan(size, self.input, &TileSpec { smallest_px, ..spec });
            let is_same = |planned: &&mut Tiling| planned.size == size && planned.rounds.tiles() == tiles;
            // Tiles that stay as they were keep their turns.
            if let Some(planned) = self.tiling.as_mut().filter(is_same) {
                planned.smallest_px = smallest_px;
            } else {
                let rounds = TileRounds::new(tiles, size, self.input, sweep, now);
                self.tiling = Some(Tiling { size, smallest_px, rounds });
            }
        }
        let Some(rounds) = self.tiling.as_mut().map(|planned| &mut planned.rounds).filter(|r| !r.tiles().is_empty())
        else {
            return Parts::of(vec![whole], None);
        };
        let chosen = rounds.choose(now, tracks, motion, most);
        let coverage = Some(rounds.coverage(&chosen));
        Parts::of(std::iter::once(whole).chain(chosen).collect(), coverage)
    }

    /// Narrows what is looked at in a frame to those windows of it that are worth it, where the detector can look at such: `grid`
    /// says how the frame lies in its input.
    #[must_use]
    pub fn narrowed(&mut self, parts: Parts, frame: &Frame, glance: &Glance, grid: Option<InputGrid>) -> Parts {
        let (Some(focus), Some(plane)) = (&mut self.focus, &glance.plane) else { return parts };
        let Some(of_frame) = grid else {
            focus.failed();
            return parts;
        };
        focus.pass_over(plane, self.exclusions.passed_over(plane));
        Parts { windows: focus.windows(frame.meta.captured_at, plane, &of_frame), grid, ..parts }
    }

    /// Puts together what the detector says of the parts of a frame, and what is known of the rest of it, without what is not to
    /// be detected. Heads are put to their people, and come last.
    pub fn told(
        &mut self,
        parts: &Parts,
        frame: &Frame,
        plane: Option<&LumaPlane>,
        found: Result<Vec<Vec<Detection>>, DetectorError>,
    ) -> Result<Vec<Detection>, DetectorError> {
        let size = (frame.width, frame.height);
        let merged = match (&mut self.focus, plane, parts.grid) {
            (Some(focus), Some(plane), Some(grid)) => match (found, &parts.windows) {
                (Ok(found), Some(windows)) => focus.saw(size, plane, windows, found),
                (Ok(found), None) => {
                    let whole = found.first().map_or(&[][..], Vec::as_slice);
                    focus.saw_whole(frame.meta.captured_at, plane, &grid, whole);
                    parts.merge(size, found)
                }
                (Err(error), _) => {
                    focus.failed();
                    return Err(error);
                }
            },
            _ => parts.merge(size, found?),
        };
        // Windows and tiles that cut somebody must know of all who are there, so that nobody is left out before.
        Ok(heads::people_of(size, heads::without_excluded(&mut self.exclusions, size, merged)))
    }

    /// Takes in the sizes of the subjects in view: a quarter of them is smaller than what counts.
    fn size_up(&mut self, tracks: &[BBox]) {
        let mut sides: Vec<f32> = tracks.iter().map(|bbox| bbox.width().max(bbox.height())).collect();
        sides.sort_by(f32::total_cmp);
        if let Some(&side) = sides.get(sides.len() / 4) {
            let usual = self.usual_px.unwrap_or(side);
            self.usual_px = Some(usual + SIZE_GAIN * (side - usual));
        }
    }
}

/// Whether tiles for one size of subjects serve for the other.
fn is_near(planned: Option<f32>, now: Option<f32>) -> bool {
    match (planned, now) {
        (Some(planned), Some(now)) => planned.max(now) <= REPLANNED_AT * planned.min(now),
        (planned, now) => planned == now,
    }
}

impl Parts {
    fn of(tiles: Vec<Tile>, coverage: Option<Coverage>) -> Self {
        Self { tiles, coverage, grid: None, windows: None }
    }

    /// What of the whole frame is looked at; none where that is all of it.
    pub fn windows(&self) -> Option<&[Window]> {
        self.windows.as_deref()
    }

    /// The pictures to be looked at, in order; none where windows are.
    pub fn pictures(&self, frame: &Frame) -> Vec<Frame> {
        match self.windows {
            Some(_) => Vec::new(),
            None => self.tiles.iter().map(|tile| tile.of(frame)).collect(),
        }
    }

    /// Has the detector look at the parts of one frame.
    pub fn look(&self, detector: &mut dyn Detector, frame: &Frame) -> Result<Vec<Vec<Detection>>, DetectorError> {
        match &self.windows {
            Some(windows) => detector.detect_in(frame, windows),
            None => detector.detect(&self.pictures(frame).iter().collect::<Vec<_>>()),
        }
    }

    /// Puts together what the detector says of the pictures of a frame of `size`.
    fn merge(&self, size: (u32, u32), found: Vec<Vec<Detection>>) -> Vec<Detection> {
        let seen = |(tile, found): (&Tile, Vec<Detection>)| Seen { tile: *tile, detections: tile.to_frame(found) };
        match self.tiles.as_slice() {
            [_] => found.into_iter().next().unwrap_or_default(),
            tiles => tiles::merge(size, tiles.iter().zip(found).map(seen).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::zone::ZoneUnit;
    use forewarn_domain::{Point, Polygon, ZoneId};

    use super::*;
    use crate::engine::Analysed;
    use crate::testing::{at_s, frame, grey};

    const EYE: Tiles = Tiles {
        spec: TileSpec { grid: Grid::Auto, overlap: 0.2, smallest_px: None },
        sweep: Duration::from_secs(4),
        expected_px: None,
    };

    /// How many tiles there are of a frame of 640 x 368 after a second of looks at `tracks`.
    fn tiles_for(eye: &mut Eye, tracks: &[BBox]) -> usize {
        let mut frame = grey(0, at_s(0.0));
        (frame.width, frame.height) = (640, 368);
        for look in 0..5 {
            eye.parts(&frame, at_s(f64::from(look) * 0.2), tracks, &[], usize::MAX);
        }
        eye.tiling.as_ref().unwrap().rounds.tiles().len()
    }

    #[test]
    fn automatic_tiles_follow_the_size_of_the_subjects() {
        let person = |height: f32| BBox::new(100.0, 100.0, 100.0 + height / 3.0, 100.0 + height);
        let mut eye = Eye::new(Some(EYE), (416, 416), false);
        assert_eq!(tiles_for(&mut eye, &[]), 2, "at the model's own scale");
        assert_eq!(tiles_for(&mut eye, &[person(25.0)]), 15, "25 pixels become 64");
        assert_eq!(tiles_for(&mut eye, &[person(25.0), person(26.0), person(300.0)]), 15, "one of three is near");
        let mut eye = Eye::new(Some(EYE), (416, 416), false);
        assert_eq!(tiles_for(&mut eye, &[person(200.0)]), 2);
        let mut eye = Eye::new(Some(Tiles { expected_px: Some(25.0), ..EYE }), (416, 416), false);
        assert_eq!(tiles_for(&mut eye, &[]), 15, "those are looked for that are expected");
        for _ in 0..10 {
            tiles_for(&mut eye, &[person(200.0)]);
        }
        assert_eq!(tiles_for(&mut eye, &[person(200.0)]), 2, "and others are there");
        let spec = TileSpec { smallest_px: Some(30.0), ..EYE.spec };
        let mut eye = Eye::new(Some(Tiles { spec, ..EYE }), (416, 416), false);
        assert_eq!(tiles_for(&mut eye, &[person(200.0)]), 12, "what the site says counts");
    }

    #[test]
    fn what_moves_where_nothing_is_detected_wakes_nobody_and_gets_no_window() {
        let corners = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]].map(Point::from).to_vec();
        let (polygon, unit) = (Polygon::new(corners), ZoneUnit::Normalised);
        let half = Exclusion { id: ZoneId::new("screen").unwrap(), polygon, unit, classes: Arc::default() };
        let mut eye = Eye::new(None, (640, 480), true).excluding([half].into());
        let grid = InputGrid { size_px: (640, 480), step_px: 32, scale: 1.0 };
        let mut look = |n: u32, x: Option<usize>| {
            let mut samples = vec![128; 640 * 480 * 3 / 2];
            let rows = if x.is_some() { 100..200 } else { 0..0 };
            rows.for_each(|y| samples[y * 640 + x.unwrap_or(0)..][..60].fill(220));
            let frame = frame(n, at_s(f64::from(n) / 5.0), samples);
            let glance = eye.glance(&frame);
            eye.analysed();
            let parts = eye.parts(&frame, frame.meta.captured_at, &[], &[], 0);
            let parts = eye.narrowed(parts, &frame, &glance, Some(grid));
            let windows = parts.windows().map(<[Window]>::len);
            eye.told(&parts, &frame, glance.plane.as_ref(), Ok(vec![Vec::new(); windows.unwrap_or(1)])).unwrap();
            (glance.is_moving, windows)
        };
        assert_eq!(look(0, None), (true, None), "the first frame is looked at as a whole");
        assert_eq!([look(1, Some(100)), look(2, None)], [(false, Some(0)); 2]);
        assert_eq!(look(3, Some(400)), (true, Some(1)));
    }

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
