//! Facades with exact truth, the same for every seed: what falls before them, and what only looks like it.
//!
//! Everything is drawn at the resolution of the plane with its motion blur, as boxes that cover samples in part, which is
//! what a frame gives that was made small.

pub(crate) mod distractors;
pub(crate) mod falls;

use forewarn_analytics::luma::{FallingObjectConfig, LumaPlane};

/// Even numbers from a seed (xorshift64*).
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x1234_5678_9ABC_DEF1);
        for _ in 0..4 {
            chance.unit();
        }
        chance
    }

    /// A number from 0 to 1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// One of a few.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[((self.unit() * of.len() as f32) as usize).min(of.len() - 1)]
    }

    /// About normal, with a deviation of 1.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.unit()).sum::<f32>() * std::f32::consts::SQRT_2 - 4.243
    }
}

/// Where something is at a time: its centre in samples, and its width and height; `None` when it is not there.
pub(crate) type Way = Box<dyn Fn(f32) -> Option<[f32; 4]>>;

/// Something that is drawn.
pub(crate) struct Body {
    pub(crate) way: Way,
    pub(crate) level: f32,
    /// Samples over which its edge fades, as of what is near the lens and out of focus.
    pub(crate) soft: f32,
}

/// A wall before which things happen.
pub(crate) struct Facade {
    pub(crate) size: (usize, usize),
    pub(crate) px_per_sample: u32,
    pub(crate) fps: f32,
    pub(crate) exposure_s: f32,
    /// Samples that a metre has.
    pub(crate) per_metre: f32,
    pub(crate) noise: f32,
    pub(crate) wall: Vec<f32>,
    pub(crate) grain: Vec<f32>,
    pub(crate) chance: Chance,
}

impl Facade {
    /// A wall of some seed, at some scale, of some camera.
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let (size, px_per_sample) = chance.pick(&[((160, 320), 3), ((180, 360), 1), ((200, 360), 2)]);
        let floors = chance.pick(&[6.0, 9.0, 12.0, 18.0, 24.0]);
        let floor = size.1 as f32 / floors;
        let (bright, dark) = (chance.range(90.0, 190.0), chance.range(35.0, 80.0));
        let (every, wide, high) = (floor * chance.range(1.0, 1.8), chance.range(0.3, 0.6), chance.range(0.4, 0.65));
        let is_brick = chance.unit() < 0.3;
        let mut wall = Vec::with_capacity(size.0 * size.1);
        for i in 0..size.0 * size.1 {
            let (x, y) = ((i % size.0) as f32, (i / size.0) as f32);
            let is_window = (x / every).fract() < wide && (y / floor).fract() < high;
            let brick = if is_brick && (y * 0.8).fract() < 0.25 { -14.0 } else { 0.0 };
            let base = if is_window { dark } else { bright + brick };
            wall.push(base + chance.normal() * 2.5 + 4.0 * (y * 0.05).sin());
        }
        let grain = (0..1 << 16).map(|_| chance.normal()).collect();
        Self {
            size,
            px_per_sample,
            fps: chance.pick(&[10.0, 15.0, 25.0]),
            exposure_s: chance.pick(&[0.002, 0.005, 0.01, 0.02]),
            per_metre: floor / 3.0,
            noise: chance.pick(&[1.0, 1.5, 2.5]),
            wall,
            grain,
            chance,
        }
    }

    /// The default settings as they are fitted to this picture.
    pub(crate) fn config(&self) -> FallingObjectConfig {
        FallingObjectConfig::default().for_rows(self.rows_px())
    }

    /// Rows of the picture in pixels.
    pub(crate) fn rows_px(&self) -> u32 {
        self.size.1 as u32 * self.px_per_sample
    }

    /// What the camera sees at a time, in the light of `gain`, its picture moved by `shift` samples.
    pub(crate) fn look(&mut self, t: f32, bodies: &[Body], (dx, dy): (f32, f32), gain: f32) -> Vec<u8> {
        let mut levels = self.moved(dx, dy);
        for body in bodies {
            self.draw(&mut levels, t, body, (dx, dy));
        }
        let from = (self.chance.unit() * 60_000.0) as usize;
        let grain = self.grain.iter().cycle().skip(from);
        let noisy = |(level, grain): (&f32, &f32)| (level * gain + grain * self.noise).round().clamp(0.0, 255.0) as u8;
        levels.iter().zip(grain).map(noisy).collect()
    }

    pub(crate) fn plane(&self, samples: Vec<u8>) -> LumaPlane {
        let plane = LumaPlane::from_samples(self.size.0, self.size.1, samples).expect("as many samples as it has");
        plane.of_blocks(self.px_per_sample)
    }

    fn moved(&self, dx: f32, dy: f32) -> Vec<f32> {
        if dx == 0.0 && dy == 0.0 {
            return self.wall.clone();
        }
        let (width, height) = self.size;
        let at = |x: f32, y: f32| {
            let (x, y) = (x.clamp(0.0, (width - 1) as f32) as usize, y.clamp(0.0, (height - 1) as f32) as usize);
            self.wall[y * width + x]
        };
        let level = |i: usize| {
            let (x, y) = ((i % width) as f32 + dx, (i / width) as f32 + dy);
            let (fx, fy) = (x - x.floor(), y - y.floor());
            let (x, y) = (x.floor(), y.floor());
            let top = at(x, y) * (1.0 - fx) + at(x + 1.0, y) * fx;
            top * (1.0 - fy) + (at(x, y + 1.0) * (1.0 - fx) + at(x + 1.0, y + 1.0) * fx) * fy
        };
        (0..width * height).map(level).collect()
    }

    /// Draws a body as the mean of where it is during the exposure.
    fn draw(&self, levels: &mut [f32], t: f32, body: &Body, (dx, dy): (f32, f32)) {
        let Some(a) = (body.way)(t) else { return };
        let b = (body.way)(t + self.exposure_s).unwrap_or(a);
        let n = ((b[0] - a[0]).hypot(b[1] - a[1]).ceil() as usize + 1).min(64);
        let half = |of: f32| of * 0.5 + body.soft + 1.0;
        let (width, height) = self.size;
        let span = |low: f32, high: f32, whole: usize| {
            (low.max(0.0) as usize).min(whole)..(high.max(0.0).ceil() as usize).min(whole)
        };
        let columns = span(a[0].min(b[0]) - half(a[2]) - dx, a[0].max(b[0]) + half(a[2]) - dx, width);
        let rows = span(a[1].min(b[1]) - half(a[3]) - dy, a[1].max(b[1]) + half(a[3]) - dy, height);
        for y in rows {
            for x in columns.clone() {
                let cover = |k: usize| {
                    let part = k as f32 / n.max(2).saturating_sub(1) as f32;
                    let (cx, cy) = (a[0] + (b[0] - a[0]) * part - dx, a[1] + (b[1] - a[1]) * part - dy);
                    let inside = |at: usize, centre: f32, side: f32| {
                        let off = (at as f32 + 0.5 - centre).abs();
                        ((side * 0.5 + 0.5 + body.soft * 0.5 - off) / (1.0 + body.soft)).clamp(0.0, side.min(1.0))
                    };
                    inside(x, cx, a[2]) * inside(y, cy, a[3])
                };
                let cover = (0..n).map(cover).sum::<f32>() / n as f32;
                let level = &mut levels[y * width + x];
                *level += cover * (body.level - *level);
            }
        }
    }
}
