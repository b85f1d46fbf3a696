//! Synthetic scenes with exact truth, for the tests of the detectors on luma planes.

use super::LumaPlane;

/// A small generator of even numbers (SplitMix64), so that scenes are the same on every run.
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to 1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// A number from `low` to `high`.
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// About normal, with a deviation of 1.
    pub(super) fn normal(&mut self) -> f32 {
        // Eight even bytes have a mean of 1020 and a deviation of 209.
        let sum: u16 = self.next().to_ne_bytes().iter().map(|&byte| u16::from(byte)).sum();
        (f32::from(sum) - 1020.0) / 209.0
    }
}

/// A picture in floating point, painted on before it is sampled to a plane.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) levels: Vec<f32>,
}

impl Canvas {
    /// A street: a bright wall with windows above, textured ground with a kerb below.
    pub(super) fn street(width: usize, height: usize) -> Self {
        let mut dice = Dice(7);
        let grain: Vec<f32> = (0..width * height).map(|_| dice.normal() * 3.0).collect();
        let level = |i: usize| {
            let (x, y) = (i % width, i / width);
            let wave = ((x as f32 * 0.35).sin() + (y as f32 * 0.5 + x as f32 * 0.1).sin()) * 4.0;
            let is_window = y < height / 3 && x % 40 < 16 && y % 24 < 14;
            let base = match (is_window, y < height / 2) {
                (true, _) => 60.0,
                (false, true) => 150.0,
                (false, false) => 105.0,
            };
            base + wave + grain[i]
        };
        Self { width, height, levels: (0..width * height).map(level).collect() }
    }

    /// Changes the samples inside a box, given the level and the place within the box from 0 to 1.
    pub(super) fn paint(&mut self, [x0, y0, x1, y1]: [f32; 4], paint: impl Fn(f32, f32, f32) -> f32) {
        let span = |from: f32, to: f32, whole: usize| from.max(0.0) as usize..(to.max(0.0).ceil() as usize).min(whole);
        for y in span(y0, y1, self.height) {
            for x in span(x0, x1, self.width) {
                // Covered part of the sample, so that boxes move smoothly.
                let across = ((x + 1) as f32).min(x1) - (x as f32).max(x0);
                let down = ((y + 1) as f32).min(y1) - (y as f32).max(y0);
                let cover = across.clamp(0.0, 1.0) * down.clamp(0.0, 1.0);
                if cover > 0.0 {
                    let (u, v) = ((x as f32 + 0.5 - x0) / (x1 - x0), (y as f32 + 0.5 - y0) / (y1 - y0));
                    let level = &mut self.levels[y * self.width + x];
                    *level += cover * (paint(*level, u, v) - *level);
                }
            }
        }
    }

    /// A box with a pattern of its own, such as a carton or a coat.
    pub(super) fn object(&mut self, place: [f32; 4], level: f32) {
        self.paint(place, |_, u, v| {
            level + if (u * 3.0) as i32 % 2 == 0 { 18.0 } else { -12.0 } + if v > 0.55 { 10.0 } else { -8.0 }
        });
    }

    /// A soft shadow or light: a factor on the level, with an edge of a quarter of the box.
    pub(super) fn light(&mut self, place: [f32; 4], factor: f32) {
        self.paint(place, |level, u, v| {
            let depth = u.min(1.0 - u).min(v).min(1.0 - v).max(0.0) * 4.0;
            level * (1.0 + (factor - 1.0) * depth.min(1.0))
        });
    }

    /// Multiplies every level and adds to it.
    pub(super) fn gain(&mut self, factor: f32, offset: f32) {
        for level in &mut self.levels {
            *level = *level * factor + offset;
        }
    }

    /// Adds noise of a deviation.
    pub(super) fn noise(&mut self, deviation: f32, dice: &mut Dice) {
        for level in &mut self.levels {
            *level += dice.normal() * deviation;
        }
    }

    /// The picture as a camera sees it that has moved by a part of a sample or more.
    pub(super) fn shaken(&self, dx: f32, dy: f32) -> Self {
        let at = |x: isize, y: isize| {
            let x = x.clamp(0, self.width as isize - 1) as usize;
            self.levels[y.clamp(0, self.height as isize - 1) as usize * self.width + x]
        };
        let level = |i: usize| {
            let (x, y) = ((i % self.width) as f32 + dx, (i / self.width) as f32 + dy);
            let (fx, fy) = (x - x.floor(), y - y.floor());
            let (x, y) = (x.floor() as isize, y.floor() as isize);
            let top = at(x, y) * (1.0 - fx) + at(x + 1, y) * fx;
            let bottom = at(x, y + 1) * (1.0 - fx) + at(x + 1, y + 1) * fx;
            top * (1.0 - fy) + bottom * fy
        };
        Self { levels: (0..self.levels.len()).map(level).collect(), ..*self }
    }

    /// The picture as 8-bit samples, each of which stands for 8 by 8 pixels.
    pub(super) fn plane(&self) -> LumaPlane {
        let samples = self.levels.iter().map(|l| l.round().clamp(0.0, 255.0) as u8).collect();
        LumaPlane::from_samples(self.width, self.height, samples).unwrap().of_blocks(8)
    }
}
