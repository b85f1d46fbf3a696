//! A decoded picture: metadata and planes, as the decoder left them.

use std::fmt;
use std::sync::Arc;

use crate::{StreamId, Timestamp};

/// How the samples of a frame are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// Three planes Y, U, V; the chroma planes have half the width and height (rounded up).
    I420,
    /// Two planes: Y, and U and V interleaved at half the width and height (rounded up).
    Nv12,
    /// One plane of R, G, B bytes; what a photo decodes to.
    Rgb8,
}

/// How Y, U and V are turned to R, G and B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColourMatrix {
    /// BT.709 coefficients if true, else BT.601.
    pub is_bt709: bool,
    /// Y in 0..=255 if true, else in 16..=235.
    pub is_full_range: bool,
}

impl ColourMatrix {
    /// Standard definition video: BT.601, limited range.
    pub const BT601: Self = Self { is_bt709: false, is_full_range: false };
    /// High definition video: BT.709, limited range.
    pub const BT709: Self = Self { is_bt709: true, is_full_range: false };

    /// One pixel to R, G and B in 0..=255, not rounded.
    ///
    /// Source: ITU-R BT.601-7 and BT.709-6, section 3, inverted.
    #[inline]
    pub fn to_rgb(self, y: f32, u: f32, v: f32) -> [f32; 3] {
        let (kr, kb) = if self.is_bt709 { (0.2126_f32, 0.0722_f32) } else { (0.299, 0.114) };
        let (y_offset, y_scale, c_scale) =
            if self.is_full_range { (0.0, 1.0, 1.0) } else { (16.0, 255.0 / 219.0, 255.0 / 224.0) };
        let (luma, cb, cr) = ((y - y_offset) * y_scale, (u - 128.0) * c_scale, (v - 128.0) * c_scale);
        let kg = 1.0 - kr - kb;
        let r = luma + 2.0 * (1.0 - kr) * cr;
        let b = luma + 2.0 * (1.0 - kb) * cb;
        let g = luma - (2.0 * kb * (1.0 - kb) * cb + 2.0 * kr * (1.0 - kr) * cr) / kg;
        [r.clamp(0.0, 255.0), g.clamp(0.0, 255.0), b.clamp(0.0, 255.0)]
    }
}

/// Where one plane lies in the frame's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// Byte at which the first row begins.
    pub offset: usize,
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// Where a frame comes from and when it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameMeta {
    /// The stream.
    pub stream: StreamId,
    /// Number of the frame in its stream, counting every decoded frame from 0, dropped ones too.
    pub sequence: u64,
    /// When the picture was taken: presentation time mapped to the stream's time line.
    pub captured_at: Timestamp,
    /// When the frame arrived at the agent, for measuring latency; equals `captured_at` in a replay.
    pub arrived_at: Timestamp,
}

/// Bytes that outlive the decoder's interest in them, such as a mapped buffer.
pub type FrameBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A decoded picture. Cloning shares the bytes.
#[derive(Clone)]
pub struct Frame {
    /// Origin and time.
    pub meta: FrameMeta,
    /// Layout of the samples.
    pub format: PixelFormat,
    /// Matrix of the colours; without meaning for [`PixelFormat::Rgb8`].
    pub colour: ColourMatrix,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    planes: [Plane; 3],
    bytes: FrameBytes,
}

/// The bytes are too short for the stated layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameLayoutError {
    needed: usize,
    given: usize,
}

impl fmt::Display for FrameLayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the frame's layout needs {} bytes but {} were given", self.needed, self.given)
    }
}

impl std::error::Error for FrameLayoutError {}

impl PixelFormat {
    /// Rows, and bytes in use of a row, of each plane for a picture of `width` by `height`.
    pub fn plane_shapes(self, width: u32, height: u32) -> Vec<(usize, usize)> {
        let (w, h) = (width as usize, height as usize);
        let (cw, ch) = (w.div_ceil(2), h.div_ceil(2));
        match self {
            Self::I420 => vec![(h, w), (ch, cw), (ch, cw)],
            Self::Nv12 => vec![(h, w), (ch, cw * 2)],
            Self::Rgb8 => vec![(h, w * 3)],
        }
    }
}

impl Frame {
    /// Puts a frame together and checks that every row lies inside `bytes`.
    ///
    /// `planes` needs one entry for each plane of `format`.
    pub fn new(
        meta: FrameMeta,
        format: PixelFormat,
        colour: ColourMatrix,
        (width, height): (u32, u32),
        planes: &[Plane],
        bytes: FrameBytes,
    ) -> Result<Self, FrameLayoutError> {
        let shapes = format.plane_shapes(width, height);
        let given = bytes.as_ref().as_ref().len();
        let mut kept = [Plane { offset: 0, stride: 0 }; 3];
        for (i, &(rows, row_bytes)) in shapes.iter().enumerate() {
            let plane = planes.get(i).copied().ok_or(FrameLayoutError { needed: usize::MAX, given })?;
            let needed = plane
                .offset
                .saturating_add(plane.stride.saturating_mul(rows.saturating_sub(1)))
                .saturating_add(row_bytes);
            if needed > given || (plane.stride < row_bytes && rows > 1) {
                return Err(FrameLayoutError { needed, given });
            }
            kept[i] = plane;
        }
        Ok(Self { meta, format, colour, width, height, planes: kept, bytes })
    }

    /// A frame from tightly packed bytes, plane after plane.
    pub fn packed(
        meta: FrameMeta,
        format: PixelFormat,
        colour: ColourMatrix,
        size: (u32, u32),
        bytes: Vec<u8>,
    ) -> Result<Self, FrameLayoutError> {
        let mut offset = 0;
        let planes: Vec<Plane> = format
            .plane_shapes(size.0, size.1)
            .into_iter()
            .map(|(rows, stride)| {
                let plane = Plane { offset, stride };
                offset += rows * stride;
                plane
            })
            .collect();
        Self::new(meta, format, colour, size, &planes, Arc::new(bytes))
    }

    /// The part of the picture whose top left corner is at (`x`, `y`), sharing the bytes.
    ///
    /// Corners lie on even pixels, because chroma samples are shared by two: odd ones are rounded down. What reaches
    /// beyond the picture is cut off; a part that lies outside of it altogether has no pixels.
    #[must_use]
    pub fn part(&self, (x, y): (u32, u32), (width, height): (u32, u32)) -> Self {
        let (x, y) = (x.min(self.width) & !1, y.min(self.height) & !1);
        let (width, height) = (width.min(self.width - x), height.min(self.height - y));
        let mut part = Self { width, height, ..self.clone() };
        let (x, y) = (x as usize, y as usize);
        let shifts = match self.format {
            PixelFormat::I420 => [(x, y), (x / 2, y / 2), (x / 2, y / 2)],
            PixelFormat::Nv12 => [(x, y), (x, y / 2), (0, 0)],
            PixelFormat::Rgb8 => [(x * 3, y), (0, 0), (0, 0)],
        };
        let end = self.bytes.as_ref().as_ref().len();
        for (plane, (bytes, rows)) in part.planes.iter_mut().zip(shifts) {
            plane.offset = (plane.offset + rows * plane.stride + bytes).min(end);
        }
        part
    }

    /// The bytes from a plane's first row on, and its stride.
    ///
    /// # Panics
    /// If the format has no plane of that number.
    pub fn plane(&self, number: usize) -> (&[u8], usize) {
        let count = if self.format == PixelFormat::Rgb8 {
            1
        } else if self.format == PixelFormat::Nv12 {
            2
        } else {
            3
        };
        assert!(number < count, "{:?} has no plane {number}", self.format);
        let plane = self.planes[number];
        (&self.bytes.as_ref().as_ref()[plane.offset..], plane.stride)
    }

    /// R, G and B of one pixel, with the chroma of its 2 by 2 block.
    pub fn rgb_at(&self, x: u32, y: u32) -> [u8; 3] {
        let (x, y) = (x as usize, y as usize);
        let (luma, stride) = self.plane(0);
        if self.format == PixelFormat::Rgb8 {
            let i = y * stride + x * 3;
            return [luma[i], luma[i + 1], luma[i + 2]];
        }
        let (u, v) = self.chroma_at(x / 2, y / 2);
        self.colour.to_rgb(f32::from(luma[y * stride + x]), f32::from(u), f32::from(v)).map(|c| c.round() as u8)
    }

    fn chroma_at(&self, cx: usize, cy: usize) -> (u8, u8) {
        let (first, stride) = self.plane(1);
        if self.format == PixelFormat::Nv12 {
            let i = cy * stride + cx * 2;
            return (first[i], first[i + 1]);
        }
        let (second, second_stride) = self.plane(2);
        (first[cy * stride + cx], second[cy * second_stride + cx])
    }

    /// The whole picture as packed R, G, B bytes; for evidence and tests, not for the frame path.
    pub fn to_rgb8(&self) -> Vec<u8> {
        let mut rgb = Vec::with_capacity(self.width as usize * self.height as usize * 3);
        for y in 0..self.height {
            for x in 0..self.width {
                rgb.extend_from_slice(&self.rgb_at(x, y));
            }
        }
        rgb
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Frame({} #{} {:?} {}x{})",
            self.meta.stream, self.meta.sequence, self.format, self.width, self.height
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> FrameMeta {
        let stream = StreamId::new("s").unwrap();
        FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO }
    }

    #[test]
    fn short_buffers_are_refused() {
        let refused = Frame::packed(meta(), PixelFormat::I420, ColourMatrix::BT601, (4, 4), vec![0; 23]);
        assert_eq!(refused.err(), Some(FrameLayoutError { needed: 24, given: 23 }));
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        let frame = Frame::packed(meta(), PixelFormat::Nv12, ColourMatrix::BT601, (3, 3), vec![128; 9 + 8]).unwrap();
        assert_eq!(frame.to_rgb8().len(), 27);
    }

    #[test]
    fn primaries_come_out_right() {
        // BT.601 limited-range red is (81, 90, 240).
        let mut bytes = vec![81; 4];
        bytes.extend([90, 240]);
        let frame = Frame::packed(meta(), PixelFormat::I420, ColourMatrix::BT601, (2, 2), bytes).unwrap();
        let [r, g, b] = frame.rgb_at(1, 1);
        assert!(r >= 253 && g <= 2 && b <= 2, "{r} {g} {b}");
    }

    #[test]
    fn a_part_shows_the_same_pixels_without_a_copy() {
        for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Rgb8] {
            let (width, height) = (13, 11);
            let len: usize = format.plane_shapes(width, height).iter().map(|(rows, bytes)| rows * bytes).sum();
            let bytes = (0..len).map(|i| (i * 37 % 251) as u8).collect();
            let frame = Frame::packed(meta(), format, ColourMatrix::BT601, (width, height), bytes).unwrap();
            let part = frame.part((5, 2), (100, 6));
            assert_eq!((part.width, part.height), (9, 6), "{format:?}");
            for (x, y) in [(0, 0), (8, 5), (3, 4)] {
                assert_eq!(part.rgb_at(x, y), frame.rgb_at(x + 4, y + 2), "{format:?} at {x}, {y}");
            }
            let outside = frame.part((50, 50), (4, 4));
            assert_eq!((outside.width, outside.height), (1, 1), "corners are rounded down to even pixels");
        }
    }
}
