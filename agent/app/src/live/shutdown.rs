//! SIGINT and SIGTERM: the first asks for an ordered end, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

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
