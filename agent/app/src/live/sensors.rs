//! The sensors' way to the incident loop.
//!
//! A value does not wait: the newest of each sensor lies in a place of its own, until the loop takes it. The loop is
//! woken by an event; where its queue is full, it is awake and looks by itself at its next turn. So the sensors' thread
//! never waits for the loop, and a burst of values takes no room from frames.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{Clock, SensorId};
use forewarn_hw::Sensor;
use forewarn_hw::sensor::{self, Mailbox, Running, SensorEvent, Sink};
use forewarn_telemetry::queue::{LeaveOut, Sender, Wait};

use super::LoopEvent;
use super::part::Part;
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::telemetry;

/// The thread that reads the sensors; none if the site has none. Clones are the same one.
#[derive(Clone)]
pub struct Sensors {
    running: Arc<Mutex<Option<Running>>>,
    clock: Arc<dyn Clock>,
    mailbox: Arc<Mailbox>,
    sink: Sink,
}

impl Sensors {
    /// Starts to read.
    pub fn start(
        site: &Site,
        clock: &Arc<dyn Clock>,
        mailbox: &Arc<Mailbox>,
        to_loop: &Sender<LoopEvent, Wait>,
    ) -> Result<Self, CommandError> {
        // Where the loop's queue has no room, the loop is awake and looks by itself.
        let (of_sink, wake) = (Arc::clone(mailbox), to_loop.with_policy::<LeaveOut>());
        let sink: Sink = Arc::new(move |event| {
            count(&event);
            if of_sink.put(event, |sensor| telemetry::SENSOR_VALUES_REPLACED.of([sensor]).increment(1)) {
                wake.put(LoopEvent::Sensor);
            }
        });
        let (clock, mailbox) = (Arc::clone(clock), Arc::clone(mailbox));
        let sensors = Self { running: Arc::default(), clock, mailbox, sink };
        sensors.adopt(&site.sensors, &BTreeSet::new())?;
        Ok(sensors)
    }

    /// Reads these from now on; of those that were read before only `changed` begin anew.
    pub fn adopt(&self, sensors: &[Sensor], changed: &BTreeSet<SensorId>) -> Result<(), CommandError> {
        let mut running = lock(&self.running);
        match &*running {
            Some(running) => running.adopt(sensors, changed),
            None if sensors.is_empty() => {}
            None => *running = Some(sensor::start(sensors, &self.clock, &self.sink).or_exit(ExitCode::Failed)?),
        }
        drop(running);
        self.mailbox.forget(changed);
        Ok(())
    }
}

impl Part for Sensors {
    fn name(&self) -> &'static str {
        "sensors"
    }

    fn is_broken(&self) -> bool {
        lock(&self.running).as_ref().is_some_and(|sensors| !sensors.is_running())
    }

    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        drop(lock(&self.running).take());
        Ok(())
    }
}

fn count(event: &SensorEvent) {
    match event {
        SensorEvent::Measured { sensor, value, .. } => {
            telemetry::SENSOR_VALUE.of([sensor]).set(*value);
            telemetry::SENSOR_READINGS.of([sensor]).increment(1);
        }
        SensorEvent::Failed { sensor, error, .. } => {
            tracing::debug!(%sensor, %error, "no value");
            telemetry::SENSOR_ERRORS.of([sensor]).increment(1);
        }
    }
}
