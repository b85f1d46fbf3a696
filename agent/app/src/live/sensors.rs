//! The sensors' way to the incident loop.
//!
//! A value does not wait: the newest of each sensor lies in a place of its own, until the loop takes it. The loop is
//! woken by an event; where its queue is full, it is awake and looks by itself at its next turn. So the sensors' thread
//! never waits for the loop, and a burst of values takes no room from frames.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{Clock, SensorId, Timestamp};
use forewarn_hw::sensor::{self, ReadError, Running, SensorEvent, Sink};
use forewarn_telemetry::queue::{LeaveOut, Sender, Wait};

use super::LoopEvent;
use super::part::Part;
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::telemetry;

/// What is new of one sensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    /// The newest value and its time.
    pub value: Option<(f64, Timestamp)>,
    /// It can no longer be read, and why; or it can be again.
    pub turn: Option<Turn>,
}

/// A change in whether a sensor can be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// It can no longer be read.
    Failed(ReadError),
    /// It can be read again.
    Mended,
}

/// What is new of all sensors, one place for each.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    news: BTreeMap<SensorId, News>,
    /// Whether each sensor that was ever heard of can be read.
    is_readable: BTreeMap<SensorId, bool>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Places> {
        lock(&self.0)
    }

    /// Everything new, which is thereby taken.
    pub fn take(&self) -> BTreeMap<SensorId, News> {
        std::mem::take(&mut self.lock().news)
    }

    /// Puts in what was told. True if nothing was new of any sensor before, so that the loop must be woken.
    fn put(&self, event: SensorEvent) -> bool {
        let mut places = self.lock();
        let was_empty = places.news.is_empty();
        let (sensor, value, error) = match event {
            SensorEvent::Measured { sensor, value, at } => (sensor, Some((value, at)), None),
            SensorEvent::Failed { sensor, error, .. } => (sensor, None, Some(error)),
        };
        let was_readable = places.is_readable.insert(sensor.clone(), error.is_none()).unwrap_or(true);
        let news = places.news.entry(sensor.clone()).or_default();
        if value.is_some() && news.value.is_some() {
            telemetry::SENSOR_VALUES_REPLACED.of([&sensor]).increment(1);
        }
        news.value = value.or(news.value);
        news.turn = match (was_readable, error, news.turn.take()) {
            // What mends before anybody was told is not worth telling.
            (false, None, Some(Turn::Failed(_))) | (true, Some(_), Some(Turn::Mended)) => None,
            (false, None, _) => Some(Turn::Mended),
            (true, Some(error), _) => Some(Turn::Failed(error)),
            (_, _, turn) => turn,
        };
        let has_news = *news != News::default();
        if !has_news {
            places.news.remove(&sensor);
        }
        was_empty && has_news
    }
}

/// The thread that reads the sensors; none if the site has none.
pub struct Sensors(Option<Running>);

impl Sensors {
    /// Starts to read.
    pub fn start(
        site: &Site,
        clock: &Arc<dyn Clock>,
        mailbox: &Arc<Mailbox>,
        to_loop: &Sender<LoopEvent, Wait>,
    ) -> Result<Self, CommandError> {
        if site.sensors.is_empty() {
            return Ok(Self(None));
        }
        // Where the loop's queue has no room, the loop is awake and looks by itself.
        let (mailbox, wake) = (Arc::clone(mailbox), to_loop.with_policy::<LeaveOut>());
        let sink: Sink = Arc::new(move |event| {
            count(&event);
            if mailbox.put(event) {
                wake.put(LoopEvent::Sensor);
            }
        });
        let running = sensor::start(site.sensors.clone(), clock, &sink).or_exit(ExitCode::Failed)?;
        Ok(Self(Some(running)))
    }
}

impl Part for Sensors {
    fn name(&self) -> &'static str {
        "sensors"
    }

    fn is_broken(&self) -> bool {
        self.0.as_ref().is_some_and(|sensors| !sensors.is_running())
    }

    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        drop(self.0.take());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fume() -> SensorId {
        SensorId::new("fume").unwrap()
    }

    fn measured(value: f64, at_s: f64) -> SensorEvent {
        SensorEvent::Measured { sensor: fume(), value, at: Timestamp::from_secs_f64(at_s) }
    }

    fn failed(why: &str) -> SensorEvent {
        let error = ReadError::NoNumber { why: why.to_owned() };
        SensorEvent::Failed { sensor: fume(), error, at: Timestamp::ZERO }
    }

    fn taken(mailbox: &Mailbox) -> (Option<f64>, Option<Turn>) {
        mailbox.take().remove(&fume()).map(|n| (n.value.map(|(value, _)| value), n.turn)).unwrap_or_default()
    }

    #[test]
    fn the_newest_value_wins_and_the_loop_is_woken_once() {
        let mailbox = Mailbox::default();
        assert!(mailbox.put(measured(1.0, 1.0)));
        assert!(!mailbox.put(measured(2.0, 2.0)));
        assert_eq!(taken(&mailbox), (Some(2.0), None));
        assert_eq!(taken(&mailbox), (None, None));
        assert!(mailbox.put(measured(3.0, 3.0)));
    }

    #[test]
    fn a_failure_is_told_once_and_so_is_its_end() {
        let mailbox = Mailbox::default();
        assert!(mailbox.put(failed("a")));
        mailbox.put(failed("b"));
        let Some(Turn::Failed(error)) = taken(&mailbox).1 else { panic!("no failure was told") };
        assert!(error.to_string().contains('a'));
        assert!(!mailbox.put(failed("c")), "it is told already");
        assert!(mailbox.put(measured(1.0, 1.0)));
        assert_eq!(taken(&mailbox), (Some(1.0), Some(Turn::Mended)));
        mailbox.put(measured(1.0, 2.0));
        assert_eq!(taken(&mailbox), (Some(1.0), None));
        mailbox.put(failed("d"));
        mailbox.put(measured(2.0, 3.0));
        assert_eq!(taken(&mailbox), (Some(2.0), None), "it mended before anybody was told");
        mailbox.put(failed("e"));
        assert!(taken(&mailbox).1.is_some());
        mailbox.put(measured(3.0, 4.0));
        mailbox.put(failed("f"));
        assert_eq!(taken(&mailbox), (Some(3.0), None), "nobody was told that it had mended");
    }
}
