//! From the picture to the ground: how many square metres a zone covers.
//!
//! Four points of the picture, whose places on the ground form a rectangle of known size (a parking bay, a pitch, paving
//! stones counted off), give the homography between the two planes. It keeps straight lines straight, so the corners of
//! an area are enough to know its size. Source: Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989),
//! section 2.2.3, for the map of the unit square onto a quadrilateral.

use forewarn_domain::{Point, Polygon};

/// A map from the picture to the ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// The homography from the picture to metres, by rows.
    map: [[f64; 3]; 3],
    /// The sign of its denominator on this side of the horizon.
    side: f64,
}

impl Ground {
    /// The map by which `corners`, in order around, lie on the corners of a rectangle of `size_m` metres (along the first
    /// edge, along the second). None if the corners are not those of a convex quadrilateral or the size is not positive.
    pub fn new(corners: [Point; 4], size_m: (f64, f64)) -> Option<Self> {
        let p = corners.map(|p| (f64::from(p.x), f64::from(p.y)));
        let turn = |i: usize| {
            let ((ax, ay), (bx, by), (cx, cy)) = (p[i], p[(i + 1) % 4], p[(i + 2) % 4]);
            (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        };
        let is_convex = (0..4).all(|i| turn(i) > 1e-9) || (0..4).all(|i| turn(i) < -1e-9);
        let is_size = |m: f64| m.is_finite() && m > 0.0;
        if !is_convex || !is_size(size_m.0) || !is_size(size_m.1) {
            return None;
        }
        let (sx, sy) = (p[0].0 - p[1].0 + p[2].0 - p[3].0, p[0].1 - p[1].1 + p[2].1 - p[3].1);
        let (dx1, dy1) = (p[1].0 - p[2].0, p[1].1 - p[2].1);
        let (dx2, dy2) = (p[3].0 - p[2].0, p[3].1 - p[2].1);
        let determinant = dx1 * dy2 - dx2 * dy1;
        let (g, h) = ((sx * dy2 - sy * dx2) / determinant, (dx1 * sy - dy1 * sx) / determinant);
        let to_picture = [
            [p[1].0 - p[0].0 + g * p[1].0, p[3].0 - p[0].0 + h * p[3].0, p[0].0],
            [p[1].1 - p[0].1 + g * p[1].1, p[3].1 - p[0].1 + h * p[3].1, p[0].1],
            [g, h, 1.0],
        ];
        let mut map = adjugate(&to_picture);
        map[0] = map[0].map(|v| v * size_m.0);
        map[1] = map[1].map(|v| v * size_m.1);
        let side = map[2][0] * p[0].0 + map[2][1] * p[0].1 + map[2][2];
        (side != 0.0).then_some(Self { map, side: side.signum() })
    }

    /// Where a point of the picture lies on the ground, in metres; none on the horizon and above it.
    pub fn metres(&self, p: Point) -> Option<(f64, f64)> {
        let [x, y, w] = self.map.map(|row| row[0] * f64::from(p.x) + row[1] * f64::from(p.y) + row[2]);
        (w * self.side > 1e-12).then(|| (x / w, y / w))
    }

    /// The area of a polygon of the picture on the ground, in square metres; none if it reaches the horizon.
    pub fn area_m2(&self, polygon: &Polygon) -> Option<f64> {
        let corners: Vec<(f64, f64)> = polygon.points.iter().map(|p| self.metres(*p)).collect::<Option<_>>()?;
        let next = corners.iter().cycle().skip(1);
        let twice: f64 = corners.iter().zip(next).map(|((ax, ay), (bx, by))| ax * by - bx * ay).sum();
        Some((twice * 0.5).abs())
    }
}

/// The inverse up to a factor.
fn adjugate(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |r0: usize, r1: usize, c0: usize, c1: usize| m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0];
    [
        [minor(1, 2, 1, 2), -minor(0, 2, 1, 2), minor(0, 1, 1, 2)],
        [-minor(1, 2, 0, 2), minor(0, 2, 0, 2), -minor(0, 1, 0, 2)],
        [minor(1, 2, 0, 1), -minor(0, 2, 0, 1), minor(0, 1, 0, 1)],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(corners: &[[f32; 2]]) -> Vec<Point> {
        corners.iter().copied().map(Point::from).collect()
    }

    /// A camera 5 m above the ground that looks level: a point `x` to the right and `z` ahead.
    fn picture(x: f64, z: f64) -> Point {
        Point::new((320.0 + 500.0 * x / z) as f32, (240.0 + 500.0 * 5.0 / z) as f32)
    }

    #[test]
    fn an_area_in_perspective_has_its_size() {
        let rectangle = [picture(-2.0, 8.0), picture(2.0, 8.0), picture(2.0, 14.0), picture(-2.0, 14.0)];
        let ground = Ground::new(rectangle, (4.0, 6.0)).unwrap();
        let zone = Polygon::new(vec![picture(-5.0, 10.0), picture(7.0, 10.0), picture(7.0, 40.0), picture(-5.0, 30.0)]);
        // The trapezium of 12 m by 20 m and 30 m.
        let area = ground.area_m2(&zone).unwrap();
        assert!((area - 300.0).abs() < 1.0, "{area}");
        let sky = Polygon::new(points(&[[0., 400.], [600., 400.], [300., 200.]]));
        assert_eq!(ground.area_m2(&sky), None);
    }

    #[test]
    fn what_is_no_rectangle_on_the_ground_is_refused() {
        let bow = points(&[[0., 0.], [10., 10.], [10., 0.], [0., 10.]]);
        let flat = points(&[[0., 0.], [5., 0.], [10., 0.], [0., 10.]]);
        let square = points(&[[0., 0.], [10., 0.], [10., 10.], [0., 10.]]);
        let four = |points: Vec<Point>| <[Point; 4]>::try_from(points).unwrap();
        assert_eq!(Ground::new(four(bow), (1.0, 1.0)), None);
        assert_eq!(Ground::new(four(flat), (1.0, 1.0)), None);
        assert_eq!(Ground::new(four(square.clone()), (0.0, 1.0)), None);
        let area = Ground::new(four(square.clone()), (2.0, 3.0)).and_then(|g| g.area_m2(&Polygon::new(square)));
        assert!((area.unwrap() - 6.0).abs() < 1e-6);
    }
}
