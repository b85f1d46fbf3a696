//! Decides cheaply whether anything has moved since the last analysed frame, and where.
//!
//! The plane is compared with that of the last analysed frame. Light is taken out first: each cell of the grid is
//! compared at the brightness that its neighbourhood has now, so that steps of gain or exposure and slow clouds are no
//! motion. A sample counts when it leaves the range of the reference around it, which small shakes do not do, and when
//! other samples near by do so too, which rain and noise seldom do. A cell that moves in more than a tenth of the time
//! learns how much it usually does, and counts when it does clearly more. Many small regions at once are rain or snow.

mod config;
mod envelope;
#[cfg(test)]
mod tests;

use forewarn_domain::{BBox, Timestamp};

pub use self::config::MotionGateConfig;
use self::envelope::Envelope;
use super::LumaPlane;
use super::components::{Component, components};

/// Most regions that are reported; the smaller ones join the last.
const MAX_REGIONS: usize = 16;
/// Part of the cells that, moved at once, are a change of scene and not of subjects.
const SCENE_CHANGE: f32 = 0.7;
/// Quantile of a cell's excess that is learned as its usual one.
const USUAL: f32 = 0.9;
/// Most that a cell may learn, in grey levels of mean excess, so that a busy pavement never grows blind.
const MAX_USUAL: f32 = 6.0;
/// Most that a cell may learn that hardly ever rests, as foliage before the sky.
const MAX_RESTLESS: f32 = 36.0;
/// Part of the time in motion from which a cell begins to count as restless, and at which it wholly does.
const RESTLESS: (f32, f32) = (0.45, 0.7);
/// From this many regions at once, small ones are taken for rain or snow,
const SHOWER_REGIONS: usize = 8;
/// where the median region is at most this part of the plane;
const SHOWER_PART: f32 = 0.0006;
/// only regions of this many times the median then count.
const ABOVE_SHOWER: u32 = 4;
/// A cell counts from this many times its usual excess on,
const ABOVE_USUAL: f32 = 1.5;
/// or from this many times, but no more than so many grey levels: what is faint and usual is rain, and scatters widely.
const ABOVE_FAINT: (f32, f32) = (3.0, 6.0);
/// Part of what a cell's neighbours usually move by that it is granted too, since a bough now and then reaches farther.
const FRINGE: f32 = 0.6;
/// In a picture in which something moves for more than this part of the time, a region counts when the look before
/// saw one there too: subjects go on, drops and gusts seldom do.
const RESTLESS_PICTURE: f32 = 0.3;
/// Longest time, in seconds, between two looks that can bear each other out.
const MAX_PERSIST_S: f64 = 0.6;
/// Longest step, in seconds, that cells learn from at once.
const MAX_LEARN_STEP_S: f64 = 0.5;

/// Why a frame is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookReason {
    /// No frame of this size was analysed before.
    First,
    /// Something moved.
    Moved,
    /// Nearly everything changed: the camera was turned, or switched between day and night.
    SceneChanged,
    /// Nothing moved, but the last look is too long ago.
    Due,
}

/// What the gate says of one plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Motion {
    /// Why the frame should be analysed; `None` if it need not be.
    pub reason: Option<LookReason>,
    /// Where something moved, as boxes of 0 to 1 over the plane's width and height; at most 16, the largest first.
    pub regions_normalised: Vec<BBox>,
    /// Part of the plane's cells that moved, 0 to 1.
    pub moved_part: f32,
}

/// Compares each plane of one stream with that of its last analysed frame.
#[derive(Debug)]
pub struct MotionGate {
    config: MotionGateConfig,
    /// The plane of the last look, and when it was.
    latest: LumaPlane,
    looked_at: Option<Timestamp>,
    analysed_at: Option<Timestamp>,
    /// Shape, bounds and mean level of each cell of the last analysed plane.
    reference: LumaPlane,
    envelope: Envelope,
    reference_means: Vec<f32>,
    /// Excess that each cell usually has, in grey levels.
    usual: Vec<f32>,
    /// Part of the recent time in which each cell was in motion.
    duty: Vec<f32>,
    /// Part of the recent time in which some region moved, and the regions of the latest look.
    picture_duty: f32,
    regions_before: Vec<BBox>,
    excess: Vec<u8>,
    /// Samples that say nothing; none if empty.
    passed_over: Vec<bool>,
}

/// The grid over a plane.
#[derive(Debug, Clone, Copy)]
struct Grid {
    width: usize,
    height: usize,
    cell: usize,
    columns: usize,
    rows: usize,
}

impl Grid {
    fn of(plane: &LumaPlane, cell: usize) -> Self {
        let (width, height) = (plane.width(), plane.height());
        Self { width, height, cell, columns: width.div_ceil(cell), rows: height.div_ceil(cell) }
    }

    /// Samples of a cell.
    fn area(&self, cell: usize) -> f32 {
        let (column, row) = (cell % self.columns, cell / self.columns);
        let width = self.cell.min(self.width - column * self.cell);
        (width * self.cell.min(self.height - row * self.cell)) as f32
    }

    /// Mean of each cell, without the samples that are passed over; no number where all of them are.
    fn means(&self, samples: &[u8], passed_over: &[bool]) -> Vec<f32> {
        if !passed_over.is_empty() {
            return self.means_without(samples, passed_over);
        }
        let mut sums = vec![0u32; self.columns * self.rows];
        for (y, row) in samples.chunks_exact(self.width.max(1)).enumerate() {
            let cells = &mut sums[y / self.cell * self.columns..][..self.columns];
            for (sum, part) in cells.iter_mut().zip(row.chunks(self.cell)) {
                *sum += part.iter().map(|&s| u32::from(s)).sum::<u32>();
            }
        }
        sums.iter().enumerate().map(|(cell, &sum)| sum as f32 / self.area(cell)).collect()
    }

    fn means_without(&self, samples: &[u8], passed_over: &[bool]) -> Vec<f32> {
        let mut sums = vec![(0u32, 0u32); self.columns * self.rows];
        for (i, (&sample, _)) in samples.iter().zip(passed_over).enumerate().filter(|(_, (_, is_over))| !**is_over) {
            let (x, y) = (i % self.width, i / self.width);
            let (sum, count) = &mut sums[y / self.cell * self.columns + x / self.cell];
            (*sum, *count) = (*sum + u32::from(sample), *count + 1);
        }
        sums.iter().map(|&(sum, count)| sum as f32 / count as f32).collect()
    }

    /// What `pick` makes of the values of the 3 by 3 cells around each.
    fn around(&self, values: &[f32], pick: impl Fn(&mut [f32]) -> f32) -> Vec<f32> {
        let mut near = Vec::with_capacity(9);
        let at = |cell: usize| {
            let (column, row) = (cell % self.columns, cell / self.columns);
            near.clear();
            for y in row.saturating_sub(1)..(row + 2).min(self.rows) {
                let from = y * self.columns;
                near.extend(&values[from + column.saturating_sub(1)..from + (column + 2).min(self.columns)]);
            }
            pick(&mut near)
        };
        (0..values.len()).map(at).collect()
    }
}

impl MotionGate {
    /// A gate for one stream.
    pub fn new(config: MotionGateConfig) -> Self {
        Self {
            config,
            latest: LumaPlane::empty(),
            looked_at: None,
            analysed_at: None,
            reference: LumaPlane::empty(),
            envelope: Envelope::default(),
            reference_means: Vec::new(),
            usual: Vec::new(),
            duty: Vec::new(),
            picture_duty: 0.0,
            regions_before: Vec::new(),
            excess: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    /// Passes over these samples of the planes from now on, whatever moves there; over none if there are none.
    pub fn pass_over(&mut self, samples: &[bool]) {
        if self.passed_over != samples {
            self.passed_over = samples.to_vec();
            self.weigh_reference();
        }
    }

    fn weigh_reference(&mut self) {
        let samples = self.reference.samples();
        let grid = Grid::of(&self.reference, self.config.cell_samples.max(1));
        self.reference_means = grid.means(samples, of_so_many(&self.passed_over, samples.len()));
    }

    /// Compares `plane`, taken at `at`, with the last analysed one. Call it for every frame that could be analysed.
    pub fn look(&mut self, at: Timestamp, plane: &LumaPlane) -> Motion {
        let before = self.looked_at.replace(at);
        self.latest.clone_from(plane);
        let Some(analysed_at) = self.analysed_at.filter(|_| self.reference.is_alike(plane)) else {
            return Motion { reason: Some(LookReason::First), regions_normalised: vec![WHOLE], moved_part: 1.0 };
        };
        if plane.samples().is_empty() {
            return Motion { reason: None, regions_normalised: Vec::new(), moved_part: 0.0 };
        }
        let grid = Grid::of(plane, self.config.cell_samples.max(1));
        self.measure(&grid, plane.samples());
        let (counts, excess) = self.supported(&grid);
        let elapsed_s = before.map_or(0.0, |before| at.since(before).as_secs_f64());
        let moved = self.judge(&grid, &excess, elapsed_s.min(MAX_LEARN_STEP_S) as f32);
        let n_moved = moved.iter().filter(|&&m| m).count();
        let moved_part = n_moved as f32 / moved.len().max(1) as f32;
        if moved_part > SCENE_CHANGE {
            let reason = Some(LookReason::SceneChanged);
            return Motion { reason, regions_normalised: vec![WHOLE], moved_part };
        }
        let least = self.config.min_object_percent / 100.0 * plane.samples().len() as f32;
        let regions_now = regions(&grid, &moved, &counts, least);
        let regions_normalised = self.borne_out(&grid, regions_now, elapsed_s);
        let is_due = at.since(analysed_at).as_secs_f64() >= self.config.look_at_least_every_s;
        let reason = match (regions_normalised.is_empty(), is_due) {
            (false, _) => Some(LookReason::Moved),
            (true, true) => Some(LookReason::Due),
            (true, false) => None,
        };
        Motion { reason, regions_normalised, moved_part }
    }

    /// Makes the plane of the latest [`look`](Self::look) the reference: call it when that frame is handed to analysis.
    pub fn mark_analysed(&mut self) {
        let Some(at) = self.looked_at else { return };
        self.analysed_at = Some(at);
        if !self.reference.is_alike(&self.latest) {
            let grid = Grid::of(&self.latest, self.config.cell_samples.max(1));
            self.usual = vec![0.0; grid.columns * grid.rows];
            self.duty = self.usual.clone();
        }
        self.reference.clone_from(&self.latest);
        let plane = &self.reference;
        let radius = (self.config.shake_px / plane.px_per_sample() as f32).ceil().clamp(1.0, 3.0) as usize;
        self.envelope.take(plane.samples(), plane.width(), radius);
        self.weigh_reference();
    }

    /// By how many grey levels each sample leaves the reference, at the light that its cell has now.
    fn measure(&mut self, grid: &Grid, samples: &[u8]) {
        let passed_over = of_so_many(&self.passed_over, samples.len());
        // A black level of a few units keeps the ratio of dark cells from running away. Nothing is known of the light of a cell
        // that is passed over, which comes to the end of all that is sorted.
        let ratio = |(now, then): (&f32, &f32)| if now.is_nan() { f32::INFINITY } else { (now + 4.0) / (then + 4.0) };
        let means = grid.means(samples, passed_over);
        let ratios: Vec<f32> = means.iter().zip(&self.reference_means).map(ratio).collect();
        let light = grid.around(&ratios, |near| {
            near.sort_by(f32::total_cmp);
            let known = near.partition_point(|ratio| ratio.is_finite());
            if known > 0 { near[known / 2] } else { 1.0 }
        });
        let tolerance = self.config.tolerance();
        self.excess.clear();
        self.excess.resize(samples.len(), 0);
        let rows = samples.chunks_exact(grid.width).zip(self.excess.chunks_exact_mut(grid.width));
        for (y, (row, out)) in rows.enumerate() {
            let (from, cells) = (y * grid.width, &light[y / grid.cell * grid.columns..]);
            let bounds = self.envelope.low[from..].iter().zip(&self.envelope.high[from..]);
            let all = row.iter().zip(bounds).zip(out);
            let mut all = all.into_iter();
            for &light in &cells[..grid.columns] {
                // 8 fractional bits: exact enough for levels, and quicker than floating point.
                let (gain, slack) = ((light.clamp(0.25, 4.0) * 256.0) as i32, tolerance as i32);
                let offset = 4 * (gain - 256);
                for ((&s, (&low, &high)), out) in all.by_ref().take(grid.cell) {
                    let low = ((i32::from(low) * gain + offset) >> 8) - slack;
                    let high = ((i32::from(high) * gain + offset) >> 8) + slack;
                    let s = i32::from(s);
                    // A level that was or is clipped says nothing about what lies beyond.
                    *out = (low.min(250) - s).max(s - high.max(5)).clamp(0, 255) as u8;
                }
            }
        }
        for (excess, _) in self.excess.iter_mut().zip(passed_over).filter(|(_, is_over)| **is_over) {
            *excess = 0;
        }
    }

    /// Number and mean excess, cell by cell, of the samples that at least two of their eight neighbours bear out.
    fn supported(&self, grid: &Grid) -> (Vec<u32>, Vec<f32>) {
        let (mut counts, mut sums) = (vec![0u32; grid.columns * grid.rows], vec![0u32; grid.columns * grid.rows]);
        for (i, &excess) in self.excess.iter().enumerate().filter(|&(_, &excess)| excess > 0) {
            let (x, y) = (i % grid.width, i / grid.width);
            let columns = x.saturating_sub(1)..(x + 2).min(grid.width);
            let near = (y.saturating_sub(1)..(y + 2).min(grid.height))
                .flat_map(|y| &self.excess[y * grid.width..][columns.clone()])
                .filter(|&&e| e > 0)
                .count();
            if near > 2 {
                let cell = y / grid.cell * grid.columns + x / grid.cell;
                counts[cell] += 1;
                sums[cell] += u32::from(excess);
            }
        }
        let means = sums.iter().enumerate().map(|(cell, &sum)| sum as f32 / grid.area(cell)).collect();
        (counts, means)
    }

    /// Which cells move more than they usually do; learns what is usual.
    fn judge(&mut self, grid: &Grid, excess: &[f32], elapsed_s: f32) -> Vec<bool> {
        let floor = self.config.cell_floor();
        // A quantile is followed by steps up and down in the ratio of the quantile to its rest. A cell that moves all
        // the time comes to the most in the time that is set.
        let rate = elapsed_s / self.config.learn_s as f32;
        let fringe = grid.around(&self.usual, |near| near.iter().copied().fold(0.0, f32::max) * FRINGE);
        let cells = self.usual.iter_mut().zip(&mut self.duty).zip(fringe).zip(excess);
        let judge = |(((usual, duty), fringe), &excess): (((&mut f32, &mut f32), f32), &f32)| {
            let known = usual.max(fringe);
            let has_moved = excess > floor + (ABOVE_USUAL * known).max((ABOVE_FAINT.0 * known).min(ABOVE_FAINT.1));
            *duty += rate.min(1.0) * (if excess > floor { 1.0 } else { 0.0 } - *duty);
            let restless = ((*duty - RESTLESS.0) / (RESTLESS.1 - RESTLESS.0)).clamp(0.0, 1.0);
            let most = MAX_USUAL + restless * (MAX_RESTLESS - MAX_USUAL);
            let change = if excess > *usual { USUAL } else { USUAL - 1.0 };
            *usual = (*usual + rate / USUAL * most * change).clamp(0.0, most);
            has_moved
        };
        cells.map(judge).collect()
    }

    /// The regions that count, given how restless the picture has been.
    fn borne_out(&mut self, grid: &Grid, now: Vec<BBox>, elapsed_s: f64) -> Vec<BBox> {
        let rate = (elapsed_s.min(MAX_LEARN_STEP_S) / self.config.learn_s) as f32;
        self.picture_duty += rate * (if now.is_empty() { 0.0 } else { 1.0 } - self.picture_duty);
        let before = std::mem::replace(&mut self.regions_before, now.clone());
        if self.picture_duty < RESTLESS_PICTURE || elapsed_s > MAX_PERSIST_S {
            return now;
        }
        let (dx, dy) = (grid.cell as f32 / grid.width as f32, grid.cell as f32 / grid.height as f32);
        let is_near = |a: &BBox, b: &BBox| BBox::new(a.x0 - dx, a.y0 - dy, a.x1 + dx, a.y1 + dy).intersection(b) > 0.0;
        now.into_iter().filter(|a| before.iter().any(|b| is_near(a, b))).collect()
    }
}

const WHOLE: BBox = BBox::new(0.0, 0.0, 1.0, 1.0);

/// What is passed over in a plane of `n` samples: nothing where it was told of a plane of another size.
fn of_so_many(passed_over: &[bool], n: usize) -> &[bool] {
    if passed_over.len() == n { passed_over } else { &[] }
}

/// The connected parts of the moved cells with at least `least` changed samples, the largest first.
fn regions(grid: &Grid, moved: &[bool], counts: &[u32], least: f32) -> Vec<BBox> {
    let changed = |part: &Component| part.cells.iter().map(|&cell| counts[cell]).sum::<u32>();
    let to_box = |part: &Component| {
        let edge = |cells: usize, whole: usize| ((cells * grid.cell) as f32 / whole as f32).min(1.0);
        BBox::new(
            edge(part.columns.start, grid.width),
            edge(part.rows.start, grid.height),
            edge(part.columns.end, grid.width),
            edge(part.rows.end, grid.height),
        )
    };
    let mut parts = components(moved, grid.columns.max(1));
    let mut sizes: Vec<u32> = parts.iter().map(changed).collect();
    sizes.sort_unstable();
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
    let is_shower = sizes.len() >= SHOWER_REGIONS && median as f32 <= SHOWER_PART * (grid.width * grid.height) as f32;
    let least = if is_shower { least.max((ABOVE_SHOWER * median) as f32) } else { least };
    parts.retain(|part| changed(part) as f32 >= least);
    let mut boxes: Vec<BBox> = parts.iter().map(to_box).collect();
    boxes.sort_by(|a, b| b.area().total_cmp(&a.area()));
    for small in boxes.split_off(boxes.len().min(MAX_REGIONS)) {
        boxes[MAX_REGIONS - 1] = boxes[MAX_REGIONS - 1].union(&small);
    }
    boxes
}
