//! Bounded queues between threads: named, counted, their depth a metric.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use metrics::Gauge;

/// Makes a queue that holds at most `bound` values.
pub fn bounded<T>(name: &str, bound: usize) -> (Sender<T>, Receiver<T>) {
    let (entry, exit) = mpsc::sync_channel(bound);
    let depth = metrics::gauge!("forewarn_queue_depth", "queue" => name.to_owned());
    (Sender { name: name.into(), entry, depth: depth.clone() }, Receiver { exit, depth })
}

/// The sending end. The policy for a full queue is the choice between its two methods.
pub struct Sender<T> {
    name: Arc<str>,
    entry: SyncSender<T>,
    depth: Gauge,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), entry: self.entry.clone(), depth: self.depth.clone() }
    }
}

impl<T> Sender<T> {
    /// Puts `value` in, waiting while the queue is full. False if the receiver is gone.
    pub fn send(&self, value: T) -> bool {
        // Counted before it is in, so that the receiver never counts below nothing.
        self.depth.increment(1.0);
        let is_sent = self.entry.send(value).is_ok();
        if !is_sent {
            self.depth.decrement(1.0);
        }
        is_sent
    }

    /// Puts `value` in, or gives it back if the queue is full or the receiver is gone.
    pub fn offer(&self, value: T) -> Result<(), T> {
        self.depth.increment(1.0);
        let refused = match self.entry.try_send(value) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(value)) => {
                metrics::counter!("forewarn_queue_full_total", "queue" => self.name.to_string()).increment(1);
                value
            }
            Err(TrySendError::Disconnected(value)) => value,
        };
        self.depth.decrement(1.0);
        Err(refused)
    }
}

/// The receiving end.
pub struct Receiver<T> {
    exit: mpsc::Receiver<T>,
    depth: Gauge,
}

impl<T> Receiver<T> {
    /// The next value, waiting for it.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.exit.recv().inspect(|_| self.depth.decrement(1.0))
    }

    /// The next value, waiting for it at most for `time`.
    pub fn recv_timeout(&self, time: Duration) -> Result<T, RecvTimeoutError> {
        self.exit.recv_timeout(time).inspect(|_| self.depth.decrement(1.0))
    }
}
