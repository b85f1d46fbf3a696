//! A lens: from a pixel to the ray that it sees, and back.
//!
//! A pinhole with the distortion of Brown (1966) in the manner of OpenCV's `calibrateCamera`: three radial coefficients
//! and two tangential ones. Rays are in the camera's optical axes: right, down, ahead.

use forewarn_domain::Point;
use glam::{DVec2, DVec3};
use serde::Deserialize;

/// OpenCV counts from the middle of the first pixel, this house from its corner.
const HALF: f64 = 0.5;

/// A lens as a calibration gives it, for pictures of `width` by `height` pixels at zoom 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LensFile {
    /// Width of the pictures that were calibrated, in pixels.
    pub width: u32,
    /// Their height.
    pub height: u32,
    /// Focal length in pixels, across.
    pub fx: f64,
    /// Focal length in pixels, down; that across where absent.
    pub fy: Option<f64>,
    /// The principal point, from the middle of the first pixel; the middle of the picture where absent.
    pub cx: Option<f64>,
    /// The same, down.
    pub cy: Option<f64>,
    /// Radial distortion.
    #[serde(default)]
    pub k1: f64,
    /// Radial distortion.
    #[serde(default)]
    pub k2: f64,
    /// Tangential distortion.
    #[serde(default)]
    pub p1: f64,
    /// Tangential distortion.
    #[serde(default)]
    pub p2: f64,
    /// Radial distortion.
    #[serde(default)]
    pub k3: f64,
}

/// Why numbers describe no lens.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum LensError {
    /// A number that is none.
    #[error("{name} is {value}: write a number{}", if *.is_positive { " above 0" } else { "" })]
    Number {
        /// Which one.
        name: &'static str,
        /// What it is.
        value: f64,
        /// Whether it must be above 0.
        is_positive: bool,
    },
    /// A field of view that no pinhole has.
    #[error("a pinhole has no field of view of {0}°: write 1 to 170")]
    View(f64),
}

/// A lens that was checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lens {
    size: DVec2,
    focal: DVec2,
    middle: DVec2,
    k: [f64; 3],
    p: [f64; 2],
    /// The square of the radius from which the distortion folds the picture onto itself.
    fold2: f64,
}

impl Lens {
    /// The lens of a calibration.
    pub fn new(file: &LensFile) -> Result<Self, LensError> {
        let LensFile { width, height, fx, fy, cx, cy, k1, k2, p1, p2, k3 } = *file;
        let (width, height, fy) = (f64::from(width), f64::from(height), fy.unwrap_or(fx));
        for (name, value) in [("width", width), ("height", height), ("fx", fx), ("fy", fy)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(LensError::Number { name, value, is_positive: true });
            }
        }
        let middle = DVec2::new(cx.map_or(width / 2.0, |x| x + HALF), cy.map_or(height / 2.0, |y| y + HALF));
        let names = ["cx", "cy", "k1", "k2", "p1", "p2", "k3"];
        for (name, value) in names.into_iter().zip([middle.x, middle.y, k1, k2, p1, p2, k3]) {
            if !value.is_finite() {
                return Err(LensError::Number { name, value, is_positive: false });
            }
        }
        let (size, focal, k, p) = (DVec2::new(width, height), DVec2::new(fx, fy), [k1, k2, k3], [p1, p2]);
        Ok(Self { size, focal, middle, k, p, fold2: fold2(k) })
    }

    /// The degrees that it sees across, its distortion left aside.
    pub fn across_deg(&self) -> f64 {
        (self.size.x / 2.0 / self.focal.x).atan().to_degrees() * 2.0
    }

    /// The focal length in pixels of the pictures for which it is: the mean of both axes.
    pub fn focal_px(&self) -> f64 {
        f64::midpoint(self.focal.x, self.focal.y)
    }

    /// A lens without distortion that sees so many degrees across in pictures of `size`.
    pub fn of_view(across_deg: f64, size: (u32, u32)) -> Result<Self, LensError> {
        if !(1.0..=170.0).contains(&across_deg) {
            return Err(LensError::View(across_deg));
        }
        let fx = f64::from(size.0) / 2.0 / (across_deg.to_radians() / 2.0).tan();
        let none = LensFile {
            width: size.0,
            height: size.1,
            fx,
            fy: None,
            cx: None,
            cy: None,
            k1: 0.0,
            k2: 0.0,
            p1: 0.0,
            p2: 0.0,
            k3: 0.0,
        };
        Self::new(&none)
    }

    /// The same lens for pictures of another size, zoomed in by a factor.
    #[must_use]
    pub fn fitted(&self, size: (u32, u32), zoom: f64) -> Self {
        let scale = DVec2::new(f64::from(size.0.max(1)), f64::from(size.1.max(1))) / self.size;
        Self { size: self.size * scale, focal: self.focal * scale * zoom, middle: self.middle * scale, ..*self }
    }

    /// The ray through a point of the picture, of length 1; none where the distortion has no way back.
    pub fn ray(&self, at: Point) -> Option<DVec3> {
        let seen = (DVec2::new(f64::from(at.x), f64::from(at.y)) - self.middle) / self.focal;
        self.straightened(seen).map(|v| v.extend(1.0).normalize())
    }

    /// Where a point ahead of the camera is in the picture, also beyond its edges; none behind the camera and where the
    /// distortion says nothing.
    pub fn pixel(&self, at: DVec3) -> Option<Point> {
        let v = at.truncate() / at.z;
        (at.z > 1e-9 && v.length_squared() < self.fold2).then(|| {
            let p = self.bent(v) * self.focal + self.middle;
            Point::new(p.x as f32, p.y as f32)
        })
    }

    /// The widest tangents right and down that pictures of this lens show.
    pub(crate) fn reach(&self) -> f64 {
        let corners = [DVec2::ZERO, self.size, DVec2::new(self.size.x, 0.0), DVec2::new(0.0, self.size.y)];
        let most = corners.iter().map(|c| {
            let seen = (*c - self.middle) / self.focal;
            self.straightened(seen).unwrap_or(seen * 2.0).abs().max_element()
        });
        most.fold(0.0, f64::max).min(self.fold2.sqrt() / std::f64::consts::SQRT_2)
    }

    fn bent(&self, v: DVec2) -> DVec2 {
        let (r2, [p1, p2]) = (v.length_squared(), self.p);
        let radial = 1.0 + r2 * (self.k[0] + r2 * (self.k[1] + r2 * self.k[2]));
        let x = v.x * radial + 2.0 * p1 * v.x * v.y + p2 * (r2 + 2.0 * v.x * v.x);
        let y = v.y * radial + p1 * (r2 + 2.0 * v.y * v.y) + 2.0 * p2 * v.x * v.y;
        DVec2::new(x, y)
    }

    /// The way back by Newton's method, from the bent place itself.
    fn straightened(&self, seen: DVec2) -> Option<DVec2> {
        let [p1, p2] = self.p;
        let mut v = seen;
        for _ in 0..20 {
            let off = self.bent(v) - seen;
            if off.length() < 1e-13 {
                break;
            }
            let r2 = v.length_squared();
            let radial = 1.0 + r2 * (self.k[0] + r2 * (self.k[1] + r2 * self.k[2]));
            let slope = self.k[0] + r2 * (2.0 * self.k[1] + 3.0 * r2 * self.k[2]);
            let xx = radial + 2.0 * v.x * v.x * slope + 2.0 * p1 * v.y + 6.0 * p2 * v.x;
            let xy = 2.0 * (v.x * v.y * slope + p1 * v.x + p2 * v.y);
            let yy = radial + 2.0 * v.y * v.y * slope + 6.0 * p1 * v.y + 2.0 * p2 * v.x;
            let determinant = xx * yy - xy * xy;
            v -= DVec2::new(yy * off.x - xy * off.y, xx * off.y - xy * off.x) / determinant;
        }
        let is_way_back = v.is_finite() && v.length_squared() < self.fold2 && (self.bent(v) - seen).length() < 1e-9;
        is_way_back.then_some(v)
    }
}

/// Where the distorted radius ceases to grow: the first zero of the derivative of r (1 + k1 r² + k2 r⁴ + k3 r⁶).
fn fold2(k: [f64; 3]) -> f64 {
    let grows = |r2: f64| 1.0 + r2 * (3.0 * k[0] + r2 * (5.0 * k[1] + r2 * 7.0 * k[2])) > 0.0;
    // Tangents up to 8 are a field of view of 166°, more than any pinhole model is used for.
    (1..=6400).map(|n| f64::from(n) * 0.01).find(|r2| !grows(*r2)).map_or(f64::INFINITY, |r2| r2 - 0.01)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wide action camera.
    const WIDE: LensFile = LensFile {
        width: 1920,
        height: 1080,
        fx: 1050.0,
        fy: Some(1048.0),
        cx: Some(962.0),
        cy: Some(535.0),
        k1: -0.28,
        k2: 0.11,
        p1: 0.0004,
        p2: -0.0003,
        k3: -0.02,
    };

    #[test]
    fn every_pixel_comes_back_through_a_bent_lens() {
        let lens = Lens::new(&WIDE).unwrap();
        for (x, y) in (0..=16).flat_map(|x| (0..=9).map(move |y| (x as f32 * 120.0, y as f32 * 120.0))) {
            let back = lens.ray(Point::new(x, y)).and_then(|ray| lens.pixel(ray)).unwrap();
            assert!(back.distance(Point::new(x, y)) < 1e-3, "{x}, {y}: {back:?}");
        }
    }

    #[test]
    fn a_known_distortion_is_where_opencv_puts_it() {
        // cv2.projectPoints of (0.3, -0.2, 1) with this camera: x = 962 + 1050 * 0.289494..., from the middle of pixels.
        let lens = Lens::new(&WIDE).unwrap();
        let r2: f64 = 0.13;
        let radial = 1.0 - 0.28 * r2 + 0.11 * r2 * r2 - 0.02 * r2 * r2 * r2;
        let x = 0.3 * radial + 2.0 * 0.0004 * 0.3 * -0.2 - 0.0003 * (r2 + 0.18);
        let y = -0.2 * radial + 0.0004 * (r2 + 0.08) + 2.0 * -0.0003 * 0.3 * -0.2;
        let seen = lens.pixel(DVec3::new(0.3, -0.2, 1.0)).unwrap();
        assert!((f64::from(seen.x) - (962.5 + 1050.0 * x)).abs() < 1e-3, "{seen:?}");
        assert!((f64::from(seen.y) - (535.5 + 1048.0 * y)).abs() < 1e-3, "{seen:?}");
    }

    #[test]
    fn zoom_and_size_scale_the_picture() {
        let lens = Lens::of_view(90.0, (1000, 500)).unwrap();
        let seen = |lens: Lens| lens.pixel(DVec3::new(0.25, 0.0, 1.0)).unwrap().x;
        assert_eq!(seen(lens), 625.0);
        assert_eq!(seen(lens.fitted((1000, 500), 2.0)), 750.0);
        assert_eq!(seen(lens.fitted((2000, 1000), 1.0)), 1250.0);
        assert_eq!(lens.pixel(DVec3::new(0.1, 0.0, -1.0)), None);
    }

    #[test]
    fn what_the_distortion_folds_back_is_not_in_the_picture() {
        let lens = Lens::new(&LensFile { k2: 0.0, k3: 0.0, ..WIDE }).unwrap();
        assert_eq!(lens.pixel(DVec3::new(3.0, 0.0, 1.0)), None);
        assert!(lens.pixel(DVec3::new(0.9, 0.0, 1.0)).is_some());
    }

    #[test]
    fn numbers_that_are_no_lens_are_refused() {
        let refused = Lens::new(&LensFile { fx: 0.0, ..WIDE });
        assert!(refused.unwrap_err().to_string().contains("fx is 0: write a number above 0"));
        assert!(Lens::new(&LensFile { k1: f64::NAN, ..WIDE }).is_err());
        assert!(Lens::of_view(180.0, (10, 10)).is_err());
    }
}
