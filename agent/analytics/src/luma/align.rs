//! How far the whole picture has moved, and the picture moved back.
//!
//! Gauss-Newton over translation, gain and offset from coarse to fine (Lucas and Kanade 1981; Baker and Matthews 2004),
//! with weights that leave out what does not fit, such as subjects.

/// Steps of the pyramid, in samples.
const LEVELS: [usize; 3] = [4, 2, 1];
/// One in so many samples of every second row of the finest step takes part; it has enough of them.
const FINE_STRIDE: usize = 3;
/// Most rounds on each step.
const ROUNDS: usize = 10;
/// Least mean squared gradient, in grey levels per sample, along every direction, for which a shift can be told.
const LEAST_TEXTURE: f32 = 1.0;

/// The part of a grey picture in floating point that a shift is looked for in.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) levels: Vec<f32>,
}

impl Picture {
    /// The mean of blocks of `step` by `step`; incomplete blocks are left out.
    pub(super) fn reduced(&self, step: usize) -> Self {
        let (width, height) = (self.width / step, self.height / step);
        let mut levels = vec![0.0; width * height];
        for y in 0..height * step {
            let out = &mut levels[y / step * width..][..width];
            let row = &self.levels[y * self.width..][..width * step];
            for (sum, block) in out.iter_mut().zip(row.chunks_exact(step)) {
                *sum += block.iter().sum::<f32>();
            }
        }
        let inverse = 1.0 / (step * step) as f32;
        for level in &mut levels {
            *level *= inverse;
        }
        Self { width, height, levels }
    }

    /// The picture under a binomial filter of three by three: single samples are mostly noise, of which interpolation
    /// makes minima of its own.
    fn smoothed(&self) -> Self {
        let pass = |levels: &[f32], step: usize| -> Vec<f32> {
            let n = levels.len();
            (0..n)
                .map(|i| (levels[i.saturating_sub(step)] + 2.0 * levels[i] + levels[(i + step).min(n - 1)]) * 0.25)
                .collect()
        };
        Self { levels: pass(&pass(&self.levels, 1), self.width), ..*self }
    }

    /// The level at a place between samples; the edge goes on for ever.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f32), y.clamp(0.0, (self.height - 1) as f32));
        let (x0, y0) = (x as usize, y as usize);
        let (x1, y1) = ((x0 + 1).min(self.width - 1), (y0 + 1).min(self.height - 1));
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let row = |y: usize| {
            let (a, b) = (self.levels[y * self.width + x0], self.levels[y * self.width + x1]);
            a + (b - a) * fx
        };
        let (top, bottom) = (row(y0), row(y1));
        top + (bottom - top) * fy
    }

    /// The picture as it would be had the camera not moved by `shift`, written to `out`.
    pub(super) fn moved_back(&self, (dx, dy): (f32, f32), out: &mut Vec<f32>) {
        out.clear();
        if dx == 0.0 && dy == 0.0 {
            out.extend_from_slice(&self.levels);
            return;
        }
        for y in 0..self.height {
            out.extend((0..self.width).map(|x| self.at(x as f32 + dx, y as f32 + dy)));
        }
    }
}

/// By how many samples `now` lies off `reference`, at most `reach` each way; none where the picture does not tell.
///
/// Only samples for which `counts` is true take part.
pub(super) fn shift(reference: &Picture, now: &Picture, counts: &[bool], reach: f32) -> (f32, f32) {
    match shift_from((0.0, 0.0), reference, now, counts, reach) {
        Some((x, y)) if x.hypot(y) >= 0.08 => (x, y),
        _ => (0.0, 0.0),
    }
}

/// The same, from a first guess; it tells a picture that has not moved from one that says nothing.
pub(super) fn shift_from(
    (mut x, mut y): (f32, f32),
    reference: &Picture,
    now: &Picture,
    counts: &[bool],
    reach: f32,
) -> Option<(f32, f32)> {
    if reference.width.min(reference.height) < 32 || reference.levels.len() != now.levels.len() {
        return None;
    }
    for step in LEVELS {
        let at_step = |picture: &Picture| if step == 1 { picture.smoothed() } else { picture.reduced(step) };
        let (small, small_now) = (at_step(reference), at_step(now));
        let scale = step as f32;
        let taken = |i: usize| {
            let (column, row) = (i % small.width * step, i / small.width * step);
            counts[(row + step / 2) * reference.width + column + step / 2]
        };
        let mut fit = Fit { x: x / scale, y: y / scale, gain: 1.0, offset: 0.0 };
        for _ in 0..ROUNDS {
            let moved = fit.round(&small, &small_now, &taken, if step == 1 { FINE_STRIDE } else { 1 })?;
            if moved < 0.02 {
                break;
            }
        }
        (x, y) = (fit.x * scale, fit.y * scale);
        if !(x.abs() <= reach && y.abs() <= reach) {
            return None;
        }
    }
    Some((x, y))
}

/// What is known so far on one step of the pyramid.
struct Fit {
    x: f32,
    y: f32,
    gain: f32,
    offset: f32,
}

impl Fit {
    /// One round; the length by which the shift changed, `None` if the picture has too little texture.
    fn round(
        &mut self,
        reference: &Picture,
        now: &Picture,
        taken: &impl Fn(usize) -> bool,
        stride: usize,
    ) -> Option<f32> {
        let width = reference.width;
        let mut rows = Vec::with_capacity(reference.levels.len());
        for y in (2..reference.height - 2).step_by(stride.min(2)) {
            for x in (2 + y % stride..width - 2).step_by(stride) {
                let i = y * width + x;
                if !taken(i) {
                    continue;
                }
                // The gradient of the reference serves for all rounds alike.
                let b = &reference.levels;
                let (gx, gy) = ((b[i + 1] - b[i - 1]) * 0.5, (b[i + width] - b[i - width]) * 0.5);
                let residual = now.at(x as f32 + self.x, y as f32 + self.y) - self.gain * b[i] - self.offset;
                rows.push([gx * self.gain, gy * self.gain, -b[i], -1.0, residual]);
            }
        }
        if rows.len() < 64 {
            return None;
        }
        let spread = rows.iter().map(|row| row[4].abs()).sum::<f32>() / rows.len() as f32;
        let scale = 1.0 / (1.5 * spread + 1.0);
        let mut normal = [[0.0f64; 5]; 4];
        let mut weights = 0.0;
        for row in &rows {
            let weight = 1.0 / (1.0 + (row[4] * scale).powi(2)).powi(2);
            weights += f64::from(weight);
            for (i, line) in normal.iter_mut().enumerate() {
                for (j, sum) in line.iter_mut().enumerate().skip(i) {
                    *sum += f64::from(weight * row[i] * row[j]);
                }
            }
        }
        let upper = normal;
        for (i, line) in normal.iter_mut().enumerate() {
            line.iter_mut().zip(&upper).take(i).for_each(|(value, mirrored)| *value = mirrored[i]);
        }
        let (a, b, c) = (normal[0][0] / weights, normal[0][1] / weights, normal[1][1] / weights);
        let weakest = (a + c) * 0.5 - ((a - c) * 0.5).hypot(b);
        if weakest < f64::from(LEAST_TEXTURE * self.gain * self.gain) {
            return None;
        }
        let [dx, dy, dg, dof] = solve(normal)?;
        self.x -= dx;
        self.y -= dy;
        self.gain = (self.gain - dg).clamp(0.2, 5.0);
        self.offset -= dof;
        Some(dx.hypot(dy))
    }
}

/// Solves four equations by elimination with the largest pivot.
fn solve(mut m: [[f64; 5]; 4]) -> Option<[f32; 4]> {
    for column in 0..4 {
        let pivot = (column..4).max_by(|&a, &b| m[a][column].abs().total_cmp(&m[b][column].abs()))?;
        m.swap(column, pivot);
        if m[column][column].abs() < 1e-9 {
            return None;
        }
        let upper = m[column];
        for (row, line) in m.iter_mut().enumerate() {
            if row != column {
                let factor = line[column] / upper[column];
                line.iter_mut().zip(upper).for_each(|(value, above)| *value -= factor * above);
            }
        }
    }
    let solved: [f32; 4] = std::array::from_fn(|i| (m[i][4] / m[i][i]) as f32);
    solved.iter().all(|v| v.is_finite()).then_some(solved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luma::testing::{Canvas, Dice};

    fn picture(canvas: &Canvas) -> Picture {
        Picture { width: canvas.width, height: canvas.height, levels: canvas.levels.clone() }
    }

    #[test]
    fn shifts_are_found_under_gain_noise_and_subjects() {
        let street = Canvas::street(200, 120);
        let everything = vec![true; 200 * 120];
        for (dx, dy, gain) in [(0.0, 0.0, 1.0), (0.5, -0.3, 1.2), (-2.4, 1.7, 0.8), (5.0, 4.0, 1.0)] {
            let mut now = street.shaken(dx, dy);
            now.object([60.0, 50.0, 90.0, 110.0], 30.0);
            now.gain(gain, 5.0);
            now.noise(2.0, &mut Dice(3));
            let (x, y) = shift(&picture(&street), &picture(&now), &everything, 8.0);
            // Moving back undoes the shake, so the two have opposite signs.
            assert!((x + dx).abs() < 0.15 && (y + dy).abs() < 0.15, "{dx} {dy}: {x} {y}");
        }
    }

    #[test]
    fn a_picture_without_texture_tells_no_shift() {
        let flat = Picture { width: 64, height: 64, levels: vec![90.0; 64 * 64] };
        assert_eq!(shift(&flat, &flat, &vec![true; 64 * 64], 8.0), (0.0, 0.0));
    }
}
