//! The instances that are passed over, in one file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use forewarn_analytics::suppression::Suppression;
use forewarn_base::durable;
use forewarn_base::sync::lock;
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{Clock, Timestamp, WallTime};
use forewarn_engine::Engine;

use crate::keeper::Keeper;

/// The list cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionsError {
    /// The file.
    #[error("failed to {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file's path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What stands in it.
    #[error("failed to read {}: {source}; fix it, or delete it to suppress nothing", path.display())]
    Damaged {
        /// The file's path.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// Reads the list; empty if there is no file.
pub fn read(path: &Path) -> Result<Vec<Suppression>, SuppressionsError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SuppressionsError::File { what: "read", path: path.to_owned(), source }),
    };
    serde_json::from_str(&text).map_err(|source| SuppressionsError::Damaged { path: path.to_owned(), source })
}

/// Replaces the list, in one step.
fn write(path: &Path, list: &[Suppression]) -> Result<(), SuppressionsError> {
    let text = serde_json::to_string_pretty(list).map_err(io::Error::from);
    text.and_then(|text| durable::replace(path, text.as_bytes())).map_err(|source| SuppressionsError::File {
        what: "write",
        path: path.to_owned(),
        source,
    })
}

/// Those who change the list of this process do so one after the other.
static CHANGING: Mutex<()> = Mutex::new(());

/// Adds an instance, and gives it a number. One that is there already, because it was suppressed by the same picture before,
/// keeps its number, and lasts as long as is said now.
pub fn add(path: &Path, one: Suppression) -> Result<Suppression, SuppressionsError> {
    let _alone = lock(&CHANGING);
    let mut list = read(path)?;
    let is_same = |there: &Suppression| {
        let what = |one: &Suppression| (one.camera.clone(), one.violation.clone(), one.class.clone(), one.bbox);
        what(there) == what(&one) && there.appearance == one.appearance
    };
    let there = list.iter().position(is_same);
    let id = there
        .and_then(|at| list.get(at))
        .map_or_else(|| list.iter().map(|other| other.id).max().unwrap_or(0) + 1, |there| there.id);
    let one = Suppression { id, ..one };
    if let Some(place) = there.and_then(|at| list.get_mut(at)) {
        *place = one.clone();
    } else {
        list.push(one.clone());
    }
    write(path, &list)?;
    Ok(one)
}

/// Takes the instance of this number out; false if there is none.
pub fn remove(path: &Path, number: u32) -> Result<bool, SuppressionsError> {
    let _alone = lock(&CHANGING);
    let mut list = read(path)?;
    let before = list.len();
    list.retain(|one| one.id != number);
    if list.len() == before {
        return Ok(false);
    }
    write(path, &list)?;
    Ok(true)
}

/// The file keeps what the clock on the wall showed. A suppression lasts as long as it was to last, whatever is done to
/// the clock.
fn on_the_time_line(one: Suppression, now: Timestamp, clock: &dyn Clock) -> Suppression {
    let from = now - clock.age(WallTime::from_micros(one.from.as_micros()));
    Suppression { until: from + one.until.since(one.from), from, ..one }
}

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The list as it was last found in the file, or why it cannot be read; none if it was taken already.
type Found = Arc<Mutex<Option<Result<Vec<Suppression>, String>>>>;

/// Passes over what operators suppress while the agent runs. A thread of its own reads the file, so that a disk that has
/// stalled holds up nobody who decides.
pub struct SuppressionsFile {
    clock: Arc<dyn Clock>,
    /// Is told how many there are.
    count: fn(usize),
    found: Found,
    trouble: Option<String>,
    /// The thread ends when this is dropped. Nobody waits for it.
    _is_watched: SyncSender<()>,
}

impl SuppressionsFile {
    /// Watches a file; what is there already counts as a change. `count` is told how many instances are suppressed.
    pub fn watch(path: PathBuf, clock: Arc<dyn Clock>, count: fn(usize)) -> Result<Self, ThreadError> {
        let (is_watched, end) = sync_channel(1);
        let found = Found::default();
        let shelf = Arc::clone(&found);
        let _thread = Thread::spawn("suppressions", move || {
            let mut seen: Option<SystemTime> = None;
            loop {
                let modified = fs::metadata(&path).and_then(|meta| meta.modified()).ok();
                if modified != seen {
                    seen = modified;
                    let list = read(&path).map_err(|error| error.to_string());
                    *lock(&shelf) = Some(list);
                }
                if end.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { clock, count, found, trouble: None, _is_watched: is_watched })
    }
}

impl Keeper for SuppressionsFile {
    fn name(&self) -> &'static str {
        "suppressions"
    }

    /// Hands the list over if it has changed. A file that cannot be read changes nothing.
    fn turn(&mut self, engine: &mut Engine, now: Timestamp) {
        let Some(list) = lock(&self.found).take() else { return };
        self.trouble = list.as_ref().err().map(|error| format!("{error}; what was suppressed before stays so"));
        if let Ok(list) = list {
            tracing::info!("{} instances are suppressed, {} hits were so far", list.len(), engine.passed_over());
            (self.count)(list.len());
            engine.suppress(list.into_iter().map(|one| on_the_time_line(one, now, &*self.clock)).collect());
        }
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use forewarn_analytics::suppression::Appearance;
    use forewarn_domain::clock::{Stopwatch, UnknownCivilTime};
    use forewarn_domain::{BBox, Class, ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId};
    use forewarn_engine::EngineSetup;

    use super::*;

    /// A clock that was set forward by a year, of which an hour is over.
    struct Ahead;

    const HOUR: Duration = Duration::from_hours(1);

    impl Clock for Ahead {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs_f64(7200.0)
        }

        fn age(&self, stamp: WallTime) -> Duration {
            Duration::from_secs_f64(7200.0 - stamp.as_secs_f64())
        }
    }

    #[test]
    fn a_disk_that_has_stalled_holds_up_nobody_who_decides() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("suppressions.json");
        // Whoever reads it waits until somebody writes.
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut engine = Engine::new(EngineSetup::default(), Arc::new(UnknownCivilTime));
        let mut keeper = SuppressionsFile::watch(path.clone(), Arc::new(Ahead), |_| {}).unwrap();
        keeper.turn(&mut engine, Timestamp::ZERO);
        assert_eq!(keeper.trouble(), None);
        fs::write(&path, "[{").unwrap();
        let watch = Stopwatch::start();
        while keeper.trouble().is_none() && watch.elapsed() < Duration::from_mins(1) {
            keeper.turn(&mut engine, Timestamp::ZERO);
            std::thread::yield_now();
        }
        assert!(keeper.trouble().unwrap().ends_with("what was suppressed before stays so"));
    }

    fn grey_one() -> Suppression {
        let meta = FrameMeta {
            stream: StreamId::new("gate").unwrap(),
            sequence: 0,
            captured_at: Timestamp::ZERO,
            arrived_at: Timestamp::ZERO,
        };
        let grey = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (4, 4), vec![90; 48]).unwrap();
        Suppression {
            id: 1,
            camera: StreamId::new("gate").unwrap(),
            violation: None,
            class: Class::new("person"),
            bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
            appearance: Appearance::of(&grey, BBox::new(0.0, 0.0, 4.0, 4.0)).unwrap(),
            from: Timestamp::from_secs_f64(3600.0),
            until: Timestamp::from_secs_f64(3600.0) + HOUR * 24,
            note: String::new(),
        }
    }

    #[test]
    fn a_suppression_lasts_as_long_as_it_was_to_last() {
        let now = Timestamp::from_secs_f64(9e9);
        let placed = on_the_time_line(grey_one(), now, &Ahead);
        assert_eq!((now.since(placed.from), placed.until.since(now)), (HOUR, HOUR * 23));
    }

    #[test]
    fn whoever_is_suppressed_twice_is_one_and_lasts_as_was_said_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("suppressions.json");
        assert_eq!(add(&path, grey_one()).unwrap().id, 1);
        let elsewhere = Suppression { bbox: BBox::new(0.5, 0.0, 1.0, 1.0), ..grey_one() };
        assert_eq!(add(&path, elsewhere.clone()).unwrap().id, 2);
        let longer = Suppression { until: grey_one().until + HOUR, note: "the statue".to_owned(), ..grey_one() };
        assert_eq!(add(&path, longer.clone()).unwrap(), longer);
        assert_eq!(read(&path).unwrap(), [longer, Suppression { id: 2, ..elsewhere }]);
        assert!(remove(&path, 1).unwrap() && !remove(&path, 1).unwrap());
    }
}
