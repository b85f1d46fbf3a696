//! How the ground has moved in the picture from one frame to the next.

use forewarn_domain::{Motion, Point};

use crate::shot::Shot;
use crate::terrain::{Flat, Terrain};
use crate::zone::middle;

/// Rays farther than this are not used; the ground there hardly moves.
const FAR_M: f64 = 3_000.0;

/// The map of the ground's picture in `before` to that in `now`; none where no part of the ground is seen in both.
///
/// Four points of the picture are followed over the ground, level at the height below its middle: the map of a plane
/// between two pinholes is a homography.
pub fn between(before: &Shot, now: &Shot, terrain: &dyn Terrain) -> Option<Motion> {
    let (width, height) = (before.size.0 as f32, before.size.1 as f32);
    let seen = before
        .hit(middle(before.size), terrain, FAR_M)
        .or_else(|_| before.hit(Point::new(width / 2.0, height * 0.95), terrain, FAR_M));
    let flat = Flat { height_m: seen.ok()?.position.height_m };
    // Rows from below upwards until two of them see the ground.
    let rows = [0.9, 0.7, 0.5, 0.3, 0.1].map(|part: f32| part * height);
    let follow = |x: f32, y: f32| {
        let hit = before.hit(Point::new(x, y), &flat, FAR_M).ok()?;
        Some((Point::new(x, y), now.pixel(&hit.position)?))
    };
    let followed = rows.iter().filter_map(|y| Some([follow(width * 0.2, *y)?, follow(width * 0.8, *y)?]));
    let followed: Vec<[(Point, Point); 2]> = followed.collect();
    let (near, far) = (followed.first()?, followed.last().filter(|_| followed.len() > 1)?);
    Motion::through([near[0], near[1], far[1], far[0]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::{Pose, Position, Uncertainty, attitude, global};
    use crate::lens::Lens;
    use glam::DVec3;

    fn shot(by: DVec3, (yaw, pitch): (f64, f64), zoom: f64) -> Shot {
        let position = global(&Position { lat_deg: 30.0, lon_deg: 120.0, height_m: 40.0 }, by);
        let uncertainty = Uncertainty::default();
        let pose = Pose { position, camera: attitude(yaw, pitch, 0.0), zoom, age_us: 0, uncertainty };
        Shot::new(pose, &Lens::of_view(70.0, (1280, 720)).unwrap(), (1280, 720))
    }

    #[test]
    fn the_ground_is_where_the_motion_says() {
        let flat = Flat { height_m: 0.0 };
        let before = shot(DVec3::ZERO, (10.0, -35.0), 1.0);
        let now = shot(DVec3::new(2.0, -1.0, 0.5), (16.0, -33.0), 1.2);
        let motion = between(&before, &now, &flat).unwrap();
        for (x, y) in [(100.0, 700.0), (640.0, 360.0), (1200.0, 200.0)] {
            let place = before.hit(Point::new(x, y), &flat, FAR_M).unwrap().position;
            let off = motion.point(Point::new(x, y)).distance(now.pixel(&place).unwrap());
            assert!(off < 0.1, "{x}, {y}: {off} px");
        }
        assert!((motion.scale_at(Point::new(640.0, 500.0)) - 1.2).abs() < 0.1);
    }

    #[test]
    fn a_camera_that_sees_no_ground_moves_nothing() {
        let up = shot(DVec3::ZERO, (0.0, 40.0), 1.0);
        assert_eq!(between(&up, &up, &Flat { height_m: 0.0 }), None);
        let away = shot(DVec3::ZERO, (180.0, -30.0), 1.0);
        assert_eq!(between(&shot(DVec3::ZERO, (0.0, -30.0), 1.0), &away, &Flat { height_m: 0.0 }), None);
    }
}
