//! Boxes, classes and scores drawn on a picture, for looking at what a model sees.
//!
//! Letters come from an 8 x 8 bitmap font, enlarged by whole factors; a letter that it lacks becomes `?`.

use std::path::Path;

use font8x8::legacy::{BASIC_LEGACY, LATIN_LEGACY};
use forewarn_domain::{Detection, Frame};
use image::{ImageFormat, Rgb, RgbImage};

use crate::photo::PhotoError;

/// Side of a letter in font pixels.
const GLYPH_PX: u32 = 8;

/// The frame as RGB with every detection drawn on it, the best on top.
fn draw_detections(frame: &Frame, detections: &[Detection]) -> RgbImage {
    let mut picture = RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8()).unwrap_or_default();
    let scale = (frame.width.max(frame.height) / 640).max(1);
    for detection in detections.iter().rev() {
        draw_one(&mut picture, detection, scale);
    }
    picture
}

/// Draws the detections and writes the picture as PNG, whatever the file's name ends in.
pub fn save_drawing(frame: &Frame, detections: &[Detection], path: &Path) -> Result<(), PhotoError> {
    let picture = draw_detections(frame, detections);
    picture
        .save_with_format(path, ImageFormat::Png)
        .map_err(|source| PhotoError::Write { path: path.to_owned(), source })
}

fn draw_one(picture: &mut RgbImage, detection: &Detection, scale: u32) {
    let colour = colour_of(detection.class.as_str());
    let bbox = detection.bbox.clamped(picture.width(), picture.height());
    let [x0, y0, x1, y1] = <[f32; 4]>::from(bbox).map(|v| v.round() as u32);
    let line = 2 * scale;
    fill(picture, (x0, y0), (x1, y0 + line), colour);
    fill(picture, (x0, y1.saturating_sub(line)), (x1, y1), colour);
    fill(picture, (x0, y0), (x0 + line, y1), colour);
    fill(picture, (x1.saturating_sub(line), y0), (x1, y1), colour);

    let label = format!("{} {:.2}", detection.class, detection.score);
    let width = (label.chars().count() as u32 * GLYPH_PX + 2) * scale;
    let height = (GLYPH_PX + 2) * scale;
    // Above the box where there is room, else inside its upper edge; never beyond the right edge.
    let top = if y0 >= height { y0 - height } else { y0 };
    let left = x0.min(picture.width().saturating_sub(width));
    fill(picture, (left, top), (left + width, top + height), colour);
    // The luma of BT.601 in hundredths.
    let luma: u32 = colour.0.iter().zip([30, 59, 11]).map(|(&c, weight)| u32::from(c) * weight).sum();
    let is_bright = luma > 128 * 100;
    let ink = if is_bright { Rgb([0; 3]) } else { Rgb([255; 3]) };
    for (i, letter) in label.chars().enumerate() {
        let x = left + (i as u32 * GLYPH_PX + 1) * scale;
        draw_letter(picture, letter, (x, top + scale), scale, ink);
    }
}

fn draw_letter(picture: &mut RgbImage, letter: char, (left, top): (u32, u32), scale: u32, ink: Rgb<u8>) {
    for (y, row) in (0..).zip(glyph(letter)) {
        for x in (0..GLYPH_PX).filter(|x| row & (1 << x) != 0) {
            let (px, py) = (left + x * scale, top + y * scale);
            fill(picture, (px, py), (px + scale, py + scale), ink);
        }
    }
}

/// Eight rows of a letter, the leftmost pixel in the lowest bit.
fn glyph(letter: char) -> [u8; 8] {
    let code = letter as usize;
    let known = BASIC_LEGACY.get(code).or_else(|| LATIN_LEGACY.get(code.checked_sub(0xa0)?));
    known.copied().unwrap_or(BASIC_LEGACY[usize::from(b'?')])
}

/// Fills a rectangle as far as it lies in the picture.
fn fill(picture: &mut RgbImage, (x0, y0): (u32, u32), (x1, y1): (u32, u32), colour: Rgb<u8>) {
    for y in y0..y1.min(picture.height()) {
        for x in x0..x1.min(picture.width()) {
            picture.put_pixel(x, y, colour);
        }
    }
}

/// A strong colour that is the same for a class every time.
fn colour_of(class: &str) -> Rgb<u8> {
    // FNV-1a spreads similar names over the colour circle.
    let hash = class.bytes().fold(0x811c_9dc5_u32, |h, byte| (h ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let hue = (hash % 360) as f32 / 60.0;
    let channel = |offset: f32| {
        let k = (offset + hue) % 6.0;
        (255.0 * (1.0 - k.min(4.0 - k).clamp(0.0, 1.0))) as u8
    };
    Rgb([channel(5.0), channel(3.0), channel(1.0)])
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{BBox, Class, ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp};

    use super::*;

    fn frame(width: u32, height: u32) -> Frame {
        let stream = StreamId::new("s").unwrap();
        let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
        let bytes = vec![128; (width * height * 3) as usize];
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (width, height), bytes).unwrap()
    }

    fn detection(class: &str, bbox: BBox) -> Detection {
        Detection { class: Class::new(class), score: 0.5, bbox }
    }

    #[test]
    fn the_box_is_drawn_and_its_inside_left_alone() {
        let picture = draw_detections(&frame(100, 80), &[detection("car", BBox::new(10., 30., 90., 70.))]);
        assert_eq!(*picture.get_pixel(50, 30), colour_of("car"));
        assert_eq!(*picture.get_pixel(10, 50), colour_of("car"));
        assert_eq!(*picture.get_pixel(50, 50), Rgb([128; 3]));
        assert_eq!(*picture.get_pixel(50, 75), Rgb([128; 3]));
    }

    #[test]
    fn boxes_and_names_of_any_kind_are_drawn_without_panic() {
        for bbox in [BBox::new(0., 0., 0., 0.), BBox::new(-9., -9., 999., 999.), BBox::new(7., 7., 8., 8.)] {
            for class in ["", "人行道上的车", "a very long name that is wider than the picture"] {
                let picture = draw_detections(&frame(8, 8), &[detection(class, bbox)]);
                assert_eq!(picture.dimensions(), (8, 8));
            }
        }
    }
}
