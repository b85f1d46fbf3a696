//! Which parts of a frame the detector is shown again, and what is still true of the others.
//!
//! Between two looks at whole frames the detector sees windows: the places that differ from what was seen when they were
//! looked at last, whatever was found there, and whatever it is not sure of. No window cuts a known subject. What was found
//! elsewhere is there still, since nothing has changed there, and is told again. Where windows would cost nearly as much as
//! the whole, the whole is looked at.

use std::time::Duration;

use forewarn_analytics::luma::{LookedAt, LumaPlane};
use forewarn_domain::{BBox, Detection, InputGrid, Tile, Timestamp, Window};

use crate::tiles::{self, Seen};

/// A whole frame is looked at so often, whatever has changed.
const WHOLE_EVERY: Duration = Duration::from_secs(2);
/// Surroundings that a window shows of what is in it, in pixels of the input.
const MARGIN_PX: f32 = 16.0;
/// The same of a subject that has not stirred, of which a window would only show a part.
const UNSTIRRED_MARGIN_PX: f32 = 2.0;
/// So far, in pixels of the input, a subject may reach into a window that does not hold it.
const TOUCH_PX: f32 = 1.0;
/// What a run costs whatever its size, as a part of a run over the whole input: the default detector takes 0.5 ms of a core for
/// 32 x 32, 3.1 for 160 x 128, 7.1 for 416 x 128 and 13.5 for 416 x 256.
const OF_EACH_RUN: f32 = 0.035;
/// Windows may cost so much of the whole.
const MOST_COST: f32 = 0.8;
/// With more places than this to be seen again, the whole is looked at.
const MOST_PLACES: usize = 48;
/// Found so often in a row, a subject is no whim of the detector's, which is then not asked again without a cause.
const SURE_AFTER: u8 = 3;
/// Missed so often in a row, it is gone.
const GONE_AFTER: u8 = 3;
/// Boxes of one class that overlap by this from look to look are one subject, that has gone on a little at most.
const SAME_IOU: f32 = 0.3;

/// A subject of the latest looks.
#[derive(Debug, Clone)]
struct Known {
    detection: Detection,
    /// Looks in a row that found it.
    found: u8,
    /// Looks in a row that did not.
    missed: u8,
}

impl Known {
    fn is_sure(&self) -> bool {
        self.found >= SURE_AFTER && self.missed == 0
    }
}

/// What is known of one stream's picture, place by place.
#[derive(Debug, Default)]
pub(crate) struct Focus {
    looked_at: LookedAt,
    known: Vec<Known>,
    /// How frames lay in the input, and when the last whole one was looked at; none where the next shall be whole.
    whole: Option<(InputGrid, Timestamp)>,
}

impl Focus {
    /// These samples of a plane are no cause for a look, whatever they show.
    pub(crate) fn pass_over(&mut self, plane: &LumaPlane, samples: &[bool]) {
        self.looked_at.pass_over(plane, samples);
    }

    /// The windows in which a frame that was taken at `at` is looked at; none where that is the whole of it.
    pub(crate) fn windows(&mut self, at: Timestamp, plane: &LumaPlane, grid: &InputGrid) -> Option<Vec<Window>> {
        let (_, whole_at) = self.whole.filter(|(of, at_then)| of == grid && at >= *at_then)?;
        if at.since(whole_at) >= WHOLE_EVERY {
            return None;
        }
        let changes = self.looked_at.changes(plane)?;
        let stirs = |known: &Known| changes.iter().any(|change| change.intersection(&known.detection.bbox) > 0.0);
        let doubted = self.known.iter().filter(|known| !known.is_sure() || stirs(known));
        let places: Vec<BBox> = doubted.map(|known| known.detection.bbox).chain(changes.iter().copied()).collect();
        if places.len() > MOST_PLACES {
            return None;
        }
        let windows = places.iter().map(|place| grid.around(place, MARGIN_PX)).collect();
        self.closed(joined(windows, grid), grid)
    }

    /// The windows, enlarged so that none cuts a known subject; none where they cost too much.
    fn closed(&self, mut windows: Vec<Window>, grid: &InputGrid) -> Option<Vec<Window>> {
        loop {
            if windows.iter().map(|window| cost(window, grid)).sum::<f32>() > MOST_COST {
                return None;
            }
            let boxes: Vec<BBox> = windows.iter().map(|window| grid.to_frame(window)).collect();
            let touch = TOUCH_PX * grid.scale;
            let is_cut = |known: &&Known| {
                let bbox = &known.detection.bbox;
                boxes.iter().any(|window| reaches_into(bbox, window, touch))
                    && !boxes.iter().any(|window| holds(window, bbox, touch))
            };
            let cut: Vec<Window> = self
                .known
                .iter()
                .filter(is_cut)
                .map(|known| grid.around(&known.detection.bbox, UNSTIRRED_MARGIN_PX))
                .collect();
            if cut.is_empty() {
                return Some(windows);
            }
            let before = windows.clone();
            windows.extend(cut);
            windows = joined(windows, grid);
            if windows == before {
                // What lies at the edge of the input cannot be held with a margin.
                return Some(windows);
            }
        }
    }

    /// A whole frame was looked at.
    pub(crate) fn saw_whole(&mut self, at: Timestamp, plane: &LumaPlane, grid: &InputGrid, found: &[Detection]) {
        self.whole = Some((*grid, at));
        self.looked_at.whole(plane);
        self.learn(found.to_vec(), |_| true);
    }

    /// Windows of a frame of `size` were looked at, and each showed so much; what the whole frame shows by that.
    pub(crate) fn saw(
        &mut self,
        size: (u32, u32),
        plane: &LumaPlane,
        windows: &[Window],
        found: Vec<Vec<Detection>>,
    ) -> Vec<Detection> {
        let Some((grid, _)) = self.whole else { return found.into_iter().flatten().collect() };
        let boxes: Vec<BBox> = windows.iter().map(|window| grid.to_frame(window)).collect();
        for part in &boxes {
            self.looked_at.part(plane, part);
        }
        let seen = boxes.iter().zip(found).map(|(part, detections)| Seen { tile: tile(part, size), detections });
        let fresh = tiles::merge(size, seen.collect());
        let touch = TOUCH_PX * grid.scale;
        self.learn(fresh, |bbox| boxes.iter().any(|window| reaches_into(bbox, window, touch)));
        let there = self.known.iter().filter(|known| known.missed == 0).map(|known| known.detection.clone());
        let mut there: Vec<Detection> = there.collect();
        there.sort_by(|a, b| b.score.total_cmp(&a.score));
        there
    }

    /// Nothing is known of a frame that could not be looked at: the next one is looked at as a whole.
    pub(crate) fn failed(&mut self) {
        self.whole = None;
    }

    /// Takes in what was found in the places that were looked at.
    fn learn(&mut self, fresh: Vec<Detection>, was_looked_at: impl Fn(&BBox) -> bool) {
        let before = std::mem::take(&mut self.known);
        let (mut again, elsewhere): (Vec<Known>, Vec<Known>) =
            before.into_iter().partition(|known| was_looked_at(&known.detection.bbox));
        self.known = elsewhere;
        for detection in fresh {
            let is_same = |known: &Known| {
                known.detection.class == detection.class && known.detection.bbox.iou(&detection.bbox) >= SAME_IOU
            };
            let found = again.iter().position(is_same).map_or(0, |n| again.swap_remove(n).found);
            self.known.push(Known { detection, found: found.saturating_add(1), missed: 0 });
        }
        // Whoever was there for sure is looked for again where he was.
        let missed = again.into_iter().map(|known| Known { missed: known.missed + 1, ..known });
        self.known.extend(missed.filter(|known| known.found >= SURE_AFTER && known.missed < GONE_AFTER));
    }
}

/// What a run over a window costs, in runs over the whole input.
fn cost(window: &Window, grid: &InputGrid) -> f32 {
    let whole = (grid.size_px.0 * grid.size_px.1).max(1) as f32;
    OF_EACH_RUN + (1.0 - OF_EACH_RUN) * window.area() as f32 / whole
}

/// Joins windows where one run costs no more than two.
fn joined(mut windows: Vec<Window>, grid: &InputGrid) -> Vec<Window> {
    windows.sort_unstable();
    windows.dedup();
    loop {
        let pairs = (0..windows.len()).flat_map(|a| (a + 1..windows.len()).map(move |b| (a, b)));
        let gain = |&(a, b): &(usize, usize)| {
            let (a, b) = (&windows[a], &windows[b]);
            cost(a, grid) + cost(b, grid) - cost(&a.union(b), grid)
        };
        let best = pairs.map(|pair| (gain(&pair), pair)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let Some((_, (a, b))) = best.filter(|(gain, _)| *gain >= 0.0) else { return windows };
        let union = windows[a].union(&windows[b]);
        windows.swap_remove(b);
        windows[a] = union;
        windows.sort_unstable();
        windows.dedup();
    }
}

/// Whether a box reaches into a window by more than `touch`.
fn reaches_into(bbox: &BBox, window: &BBox, touch: f32) -> bool {
    bbox.x1.min(window.x1) - bbox.x0.max(window.x0) > touch && bbox.y1.min(window.y1) - bbox.y0.max(window.y0) > touch
}

/// Whether a box lies in a window, give or take `touch`.
fn holds(window: &BBox, bbox: &BBox, touch: f32) -> bool {
    let (left, top) = (window.x0 - touch, window.y0 - touch);
    bbox.x0 >= left && bbox.y0 >= top && bbox.x1 <= window.x1 + touch && bbox.y1 <= window.y1 + touch
}

/// A window as a part of a frame, in whole pixels.
fn tile(part: &BBox, (width, height): (u32, u32)) -> Tile {
    let (x, y) = ((part.x0.round() as u32).min(width), (part.y0.round() as u32).min(height));
    let (x1, y1) = ((part.x1.round() as u32).min(width), (part.y1.round() as u32).min(height));
    Tile { x, y, width: x1.saturating_sub(x), height: y1.saturating_sub(y) }
}

#[cfg(test)]
mod tests;
