//! `sensor`: whether a sensor's values are beyond a threshold. They run on the clock, not on watched time: a sensor goes
//! on measuring while the stream is interrupted.

use std::time::Duration;

use forewarn_domain::condition::{self, Quantity};
use forewarn_domain::{SensorId, Timestamp};

use crate::rules::error::{CompileError, Problem, nearest};
use crate::rules::lookup::Lookup;
use crate::rules::truth::Truth;
use crate::rules::values::Values;

const FINITE: &str = "write a finite number";

/// A sensor's latest value is beyond a threshold.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Threshold {
    id: SensorId,
    /// What the values are measured in.
    unit: Option<String>,
    is_above: bool,
    enter: f64,
    leave: f64,
    for_us: i64,
    silent_after_us: i64,
    /// Since when it is passed.
    since: Option<Timestamp>,
    heard_at: Option<Timestamp>,
    /// Whether it was passed on both sides of a silence, so that nobody knows for how long.
    is_resumed: bool,
}

impl Threshold {
    pub(super) fn compile(sensor: &condition::Sensor, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let id = Self::id_of(sensor, lookup, &format!("{place}.id"))?;
        let finite = |quantity: &Quantity, key: &str| {
            lookup.number(Some(quantity), 0.0, f64::MIN..=f64::MAX, FINITE, &format!("{place}.{key}"))
        };
        let (is_above, enter) = match (&sensor.above, &sensor.below) {
            (Some(above), None) => (true, finite(above, "above")?),
            (None, Some(below)) => (false, finite(below, "below")?),
            (None, None) => return Err(lookup.error(place, Problem::Missing { keys: "above or below" })),
            (Some(_), Some(_)) => return Err(lookup.error(place, Problem::TooMany { keys: "above and below" })),
        };
        let range = "write a number from 0";
        let hysteresis_place = format!("{place}.hysteresis");
        let back = lookup.number(sensor.hysteresis.as_ref(), 0.0, 0.0..=f64::MAX, range, &hysteresis_place)?;
        let silent_after = (sensor.silent_after_s.as_ref(), format!("{place}.silent_after_s"));
        Ok(Self {
            unit: lookup.binding.sensor_units.get(&id).cloned(),
            id,
            is_above,
            enter,
            leave: if is_above { enter - back } else { enter + back },
            for_us: lookup.seconds_or(sensor.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?,
            silent_after_us: lookup.seconds_or(silent_after.0, 120.0, &silent_after.1)?,
            since: None,
            heard_at: None,
            is_resumed: false,
        })
    }

    fn id_of(sensor: &condition::Sensor, lookup: &Lookup<'_>, place: &str) -> Result<SensorId, CompileError> {
        let binding = lookup.binding;
        let Some(id) = sensor.id.as_ref().or(binding.sensor.as_ref()) else {
            return Err(lookup.error(place, Problem::NoSensor));
        };
        let Some(known) = binding.sensors.as_ref().filter(|known| !known.contains(id)) else { return Ok(id.clone()) };
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let nearest = nearest(id.as_str(), known.iter().map(String::as_str));
        Err(lookup.error(place, Problem::UnknownSensor { sensor: id.clone(), nearest, known }))
    }

    /// The sensor.
    pub(in crate::rules) fn id(&self) -> &SensorId {
        &self.id
    }

    /// What the values are measured in.
    pub(in crate::rules) fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The time without a value after which the sensor is silent.
    pub(in crate::rules) fn silent_after(&self) -> Duration {
        Duration::from_micros(self.silent_after_us.max(0).cast_unsigned())
    }

    /// Takes in a value of the threshold's sensor.
    pub(in crate::rules) fn take(&mut self, value: f64, at: Timestamp) {
        let was_silent = self.heard_at.is_some_and(|heard_at| at.micros_since(heard_at) > self.silent_after_us);
        self.heard_at = Some(at);
        let limit = if self.since.is_some() { self.leave } else { self.enter };
        let is_beyond = if self.is_above { value > limit } else { value < limit };
        self.is_resumed = is_beyond && self.since.is_some() && (was_silent || self.is_resumed);
        self.since = match self.since {
            _ if !is_beyond => None,
            // What the sensor did not measure does not count towards the least time.
            Some(_) if was_silent => Some(at),
            since => Some(since.unwrap_or(at)),
        };
    }

    /// Whether it was passed for long enough; a sensor that is silent cannot tell.
    pub(in crate::rules) fn truth(&self, values: &Values, at: Timestamp) -> Truth {
        match values.latest(&self.id) {
            Some((latest, _)) if at.micros_since(latest) <= self.silent_after_us => {
                let is_long_enough = self.since.is_some_and(|since| at.micros_since(since) >= self.for_us);
                if self.is_resumed && !is_long_enough { Truth::CannotTell } else { Truth::from(is_long_enough) }
            }
            Some(_) | None => Truth::CannotTell,
        }
    }

    /// When time alone changes what is known of it next, after `at`: it is passed for long enough, or the sensor counts
    /// as silent.
    pub(in crate::rules) fn turns_at(&self, at: Timestamp) -> Option<Timestamp> {
        let after = |from: Timestamp, us: i64| Timestamp::from_micros(from.as_micros().saturating_add(us));
        let long_enough = self.since.map(|since| after(since, self.for_us));
        let silent = self.heard_at.map(|heard_at| after(heard_at, self.silent_after_us.saturating_add(1)));
        [long_enough, silent].into_iter().flatten().filter(|turn| *turn > at).min()
    }

    /// Holds as soon as it begins to.
    pub(in crate::rules) fn at_once(&mut self) {
        self.for_us = 0;
    }

    /// Goes on with an incident that was open at `at`, before a restart.
    pub(in crate::rules) fn recall(&mut self, at: Timestamp) {
        self.since = Some(Timestamp::from_micros(at.as_micros().saturating_sub(self.for_us)));
    }
}
