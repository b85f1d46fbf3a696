//! Keeps the caller free of an adapter that hangs.
//!
//! A pipeline has its own watchdog, but a sound server that is alive and silent blocks the very calls that would stop
//! it, for minutes. So the adapter works on a thread of its own and the caller stops to wait at the limit. As long as
//! the thread hangs, the speaker is busy: there is never more than one.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::clock::Stopwatch;

use super::error::PlayError;

/// Something that is used by one thread at a time.
pub(super) struct Guarded<T>(Arc<Mutex<T>>);

/// By which the work tells how much longer it may take.
pub(super) struct Patience(SyncSender<Duration>);

impl Patience {
    /// From now on the work takes no longer than this, if it does not hang.
    pub(super) fn shorten(&self, left: Duration) {
        // Nobody listens any more once the caller has stopped to wait; and a word too many changes nothing.
        let _ = self.0.try_send(left);
    }
}

impl<T: Send + 'static> Guarded<T> {
    pub(super) fn new(inner: T) -> Self {
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Does `work` and waits for it until `limit`, or for as long as the work itself asks if that is less.
    pub(super) fn run<R: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut T, &Patience) -> Result<R, PlayError> + Send + 'static,
    ) -> Result<R, PlayError> {
        if matches!(self.0.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(PlayError::Busy);
        }
        let inner = self.0.clone();
        let (words, heard) = sync_channel(4);
        let (done, outcome) = sync_channel(1);
        let thread = std::thread::Builder::new().name("speaker-output".to_owned()).spawn(move || {
            let patience = Patience(words);
            let result = work(&mut lock(&inner), &patience);
            // The caller may have stopped to wait. The result is there before the end of the words is heard.
            let _ = done.send(result);
            drop(patience);
        });
        thread.map_err(|e| PlayError::Broken { reason: format!("failed to start a thread: {e}") })?;
        let (watch, mut end) = (Stopwatch::start(), limit);
        loop {
            match heard.recv_timeout(end.saturating_sub(watch.elapsed())) {
                Ok(left) => end = end.min(watch.elapsed() + left),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(PlayError::Hung { after_s: watch.elapsed().as_secs_f64() });
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        outcome.recv().unwrap_or_else(|_| Err(PlayError::Broken { reason: "the speaker's thread panicked".to_owned() }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Does `work` on this thread, for as long as it takes.
    pub(crate) fn patient<R>(work: impl FnOnce(&Patience) -> R) -> R {
        let (words, _heard) = sync_channel(4);
        work(&Patience(words))
    }

    const LIMIT: Duration = Duration::from_secs(10);

    #[expect(clippy::unnecessary_wraps, reason = "work on a device may fail")]
    fn name(name: &mut &'static str) -> Result<String, PlayError> {
        Ok((*name).to_owned())
    }

    #[test]
    fn what_hangs_is_left_behind_and_busy_until_it_lets_go() {
        let guarded = Guarded::new("idle");
        let (let_go, wait) = sync_channel::<()>(1);
        let (gone, ended) = sync_channel::<()>(1);
        let (begun, has_begun) = sync_channel::<()>(1);
        let hang = move |_: &mut &'static str, _: &Patience| {
            begun.send(()).unwrap();
            // Held by the closure, so it is dropped after the wait and tells the test so.
            let _gone = gone;
            wait.recv().map_err(|_| PlayError::Timeout)
        };
        assert!(matches!(guarded.run(Duration::from_millis(50), hang), Err(PlayError::Hung { .. })));
        // On a busy machine the time may be over before the thread has its turn.
        has_begun.recv().unwrap();
        assert!(matches!(guarded.run(LIMIT, |it, _| name(it)), Err(PlayError::Busy)));
        let_go.send(()).unwrap();
        assert!(ended.recv().is_err());
        // The lock is released right after the closure has gone.
        while matches!(guarded.0.try_lock(), Err(TryLockError::WouldBlock)) {
            std::thread::yield_now();
        }
        assert_eq!(guarded.run(LIMIT, |it, _| name(it)).unwrap(), "idle");
    }

    #[test]
    fn work_that_knows_how_long_it_takes_is_not_waited_for_longer() {
        let guarded = Guarded::new(());
        let (let_go, wait) = sync_channel::<()>(1);
        let watch = Stopwatch::start();
        let hung = guarded.run(LIMIT, move |(), patience| {
            patience.shorten(Duration::from_millis(50));
            wait.recv().map_err(|_| PlayError::Timeout)
        });
        assert!(matches!(hung, Err(PlayError::Hung { .. })) && watch.elapsed() < LIMIT / 2);
        drop(let_go);
    }

    #[test]
    fn a_panic_costs_one_announcement_only() {
        let guarded = Guarded::new("idle");
        let panicked = guarded.run::<()>(LIMIT, |_, _| panic!("on purpose"));
        assert!(matches!(panicked, Err(PlayError::Broken { .. })));
        assert_eq!(guarded.run(LIMIT, |it, _| name(it)).unwrap(), "idle");
    }
}
