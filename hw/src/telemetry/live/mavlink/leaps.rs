//! Whether what is heard under one name is one vehicle: no vehicle is here, far away, and here again within a second.

use std::collections::VecDeque;

use forewarn_domain::Timestamp;
use forewarn_ground::{Position, way_between};

/// Leaps count for so long, and so long none may come before a vehicle is believed again.
const SPAN_US: i64 = 10_000_000;
/// One part of a vehicle that leaps so often within that time is of two vehicles. One that is switched off and on leaps once,
/// and one whose receiver finds its place anew once more.
const LEAST: usize = 3;
/// So many are remembered, which is more than tell two vehicles from one.
const MOST: usize = 64;
/// So far a receiver may be off, and so fast a vehicle may fly.
const OFF_M: f64 = 50.0;
const FASTEST_M_S: f64 = 200.0;
/// A message may come so much later than the one before it.
const LATE_US: i64 = 2_000_000;

/// A place as it was told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// The vehicle's own time.
    pub(super) device_us: i64,
    /// When it came.
    pub(super) came: Timestamp,
    /// The place.
    pub(super) place: Position,
}

impl Told {
    /// Whether one vehicle can have been at both places.
    fn is_near(&self, other: &Self) -> bool {
        let apart_us = self.came.micros_since(other.came).saturating_abs().saturating_add(LATE_US);
        let by_device_us = self.device_us.saturating_sub(other.device_us).saturating_abs();
        let (east, north) = way_between(&other.place, &self.place);
        east.hypot(north) <= OFF_M + FASTEST_M_S * by_device_us.min(apart_us) as f64 / 1e6
    }
}

/// What a place is that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on from the one before.
    On,
    /// It lies where no vehicle can be that was at the one before.
    Away,
    /// It goes on from one that lay away, and the vehicle is there now.
    Anew,
}

/// The leaps of the parts of one vehicle.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaps {
    latest: VecDeque<(Timestamp, u8)>,
    is_two: bool,
    here: Option<Told>,
    away: Option<Told>,
}

impl Leaps {
    /// What is told under the name leapt from one vehicle's to another's, or began anew.
    pub(super) fn leapt(&mut self, component: u8, now: Timestamp) {
        self.latest.push_back((now, component));
        if self.latest.len() > MOST {
            self.latest.pop_front();
        }
        let of_it = self.latest.iter().filter(|(at, of)| *of == component && now.micros_since(*at) < SPAN_US);
        self.is_two |= of_it.count() >= LEAST;
    }

    /// A place was told.
    pub(super) fn step(&mut self, component: u8, told: Told) -> Step {
        let is_on = self.here.is_none_or(|here| told.is_near(&here));
        let is_of_away = self.away.is_some_and(|away| told.is_near(&away));
        if is_on || is_of_away {
            (self.here, self.away) = (Some(told), None);
            return if is_on { Step::On } else { Step::Anew };
        }
        self.away = Some(told);
        self.leapt(component, told.came);
        Step::Away
    }

    /// Whether two vehicles are heard under the one name.
    pub(super) fn are_two(&mut self, now: Timestamp) -> bool {
        self.latest.retain(|(at, _)| now.micros_since(*at) < SPAN_US);
        self.is_two &= !self.latest.is_empty();
        self.is_two
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(at_s: f64, lat_deg: f64) -> Told {
        let place = Position { lat_deg, lon_deg: 120.0, height_m: 40.0 };
        Told { device_us: (at_s * 1e6) as i64, came: Timestamp::from_secs_f64(at_s), place }
    }

    #[test]
    fn here_and_there_is_two_vehicles_until_it_is_over() {
        let mut leaps = Leaps::default();
        for turn in 0..6 {
            let at_s = 10.0 + 0.2 * f64::from(turn);
            assert_eq!(leaps.step(1, told(at_s, 30.0)), Step::On);
            assert_eq!(leaps.step(1, told(at_s + 0.1, 30.01)), Step::Away, "none of the other's places is taken");
            assert_eq!(leaps.are_two(Timestamp::from_secs_f64(at_s + 0.1)), turn >= 2, "turn {turn}");
        }
        assert!(leaps.are_two(Timestamp::from_secs_f64(21.0)) && !leaps.are_two(Timestamp::from_secs_f64(21.2)));
    }

    #[test]
    fn one_vehicle_may_fly_fast_fall_silent_and_find_its_place_anew() {
        let mut leaps = Leaps::default();
        assert_eq!(leaps.step(1, told(1.0, 30.0)), Step::On);
        // 111 m in a second; 11 km in five minutes of silence; and 11 km at once, which a receiver may be that finds its place.
        assert_eq!((leaps.step(1, told(2.0, 30.001)), leaps.step(1, told(302.0, 30.1))), (Step::On, Step::On));
        assert_eq!((leaps.step(1, told(302.2, 30.2)), leaps.step(1, told(302.4, 30.2))), (Step::Away, Step::Anew));
        assert_eq!(leaps.step(1, told(302.6, 30.2)), Step::On);
        assert!(!leaps.are_two(Timestamp::from_secs_f64(302.6)));
        // Switched off and on, each of its parts begins anew.
        (1..=5).for_each(|part| leaps.leapt(part, Timestamp::from_secs_f64(303.0)));
        assert!(!leaps.are_two(Timestamp::from_secs_f64(303.0)));
    }
}
