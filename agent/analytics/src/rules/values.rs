//! The latest value of each sensor.

use std::collections::BTreeMap;

use forewarn_domain::{SensorId, Timestamp};

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
