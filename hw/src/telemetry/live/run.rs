//! The thread of one camera's telemetry.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::backoff::{Backoff, BackoffLimits, seed_of};
use forewarn_base::sync::lock;
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{Clock, StreamId, Timestamp};
use forewarn_ground::Sample;

use super::mailbox::Mailbox;
use super::{LiveGiven, LiveSource, dji, mavlink};

/// No telemetry for so long is told.
const SILENT_US: i64 = 5_000_000;
/// So long a probe counts what comes.
const COUNTED: Duration = Duration::from_secs(3);

/// The running thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    go_on: Option<SyncSender<()>>,
    thread: Thread,
    of: (StreamId, Arc<Mailbox>),
}

impl Running {
    /// Whether the thread has ended though nobody stopped it.
    pub fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.go_on.take());
        if let Err(error) = self.thread.join() {
            tracing::error!("{error}");
        }
        let (stream, mailbox) = &self.of;
        mailbox.forget(stream);
    }
}

/// Listens to a source from now on.
pub fn start(
    stream: &StreamId,
    source: LiveSource,
    given: LiveGiven,
    clock: &Arc<dyn Clock>,
    mailbox: &Arc<Mailbox>,
) -> Result<Running, ThreadError> {
    begin(stream, source, given, clock, mailbox, &Arc::default())
}

fn begin(
    stream: &StreamId,
    source: LiveSource,
    given: LiveGiven,
    clock: &Arc<dyn Clock>,
    mailbox: &Arc<Mailbox>,
    counts: &Arc<Mutex<Counts>>,
) -> Result<Running, ThreadError> {
    let (go_on, stop) = sync_channel(0);
    let backoff = Backoff::new(BackoffLimits::USUAL, seed_of(stream.as_str(), 17));
    let mut hearing = Hearing {
        stream: stream.clone(),
        clock: Arc::clone(clock),
        mailbox: Arc::clone(mailbox),
        counts: Arc::clone(counts),
        stop,
        backoff,
        latest: clock.now(),
    };
    let work = move || match source {
        LiveSource::Mavlink(source) => mavlink::run(&source, given, &mut hearing),
        LiveSource::Dji(source) => dji::run(&source, given, &mut hearing),
    };
    let thread = Thread::spawn(format!("telemetry-{stream}"), work)?;
    Ok(Running { go_on: Some(go_on), thread, of: (stream.clone(), Arc::clone(mailbox)) })
}

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
}

impl Hearing {
    /// Whether nobody wants telemetry any more.
    pub(super) fn is_over(&self) -> bool {
        self.stop.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Samples came, or none at this turn; `why` says what is missing where none come for long.
    pub(super) fn take(&mut self, samples: Vec<Sample>, why: impl FnOnce() -> String) {
        let now = self.clock.now();
        if !samples.is_empty() {
            self.latest = now;
            self.backoff.reset();
            self.mailbox.put(&self.stream, samples);
        } else if now.micros_since(self.latest) >= SILENT_US {
            self.mailbox.fail(&self.stream, &why());
        }
    }

    pub(super) fn count(&self, counts: Counts) {
        *lock(&self.counts) = counts;
    }

    /// The connection is gone, or there was none. False if it is not to be made anew.
    pub(super) fn failed(&mut self, why: &str) -> bool {
        self.mailbox.fail(&self.stream, why);
        self.stop.recv_timeout(self.backoff.next_wait()) == Err(RecvTimeoutError::Timeout)
    }
}

/// Listens for at most `patience` for a first sample, then a little longer, and says what came; or why nothing did.
pub fn probe(
    source: &LiveSource,
    given: LiveGiven,
    clock: &Arc<dyn Clock>,
    patience: Duration,
) -> Result<String, String> {
    let (mailbox, counts) = (Arc::<Mailbox>::default(), Arc::default());
    let stream = StreamId::new("probe").map_err(|error| error.to_string())?;
    let running = begin(&stream, source.clone(), given, clock, &mailbox, &counts).map_err(|error| error.to_string())?;
    let came = mailbox.wait(patience);
    if came {
        let (_open, wait) = sync_channel::<()>(0);
        let _ = wait.recv_timeout(COUNTED);
    }
    let (news, trouble) = (mailbox.take().remove(&stream).unwrap_or_default(), mailbox.why(&stream));
    drop(running);
    let counts = lock(&counts).iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ");
    let Some(last) = news.samples.back() else {
        let why = trouble.unwrap_or_else(|| format!("no telemetry came within {} s", patience.as_secs()));
        return Err(if counts.is_empty() { why } else { format!("{why}; heard: {counts}") });
    };
    let at = last.position;
    Ok(format!(
        "{} samples within {} s ({counts}), the last at {:.6}, {:.6}, {:.1} m, zoom {:.1}",
        news.samples.len(),
        COUNTED.as_secs(),
        at.lat_deg,
        at.lon_deg,
        at.height_m,
        last.zoom
    ))
}
