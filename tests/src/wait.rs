//! Waiting with a deadline and without sleeping.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;

/// How long anything may take before it counts as failed. Far more than is needed, because test machines are busy.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A deadline of `limit` from now.
#[derive(Debug)]
pub struct Deadline {
    stopwatch: Stopwatch,
    limit: Duration,
}

impl Deadline {
    /// From now.
    pub fn after(limit: Duration) -> Self {
        Self { stopwatch: Stopwatch::start(), limit }
    }

    /// What is left; none if it is over.
    pub fn left(&self) -> Option<Duration> {
        self.limit.checked_sub(self.stopwatch.elapsed()).filter(|left| !left.is_zero())
    }
}

/// Lets `time` pass, on a channel that nothing is sent to.
pub fn pause(time: Duration) {
    let (_keep, nothing): (SyncSender<()>, Receiver<()>) = sync_channel(1);
    // Only the timeout can happen, because the sender is kept and never used.
    let _ = nothing.recv_timeout(time);
}

/// Looks again and again until `look` finds something. Fails after [`PATIENCE`], saying `what` did not happen.
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    within(PATIENCE, what, look)
}

/// Looks again and again until `look` finds something. Fails after `limit`, saying `what` did not happen.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let deadline = Deadline::after(limit);
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        anyhow::ensure!(deadline.left().is_some(), "waited {limit:?} in vain until {what}");
        pause(LOOK_EVERY);
    }
}
