//! Finds small fast movers in three planes: what is neither before nor after where it is now.

use std::collections::VecDeque;

use forewarn_domain::Timestamp;

use super::FallingObjectConfig;
use crate::luma::LumaPlane;
use crate::luma::align::{Picture, shift};
use crate::luma::components::{Component, components};

/// Most movers of a plane; a plane with more shows rain, snow or a change of light.
pub(super) const MAX_MOVERS: usize = 48;
/// Longest gap between two planes, in seconds, over which anything is compared.
const MAX_GAP_S: f64 = 0.4;
/// Most planes that are kept.
const MAX_PLANES: usize = 32;
/// Side of the cells that learn how much they usually move, in samples, and the seconds in which they do.
const CELL: usize = 8;
const LEARN_S: f32 = 8.0;
/// A shaken picture differs by more than so many grey levels in at least this part of its cells of so many samples.
const SHAKE_LEVELS: u8 = 8;
const SHAKE_PART: f32 = 0.12;
const SHAKE_CELL: usize = 16;
/// Part of an edge's step by which it may differ after it was moved back.
const EDGE_PART: f32 = 0.35;
/// Times the usual difference of a cell by which a mover must stand out there.
const ABOVE_USUAL: f32 = 2.0;

/// Something small that moved, at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mover {
    /// Seconds on the detector's own time line.
    pub(super) t: f32,
    /// Centre in samples.
    pub(super) x: f32,
    pub(super) y: f32,
    /// Area in samples.
    pub(super) area: f32,
    /// Mean difference from its background, with its sign.
    pub(super) contrast: f32,
    /// Its extent along its longer axis and across it, in samples; a streak is long.
    pub(super) length: f32,
    pub(super) width: f32,
    /// The direction of its longer axis, downwards.
    pub(super) axis: (f32, f32),
    /// Part of its area that stands out nearly as much as its middle: little of what is out of focus.
    pub(super) core: f32,
}

/// The recent planes of a zone.
#[derive(Debug, Default)]
pub(super) struct Movers {
    planes: VecDeque<(Timestamp, LumaPlane)>,
    spare: Vec<LumaPlane>,
    /// Mean difference of each cell over the last seconds.
    usual: Vec<f32>,
}

/// The movers of the plane that lies between, with its time.
pub(super) struct Found {
    pub(super) at: Timestamp,
    pub(super) movers: Vec<Mover>,
    /// Whether there was more to see than is worth following.
    pub(super) is_crowded: bool,
}

impl Movers {
    /// Whether a plane goes on from those before.
    pub(super) fn goes_on(&self, at: Timestamp, plane: &LumaPlane) -> bool {
        self.planes.back().is_none_or(|(then, before)| {
            before.is_alike(plane) && at > *then && at.since(*then).as_secs_f64() <= MAX_GAP_S
        })
    }

    /// The latest plane.
    pub(super) fn latest(&self) -> Option<&LumaPlane> {
        self.planes.back().map(|(_, plane)| plane)
    }

    /// When the latest plane was taken.
    pub(super) fn latest_at(&self) -> Option<Timestamp> {
        self.planes.back().map(|(at, _)| *at)
    }

    /// Takes a plane; returns false if it does not go on from those before.
    pub(super) fn take(&mut self, at: Timestamp, plane: &LumaPlane) -> bool {
        let goes_on = self.goes_on(at, plane);
        if !goes_on {
            self.spare.extend(self.planes.drain(..).map(|(_, plane)| plane).take(1));
            self.usual.clear();
        }
        let mut kept = self.spare.pop().unwrap_or_else(LumaPlane::empty);
        kept.clone_from(plane);
        self.planes.push_back((at, kept));
        if self.planes.len() > MAX_PLANES {
            self.spare.extend(self.planes.pop_front().map(|(_, plane)| plane));
        }
        goes_on
    }

    /// Looks at the latest plane that has one `over_s` before and one after it.
    pub(super) fn find(&mut self, config: &FallingObjectConfig, start: Timestamp) -> Option<Found> {
        let last = self.planes.len().checked_sub(1)?;
        let middle = self.latest_before(last, config)?;
        let first = self.latest_before(middle, config)?;
        let found = self.between(config, start, [first, middle, last]);
        // Planes before the first are never asked for again.
        self.spare.extend(self.planes.drain(..first).map(|(_, plane)| plane).take(2));
        self.spare.truncate(2);
        Some(found)
    }

    /// Looks at the planes that no later one will come for, each against the last one.
    pub(super) fn find_last(&mut self, config: &FallingObjectConfig, start: Timestamp) -> Vec<Found> {
        let Some(last) = self.planes.len().checked_sub(1) else { return Vec::new() };
        let known = self.latest_before(last, config).unwrap_or(0);
        let triples: Vec<[usize; 3]> =
            (known + 1..last).filter_map(|middle| Some([self.latest_before(middle, config)?, middle, last])).collect();
        triples.into_iter().map(|triple| self.between(config, start, triple)).collect()
    }

    /// The latest plane that is `over_s` before a later one.
    fn latest_before(&self, later: usize, config: &FallingObjectConfig) -> Option<usize> {
        let time = |i: usize| self.planes[i].0.as_secs_f64();
        // A hundredth of a second of slack, as frames do not come quite evenly.
        let over_s = f64::from(config.compare_over_s) - 0.01;
        (0..later).rev().find(|&i| time(later) - time(i) >= over_s)
    }

    /// What moves in the middle one of three planes.
    fn between(&mut self, config: &FallingObjectConfig, start: Timestamp, [first, middle, last]: [usize; 3]) -> Found {
        let time = |i: usize| self.planes[i].0.as_secs_f64();
        let at = self.planes[middle].0;
        let elapsed_s = time(middle) - time(middle - 1);
        let (width, height) = (self.planes[middle].1.width(), self.planes[middle].1.height());
        let mut signed = vec![0i16; width * height];
        let scale = self.planes[middle].1.px_per_sample() as f32;
        self.difference(first, middle, last, config.max_shake_px / scale, &mut signed);
        let floor = config.least_difference().max(3.0 * spread(&signed));
        let set = self.stand_out(&signed, width, floor, elapsed_s as f32);
        let least = (config.min_area_px / (scale * scale)).max(1.0);
        let most = (config.max_area_px / (scale * scale)).max(1.0);
        let t = at.since(start).as_secs_f64() as f32;
        let small = |part: &Component| (least..=most).contains(&(part.cells.len() as f32));
        let parts = components(&set, width.max(1));
        let mut movers: Vec<Mover> =
            parts.iter().filter(|part| small(part)).map(|part| mover(t, part, &signed, width)).collect();
        let is_crowded = movers.len() > MAX_MOVERS;
        movers.sort_by(|a, b| (b.contrast.abs() * b.area).total_cmp(&(a.contrast.abs() * a.area)));
        movers.truncate(MAX_MOVERS);
        Found { at, movers, is_crowded }
    }

    /// What the middle plane has that neither of the others has, with its sign, after shake and light.
    fn difference(&self, first: usize, middle: usize, last: usize, reach: f32, out: &mut [i16]) {
        let now = &self.planes[middle].1;
        let (before, is_moved_before) = put_to(now, &self.planes[first].1, reach);
        let (after, is_moved_after) = put_to(now, &self.planes[last].1, reach);
        for ((value, &level), (before, after)) in out.iter_mut().zip(now.samples()).zip(before.iter().zip(&after)) {
            let (a, b) = (f32::from(level) - before, f32::from(level) - after);
            let least = if a.abs() < b.abs() { a } else { b };
            *value = if a * b > 0.0 { least as i16 } else { 0 };
        }
        if is_moved_before || is_moved_after {
            soften_edges(&before, now.width(), out);
        }
    }

    /// Which samples stand out of noise and of what their cell usually does; learns what is usual.
    fn stand_out(&mut self, signed: &[i16], width: usize, floor: f32, elapsed_s: f32) -> Vec<bool> {
        let columns = width.div_ceil(CELL).max(1);
        let rows = (signed.len() / width.max(1)).div_ceil(CELL);
        let mut most = vec![0.0f32; columns * rows];
        let rows_of = |y: usize| y / CELL * columns..(y / CELL + 1) * columns;
        for (y, row) in signed.chunks_exact(width).enumerate() {
            for (cell, part) in most[rows_of(y)].iter_mut().zip(row.chunks(CELL)) {
                *cell = cell.max(f32::from(part.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0)));
            }
        }
        self.usual.resize(columns * rows, 0.0);
        let limit: Vec<u16> = self.usual.iter().map(|usual| floor.max(ABOVE_USUAL * usual) as u16).collect();
        let mut set = Vec::with_capacity(signed.len());
        for (y, row) in signed.chunks_exact(width).enumerate() {
            for (limit, part) in limit[rows_of(y)].iter().zip(row.chunks(CELL)) {
                set.extend(part.iter().map(|v| v.unsigned_abs() > *limit));
            }
        }
        for (usual, most) in self.usual.iter_mut().zip(most) {
            *usual += (elapsed_s / LEARN_S).min(0.5) * (most - *usual);
        }
        set
    }
}

/// Another plane as it would be at the place and in the light of `now`, and whether it had to be moved.
fn put_to(now: &LumaPlane, other: &LumaPlane, reach: f32) -> (Vec<f32>, bool) {
    let picture = |plane: &LumaPlane| Picture {
        width: plane.width(),
        height: plane.height(),
        levels: plane.samples().iter().map(|&s| f32::from(s)).collect(),
    };
    let mut moved = picture(other);
    let mut by = (0.0, 0.0);
    if reach > 0.0 && shows_shake(now, other) {
        // Half the resolution tells a shift well enough at a fourth of the cost.
        let (small, small_other) = (picture(now).reduced(2), moved.reduced(2));
        let everything = vec![true; small.levels.len()];
        let (x, y) = shift(&small, &small_other, &everything, reach * 0.5);
        by = (2.0 * x, 2.0 * y);
    }
    let is_moved = by != (0.0, 0.0);
    if is_moved {
        let mut levels = Vec::with_capacity(moved.levels.len());
        moved.moved_back(by, &mut levels);
        moved.levels = levels;
    }
    let total = |plane: &LumaPlane| plane.samples().iter().map(|&s| u64::from(s)).sum::<u64>() as f32;
    let black = 4.0 * now.samples().len() as f32;
    let gain = (total(now) + black) / (total(other) + black);
    for level in &mut moved.levels {
        *level *= gain;
    }
    (moved.levels, is_moved)
}

/// Takes off what an edge differs by when it was moved back by parts of a sample: a part of its own step.
fn soften_edges(levels: &[f32], width: usize, signed: &mut [i16]) {
    for (i, value) in signed.iter_mut().enumerate().filter(|(_, value)| **value != 0) {
        let x = i % width;
        if x > 0 && x + 1 < width && i >= width && i + width < levels.len() {
            let around = [levels[i - 1], levels[i + 1], levels[i - width], levels[i + width]];
            let step = around.iter().map(|n| (n - levels[i]).abs()).fold(0.0, f32::max);
            *value = value.signum() * (f32::from(value.abs()) - step * EDGE_PART).max(0.0) as i16;
        }
    }
}

/// Whether the planes differ in so much of the picture that it may be the camera that moved. Every second sample of
/// every second row will do.
fn shows_shake(now: &LumaPlane, then: &LumaPlane) -> bool {
    let width = now.width().max(1);
    let columns = width.div_ceil(SHAKE_CELL);
    let mut differs = vec![false; columns * now.height().div_ceil(SHAKE_CELL)];
    let rows = now.samples().chunks(width).zip(then.samples().chunks(width)).enumerate().step_by(2);
    for (y, (row, row_then)) in rows {
        let cells = &mut differs[y / SHAKE_CELL * columns..][..columns];
        for (x, (a, b)) in row.iter().zip(row_then).enumerate().step_by(2) {
            cells[x / SHAKE_CELL] |= a.abs_diff(*b) > SHAKE_LEVELS;
        }
    }
    differs.iter().filter(|&&d| d).count() as f32 > SHAKE_PART * differs.len() as f32
}

/// The mover that a connected part is, its centre weighted by how much it stands out.
fn mover(t: f32, part: &Component, signed: &[i16], width: usize) -> Mover {
    let (mut sum, mut x, mut y, mut contrast) = (0.0f32, 0.0, 0.0, 0.0);
    let (x0, y0) = (part.columns.start as f32, part.rows.start as f32);
    let (mut xx, mut yy, mut xy) = (0.0f32, 0.0, 0.0);
    for &i in &part.cells {
        let weight = f32::from(signed[i].unsigned_abs());
        let (u, v) = ((i % width) as f32 + 0.5 - x0, (i / width) as f32 + 0.5 - y0);
        sum += weight;
        (x, y) = (x + weight * u, y + weight * v);
        (xx, yy, xy) = (xx + weight * u * u, yy + weight * v * v, xy + weight * u * v);
        contrast += f32::from(signed[i]);
    }
    let area = part.cells.len() as f32;
    let most = part.cells.iter().map(|&i| signed[i].unsigned_abs()).max().unwrap_or(0);
    let core = part.cells.iter().filter(|&&i| f32::from(signed[i].unsigned_abs()) > 0.7 * f32::from(most)).count();
    let (u, v) = (x / sum, y / sum);
    // A sample is itself a twelfth of a square wide.
    let (xx, yy, xy) = (xx / sum - u * u + 1.0 / 12.0, yy / sum - v * v + 1.0 / 12.0, xy / sum - u * v);
    let (half, apart) = (0.5 * (xx + yy), (0.5 * (xx - yy)).hypot(xy));
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    let axis = (angle.cos(), angle.sin());
    Mover {
        t,
        x: x0 + u,
        y: y0 + v,
        area,
        contrast: contrast / area,
        length: (12.0 * (half + apart)).sqrt(),
        width: (12.0 * (half - apart).max(0.0)).sqrt(),
        axis: if axis.1 < 0.0 { (-axis.0, -axis.1) } else { axis },
        core: core as f32 / area,
    }
}

/// A robust deviation of the noise: from the mean of what is small.
fn spread(signed: &[i16]) -> f32 {
    let (sum, n) = signed
        .iter()
        .map(|v| v.unsigned_abs())
        .filter(|&v| v < 24)
        .fold((0u32, 0u32), |(sum, n), v| (sum + u32::from(v), n + 1));
    // Half of the differences are 0 because their signs disagree; the lesser of two absolute normals makes the rest.
    3.5 * sum as f32 / n.max(1) as f32
}
