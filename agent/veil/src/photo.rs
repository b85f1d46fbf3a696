//! One picture: what is in it, and its covered copy as JPEG.

use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_domain::{BBox, DetectorError, Frame};
use forewarn_models::image_frame;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use crate::blocks::cover_rgb;
use crate::cover::Area;
use crate::eyes::{Care, Sight, What, part};

/// Quality of the JPEG, 1 to 100, as that of the originals.
const JPEG_QUALITY: u8 = 88;
/// What is covered beyond a box on each side, as a part of its sides: a picture has no neighbours that would fill a miss.
const MARGIN: f32 = 0.25;
/// Least overlap of somebody with the box of the subject.
const SAME_SUBJECT: f32 = 0.45;

/// A picture could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] forewarn_models::PhotoError),
    /// A model failed.
    #[error(transparent)]
    Look(#[from] DetectorError),
    /// The copy cannot be made.
    #[error("failed to write {}: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: image::ImageError,
    },
    /// The copy cannot be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What is covered in a picture. Somebody who stands in the `subject` box is the subject of the incident.
pub(crate) fn areas(picture: &Frame, eyes: &mut dyn Sight, subject: Option<&BBox>) -> Result<Vec<Area>, PhotoError> {
    let what = eyes.what();
    let seen = eyes.lookers().first_mut().map(|one| one.look(picture, Care::Alone)).transpose()?.unwrap_or_default();
    let is_subject = |bbox: &&BBox| subject.is_some_and(|subject| subject.iou(bbox) >= SAME_SUBJECT);
    // Only the one that fits best can be the subject.
    let best = seen.large.iter().filter(is_subject).max_by(|a, b| overlap(a, subject).total_cmp(&overlap(b, subject)));
    let hidden = seen.large.iter().filter(|bbox| what != What::PersonsButSubject || Some(*bbox) != best);
    let boxes: Vec<BBox> = hidden.map(|bbox| part(what, bbox)).chain(seen.small).chain(seen.heads).collect();
    let size = (picture.width, picture.height);
    Ok(boxes.iter().filter_map(|bbox| Area::around(bbox, MARGIN, size)).collect())
}

fn overlap(bbox: &BBox, subject: Option<&BBox>) -> f32 {
    subject.map_or(0.0, |subject| subject.iou(bbox))
}

/// All of a picture.
pub(crate) fn whole(picture: &Frame) -> Vec<Area> {
    vec![Area { x0: 0, y0: 0, x1: picture.width, y1: picture.height }]
}

/// Reads a picture.
pub(crate) fn read(path: &Path) -> Result<Frame, PhotoError> {
    Ok(image_frame(path)?)
}

/// Writes a picture with areas of it covered. What the file said beside its pixels is left out.
pub(crate) fn write(picture: &Frame, areas: &[Area], to: &Path) -> Result<(), PhotoError> {
    let mut pixels = picture.to_rgb8();
    cover_rgb(&mut pixels, picture.width, areas);
    write_rgb((&pixels, picture.width, picture.height), to)
}

/// Writes pixels of packed R, G and B bytes, with their width and height.
pub(crate) fn write_rgb((pixels, width, height): (&[u8], u32, u32), to: &Path) -> Result<(), PhotoError> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .write_image(pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|source| PhotoError::Encode { path: to.to_owned(), source })?;
    durable::replace(to, &jpeg).map_err(|source| PhotoError::Write { path: to.to_owned(), source })
}
