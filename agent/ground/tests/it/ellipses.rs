//! A true pose sees a place; telemetry tells the pose with the noise that is stated; the ellipse of the fix that comes of
//! it holds the place or does not.

use forewarn_domain::Point;
use forewarn_ground::fix::is_within;
use forewarn_ground::lens::LensFile;
use forewarn_ground::{Flat, Grid, Lens, Limits, NoFix, Pose, Position, Shot, Terrain, Uncertainty, attitude, locate};
use glam::{DQuat, DVec3};

use crate::dice::Dice;

const POSES: u32 = 10_000;
const SIZE: (u32, u32) = (1920, 1080);

/// A camera somewhere over a country, that looks level or down.
fn pose(dice: &mut Dice) -> Pose {
    let position = Position {
        lat_deg: dice.range(-65.0, 65.0),
        lon_deg: dice.range(-180.0, 180.0),
        height_m: dice.range(15.0, 150.0),
    };
    let camera = attitude(dice.range(0.0, 360.0), dice.range(-90.0, -5.0), dice.range(-15.0, 15.0));
    let uncertainty = Uncertainty {
        horizontal_m: dice.range(0.02, 4.0),
        vertical_m: dice.range(0.02, 4.0),
        heading_deg: dice.range(0.1, 5.0),
        tilt_deg: dice.range(0.05, 1.5),
        pixel_px: dice.range(0.5, 6.0),
        ground_m: dice.range(0.0, 2.0),
        focal: dice.range(0.0, 0.03),
    };
    Pose { position, camera, zoom: dice.range(1.0, 4.0), age_us: 0, uncertainty }
}

/// The pose as telemetry tells it, with errors as large as are stated.
fn told(pose: &Pose, dice: &mut Dice) -> Pose {
    let sigma = pose.uncertainty;
    let mut off = |sigma: f64| dice.normal() * sigma;
    let lat_m = 111_132.0;
    let lon_m = 111_320.0 * pose.position.lat_deg.to_radians().cos();
    let position = Position {
        lat_deg: pose.position.lat_deg + off(sigma.horizontal_m) / lat_m,
        lon_deg: pose.position.lon_deg + off(sigma.horizontal_m) / lon_m,
        height_m: pose.position.height_m + off(sigma.vertical_m),
    };
    let mut turn = |axis: DVec3, degrees: f64| DQuat::from_axis_angle(axis, off(degrees).to_radians());
    let turned = turn(DVec3::Z, sigma.heading_deg) * turn(DVec3::X, sigma.tilt_deg) * turn(DVec3::Y, sigma.tilt_deg);
    let zoom = pose.zoom * (1.0 + dice.normal() * sigma.focal);
    Pose { position, camera: turned * pose.camera, zoom, ..*pose }
}

/// What a lens of a small camera looks like.
fn lens() -> Lens {
    let file = LensFile {
        width: 1920,
        height: 1080,
        fx: 1300.0,
        fy: None,
        cx: Some(955.0),
        cy: Some(541.0),
        k1: -0.05,
        k2: 0.01,
        p1: 0.0005,
        p2: -0.0002,
        k3: 0.0,
    };
    Lens::new(&file).unwrap()
}

#[derive(Debug, Default)]
struct Tally {
    inside: u32,
    outside: u32,
    too_flat: u32,
    other: u32,
}

impl Tally {
    fn fixes(&self) -> u32 {
        self.inside + self.outside
    }

    fn share(&self) -> f64 {
        f64::from(self.inside) / f64::from(self.fixes().max(1))
    }
}

#[test]
fn at_least_93_of_100_places_lie_in_their_ellipse() {
    let (mut dice, lens, mut tally) = (Dice(17), lens(), Tally::default());
    let limits = Limits { max_range_m: 1_500.0 };
    for _ in 0..POSES {
        let truth = pose(&mut dice);
        let at = Point::new(dice.range(0.0, 1920.0) as f32, dice.range(0.0, 1080.0) as f32);
        let ground_m = dice.range(-5.0, 5.0);
        let seen = Shot::new(truth, &lens, SIZE).hit(at, &Flat { height_m: ground_m }, limits.max_range_m);
        let told = told(&truth, &mut dice);
        let off = truth.uncertainty.pixel_px;
        let (x, y) = ((dice.normal() * off) as f32, (dice.normal() * off) as f32);
        let ground = Flat { height_m: ground_m + dice.normal() * truth.uncertainty.ground_m };
        let fix = locate(&Shot::new(told, &lens, SIZE), Point::new(at.x + x, at.y + y), &ground, &limits);
        match (seen, fix) {
            (Ok(hit), Ok(fix)) if is_within(&fix, hit.position.lat_deg, hit.position.lon_deg) => tally.inside += 1,
            // A fix of what is in truth the sky or far beyond is as wrong as one beside the ellipse.
            (_, Ok(_)) => tally.outside += 1,
            (_, Err(NoFix::TooFlat)) => tally.too_flat += 1,
            (_, Err(_)) => tally.other += 1,
        }
    }
    assert!(tally.share() >= 0.93 && tally.share() <= 0.97, "{:.4} of {tally:?}", tally.share());
    assert!(tally.fixes() > POSES / 2, "{tally:?}");
}

#[test]
fn ellipses_on_a_slope_hold_as_many() {
    let (mut dice, lens, mut tally) = (Dice(18), lens(), Tally::default());
    // A hillside that rises by 0.2 to the north and by 0.1 to the east, from crossings 110 m apart.
    let at = |row: f64, column: f64| row * 22.0 + column * 9.6 - 640.0;
    let heights = (0..41).flat_map(|r| (0..41).map(move |c| at(f64::from(r), f64::from(c)))).collect();
    let slope = Grid::new((29.98, 119.98), (0.001, 0.001), (41, 41), heights).unwrap();
    for _ in 0..1_000 {
        let mut truth = pose(&mut dice);
        let below = slope.height_m(30.0, 120.0).unwrap();
        truth.position = Position { lat_deg: 30.0, lon_deg: 120.0, height_m: below + dice.range(20.0, 100.0) };
        truth.uncertainty.ground_m = 0.0;
        let at = Point::new(dice.range(0.0, 1920.0) as f32, dice.range(0.0, 1080.0) as f32);
        let seen = Shot::new(truth, &lens, SIZE).hit(at, &slope, 800.0);
        let off = truth.uncertainty.pixel_px;
        let noisy = Point::new(at.x + (dice.normal() * off) as f32, at.y + (dice.normal() * off) as f32);
        let fix =
            locate(&Shot::new(told(&truth, &mut dice), &lens, SIZE), noisy, &slope, &Limits { max_range_m: 800.0 });
        match (seen, fix) {
            (Ok(hit), Ok(fix)) if is_within(&fix, hit.position.lat_deg, hit.position.lon_deg) => tally.inside += 1,
            (_, Ok(_)) => tally.outside += 1,
            (_, Err(NoFix::TooFlat)) => tally.too_flat += 1,
            (_, Err(_)) => tally.other += 1,
        }
    }
    assert!(tally.share() >= 0.93, "{:.4} of {tally:?}", tally.share());
    assert!(tally.fixes() > 300, "{tally:?}");
}
