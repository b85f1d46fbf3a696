//! Lines, areas and rectangles with smooth edges on an RGB picture.

use image::RgbImage;

use forewarn_domain::{Point, Polygon};

/// R, G and B.
pub(crate) type Colour = [u8; 3];

/// A picture that is drawn on. Everything outside it is cut off; coordinates that are no numbers draw nothing.
pub(crate) struct Canvas {
    pub(crate) image: RgbImage,
}

/// A span of whole pixels that covers `from..to` within `0..limit`; empty for what is no number.
fn pixels(from: f32, to: f32, limit: u32) -> std::ops::Range<u32> {
    if !from.is_finite() || !to.is_finite() || to <= from {
        return 0..0;
    }
    (from.floor().clamp(0.0, limit as f32) as u32)..(to.ceil().clamp(0.0, limit as f32) as u32)
}

impl Canvas {
    /// Mixes `colour` into one pixel; `alpha` 0 leaves it, 1 replaces it.
    pub(crate) fn blend(&mut self, x: u32, y: u32, colour: Colour, alpha: f32) {
        if alpha <= 0.0 {
            return;
        }
        if let Some(pixel) = self.image.get_pixel_mut_checked(x, y) {
            for (old, new) in pixel.0.iter_mut().zip(colour) {
                *old = (f32::from(*old) + (f32::from(new) - f32::from(*old)) * alpha.min(1.0)).round() as u8;
            }
        }
    }

    /// Fills an upright rectangle.
    pub(crate) fn fill_rect(&mut self, x0: f32, y0: f32, x1: f32, y1: f32, colour: Colour, alpha: f32) {
        let columns = pixels(x0, x1, self.image.width());
        for y in pixels(y0, y1, self.image.height()) {
            for x in columns.clone() {
                self.blend(x, y, colour, alpha);
            }
        }
    }

    /// Fills a polygon by the even-odd rule.
    pub(crate) fn fill_polygon(&mut self, points: &[Point], colour: Colour, alpha: f32) {
        self.cover_polygon(points, |canvas, x, y| canvas.blend(x, y, colour, alpha));
    }

    /// Hatches a polygon with rising lines, between which five times as much is left as it is.
    pub(crate) fn hatch_polygon(&mut self, points: &[Point], width_px: f32, colour: Colour) {
        let width = width_px.round().max(1.0) as u32;
        self.cover_polygon(points, |canvas, x, y| {
            if ((x + y) / width).is_multiple_of(6) {
                canvas.blend(x, y, colour, 1.0);
            }
        });
    }

    fn cover_polygon(&mut self, points: &[Point], mut cover: impl FnMut(&mut Self, u32, u32)) {
        let (mut low, mut high) = (Point::new(f32::MAX, f32::MAX), Point::new(f32::MIN, f32::MIN));
        for p in points {
            low = Point::new(low.x.min(p.x), low.y.min(p.y));
            high = Point::new(high.x.max(p.x), high.y.max(p.y));
        }
        let polygon = Polygon::new(points.to_vec());
        let columns = pixels(low.x, high.x, self.image.width());
        for y in pixels(low.y, high.y, self.image.height()) {
            for x in columns.clone() {
                if polygon.contains(Point::new(x as f32 + 0.5, y as f32 + 0.5)) {
                    cover(self, x, y);
                }
            }
        }
    }

    /// Draws a straight line with round ends; coverage falls off over one pixel at the edge.
    pub(crate) fn line(&mut self, a: Point, b: Point, width_px: f32, colour: Colour) {
        let reach = width_px * 0.5 + 1.0;
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length2 = dx * dx + dy * dy;
        let rows = pixels(a.y.min(b.y) - reach, a.y.max(b.y) + reach, self.image.height());
        for y in rows {
            for x in pixels(a.x.min(b.x) - reach, a.x.max(b.x) + reach, self.image.width()) {
                let p = Point::new(x as f32 + 0.5, y as f32 + 0.5);
                let t = if length2 > 0.0 { ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2 } else { 0.0 };
                let t = t.clamp(0.0, 1.0);
                let distance = p.distance(Point::new(a.x + dx * t, a.y + dy * t));
                self.blend(x, y, colour, (width_px * 0.5 + 0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }

    /// Draws lines from point to point, and back to the first if `is_closed`.
    pub(crate) fn path(&mut self, points: &[Point], is_closed: bool, width_px: f32, colour: Colour) {
        for pair in points.windows(2) {
            self.line(pair[0], pair[1], width_px, colour);
        }
        if let (true, Some(&first), Some(&last)) = (is_closed && points.len() > 2, points.first(), points.last()) {
            self.line(last, first, width_px, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn black(width: u32, height: u32) -> Canvas {
        Canvas { image: RgbImage::new(width, height) }
    }

    #[test]
    fn a_line_covers_its_width() {
        let mut canvas = black(20, 20);
        canvas.line(Point::new(0.0, 10.0), Point::new(20.0, 10.0), 4.0, [255, 255, 255]);
        let lit: Vec<u32> = (0..20).filter(|&y| canvas.image.get_pixel(10, y).0[0] > 127).collect();
        assert_eq!(lit, [8, 9, 10, 11]);
    }

    proptest! {
        #[test]
        fn nothing_drawn_can_panic(values in prop::collection::vec(prop::num::f32::ANY, 8), width in 1u32..40) {
            let mut canvas = black(width, 30);
            let points: Vec<Point> = values.chunks(2).map(|c| Point::new(c[0], c[1])).collect();
            canvas.fill_polygon(&points, [1, 2, 3], 0.5);
            canvas.path(&points, true, 3.0, [9, 9, 9]);
            canvas.fill_rect(values[0], values[1], values[2], values[3], [4, 4, 4], values[4]);
        }
    }
}
