//! The thread of one camera's telemetry.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{Clock, StreamId};

use super::hearing::{Counts, Hearing};
use super::klv::KlvEar;
use super::mailbox::{Mailbox, place};
use super::{LiveGiven, LiveSource, dji, mavlink};

/// So long a probe counts what comes.
const COUNTED: Duration = Duration::from_secs(3);

/// The running thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    go_on: Option<SyncSender<()>>,
    thread: Thread,
    of: (StreamId, Arc<Mailbox>),
}

/// Who hears the telemetry of a camera.
#[derive(Debug)]
pub enum Heard {
    /// A thread that connects.
    ByThread(Running),
    /// Whoever reads the camera's stream, and hands it over here.
    Beside(Arc<KlvEar>),
}

impl Heard {
    /// Whether its thread has ended though nobody stopped it.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::ByThread(running) if running.is_broken())
    }

    /// To whom packets beside the video are handed.
    pub fn beside(&self) -> Option<Arc<KlvEar>> {
        match self {
            Self::Beside(ear) => Some(Arc::clone(ear)),
            Self::ByThread(_) => None,
        }
    }
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
) -> Result<Heard, ThreadError> {
    if source == LiveSource::Klv {
        return Ok(Heard::Beside(Arc::new(KlvEar::new(stream, given, mailbox))));
    }
    begin(stream, source, given, clock, mailbox, &Arc::default()).map(Heard::ByThread)
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
    let mut hearing = Hearing::new(stream, clock, mailbox, counts, stop);
    let work = move || match source {
        LiveSource::Mavlink(source) => mavlink::run(&source, given, &mut hearing),
        LiveSource::Dji(source) => dji::run(&source, given, &mut hearing),
        // It is handed over by whoever reads the video.
        LiveSource::Klv => {}
    };
    let thread = Thread::spawn(format!("telemetry-{stream}"), work)?;
    Ok(Running { go_on: Some(go_on), thread, of: (stream.clone(), Arc::clone(mailbox)) })
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
    Ok(format!("{} samples within {} s ({counts}), {}", news.samples.len(), COUNTED.as_secs(), place(last)))
}
