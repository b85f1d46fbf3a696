//! How what stands still has moved in the picture, because the camera moved.

use crate::{BBox, Point};

/// A map of the picture before to the picture now: a homography, of which shifts, turns and zooms are the simple kinds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// By rows; the last element is 1.
    map: [[f64; 3]; 3],
}

impl Motion {
    /// Everything has moved by so many pixels.
    pub fn shift(dx: f32, dy: f32) -> Self {
        Self { map: [[1.0, 0.0, f64::from(dx)], [0.0, 1.0, f64::from(dy)], [0.0, 0.0, 1.0]] }
    }

    /// The map that takes the first of each pair to the second; none where three of four points lie on a line.
    pub fn through(pairs: [(Point, Point); 4]) -> Option<Self> {
        // Pixels in the thousands beside ones would cost half of the digits, so the unit is a thousand.
        let of = |p: Point| (f64::from(p.x) / 1e3, f64::from(p.y) / 1e3);
        let mut rows = [[0.0; 9]; 8];
        for (i, (from, to)) in pairs.iter().enumerate() {
            let ((x, y), (u, v)) = (of(*from), of(*to));
            rows[2 * i] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
            rows[2 * i + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
        }
        let [a, b, c, d, e, f, g, h] = solved(rows)?;
        let map = [[a, b, c * 1e3], [d, e, f * 1e3], [g / 1e3, h / 1e3, 1.0]];
        map.iter().flatten().all(|v| v.is_finite()).then_some(Self { map })
    }

    /// Where a point that stands still is now.
    pub fn point(&self, p: Point) -> Point {
        let (x, y, w) = self.raw(p);
        Point::new((x / w) as f32, (y / w) as f32)
    }

    /// Whether a point passes from before the camera to behind it, or back: beyond the picture's horizon it is drawn mirrored.
    pub fn turns_over(&self, p: Point) -> bool {
        self.raw(p).2 <= 0.0
    }

    /// How much larger what stands at a point is now, in parts of a side.
    pub fn scale_at(&self, p: Point) -> f32 {
        let m = self.steps_at(p);
        (m[0][0] * m[1][1] - m[0][1] * m[1][0]).abs().sqrt()
    }

    /// Where a step of one pixel right, and one of one down, from a point leads now: by rows, as a matrix.
    pub fn steps_at(&self, p: Point) -> [[f32; 2]; 2] {
        let ((x, y, w), m) = (self.raw(p), &self.map);
        let step = |row: usize, column: usize, at: f64| ((m[row][column] - at / w * m[2][column]) / w) as f32;
        [[step(0, 0, x), step(0, 1, x)], [step(1, 0, y), step(1, 1, y)]]
    }

    /// The box of what stands on the ground: its foot point moves with the ground, and its size with the scale there.
    pub fn bbox(&self, b: BBox) -> BBox {
        let (foot, scale) = (self.point(b.foot()), self.scale_at(b.foot()));
        let (half, height) = (b.width() * scale / 2.0, b.height() * scale);
        BBox::new(foot.x - half, foot.y - height, foot.x + half, foot.y)
    }

    /// Whether it leaves points of a picture of `size` finite and within reason: no more than ten pictures away, no more
    /// than ten times as large or small.
    pub fn is_sane(&self, size: (u32, u32)) -> bool {
        let (w, h) = (size.0 as f32, size.1 as f32);
        let corners = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]].map(Point::from);
        corners.into_iter().all(|corner| {
            let (to, scale) = (self.point(corner), self.scale_at(corner));
            to.distance(corner) <= 10.0 * w.hypot(h) && (0.1..=10.0).contains(&scale) && self.raw(corner).2 > 0.0
        })
    }

    fn raw(&self, p: Point) -> (f64, f64, f64) {
        let [x, y, w] = self.map.map(|row| row[0] * f64::from(p.x) + row[1] * f64::from(p.y) + row[2]);
        (x, y, w)
    }
}

/// The solution of eight equations, by elimination with the largest pivot.
fn solved(mut rows: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let pivot = (column..8).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        if rows[pivot][column].abs() < 1e-10 {
            return None;
        }
        rows.swap(column, pivot);
        let top = rows[column];
        for (_, values) in rows.iter_mut().enumerate().filter(|(row, _)| *row != column) {
            let factor = values[column] / top[column];
            values.iter_mut().zip(top).for_each(|(value, top)| *value -= factor * top);
        }
    }
    Some(std::array::from_fn(|i| rows[i][8] / rows[i][i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_points_make_the_map() {
        // A zoom by 2 about (100, 50), turned by a quarter.
        let turned = |p: Point| Point::new(100.0 - 2.0 * (p.y - 50.0), 50.0 + 2.0 * (p.x - 100.0));
        let pairs =
            [[0.0, 0.0], [200.0, 0.0], [200.0, 100.0], [0.0, 100.0]].map(|p| (Point::from(p), turned(p.into())));
        let motion = Motion::through(pairs).unwrap();
        let at = Point::new(130.0, 80.0);
        assert!(motion.point(at).distance(turned(at)) < 1e-3);
        assert!((motion.scale_at(at) - 2.0).abs() < 1e-4);
        let now = motion.bbox(BBox::new(120.0, 60.0, 140.0, 80.0));
        assert!((now.width() - 40.0).abs() < 1e-2 && now.foot().distance(turned(at)) < 1e-2, "{now:?}");
        assert!(motion.is_sane((200, 100)));
    }

    #[test]
    fn points_on_a_line_make_none_and_wild_maps_are_not_sane() {
        let on_a_line = [0.0, 1.0, 2.0, 3.0].map(|x| (Point::new(x, x), Point::new(x, x)));
        assert_eq!(Motion::through(on_a_line), None);
        assert!(!Motion::shift(50_000.0, 0.0).is_sane((640, 480)));
        assert!(Motion::shift(30.0, -4.0).is_sane((640, 480)));
    }
}
