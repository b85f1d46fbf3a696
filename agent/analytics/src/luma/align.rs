//! How far the whole picture has moved, and the picture moved back.
//!
//! Gauss-Newton over translation, gain and offset from coarse to fine (Lucas and Kanade 1981; Baker and Matthews 2004),
//! with weights that leave out what does not fit, such as subjects.

/// Steps of the pyramid, in samples.
const LEVELS: [usize; 3] = [4, 2, 1];
/// One in so many samples of every second row of the finest step takes part; it has enough of them.
pub(super) const FINE_STRIDE: usize = 3;
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
    pub(super) fn smoothed(&self) -> Self {
        let mut smooth = Self::default();
        self.smooth_into(&mut Vec::new(), &mut smooth);
        smooth
    }

    /// The same in the memory of another picture, by that of the first of two passes.
    fn smooth_into(&self, half: &mut Vec<f32>, smooth: &mut Self) {
        let pass = |levels: &[f32], step: usize, out: &mut Vec<f32>| {
            let (n, step) = (levels.len(), step.min(levels.len()));
            let inner = step..(n - step).max(step);
            let at =
                |i: usize| (levels[i.saturating_sub(step)] + 2.0 * levels[i] + levels[(i + step).min(n - 1)]) * 0.25;
            out.clear();
            out.reserve(n);
            out.extend((0..inner.start).map(at));
            // Three slices of one length, so that the compiler does several samples at a time.
            let here = &levels[inner.clone()];
            let (before, after) = (&levels[..here.len()], &levels[n - here.len()..]);
            out.extend(before.iter().zip(here).zip(after).map(|((a, b), c)| (a + 2.0 * b + c) * 0.25));
            out.extend((inner.end..n).map(at));
        };
        pass(&self.levels, 1, half);
        (smooth.width, smooth.height) = (self.width, self.height);
        pass(half, self.width, &mut smooth.levels);
    }

    /// The level between samples; none beyond the picture.
    pub(super) fn between(&self, x: f32, y: f32) -> Option<f32> {
        if !(x >= 0.0 && y >= 0.0) {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        if left + 1 >= self.width || top + 1 >= self.height {
            return None;
        }
        let (across, down) = (x - left as f32, y - top as f32);
        let row = |at: usize| self.levels[at] + (self.levels[at + 1] - self.levels[at]) * across;
        let upper = row(top * self.width + left);
        Some(upper + (row((top + 1) * self.width + left) - upper) * down)
    }

    /// The picture moved by a shift, to be read at whole places.
    pub(super) fn moved(&self, (dx, dy): (f32, f32)) -> Moved<'_> {
        let whole = (dx.floor(), dy.floor());
        let part = (dx - whole.0, dy - whole.1);
        let whole = (whole.0 as isize, whole.1 as isize);
        Moved { picture: self, whole, part, is_in_place: whole == (0, 0) && part == (0.0, 0.0) }
    }

    /// The picture as it would be had the camera not moved by `shift`, written to `out`.
    pub(super) fn moved_back(&self, (dx, dy): (f32, f32), out: &mut Vec<f32>) {
        out.clear();
        if dx == 0.0 && dy == 0.0 {
            out.extend_from_slice(&self.levels);
            return;
        }
        let moved = self.moved((dx, dy));
        for y in 0..self.height {
            out.extend((0..self.width).map(|x| moved.at(x, y)));
        }
    }
}

/// A picture that lies off by the same shift everywhere, so that the place between samples is reckoned once.
#[derive(Clone, Copy)]
pub(super) struct Moved<'a> {
    picture: &'a Picture,
    whole: (isize, isize),
    part: (f32, f32),
    is_in_place: bool,
}

impl Moved<'_> {
    /// The level that has come to lie at a place; the edge goes on for ever.
    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        let Picture { width, height, levels } = self.picture;
        // A camera mostly stands still.
        if self.is_in_place {
            return levels[y * width + x];
        }
        let inside = |v: isize, most: usize| v.clamp(0, most as isize - 1) as usize;
        let (left, top) = (x as isize + self.whole.0, y as isize + self.whole.1);
        let (x0, y0) = (inside(left, *width), inside(top, *height) * width);
        if self.part == (0.0, 0.0) {
            return levels[y0 + x0];
        }
        let (x1, y1) = (inside(left + 1, *width), inside(top + 1, *height) * width);
        let row = |row: usize| levels[row + x0] + (levels[row + x1] - levels[row + x0]) * self.part.0;
        let upper = row(y0);
        upper + (row(y1) - upper) * self.part.1
    }
}

/// A picture at each of the steps, from coarse to fine.
#[derive(Debug, Clone, Default)]
pub(super) struct Pyramid([Picture; LEVELS.len()]);

impl Pyramid {
    pub(super) fn of(picture: &Picture) -> Self {
        Self(LEVELS.map(|step| if step == 1 { picture.smoothed() } else { picture.reduced(step) }))
    }

    pub(super) fn fine(&self) -> &Picture {
        let [.., fine] = &self.0;
        fine
    }

    /// Whether a shift of `now` against this can be told by their sizes.
    pub(super) fn can_tell(&self, now: &Picture) -> bool {
        let fine = self.fine();
        now.width.min(now.height) >= 32 && (fine.width, fine.height) == (now.width, now.height)
    }

    /// From coarse to fine: the step, the samples of this picture that take part, and the other picture.
    pub(super) fn steps<'a>(
        &'a self,
        now: &'a Self,
        counts: &'a [bool],
    ) -> impl Iterator<Item = (usize, Samples, &'a Picture)> {
        let whole_width = now.fine().width;
        self.0.iter().zip(&now.0).zip(LEVELS).map(move |((reference, now), step)| {
            let stride = if step == 1 { FINE_STRIDE } else { 1 };
            (step, Samples::of(reference, step, (counts, whole_width), stride), now)
        })
    }

    /// Whether the picture shows so little that no shift of it can ever be told.
    pub(super) fn is_blank(&self) -> bool {
        let fine = self.fine();
        if fine.width < 5 || fine.height < 5 {
            return true;
        }
        let everything = vec![true; fine.levels.len()];
        let Samples(samples) = Samples::of(fine, 1, (&everything, fine.width), FINE_STRIDE);
        let mut sums = [0.0f64; 3];
        for Sample { gx, gy, .. } in &samples {
            sums = [sums[0] + f64::from(gx * gx), sums[1] + f64::from(gx * gy), sums[2] + f64::from(gy * gy)];
        }
        let [a, b, c] = sums.map(|sum| sum / samples.len().max(1) as f64);
        // Half of it, because a fit looks at the samples that lie well on each other alone.
        weakest(a, b, c) < 0.5 * f64::from(LEAST_TEXTURE)
    }
}

/// The least mean squared gradient along any direction.
pub(super) fn weakest(xx: f64, xy: f64, yy: f64) -> f64 {
    (xx + yy) * 0.5 - ((xx - yy) * 0.5).hypot(xy)
}

/// By how many samples `now` lies off `reference`, at most `reach` each way; none where the picture does not tell.
///
/// Only samples for which `counts` is true take part.
pub(super) fn shift(reference: &Picture, now: &Picture, counts: &[bool], reach: f32) -> (f32, f32) {
    match shift_from((0.0, 0.0), &Pyramid::of(reference), &Pyramid::of(now), counts, reach) {
        Some((x, y)) if x.hypot(y) >= 0.08 => (x, y),
        _ => (0.0, 0.0),
    }
}

/// The same, from a first guess; it tells a picture that has not moved from one that says nothing.
pub(super) fn shift_from(
    (mut x, mut y): (f32, f32),
    reference: &Pyramid,
    now: &Pyramid,
    counts: &[bool],
    reach: f32,
) -> Option<(f32, f32)> {
    if !reference.can_tell(now.fine()) {
        return None;
    }
    let mut residuals = Vec::new();
    for (step, samples, now) in reference.steps(now, counts) {
        let scale = step as f32;
        let mut fit = Fit { x: x / scale, y: y / scale, gain: 1.0, offset: 0.0 };
        for _ in 0..ROUNDS {
            if fit.round(&samples, now, &mut residuals)? < 0.02 {
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

/// By how many samples `now` lies off `reference` beyond `place`, where that is little; none where the picture does not
/// tell.
pub(super) fn small_step(
    place: (f32, f32),
    reference: &Pyramid,
    now: &Picture,
    counts: &[bool],
    scratch: &mut Scratch,
) -> Option<f32> {
    if !reference.can_tell(now) {
        return None;
    }
    let Scratch { samples, half, smooth, residuals } = scratch;
    samples.fill(reference.fine(), 1, (counts, now.width), FINE_STRIDE);
    now.smooth_into(half, smooth);
    Fit { x: place.0, y: place.1, gain: 1.0, offset: 0.0 }.round(samples, smooth, residuals)
}

/// Memory of one step, which is used again from picture to picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    samples: Samples,
    half: Vec<f32>,
    smooth: Picture,
    residuals: Vec<f32>,
}

/// The samples of a reference that take part.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(pub(super) Vec<Sample>);

/// What serves for all rounds alike of one sample: its place, its level and the gradient there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) level: f32,
    pub(super) gx: f32,
    pub(super) gy: f32,
}

impl Samples {
    /// One in `stride` of a row, of every second row, of those that `counts`, in rows of `whole_width`, lets take part.
    pub(super) fn of(reference: &Picture, step: usize, counts: (&[bool], usize), stride: usize) -> Self {
        let mut samples = Self::default();
        samples.fill(reference, step, counts, stride);
        samples
    }

    /// The same in place of those that were.
    fn fill(&mut self, reference: &Picture, step: usize, (counts, whole_width): (&[bool], usize), stride: usize) {
        let (width, Self(samples)) = (reference.width, self);
        samples.clear();
        samples.reserve(reference.levels.len() / (stride * stride.min(2)));
        for y in (2..reference.height - 2).step_by(stride.min(2)) {
            for x in (2 + y % stride..width - 2).step_by(stride) {
                if !counts[(y * step + step / 2) * whole_width + x * step + step / 2] {
                    continue;
                }
                let (b, i) = (&reference.levels, y * width + x);
                let (gx, gy) = ((b[i + 1] - b[i - 1]) * 0.5, (b[i + width] - b[i - width]) * 0.5);
                samples.push(Sample { x: x as u32, y: y as u32, level: b[i], gx, gy });
            }
        }
    }
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
    fn round(&mut self, Samples(samples): &Samples, now: &Picture, residuals: &mut Vec<f32>) -> Option<f32> {
        if samples.len() < 64 {
            return None;
        }
        let moved = now.moved((self.x, self.y));
        let residual =
            |&Sample { x, y, level, .. }: &Sample| moved.at(x as usize, y as usize) - self.gain * level - self.offset;
        residuals.clear();
        residuals.extend(samples.iter().map(residual));
        let spread = residuals.iter().map(|residual| residual.abs()).sum::<f32>() / samples.len() as f32;
        let scale = 1.0 / (1.5 * spread + 1.0);
        let mut normal = [[0.0f64; 5]; 4];
        let mut weights = 0.0;
        for (&Sample { level, gx, gy, .. }, &residual) in samples.iter().zip(&*residuals) {
            let weight = 1.0 / (1.0 + (residual * scale).powi(2)).powi(2);
            weights += f64::from(weight);
            let row = [gx * self.gain, gy * self.gain, -level, -1.0, residual];
            add_to_upper(&mut normal, &row, weight);
        }
        mirror_upper(&mut normal);
        let (a, b, c) = (normal[0][0] / weights, normal[0][1] / weights, normal[1][1] / weights);
        if weakest(a, b, c) < f64::from(LEAST_TEXTURE * self.gain * self.gain) {
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

/// Adds one weighted observation to the upper half of normal equations; its last value is what is measured.
pub(super) fn add_to_upper<const N: usize, const M: usize>(normal: &mut [[f64; M]; N], row: &[f32; M], weight: f32) {
    for (i, line) in normal.iter_mut().enumerate() {
        for (j, sum) in line.iter_mut().enumerate().skip(i) {
            *sum += f64::from(weight * row[i] * row[j]);
        }
    }
}

/// Fills the lower half of normal equations, which are symmetric, from the upper one.
pub(super) fn mirror_upper<const N: usize, const M: usize>(normal: &mut [[f64; M]; N]) {
    let upper = *normal;
    for (i, line) in normal.iter_mut().enumerate() {
        line.iter_mut().zip(&upper).take(i).for_each(|(value, mirrored)| *value = mirrored[i]);
    }
}

/// Solves `N` equations, of which each has its right side behind it (`M` is one more), by elimination with the largest pivot.
pub(super) fn solve<const N: usize, const M: usize>(mut m: [[f64; M]; N]) -> Option<[f32; N]> {
    for column in 0..N {
        let pivot = (column..N).max_by(|&a, &b| m[a][column].abs().total_cmp(&m[b][column].abs()))?;
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
    let solved: [f32; N] = std::array::from_fn(|i| (m[i][N] / m[i][i]) as f32);
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
