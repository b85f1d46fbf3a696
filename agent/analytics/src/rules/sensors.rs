//! Values of sensors against their thresholds. They run on the clock, not on watched time: a sensor goes on measuring
//! while the stream is interrupted.

use std::collections::BTreeMap;

use forewarn_domain::{SensorId, Timestamp};

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
    heard_at: Option<Timestamp>,
    /// Whether it was passed on both sides of a silence, so that nobody knows for how long.
    is_resumed: bool,
}

impl Threshold {
    /// Takes in a value of the threshold's sensor.
    pub(super) fn take(&mut self, sensor: &SensorOf, value: f64, at: Timestamp) {
        let was_silent = self.heard_at.is_some_and(|heard_at| at.micros_since(heard_at) > sensor.silent_after_us);
        self.heard_at = Some(at);
        let limit = if self.since.is_some() { sensor.leave } else { sensor.enter };
        let is_beyond = if sensor.is_above { value > limit } else { value < limit };
        self.is_resumed = is_beyond && self.since.is_some() && (was_silent || self.is_resumed);
        self.since = match self.since {
            _ if !is_beyond => None,
            // What the sensor did not measure does not count towards the least time.
            Some(_) if was_silent => Some(at),
            since => Some(since.unwrap_or(at)),
        };
    }

    /// Whether it was passed for long enough; a sensor that is silent cannot tell.
    pub(super) fn truth(&self, sensor: &SensorOf, values: &Values, at: Timestamp) -> Truth {
        match values.0.get(&sensor.id) {
            Some((latest, _)) if at.micros_since(*latest) <= sensor.silent_after_us => {
                let is_long_enough = self.since.is_some_and(|since| at.micros_since(since) >= sensor.for_us);
                if self.is_resumed && !is_long_enough { Truth::CannotTell } else { Truth::from(is_long_enough) }
            }
            Some(_) | None => Truth::CannotTell,
        }
    }

    /// When time alone changes what is known of it next, after `at`: it is passed for long enough, or the sensor counts
    /// as silent.
    pub(super) fn turns_at(&self, sensor: &SensorOf, at: Timestamp) -> Option<Timestamp> {
        let after = |from: Timestamp, us: i64| Timestamp::from_micros(from.as_micros().saturating_add(us));
        let long_enough = self.since.map(|since| after(since, sensor.for_us));
        let silent = self.heard_at.map(|heard_at| after(heard_at, sensor.silent_after_us.saturating_add(1)));
        [long_enough, silent].into_iter().flatten().filter(|turn| *turn > at).min()
    }

    /// The threshold of an incident that was open before a restart.
    pub(super) fn passed(at: Timestamp) -> Self {
        Self { since: Some(at), ..Self::default() }
    }
}
