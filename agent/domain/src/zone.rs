//! Zones and lines of a camera's picture, resolved to pixels when the picture's size is known.

use serde::{Deserialize, Serialize};

use crate::{Point, Polygon, ZoneId};

/// A named area of one camera's picture, or a line across it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name, unique for the camera.
    pub id: ZoneId,
    /// Area or line.
    pub shape: ZoneShape,
    /// Unit of the coordinates.
    pub unit: ZoneUnit,
}

/// What a zone is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneShape {
    /// An area of three or more corners.
    Polygon(Polygon),
    /// A line from the first point to the last; its left and right side are as seen when walking along it.
    Line(Vec<Point>),
}

/// Unit of a zone's coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneUnit {
    /// 0 to 1 over the picture's width and height.
    Normalised,
    /// Pixels of the full frame.
    Pixel,
}

impl Zone {
    /// The shape in pixels of a picture of `width` by `height`.
    pub fn shape_px(&self, width: u32, height: u32) -> ZoneShape {
        if self.unit == ZoneUnit::Pixel {
            return self.shape.clone();
        }
        let (x, y) = (width as f32, height as f32);
        match &self.shape {
            ZoneShape::Polygon(polygon) => ZoneShape::Polygon(polygon.scaled(x, y)),
            ZoneShape::Line(points) => ZoneShape::Line(points.iter().map(|p| Point::new(p.x * x, p.y * y)).collect()),
        }
    }
}
