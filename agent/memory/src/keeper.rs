//! Those who keep something beside incidents while the agent runs: over a restart, for statistics, from a file that
//! people change; or who keep an eye on the process.
//!
//! A keeper that fails holds nothing else back. It says what its trouble is, and the incident loop tells it once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::durable;
use forewarn_domain::{Frame, Timestamp, Track};
use forewarn_engine::Engine;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shelf::Shelf;

/// Keeps something of a running engine.
pub trait Keeper: Send {
    /// What it keeps, for those who read of its trouble.
    fn name(&self) -> &'static str;

    /// Takes the tracks of an analysed frame.
    fn observe(&mut self, _frame: &Frame, _tracks: &[Track]) {}

    /// Does what is due.
    fn turn(&mut self, engine: &mut Engine, now: Timestamp);

    /// Keeps what there is: the agent stops.
    fn finish(&mut self, _engine: &mut Engine, _now: Timestamp) {}

    /// What went wrong when it last did something; none if it went well.
    fn trouble(&self) -> Option<String>;
}

/// Says when something that is done every so often is due.
#[derive(Debug)]
pub struct Due {
    every: Duration,
    done_at: Option<Timestamp>,
}

impl Due {
    /// At once, and then at intervals of `every`.
    pub fn every(every: Duration) -> Self {
        Self { every, done_at: None }
    }

    /// Whether it is due; if so it counts as done.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let is_due = self.done_at.is_none_or(|at| now.since(at) >= self.every);
        if is_due {
            self.done_at = Some(now);
        }
        is_due
    }
}

/// A value that is kept in a file, which is replaced as a whole when the value has changed.
#[derive(Debug)]
pub struct Kept<T> {
    path: PathBuf,
    /// What the file holds, as far as it is known.
    written: Option<T>,
    trouble: Option<String>,
    shelf: Shelf,
}

impl<T: Serialize + DeserializeOwned + PartialEq + Clone> Kept<T> {
    /// Reads the value. None if the file is not there; none with a trouble if it cannot be used, of which
    /// `consequence` is the end of the sentence.
    pub fn open(path: PathBuf, consequence: &str) -> Self {
        let (written, trouble) = match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(value) => (Some(value), None),
                Err(error) => (None, Some(format!("{} is damaged ({error}); {consequence}", path.display()))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
            Err(error) => (None, Some(format!("failed to read {}: {error}; {consequence}", path.display()))),
        };
        Self { path, written, trouble, shelf: Shelf::at_once() }
    }

    /// Writes through `shelf` from now on.
    #[must_use]
    pub fn on(mut self, shelf: &Shelf) -> Self {
        self.shelf = shelf.clone();
        self
    }

    /// The value as it was last read or written.
    pub fn value(&self) -> Option<&T> {
        self.written.as_ref()
    }

    /// Writes `value` if it is another.
    pub fn keep(&mut self, value: &T) {
        if self.written.as_ref() == Some(value) {
            return;
        }
        let failed = |path: &Path, error: io::Error| format!("failed to write {}: {error}", path.display());
        let path = self.path.clone();
        let put = match serde_json::to_vec(value) {
            Ok(json) => {
                self.shelf.put(&self.path, move || durable::replace(&path, &json).map_err(|error| failed(&path, error)))
            }
            Err(error) => Err(failed(&path, error.into())),
        };
        self.trouble = put.err();
        if self.trouble.is_none() {
            self.written = Some(value.clone());
        }
    }

    /// What went wrong when it was last read or written.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.clone().or_else(|| self.shelf.trouble(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_due_at_once_and_then_at_its_interval() {
        let at = Timestamp::from_secs_f64;
        let mut due = Due::every(Duration::from_secs(30));
        assert_eq!([0.0, 29.0, 30.0, 31.0, 60.0].map(|s| due.take(at(s))), [true, false, true, false, true]);
    }

    #[test]
    fn a_value_is_found_again_and_damage_is_a_trouble_until_it_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("value.json");
        let open = || Kept::<Vec<u8>>::open(path.clone(), "counting begins anew");
        let mut kept = open();
        assert_eq!((kept.value(), kept.trouble()), (None, None));
        kept.keep(&vec![1, 2]);
        assert_eq!(open().value(), Some(&vec![1, 2]));
        fs::write(&path, "[1,").unwrap();
        let mut damaged = open();
        assert_eq!(damaged.value(), None);
        let trouble = damaged.trouble().unwrap();
        assert!(trouble.contains("value.json is damaged") && trouble.ends_with("counting begins anew"), "{trouble}");
        damaged.keep(&vec![3]);
        assert_eq!((damaged.trouble(), open().value()), (None, Some(&vec![3])));
    }

    #[test]
    fn a_disk_that_refuses_is_a_trouble_and_the_value_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("away");
        let mut kept = Kept::<u8>::open(folder.join("value.json"), "");
        kept.keep(&7);
        assert!(kept.trouble().unwrap().contains("failed to write"));
        fs::create_dir(&folder).unwrap();
        kept.keep(&7);
        assert_eq!((kept.trouble(), kept.value()), (None, Some(&7)));
    }
}
