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
/// A shaken picture differs by more than so many grey levels in at least this part of its samples.
const SHAKE_LEVELS: u8 = 8;
const SHAKE_PART: f32 = 0.01;
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
    /// Takes a plane; returns false if it does not go on from those before.
    pub(super) fn take(&mut self, at: Timestamp, plane: &LumaPlane) -> bool {
        let goes_on = self.planes.back().is_none_or(|(then, before)| {
            before.is_alike(plane) && at > *then && at.since(*then).as_secs_f64() <= MAX_GAP_S
        });
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
        let time = |i: usize| self.planes[i].0.as_secs_f64();
        // A hundredth of a second of slack, as frames do not come quite evenly.
        let over_s = f64::from(config.compare_over_s) - 0.01;
        let middle = (1..last).rev().find(|&i| time(last) - time(i) >= over_s)?;
        let first = (0..middle).rev().find(|&i| time(middle) - time(i) >= over_s)?;
        let at = self.planes[middle].0;
        let elapsed_s = time(middle) - time(middle - 1);
        let (width, height) = (self.planes[middle].1.width(), self.planes[middle].1.height());
        let mut signed = vec![0i16; width * height];
        let reach = config.max_shake_px / self.planes[middle].1.px_per_sample() as f32;
        self.difference(first, middle, last, reach, &mut signed);
        let floor = config.least_difference().max(3.0 * spread(&signed));
        let set = self.stand_out(&signed, width, floor, elapsed_s as f32);
        let scale = self.planes[middle].1.px_per_sample() as f32;
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
        // Planes before the first are never asked for again.
        self.spare.extend(self.planes.drain(..first).map(|(_, plane)| plane).take(2));
        self.spare.truncate(2);
        Some(Found { at, movers, is_crowded })
    }

    /// What the middle plane has that neither of the others has, with its sign, after shake and light.
    fn difference(&self, first: usize, middle: usize, last: usize, reach: f32, out: &mut [i16]) {
        let now = &self.planes[middle].1;
        let picture = |plane: &LumaPlane| Picture {
            width: plane.width(),
            height: plane.height(),
            levels: plane.samples().iter().map(|&s| f32::from(s)).collect(),
        };
        let reference = picture(now);
        let everything = vec![true; now.samples().len()];
        let mut moved = Vec::new();
        let mut against = |i: usize| {
            let other = picture(&self.planes[i].1);
            let is_shaken = reach > 0.0 && shows_shake(now.samples(), self.planes[i].1.samples());
            let by = if is_shaken { shift(&reference, &other, &everything, reach) } else { (0.0, 0.0) };
            other.moved_back(by, &mut moved);
            let mean = |levels: &[f32]| levels.iter().sum::<f32>() / levels.len().max(1) as f32 + 4.0;
            let gain = mean(&reference.levels) / mean(&moved);
            let slack = if by == (0.0, 0.0) { 0.0 } else { 0.35f32 };
            (moved.clone(), gain, slack)
        };
        let (before, gain_before, slack_before) = against(first);
        let (after, gain_after, slack_after) = against(last);
        let slack = slack_before.max(slack_after);
        let width = reference.width;
        let levels = &reference.levels;
        for (i, value) in out.iter_mut().enumerate() {
            let (a, b) = (levels[i] - before[i] * gain_before, levels[i] - after[i] * gain_after);
            if a * b <= 0.0 {
                continue;
            }
            let least = if a.abs() < b.abs() { a } else { b };
            // Edges that were moved back by parts of a sample differ by a part of their own step.
            let edge =
                if slack > 0.0 && i % width > 0 && i >= width && i + width < levels.len() && i % width + 1 < width {
                    let level = before[i];
                    let around = [before[i - 1], before[i + 1], before[i - width], before[i + width]];
                    around.iter().map(|n| (n - level).abs()).fold(0.0, f32::max) * slack
                } else {
                    0.0
                };
            *value = (least.signum() * (least.abs() - edge).max(0.0)) as i16;
        }
    }

    /// Which samples stand out of noise and of what their cell usually does; learns what is usual.
    fn stand_out(&mut self, signed: &[i16], width: usize, floor: f32, elapsed_s: f32) -> Vec<bool> {
        let columns = width.div_ceil(CELL).max(1);
        let rows = (signed.len() / width.max(1)).div_ceil(CELL);
        let mut most = vec![0.0f32; columns * rows];
        for (i, &value) in signed.iter().enumerate() {
            let cell = &mut most[i / width / CELL * columns + i % width / CELL];
            *cell = cell.max(f32::from(value.unsigned_abs()));
        }
        self.usual.resize(columns * rows, 0.0);
        let cell_of = |i: usize| i / width / CELL * columns + i % width / CELL;
        let limit: Vec<f32> = self.usual.iter().map(|usual| floor.max(ABOVE_USUAL * usual)).collect();
        let set = signed.iter().enumerate().map(|(i, &v)| f32::from(v.unsigned_abs()) > limit[cell_of(i)]).collect();
        for (usual, most) in self.usual.iter_mut().zip(most) {
            *usual += (elapsed_s / LEARN_S).min(0.5) * (most - *usual);
        }
        set
    }
}

/// Whether so many samples differ that it may be the camera that moved. A look at every fourth will do.
fn shows_shake(now: &[u8], then: &[u8]) -> bool {
    let pairs = now.iter().zip(then).step_by(4);
    let n = pairs.clone().filter(|(a, b)| a.abs_diff(**b) > SHAKE_LEVELS).count();
    n as f32 * 4.0 > SHAKE_PART * now.len() as f32
}

/// The mover that a connected part is, its centre weighted by how much it stands out.
fn mover(t: f32, part: &Component, signed: &[i16], width: usize) -> Mover {
    let (mut sum, mut x, mut y, mut contrast) = (0.0f32, 0.0, 0.0, 0.0);
    for &i in &part.cells {
        let weight = f32::from(signed[i].unsigned_abs());
        sum += weight;
        x += weight * ((i % width) as f32 + 0.5);
        y += weight * ((i / width) as f32 + 0.5);
        contrast += f32::from(signed[i]);
    }
    let area = part.cells.len() as f32;
    Mover { t, x: x / sum, y: y / sum, area, contrast: contrast / area }
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
