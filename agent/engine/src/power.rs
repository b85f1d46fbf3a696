//! How often the models look, by how warm the box is and what the battery has left. Pure.
//!
//! It becomes more careful at once, and less careful by one step a minute, only once what made it careful is over by some margin.

use std::fmt;
use std::time::Duration;

use forewarn_domain::Timestamp;

/// So far below a limit the box must have cooled before it is worked harder again.
pub const COOLER_C: f64 = 5.0;
/// So far above a limit the battery must be before the box is worked harder again.
pub const FULLER_PERCENT: f64 = 5.0;
/// So long nothing may speak for care before it becomes less by a step.
pub const CALM: Duration = Duration::from_mins(1);
/// A reading that is older says nothing.
pub const STALE: Duration = Duration::from_secs(30);

/// Where it becomes careful, and where very careful.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLimits {
    /// Degrees Celsius, the lower one first.
    pub warm_c: [f64; 2],
    /// Percent of the battery, the higher one first.
    pub left_percent: [f64; 2],
}

impl Default for PowerLimits {
    fn default() -> Self {
        Self { warm_c: [75.0, 85.0], left_percent: [30.0, 15.0] }
    }
}

/// What is known of the box and its battery; none of what nothing tells.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PowerReading {
    /// The warmest place of the box, in degrees Celsius.
    pub warm_c: Option<f64>,
    /// What the battery has left, in percent.
    pub left_percent: Option<f64>,
}

/// How careful it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Care {
    /// The models look as often as the site says.
    #[default]
    None,
    /// Half as often.
    Half,
    /// A fifth as often.
    Most,
}

impl Care {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::None, Self::Half, Self::Most];

    /// The part of the rate, and of the budget, that is left.
    pub fn share(self) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Half => 0.5,
            Self::Most => 0.2,
        }
    }

    fn less(self) -> Self {
        if self == Self::Most { Self::Half } else { Self::None }
    }
}

/// What it is careful for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// The box is so warm.
    Warm(f64),
    /// The battery has so much left.
    Left(f64),
    /// Nothing tells any more what made it careful.
    Unknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warm(celsius) => write!(f, "the box is {celsius:.0} °C warm"),
            Self::Left(percent) => write!(f, "the battery has {percent:.0} % left"),
            Self::Unknown => f.write_str("nothing tells any more how warm the box is or what the battery has left"),
        }
    }
}

/// Decides how careful it is.
#[derive(Debug, Clone)]
pub struct Power {
    limits: PowerLimits,
    care: Care,
    /// Since when less care would do.
    calm_since: Option<Timestamp>,
    latest: Option<(Timestamp, PowerReading)>,
}

impl Power {
    /// Without any care.
    pub fn new(limits: PowerLimits) -> Self {
        Self { limits, care: Care::None, calm_since: None, latest: None }
    }

    /// How careful it is.
    pub fn care(&self) -> Care {
        self.care
    }

    /// A reading.
    pub fn read(&mut self, reading: PowerReading, now: Timestamp) {
        self.latest = Some((now, reading));
    }

    /// Time has come to `now`. What changed, and why, if anything did.
    pub fn turn(&mut self, now: Timestamp) -> Option<(Care, Reason)> {
        let known = self.latest.filter(|(at, _)| now.since(*at) < STALE).map(|(_, reading)| reading);
        let reading = known.unwrap_or_default();
        let (wanted, reason) = self.wanted(reading, 0.0);
        if wanted > self.care {
            (self.care, self.calm_since) = (wanted, None);
            return Some((self.care, reason));
        }
        // With the margin, what is there asks for less than what holds.
        let (kept, why) = self.wanted(reading, 1.0);
        if self.care == Care::None || kept >= self.care {
            self.calm_since = None;
            return None;
        }
        if now.since(*self.calm_since.get_or_insert(now)) < CALM {
            return None;
        }
        (self.care, self.calm_since) = (self.care.less(), None);
        Some((self.care, why))
    }

    /// What a reading asks for where limits are nearer by so many margins, and what for.
    fn wanted(&self, reading: PowerReading, margins: f64) -> (Care, Reason) {
        let PowerLimits { warm_c: [warm, hot], left_percent: [low, last] } = self.limits;
        let step = |is_first: bool, is_second: bool| match (is_first, is_second) {
            (_, true) => Care::Most,
            (true, false) => Care::Half,
            (false, false) => Care::None,
        };
        let by_warmth = reading.warm_c.map(|celsius| {
            let felt = celsius + COOLER_C * margins;
            (step(felt >= warm, felt >= hot), Reason::Warm(celsius))
        });
        let by_battery = reading.left_percent.map(|percent| {
            let felt = percent - FULLER_PERCENT * margins;
            (step(felt <= low, felt <= last), Reason::Left(percent))
        });
        let all = by_warmth.into_iter().chain(by_battery);
        all.fold(
            (Care::None, Reason::Unknown),
            |worst, one| {
                if one.0 > worst.0 || worst.1 == Reason::Unknown { one } else { worst }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(s: f64) -> Timestamp {
        Timestamp::from_secs_f64(s)
    }

    fn warm(celsius: f64) -> PowerReading {
        PowerReading { warm_c: Some(celsius), left_percent: None }
    }

    #[test]
    fn heat_halves_the_rate_at_once_and_only_real_cooling_gives_it_back() {
        let mut power = Power::new(PowerLimits::default());
        let mut turn = |s: f64, celsius: f64| {
            power.read(warm(celsius), at(s));
            power.turn(at(s)).map(|(care, why)| (care, why.to_string()))
        };
        assert_eq!(turn(0.0, 74.9), None);
        assert_eq!(turn(1.0, 75.0), Some((Care::Half, "the box is 75 °C warm".to_owned())));
        assert_eq!(turn(2.0, 86.0).unwrap().0, Care::Most);
        assert_eq!((3..300).find_map(|s| turn(f64::from(s), 81.0)), None, "not cooler by five degrees");
        let back = (300..400).find_map(|s| turn(f64::from(s), 79.0).map(|(care, _)| (s, care)));
        assert_eq!(back, Some((360, Care::Half)));
        assert_eq!((361..600).find_map(|s| turn(f64::from(s), 71.0)), None);
        let back = (600..700).find_map(|s| turn(f64::from(s), 69.0).map(|(care, _)| (s, care)));
        assert_eq!(back, Some((660, Care::None)));
    }

    #[test]
    fn the_battery_counts_as_well_and_what_says_more_care_wins() {
        let mut power = Power::new(PowerLimits::default());
        power.read(PowerReading { warm_c: Some(76.0), left_percent: Some(14.0) }, at(0.0));
        let (care, why) = power.turn(at(0.0)).unwrap();
        assert_eq!((care, why.to_string().as_str()), (Care::Most, "the battery has 14 % left"));
    }

    #[test]
    fn what_nobody_tells_any_more_holds_for_a_while_and_then_for_nothing() {
        let mut power = Power::new(PowerLimits::default());
        power.read(warm(90.0), at(0.0));
        assert_eq!(power.turn(at(0.0)).unwrap().0, Care::Most);
        let steps: Vec<_> = (1..300).filter_map(|s| power.turn(at(f64::from(s))).map(|(care, _)| (s, care))).collect();
        assert_eq!(steps, [(90, Care::Half), (151, Care::None)]);
    }

    proptest! {
        /// Never less careful than what the latest reading asks for; never less careful by more than a step a minute; and
        /// what swings within the margin changes nothing after the first time.
        #[test]
        fn care_is_never_too_little_and_never_flaps(
            readings in prop::collection::vec((0.5_f64..20.0, 40.0_f64..100.0, 0.0_f64..100.0), 1..200),
            base in 50.0_f64..95.0,
        ) {
            let limits = PowerLimits::default();
            let mut power = Power::new(limits);
            let (mut now, mut eased_at) = (0.0, None::<f64>);
            for (pause, celsius, percent) in readings {
                now += pause;
                let before = power.care();
                power.read(PowerReading { warm_c: Some(celsius), left_percent: Some(percent) }, at(now));
                let turned = power.turn(at(now));
                let asked = usize::from(celsius >= limits.warm_c[0] || percent <= limits.left_percent[0])
                    + usize::from(celsius >= limits.warm_c[1] || percent <= limits.left_percent[1]);
                prop_assert!(power.care() >= Care::ALL[asked]);
                prop_assert_eq!(turned.is_some(), power.care() != before);
                if power.care() < before {
                    prop_assert_eq!(power.care(), before.less());
                    prop_assert!(eased_at.is_none_or(|at| now - at >= CALM.as_secs_f64() - 1e-3));
                    eased_at = Some(now);
                }
            }
            let mut calm = Power::new(limits);
            let mut n_turns = 0;
            for n in 0..400 {
                let swing = if n % 2 == 0 { 0.0 } else { COOLER_C - 0.1 };
                calm.read(warm(base + swing), at(f64::from(n)));
                n_turns += usize::from(calm.turn(at(f64::from(n))).is_some());
            }
            prop_assert!(n_turns <= 2, "{} turns", n_turns);
        }
    }
}
