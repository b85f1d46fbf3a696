//! The picture of a crop: the part with some room around it, faces covered, as JPEG.

use forewarn_domain::{BBox, Frame};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};

use super::DatasetError;
use crate::crop::{Window, view};
use crate::reader::faces::{self, Faces};

/// Room around the part on each side, as a part of its longer side: what training may want for other margins.
const ROOM: f32 = 0.6;

/// Longest side of a picture in pixels; larger ones are scaled down.
const MAX_SIDE_PX: u32 = 512;

/// Quality of the JPEG, 1 to 100.
const JPEG_QUALITY: u8 = 93;

/// A picture that is ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The file's content.
    pub jpeg: Vec<u8>,
    /// Where the part lies in the picture, in its pixels.
    pub part: BBox,
    /// Where the picture lies in its frame, in frame pixels.
    pub shown: BBox,
    /// What it looks like, for telling near-duplicates.
    pub look: u64,
    /// Faces that were covered.
    pub covered: usize,
}

/// The picture of a part of a frame. Faces are covered by `faces`, if given. `None` if nothing of it is inside.
pub fn take(frame: &Frame, part: &BBox, faces: Option<&mut Faces>) -> Result<Option<Picture>, DatasetError> {
    let room = ROOM * part.width().max(part.height());
    let roomy = BBox::new(part.x0 - room, part.y0 - room, part.x1 + room, part.y1 + room);
    let Some((crop, shown)) = Window::around(&roomy, 0.0, false).and_then(|window| view(frame, window)) else {
        return Ok(None);
    };
    let pixels = crop.to_rgb8();
    let mut picture = RgbImage::from_raw(crop.width, crop.height, pixels).ok_or(DatasetError::Pixels)?;
    let mut covered = 0;
    if let Some(faces) = faces {
        for face in faces.find(&crop).map_err(DatasetError::Faces)? {
            faces::cover(&mut picture, &face);
            covered += 1;
        }
    }
    let (left, top) = (shown.left as f32, shown.top as f32);
    let mut inside = BBox::new(part.x0 - left, part.y0 - top, part.x1 - left, part.y1 - top);
    let longest = picture.width().max(picture.height());
    if longest > MAX_SIDE_PX {
        let ratio = MAX_SIDE_PX as f32 / longest as f32;
        let fit = |side: u32| ((side as f32 * ratio).round() as u32).max(1);
        let (width, height) = (fit(picture.width()), fit(picture.height()));
        let scale = [width as f32 / picture.width() as f32, height as f32 / picture.height() as f32];
        inside = BBox::new(inside.x0 * scale[0], inside.y0 * scale[1], inside.x1 * scale[0], inside.y1 * scale[1]);
        picture = imageops::resize(&picture, width, height, FilterType::Triangle);
    }
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY).write_image(
        &picture,
        picture.width(),
        picture.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(Some(Picture { jpeg, look: look(&picture, &inside), part: inside, shown: shown.to_box(), covered }))
}

/// The difference hash of a part of a picture: of 9 x 8 mean lumas, whether each is brighter than its right neighbour.
///
/// Source: Krawetz, "Kind of Like That" (2013).
fn look(picture: &RgbImage, part: &BBox) -> u64 {
    let part = part.clamped(picture.width(), picture.height());
    let (width, height) = ((part.width() as u32).max(1), (part.height() as u32).max(1));
    let crop = imageops::crop_imm(picture, part.x0 as u32, part.y0 as u32, width, height).to_image();
    let small = imageops::grayscale(&imageops::resize(&crop, 9, 8, FilterType::Triangle));
    let pairs = (0..8).flat_map(|y| (0..8).map(move |x| (x, y)));
    pairs.fold(0, |bits, (x, y)| bits << 1 | u64::from(small.get_pixel(x, y).0 > small.get_pixel(x + 1, y).0))
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp};

    use super::*;

    fn frame(shift: u32) -> Frame {
        let meta = FrameMeta {
            stream: StreamId::new("gate").unwrap(),
            sequence: 0,
            captured_at: Timestamp::ZERO,
            arrived_at: Timestamp::ZERO,
        };
        let wave = |v: u32| ((v as f32 * 0.02).sin() * 60.0 + 128.0) as u8;
        let rgb =
            (0..600_u32).flat_map(|y| (0..800_u32).flat_map(move |x| [wave(x + shift), wave(2 * y), 90])).collect();
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (800, 600), rgb).unwrap()
    }

    #[test]
    fn a_picture_shows_the_part_with_room_and_says_where_it_lies() {
        let part = BBox::new(300.0, 200.0, 380.0, 300.0);
        let picture = take(&frame(0), &part, None).unwrap().unwrap();
        assert_eq!(picture.shown, BBox::new(240.0, 140.0, 440.0, 360.0));
        assert_eq!(picture.part, BBox::new(60.0, 60.0, 140.0, 160.0));
        let decoded = image::load_from_memory(&picture.jpeg).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (200, 220));
        assert_eq!(take(&frame(0), &BBox::new(2000.0, 10.0, 2100.0, 60.0), None).unwrap(), None);
    }

    #[test]
    fn a_large_picture_is_scaled_down_with_its_part() {
        let part = BBox::new(100.0, 100.0, 600.0, 500.0);
        let picture = take(&frame(0), &part, None).unwrap().unwrap();
        let decoded = image::load_from_memory(&picture.jpeg).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (512, 384));
        assert_eq!(picture.part, BBox::new(64.0, 64.0, 384.0, 320.0));
    }

    #[test]
    fn looks_of_the_same_thing_are_near_and_of_others_far() {
        let part = BBox::new(300.0, 200.0, 380.0, 300.0);
        let of = |shift| take(&frame(shift), &part, None).unwrap().unwrap().look;
        assert!((of(0) ^ of(1)).count_ones() < 6);
        assert!((of(0) ^ of(60)).count_ones() > 16, "{}", (of(0) ^ of(60)).count_ones());
    }
}
