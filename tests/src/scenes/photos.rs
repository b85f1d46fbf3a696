//! Places and things out of the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use forewarn_models::{Fetcher, Progress, Store};
use image::imageops::{self, FilterType};
use image::{RgbImage, Rgba, RgbaImage};

use super::cutout::Cutout;
use super::walkers;

/// Where a scene plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A paved village street with houses, seen from a man's height.
    Street,
    /// A road between lawns, seen from a mast: the demo clip without its people.
    Campus,
    /// The front of a house of six floors.
    Facade,
}

/// Everything of which scenes are made.
#[derive(Debug)]
pub struct Photos {
    places: BTreeMap<Place, RgbImage>,
    things: BTreeMap<String, Cutout>,
}

impl Photos {
    /// Fetches what is not in the store yet, and loads it.
    pub fn load(progress: Progress) -> anyhow::Result<Self> {
        let store = Store::locate();
        let clip = store.path("vtest-h264.mp4");
        anyhow::ensure!(
            clip.is_file(),
            "{} is missing, out of which people are cut: run `forewarn demo --fetch-only`",
            clip.display()
        );
        let dir = Fetcher::new(store, progress).fetch_photos().context("failed to fetch photographs")?;
        let mut things = BTreeMap::new();
        for path in sorted_files(&dir)? {
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.extension().is_some_and(|ending| ending == "png") {
                things.insert(name, Cutout::of_photo(&open(&path)?));
            }
        }
        let (campus, people) = walkers::cut_out(&clip)?;
        things.extend(people);
        let street = image::DynamicImage::ImageRgba8(open(&dir.join("leuvenA.jpg"))?).to_rgb8();
        let facade = image::DynamicImage::ImageRgba8(open(&dir.join("building.jpg"))?).to_rgb8();
        let places = BTreeMap::from([
            (Place::Street, imageops::crop_imm(&street, 0, 0, 744, 560).to_image()),
            (Place::Campus, campus),
            (Place::Facade, imageops::resize(&facade, 640, 440, FilterType::Triangle)),
        ]);
        Ok(Self { places, things })
    }

    /// Made of pictures that are there already.
    #[cfg(test)]
    pub(super) fn of(place: Place, picture: RgbImage, things: BTreeMap<String, Cutout>) -> Self {
        Self { places: BTreeMap::from([(place, picture)]), things }
    }

    /// The picture of a place.
    pub fn place(&self, place: Place) -> anyhow::Result<&RgbImage> {
        self.places.get(&place).with_context(|| format!("there is no picture of {place:?}"))
    }

    /// A thing by the name of its photograph.
    pub fn thing(&self, name: &str) -> anyhow::Result<&Cutout> {
        let known = || self.things.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.things.get(name).with_context(|| format!("there is no photograph `{name}`; there are: {}", known()))
    }
}

fn open(path: &Path) -> anyhow::Result<RgbaImage> {
    let photo = image::open(path).with_context(|| format!("failed to open the photograph {}", path.display()))?;
    let has_alpha = photo.color().has_alpha();
    let mut photo = photo.to_rgba8();
    // A few cut-outs are on white instead of on nothing.
    if !has_alpha && path.extension().is_some_and(|ending| ending == "png") {
        for pixel in photo.pixels_mut().filter(|pixel| pixel.0[..3].iter().all(|&v| v > 250)) {
            *pixel = Rgba([255, 255, 255, 0]);
        }
    }
    Ok(photo)
}

fn sorted_files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("failed to list {}", dir.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
