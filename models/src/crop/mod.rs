//! Crops: parts of a frame that a second model looks at.
//!
//! A [`Window`] is a rectangle of whole pixels that may reach beyond the frame. [`view`] gives the part of it inside
//! the frame without copying a byte, for models that find things; [`cut`] copies it as RGB with the frame's edge
//! repeated where the window reaches beyond, for models that judge; [`shrink`] averages it down to a model's input; and
//! [`rectify`] straightens a quadrilateral, [`rectify_part`] a part of one to a given size. All of them are frames, so
//! the one fused pass of [`crate::preprocess`] turns them to tensors. [`quality`] says what a crop is worth before a
//! model is spent on it.

pub mod quality;
mod rectify;
mod shrink;
mod window;

use forewarn_domain::{ColourMatrix, Frame, PixelFormat};

pub use quality::{Limits, Quality};
pub use rectify::{rectify, rectify_part, sides};
pub use shrink::shrink;
pub use window::Window;

/// Longest side of a cut crop in pixels; larger ones are averaged down by a whole factor. No model of this crate has an
/// input of more.
const MAX_CUT_SIDE_PX: u32 = 1024;

/// The part of a window inside the frame, sharing the frame's bytes, and the window that it shows.
///
/// The left and top edges move outwards to even pixels, see [`Frame::part`]. `None` if nothing is inside.
pub fn view(frame: &Frame, window: Window) -> Option<(Frame, Window)> {
    let mut inside = window.inside(frame.width, frame.height)?;
    let (odd_x, odd_y) = (inside.left & 1, inside.top & 1);
    inside.left -= odd_x;
    inside.top -= odd_y;
    inside.width += odd_x as u32;
    inside.height += odd_y as u32;
    let part = frame.part((inside.left as u32, inside.top as u32), (inside.width, inside.height));
    Some((part, inside))
}

/// A window as packed RGB; beyond the frame's edge the edge is repeated.
///
/// Windows of more than 1024 pixels a side are averaged down by a whole factor, so the crop may be smaller than the
/// window. `None` for a window without pixels, one that lies outside of the frame altogether, and an empty frame.
pub fn cut(frame: &Frame, window: Window) -> Option<Frame> {
    window.inside(frame.width, frame.height)?;
    let step = window.width.max(window.height).div_ceil(MAX_CUT_SIDE_PX).max(1);
    let (width, height) = ((window.width / step).max(1), (window.height / step).max(1));
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    let mut sums = vec![[0_u32; 3]; width as usize];
    let columns: Vec<u32> = (0..width * step).map(|x| clamped(window.left, x, frame.width)).collect();
    for y in 0..height {
        sums.fill([0; 3]);
        for dy in 0..step {
            let row = clamped(window.top, y * step + dy, frame.height);
            for (sum, columns) in sums.iter_mut().zip(columns.chunks_exact(step as usize)) {
                for &x in columns {
                    let pixel = frame.rgb_at(x, row);
                    (0..3).for_each(|c| sum[c] += u32::from(pixel[c]));
                }
            }
        }
        let area = step * step;
        rgb.extend(sums.iter().flatten().map(|&sum| ((sum + area / 2) / area) as u8));
    }
    packed_rgb(frame, (width, height), rgb)
}

/// A place of the window in the frame, the nearest one inside.
fn clamped(start: i32, offset: u32, side: u32) -> u32 {
    (i64::from(start) + i64::from(offset)).clamp(0, i64::from(side) - 1) as u32
}

/// Bytes of a crop as a frame with the origin and time of the frame that it is of.
pub(crate) fn packed_rgb(of: &Frame, size: (u32, u32), rgb: Vec<u8>) -> Option<Frame> {
    Frame::packed(of.meta.clone(), PixelFormat::Rgb8, ColourMatrix::BT601, size, rgb).ok()
}

#[cfg(test)]
mod tests;
