//! Crops averaged down to a model's input.
//!
//! Bilinear samples of a crop that is much larger than the input skip most of its pixels, which makes edges jagged and
//! differs from the averaged crops on which small models are trained. Source: OpenCV, `modules/imgproc/src/resize.cpp`,
//! `INTER_AREA`: each pixel is the mean over the area that it covers, rims by their part.

use forewarn_domain::{Frame, PixelFormat};

use super::packed_rgb;

/// How much of each of some neighbouring samples one sample covers.
struct Cover {
    first: usize,
    weights: Vec<f32>,
}

/// A packed RGB crop averaged down to that width and height; `None` if the crop is no RGB, or is smaller than that in
/// width or height, where there is nothing to average.
pub fn shrink(crop: &Frame, (width, height): (u32, u32)) -> Option<Frame> {
    let is_smaller = crop.width < width || crop.height < height;
    if crop.format != PixelFormat::Rgb8 || is_smaller || width == 0 || height == 0 {
        return None;
    }
    let (bytes, stride) = crop.plane(0);
    let columns = covers(crop.width, width);
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    let mut line = vec![0.0_f32; width as usize * 3];
    for cover in covers(crop.height, height) {
        line.fill(0.0);
        for (row, &weight) in cover.weights.iter().enumerate() {
            let row = &bytes[(cover.first + row) * stride..];
            for (out, column) in line.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
                let pixels = row[column.first * 3..].as_chunks::<3>().0;
                for (pixel, part) in pixels.iter().zip(&column.weights) {
                    (0..3).for_each(|c| out[c] += f32::from(pixel[c]) * part * weight);
                }
            }
        }
        rgb.extend(line.iter().map(|value| value.round_ties_even() as u8));
    }
    packed_rgb(crop, (width, height), rgb)
}

/// What each of `out` samples covers of `source` samples; the weights of one add up to 1.
fn covers(source: u32, out: u32) -> Vec<Cover> {
    let scale = f64::from(source) / f64::from(out);
    let cover = |o: u32| {
        let (start, end) = (f64::from(o) * scale, (f64::from(o + 1) * scale).min(f64::from(source)));
        let first = start.floor();
        let parts = (first as u32..end.ceil() as u32).map(|i| {
            let (low, high) = (f64::from(i).max(start), f64::from(i + 1).min(end));
            ((high - low).max(0.0) / (end - start)) as f32
        });
        Cover { first: first as usize, weights: parts.collect() }
    };
    (0..out).map(cover).collect()
}
