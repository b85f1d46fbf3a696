//! Quadrilaterals straightened to rectangles, such as plates that are seen from the side.

use forewarn_domain::{BBox, Frame, Point};

use super::{Window, cut, packed_rgb};

/// Longest side of a straightened picture in pixels.
const MAX_SIDE_PX: f32 = 1024.0;

/// A quadrilateral as an upright RGB picture, by the projective map that takes its corners to the picture's.
///
/// `corners` are top left, top right, bottom right and bottom left as the text on it reads, in pixels of the frame,
/// where the centre of the first pixel is at 0.5. The picture is as wide and as high as the longer of two opposite
/// sides; `margin` is what it shows beyond the corners on each side, as a part of its height. Samples are bilinear and
/// the frame's edge is repeated. `None` if the corners are not convex, have no area or lie outside of the frame.
///
/// Source: Hartley and Zisserman, Multiple View Geometry, 2nd edition, section 4.1: the map of four points.
pub fn rectify(frame: &Frame, corners: [Point; 4], margin: f32) -> Option<Frame> {
    let (width, height) = sides(corners);
    let margin_px = height * margin.clamp(0.0, 1.0);
    let size = [width, height].map(|side| (side + 2.0 * margin_px).round());
    if !size.iter().all(|side| (1.0..=MAX_SIDE_PX).contains(side)) {
        return None;
    }
    let (x, y) = (margin_px / width, margin_px / height);
    let [columns, rows] = size.map(|side| side as u32);
    sampled(frame, corners, [-x, -y, size[0] / width - x, size[1] / height - y], (columns, rows))
}

/// A part of a quadrilateral as an upright RGB picture of `columns` by `rows` pixels, whatever its own proportions are.
///
/// `part` is left, top, right and bottom in parts of the straightened quadrilateral: `[0, 0, 1, 1]` is all of it, and
/// what lies beyond is shown, too. Otherwise as [`rectify`].
pub fn rectify_part(frame: &Frame, corners: [Point; 4], part: [f32; 4], (columns, rows): (u32, u32)) -> Option<Frame> {
    let is_fit = |side: u32| (1..=MAX_SIDE_PX as u32).contains(&side);
    (is_fit(columns) && is_fit(rows)).then(|| sampled(frame, corners, part, (columns, rows)))?
}

/// Width and height of a quadrilateral: the longer of two opposite sides.
pub fn sides([tl, tr, br, bl]: [Point; 4]) -> (f32, f32) {
    (tl.distance(tr).max(bl.distance(br)), tl.distance(bl).max(tr.distance(br)))
}

fn sampled(
    frame: &Frame,
    corners: [Point; 4],
    [left, top, right, bottom]: [f32; 4],
    (columns, rows): (u32, u32),
) -> Option<Frame> {
    if corners.iter().any(|c| !c.x.is_finite() || !c.y.is_finite()) || !is_convex(corners) {
        return None;
    }
    let map = Projective::of_unit_square(corners)?;
    let shown = [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(u, v)| map.apply(u, v));
    let edges = |pick: fn(&Point) -> f32| {
        let values = shown.map(|c| pick(&c));
        (values.iter().copied().fold(f32::MAX, f32::min), values.iter().copied().fold(f32::MIN, f32::max))
    };
    let ((x0, x1), (y0, y1)) = (edges(|c| c.x), edges(|c| c.y));
    // The neighbours of samples at the rim are needed, too.
    let window = Window::around(&BBox::new(x0 - 2.0, y0 - 2.0, x1 + 2.0, y1 + 2.0), 0.0, false)?;
    let source = cut(frame, window)?;
    // A window that was averaged down has fewer pixels.
    let scale = [source.width as f32 / window.width as f32, source.height as f32 / window.height as f32];
    let mut rgb = Vec::with_capacity(columns as usize * rows as usize * 3);
    for row in 0..rows {
        let v = top + (bottom - top) * (row as f32 + 0.5) / rows as f32;
        for column in 0..columns {
            let u = left + (right - left) * (column as f32 + 0.5) / columns as f32;
            let at = map.apply(u, v);
            let x = (at.x - window.left as f32) * scale[0] - 0.5;
            let y = (at.y - window.top as f32) * scale[1] - 0.5;
            rgb.extend_from_slice(&bilinear(&source, x, y));
        }
    }
    packed_rgb(frame, (columns, rows), rgb)
}

/// Whether the corners go round clockwise (y downwards) with no angle of 180 degrees or more.
fn is_convex(corners: [Point; 4]) -> bool {
    (0..4).all(|i| {
        let [a, b, c] = [0, 1, 2].map(|k| corners[(i + k) % 4]);
        (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x) > 0.0
    })
}

fn bilinear(source: &Frame, x: f32, y: f32) -> [u8; 3] {
    let clamp = |value: f32, side: u32| value.clamp(0.0, side as f32 - 1.0);
    let (x, y) = (clamp(x, source.width), clamp(y, source.height));
    let (left, top) = (x as u32, y as u32);
    let (right, bottom) = ((left + 1).min(source.width - 1), (top + 1).min(source.height - 1));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let corners = [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(x, y)| source.rgb_at(x, y));
    [0, 1, 2].map(|c| {
        let [a, b, d, e] = corners.map(|pixel| f32::from(pixel[c]));
        let (upper, lower) = (a + (b - a) * fx, d + (e - d) * fx);
        (upper + (lower - upper) * fy).round() as u8
    })
}

/// `x = (a u + b v + c) / (g u + h v + 1)`, and `y` alike.
struct Projective {
    x: [f32; 3],
    y: [f32; 3],
    w: [f32; 2],
}

impl Projective {
    /// The map that takes (0,0), (1,0), (1,1), (0,1) to the corners.
    fn of_unit_square([p0, p1, p2, p3]: [Point; 4]) -> Option<Self> {
        let (dx1, dy1) = (p1.x - p2.x, p1.y - p2.y);
        let (dx2, dy2) = (p3.x - p2.x, p3.y - p2.y);
        let (sx, sy) = (p0.x - p1.x + p2.x - p3.x, p0.y - p1.y + p2.y - p3.y);
        let det = dx1 * dy2 - dx2 * dy1;
        let (g, h) = ((sx * dy2 - dx2 * sy) / det, (dx1 * sy - sx * dy1) / det);
        let map = Self {
            x: [p1.x - p0.x + g * p1.x, p3.x - p0.x + h * p3.x, p0.x],
            y: [p1.y - p0.y + g * p1.y, p3.y - p0.y + h * p3.y, p0.y],
            w: [g, h],
        };
        map.x.iter().chain(&map.y).chain(&map.w).all(|v| v.is_finite()).then_some(map)
    }

    fn apply(&self, u: f32, v: f32) -> Point {
        let w = self.w[0] * u + self.w[1] * v + 1.0;
        Point::new((self.x[0] * u + self.x[1] * v + self.x[2]) / w, (self.y[0] * u + self.y[1] * v + self.y[2]) / w)
    }
}
