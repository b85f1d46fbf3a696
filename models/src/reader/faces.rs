//! Faces made unrecognisable in pictures that leave the site.

use forewarn_domain::{BBox, DetectorError, Frame};
use image::RgbImage;

use crate::card::{Card, CardError};
use crate::detector::OnnxDetector;
use crate::open_error::OpenError;
use crate::runtime::Runtime;
use crate::store::{Store, StoreError};

/// The card of the detector that is used.
pub const FACE_CARD: &str = "centerface";

/// Least score of a face that is covered: what may be a face is covered, what is none loses nothing of worth.
const MIN_SCORE: f32 = 0.2;

/// The longer side to which a picture is scaled for the search, in pixels.
const SEARCH_SIDE_PX: u32 = 512;

/// What is covered beyond a face's box on each side, as a part of its sides.
const MARGIN: f32 = 0.2;

/// Blocks across a covered face; a face of so few pixels is not recognised by people or by machines.
const BLOCKS: u32 = 6;

/// A detector of faces cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum FacesError {
    /// The card is unknown.
    #[error("failed to prepare covering faces: {0}")]
    Card(#[from] CardError),
    /// The weights are missing.
    #[error("failed to prepare covering faces: {0}")]
    Weights(#[from] StoreError),
    /// The model does not open.
    #[error("failed to prepare covering faces: {0}")]
    Open(#[from] OpenError),
}

/// Finds faces and covers them.
#[derive(Debug)]
pub struct Faces {
    detector: OnnxDetector,
}

impl Faces {
    /// Opens the detector; its card comes from `card_of`, its weights from the store.
    pub fn open(
        card_of: &dyn Fn(&str) -> Result<Card, CardError>,
        store: &Store,
        (runtime, threads): (&Runtime, usize),
    ) -> Result<Self, FacesError> {
        let mut card = card_of(FACE_CARD)?;
        card.thresholds.score = MIN_SCORE;
        card.thresholds.classes.clear();
        super::scale::search_at(&mut card, super::scale::Scale::To(Some(SEARCH_SIDE_PX)));
        let detector = OnnxDetector::open(&card, &store.weights(&card)?, runtime, threads)?;
        Ok(Self { detector })
    }

    /// The faces of a picture, in its pixels.
    pub fn find(&mut self, picture: &Frame) -> Result<Vec<BBox>, DetectorError> {
        let found = self.detector.find(&[picture]).map_err(|error| DetectorError { message: error.to_string() })?;
        Ok(found.into_iter().flatten().map(|face| face.bbox).collect())
    }
}

/// Covers a box of a picture, and a margin around it, with blocks of its mean colours.
pub fn cover(picture: &mut RgbImage, face: &BBox) {
    let (width, height) = (face.width() * MARGIN, face.height() * MARGIN);
    let grown = BBox::new(face.x0 - width, face.y0 - height, face.x1 + width, face.y1 + height);
    if !grown.is_valid() {
        return;
    }
    let inside = grown.clamped(picture.width(), picture.height());
    let [x0, y0] = [inside.x0.floor() as u32, inside.y0.floor() as u32];
    let [x1, y1] = [inside.x1.ceil() as u32, inside.y1.ceil() as u32];
    let side = ((x1 - x0).max(y1 - y0)).div_ceil(BLOCKS).max(1);
    for top in (y0..y1).step_by(side as usize) {
        for left in (x0..x1).step_by(side as usize) {
            average(picture, (left, (left + side).min(x1)), (top, (top + side).min(y1)));
        }
    }
}

/// Gives all pixels of a rectangle their mean colour.
fn average(picture: &mut RgbImage, (left, right): (u32, u32), (top, bottom): (u32, u32)) {
    let places = || (top..bottom).flat_map(move |y| (left..right).map(move |x| (x, y)));
    let mut sums = [0_u32; 3];
    let mut count = 0;
    for (x, y) in places() {
        let pixel = picture.get_pixel(x, y).0;
        (0..3).for_each(|c| sums[c] += u32::from(pixel[c]));
        count += 1;
    }
    let mean = image::Rgb(sums.map(|sum| (sum / count.max(1)) as u8));
    for (x, y) in places() {
        picture.put_pixel(x, y, mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covered_face_has_few_colours_and_the_rest_stays() {
        let original = RgbImage::from_fn(100, 80, |x, y| image::Rgb([x as u8 * 2, y as u8 * 3, (x * y) as u8]));
        let mut covered = original.clone();
        cover(&mut covered, &BBox::new(40.0, 20.0, 70.0, 60.0));
        // The box with its margin: x 34 to 76, y 12 to 68.
        let mut colours: Vec<[u8; 3]> =
            (34..76).flat_map(|x| (12..68).map(move |y| (x, y))).map(|(x, y)| covered.get_pixel(x, y).0).collect();
        colours.sort_unstable();
        colours.dedup();
        assert!(colours.len() <= 36, "{}", colours.len());
        for (x, y) in [(33, 40), (76, 40), (50, 11), (50, 68)] {
            assert_eq!(covered.get_pixel(x, y), original.get_pixel(x, y), "{x} {y}");
        }
        for face in [[-50.0, -50.0, 500.0, 500.0], [90.0, 70.0, 140.0, 120.0], [200.0, 5.0, 220.0, 25.0], [f32::NAN; 4]]
        {
            cover(&mut covered, &face.into());
        }
    }
}
