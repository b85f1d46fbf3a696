//! Values of sensors against their thresholds. They run on the clock, not on watched time: a sensor goes on measuring
//! while the stream is interrupted.

use std::collections::BTreeMap;

use forewarn_domain::{SensorId, Timestamp};

use super::memory::span_us;
use super::program::SensorOf;
use super::tree::Truth;

/// The latest value of each sensor.
#[derive(Debug, Clone, Default)]
pub(super) struct Values(BTreeMap<SensorId, (Timestamp, f64)>);

impl Values {
    /// Takes in a value; false if it is no number, or older than the latest.
    pub(super) fn take(&mut self, id: &SensorId, value: f64, at: Timestamp) -> bool {
        let is_news = value.is_finite() && self.0.get(id).is_none_or(|(latest, _)| at >= *latest);
        if is_news {
            self.0.insert(id.clone(), (at, value));
        }
        is_news
    }

    /// The latest value and its time.
    pub(super) fn latest(&self, id: &SensorId) -> Option<(Timestamp, f64)> {
        self.0.get(id).copied()
    }
}

/// Since when one threshold is passed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Threshold {
    since: Option<Timestamp>,
}

impl Threshold {
    /// Takes in a value of the threshold's sensor.
    pub(super) fn take(&mut self, sensor: &SensorOf, value: f64, at: Timestamp) {
        let limit = if self.since.is_some() { sensor.leave } else { sensor.enter };
        let is_beyond = if sensor.is_above { value > limit } else { value < limit };
        self.since = if is_beyond { Some(self.since.unwrap_or(at)) } else { None };
    }

    /// Whether it was passed for long enough; a sensor that is silent cannot tell.
    pub(super) fn truth(&self, sensor: &SensorOf, values: &Values, at: Timestamp) -> Truth {
        match values.0.get(&sensor.id) {
            Some((latest, _)) if span_us(*latest, at) <= sensor.silent_after_us => {
                Truth::from(self.since.is_some_and(|since| span_us(since, at) >= sensor.for_us))
            }
            Some(_) | None => Truth::CannotTell,
        }
    }

    /// The threshold of an incident that was open before a restart.
    pub(super) fn passed(at: Timestamp) -> Self {
        Self { since: Some(at) }
    }
}
