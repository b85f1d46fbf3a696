//! Exclusions: parts of a camera's picture that stay visible and recorded, and in which nothing is detected.

use std::sync::Arc;

use crate::zone::ZoneUnit;
use crate::{Class, Polygon, ZoneId};

/// A part of the picture in which nothing is detected: a poster with faces, a screen, a swaying tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Exclusion {
    /// Its name, unique among those of the camera.
    pub id: ZoneId,
    /// The part, in the picture as it is shown.
    pub polygon: Polygon,
    /// Unit of its corners.
    pub unit: ZoneUnit,
    /// What is not detected there; nothing is if empty.
    pub classes: Arc<[Class]>,
}

impl Exclusion {
    /// The part in pixels of a picture of `width` by `height`.
    pub fn polygon_px(&self, (width, height): (u32, u32)) -> Polygon {
        match self.unit {
            ZoneUnit::Normalised => self.polygon.scaled(width as f32, height as f32),
            ZoneUnit::Pixel => self.polygon.clone(),
        }
    }

    /// Whether nothing at all is detected there, nor any movement seen.
    pub fn is_of_everything(&self) -> bool {
        self.classes.is_empty()
    }

    /// Whether things of a class are not detected there.
    pub fn is_of(&self, class: &Class) -> bool {
        self.is_of_everything() || self.classes.contains(class)
    }
}
