//! What is new of the telemetry of each camera, for somebody who looks at it in turn with other things.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use forewarn_base::landing;
use forewarn_base::sync::lock;
use forewarn_domain::{StreamId, Timestamp};
use forewarn_ground::Sample;

/// Samples of one camera that may wait: ten seconds of a quick autopilot.
pub const MOST_SAMPLES: usize = 256;

/// Said where nothing that comes can be meant.
const WILD: &str = "what comes is impossible, and is passed over";
/// Nothing that can be meant for so long is told.
const WILD_FOR_US: i64 = 5_000_000;

/// What is new of one camera's telemetry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct News {
    /// The samples, the oldest first.
    pub samples: VecDeque<Sample>,
    /// Older ones that were given up because nobody took them in time.
    pub n_dropped: u64,
    /// Those that said what cannot be, and were passed over.
    pub n_wild: u64,
}

/// How a vehicle fares, as it tells; none of what it does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vehicle {
    /// What its battery has left, in percent.
    pub left_percent: Option<u8>,
    /// Whether it stands on the ground.
    pub is_landed: Option<bool>,
}

/// What a vehicle told longer ago is not known any more.
const VEHICLE_FOR_US: i64 = 30_000_000;

#[derive(Debug, Default)]
struct Places {
    news: BTreeMap<StreamId, News>,
    /// The cameras without telemetry, and why.
    failing: BTreeMap<StreamId, String>,
    /// When each told what can be.
    sound_at: BTreeMap<StreamId, Timestamp>,
    vehicles: BTreeMap<StreamId, (Timestamp, Vehicle)>,
}

/// What is new of all cameras.
#[derive(Debug, Default)]
pub struct Mailbox {
    places: Mutex<Places>,
    came: Condvar,
}

impl Mailbox {
    /// Everything new, which is thereby taken.
    pub fn take(&self) -> BTreeMap<StreamId, News> {
        std::mem::take(&mut lock(&self.places).news)
    }

    /// Puts in samples; the oldest that wait are given up where there is no room. What cannot be is passed over, and where
    /// nothing else comes, that is the trouble, told with the first value.
    pub(super) fn put(&self, stream: &StreamId, mut samples: Vec<Sample>) {
        let (n_told, wild) = (samples.len(), samples.iter().rev().find(|sample| !sample.is_sound()).copied());
        samples.retain(Sample::is_sound);
        let mut places = lock(&self.places);
        if let Some(last) = samples.last() {
            places.sound_at.insert(stream.clone(), last.at);
            places.failing.remove(stream);
        } else if let Some(wild) = wild {
            let is_passing = places.sound_at.get(stream).is_some_and(|at| wild.at.micros_since(*at) < WILD_FOR_US);
            let is_told = places.failing.get(stream).is_some_and(|told| told.starts_with(WILD));
            if !is_passing && !is_told {
                let what = wild.impossible().unwrap_or_else(|| "no place".to_owned());
                places.failing.insert(stream.clone(), format!("{WILD}: {what}"));
            }
        }
        let news = places.news.entry(stream.clone()).or_default();
        news.n_wild += (n_told - samples.len()) as u64;
        news.samples.extend(samples);
        let n_over = news.samples.len().saturating_sub(MOST_SAMPLES);
        news.samples.drain(..n_over);
        news.n_dropped += n_over as u64;
        drop(places);
        self.came.notify_all();
    }

    /// Says how a vehicle fares.
    pub(super) fn tell_vehicle(&self, stream: &StreamId, vehicle: Vehicle, now: Timestamp) {
        if let Some(is_landed) = vehicle.is_landed {
            landing::tell(stream.as_str(), is_landed);
        }
        lock(&self.places).vehicles.insert(stream.clone(), (now, vehicle));
    }

    /// How the vehicles of the cameras fare that told of late.
    pub fn vehicles(&self, now: Timestamp) -> BTreeMap<StreamId, Vehicle> {
        let places = lock(&self.places);
        let fresh = places.vehicles.iter().filter(|(_, (at, _))| now.micros_since(*at) < VEHICLE_FOR_US);
        fresh.map(|(stream, (_, vehicle))| (stream.clone(), *vehicle)).collect()
    }

    /// Says why none come, until some do.
    pub(super) fn fail(&self, stream: &StreamId, why: &str) {
        lock(&self.places).failing.insert(stream.clone(), why.to_owned());
    }

    /// Why that of one camera does not come.
    pub(super) fn why(&self, stream: &StreamId) -> Option<String> {
        lock(&self.places).failing.get(stream).cloned()
    }

    /// Why the telemetry of some cameras does not come, in words; none while all comes.
    pub fn trouble(&self) -> Option<String> {
        let places = lock(&self.places);
        let told: Vec<String> = places.failing.iter().map(|(camera, why)| format!("camera {camera}: {why}")).collect();
        (!told.is_empty()).then(|| format!("no telemetry of {}", told.join("; of ")))
    }

    /// Knows nothing of a camera any more.
    pub(super) fn forget(&self, stream: &StreamId) {
        let mut places = lock(&self.places);
        places.news.remove(stream);
        places.failing.remove(stream);
        places.sound_at.remove(stream);
        places.vehicles.remove(stream);
        landing::forget(stream.as_str());
    }

    /// Waits until a sample is there. False if none comes in time.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let is_empty = |places: &mut Places| places.news.values().all(|news| news.samples.is_empty());
        let waited = self.came.wait_timeout_while(lock(&self.places), patience, is_empty);
        waited.is_ok_and(|(_, timeout)| !timeout.timed_out())
    }
}

/// Where the last sample was.
pub(super) fn place(last: &Sample) -> String {
    let at = last.position;
    format!("the last at {:.6}, {:.6}, {:.1} m, zoom {:.1}", at.lat_deg, at.lon_deg, at.height_m, last.zoom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use forewarn_ground::{Aim, Position, attitude};

    fn drone() -> StreamId {
        StreamId::new("drone").unwrap()
    }

    fn samples(from: usize, n: usize) -> Vec<Sample> {
        let position = Position { lat_deg: 30.0, lon_deg: 120.0, height_m: 40.0 };
        let aim = Aim::Earth(attitude(0.0, -90.0, 0.0));
        let sample = |i| Sample { at: Timestamp::from_secs_f64(i as f64), position, vehicle: None, aim, zoom: 1.0 };
        (from..from + n).map(sample).collect()
    }

    #[test]
    fn the_newest_win_and_what_is_given_up_is_counted() {
        let mailbox = Mailbox::default();
        mailbox.put(&drone(), samples(0, 200));
        mailbox.put(&drone(), samples(200, 100));
        let news = mailbox.take().remove(&drone()).unwrap();
        assert_eq!((news.samples.len(), news.n_dropped), (MOST_SAMPLES, 44));
        assert_eq!(news.samples[0].at, Timestamp::from_secs_f64(44.0));
        assert!(mailbox.take().is_empty());
    }

    #[test]
    fn what_a_vehicle_says_of_landing_is_told_to_the_box() {
        let (mailbox, drone) = (Mailbox::default(), StreamId::new("lander").unwrap());
        let tell = |is_landed| {
            let vehicle = Vehicle { is_landed, ..Vehicle::default() };
            mailbox.tell_vehicle(&drone, vehicle, Timestamp::from_secs_f64(1.0));
        };
        tell(Some(false));
        assert!(!landing::is_told_of_all());
        // One that flies and says nothing of it for a while is in the air.
        tell(None);
        assert!(!landing::is_told_of_all());
        mailbox.forget(&drone);
    }

    #[test]
    fn what_cannot_be_is_counted_and_nobody_gets_it() {
        let mailbox = Mailbox::default();
        let wild =
            |lat_deg: f64| move |sample: Sample| Sample { position: Position { lat_deg, ..sample.position }, ..sample };
        let put = |from, n, lat_deg| mailbox.put(&drone(), samples(from, n).into_iter().map(wild(lat_deg)).collect());
        put(0, 3, 95.0);
        put(3, 1, 96.0);
        // The first value stays, so that it is told once.
        let told = "no telemetry of camera drone: what comes is impossible, and is passed over: latitude 95.0000000";
        assert_eq!(mailbox.trouble().as_deref(), Some(told));
        mailbox.put(&drone(), [samples(4, 1), samples(5, 1).into_iter().map(wild(f64::NAN)).collect()].concat());
        put(6, 1, 95.0);
        assert_eq!(mailbox.trouble(), None, "one among others is no outage");
        let news = mailbox.take().remove(&drone()).unwrap();
        assert_eq!((news.samples.len(), news.n_wild), (1, 6));
        put(10, 1, 95.0);
        assert!(mailbox.trouble().is_some(), "nothing else for 5 s");
    }

    #[test]
    fn a_failure_lasts_until_a_sample_comes_or_nobody_wants_any() {
        let mailbox = Mailbox::default();
        assert_eq!(mailbox.trouble(), None);
        mailbox.fail(&drone(), "no link");
        mailbox.fail(&drone(), "another system");
        assert_eq!(mailbox.trouble().as_deref(), Some("no telemetry of camera drone: another system"));
        mailbox.put(&drone(), samples(0, 1));
        assert_eq!(mailbox.trouble(), None);
        mailbox.fail(&drone(), "no link");
        mailbox.forget(&drone());
        assert_eq!((mailbox.trouble(), mailbox.take().len()), (None, 0));
    }
}
