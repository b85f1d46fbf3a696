//! Bounded queues between threads: named, counted, their depth a metric. What happens when one is full is its type.
//!
//! Each queue is a constant [`QueueSpec`] beside what reads it; the table in `docs/ARCHITECTURE.md` tells of all.

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use metrics::Gauge;

use crate::{QUEUE_DEPTH, QUEUE_FULL};

/// What becomes of a value for which a queue has no room.
pub trait WhenFull {
    /// The policy in words, for the table.
    const SAYS: &str;
}

/// The sender waits.
#[derive(Debug, Clone, Copy)]
pub enum Wait {}
/// The sender gets it back.
#[derive(Debug, Clone, Copy)]
pub enum GiveBack {}
/// It is left out, and counted.
#[derive(Debug, Clone, Copy)]
pub enum LeaveOut {}
/// The one that has waited longest is given up for it, and counted.
#[derive(Debug, Clone, Copy)]
pub enum GiveUpOldest {}

impl WhenFull for Wait {
    const SAYS: &str = "the sender waits";
}
impl WhenFull for GiveBack {
    const SAYS: &str = "the sender gets it back";
}
impl WhenFull for LeaveOut {
    const SAYS: &str = "the newest is left out, counted";
}
impl WhenFull for GiveUpOldest {
    const SAYS: &str = "the oldest is given up, counted";
}

/// A queue before it is made.
#[derive(Debug)]
pub struct QueueSpec<P> {
    /// Its name; `ID` in it stands for what there is one of for each queue.
    pub name: &'static str,
    /// How many values may wait.
    pub len: usize,
    policy: PhantomData<P>,
}

impl<P: WhenFull> QueueSpec<P> {
    /// A queue of at most `len` values.
    pub const fn new(name: &'static str, len: usize) -> Self {
        Self { name, len, policy: PhantomData }
    }

    /// Makes the queue.
    pub fn open<T>(&self) -> (Sender<T, P>, Receiver<T>) {
        self.open_for(&"ID")
    }

    /// Makes the queue of one camera, loudspeaker or the like.
    pub fn open_for<T>(&self, id: &dyn Display) -> (Sender<T, P>, Receiver<T>) {
        let (entry, exit) = mpsc::sync_channel(self.len);
        let name = self.name_for(id);
        let depth = QUEUE_DEPTH.of([&name]);
        let sender = Sender { name: name.into(), entry, depth: depth.clone(), policy: PhantomData };
        (sender, Receiver { exit, depth })
    }

    /// The name of the queue of one camera, loudspeaker or the like, and of the thread that reads it.
    pub fn name_for(&self, id: &dyn Display) -> String {
        self.name.replace("ID", &id.to_string())
    }
}

/// The sending end. How a value is put in depends on the policy.
pub struct Sender<T, P> {
    name: Arc<str>,
    entry: SyncSender<T>,
    depth: Gauge,
    policy: PhantomData<P>,
}

impl<T, P> Clone for Sender<T, P> {
    fn clone(&self) -> Self {
        let Self { name, entry, depth, .. } = self;
        Self { name: Arc::clone(name), entry: entry.clone(), depth: depth.clone(), policy: PhantomData }
    }
}

impl<T, P> Sender<T, P> {
    /// Puts the last value in, waiting while the queue is full: the receiver is to end with it.
    pub fn finish(&self, last: T) {
        if !self.wait(last) {
            tracing::debug!(queue = %self.name, "the receiver has ended already");
        }
    }

    fn wait(&self, value: T) -> bool {
        // Counted before it is in, so that the receiver never counts below nothing.
        self.depth.increment(1.0);
        let is_sent = self.entry.send(value).is_ok();
        if !is_sent {
            self.depth.decrement(1.0);
        }
        is_sent
    }

    /// The value comes back if the queue is full or the receiver gone; true if it was full.
    fn attempt(&self, value: T) -> Result<(), (T, bool)> {
        self.depth.increment(1.0);
        let refused = match self.entry.try_send(value) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(value)) => (value, true),
            Err(TrySendError::Disconnected(value)) => (value, false),
        };
        self.depth.decrement(1.0);
        Err(refused)
    }

    fn count_full(&self) {
        QUEUE_FULL.of([&self.name]).increment(1);
    }
}

impl<T> Sender<T, Wait> {
    /// Puts `value` in, waiting while the queue is full. False if the receiver is gone.
    #[must_use = "a value for which there is no receiver any more is lost"]
    pub fn send(&self, value: T) -> bool {
        self.wait(value)
    }

    /// The same queue for a sender that must not wait.
    pub fn with_policy<P: WhenFull>(&self) -> Sender<T, P> {
        let Self { name, entry, depth, .. } = self.clone();
        Sender { name, entry, depth, policy: PhantomData }
    }
}

impl<T> Sender<T, GiveBack> {
    /// Puts `value` in, or gives it back if the queue is full or the receiver is gone.
    pub fn offer(&self, value: T) -> Result<(), T> {
        self.attempt(value).map_err(|(value, is_full)| {
            if is_full {
                self.count_full();
            }
            value
        })
    }
}

impl<T> Sender<T, LeaveOut> {
    /// Puts `value` in; leaves it out and counts it if the queue is full.
    pub fn put(&self, value: T) {
        if let Err((_, true)) = self.attempt(value) {
            self.count_full();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting<T>(queue: &Receiver<T>) -> Vec<T> {
        std::iter::from_fn(|| queue.recv_timeout(Duration::ZERO).ok()).collect()
    }

    #[test]
    fn a_full_queue_does_what_its_type_says() {
        let (sender, receiver) = QueueSpec::<GiveBack>::new("back", 1).open();
        assert_eq!((sender.offer(1), sender.offer(2)), (Ok(()), Err(2)));
        assert_eq!(waiting(&receiver), [1]);

        let (sender, receiver) = QueueSpec::<LeaveOut>::new("out-ID", 1).open_for(&"gate");
        (1..=3).for_each(|value| sender.put(value));
        assert_eq!((&*sender.name, waiting(&receiver)), ("out-gate", vec![1]));

        let (sender, receiver) = QueueSpec::<Wait>::new("wait", 1).open();
        assert!(sender.send(1));
        assert_eq!(sender.with_policy::<GiveBack>().offer(2), Err(2));
        let waits = sender.clone();
        let thread = std::thread::Builder::new().spawn(move || waits.send(3)).unwrap();
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(3)));
        assert!(thread.join().unwrap());
        drop(receiver);
        assert!(!sender.send(4));
        sender.finish(5);
    }
}
