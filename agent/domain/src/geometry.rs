//! Points, boxes and polygons in the picture. Pixels unless a name says `normalised`; y grows downwards.

use serde::{Deserialize, Serialize};

/// A point, as `[x, y]` in files.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 2]", into = "[f32; 2]")]
pub struct Point {
    /// Distance from the left edge.
    pub x: f32,
    /// Distance from the top edge.
    pub y: f32,
}

impl Point {
    /// A point by its coordinates.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// Euclidean distance to `other`.
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

impl From<[f32; 2]> for Point {
    fn from([x, y]: [f32; 2]) -> Self {
        Self { x, y }
    }
}

impl From<Point> for [f32; 2] {
    fn from(p: Point) -> Self {
        [p.x, p.y]
    }
}

/// An axis-aligned box by its corners, as `[x0, y0, x1, y1]` in files, in pixels of the full frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 4]", into = "[f32; 4]")]
pub struct BBox {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl From<[f32; 4]> for BBox {
    fn from([x0, y0, x1, y1]: [f32; 4]) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<BBox> for [f32; 4] {
    fn from(b: BBox) -> Self {
        [b.x0, b.y0, b.x1, b.y1]
    }
}

impl BBox {
    /// A box by its corners.
    pub const fn new(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self { x0, y0, x1, y1 }
    }

    /// Width, never negative.
    pub fn width(&self) -> f32 {
        (self.x1 - self.x0).max(0.0)
    }

    /// Height, never negative.
    pub fn height(&self) -> f32 {
        (self.y1 - self.y0).max(0.0)
    }

    /// Area in square pixels.
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// The centre.
    pub fn centre(&self) -> Point {
        Point::new((self.x0 + self.x1) * 0.5, (self.y0 + self.y1) * 0.5)
    }

    /// The foot point: the middle of the bottom edge, where a standing subject meets the ground.
    pub fn foot(&self) -> Point {
        Point::new((self.x0 + self.x1) * 0.5, self.y1)
    }

    /// Length of the diagonal.
    pub fn diagonal(&self) -> f32 {
        self.width().hypot(self.height())
    }

    /// Area shared with `other`.
    pub fn intersection(&self, other: &Self) -> f32 {
        let width = self.x1.min(other.x1) - self.x0.max(other.x0);
        let height = self.y1.min(other.y1) - self.y0.max(other.y0);
        width.max(0.0) * height.max(0.0)
    }

    /// Intersection over union, 0 to 1; 0 for empty boxes.
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.intersection(other);
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }

    /// The smallest box around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// The box with its x coordinates times `x` and its y coordinates times `y`, as in a picture of another size.
    #[must_use]
    pub fn scaled(&self, x: f32, y: f32) -> Self {
        Self::new(self.x0 * x, self.y0 * y, self.x1 * x, self.y1 * y)
    }

    /// The part inside a picture of `width` by `height` pixels.
    #[must_use]
    pub fn clamped(&self, width: u32, height: u32) -> Self {
        let (w, h) = (width as f32, height as f32);
        Self {
            x0: self.x0.clamp(0.0, w),
            y0: self.y0.clamp(0.0, h),
            x1: self.x1.clamp(0.0, w),
            y1: self.y1.clamp(0.0, h),
        }
    }

    /// Whether all four coordinates are finite and the box is not inside out.
    pub fn is_valid(&self) -> bool {
        [self.x0, self.y0, self.x1, self.y1].iter().all(|v| v.is_finite()) && self.x1 >= self.x0 && self.y1 >= self.y0
    }
}

/// A simple polygon without holes; the last point joins the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Polygon {
    /// Corners in order, either way round.
    pub points: Vec<Point>,
}

impl Polygon {
    /// A polygon by its corners.
    pub fn new(points: Vec<Point>) -> Self {
        Self { points }
    }

    /// Whether `p` lies inside, by the even-odd rule.
    pub fn contains(&self, p: Point) -> bool {
        self.edges().fold(false, |inside, (a, b)| {
            let crosses = (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x;
            inside != crosses
        })
    }

    /// Area in square units, by the shoelace formula.
    pub fn area(&self) -> f32 {
        (self.edges().map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f32>() * 0.5).abs()
    }

    /// The edges in order, the closing one last.
    pub fn edges(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        let next = self.points.iter().cycle().skip(1);
        self.points.iter().copied().zip(next.copied())
    }

    /// The part of `bbox`'s area that lies inside, 0 to 1 (Sutherland–Hodgman: the polygon clipped by the box).
    pub fn overlap(&self, bbox: &BBox) -> f32 {
        if bbox.area() <= 0.0 {
            return 0.0;
        }
        let mut part = self.points.clone();
        part = clip(&part, |p| p.x - bbox.x0);
        part = clip(&part, |p| bbox.x1 - p.x);
        part = clip(&part, |p| p.y - bbox.y0);
        part = clip(&part, |p| bbox.y1 - p.y);
        (Self::new(part).area() / bbox.area()).clamp(0.0, 1.0)
    }

    /// The polygon with x and y multiplied, as from normalised to pixel coordinates.
    #[must_use]
    pub fn scaled(&self, x: f32, y: f32) -> Self {
        Self::new(self.points.iter().map(|p| Point::new(p.x * x, p.y * y)).collect())
    }
}

/// Keeps the part of a polygon where `depth` is not negative.
fn clip(points: &[Point], depth: impl Fn(Point) -> f32) -> Vec<Point> {
    let mut kept = Vec::with_capacity(points.len() + 1);
    for (i, &b) in points.iter().enumerate() {
        let a = points[(i + points.len() - 1) % points.len()];
        let (da, db) = (depth(a), depth(b));
        if (da < 0.0) != (db < 0.0) {
            let t = da / (da - db);
            kept.push(Point::new(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t));
        }
        if db >= 0.0 {
            kept.push(b);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn square(side: f32) -> Polygon {
        Polygon::new([[0., 0.], [side, 0.], [side, side], [0., side]].map(Point::from).to_vec())
    }

    #[test]
    fn overlap_is_the_part_inside() {
        assert_eq!(square(10.).overlap(&BBox::new(5., 0., 15., 10.)), 0.5);
        assert_eq!(square(10.).overlap(&BBox::new(2., 2., 4., 4.)), 1.0);
        assert_eq!(square(10.).overlap(&BBox::new(20., 20., 30., 30.)), 0.0);
    }

    #[test]
    fn concave_polygons_contain_what_they_hold() {
        let u = Polygon::new(
            [[0., 0.], [2., 0.], [2., 8.], [8., 8.], [8., 0.], [10., 0.], [10., 10.], [0., 10.]]
                .map(Point::from)
                .to_vec(),
        );
        assert!(u.contains(Point::new(1., 5.)));
        assert!(!u.contains(Point::new(5., 5.)));
        assert!(u.contains(Point::new(5., 9.)));
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_bounded(a in prop::array::uniform4(-50f32..50.), b in prop::array::uniform4(-50f32..50.)) {
            let (a, b) = (BBox::from(a), BBox::from(b));
            prop_assert_eq!(a.iou(&b), b.iou(&a));
            prop_assert!((0.0..=1.0).contains(&a.iou(&b)));
        }
    }
}
