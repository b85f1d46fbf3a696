//! Sides of a line, ways across it, distances from it.

use forewarn_domain::Point;

/// Twice the signed area of a, b, c; y grows downwards, so that it is negative when c lies to the left of a → b.
fn turn(a: Point, b: Point, c: Point) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// 1 if the way from `from` to `to` crosses a → b to its left side, -1 to its right, 0 if not at all.
pub(super) fn crossing(from: Point, to: Point, a: Point, b: Point) -> i32 {
    let (was_left, is_left) = (turn(a, b, from) < 0.0, turn(a, b, to) < 0.0);
    let splits = (turn(from, to, a) < 0.0) != (turn(from, to, b) < 0.0);
    if was_left == is_left || !splits {
        return 0;
    }
    if is_left { 1 } else { -1 }
}

/// How far `p` is from the piece a → b.
pub(super) fn distance_to(p: Point, a: Point, b: Point) -> f32 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { (((p.x - a.x) * dx + (p.y - a.y) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    p.distance(Point::new(a.x + t * dx, a.y + t * dy))
}
