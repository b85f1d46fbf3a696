//! What a crop is worth: its size, its sharpness and its light.
//!
//! Everything is measured on a small luma patch whose shorter side has at most [`PATCH_PX`] pixels, averaged down, so
//! that crops of all sizes are judged alike and noise of single pixels counts little. Sharpness is the variance of the
//! second difference over the variance of the luma, in the worse of the two directions, so that motion blur, which
//! leaves one direction sharp, counts as well. Source of the measure: Pech-Pacheco et al. 2000, "Diatom
//! autofocusing in brightfield microscopy", the variance of the Laplacian.

use forewarn_domain::{Frame, PixelFormat, Unclear};

use super::Window;

/// Most pixels of the patch's shorter side.
pub const PATCH_PX: u32 = 48;

/// Most pixels of the patch's longer side; a longer window is squeezed.
const MAX_PATCH_PX: u32 = 4 * PATCH_PX;

/// Added to the variance of the luma, so that noise on a flat wall is not sharpness.
const FLAT_VARIANCE: f32 = 25.0;

/// Below which a crop is not worth a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Least shorter side of the part, without margins, in frame pixels.
    pub min_side_px: u32,
    /// Least sharpness; see [`Quality::sharpness`].
    pub sharpness: f32,
    /// Least mean luma, 0 to 255.
    pub darkest: f32,
    /// Highest mean luma, 0 to 255.
    pub brightest: f32,
    /// Least standard deviation of the luma.
    pub contrast: f32,
    /// Least part of the crop that lies inside the frame, 0 to 1.
    pub visible: f32,
}

impl Default for Limits {
    /// Sharpness: in faces scaled to 48 pixels, 0.006 is what a Gaussian blur of 2 pixels leaves, or enlarging from 8
    /// pixels; what is in focus has 0.06 and more.
    fn default() -> Self {
        Self { min_side_px: 16, sharpness: 0.006, darkest: 14.0, brightest: 244.0, contrast: 7.0, visible: 0.8 }
    }
}

/// What was measured of a crop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// The shorter side in frame pixels.
    pub side_px: u32,
    /// Variance of the second difference over that of the luma, in the worse direction; about 0 to 1.
    pub sharpness: f32,
    /// Mean luma, 0 black to 255 white.
    pub mean: f32,
    /// Standard deviation of the luma.
    pub contrast: f32,
    /// Part of the window inside the frame, 0 to 1.
    pub visible: f32,
}

impl Quality {
    /// Measures a window of a frame; `None` if none of it lies inside.
    pub fn measure(frame: &Frame, window: Window) -> Option<Self> {
        let inside = window.inside(frame.width, frame.height)?;
        let patch = Patch::of(frame, inside);
        let (mean, variance) = moments(patch.luma.iter().copied());
        let across = patch.second_difference(1, 0);
        let down = patch.second_difference(0, 1);
        Some(Self {
            side_px: window.shorter_side_px(),
            sharpness: across.min(down) / (variance + FLAT_VARIANCE),
            mean,
            contrast: variance.sqrt(),
            visible: window.visible_part(frame.width, frame.height),
        })
    }

    /// Why the crop is not worth a model, if it is not. The plainest reason comes first.
    pub fn unclear(&self, limits: &Limits) -> Option<Unclear> {
        if self.visible < limits.visible {
            Some(Unclear::CutOff)
        } else if self.side_px < limits.min_side_px {
            Some(Unclear::TooSmall)
        } else if self.mean < limits.darkest || self.mean > limits.brightest || self.contrast < limits.contrast {
            Some(Unclear::BadLight)
        } else if self.sharpness < limits.sharpness {
            Some(Unclear::Blurred)
        } else {
            None
        }
    }

    /// How good the crop is, 0 to 1: 1 for four times the least size, ten times the least sharpness and four times the
    /// least contrast. Each factor grows with the logarithm, as what a model gains from it does.
    pub fn score(&self, limits: &Limits) -> f32 {
        let factor = |value: f32, least: f32, ample: f32, at_least: f32| {
            let least = least.max(1e-6);
            let place = (value.max(1e-6) / least).ln() / (ample / least).ln();
            at_least + (1.0 - at_least) * place.clamp(0.0, 1.0)
        };
        let side = limits.min_side_px.max(1) as f32;
        let size = factor(self.side_px as f32, side, side * 4.0, 0.25);
        let sharp = factor(self.sharpness, limits.sharpness, limits.sharpness * 10.0, 0.25);
        let light = factor(self.contrast, limits.contrast, limits.contrast * 4.0, 0.5);
        (size * sharp * light * self.visible).clamp(0.0, 1.0)
    }
}

/// A small picture of luma, 0 to 255.
struct Patch {
    width: usize,
    height: usize,
    luma: Vec<f32>,
}

impl Patch {
    /// A window inside the frame, averaged down so that its shorter side has at most [`PATCH_PX`] pixels.
    fn of(frame: &Frame, window: Window) -> Self {
        let ratio = (PATCH_PX as f32 / window.shorter_side_px() as f32).min(1.0);
        let fit = |side: u32| ((side as f32 * ratio).round() as u32).clamp(1, MAX_PATCH_PX.min(side));
        let (width, height) = (fit(window.width), fit(window.height));
        let mut luma = Vec::with_capacity((width * height) as usize);
        for y in 0..height {
            let rows = bin(y, height, window.height, window.top);
            for x in 0..width {
                let columns = bin(x, width, window.width, window.left);
                luma.push(mean_luma(frame, columns, rows.clone()));
            }
        }
        Self { width: width as usize, height: height as usize, luma }
    }

    /// Variance of the second difference along one direction, 0 where the patch is too small for one.
    fn second_difference(&self, dx: usize, dy: usize) -> f32 {
        let at = |x: usize, y: usize| self.luma[y * self.width + x];
        let inner = (dy..self.height.saturating_sub(dy)).flat_map(|y| {
            (dx..self.width.saturating_sub(dx)).map(move |x| at(x - dx, y - dy) + at(x + dx, y + dy) - 2.0 * at(x, y))
        });
        moments(inner).1
    }
}

/// The source samples of one of `of` equal bins of a side, never none.
fn bin(number: u32, of: u32, side: u32, start: i32) -> std::ops::Range<u32> {
    let edge = |n: u32| (u64::from(n) * u64::from(side) / u64::from(of)) as u32;
    let (low, high) = (edge(number), edge(number + 1));
    let start = start as u32;
    start + low..start + high.max(low + 1)
}

fn mean_luma(frame: &Frame, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> f32 {
    let (bytes, stride) = frame.plane(0);
    let count = columns.len() as u32 * rows.len() as u32;
    let mut sum = 0;
    for y in rows {
        let row = &bytes[y as usize * stride..];
        sum += if frame.format == PixelFormat::Rgb8 {
            let pixels = row[columns.start as usize * 3..columns.end as usize * 3].as_chunks::<3>().0;
            // The luma of BT.601 in 256ths.
            let of = |[r, g, b]: &[u8; 3]| u32::from(*r) * 77 + u32::from(*g) * 150 + u32::from(*b) * 29;
            pixels.iter().map(of).sum::<u32>() / 256
        } else {
            row[columns.start as usize..columns.end as usize].iter().copied().map(u32::from).sum::<u32>()
        };
    }
    let mean = sum as f32 / count.max(1) as f32;
    if frame.format == PixelFormat::Rgb8 || frame.colour.is_full_range {
        mean
    } else {
        ((mean - 16.0) * (255.0 / 219.0)).clamp(0.0, 255.0)
    }
}

/// Mean and variance; zeros for nothing.
fn moments(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let count = values.clone().count().max(1) as f32;
    let mean = values.clone().sum::<f32>() / count;
    let variance = values.map(|v| (v - mean) * (v - mean)).sum::<f32>() / count;
    (mean, variance)
}
