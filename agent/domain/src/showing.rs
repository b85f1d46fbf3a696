//! How a stored picture is shown: turned, mirrored, and with pixels that are not square.
//!
//! Phones and action cameras store pictures as their sensor lies and note how to turn them; recorders of analogue
//! cameras store fewer columns or rows than are shown. Everything behind the decoder works on pictures as they are shown:
//! upright, with square pixels.

use crate::{Frame, PixelFormat};

/// How a picture is to be turned so that it is upright: mirrored left to right first, then turned clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    /// Left and right are exchanged.
    pub is_mirrored: bool,
    /// Quarter turns clockwise, 0 to 3.
    pub quarter_turns: u8,
}

impl Orientation {
    /// Shown as it is stored.
    pub const UPRIGHT: Self = Self { is_mirrored: false, quarter_turns: 0 };

    /// Turned clockwise by a multiple of 90 degrees; `None` for other angles.
    pub fn clockwise(degrees: i32) -> Option<Self> {
        let quarter_turns = (degrees % 90 == 0).then(|| (degrees / 90).rem_euclid(4) as u8)?;
        Some(Self { is_mirrored: false, quarter_turns })
    }

    /// The meaning of the EXIF tag Orientation, 1 to 8 (CIPA DC-008, 4.6.4); `None` for other numbers.
    pub fn of_exif(number: u32) -> Option<Self> {
        let (is_mirrored, quarter_turns) = match number {
            1 => (false, 0),
            2 => (true, 0),
            3 => (false, 2),
            4 => (true, 2),
            5 => (true, 3),
            6 => (false, 1),
            7 => (true, 1),
            8 => (false, 3),
            _ => return None,
        };
        Some(Self { is_mirrored, quarter_turns })
    }

    /// This one first, then `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        // A turn before a mirror is the opposite turn after it.
        let turned = if next.is_mirrored { 4 - self.quarter_turns % 4 } else { self.quarter_turns };
        Self { is_mirrored: self.is_mirrored != next.is_mirrored, quarter_turns: (turned + next.quarter_turns) % 4 }
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        self.quarter_turns % 2 == 1
    }

    /// Where the stored pixel lies that is shown at (`x`, `y`) of a picture stored with `width` by `height` pixels.
    fn stored_at(self, (x, y): (usize, usize), (width, height): (usize, usize)) -> (usize, usize) {
        let (x, y) = match self.quarter_turns % 4 {
            0 => (x, y),
            1 => (y, height - 1 - x),
            2 => (width - 1 - x, height - 1 - y),
            _ => (width - 1 - y, x),
        };
        if self.is_mirrored { (width - 1 - x, y) } else { (x, y) }
    }
}

/// How the pictures of a stream are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Showing {
    /// How they are turned, after they were stretched.
    pub orientation: Orientation,
    /// Width of a stored pixel to its height.
    pub pixel_aspect: (u32, u32),
}

impl Default for Showing {
    fn default() -> Self {
        Self::AS_STORED
    }
}

/// Pixels that differ from a square by less than one part in this many are taken for square.
const SQUARE_ENOUGH: u64 = 64;
/// No side of a picture is stretched by more; who states more does not mean it.
const MOST_STRETCH: u64 = 8;

impl Showing {
    /// Upright, with square pixels.
    pub const AS_STORED: Self = Self { orientation: Orientation::UPRIGHT, pixel_aspect: (1, 1) };

    /// The size after stretching and before turning: the side that has too few pixels gets more.
    pub fn stretched(self, (width, height): (u32, u32)) -> (u32, u32) {
        let (wide, high) = (u64::from(self.pixel_aspect.0), u64::from(self.pixel_aspect.1));
        let (least, most) = (wide.min(high), wide.max(high));
        if least == 0 || most > least * MOST_STRETCH || (most - least) * SQUARE_ENOUGH < least {
            return (width, height);
        }
        let longer = |side: u32| u32::try_from((u64::from(side) * most + least / 2) / least).unwrap_or(side);
        if wide > high { (longer(width), height) } else { (width, longer(height)) }
    }

    /// The size as shown of a picture that is stored with `stored` pixels.
    pub fn shown_size(self, stored: (u32, u32)) -> (u32, u32) {
        let (width, height) = self.stretched(stored);
        if self.orientation.is_sideways() { (height, width) } else { (width, height) }
    }
}

impl Frame {
    /// The picture as it is shown. One that is shown as it is stored shares the bytes.
    #[must_use]
    pub fn shown(self, showing: Showing) -> Self {
        let stored = (self.width, self.height);
        let stretched = showing.stretched(stored);
        if stored.0 == 0 || stored.1 == 0 || (stretched == stored && showing.orientation == Orientation::UPRIGHT) {
            return self;
        }
        let picture = if stretched == stored { self } else { remade(&self, stretched, stretch_plane) };
        if showing.orientation == Orientation::UPRIGHT {
            return picture;
        }
        let size = if showing.orientation.is_sideways() { (stretched.1, stretched.0) } else { stretched };
        remade(&picture, size, |plane, step, from, to, out| turn_plane(showing.orientation, plane, step, from, to, out))
    }
}

/// A frame of another size, each plane of which `make` makes from that of `frame`.
fn remade(
    frame: &Frame,
    size: (u32, u32),
    make: impl Fn((&[u8], usize), usize, (usize, usize), (usize, usize), &mut Vec<u8>),
) -> Frame {
    let steps: &[usize] = match frame.format {
        PixelFormat::I420 => &[1, 1, 1],
        PixelFormat::Nv12 => &[1, 2],
        PixelFormat::Rgb8 => &[3],
    };
    let before = frame.format.plane_shapes(frame.width, frame.height);
    let after = frame.format.plane_shapes(size.0, size.1);
    let mut bytes = Vec::with_capacity(after.iter().map(|(rows, row_bytes)| rows * row_bytes).sum());
    for (number, &step) in steps.iter().enumerate() {
        let samples = |(rows, row_bytes): (usize, usize)| (row_bytes / step, rows);
        make(frame.plane(number), step, samples(before[number]), samples(after[number]), &mut bytes);
    }
    let packed = Frame::packed(frame.meta.clone(), frame.format, frame.colour, size, bytes);
    packed.unwrap_or_else(|_| frame.clone())
}

/// Turns a plane whose samples have `step` bytes.
fn turn_plane(
    orientation: Orientation,
    (bytes, stride): (&[u8], usize),
    step: usize,
    from: (usize, usize),
    (width, height): (usize, usize),
    out: &mut Vec<u8>,
) {
    let at = |x: usize, y: usize| {
        let (x, y) = orientation.stored_at((x, y), from);
        y * stride + x * step
    };
    for y in 0..height {
        // Along a shown row the stored samples lie in one line, which may run backwards.
        let first = at(0, y);
        let pace = if width > 1 { at(1, y) as isize - first as isize } else { 0 };
        for x in 0..width {
            let at = first.wrapping_add_signed(x as isize * pace);
            out.extend_from_slice(&bytes[at..at + step]);
        }
    }
}

/// Stretches a plane whose samples have `step` bytes, bilinear with half-pixel centres.
fn stretch_plane(
    (bytes, stride): (&[u8], usize),
    step: usize,
    from: (usize, usize),
    (width, height): (usize, usize),
    out: &mut Vec<u8>,
) {
    let (columns, rows) = (taps(from.0, width), taps(from.1, height));
    for row in rows {
        let [upper, lower] = [row.0, row.1].map(|row| &bytes[row * stride..row * stride + from.0 * step]);
        for &(left, right, weight) in &columns {
            for c in 0..step {
                let blend = |line: &[u8]| {
                    u32::from(line[left * step + c]) * (ONE - weight) + u32::from(line[right * step + c]) * weight
                };
                let sum = blend(upper) * (ONE - row.2) + blend(lower) * row.2;
                out.push(((sum + ONE * ONE / 2) / (ONE * ONE)) as u8);
            }
        }
    }
}

/// Weights are whole parts of this.
const ONE: u32 = 256;

/// For each of `to` samples the two of `from` samples between which it lies, and how far.
fn taps(from: usize, to: usize) -> Vec<(usize, usize, u32)> {
    let last = from.saturating_sub(1);
    let tap = |i: usize| {
        let position = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, last as f64);
        let left = position as usize;
        (left, (left + 1).min(last), ((position - left as f64) * f64::from(ONE)).round() as u32)
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColourMatrix, FrameMeta, StreamId, Timestamp};

    /// A picture whose pixels each have a colour of their own.
    fn frame(format: PixelFormat, (width, height): (u32, u32)) -> Frame {
        let stream = StreamId::new("s").unwrap();
        let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
        let len: usize = format.plane_shapes(width, height).iter().map(|(rows, bytes)| rows * bytes).sum();
        let bytes = (0..len).map(|i| (i * 37 % 251) as u8).collect();
        Frame::packed(meta, format, ColourMatrix::BT601, (width, height), bytes).unwrap()
    }

    fn turned(frame: &Frame, exif: u32) -> Frame {
        let orientation = Orientation::of_exif(exif).unwrap();
        frame.clone().shown(Showing { orientation, ..Showing::AS_STORED })
    }

    #[test]
    fn each_turn_puts_the_corners_in_their_places() {
        for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Rgb8] {
            let stored = frame(format, (8, 6));
            let [a, b, c, d] = [(0, 0), (7, 0), (0, 5), (7, 5)].map(|(x, y)| stored.rgb_at(x, y));
            // Top left, top right, bottom left and bottom right as shown.
            let expected = [
                (1, [a, b, c, d]),
                (2, [b, a, d, c]),
                (3, [d, c, b, a]),
                (4, [c, d, a, b]),
                (5, [a, c, b, d]),
                (6, [c, a, d, b]),
                (7, [d, b, c, a]),
                (8, [b, d, a, c]),
            ];
            for (exif, corners) in expected {
                let shown = turned(&stored, exif);
                let (w, h) = if exif >= 5 { (6, 8) } else { (8, 6) };
                assert_eq!((shown.width, shown.height), (w, h), "{exif}");
                let found = [(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)].map(|(x, y)| shown.rgb_at(x, y));
                assert_eq!(found, corners, "{format:?} {exif}");
            }
        }
        assert_eq!((Orientation::of_exif(0), Orientation::of_exif(9)), (None, None));
    }

    #[test]
    fn one_turn_after_another_is_one_turn() {
        let stored = frame(PixelFormat::Rgb8, (5, 3));
        for first in 1..=8 {
            for second in 1..=8 {
                let both = Orientation::of_exif(first).unwrap().then(Orientation::of_exif(second).unwrap());
                let at_once = stored.clone().shown(Showing { orientation: both, ..Showing::AS_STORED });
                let in_turn = turned(&turned(&stored, first), second);
                assert_eq!(at_once.to_rgb8(), in_turn.to_rgb8(), "{first} then {second}");
            }
        }
        assert_eq!(Orientation::clockwise(-90), Orientation::of_exif(8));
        assert_eq!(Orientation::clockwise(450), Orientation::of_exif(6));
        assert_eq!(Orientation::clockwise(45), None);
    }

    #[test]
    fn the_side_with_too_few_pixels_is_stretched() {
        let size = |aspect, stored| Showing { pixel_aspect: aspect, ..Showing::AS_STORED }.shown_size(stored);
        assert_eq!(size((16, 11), (704, 576)), (1024, 576));
        assert_eq!(size((32, 11), (352, 576)), (1024, 576));
        assert_eq!(size((10, 11), (704, 480)), (704, 528));
        assert_eq!(size((1, 2), (704, 288)), (704, 576));
        assert_eq!(size((2, 1), (640, 720)), (1280, 720));
        assert_eq!(size((4096, 4095), (640, 360)), (640, 360), "square enough");
        for nonsense in [(0, 1), (1, 0), (0, 0), (65_535, 1), (1, u32::MAX)] {
            assert_eq!(size(nonsense, (640, 360)), (640, 360), "{nonsense:?}");
        }
        let orientation = Orientation { is_mirrored: false, quarter_turns: 1 };
        assert_eq!(Showing { orientation, pixel_aspect: (2, 1) }.shown_size((640, 720)), (720, 1280));
    }

    #[test]
    fn stretching_keeps_levels_and_places() {
        let meta = frame(PixelFormat::I420, (4, 2)).meta;
        // Black on the left, white on the right.
        let bytes = [[0, 0, 255, 255], [0, 0, 255, 255]].concat().into_iter().chain([128; 4]).collect();
        let stored = Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (4, 2), bytes).unwrap();
        let shown = stored.clone().shown(Showing { pixel_aspect: (2, 1), ..Showing::AS_STORED });
        let (luma, stride) = shown.plane(0);
        assert_eq!(&luma[..stride], [0, 0, 0, 64, 191, 255, 255, 255]);
        let shared = stored.clone().shown(Showing::AS_STORED);
        assert!(std::ptr::eq(shared.plane(0).0, stored.plane(0).0), "nothing is copied");
    }
}
