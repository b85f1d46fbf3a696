//! Where the values of a sensor go.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{Clock, SensorId, Timestamp};
use tokio::time::timeout;

use super::config::Sensor;
use super::error::ReadError;
use super::value::Scaling;

/// What is told of a sensor.
#[derive(Debug, Clone, PartialEq)]
pub enum SensorEvent {
    /// It measured a value.
    Measured {
        /// The sensor.
        sensor: SensorId,
        /// The value, scaled; always finite.
        value: f64,
        /// When it arrived.
        at: Timestamp,
    },
    /// A value was not read. It is tried again.
    Failed {
        /// The sensor.
        sensor: SensorId,
        /// Why.
        error: ReadError,
        /// When.
        at: Timestamp,
    },
}

/// Takes what is told of sensors. It is called on the thread of all sensors, so it must not wait.
pub type Sink = Arc<dyn Fn(SensorEvent) + Send + Sync>;

/// Where the values of one sensor go.
pub(super) struct Outlet {
    sensor: SensorId,
    scaling: Scaling,
    clock: Arc<dyn Clock>,
    sink: Sink,
}

impl Outlet {
    pub(super) fn new(sensor: &Sensor, clock: Arc<dyn Clock>, sink: Sink) -> Self {
        Self { sensor: sensor.id().clone(), scaling: sensor.scaling, clock, sink }
    }

    /// The value of a reading.
    pub(super) fn scaled(&self, raw: f64) -> Result<f64, ReadError> {
        self.scaling.apply(raw)
    }

    /// Tells a value.
    pub(super) fn measured(&self, value: f64) {
        (self.sink)(SensorEvent::Measured { sensor: self.sensor.clone(), value, at: self.clock.now() });
    }

    /// Tells that there is none.
    pub(super) fn failed(&self, error: ReadError) {
        (self.sink)(SensorEvent::Failed { sensor: self.sensor.clone(), error, at: self.clock.now() });
    }
}

/// Lets `time` pass.
pub(super) async fn pause(time: Duration) {
    // Only the timeout can happen.
    let _ = timeout(time, pending::<()>()).await;
}
