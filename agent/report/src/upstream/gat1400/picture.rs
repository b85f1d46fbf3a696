//! The pictures of an incident: the whole, and the subject cut out of it.

use std::fs;
use std::io::Cursor;

use forewarn_domain::{BBox, Report};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat};
use serde::Deserialize;

use crate::upstream::people::People;
use crate::upstream::small::small;

/// The largest whole picture; a larger one is made smaller.
const MOST_BYTES: usize = 1 << 20;
/// The part of the subject's size that is shown around it.
const AROUND: f32 = 0.1;
const QUALITY: u8 = 85;

/// A picture, as JPEG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shot {
    /// Whether it shows the subject alone.
    pub(super) is_close: bool,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) jpeg: Vec<u8>,
}

/// What a bundle says of its pictures.
#[derive(Deserialize)]
struct Record {
    snapshots: Vec<Snapshot>,
}

#[derive(Deserialize)]
struct Snapshot {
    file: String,
    width: u32,
    height: u32,
    /// The size of the picture in which boxes are, where this one is larger.
    #[serde(default)]
    boxes_of: Option<(u32, u32)>,
    #[serde(default)]
    subject_box: Option<BBox>,
}

/// The latest picture of an incident as JPEG, and what is said of it.
fn latest(people: &People, report: &Report) -> Option<(Snapshot, Vec<u8>)> {
    let folder = people.evidence.join(report.incident.bundle());
    let record = fs::read(folder.join("incident.json")).ok()?;
    let latest = serde_json::from_slice::<Record>(&record).ok()?.snapshots.into_iter().next_back()?;
    let jpeg = fs::read(folder.join(&latest.file)).ok()?;
    Some((latest, jpeg))
}

/// The latest picture of an incident, of at most so many bytes; none where there is none that can be read by now.
pub(super) fn small_shot(people: &People, report: &Report, most: usize) -> Option<Shot> {
    let (_, jpeg) = latest(people, report)?;
    let picture = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).ok()?;
    small(&jpeg, most).map(|jpeg| whole(&picture, jpeg))
}

/// The latest picture of an incident, and its subject cut out; none where there is none that can be read by now.
pub(super) fn shots(people: &People, report: &Report) -> Vec<Shot> {
    let Some((latest, jpeg)) = latest(people, report) else { return Vec::new() };
    let Ok(picture) = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg) else { return Vec::new() };
    let bbox = latest.subject_box.unwrap_or(report.incident.subject.bbox);
    let boxes_of = latest.boxes_of.unwrap_or((latest.width, latest.height));
    let mut shots: Vec<Shot> = close(&picture, bbox, boxes_of).into_iter().collect();
    shots.extend(small(&jpeg, MOST_BYTES).map(|jpeg| whole(&picture, jpeg)));
    shots.reverse();
    shots
}

fn whole(picture: &DynamicImage, jpeg: Vec<u8>) -> Shot {
    let (width, height) = image::ImageReader::with_format(Cursor::new(&jpeg), ImageFormat::Jpeg)
        .into_dimensions()
        .unwrap_or((picture.width(), picture.height()));
    Shot { is_close: false, width, height, jpeg }
}

/// The subject with a little around it.
fn close(picture: &DynamicImage, bbox: BBox, boxes_of: (u32, u32)) -> Option<Shot> {
    let (sx, sy) =
        (picture.width() as f32 / boxes_of.0.max(1) as f32, picture.height() as f32 / boxes_of.1.max(1) as f32);
    let [left, top, right, bottom] = <[f32; 4]>::from(bbox);
    let (dx, dy) = ((right - left) * AROUND, (bottom - top) * AROUND);
    let x = |px: f32| (px * sx).clamp(0.0, picture.width() as f32) as u32;
    let y = |px: f32| (px * sy).clamp(0.0, picture.height() as f32) as u32;
    let (from, to) = ((x(left - dx), y(top - dy)), (x(right + dx), y(bottom + dy)));
    let (width, height) = (to.0.saturating_sub(from.0), to.1.saturating_sub(from.1));
    if width == 0 || height == 0 {
        return None;
    }
    let mut jpeg = Vec::new();
    let cut = picture.crop_imm(from.0, from.1, width, height);
    cut.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, QUALITY)).ok()?;
    Some(Shot { is_close: true, width, height, jpeg })
}
