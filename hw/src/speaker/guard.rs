//! Keeps the caller free of an output that hangs.
//!
//! A pipeline has its own watchdog, but a sound server that is alive and silent blocks the very calls that would stop
//! it, for minutes. So the output works on a thread of its own and the caller stops to wait at the limit. As long as
//! the thread hangs, the speaker is busy: there is never more than one.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use super::Output;
use super::error::PlayError;

/// An output that is used by one thread at a time.
pub(super) struct Guarded(Arc<Mutex<Box<dyn Output>>>);

impl Guarded {
    pub(super) fn new(output: Box<dyn Output>) -> Self {
        Self(Arc::new(Mutex::new(output)))
    }

    /// Lets the output do `work` and waits for it until `limit`.
    pub(super) fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut dyn Output) -> Result<T, PlayError> + Send + 'static,
    ) -> Result<T, PlayError> {
        if matches!(self.0.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(PlayError::Busy);
        }
        let output = self.0.clone();
        let (done, outcome) = sync_channel(1);
        let thread = std::thread::Builder::new().name("speaker-output".to_owned()).spawn(move || {
            let result = work(output.lock().unwrap_or_else(PoisonError::into_inner).as_mut());
            // The caller may have stopped to wait.
            let _ = done.send(result);
        });
        thread.map_err(|e| PlayError::Broken { reason: format!("failed to start a thread: {e}") })?;
        match outcome.recv_timeout(limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(PlayError::Hung { after_s: limit.as_secs_f64() }),
            Err(RecvTimeoutError::Disconnected) => Err(PlayError::Broken { reason: "the output panicked".to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Announcement;

    use super::super::pcm::Pcm;
    use super::super::run::Limits;
    use super::*;

    struct Idle;

    impl Output for Idle {
        fn play(&mut self, pcm: &Pcm, _: &Announcement, _: Limits) -> Result<Duration, PlayError> {
            Ok(pcm.duration())
        }
        fn probe(&self) -> Result<String, PlayError> {
            Ok("idle".to_owned())
        }
    }

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_hanging_output_is_left_behind_and_busy_until_it_lets_go() {
        let guarded = Guarded::new(Box::new(Idle));
        let (let_go, wait) = sync_channel::<()>(1);
        let (gone, ended) = sync_channel::<()>(1);
        let hang = move |_: &mut dyn Output| {
            // Held by the closure, so it is dropped after the wait and tells the test so.
            let _gone = gone;
            wait.recv().map_err(|_| PlayError::Timeout)
        };
        assert!(matches!(guarded.run(Duration::from_millis(50), hang), Err(PlayError::Hung { .. })));
        assert!(matches!(guarded.run(LIMIT, |o| o.probe()), Err(PlayError::Busy)));
        let_go.send(()).unwrap();
        assert!(ended.recv().is_err());
        // The lock is released right after the closure has gone.
        while matches!(guarded.0.try_lock(), Err(TryLockError::WouldBlock)) {
            std::thread::yield_now();
        }
        assert_eq!(guarded.run(LIMIT, |o| o.probe()).unwrap(), "idle");
    }

    #[test]
    fn a_panic_costs_one_announcement_only() {
        let guarded = Guarded::new(Box::new(Idle));
        let panicked = guarded.run::<()>(LIMIT, |_| panic!("on purpose"));
        assert!(matches!(panicked, Err(PlayError::Broken { .. })));
        assert_eq!(guarded.run(LIMIT, |o| o.probe()).unwrap(), "idle");
    }
}
