//! What every clip of the matrix shows: its number and marks that tell top from bottom, left from right, and one colour
//! from another.
//!
//! The upper half has eight bars: the first is bright and the last dark, and those between show the picture's number. The
//! lower half is reddish on the left and bluish on the right.

use forewarn_domain::{ColourMatrix, Frame, Orientation};

/// The size of the picture as it is shown, before it is turned and squeezed.
pub(super) const SHOWN: (usize, usize) = (128, 96);

const BRIGHT: [f64; 3] = [230.0; 3];
const DARK: [f64; 3] = [24.0; 3];
const LEFT: [f64; 3] = [200.0, 60.0, 60.0];
const RIGHT: [f64; 3] = [50.0, 70.0, 190.0];
/// How far a colour may be off for quantisation and filters.
const TOLERANCE: f64 = 22.0;

/// Red, green and blue of picture `n` at a place of the shown picture, both from 0 to 1.
fn colour_at(n: usize, (x, y): (f64, f64)) -> [f64; 3] {
    if y >= 0.5 {
        return if x < 0.5 { LEFT } else { RIGHT };
    }
    let bar = (x * 8.0) as usize;
    let is_bright = bar == 0 || (bar < 7 && n >> (bar - 1) & 1 == 1);
    if is_bright { BRIGHT } else { DARK }
}

/// How a picture is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// GStreamer's name of the layout: `I420`, `Y42B`, `Y444`, or one of these with `_10LE` or `_12LE`, or `GRAY8`.
    pub(super) format: &'static str,
    pub(super) size: (usize, usize),
    pub(super) colour: ColourMatrix,
    /// How it is turned when it is shown.
    pub(super) orientation: Orientation,
}

impl Stored {
    /// The bytes of picture `n`.
    pub(super) fn picture(&self, n: usize) -> Vec<u8> {
        let (layout, bits) = match self.format.split_once('_') {
            Some((layout, depth)) => (layout, if depth.starts_with("12") { 12 } else { 10 }),
            None => (self.format, 8),
        };
        // GStreamer's names of the layouts of more bits leave the Y out.
        let (across, down) = match layout {
            "I420" => (2, 2),
            "Y42B" | "I422" => (2, 1),
            _ => (1, 1),
        };
        let (width, height) = self.size;
        let mut planes = vec![(0, 1, 1)];
        if layout != "GRAY8" {
            planes.extend([(1, across, down), (2, across, down)]);
        }
        let mut bytes = Vec::new();
        for (channel, across, down) in planes {
            for y in 0..height / down {
                for x in 0..width / across {
                    let place = (
                        (x as f64 + 0.5) * across as f64 / width as f64,
                        (y as f64 + 0.5) * down as f64 / height as f64,
                    );
                    let level = self.yuv(colour_at(n, self.shown_place(place)))[channel];
                    if bits == 8 {
                        bytes.push(level.round() as u8);
                    } else {
                        bytes.extend_from_slice(&((level * f64::from(1 << (bits - 8))).round() as u16).to_le_bytes());
                    }
                }
            }
        }
        bytes
    }

    /// Where a place of the stored picture is shown.
    fn shown_place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let x = if self.orientation.is_mirrored { 1.0 - x } else { x };
        match self.orientation.quarter_turns % 4 {
            0 => (x, y),
            1 => (1.0 - y, x),
            2 => (1.0 - x, 1.0 - y),
            _ => (y, 1.0 - x),
        }
    }

    /// The matrix as ITU-R BT.601 and BT.709 print it.
    fn yuv(&self, [r, g, b]: [f64; 3]) -> [f64; 3] {
        let (kr, kb) = if self.colour.is_bt709 { (0.2126, 0.0722) } else { (0.299, 0.114) };
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (cb, cr) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
        if self.colour.is_full_range {
            [y, 128.0 + cb, 128.0 + cr]
        } else {
            [16.0 + y * 219.0 / 255.0, 128.0 + cb * 224.0 / 255.0, 128.0 + cr * 224.0 / 255.0]
        }
    }
}

fn rgb_at(frame: &Frame, (x, y): (f64, f64)) -> [f64; 3] {
    frame.rgb_at((x * f64::from(frame.width)) as u32, (y * f64::from(frame.height)) as u32).map(f64::from)
}

/// The number that a frame shows, if it is shown upright and in its colours; else what is wrong.
pub(super) fn number_of(frame: &Frame, is_grey: bool) -> Result<usize, String> {
    let bars: Vec<f64> = (0..8).map(|bar| rgb_at(frame, ((f64::from(bar) + 0.5) / 8.0, 0.25))[1]).collect();
    let n = (1..7).filter(|&bar| bars[bar] > 128.0).map(|bar| 1 << (bar - 1)).sum();
    let grey = |[r, g, b]: [f64; 3]| [0.299 * r + 0.587 * g + 0.114 * b; 3];
    for place in [(0.06, 0.25), (0.94, 0.25), (0.25, 0.75), (0.75, 0.75)] {
        let expected = colour_at(n, place);
        let expected = if is_grey { grey(expected) } else { expected };
        let found = rgb_at(frame, place);
        if expected.iter().zip(found).any(|(a, b)| (a - b).abs() > TOLERANCE) {
            return Err(format!("{found:?} at {place:?} in place of {expected:?}"));
        }
    }
    Ok(n)
}
