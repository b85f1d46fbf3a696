//! Zones and lines of a camera's picture, resolved to pixels when the picture's size is known.

use serde::{Deserialize, Serialize};

use crate::{BBox, Point, Polygon, ZoneId};

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

impl ZoneShape {
    /// The corners of the area, or the points of the line, in order.
    pub fn points(&self) -> &[Point] {
        match self {
            Self::Polygon(polygon) => &polygon.points,
            Self::Line(points) => points,
        }
    }

    /// The smallest box around it; none without a point.
    pub fn bounds(&self) -> Option<BBox> {
        let points = self.points().iter();
        points.map(|p| BBox::new(p.x, p.y, p.x, p.y)).reduce(|a, b| a.union(&b))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_smallest_box_around_areas_and_lines() {
        let points = vec![Point::new(3.0, 1.0), Point::new(7.0, 2.0), Point::new(4.0, 9.0)];
        let around = Some(BBox::new(3.0, 1.0, 7.0, 9.0));
        let shapes = [ZoneShape::Polygon(Polygon::new(points.clone())), ZoneShape::Line(points.clone())];
        for shape in shapes {
            assert_eq!((shape.points(), shape.bounds()), (&points[..], around));
        }
        assert_eq!(ZoneShape::Line(Vec::new()).bounds(), None);
    }
}
