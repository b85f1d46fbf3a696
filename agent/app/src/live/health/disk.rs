//! Whether the disk answers, and how much room it has.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_console::{PartNow, words};
use forewarn_domain::clock::Stopwatch;
use forewarn_evidence::{FreeSpace as _, StatvfsSpace};

/// With less room than this a disk is about to refuse.
const LEAST_FREE: u64 = 32 << 20;
/// A disk that has not answered for so long has stalled.
const STALLED_AFTER: Duration = Duration::from_secs(10);

const PART: &str = "disk";

/// The disk of the storage directory. One thread looks, which may have to wait; nobody else does.
pub(super) struct Disk {
    storage: PathBuf,
    asked: Mutex<Option<Stopwatch>>,
    answer: Mutex<Option<Result<u64, String>>>,
}

impl Disk {
    pub(super) fn at(storage: PathBuf) -> Self {
        Self { storage, asked: Mutex::default(), answer: Mutex::default() }
    }

    /// Asks it, which may take for ever.
    pub(super) fn look(&self) {
        *lock(&self.asked) = Some(Stopwatch::start());
        let free = StatvfsSpace.free_bytes(&self.storage).map_err(|error| error.to_string());
        *lock(&self.answer) = Some(free);
        *lock(&self.asked) = None;
    }

    /// How it fares, by its latest answer.
    pub(super) fn now(&self) -> PartNow {
        let waited = lock(&self.asked).as_ref().map(Stopwatch::elapsed);
        judge(waited, lock(&self.answer).as_ref())
    }
}

fn judge(waited: Option<Duration>, answer: Option<&Result<u64, String>>) -> PartNow {
    if let Some(waited) = waited.filter(|waited| *waited >= STALLED_AFTER) {
        return PartNow::trouble(PART, words::no_answer(waited.as_secs()), words::LOOK_AT_DISK);
    }
    match answer {
        None => PartNow::ok(PART, words::NOT_ASKED),
        Some(Err(error)) => PartNow::trouble(PART, words::trouble(error), words::MOUNT_IT),
        Some(Ok(free)) if *free < LEAST_FREE => PartNow::trouble(PART, words::mib_free(free >> 20), words::MAKE_ROOM),
        Some(Ok(free)) => PartNow::ok(PART, words::gib_free(*free as f64 / f64::from(1 << 30))),
    }
}

#[cfg(test)]
mod tests {
    use forewarn_console::PartState;

    use super::*;

    #[test]
    fn a_disk_that_does_not_answer_or_is_full_is_a_trouble() {
        let state = |waited, answer: Option<Result<u64, String>>| judge(waited, answer.as_ref()).state;
        assert_eq!(state(None, None), PartState::Ok);
        assert_eq!(state(None, Some(Ok(LEAST_FREE))), PartState::Ok);
        assert_eq!(state(None, Some(Ok(LEAST_FREE - 1))), PartState::Trouble);
        assert_eq!(state(None, Some(Err("gone".to_owned()))), PartState::Trouble);
        assert_eq!(state(Some(STALLED_AFTER / 2), Some(Ok(u64::MAX))), PartState::Ok);
        assert_eq!(state(Some(STALLED_AFTER), Some(Ok(u64::MAX))), PartState::Trouble);
    }
}
