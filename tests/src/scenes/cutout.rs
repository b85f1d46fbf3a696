//! Things and people cut out of photographs.

use image::RgbaImage;
use image::imageops::{self, FilterType};

/// A thing that stands on its lower edge: one picture, or the pictures of a walk.
#[derive(Debug, Clone)]
pub struct Cutout {
    /// One picture, or one for each tenth of a second of a walk.
    pub pictures: Vec<Picture>,
    /// Height in pixels of the thing in its pictures.
    pub height: f32,
}

/// One picture of a thing.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its pixels; what is not the thing is transparent.
    pub image: RgbaImage,
    /// Column of the point on which the thing stands.
    pub foot_x: f32,
    /// Row just below the thing.
    pub foot_y: f32,
}

impl Cutout {
    /// A photograph that is transparent around the thing.
    pub fn of_photo(image: &RgbaImage) -> Self {
        let image = trimmed(image);
        let (width, height) = (image.width() as f32, image.height() as f32);
        Self { pictures: vec![Picture { image, foot_x: width / 2.0, foot_y: height }], height }
    }

    /// The same thing, `height` pixels high, looking the other way if `is_flipped`.
    #[must_use]
    pub fn sized(&self, height: f32, is_flipped: bool) -> Self {
        let scale = height / self.height;
        let sized = |picture: &Picture| {
            let size = |length: u32| ((length as f32 * scale).round() as u32).max(1);
            let (width, rows) = (size(picture.image.width()), size(picture.image.height()));
            // Pixels that are not the thing must not shine through at its edge, so colours are weighted by opacity.
            let mut image = imageops::resize(&premultiplied(&picture.image), width, rows, FilterType::Triangle);
            let mut foot_x = picture.foot_x * scale;
            if is_flipped {
                imageops::flip_horizontal_in_place(&mut image);
                foot_x = width as f32 - foot_x;
            }
            Picture { image, foot_x, foot_y: picture.foot_y * scale }
        };
        Self { pictures: self.pictures.iter().map(sized).collect(), height }
    }

    /// Width of the first picture in pixels.
    pub fn width(&self) -> f32 {
        self.pictures.first().map_or(0.0, |picture| picture.image.width() as f32)
    }
}

/// The part of a picture that is not transparent.
fn trimmed(image: &RgbaImage) -> RgbaImage {
    let opaque = || image.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[3] > 40);
    let (x0, x1) = (opaque().map(|p| p.0).min(), opaque().map(|p| p.0).max());
    let (y0, y1) = (opaque().map(|p| p.1).min(), opaque().map(|p| p.1).max());
    match (x0, x1, y0, y1) {
        (Some(x0), Some(x1), Some(y0), Some(y1)) => {
            imageops::crop_imm(image, x0, y0, x1 - x0 + 1, y1 - y0 + 1).to_image()
        }
        _ => image.clone(),
    }
}

fn premultiplied(image: &RgbaImage) -> RgbaImage {
    let mut image = image.clone();
    for pixel in image.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let weigh = |v: u8| (u16::from(v) * u16::from(alpha) / 255) as u8;
        pixel.0 = [weigh(red), weigh(green), weigh(blue), alpha];
    }
    image
}
