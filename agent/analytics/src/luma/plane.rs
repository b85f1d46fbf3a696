//! A small grey picture, box-filtered straight from a frame's luma plane, with its way back to frame pixels.
//!
//! Each sample is the mean of a square block of whole pixels, so one integer is the scale in both directions. Blocks at
//! the right and bottom edge may be cut; they are the mean of what there is of them.

use forewarn_domain::{BBox, Frame, PixelFormat, Point};

/// Largest side of a block: 256 rows of 255 still fit the 16 bits in which columns are summed.
const MAX_BLOCK_PX: u32 = 256;

/// A grey plane that is small enough to be worked on for every frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LumaPlane {
    width: usize,
    height: usize,
    px_per_sample: u32,
    origin_px: (u32, u32),
    frame_px: (u32, u32),
    samples: Vec<u8>,
}

/// The samples do not make up a plane of the stated size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a luma plane of {width} by {height} needs {} samples but {given} were given", .width * .height)]
pub struct LumaPlaneError {
    width: usize,
    height: usize,
    given: usize,
}

impl LumaPlane {
    /// The whole picture, at most `max_width` samples wide.
    pub fn from_frame(frame: &Frame, max_width: u32) -> Self {
        let mut plane = Self::empty();
        plane.refill(frame, max_width);
        plane
    }

    /// The part of the picture inside `region` (pixels of the full frame), at most `max_width` samples wide.
    pub fn of_region(frame: &Frame, region: &BBox, max_width: u32) -> Self {
        let mut plane = Self::empty();
        plane.refill_region(frame, region, max_width);
        plane
    }

    /// A plane of one sample for each pixel, from rows without gaps.
    pub fn from_samples(width: usize, height: usize, samples: Vec<u8>) -> Result<Self, LumaPlaneError> {
        let given = samples.len();
        let frame_px = match (u32::try_from(width), u32::try_from(height)) {
            (Ok(w), Ok(h)) if width.checked_mul(height) == Some(given) => (w, h),
            _ => return Err(LumaPlaneError { width, height, given }),
        };
        Ok(Self { width, height, px_per_sample: 1, origin_px: (0, 0), frame_px, samples })
    }

    /// The same samples as a plane of blocks of `px_per_sample` frame pixels each side.
    #[must_use]
    pub fn of_blocks(self, px_per_sample: u32) -> Self {
        let px_per_sample = px_per_sample.clamp(1, MAX_BLOCK_PX);
        let side = |samples: usize| u32::try_from(samples).unwrap_or(u32::MAX).saturating_mul(px_per_sample);
        Self { px_per_sample, frame_px: (side(self.width), side(self.height)), ..self }
    }

    /// A plane without samples, to be refilled.
    pub fn empty() -> Self {
        Self { width: 0, height: 0, px_per_sample: 1, origin_px: (0, 0), frame_px: (0, 0), samples: Vec::new() }
    }

    /// Becomes the same as another plane and keeps the memory.
    pub(super) fn become_like(&mut self, other: &Self) {
        let mut samples = std::mem::take(&mut self.samples);
        samples.clone_from(&other.samples);
        *self = Self { samples, ..*other };
    }

    /// Takes the next picture and keeps the memory; see [`LumaPlane::from_frame`].
    pub fn refill(&mut self, frame: &Frame, max_width: u32) {
        let whole = BBox::new(0.0, 0.0, frame.width as f32, frame.height as f32);
        self.refill_region(frame, &whole, max_width);
    }

    /// Takes the next picture and keeps the memory; see [`LumaPlane::of_region`].
    pub fn refill_region(&mut self, frame: &Frame, region: &BBox, max_width: u32) {
        let inside = region.clamped(frame.width, frame.height);
        let (x0, y0) = (inside.x0.floor() as u32, inside.y0.floor() as u32);
        let (x1, y1) = ((inside.x1.ceil() as u32).min(frame.width), (inside.y1.ceil() as u32).min(frame.height));
        let (w, h) = (x1.saturating_sub(x0), y1.saturating_sub(y0));
        let block = w.div_ceil(max_width.max(1)).clamp(1, MAX_BLOCK_PX);
        self.width = w.div_ceil(block) as usize;
        self.height = h.div_ceil(block) as usize;
        self.px_per_sample = block;
        self.origin_px = (x0, y0);
        self.frame_px = (frame.width, frame.height);
        self.samples.clear();
        if w == 0 || h == 0 {
            return;
        }
        let (bytes, stride) = frame.plane(0);
        let bytes_per_px = if frame.format == PixelFormat::Rgb8 { 3 } else { 1 };
        let (row_bytes, block) = (w as usize * bytes_per_px, block as usize);
        let first = x0 as usize * bytes_per_px;
        self.samples.reserve(self.width * self.height);
        let mut sums = vec![0u16; w as usize];
        for top in (y0 as usize..y1 as usize).step_by(block) {
            let rows = block.min(y1 as usize - top);
            sums.fill(0);
            let row = |y: usize| &bytes[y * stride + first..][..row_bytes];
            let mut y = top;
            while y < top + rows {
                y += match (bytes_per_px, top + rows - y) {
                    (3, _) => add_rgb(&mut sums, row(y)),
                    (_, 3..) => add_three(&mut sums, row(y), row(y + 1), row(y + 2)),
                    _ => add_luma(&mut sums, row(y)),
                };
            }
            push_means(&mut self.samples, &sums, block, rows);
        }
    }

    /// Takes over the samples that lie wholly in a part of another plane like this one; `px` is in pixels of the full frame.
    pub(super) fn take_part(&mut self, from: &Self, px: &BBox) {
        let part = self.box_from_frame(px);
        let (x0, x1) = (part.x0.ceil() as usize, part.x1.floor() as usize);
        let (y0, y1) = (part.y0.ceil() as usize, part.y1.floor() as usize);
        if x0 >= x1 {
            return;
        }
        for y in y0..y1 {
            let row = y * self.width + x0..y * self.width + x1;
            self.samples[row.clone()].copy_from_slice(&from.samples[row]);
        }
    }

    /// Takes over those samples of another plane like this one that are `taken`.
    pub(super) fn take_samples(&mut self, from: &Self, taken: &[bool]) {
        let both = self.samples.iter_mut().zip(&from.samples).zip(taken);
        both.filter(|(_, is_taken)| **is_taken).for_each(|((into, from), _)| *into = *from);
    }

    /// Samples in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The samples, row after row without gaps.
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// Side of the block of frame pixels that one sample is the mean of.
    pub fn px_per_sample(&self) -> u32 {
        self.px_per_sample
    }

    /// Width and height of the full frame.
    pub fn frame_px(&self) -> (u32, u32) {
        self.frame_px
    }

    /// Whether `other` shows the same part of a picture of the same size at the same scale.
    pub fn is_alike(&self, other: &Self) -> bool {
        let shape = |p: &Self| (p.width, p.height, p.px_per_sample, p.origin_px, p.frame_px);
        shape(self) == shape(other)
    }

    /// A place on the plane, in samples from the upper left corner, as a point of the full frame in pixels.
    pub fn to_frame(&self, x: f32, y: f32) -> Point {
        let scale = self.px_per_sample as f32;
        Point::new(x * scale + self.origin_px.0 as f32, y * scale + self.origin_px.1 as f32)
    }

    /// A box on the plane, in samples, as a box of the full frame in pixels, cut at the picture's edge.
    pub fn box_to_frame(&self, samples: &BBox) -> BBox {
        let (a, b) = (self.to_frame(samples.x0, samples.y0), self.to_frame(samples.x1, samples.y1));
        BBox::new(a.x, a.y, b.x, b.y).clamped(self.frame_px.0, self.frame_px.1)
    }

    /// A box of the full frame in pixels as a box on the plane in samples, cut at the plane's edge.
    pub fn box_from_frame(&self, px: &BBox) -> BBox {
        let scale = 1.0 / self.px_per_sample as f32;
        let (ox, oy) = (self.origin_px.0 as f32, self.origin_px.1 as f32);
        BBox::new((px.x0 - ox) * scale, (px.y0 - oy) * scale, (px.x1 - ox) * scale, (px.y1 - oy) * scale)
            .clamped(self.width as u32, self.height as u32)
    }
}

/// Adds a row to the sums of its columns; how many rows that was.
fn add_luma(sums: &mut [u16], row: &[u8]) -> usize {
    for (sum, &luma) in sums.iter_mut().zip(row) {
        *sum += u16::from(luma);
    }
    1
}

/// The same with three rows at once, so that the sums are read and written a third as often.
fn add_three(sums: &mut [u16], a: &[u8], b: &[u8], c: &[u8]) -> usize {
    for (((sum, &a), &b), &c) in sums.iter_mut().zip(a).zip(b).zip(c) {
        *sum += u16::from(a) + u16::from(b) + u16::from(c);
    }
    3
}

/// Adds the luma of R, G, B bytes, by the weights of BT.601 in 256ths.
fn add_rgb(sums: &mut [u16], row: &[u8]) -> usize {
    for (sum, rgb) in sums.iter_mut().zip(row.as_chunks::<3>().0) {
        let [r, g, b] = rgb.map(u32::from);
        *sum += ((77 * r + 150 * g + 29 * b) >> 8) as u16;
    }
    1
}

/// Appends the mean of every `block` columns that were summed over `rows`.
fn push_means(samples: &mut Vec<u8>, sums: &[u16], block: usize, rows: usize) {
    let mean = Mean::of(block * rows);
    // Blocks of the usual sizes of pictures are unrolled: a sum of so few is shorter than a loop over them.
    match block {
        2 => push_blocks::<2>(samples, sums, mean),
        3 => push_blocks::<3>(samples, sums, mean),
        4 => push_blocks::<4>(samples, sums, mean),
        6 => push_blocks::<6>(samples, sums, mean),
        8 => push_blocks::<8>(samples, sums, mean),
        12 => push_blocks::<12>(samples, sums, mean),
        _ => samples.extend(sums.chunks_exact(block).map(|columns| mean.level(sum(columns)))),
    }
    let cut = sums.chunks_exact(block).remainder();
    if !cut.is_empty() {
        samples.push(Mean::of(cut.len() * rows).level(sum(cut)));
    }
}

/// Appends the means of blocks of `N` columns, of which half as many sums must fit 16 bits.
fn push_blocks<const N: usize>(samples: &mut Vec<u8>, sums: &[u16], mean: Mean) {
    let total = |columns: &[u16; N]| {
        // Two columns are added at a time, each in its half of a word.
        let (pairs, odd) = columns.as_chunks::<2>();
        let both = pairs.iter().fold(0, |both, &[a, b]| both + (u32::from(a) | u32::from(b) << 16));
        (both & 0xFFFF) + (both >> 16) + sum(odd)
    };
    samples.extend(sums.as_chunks::<N>().0.iter().map(|columns| mean.level(total(columns))));
}

fn sum(columns: &[u16]) -> u32 {
    columns.iter().map(|&sum| u32::from(sum)).sum()
}

/// The mean of a number of pixels, rounded to the nearest level; a division by a multiplication, as there is one for every
/// sample.
#[derive(Debug, Clone, Copy)]
struct Mean {
    half: u64,
    inverse: u64,
}

impl Mean {
    fn of(pixels: usize) -> Self {
        let pixels = pixels as u64;
        Self { half: pixels / 2, inverse: (1 << 32) / pixels + 1 }
    }

    /// By their total; no level is above 255, so neither is their mean.
    fn level(self, total: u32) -> u8 {
        (((u64::from(total) + self.half) * self.inverse) >> 32) as u8
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, StreamId, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn frame(format: PixelFormat, width: u32, height: u32, luma: impl Fn(u32, u32) -> u8) -> Frame {
        let stream = StreamId::new("s").unwrap();
        let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
        let mut bytes = Vec::new();
        for (n, (rows, row_bytes)) in format.plane_shapes(width, height).into_iter().enumerate() {
            let per_px = if format == PixelFormat::Rgb8 { 3 } else { 1 };
            for y in 0..rows {
                bytes.extend((0..row_bytes).map(|x| if n == 0 { luma((x / per_px) as u32, y as u32) } else { 128 }));
            }
        }
        Frame::packed(meta, format, ColourMatrix::BT709, (width, height), bytes).unwrap()
    }

    #[test]
    fn samples_are_the_means_of_their_blocks() {
        for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Rgb8] {
            let plane = LumaPlane::from_frame(
                &frame(format, 12, 6, |x, y| (x / 3 * 20 + y / 3 * 100) as u8 + (x % 3) as u8),
                4,
            );
            assert_eq!((plane.width(), plane.height(), plane.px_per_sample()), (4, 2, 3));
            let off = plane.samples().iter().zip([1, 21, 41, 61, 101, 121, 141, 161]).map(|(&s, t)| s.abs_diff(t));
            assert!(off.max().unwrap() <= 1, "{format:?} {:?}", plane.samples());
        }
    }

    #[test]
    fn regions_know_their_place_in_the_frame() {
        let frame = frame(PixelFormat::I420, 200, 100, |x, y| if x >= 120 && y >= 40 { 200 } else { 10 });
        let plane = LumaPlane::of_region(&frame, &BBox::new(100.0, 20.0, 180.0, 80.0), 40);
        assert_eq!((plane.width(), plane.height()), (40, 30));
        assert_eq!(plane.to_frame(10.0, 10.0), Point::new(120.0, 40.0));
        assert_eq!(plane.samples()[10 * 40 + 10], 200);
        assert_eq!(plane.samples()[9 * 40 + 10], 10);
        let there = BBox::new(110.0, 30.0, 130.0, 50.0);
        assert_eq!(plane.box_to_frame(&plane.box_from_frame(&there)), there);
    }

    proptest! {
        #[test]
        fn samples_of_any_block_are_its_rounded_mean(
            block in 1u32..18, across in 1u32..5, down in 1u32..4, cut in prop::array::uniform2(0u32..4), bright: bool,
        ) {
            let (w, h) = (across * block + cut[0] % block, down * block + cut[1] % block);
            let level = |x: u32, y: u32| if bright { 255 } else { (x * 37 + y * 101 + x * y) as u8 };
            let frame = frame(PixelFormat::I420, w, h, level);
            let max = w.div_ceil(block);
            let plane = LumaPlane::from_frame(&frame, max);
            let block = plane.px_per_sample();
            for (n, &sample) in plane.samples().iter().enumerate() {
                let (left, top) = (n as u32 % max * block, n as u32 / max * block);
                let columns = left..(left + block).min(w);
                let (mut sum, mut n) = (0, 0);
                for y in top..(top + block).min(h) {
                    columns.clone().for_each(|x| (sum, n) = (sum + u32::from(level(x, y)), n + 1));
                }
                prop_assert_eq!(u32::from(sample), (sum + n / 2) / n, "block {} at {}, {}", block, left, top);
            }
        }

        #[test]
        fn every_size_gives_every_sample(
            w in 1u32..70, h in 1u32..40, max in 0u32..50, region in prop::array::uniform4(-20f32..90.0), level in 0u8..=255,
        ) {
            let frame = frame(PixelFormat::Nv12, w, h, |_, _| level);
            for plane in [LumaPlane::from_frame(&frame, max), LumaPlane::of_region(&frame, &BBox::from(region), max)] {
                prop_assert_eq!(plane.samples().len(), plane.width() * plane.height());
                prop_assert!(plane.samples().iter().all(|&s| s == level));
                prop_assert!(plane.width() <= max.max(1) as usize);
            }
        }
    }
}
