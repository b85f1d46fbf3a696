//! Pictures made small.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat};

/// Widths in pixels and qualities that are tried, from the best on.
const TRIED: [(u32, u8); 6] = [(640, 60), (480, 60), (480, 40), (400, 35), (320, 30), (200, 25)];

/// The best JPEG of a JPEG that has no more than so many bytes; none where it is no JPEG.
pub(super) fn small(jpeg: &[u8], most: usize) -> Option<Vec<u8>> {
    if jpeg.len() <= most {
        return Some(jpeg.to_vec());
    }
    let picture = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).ok()?;
    TRIED.into_iter().find_map(|(width, quality)| {
        let smaller = picture.thumbnail(width.min(picture.width()), u32::MAX);
        let coded = coded(&smaller, quality)?;
        (coded.len() <= most).then_some(coded)
    })
}

fn coded(picture: &DynamicImage, quality: u8) -> Option<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).ok()?;
    Some(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_noise_becomes_small_and_keeps_its_shape() {
        let noise = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_le_bytes();
        let picture = image::RgbImage::from_fn(1280, 720, |x, y| {
            let [a, b, c, _] = noise(x / 8, y / 8);
            image::Rgb([a, b, c])
        });
        let jpeg = coded(&picture.into(), 90).unwrap();
        let coded = small(&jpeg, 15_000).unwrap();
        let made = image::load_from_memory(&coded).unwrap();
        assert!(coded.len() <= 15_000 && made.width() >= 200, "{} bytes, {} px", coded.len(), made.width());
        assert!((made.width() * 9 / 16).abs_diff(made.height()) <= 1);
        assert_eq!(small(&coded, 15_000), Some(coded), "what is small enough stays as it is");
        assert_eq!(small(&vec![7; 20_000], 15_000), None);
    }
}
