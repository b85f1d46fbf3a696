//! Conditions about a zone as a whole, about sensors, and sums of weak signs.

use forewarn_domain::condition::{Absent, Count, Quantity, Score, Sensor};

use super::super::error::{CompileError, Problem, nearest};
use super::super::program::{Measure, Node, ScoreOf, SensorOf, SignOf, Term};
use super::{About, Compiler, Within, micros};

const WHOLE: &str = "write a whole number from 1 to 1000";
const FINITE: &str = "write a finite number";
const LEAVE: &str = "write a number above 0 that is not above the limit at which it begins to hold";

impl Compiler<'_> {
    pub(super) fn count(&mut self, count: &Count, place: &str, within: Within) -> Result<Node, CompileError> {
        let of = self.of(&count.of, place, within)?;
        let measure = self.measure(count, place)?;
        let for_us = self.seconds_or(count.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?;
        self.terms.push(Term { of, for_us, measure });
        Ok(Node::Term(self.terms.len() - 1))
    }

    pub(super) fn absent(&mut self, absent: &Absent, place: &str, within: Within) -> Result<Node, CompileError> {
        let of = self.of(&absent.of, place, within)?;
        let for_us = self.seconds(&absent.for_s, &format!("{place}.for_s"))?;
        let at_least_place = format!("{place}.at_least");
        let least = absent.at_least.as_ref().map_or(Ok(1), |n| self.whole(n, 1000.0, WHOLE, &at_least_place))?;
        self.terms.push(Term { of, for_us, measure: Measure::Absence { least: least as usize } });
        Ok(Node::Term(self.terms.len() - 1))
    }

    fn of(&mut self, of: &forewarn_domain::Condition, place: &str, within: Within) -> Result<Node, CompileError> {
        if within.of {
            return Err(self.error(place, Problem::NestedCount));
        }
        self.node(of, &format!("{place}.of"), Within { of: true, ..within })
    }

    fn measure(&self, count: &Count, place: &str) -> Result<Measure, CompileError> {
        let leave = |enter: f64| {
            self.number(
                count.leave_below.as_ref(),
                enter,
                f64::MIN_POSITIVE..=enter,
                LEAVE,
                &format!("{place}.leave_below"),
            )
        };
        if count.zone.is_some() && count.per_m2.is_none() {
            return Err(self.error(format!("{place}.zone"), Problem::Missing { keys: "per_m2, whose area it names" }));
        }
        match (&count.at_least, &count.per_m2, &count.growth) {
            (Some(least), None, None) => {
                let enter = f64::from(self.whole(least, 1000.0, WHOLE, &format!("{place}.at_least"))?);
                Ok(Measure::Number { each: 1.0, enter, leave: leave(enter)? })
            }
            (None, Some(density), None) => {
                let range = "write people for each square metre from 0.01 to 20";
                let enter = self.number(Some(density), 0.0, 0.01..=20.0, range, &format!("{place}.per_m2"))?;
                let zone = count.zone.as_ref().unwrap_or(&self.binding.key.zone);
                let area = self.binding.areas_m2.get(zone).copied().filter(|area| *area > 0.0 && area.is_finite());
                let Some(area) = area else {
                    return Err(self.error(format!("{place}.per_m2"), Problem::NoArea { zone: zone.clone() }));
                };
                Ok(Measure::Number { each: 1.0 / area, enter, leave: leave(enter)? })
            }
            (None, None, Some(growth)) => {
                let enter = f64::from(self.whole(&growth.by, 1000.0, WHOLE, &format!("{place}.growth.by"))?);
                let range = "write seconds from 2 to 3600";
                let over_place = format!("{place}.growth.over_s");
                let over_s = self.number(Some(&growth.over_s), 0.0, 2.0..=3600.0, range, &over_place)?;
                Ok(Measure::Growth { over_us: micros(over_s), enter, leave: leave(enter)? })
            }
            (None, None, None) => Err(self.error(place, Problem::Missing { keys: "at_least, per_m2 or growth" })),
            _ => Err(self.error(place, Problem::TooMany { keys: "at_least, per_m2 and growth" })),
        }
    }

    pub(super) fn sensor(&mut self, sensor: &Sensor, place: &str) -> Result<Node, CompileError> {
        let Some(id) = sensor.id.as_ref().or(self.binding.sensor.as_ref()) else {
            return Err(self.error(format!("{place}.id"), Problem::NoSensor));
        };
        if let Some(known) = self.binding.sensors.as_ref().filter(|known| !known.contains(id)) {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            let nearest = nearest(id.as_str(), known.iter().map(String::as_str));
            let problem = Problem::UnknownSensor { sensor: id.clone(), nearest, known };
            return Err(self.error(format!("{place}.id"), problem));
        }
        let finite = |quantity: &Quantity, key: &str| {
            self.number(Some(quantity), 0.0, f64::MIN..=f64::MAX, FINITE, &format!("{place}.{key}"))
        };
        let (is_above, enter) = match (&sensor.above, &sensor.below) {
            (Some(above), None) => (true, finite(above, "above")?),
            (None, Some(below)) => (false, finite(below, "below")?),
            (None, None) => return Err(self.error(place, Problem::Missing { keys: "above or below" })),
            (Some(_), Some(_)) => return Err(self.error(place, Problem::TooMany { keys: "above and below" })),
        };
        let range = "write a number from 0";
        let hysteresis_place = format!("{place}.hysteresis");
        let back = self.number(sensor.hysteresis.as_ref(), 0.0, 0.0..=f64::MAX, range, &hysteresis_place)?;
        self.sensors.push(SensorOf {
            id: id.clone(),
            unit: self.binding.sensor_units.get(id).cloned(),
            is_above,
            enter,
            leave: if is_above { enter - back } else { enter + back },
            for_us: self.seconds_or(sensor.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?,
            silent_after_us: self.seconds_or(
                sensor.silent_after_s.as_ref(),
                120.0,
                &format!("{place}.silent_after_s"),
            )?,
        });
        Ok(Node::Sensor(self.sensors.len() - 1))
    }

    pub(super) fn score(&mut self, score: &Score, place: &str, within: Within) -> Result<Node, CompileError> {
        if within.score {
            return Err(self.error(place, Problem::NestedScore));
        }
        if score.of.is_empty() {
            let help = "write at least one sign, { weight = 1, if = … }";
            return Err(self.error(format!("{place}.of"), Problem::Empty { help }));
        }
        let mut signs = Vec::with_capacity(score.of.len());
        for (i, sign) in score.of.iter().enumerate() {
            let place = format!("{place}.of[{i}]");
            let range = "write a weight from -1000 to 1000";
            let weight = self.number(Some(&sign.weight), 0.0, -1000.0..=1000.0, range, &format!("{place}.weight"))?;
            let condition = self.node(&sign.condition, &format!("{place}.if"), Within { score: true, ..within })?;
            signs.push(SignOf { weight: weight as f32, condition, label: sign.label.clone() });
        }
        self.check_mixed(signs.iter().map(|sign| &sign.condition), &format!("{place}.of"))?;
        let most: f64 = signs.iter().map(|sign| f64::from(sign.weight.max(0.0))).sum();
        let range = "write a number above 0 that the weights can add up to";
        let at_least_place = format!("{place}.at_least");
        let enter = self.number(Some(&score.at_least), 0.0, f64::MIN_POSITIVE..=most + 1e-6, range, &at_least_place)?;
        let leave_place = format!("{place}.leave_below");
        let leave = self.number(score.leave_below.as_ref(), enter, f64::MIN_POSITIVE..=enter, LEAVE, &leave_place)?;
        let half_life_place = format!("{place}.half_life_s");
        let range = "write seconds from 0.1 to 3600";
        let half_life = self.number(score.half_life_s.as_ref(), 5.0, 0.1..=3600.0, range, &half_life_place)?;
        let is_zone = self.about_all(signs.iter().map(|sign| &sign.condition)) == About::Zone;
        self.scores.push(ScoreOf {
            signs,
            enter: enter as f32,
            leave: leave as f32,
            for_us: self.seconds_or(score.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?,
            half_life_us: micros(half_life),
            is_zone,
        });
        Ok(Node::Score(self.scores.len() - 1))
    }
}
