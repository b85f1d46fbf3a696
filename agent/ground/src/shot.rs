//! One frame's camera: places of pixels, and pixels of places.

use forewarn_domain::Point;
use glam::{DQuat, DVec3};

use crate::flight::{Pose, Position, global, local};
use crate::lens::Lens;
use crate::no_fix::NoFix;
use crate::terrain::Terrain;

/// A ray that sinks by less than this part of its length is taken for level.
const LEVEL: f64 = 1e-3;

/// The camera as it took one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shot {
    /// Where it was and looked.
    pub pose: Pose,
    /// Its lens, fitted to the frame.
    pub lens: Lens,
    /// Width and height of the frame in pixels.
    pub size: (u32, u32),
}

/// Where a ray meets the ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The place.
    pub position: Position,
    /// How far it is from the camera, in metres.
    pub range_m: f64,
}

impl Shot {
    /// The camera at a pose, with the lens as it is at zoom 1.
    pub fn new(pose: Pose, lens: &Lens, size: (u32, u32)) -> Self {
        Self { lens: lens.fitted(size, pose.zoom), pose, size }
    }

    /// Where the ray through a point of the picture meets the ground within `max_range_m`.
    pub fn hit(&self, at: Point, terrain: &dyn Terrain, max_range_m: f64) -> Result<Hit, NoFix> {
        let ray = self.lens.ray(at).ok_or(NoFix::BeyondLens)?;
        let from = &self.pose.position;
        meet(from, enu_of(self.pose.camera, ray), terrain, max_range_m)
    }

    /// A place in the camera's optical axes: right, down, ahead, in metres.
    pub fn in_camera(&self, place: &Position) -> DVec3 {
        let enu = local(&self.pose.position, place);
        let body = self.pose.camera.inverse() * DVec3::new(enu.y, enu.x, -enu.z);
        DVec3::new(body.y, body.z, body.x)
    }

    /// Where a place is in the picture, also beyond its edges; none behind the camera.
    pub fn pixel(&self, place: &Position) -> Option<Point> {
        self.lens.pixel(self.in_camera(place))
    }
}

/// A ray of the optical axes, as east, north and up.
pub(crate) fn enu_of(camera: DQuat, ray: DVec3) -> DVec3 {
    let ned = camera * DVec3::new(ray.z, ray.x, ray.y);
    DVec3::new(ned.y, ned.x, -ned.z)
}

/// Where a ray of length 1 meets the ground.
pub(crate) fn meet(from: &Position, ray: DVec3, terrain: &dyn Terrain, max_range_m: f64) -> Result<Hit, NoFix> {
    let ground_m = terrain.height_m(from.lat_deg, from.lon_deg).ok_or(NoFix::UnknownGround)?;
    if from.height_m <= ground_m {
        return Err(NoFix::BelowGround { below_m: ground_m - from.height_m });
    }
    match terrain.step_m() {
        None => meet_level(from, ray, ground_m, max_range_m),
        Some(step_m) => meet_rough(from, ray, terrain, step_m, max_range_m),
    }
}

/// Newton's method from the level plane below the camera: what is left is the earth's roundness.
fn meet_level(from: &Position, ray: DVec3, ground_m: f64, max_range_m: f64) -> Result<Hit, NoFix> {
    if ray.z > -LEVEL {
        return Err(NoFix::AboveHorizon);
    }
    let mut range_m = (from.height_m - ground_m) / -ray.z;
    // The roundness is 8 cm at a kilometre: of what lies far beyond the range it would make rubbish.
    for _ in 0..4 {
        if range_m > 2.0 * max_range_m {
            break;
        }
        let position = global(from, ray * range_m);
        range_m += (position.height_m - ground_m) / -ray.z;
    }
    if range_m > max_range_m {
        return Err(NoFix::BeyondRange { range_m, max_range_m });
    }
    Ok(Hit { position: global(from, ray * range_m), range_m })
}

/// Walks along the ray until it is below the ground, and halves the last step.
fn meet_rough(from: &Position, ray: DVec3, terrain: &dyn Terrain, step_m: f64, max_range_m: f64) -> Result<Hit, NoFix> {
    let above = |range_m: f64| {
        let place = global(from, ray * range_m);
        Some(place.height_m - terrain.height_m(place.lat_deg, place.lon_deg)?)
    };
    let mut high = 0.0;
    loop {
        let low = high + step_m;
        if high >= max_range_m {
            let is_up = ray.z >= 0.0;
            return Err(if is_up { NoFix::AboveHorizon } else { NoFix::BeyondRange { range_m: low, max_range_m } });
        }
        if above(low).ok_or(NoFix::UnknownGround)? <= 0.0 {
            let (mut high, mut low) = (high, low);
            for _ in 0..40 {
                let middle = f64::midpoint(high, low);
                let is_above = above(middle).ok_or(NoFix::UnknownGround)? > 0.0;
                if is_above { high = middle } else { low = middle }
            }
            return Ok(Hit { position: global(from, ray * low), range_m: low });
        }
        high = low;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::{Uncertainty, attitude};
    use crate::terrain::{Flat, Grid};

    const HOME: Position = Position { lat_deg: 30.0, lon_deg: 120.0, height_m: 100.0 };

    fn shot(yaw: f64, pitch: f64, roll: f64) -> Shot {
        let pose = Pose {
            position: HOME,
            camera: attitude(yaw, pitch, roll),
            zoom: 1.0,
            age_us: 0,
            uncertainty: Uncertainty::default(),
        };
        Shot::new(pose, &Lens::of_view(90.0, (1000, 800)).unwrap(), (1000, 800))
    }

    fn hit(shot: &Shot, x: f32, y: f32) -> DVec3 {
        let hit = shot.hit(Point::new(x, y), &Flat { height_m: 0.0 }, 5_000.0).unwrap();
        local(&HOME, &hit.position)
    }

    #[test]
    fn a_camera_that_looks_down_sees_the_ground_to_scale() {
        // 90° across at 100 m: 1000 px are 200 m; the upper edge is where the vehicle's nose points.
        let north = shot(0.0, -90.0, 0.0);
        assert!((hit(&north, 500.0, 400.0) - DVec3::new(0.0, 0.0, -100.0)).length() < 1e-6);
        assert!((hit(&north, 600.0, 400.0) - DVec3::new(20.0, 0.0, -100.0)).length() < 1e-3);
        assert!((hit(&north, 500.0, 300.0) - DVec3::new(0.0, 20.0, -100.0)).length() < 1e-3);
        let east = shot(90.0, -90.0, 0.0);
        assert!((hit(&east, 500.0, 300.0) - DVec3::new(20.0, 0.0, -100.0)).length() < 1e-3);
    }

    #[test]
    fn a_tilted_camera_sees_ahead_and_a_roll_turns_the_picture() {
        assert!((hit(&shot(45.0, -45.0, 0.0), 500.0, 400.0) - DVec3::new(70.7107, 70.7107, -100.0)).length() < 2e-3);
        // Rolled to the right, the right wing is low: the picture's right side sees nearer ground.
        let rolled = shot(0.0, -45.0, 20.0);
        assert!(hit(&rolled, 800.0, 400.0).y < hit(&rolled, 200.0, 400.0).y);
    }

    #[test]
    fn pixels_and_places_are_each_others_way_back() {
        for (yaw, pitch, roll) in [(0.0, -90.0, 0.0), (123.0, -37.0, 8.0), (300.0, -60.0, -15.0)] {
            let shot = shot(yaw, pitch, roll);
            for (x, y) in [(10.0, 790.0), (500.0, 400.0), (990.0, 500.0)] {
                let place = shot.hit(Point::new(x, y), &Flat { height_m: 20.0 }, 5_000.0).unwrap().position;
                assert!((place.height_m - 20.0).abs() < 1e-4, "{place:?}");
                assert!(shot.pixel(&place).unwrap().distance(Point::new(x, y)) < 1e-2);
            }
        }
    }

    #[test]
    fn the_reason_is_told_where_a_ray_meets_no_ground() {
        let flat = Flat { height_m: 0.0 };
        let shot = shot(0.0, -10.0, 0.0);
        assert_eq!(shot.hit(Point::new(500.0, 100.0), &flat, 900.0), Err(NoFix::AboveHorizon));
        let far = shot.hit(Point::new(500.0, 340.0), &flat, 900.0);
        assert!(matches!(far, Err(NoFix::BeyondRange { range_m, .. }) if range_m > 900.0), "{far:?}");
        let buried = shot.hit(Point::new(500.0, 790.0), &Flat { height_m: 120.0 }, 900.0);
        assert!(matches!(buried, Err(NoFix::BelowGround { .. })), "{buried:?}");
    }

    #[test]
    fn a_slope_is_met_where_it_is_and_off_the_grid_nothing_is_known() {
        // Rises by 1 m each 2 m to the north.
        let rows = 41_usize;
        let height = |row: usize| row as f64 * 0.0002 * 110_852.0 / 2.0 - 200.0;
        let heights = (0..rows).flat_map(|row| [height(row), height(row)]).collect();
        let slope = Grid::new((29.996, 119.99), (0.0002, 0.02), (rows, 2), heights).unwrap();
        let shot = shot(0.0, -45.0, 0.0);
        let place = shot.hit(Point::new(500.0, 400.0), &slope, 900.0).unwrap().position;
        let way = local(&HOME, &place);
        // The ground below the camera is about 22 m up, so the ray is 78 m above it and meets it at 78 / 1.5 m.
        let below = slope.height_m(30.0, 120.0).unwrap();
        assert!((way.y - (100.0 - below) / 1.5).abs() < 0.05, "{way} over {below}");
        let aside = self::shot(90.0, -3.0, 0.0).hit(Point::new(500.0, 400.0), &slope, 5_000.0);
        assert_eq!(aside, Err(NoFix::UnknownGround));
    }
}
