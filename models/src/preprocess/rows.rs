//! The inner loops, one row of the input at a time.
//!
//! Blending two source rows runs over whole rows of bytes, so that the compiler turns it into vector code; only
//! the sampling of columns is scalar.

use std::ops::Range;

use forewarn_domain::{ColourMatrix, Frame};

use super::bytes::ByteRows;
use super::in_rgb_order;
use super::plan::{Plan, Tap, reach};
use crate::card::Input;

/// `value * factor + addend` for red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Normalise {
    factor: [f32; 3],
    addend: [f32; 3],
}

impl Normalise {
    pub(crate) fn new(input: &Input) -> Self {
        let std = in_rgb_order(input.channels, input.std);
        let mean = in_rgb_order(input.channels, input.mean);
        Self {
            factor: std.map(|std| (f64::from(input.scale) / f64::from(std)) as f32),
            addend: [0, 1, 2].map(|c| (-f64::from(mean[c]) / f64::from(std[c])) as f32),
        }
    }

    pub(crate) fn apply(&self, rgb: [f32; 3]) -> [f32; 3] {
        [0, 1, 2].map(|c| rgb[c] * self.factor[c] + self.addend[c])
    }
}

/// Working memory of one row, kept between frames.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Two source rows blended, with one sample repeated at the end for the last tap.
    blended: Vec<f32>,
    /// What the rows of packed bytes are sampled with.
    bytes: ByteRows,
    /// The sampled row: Y, U, V or R, G, B.
    sampled: [Vec<f32>; 3],
    /// Planes of a row that is interleaved when it is written.
    pub(crate) interleave: [Vec<f32>; 3],
}

impl Rows {
    /// Makes room for the rows of a plan.
    pub(crate) fn prepare(&mut self, plan: &Plan) {
        self.blended.resize((plan.source_width() + 2) * 2, 0.0);
        self.bytes.prepare(plan.columns.len());
        for row in self.sampled.iter_mut().chain(&mut self.interleave) {
            row.resize(plan.columns.len(), 0.0);
        }
    }

    pub(crate) fn sample_i420(&mut self, frame: &Frame, plan: &Plan, row: usize) {
        let width = frame.width as usize;
        let height = frame.height as usize;
        let chroma = (width.div_ceil(2), height.div_ceil(2));
        let [y, u, v] = &mut self.sampled;
        blend::<1>(&mut self.blended, frame.plane(0), (width, height), plan.rows[row], reach(&plan.columns));
        sample::<1>(&self.blended, &plan.columns, &mut [y]);
        for (number, out) in [(1, u), (2, v)] {
            blend::<1>(
                &mut self.blended,
                frame.plane(number),
                chroma,
                plan.chroma_rows[row],
                reach(&plan.chroma_columns),
            );
            sample::<1>(&self.blended, &plan.chroma_columns, &mut [out]);
        }
    }

    pub(crate) fn sample_nv12(&mut self, frame: &Frame, plan: &Plan, row: usize) {
        let width = frame.width as usize;
        let height = frame.height as usize;
        let [y, u, v] = &mut self.sampled;
        blend::<1>(&mut self.blended, frame.plane(0), (width, height), plan.rows[row], reach(&plan.columns));
        sample::<1>(&self.blended, &plan.columns, &mut [y]);
        let chroma = (width.div_ceil(2), height.div_ceil(2));
        blend::<2>(&mut self.blended, frame.plane(1), chroma, plan.chroma_rows[row], reach(&plan.chroma_columns));
        sample::<2>(&self.blended, &plan.chroma_columns, &mut [u, v]);
    }

    pub(crate) fn sample_rgb8(&mut self, frame: &Frame, plan: &Plan, row: usize) {
        self.bytes.sample(frame.plane(0), &plan.byte_columns, plan.byte_rows[row], &mut self.sampled);
    }

    /// Turns the sampled row to whole levels and then to normalised red, green and blue; from YUV if a matrix is given.
    pub(crate) fn convert(&self, colour: Option<ColourMatrix>, normalise: &Normalise, out: [&mut [f32]; 3]) {
        let Some(colour) = colour else {
            for (c, (out, sampled)) in out.into_iter().zip(&self.sampled).enumerate() {
                let (factor, addend) = (normalise.factor[c], normalise.addend[c]);
                for (out, &value) in out.iter_mut().zip(sampled) {
                    *out = value * factor + addend;
                }
            }
            return;
        };
        let k = YuvToRgb::new(colour);
        let [y, u, v] = &self.sampled;
        let (f, a) = (normalise.factor, normalise.addend);
        let [r, g, b] = out;
        let samples = y.iter().zip(u).zip(v);
        let pixels = r.iter_mut().zip(g).zip(b);
        for (((r, g), b), ((&y, &u), &v)) in pixels.zip(samples) {
            let luma = (y - k.y_offset) * k.y_scale;
            let (u, v) = (u - 128.0, v - 128.0);
            *r = to_level((luma + k.r_v * v).clamp(0.0, 255.0)) * f[0] + a[0];
            *g = to_level((luma - k.g_u * u - k.g_v * v).clamp(0.0, 255.0)) * f[1] + a[1];
            *b = to_level((luma + k.b_u * u).clamp(0.0, 255.0)) * f[2] + a[2];
        }
    }
}

/// A value of 0 to 255 rounded to a whole level, halves to the even one.
///
/// At 2^23 the floats lie 1 apart, so the addition rounds; unlike a call of `round_ties_even` it stays vector code
/// on every processor.
fn to_level(value: f32) -> f32 {
    const WHOLE_NUMBERS_ONLY: f32 = 8_388_608.0;
    (value + WHOLE_NUMBERS_ONLY) - WHOLE_NUMBERS_ONLY
}

/// The coefficients of [`ColourMatrix::to_rgb`], multiplied out once a row.
struct YuvToRgb {
    y_offset: f32,
    y_scale: f32,
    r_v: f32,
    g_u: f32,
    g_v: f32,
    b_u: f32,
}

impl YuvToRgb {
    fn new(colour: ColourMatrix) -> Self {
        let (kr, kb) = if colour.is_bt709 { (0.2126_f64, 0.0722_f64) } else { (0.299, 0.114) };
        let (y_offset, y_scale, c_scale) =
            if colour.is_full_range { (0.0, 1.0, 1.0) } else { (16.0, 255.0 / 219.0, 255.0 / 224.0) };
        let kg = 1.0 - kr - kb;
        Self {
            y_offset,
            y_scale: y_scale as f32,
            r_v: (2.0 * (1.0 - kr) * c_scale) as f32,
            g_u: (2.0 * kb * (1.0 - kb) / kg * c_scale) as f32,
            g_v: (2.0 * kr * (1.0 - kr) / kg * c_scale) as f32,
            b_u: (2.0 * (1.0 - kb) * c_scale) as f32,
        }
    }
}

/// Blends those samples of two neighbouring rows of `N` interleaved channels that lie in `reach`; the last sample of a row
/// is repeated once beyond it.
fn blend<const N: usize>(
    out: &mut [f32],
    (bytes, stride): (&[u8], usize),
    (width, height): (usize, usize),
    tap: Tap,
    reach: Range<usize>,
) {
    let (begin, end) = (reach.start * N, reach.end.min(width) * N);
    let first = tap.index as usize;
    let second = (first + 1).min(height - 1);
    let upper = &bytes[first * stride + begin..first * stride + end];
    let lower = &bytes[second * stride + begin..second * stride + end];
    for (out, (&a, &b)) in out[begin..end].iter_mut().zip(upper.iter().zip(lower)) {
        let (a, b) = (f32::from(a), f32::from(b));
        *out = a + (b - a) * tap.weight;
    }
    if reach.end > width {
        out.copy_within(end - N..end, end);
    }
}

/// Samples the columns of a blended row of `N` interleaved channels into `N` rows.
fn sample<const N: usize>(blended: &[f32], taps: &[Tap], out: &mut [&mut [f32]; N]) {
    for (i, tap) in taps.iter().enumerate() {
        let start = tap.index as usize * N;
        let pair = &blended[start..start + 2 * N];
        for c in 0..N {
            out[c][i] = pair[c] + (pair[N + c] - pair[c]) * tap.weight;
        }
    }
}
