//! Which source samples each row and column of the input is made of.

use std::ops::Range;

use forewarn_domain::{Frame, PixelFormat, Window};

use super::Mapping;
use super::bytes::{ByteTap, byte_taps};
use crate::card::{Anchor, Input, Resize};

/// A sample between two neighbours: `source[index]` and the one after it, `weight` of the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tap {
    pub(crate) index: u32,
    pub(crate) weight: f32,
}

/// Where the samples of a plane sit against those of the luma plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Siting {
    /// The luma plane itself.
    Full,
    /// Half as many, each on an even luma sample.
    HalfLeft,
    /// Half as many, each between two luma samples.
    HalfCentre,
}

/// Everything that depends on the shape of the frame alone.
#[derive(Debug)]
pub(crate) struct Plan {
    shape: (u32, u32, PixelFormat),
    /// Width and height of the tensor.
    pub(crate) size: [u32; 2],
    /// Left edge of the picture in the input.
    pub(crate) left: usize,
    /// Top edge of the picture in the input.
    pub(crate) top: usize,
    pub(crate) mapping: Mapping,
    pub(crate) columns: Vec<Tap>,
    pub(crate) rows: Vec<Tap>,
    pub(crate) chroma_columns: Vec<Tap>,
    pub(crate) chroma_rows: Vec<Tap>,
    pub(crate) byte_columns: Vec<ByteTap>,
    pub(crate) byte_rows: Vec<ByteTap>,
}

impl Plan {
    /// The tables for an input of that size.
    pub(crate) fn new(input: &Input, size: [u32; 2], frame: &Frame) -> Self {
        let (width, height) = (frame.width, frame.height);
        let (left, top, out_width, out_height) = placement(input, size, width, height);
        let (scale_x, scale_y) = scales(input, size, width, height);
        let taps = |source: u32, out: u32, siting| taps(source, out, siting);
        Self {
            shape: (width, height, frame.format),
            size,
            left: left as usize,
            top: top as usize,
            mapping: Mapping { left: left as f32, top: top as f32, scale_x, scale_y },
            columns: taps(width, out_width, Siting::Full),
            rows: taps(height, out_height, Siting::Full),
            chroma_columns: taps(width, out_width, Siting::HalfLeft),
            chroma_rows: taps(height, out_height, Siting::HalfCentre),
            byte_columns: byte_taps(width, out_width),
            byte_rows: byte_taps(height, out_height),
        }
    }

    /// Makes `cut` the tables of a window of an input in whose corner the picture lies.
    pub(crate) fn cut(&self, window: &Window, cut: &mut Self) {
        let within = |begin: u32, length: u32, n: usize| (begin as usize).min(n)..((begin + length) as usize).min(n);
        let columns = within(window.x, window.width, self.columns.len());
        let rows = within(window.y, window.height, self.rows.len());
        (cut.shape, cut.size) = (self.shape, [window.width, window.height]);
        (cut.left, cut.top) = (0, 0);
        cut.mapping = Mapping { left: -(window.x as f32), top: -(window.y as f32), ..self.mapping };
        take(&mut cut.columns, &self.columns, &columns);
        take(&mut cut.rows, &self.rows, &rows);
        take(&mut cut.chroma_columns, &self.chroma_columns, &columns);
        take(&mut cut.chroma_rows, &self.chroma_rows, &rows);
        take(&mut cut.byte_columns, &self.byte_columns, &columns);
        take(&mut cut.byte_rows, &self.byte_rows, &rows);
    }

    /// Whether nothing of the tensor is padding.
    pub(crate) fn is_full(&self) -> bool {
        self.columns.len() == self.size[0] as usize && self.rows.len() == self.size[1] as usize
    }

    /// Whether the tables fit a frame.
    pub(crate) fn is_for(&self, frame: &Frame) -> bool {
        self.shape == (frame.width, frame.height, frame.format)
    }

    /// Width of the frame in pixels.
    pub(crate) fn source_width(&self) -> usize {
        self.shape.0 as usize
    }
}

/// Takes a part of a table and keeps the memory.
fn take<T: Copy>(into: &mut Vec<T>, from: &[T], part: &Range<usize>) {
    into.clear();
    into.extend_from_slice(&from[part.clone()]);
}

/// The source samples that taps read, of which the last may be one beyond the rim.
pub(crate) fn reach(taps: &[Tap]) -> Range<usize> {
    match (taps.first(), taps.last()) {
        (Some(first), Some(last)) => first.index as usize..last.index as usize + 2,
        _ => 0..0,
    }
}

/// Left, top, width and height of the picture in the input.
fn placement(input: &Input, size: [u32; 2], width: u32, height: u32) -> (u32, u32, u32, u32) {
    let [input_width, input_height] = size;
    let Resize::Letterbox { anchor, .. } = input.resize else { return (0, 0, input_width, input_height) };
    let ratio = input.ratio(width, height);
    let fit = |side: u32, most: u32| ((f64::from(side) * ratio).round() as u32).clamp(1, most);
    let (out_width, out_height) = (fit(width, input_width), fit(height, input_height));
    match anchor {
        Anchor::TopLeft => (0, 0, out_width, out_height),
        Anchor::Centre => ((input_width - out_width) / 2, (input_height - out_height) / 2, out_width, out_height),
    }
}

/// Frame pixels per input pixel in x and y.
///
/// A letterboxed picture is mapped back by the one scale that it was meant to have, not by what rounding its sides to
/// whole pixels made of it: so do the reference evaluations of the models that are fed by letterbox.
fn scales(input: &Input, size: [u32; 2], width: u32, height: u32) -> (f32, f32) {
    match input.resize {
        Resize::Letterbox { .. } => {
            let scale = input.scale_back(width, height) as f32;
            (scale, scale)
        }
        Resize::Stretch => (width as f32 / size[0] as f32, height as f32 / size[1] as f32),
    }
}

fn taps(source: u32, out: u32, siting: Siting) -> Vec<Tap> {
    let samples = if siting == Siting::Full { source } else { source.div_ceil(2) };
    let last = f64::from(samples - 1);
    let scale = f64::from(source) / f64::from(out);
    (0..out)
        .map(|o| {
            let luma = (f64::from(o) + 0.5) * scale - 0.5;
            let position = match siting {
                Siting::Full => luma,
                Siting::HalfLeft => luma / 2.0,
                Siting::HalfCentre => luma / 2.0 - 0.25,
            };
            let position = position.clamp(0.0, last);
            let index = position.floor();
            Tap { index: index as u32, weight: (position - index) as f32 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_halve_with_half_pixel_centres_and_stop_at_the_rim() {
        let positions = |taps: Vec<Tap>| taps.iter().map(|t| t.index as f32 + t.weight).collect::<Vec<_>>();
        assert_eq!(positions(taps(8, 4, Siting::Full)), [0.5, 2.5, 4.5, 6.5]);
        assert_eq!(positions(taps(2, 4, Siting::Full)), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(positions(taps(4, 4, Siting::HalfLeft)), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(positions(taps(4, 4, Siting::HalfCentre)), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(positions(taps(5, 5, Siting::HalfLeft)), [0.0, 0.5, 1.0, 1.5, 2.0]);
    }
}
