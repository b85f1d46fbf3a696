//! What is new of each sensor, for somebody who looks at it in turn with other things.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use forewarn_base::sync::lock;
use forewarn_domain::{SensorId, Timestamp};

use super::{ReadError, SensorEvent};

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
    /// The sensors that cannot be read, and the kinds of trouble of each since it last could: each is told once, so that
    /// troubles that take turns are no news for ever.
    failing: BTreeMap<SensorId, BTreeSet<&'static str>>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Places> {
        lock(&self.0)
    }

    /// Knows nothing of these any more: they are gone, or others by the same name.
    pub fn forget(&self, sensors: &BTreeSet<SensorId>) {
        let mut places = self.lock();
        places.news.retain(|sensor, _| !sensors.contains(sensor));
        places.failing.retain(|sensor, _| !sensors.contains(sensor));
    }

    /// Everything new, which is thereby taken.
    pub fn take(&self) -> BTreeMap<SensorId, News> {
        std::mem::take(&mut self.lock().news)
    }

    /// Puts in what was told. `on_replaced` is called where a value was not taken before a newer one came. True if nothing
    /// was new of any sensor before, so that whoever looks must be woken.
    pub fn put(&self, event: SensorEvent, on_replaced: impl FnOnce(&SensorId)) -> bool {
        let mut places = self.lock();
        let was_empty = places.news.is_empty();
        let (sensor, value, error) = match event {
            SensorEvent::Measured { sensor, value, at } => (sensor, Some((value, at)), None),
            SensorEvent::Failed { sensor, error, .. } => (sensor, None, Some(error)),
        };
        let was_readable = !places.failing.contains_key(&sensor);
        let is_other = match &error {
            Some(error) => places.failing.entry(sensor.clone()).or_default().insert(error.kind()),
            None => places.failing.remove(&sensor).is_none(),
        };
        let news = places.news.entry(sensor.clone()).or_default();
        if value.is_some() && news.value.is_some() {
            on_replaced(&sensor);
        }
        news.value = value.or(news.value);
        news.turn = match (was_readable, error, news.turn.take()) {
            // What mends before anybody was told is not worth telling.
            (false, None, Some(Turn::Failed(_))) | (true, Some(_), Some(Turn::Mended)) => None,
            (false, None, _) => Some(Turn::Mended),
            (true, Some(error), _) => Some(Turn::Failed(error)),
            // Another trouble is in front now, and that is the one to be mended.
            (false, Some(error), _) if is_other => Some(Turn::Failed(error)),
            (_, _, turn) => turn,
        };
        let has_news = *news != News::default();
        if !has_news {
            places.news.remove(&sensor);
        }
        was_empty && has_news
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

    fn put(mailbox: &Mailbox, event: SensorEvent) -> bool {
        mailbox.put(event, |_| {})
    }

    fn taken(mailbox: &Mailbox) -> (Option<f64>, Option<Turn>) {
        mailbox.take().remove(&fume()).map(|n| (n.value.map(|(value, _)| value), n.turn)).unwrap_or_default()
    }

    #[test]
    fn the_newest_value_wins_and_the_loop_is_woken_once() {
        let mailbox = Mailbox::default();
        assert!(put(&mailbox, measured(1.0, 1.0)));
        assert!(!put(&mailbox, measured(2.0, 2.0)));
        assert_eq!(taken(&mailbox), (Some(2.0), None));
        assert_eq!(taken(&mailbox), (None, None));
        assert!(put(&mailbox, measured(3.0, 3.0)));
    }

    #[test]
    fn a_failure_is_told_once_and_so_is_its_end() {
        let mailbox = Mailbox::default();
        assert!(put(&mailbox, failed("a")));
        put(&mailbox, failed("b"));
        let Some(Turn::Failed(error)) = taken(&mailbox).1 else { panic!("no failure was told") };
        assert!(error.to_string().contains('a'));
        assert!(!put(&mailbox, failed("c")), "it is told already");
        assert!(put(&mailbox, measured(1.0, 1.0)));
        assert_eq!(taken(&mailbox), (Some(1.0), Some(Turn::Mended)));
        put(&mailbox, measured(1.0, 2.0));
        assert_eq!(taken(&mailbox), (Some(1.0), None));
        put(&mailbox, failed("d"));
        put(&mailbox, measured(2.0, 3.0));
        assert_eq!(taken(&mailbox), (Some(2.0), None), "it mended before anybody was told");
        put(&mailbox, failed("e"));
        assert!(taken(&mailbox).1.is_some());
        put(&mailbox, measured(3.0, 4.0));
        put(&mailbox, failed("f"));
        assert_eq!(taken(&mailbox), (Some(3.0), None), "nobody was told that it had mended");
    }

    #[test]
    fn each_kind_of_trouble_is_told_once_until_it_mends() {
        let mailbox = Mailbox::default();
        let peer = || "b:1883".to_owned();
        let of = |error| SensorEvent::Failed { sensor: fume(), error, at: Timestamp::ZERO };
        let lost = |why: &str| of(ReadError::Connect { peer: peer(), why: why.to_owned() });
        put(&mailbox, failed("the message is \"1.5 mg\""));
        assert!(taken(&mailbox).1.is_some());
        put(&mailbox, failed("the message is \"1.6 mg\""));
        assert_eq!(taken(&mailbox).1, None, "other words of the same trouble");
        assert!(put(&mailbox, lost("connection refused")));
        let Some(Turn::Failed(error)) = taken(&mailbox).1 else { panic!("the other trouble was not told") };
        assert_eq!(error.to_string(), "no connection to b:1883: connection refused");
        for _ in 0..100 {
            put(&mailbox, of(ReadError::Refused { peer: peer(), why: "it".to_owned() }));
            put(&mailbox, lost("no route"));
        }
        assert!(matches!(taken(&mailbox).1, Some(Turn::Failed(ReadError::Refused { .. }))));
        assert!(!put(&mailbox, lost("no route")), "they take turns");
        put(&mailbox, measured(1.0, 1.0));
        assert_eq!(taken(&mailbox), (Some(1.0), Some(Turn::Mended)));
        assert!(put(&mailbox, lost("connection refused")), "told anew after it was read");
    }

    #[test]
    fn a_sensor_that_was_forgotten_fails_anew() {
        let mailbox = Mailbox::default();
        put(&mailbox, failed("a"));
        assert!(taken(&mailbox).1.is_some());
        mailbox.forget(&[fume()].into());
        assert!(put(&mailbox, failed("a")), "another by the same name is told");
    }
}
