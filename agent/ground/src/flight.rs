//! Samples of telemetry, and where the camera was and looked at an instant between them.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use forewarn_domain::Timestamp;
use glam::{DQuat, DVec3, EulerRot};

use crate::no_fix::NoFix;

/// How hard a small drone speeds up and turns: what may have happened between two samples, in m/s² and degrees/s².
const ACCELERATION: f64 = 3.0;
const TURN_ACCELERATION_DEG: f64 = 40.0;
/// A gimbal holds its camera against the vehicle's turns; what wanders beyond the last sample, in degrees a second.
const DRIFT_DEG_S: f64 = 3.0;

/// A place of the camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// WGS84 latitude in degrees.
    pub lat_deg: f64,
    /// WGS84 longitude in degrees.
    pub lon_deg: f64,
    /// Height in metres, in the reckoning in which the ground's height is given.
    pub height_m: f64,
}

/// Heights of what flies, whatever they count from, in metres.
const HEIGHTS_M: RangeInclusive<f64> = -1_000.0..=50_000.0;
/// How far lenses zoom.
const ZOOMS: RangeInclusive<f64> = 0.1..=1_000.0;

impl Position {
    /// Whether it is on earth, and not the 0, 0 by which devices say that they do not know.
    pub fn is_known(&self) -> bool {
        let is_on_earth =
            self.lat_deg.abs() <= 90.0 && self.lon_deg.abs() <= 180.0 && HEIGHTS_M.contains(&self.height_m);
        is_on_earth && (self.lat_deg, self.lon_deg) != (0.0, 0.0)
    }

    /// What of it cannot be, with the value; none of the 0, 0 by which devices say that they do not know.
    pub fn impossible(&self) -> Option<String> {
        if (self.lat_deg, self.lon_deg) == (0.0, 0.0) {
            return None;
        }
        let Self { lat_deg, lon_deg, height_m } = self;
        let is = |most: f64, degrees: f64| degrees.abs() <= most;
        if !is(90.0, *lat_deg) {
            Some(format!("latitude {lat_deg:.7}"))
        } else if !is(180.0, *lon_deg) {
            Some(format!("longitude {lon_deg:.7}"))
        } else {
            (!HEIGHTS_M.contains(height_m)).then(|| format!("height {height_m:.1} m"))
        }
    }
}

/// Where the camera looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// Its attitude on earth.
    Earth(DQuat),
    /// Its attitude within the vehicle, to which the vehicle's own is added.
    Vehicle(DQuat),
}

/// The attitude of a body whose nose points `yaw` degrees east of north and `pitch` degrees up, rolled `roll` degrees to
/// the right; in this order, as autopilots and gimbals give them.
pub fn attitude(yaw_deg: f64, pitch_deg: f64, roll_deg: f64) -> DQuat {
    DQuat::from_euler(EulerRot::ZYX, yaw_deg.to_radians(), pitch_deg.to_radians(), roll_deg.to_radians())
}

/// What telemetry says of one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When, on the stream's time line.
    pub at: Timestamp,
    /// Where the camera is.
    pub position: Position,
    /// The vehicle's attitude, where it is told.
    pub vehicle: Option<DQuat>,
    /// Where the camera looks.
    pub aim: Aim,
    /// How far the lens is zoomed in; 1 is not at all.
    pub zoom: f64,
}

impl Sample {
    /// Whether all that it says can be: a place on earth, turns that are turns, a zoom that lenses have.
    pub fn is_sound(&self) -> bool {
        let is_turn = |q: DQuat| (q.length_squared() - 1.0).abs() < 1e-3;
        let (Aim::Earth(camera) | Aim::Vehicle(camera)) = self.aim;
        let is_turned = is_turn(camera) && self.vehicle.is_none_or(is_turn);
        self.position.is_known() && is_turned && ZOOMS.contains(&self.zoom)
    }

    /// What of it cannot be, with the value; none where all can, or the place is not known.
    pub fn impossible(&self) -> Option<String> {
        if self.is_sound() {
            return None;
        }
        let zoom = || (!ZOOMS.contains(&self.zoom)).then(|| format!("zoom {}", self.zoom));
        let attitude = || {
            let is_at = Self { zoom: 1.0, position: Position { lat_deg: 1.0, lon_deg: 1.0, height_m: 0.0 }, ..*self };
            (!is_at.is_sound()).then(|| "an attitude that is none".to_owned())
        };
        self.position.impossible().or_else(zoom).or_else(attitude)
    }

    /// The camera's attitude on earth; none where it is told within a vehicle whose own is not.
    fn camera(&self) -> Option<DQuat> {
        match self.aim {
            Aim::Earth(camera) => Some(camera),
            Aim::Vehicle(camera) => self.vehicle.map(|vehicle| vehicle * camera),
        }
    }
}

/// Standard deviations of what a fix rests on, each for itself and about no error on the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertainty {
    /// Of the camera's place, in metres north and as many east.
    pub horizontal_m: f64,
    /// Of its height, in metres.
    pub vertical_m: f64,
    /// Of its heading, in degrees about the vertical.
    pub heading_deg: f64,
    /// Of its tilt, in degrees about each of two level axes.
    pub tilt_deg: f64,
    /// Of a point in the picture, in pixels right and as many down.
    pub pixel_px: f64,
    /// Of the ground's height, in metres.
    pub ground_m: f64,
    /// Of the focal length, in parts of it.
    pub focal: f64,
}

impl Default for Uncertainty {
    /// A small drone with a plain GNSS receiver, a compass and a stabilised camera, over ground that is nearly level.
    fn default() -> Self {
        Self {
            horizontal_m: 1.5,
            vertical_m: 2.0,
            heading_deg: 2.0,
            tilt_deg: 0.5,
            pixel_px: 2.0,
            ground_m: 1.0,
            focal: 0.01,
        }
    }
}

/// The camera at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Where it is.
    pub position: Position,
    /// Its attitude on earth.
    pub camera: DQuat,
    /// How far the lens is zoomed in.
    pub zoom: f64,
    /// How far the instant lies from the nearest sample.
    pub age_us: i64,
    /// What is known no better than so, the time since the samples counted in.
    pub uncertainty: Uncertainty,
}

/// The samples of one flight, in the order of time.
#[derive(Debug, Clone, Default)]
pub struct Flight {
    samples: VecDeque<Sample>,
    /// Samples that say what cannot be.
    passed_over: u64,
}

impl Flight {
    /// The flight of these samples; of two with one time the later given counts, and those that say what cannot be are
    /// passed over.
    pub fn new(samples: impl IntoIterator<Item = Sample>) -> Self {
        let mut sorted: Vec<Sample> = samples.into_iter().collect();
        sorted.sort_by_key(|sample| sample.at);
        let mut flight = Self::default();
        for sample in sorted {
            flight.push(sample, usize::MAX);
        }
        flight
    }

    /// Adds the newest sample; `most` are kept, the oldest is dropped. One that is older than the newest is passed over, and
    /// one that says what cannot be is counted, too.
    pub fn push(&mut self, sample: Sample, most: usize) {
        let last = self.samples.back().map(|last| last.at);
        if !sample.is_sound() {
            self.passed_over += 1;
            return;
        }
        if last.is_some_and(|last| sample.at < last) {
            return;
        }
        if last == Some(sample.at) {
            self.samples.pop_back();
        }
        self.samples.push_back(sample);
        while self.samples.len() > most.max(1) {
            self.samples.pop_front();
        }
    }

    /// How many samples said what cannot be.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// First and last instant.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.samples.front()?.at, self.samples.back()?.at))
    }

    /// The camera at an instant: places linear between two samples, attitudes on the shortest arc, and beyond the last
    /// sample held. None where the nearest sample is farther than `max_age_us`.
    pub fn at(&self, at: Timestamp, max_age_us: i64, stated: &Uncertainty) -> Result<Pose, NoFix> {
        let next = self.samples.partition_point(|sample| sample.at <= at);
        let before = next.checked_sub(1).and_then(|i| self.samples.get(i));
        let after = self.samples.get(next);
        let (a, b) = match (before, after) {
            (Some(a), Some(b)) => (a, b),
            (Some(one), None) | (None, Some(one)) => (one, one),
            (None, None) => return Err(NoFix::NoTelemetry),
        };
        let (since_us, until_us) = (at.micros_since(a.at).saturating_abs(), b.at.micros_since(at).saturating_abs());
        let age_us = since_us.min(until_us);
        if age_us > max_age_us {
            return Err(NoFix::Stale { age_us, max_age_us });
        }
        let (from, to) = (a.camera().ok_or(NoFix::NoAttitude)?, b.camera().ok_or(NoFix::NoAttitude)?);
        let gap_s = b.at.micros_since(a.at) as f64 / 1e6;
        let part = if gap_s > 0.0 { since_us as f64 / 1e6 / gap_s } else { 0.0 };
        let uncertainty = if gap_s > 0.0 {
            between(stated, gap_s, part)
        } else {
            beyond(stated, age_us as f64 / 1e6, self.speed_m_s())
        };
        let mix = |x: f64, y: f64| x + (y - x) * part;
        let position = Position {
            lat_deg: mix(a.position.lat_deg, b.position.lat_deg),
            lon_deg: mix(a.position.lon_deg, b.position.lon_deg),
            height_m: mix(a.position.height_m, b.position.height_m),
        };
        Ok(Pose { position, camera: from.slerp(to, part), zoom: mix(a.zoom, b.zoom), age_us, uncertainty })
    }

    /// How fast the camera flew between the two newest samples.
    fn speed_m_s(&self) -> f64 {
        let mut newest = self.samples.iter().rev();
        let (Some(b), Some(a)) = (newest.next(), newest.next()) else { return 0.0 };
        let seconds = b.at.micros_since(a.at) as f64 / 1e6;
        let way = local(&a.position, &b.position).length();
        if seconds > 0.0 { way / seconds } else { 0.0 }
    }
}

/// East, north and up of `to` as seen from `from`, in metres.
pub(crate) fn local(from: &Position, to: &Position) -> DVec3 {
    let degrees = |p: &Position| (p.lat_deg.to_radians(), p.lon_deg.to_radians(), p.height_m);
    let ((lat, lon, height), (lat0, lon0, height0)) = (degrees(to), degrees(from));
    let ellipsoid = map_3d::Ellipsoid::default();
    let (east, north, up) = map_3d::geodetic2enu(lat, lon, height, lat0, lon0, height0, ellipsoid);
    DVec3::new(east, north, up)
}

/// How far east and north one place lies of another, in metres.
pub fn way_between(from: &Position, to: &Position) -> (f64, f64) {
    let way = local(from, to);
    (way.x, way.y)
}

/// The place that lies so far east, north and up of another, in metres.
pub(crate) fn global(from: &Position, by: DVec3) -> Position {
    let (lat0, lon0) = (from.lat_deg.to_radians(), from.lon_deg.to_radians());
    let ellipsoid = map_3d::Ellipsoid::default();
    let (lat, lon, height_m) = map_3d::enu2geodetic(by.x, by.y, by.z, lat0, lon0, from.height_m, ellipsoid);
    Position { lat_deg: lat.to_degrees(), lon_deg: lon.to_degrees(), height_m }
}

/// The bound of a straight line's error, a t (T − t) / 2, taken for two standard deviations.
fn between(stated: &Uncertainty, gap_s: f64, part: f64) -> Uncertainty {
    let bow = gap_s * gap_s * part * (1.0 - part) / 4.0;
    widened(stated, ACCELERATION * bow, TURN_ACCELERATION_DEG * bow)
}

fn beyond(stated: &Uncertainty, age_s: f64, speed_m_s: f64) -> Uncertainty {
    widened(stated, speed_m_s * age_s + ACCELERATION * age_s * age_s / 4.0, DRIFT_DEG_S * age_s)
}

fn widened(stated: &Uncertainty, metres: f64, degrees: f64) -> Uncertainty {
    Uncertainty {
        horizontal_m: stated.horizontal_m.hypot(metres),
        vertical_m: stated.vertical_m.hypot(metres / 2.0),
        heading_deg: stated.heading_deg.hypot(degrees),
        tilt_deg: stated.tilt_deg.hypot(degrees / 2.0),
        ..*stated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    fn sample(at_s: f64, lat_deg: f64, yaw_deg: f64) -> Sample {
        let position = Position { lat_deg, lon_deg: 120.0, height_m: 50.0 };
        let aim = Aim::Earth(attitude(yaw_deg, -45.0, 0.0));
        Sample { at: Timestamp::from_secs_f64(at_s), position, vehicle: None, aim, zoom: 1.0 }
    }

    fn at(flight: &Flight, at_s: f64) -> Result<Pose, NoFix> {
        flight.at(Timestamp::from_secs_f64(at_s), SECOND_US, &Uncertainty::default())
    }

    #[test]
    fn between_samples_places_are_linear_and_attitudes_take_the_short_way() {
        let flight = Flight::new([sample(1.0, 30.0002, 350.0), sample(0.0, 30.0, 10.0)]);
        let pose = at(&flight, 0.5).unwrap();
        assert!((pose.position.lat_deg - 30.0001).abs() < 1e-9);
        assert!(pose.camera.angle_between(attitude(0.0, -45.0, 0.0)) < 0.05, "{:?}", pose.camera);
        assert_eq!(pose.age_us, SECOND_US / 2);
        assert!(pose.uncertainty.horizontal_m > at(&flight, 1.0).unwrap().uncertainty.horizontal_m);
    }

    #[test]
    fn far_from_every_sample_nothing_is_known() {
        let flight = Flight::new([sample(0.0, 30.0, 0.0), sample(1.0, 30.0001, 0.0), sample(10.0, 30.0, 0.0)]);
        assert_eq!(at(&flight, 5.0), Err(NoFix::Stale { age_us: 4 * SECOND_US, max_age_us: SECOND_US }));
        assert!(at(&flight, 10.9).unwrap().uncertainty.heading_deg > 3.0);
        assert!(at(&flight, 11.1).is_err());
        assert_eq!(at(&Flight::default(), 0.0), Err(NoFix::NoTelemetry));
    }

    #[test]
    fn samples_without_a_place_are_dropped_and_the_vehicle_carries_its_gimbal() {
        let nowhere =
            Sample { position: Position { lat_deg: 0.0, lon_deg: 0.0, height_m: 9.0 }, ..sample(0.4, 0.0, 0.0) };
        let carried = Sample { aim: Aim::Vehicle(attitude(0.0, -90.0, 0.0)), ..sample(1.0, 30.0, 0.0) };
        let mut flight = Flight::new([nowhere, carried]);
        assert_eq!((flight.len(), flight.passed_over()), (1, 1));
        assert_eq!(at(&flight, 1.0), Err(NoFix::NoAttitude));
        flight.push(Sample { vehicle: Some(attitude(90.0, 0.0, 0.0)), ..carried }, 5);
        assert_eq!(flight.len(), 1, "the later of one time counts");
        let down = at(&flight, 1.0).unwrap().camera * DVec3::X;
        assert!((down - DVec3::Z).length() < 1e-9, "{down}");
    }

    #[test]
    fn what_cannot_be_is_counted_and_never_a_pose() {
        let sound = sample(1.0, 30.0, 0.0);
        let placed = |lat_deg, lon_deg, height_m| Sample { position: Position { lat_deg, lon_deg, height_m }, ..sound };
        let aimed = |aim| Sample { aim, ..sound };
        let wild = [
            placed(f64::NAN, 120.0, 9.0),
            placed(90.1, 120.0, 9.0),
            placed(30.0, f64::INFINITY, 9.0),
            placed(30.0, 120.0, f64::NAN),
            placed(30.0, 120.0, 1e6),
            placed(30.0, 120.0, -2e3),
            aimed(Aim::Earth(DQuat::NAN)),
            aimed(Aim::Vehicle(DQuat::from_xyzw(0.0, 0.0, 0.0, 0.0))),
            Sample { vehicle: Some(DQuat::from_xyzw(9.0, 0.0, 0.0, 0.0)), ..sound },
            Sample { zoom: f64::NAN, ..sound },
            Sample { zoom: 0.0, ..sound },
        ];
        let mut flight = Flight::new(wild);
        for sample in wild {
            flight.push(sample, 100);
        }
        assert_eq!((flight.len(), flight.passed_over()), (0, 22));
        assert_eq!(at(&flight, 1.0), Err(NoFix::NoTelemetry));
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut flight = Flight::default();
        (0..100).for_each(|n| flight.push(sample(f64::from(n), 30.0, 0.0), 10));
        flight.push(sample(5.0, 30.0, 0.0), 10);
        assert_eq!(flight.span(), Some((Timestamp::from_secs_f64(90.0), Timestamp::from_secs_f64(99.0))));
    }
}
