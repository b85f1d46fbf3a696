//! SIGINT and SIGTERM: the first asks for an ordered end, the second ends at once.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use forewarn_base::sync::lock;
use forewarn_domain::clock::Stopwatch;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::ExitCode;

/// The log has so long to say why an end is forced.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Tells when the user wants the agent to stop.
#[derive(Debug)]
pub struct Shutdown {
    asked: Receiver<()>,
}

impl Shutdown {
    /// Listens for the signals from now on.
    pub fn listen() -> anyhow::Result<Self> {
        let is_second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Registered in this order, so that the first signal finds the flag unset and only sets it.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&is_second))
                .context("failed to listen for signals")?;
            signal_hook::flag::register(signal, Arc::clone(&is_second)).context("failed to listen for signals")?;
        }
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("failed to listen for signals")?;
        let (sender, asked) = sync_channel(1);
        let wait = move || {
            if signals.forever().next().is_some() {
                // The receiver may be gone when the agent is ending by itself.
                let _ = sender.try_send(());
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait).context("failed to start a thread")?;
        Ok(Self { asked })
    }

    /// Waits until a stop is asked for, at most for `time`. True if it was.
    pub fn wait(&self, time: Duration) -> bool {
        !matches!(self.asked.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }
}

/// An end that must come: what is left of the process when its time is over ends with it. What was reported is on the
/// disk, and the next start goes on with it, as after a loss of power.
#[derive(Debug)]
pub struct Ending {
    limit: Duration,
    begun: Stopwatch,
    part: Arc<Mutex<&'static str>>,
    /// The watch is over when this is dropped.
    _is_over: SyncSender<()>,
}

impl Ending {
    /// Ends the process if this is not dropped within `limit`.
    pub fn within(limit: Duration) -> anyhow::Result<Self> {
        let part = Arc::new(Mutex::new("agent"));
        let (is_over, watch) = sync_channel::<()>(1);
        let last = Arc::clone(&part);
        let wait = move || {
            if watch.recv_timeout(limit.saturating_sub(LAST_WORDS)) == Err(RecvTimeoutError::Timeout) {
                tracing::error!(
                    "the part `{}` did not end within {} s; the process ends without it",
                    *lock(&last),
                    limit.as_secs()
                );
                // The log is written by a thread of its own, which may have to wait for its turn.
                let _ = watch.recv_timeout(LAST_WORDS);
                // Without the libraries' own farewells, which may hang as the part does.
                signal_hook::low_level::exit(ExitCode::Failed as i32);
            }
        };
        std::thread::Builder::new().name("ending".to_owned()).spawn(wait).context("failed to start a thread")?;
        Ok(Self { limit, begun: Stopwatch::start(), part, _is_over: is_over })
    }

    /// From now on this part is waited for. How much time is left.
    pub fn has_come_to(&self, part: &'static str) -> Duration {
        *lock(&self.part) = part;
        self.limit.saturating_sub(self.begun.elapsed())
    }
}
