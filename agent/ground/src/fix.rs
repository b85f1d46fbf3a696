//! A pixel's place on earth with its 95 % ellipse, or why there is none.
//!
//! Each stated uncertainty is one source of error, independent of the others and normal. Its effect on the place is
//! measured by moving it by one standard deviation each way, and the covariance is the sum over the sources: the law of
//! propagation of uncertainty (JCGM 100:2008, 5.1.2), with differences over ±σ in place of derivatives, as 5.1.4 allows. The
//! ellipse holds 95 % of a normal distribution in the plane: its half axes are √5.991 times the standard deviations (χ² with
//! two degrees of freedom). Where the effect is not nearly linear, as close to the horizon, no ellipse would hold what it
//! says, and there is no fix.

use forewarn_domain::{Ellipse, Fix, Point};
use glam::{DQuat, DVec2, DVec3};

use crate::flight::{Position, global, local};
use crate::no_fix::NoFix;
use crate::shot::{Hit, Shot, enu_of, meet};
use crate::terrain::Terrain;

/// √ of the 95 % point of χ² with two degrees of freedom.
const K95: f64 = 2.447_746_8;
/// How far the mean of the places at +σ and −σ may lie from the place, in parts of the half way between them.
const MOST_BENT: f64 = 0.2;

/// How far places are told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The farthest ground, in metres along the ray.
    pub max_range_m: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_range_m: 1_000.0 }
    }
}

/// The place on earth of a point of the picture.
pub fn locate(shot: &Shot, at: Point, terrain: &dyn Terrain, limits: &Limits) -> Result<Fix, NoFix> {
    let hit = shot.hit(at, terrain, limits.max_range_m)?;
    let covariance = Errors { shot, at, terrain, max_range_m: limits.max_range_m * 2.0 }.covariance(&hit)?;
    Ok(Fix {
        lat_deg: hit.position.lat_deg,
        lon_deg: hit.position.lon_deg,
        height_m: hit.position.height_m,
        ellipse: ellipse(covariance),
        gcj02: None,
    })
}

/// Moves one source of error after another.
struct Errors<'a> {
    shot: &'a Shot,
    at: Point,
    terrain: &'a dyn Terrain,
    max_range_m: f64,
}

/// East-east, east-north, north-north, in square metres.
type Covariance = [f64; 3];

impl Errors<'_> {
    fn covariance(&self, hit: &Hit) -> Result<Covariance, NoFix> {
        let mut sum = [0.0; 3];
        for source in 0..9 {
            let half = self.effect(source, hit)?;
            sum = [sum[0] + half.x * half.x, sum[1] + half.x * half.y, sum[2] + half.y * half.y];
        }
        Ok(sum)
    }

    /// By how much one standard deviation of a source moves the place, east and north.
    fn effect(&self, source: usize, hit: &Hit) -> Result<DVec2, NoFix> {
        let moved = |sign: f64| {
            let place = self.moved(source, sign).map_err(|_| NoFix::TooFlat)?;
            Ok(local(&hit.position, &place).truncate())
        };
        let (plus, minus) = (moved(1.0)?, moved(-1.0)?);
        let (half, bend) = ((plus - minus) / 2.0, (plus + minus) / 2.0);
        if bend.length() > MOST_BENT * half.length() + 1e-6 { Err(NoFix::TooFlat) } else { Ok(half) }
    }

    fn moved(&self, source: usize, sign: f64) -> Result<Position, NoFix> {
        let Shot { pose, lens, .. } = self.shot;
        let sigma = &pose.uncertainty;
        let turn = |axis: DVec3, degrees: f64| DQuat::from_axis_angle(axis, (sign * degrees).to_radians());
        let shift = |x: f64, y: f64| Point::new(self.at.x + (sign * x) as f32, self.at.y + (sign * y) as f32);
        let (mut by, mut camera, mut at, mut scale) = (DVec3::ZERO, pose.camera, self.at, 1.0);
        match source {
            0 => by.x = sign * sigma.horizontal_m,
            1 => by.y = sign * sigma.horizontal_m,
            // The ground's height and the camera's are one error to the ray between them.
            2 => by.z = sign * sigma.vertical_m.hypot(sigma.ground_m),
            3 => camera = turn(DVec3::Z, sigma.heading_deg) * camera,
            4 => camera = turn(DVec3::X, sigma.tilt_deg) * camera,
            5 => camera = turn(DVec3::Y, sigma.tilt_deg) * camera,
            6 => at = shift(sigma.pixel_px, 0.0),
            7 => at = shift(0.0, sigma.pixel_px),
            _ => scale = 1.0 + sign * sigma.focal,
        }
        let ray = lens.fitted(self.shot.size, scale).ray(at).ok_or(NoFix::BeyondLens)?;
        let from = global(&pose.position, by);
        meet(&from, enu_of(camera, ray), self.terrain, self.max_range_m).map(|hit| hit.position)
    }
}

/// The 95 % ellipse of a covariance.
fn ellipse([ee, en, nn]: Covariance) -> Ellipse {
    let (mean, half) = (f64::midpoint(ee, nn), ((ee - nn) / 2.0).hypot(en));
    // The long axis's angle from east, counter-clockwise; a bearing is from north, clockwise.
    let from_east = 0.5 * (2.0 * en).atan2(ee - nn);
    let bearing_deg = (90.0 - from_east.to_degrees()).rem_euclid(180.0);
    Ellipse { major_m: K95 * (mean + half).sqrt(), minor_m: K95 * (mean - half).max(0.0).sqrt(), bearing_deg }
}

/// Whether a place lies in the ellipse of a fix.
pub fn is_within(fix: &Fix, lat_deg: f64, lon_deg: f64) -> bool {
    let place = |lat_deg, lon_deg| Position { lat_deg, lon_deg, height_m: fix.height_m };
    let way = local(&place(fix.lat_deg, fix.lon_deg), &place(lat_deg, lon_deg));
    let (sin, cos) = fix.ellipse.bearing_deg.to_radians().sin_cos();
    let (along, across) = (way.x * sin + way.y * cos, way.x * cos - way.y * sin);
    let part = |way: f64, axis: f64| if axis > 0.0 { way / axis } else { f64::INFINITY * way.abs() };
    part(along, fix.ellipse.major_m).hypot(part(across, fix.ellipse.minor_m)) <= 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipse_lies_along_the_greater_error() {
        let close = |e: Ellipse, (major, minor, bearing): (f64, f64, f64)| {
            (e.major_m - major).abs() + (e.minor_m - minor).abs() + (e.bearing_deg - bearing).abs() < 1e-3
        };
        assert!(close(ellipse([9.0, 0.0, 1.0]), (7.3432, 2.4477, 90.0)));
        assert!(close(ellipse([1.0, 0.0, 4.0]), (4.8955, 2.4477, 0.0)));
        // To the north-east by 3, across by 1.
        assert!(close(ellipse([5.0, 4.0, 5.0]), (7.3432, 2.4477, 45.0)));
    }

    #[test]
    fn a_place_is_within_by_both_axes() {
        let ellipse = Ellipse { major_m: 10.0, minor_m: 2.0, bearing_deg: 90.0 };
        let fix = Fix { lat_deg: 30.0, lon_deg: 120.0, height_m: 0.0, ellipse, gcj02: None };
        let east = |m: f64| 120.0 + m / 96_486.0;
        assert!(is_within(&fix, 30.0, east(9.9)) && !is_within(&fix, 30.0, east(10.1)));
        assert!(is_within(&fix, 30.0 + 1.9 / 110_852.0, 120.0) && !is_within(&fix, 30.0 + 2.1 / 110_852.0, 120.0));
    }
}
