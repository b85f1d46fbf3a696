//! Places, attitudes and gimbals that come each in its own time, joined to samples.
//!
//! A sample is made for each instant at which one of them is told, as soon as all are known about that instant, so that
//! nothing is guessed ahead: the others are taken between their two neighbours.

use std::collections::VecDeque;

use forewarn_domain::Timestamp;
use forewarn_ground::{Aim, Position, Sample, attitude};
use glam::{DQuat, DVec3};

/// So many of each are kept; a slow one is waited for no longer.
const MOST: usize = 128;

/// What was told of one thing, in the order of time.
#[derive(Debug, Clone)]
struct Track<T>(VecDeque<(Timestamp, T)>);

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Copy> Track<T> {
    /// One that is not newer than the newest is passed over.
    fn push(&mut self, at: Timestamp, value: T) {
        if self.0.back().is_some_and(|(last, _)| *last >= at) {
            return;
        }
        self.0.push_back((at, value));
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    fn last(&self) -> Option<Timestamp> {
        self.0.back().map(|(at, _)| *at)
    }

    /// The value at an instant between the first and the last that are known.
    fn at(&self, at: Timestamp, mix: impl Fn(T, T, f64) -> T) -> Option<T> {
        let next = self.0.partition_point(|(known, _)| *known < at);
        let (b_at, b) = *self.0.get(next)?;
        let Some((a_at, a)) = next.checked_sub(1).and_then(|i| self.0.get(i)).filter(|_| b_at > at) else {
            return (b_at == at).then_some(b);
        };
        let part = at.micros_since(*a_at) as f64 / b_at.micros_since(*a_at).max(1) as f64;
        Some(mix(*a, b, part))
    }

    /// The instants after `from` and not after `to`.
    fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        self.0.iter().map(|(at, _)| *at).filter(move |at| *at > from && *at <= to)
    }

    /// Forgets what lies before the last one that is not after `at`.
    fn forget(&mut self, at: Timestamp) {
        let keep = self.0.partition_point(|(known, _)| *known <= at).saturating_sub(1);
        self.0.drain(..keep);
    }
}

/// How a gimbal tells its attitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gimbal {
    /// The camera's attitude, level on earth.
    pub(super) q: DQuat,
    /// Whether its yaw counts from the vehicle's nose, and not from north.
    pub(super) is_by_nose: bool,
}

/// Joins them.
#[derive(Debug, Clone, Default)]
pub(super) struct Aligner {
    places: Track<Position>,
    vehicle: Track<DQuat>,
    gimbal: Track<Gimbal>,
    /// Where the camera looks while no gimbal tells it.
    aim: Option<Aim>,
    zoom: f64,
    made: Option<Timestamp>,
}

impl Aligner {
    pub(super) fn new(aim: Option<Aim>) -> Self {
        Self { aim, zoom: 1.0, ..Self::default() }
    }

    pub(super) fn place(&mut self, at: Timestamp, place: Position) -> Vec<Sample> {
        self.places.push(at, place);
        self.make()
    }

    pub(super) fn vehicle(&mut self, at: Timestamp, attitude: DQuat) -> Vec<Sample> {
        self.vehicle.push(at, attitude);
        self.make()
    }

    pub(super) fn gimbal(&mut self, at: Timestamp, gimbal: Gimbal) -> Vec<Sample> {
        self.gimbal.push(at, gimbal);
        self.make()
    }

    pub(super) fn zoom(&mut self, zoom: f64) {
        self.zoom = zoom;
    }

    /// Forgets everything but the zoom.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { zoom: self.zoom, ..Self::new(self.aim) };
    }

    /// What is waited for, in words; none while nothing is missing.
    pub(super) fn wants(&self) -> Option<&'static str> {
        if self.places.0.is_empty() {
            Some("where the vehicle is (GLOBAL_POSITION_INT)")
        } else if self.gimbal.0.is_empty() && self.aim.is_none() {
            Some("where the camera looks (GIMBAL_DEVICE_ATTITUDE_STATUS); set `aim` if the gimbal does not tell")
        } else if self.needs_vehicle() && self.vehicle.0.is_empty() {
            Some("how the vehicle lies (ATTITUDE)")
        } else {
            None
        }
    }

    fn needs_vehicle(&self) -> bool {
        match self.gimbal.0.back() {
            Some((_, gimbal)) => gimbal.is_by_nose,
            None => matches!(self.aim, Some(Aim::Vehicle(_))),
        }
    }

    /// All samples that have become known.
    fn make(&mut self) -> Vec<Sample> {
        let has_gimbal = !self.gimbal.0.is_empty();
        if self.wants().is_some() {
            return Vec::new();
        }
        let ends = [
            self.places.last(),
            self.gimbal.last().filter(|_| has_gimbal),
            self.vehicle.last().filter(|_| self.needs_vehicle()),
        ];
        let Some(until) = ends.into_iter().flatten().min() else { return Vec::new() };
        let from = self.made.unwrap_or(Timestamp::from_micros(i64::MIN));
        let mut times: Vec<Timestamp> = self.places.between(from, until).collect();
        times.extend(self.gimbal.between(from, until));
        times.extend(self.vehicle.between(from, until));
        times.sort_unstable();
        times.dedup();
        let samples: Vec<Sample> = times.into_iter().filter_map(|at| self.sample(at)).collect();
        if let Some(last) = samples.last() {
            self.made = Some(last.at);
            self.places.forget(last.at);
            self.gimbal.forget(last.at);
            self.vehicle.forget(last.at);
        }
        samples
    }

    fn sample(&self, at: Timestamp) -> Option<Sample> {
        let position = self.places.at(at, |a, b, part| {
            let mix = |x: f64, y: f64| x + (y - x) * part;
            Position {
                lat_deg: mix(a.lat_deg, b.lat_deg),
                lon_deg: mix(a.lon_deg, b.lon_deg),
                height_m: mix(a.height_m, b.height_m),
            }
        })?;
        let vehicle = self.vehicle.at(at, |a, b, part| a.slerp(b, part));
        let gimbal = (!self.gimbal.0.is_empty()).then(|| {
            self.gimbal.at(at, |a, b, part| Gimbal {
                q: if a.is_by_nose == b.is_by_nose { a.q.slerp(b.q, part) } else { b.q },
                is_by_nose: b.is_by_nose,
            })
        });
        let aim = match gimbal {
            Some(gimbal) => {
                let gimbal = gimbal?;
                Aim::Earth(if gimbal.is_by_nose { heading(vehicle?) * gimbal.q } else { gimbal.q })
            }
            None => self.aim?,
        };
        Some(Sample { at, position, vehicle, aim, zoom: self.zoom })
    }
}

/// The turn from north to where a vehicle's nose points, however it is tilted.
fn heading(vehicle: DQuat) -> DQuat {
    let nose = vehicle * DVec3::X;
    attitude(nose.y.atan2(nose.x).to_degrees(), 0.0, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Timestamp {
        Timestamp::from_secs_f64(s)
    }

    fn place(lat_deg: f64) -> Position {
        Position { lat_deg, lon_deg: 120.0, height_m: 40.0 }
    }

    fn ahead(sample: &Sample) -> DVec3 {
        let Aim::Earth(camera) = sample.aim else { panic!("{sample:?}") };
        camera * DVec3::X
    }

    #[test]
    fn each_instant_is_told_once_all_is_known_about_it() {
        let mut aligner = Aligner::new(None);
        let gimbal = |pitch| Gimbal { q: attitude(0.0, pitch, 0.0), is_by_nose: true };
        assert!(aligner.wants().is_some_and(|what| what.contains("GLOBAL_POSITION_INT")));
        assert_eq!(aligner.place(at(1.0), place(30.0)), []);
        assert!(aligner.wants().is_some_and(|what| what.contains("set `aim`")));
        assert_eq!(aligner.gimbal(at(1.1), gimbal(-90.0)), []);
        assert!(aligner.wants().is_some_and(|what| what.contains("(ATTITUDE)")));
        assert_eq!(aligner.vehicle(at(1.0), attitude(90.0, 10.0, 0.0)), []);
        assert_eq!(aligner.wants(), None);
        assert_eq!(aligner.gimbal(at(1.3), gimbal(-30.0)), []);
        assert_eq!(aligner.place(at(2.0), place(30.001)), []);
        let made = aligner.vehicle(at(1.4), attitude(90.0, -10.0, 5.0));
        assert_eq!(made.iter().map(|s| s.at).collect::<Vec<_>>(), [at(1.1), at(1.3)]);
        assert!((made[0].position.lat_deg - 30.0001).abs() < 1e-9);
        assert!((ahead(&made[0]) - DVec3::Z).length() < 1e-6);
        // East by the nose, whatever its tilt; 30 degrees down by the horizon.
        assert!((ahead(&made[1]) - DVec3::new(0.0, 0.866_025, 0.5)).length() < 5e-3, "{}", ahead(&made[1]));
        let made = aligner.gimbal(at(1.4), gimbal(-30.0));
        assert_eq!(made.iter().map(|s| s.at).collect::<Vec<_>>(), [at(1.4)], "nothing twice");
    }

    #[test]
    fn a_gimbal_that_falls_silent_is_waited_for() {
        let mut aligner = Aligner::new(Some(Aim::Earth(attitude(0.0, -90.0, 0.0))));
        assert_eq!(aligner.place(at(0.0), place(30.0)).len(), 1, "the site says where the camera looks");
        aligner.gimbal(at(0.5), Gimbal { q: attitude(0.0, -45.0, 0.0), is_by_nose: false });
        let later: usize = (1..100).map(|n| aligner.place(at(f64::from(n)), place(30.0)).len()).sum();
        assert!(later <= 1, "{later} samples look where nobody knows");
    }
}
