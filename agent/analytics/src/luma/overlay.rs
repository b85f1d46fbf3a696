//! How a picture lies on another: moved, turned and enlarged about the middle, and the fit that finds it.
//!
//! Gauss-Newton from coarse to fine as in [`super::align`], over a similarity in place of a translation: a camera on a mast
//! or a drone rolls and zooms, too, and a roll of one degree carries the edge of the picture by more than half a person.

use super::align::{FINE_STRIDE, Picture, Pyramid, Samples, add_to_upper, mirror_upper, solve, weakest};
use super::sums::Sums;

/// Most rounds on each step.
const ROUNDS: usize = 12;
/// A round that moves the corners by less than this many samples is the last.
const ENOUGH: f64 = 0.02;
/// Least mean squared gradient, in grey levels per sample, along every direction, for which a place can be told.
const LEAST_TEXTURE: f64 = 1.0;
/// Least part of the samples that must lie in both pictures.
const LEAST_SHARED: f32 = 0.3;

/// Where samples of one picture lie in another, both of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Overlay {
    /// By how many samples the middle has moved.
    pub(super) x: f32,
    pub(super) y: f32,
    /// The scale less one along the axes, and across them.
    along: f32,
    across: f32,
    middle: (f32, f32),
}

impl Overlay {
    /// Moved and nothing else.
    pub(super) fn shift((x, y): (f32, f32), (width, height): (usize, usize)) -> Self {
        Self { x, y, along: 0.0, across: 0.0, middle: ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0) }
    }

    /// Whether it is moved and nothing else.
    pub(super) fn is_shift(&self) -> bool {
        (self.along, self.across) == (0.0, 0.0)
    }

    /// Whether it lies where it lay.
    pub(super) fn is_still(&self) -> bool {
        self.is_shift() && (self.x, self.y) == (0.0, 0.0)
    }

    /// Where a sample's middle lies in the other picture.
    pub(super) fn point(&self, x: f32, y: f32) -> (f32, f32) {
        let (dx, dy) = (x - self.middle.0, y - self.middle.1);
        (x + self.x + self.along * dx - self.across * dy, y + self.y + self.across * dx + self.along * dy)
    }

    /// The other way round.
    pub(super) fn back(&self, x: f32, y: f32) -> (f32, f32) {
        let (dx, dy) = (x - self.middle.0 - self.x, y - self.middle.1 - self.y);
        let (cos, sin) = (1.0 + self.along, self.across);
        let square = cos * cos + sin * sin;
        (self.middle.0 + (cos * dx + sin * dy) / square, self.middle.1 + (cos * dy - sin * dx) / square)
    }

    /// How far a corner is carried beyond what the middle is, in samples.
    pub(super) fn turn(&self) -> f32 {
        self.along.hypot(self.across) * self.middle.0.hypot(self.middle.1)
    }

    /// How far a corner lies off where another place has it, in samples: the farthest.
    pub(super) fn off(&self, other: &Self) -> f32 {
        let (x, y) = (2.0 * self.middle.0, 2.0 * self.middle.1);
        let off = |(x, y): (f32, f32)| {
            let ((a, b), (c, d)) = (self.point(x, y), other.point(x, y));
            (a - c).hypot(b - d)
        };
        [(0.0, 0.0), (x, 0.0), (x, y), (0.0, y)].map(off).into_iter().fold(0.0, f32::max)
    }

    /// How far a corner is carried at most, in samples.
    pub(super) fn farthest(&self) -> f32 {
        self.x.hypot(self.y) + self.turn()
    }

    /// The same on a step of the pyramid, or back from one.
    fn scaled(&self, by: f32, (width, height): (usize, usize)) -> Self {
        Self { along: self.along, across: self.across, ..Self::shift((self.x * by, self.y * by), (width, height)) }
    }
}

/// Where `now` lies on `reference`, near `start`; none where the picture does not tell, or beyond `reach` samples.
pub(super) fn overlay_from(
    start: Overlay,
    reference: &Pyramid,
    now: &Pyramid,
    counts: &[bool],
    reach: f32,
) -> Option<Overlay> {
    let whole = now.fine();
    if !reference.can_tell(whole) {
        return None;
    }
    let mut found = start;
    for (step, samples, now) in reference.steps(now, counts) {
        let mut fit = Fit { at: found.scaled(1.0 / step as f32, (now.width, now.height)), gain: 1.0, offset: 0.0 };
        for _ in 0..ROUNDS {
            if fit.round(&samples, now)? < ENOUGH {
                break;
            }
        }
        found = fit.at.scaled(step as f32, (whole.width, whole.height));
        // What is no number is not within it either.
        let is_in_reach = found.farthest() <= reach;
        if !is_in_reach {
            return None;
        }
    }
    Some(found)
}

/// By how many samples a corner of `now` lies off `reference` beyond `place`, where that is little; none where the picture
/// does not tell.
pub(super) fn small_step(place: Overlay, reference: &Pyramid, now: &Picture, counts: &[bool]) -> Option<f32> {
    if !reference.can_tell(now) {
        return None;
    }
    let samples = Samples::of(reference.fine(), 1, (counts, now.width), FINE_STRIDE);
    let step = Fit { at: place, gain: 1.0, offset: 0.0 }.round(&samples, &now.smoothed())?;
    Some(step as f32)
}

/// Correlation of the gradients of two pictures, where they share enough.
pub(super) fn correlation(reference: &Picture, now: &Picture, is_free: &[bool], place: &Overlay) -> f32 {
    const STEP: usize = 3;
    let (mut sums, width) = (Sums::default(), reference.width);
    for y in (2..reference.height.saturating_sub(2)).step_by(STEP) {
        for x in (2..width.saturating_sub(2)).step_by(STEP) {
            let i = y * width + x;
            if !(is_free[i] && is_free[i + 2] && is_free[i - 2]) {
                continue;
            }
            let (x, y) = (x as f32, y as f32);
            let at = |dx: f32, dy: f32| {
                let (u, v) = place.point(x + dx, y + dy);
                now.between(u, v)
            };
            let around = (at(2.0, 0.0), at(-2.0, 0.0), at(0.0, 2.0), at(0.0, -2.0));
            let (Some(right), Some(left), Some(down), Some(up)) = around else { continue };
            sums.add(reference.levels[i + 2] - reference.levels[i - 2], right - left);
            sums.add(reference.levels[i + 2 * width] - reference.levels[i - 2 * width], down - up);
        }
    }
    sums.correlation()
}

/// What is known so far on one step of the pyramid.
struct Fit {
    at: Overlay,
    gain: f32,
    offset: f32,
}

impl Fit {
    /// One round; how far a corner moved by it, `None` if the pictures share too little, or too little that has texture.
    fn round(&mut self, Samples(samples): &Samples, now: &Picture) -> Option<f64> {
        // A corner as far as the unit, so that all unknowns are of one size.
        let unit = self.at.middle.0.hypot(self.at.middle.1).max(1.0);
        let shared = samples.iter().filter_map(|sample| {
            let (x, y) = (sample.x as f32, sample.y as f32);
            let (u, v) = self.at.point(x, y);
            Some((sample, now.between(u, v)? - self.gain * sample.level - self.offset))
        });
        let shared: Vec<_> = shared.collect();
        if shared.len() < 64 || (shared.len() as f32) < LEAST_SHARED * samples.len() as f32 {
            return None;
        }
        let spread = shared.iter().map(|(_, residual)| residual.abs()).sum::<f32>() / shared.len() as f32;
        let scale = 1.0 / (1.5 * spread + 1.0);
        let mut normal = [[0.0f64; 7]; 6];
        let mut weights = 0.0;
        for &(sample, residual) in &shared {
            let weight = 1.0 / (1.0 + (residual * scale).powi(2)).powi(2);
            weights += f64::from(weight);
            let (dx, dy) = ((sample.x as f32 - self.at.middle.0) / unit, (sample.y as f32 - self.at.middle.1) / unit);
            let (gx, gy) = (sample.gx * self.gain, sample.gy * self.gain);
            let row = [gx, gy, gx * dx + gy * dy, gy * dx - gx * dy, -sample.level, -1.0, residual];
            add_to_upper(&mut normal, &row, weight);
        }
        mirror_upper(&mut normal);
        let (a, b, c) = (normal[0][0] / weights, normal[0][1] / weights, normal[1][1] / weights);
        if weakest(a, b, c) < LEAST_TEXTURE * f64::from(self.gain * self.gain) {
            return None;
        }
        let [dx, dy, along, across, dg, dof] = solve(normal)?;
        self.at.x -= dx;
        self.at.y -= dy;
        self.at.along -= along / unit;
        self.at.across -= across / unit;
        self.gain = (self.gain - dg).clamp(0.2, 5.0);
        self.offset -= dof;
        Some(f64::from(dx.hypot(dy) + along.hypot(across)))
    }
}
