//! What every live source works with: the time, whom it tells, and whether it is to go on.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex};

use forewarn_base::backoff::{Backoff, BackoffLimits, seed_of};
use forewarn_base::sync::lock;
use forewarn_domain::{Clock, StreamId, Timestamp};
use forewarn_ground::Sample;

use super::mailbox::{Mailbox, Vehicle};

/// No telemetry for so long is told.
const SILENT_US: i64 = 5_000_000;
/// What is missing may change with every message; it is told anew no sooner.
const TOLD_FOR_US: i64 = 60_000_000;

/// How many of each message came, by name.
pub(super) type Counts = Vec<(&'static str, u64)>;

/// What a source works with: the time, whom it tells, and whether it is to go on.
pub(super) struct Hearing {
    stream: StreamId,
    pub(super) clock: Arc<dyn Clock>,
    mailbox: Arc<Mailbox>,
    counts: Arc<Mutex<Counts>>,
    stop: Receiver<()>,
    backoff: Backoff,
    latest: Timestamp,
    /// When it was last told why none come, of an outage that goes on.
    told_at: Option<Timestamp>,
}

impl Hearing {
    /// What the source of a stream's telemetry works with until `stop` is dropped at its other end.
    pub(super) fn new(
        stream: &StreamId,
        clock: &Arc<dyn Clock>,
        mailbox: &Arc<Mailbox>,
        counts: &Arc<Mutex<Counts>>,
        stop: Receiver<()>,
    ) -> Self {
        Self {
            stream: stream.clone(),
            clock: Arc::clone(clock),
            mailbox: Arc::clone(mailbox),
            counts: Arc::clone(counts),
            stop,
            backoff: Backoff::new(BackoffLimits::USUAL, seed_of(stream.as_str(), 17)),
            latest: clock.now(),
            told_at: None,
        }
    }

    /// Whether nobody wants telemetry any more.
    pub(super) fn is_over(&self) -> bool {
        self.stop.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Samples came, or none at this turn; `why` says what is missing where none come for long.
    pub(super) fn take(&mut self, samples: Vec<Sample>, why: impl FnOnce() -> String) {
        let now = self.clock.now();
        if !samples.is_empty() {
            (self.latest, self.told_at) = (now, None);
            self.backoff.reset();
            self.mailbox.put(&self.stream, samples);
        } else if now.micros_since(self.latest) >= SILENT_US
            && self.told_at.is_none_or(|at| now.micros_since(at) >= TOLD_FOR_US)
        {
            self.told_at = Some(now);
            self.mailbox.fail(&self.stream, &why());
        }
    }

    /// How the vehicle fares.
    pub(super) fn tell_vehicle(&self, vehicle: Vehicle) {
        self.mailbox.tell_vehicle(&self.stream, vehicle, self.clock.now());
    }

    pub(super) fn count(&self, counts: Counts) {
        *lock(&self.counts) = counts;
    }

    /// The connection is gone, or there was none. False if it is not to be made anew.
    pub(super) fn failed(&mut self, why: &str) -> bool {
        self.told_at = None;
        self.mailbox.fail(&self.stream, why);
        self.stop.recv_timeout(self.backoff.next_wait()) == Err(RecvTimeoutError::Timeout)
    }
}
