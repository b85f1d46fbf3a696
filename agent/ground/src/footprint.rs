//! What of the ground one frame shows.

use forewarn_domain::Point;

use crate::flight::Position;
use crate::shot::Shot;
use crate::terrain::Terrain;

/// Columns of the picture along which its near and far edge on the ground are sought.
const COLUMNS: usize = 9;
/// How often the row is halved below which the ground is seen: to a thousandth of the picture.
const HALVINGS: usize = 10;

/// The ground that is seen within a range, as a ring of `[longitude, latitude]` that is not closed; none where the camera
/// sees none. Where the horizon or the range lies within the picture, the ring ends there.
pub fn footprint(shot: &Shot, terrain: &dyn Terrain, max_range_m: f64) -> Option<Vec<[f64; 2]>> {
    let (width, height) = (shot.size.0 as f32, shot.size.1 as f32);
    let hit = |x: f32, y: f32| shot.hit(Point::new(x, y), terrain, max_range_m).ok().map(|hit| hit.position);
    let corner = |place: Position| [place.lon_deg, place.lat_deg];
    let mut edges = Vec::with_capacity(COLUMNS);
    for column in 0..COLUMNS {
        let x = width * column as f32 / (COLUMNS - 1) as f32;
        // A camera that hangs upside down sees the near ground at the upper edge.
        let seen = hit(x, height).map(|near| (near, height, 0.0));
        let Some((near, mut low, mut high)) = seen.or_else(|| Some((hit(x, 0.0)?, 0.0, height))) else { continue };
        let far = hit(x, high).unwrap_or_else(|| {
            let mut far = near;
            for _ in 0..HALVINGS {
                let middle = f32::midpoint(low, high);
                match hit(x, middle) {
                    Some(place) => (low, far) = (middle, place),
                    None => high = middle,
                }
            }
            far
        });
        edges.push((corner(near), corner(far)));
    }
    if edges.len() < 2 {
        return None;
    }
    let nears = edges.iter().map(|(near, _)| *near);
    Some(nears.chain(edges.iter().rev().map(|(_, far)| *far)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::{Pose, Uncertainty, attitude, local};
    use crate::lens::Lens;
    use crate::terrain::Flat;

    const HOME: Position = Position { lat_deg: 30.0, lon_deg: 120.0, height_m: 50.0 };

    /// The ring in metres east and north of the camera.
    fn ring(pitch: f64, roll: f64) -> Option<Vec<(f64, f64)>> {
        let camera = attitude(0.0, pitch, roll);
        let pose = Pose { position: HOME, camera, zoom: 1.0, age_us: 0, uncertainty: Uncertainty::default() };
        let shot = Shot::new(pose, &Lens::of_view(90.0, (1000, 1000)).unwrap(), (1000, 1000));
        let place = |[lon_deg, lat_deg]: [f64; 2]| local(&HOME, &Position { lat_deg, lon_deg, height_m: 0.0 });
        let ring = footprint(&shot, &Flat { height_m: 0.0 }, 400.0)?;
        Some(ring.into_iter().map(place).map(|at| (at.x, at.y)).collect())
    }

    #[test]
    fn a_camera_that_looks_down_sees_a_square() {
        let ring = ring(-90.0, 0.0).unwrap();
        assert_eq!(ring.len(), 2 * COLUMNS);
        assert!(ring.iter().all(|(x, y)| (x.abs().max(y.abs()) - 50.0).abs() < 0.1), "{ring:?}");
    }

    #[test]
    fn the_ring_ends_at_the_range_where_the_horizon_is_in_view() {
        let ring = ring(-20.0, 0.0).unwrap();
        let far = ring.iter().map(|(x, y)| x.hypot(*y)).fold(0.0, f64::max);
        assert!((390.0..400.0).contains(&far), "{far}");
        // 45° below the axis is 65° below the horizon.
        let near = ring.iter().map(|(_, y)| *y).fold(f64::MAX, f64::min);
        assert!((near - 50.0 / 65f64.to_radians().tan()).abs() < 0.1, "{near}");
    }

    #[test]
    fn a_camera_upside_down_sees_ground_and_one_that_looks_up_none() {
        assert!(ring(-20.0, 180.0).is_some());
        assert_eq!(ring(80.0, 0.0), None);
    }
}
