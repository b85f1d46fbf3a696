//! Bounded queues between threads, named and counted.

use std::sync::mpsc::{SyncSender, TrySendError};

/// The sending end of a bounded queue. The policy for a full queue is the choice between its two methods.
#[derive(Debug)]
pub struct Sender<T> {
    name: &'static str,
    sender: SyncSender<T>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, sender: self.sender.clone() }
    }
}

impl<T> Sender<T> {
    /// A queue's end by the name under which it is counted.
    pub fn new(name: &'static str, sender: SyncSender<T>) -> Self {
        Self { name, sender }
    }

    /// Puts `value` in, waiting while the queue is full. False if the receiver is gone.
    pub fn send(&self, value: T) -> bool {
        metrics::counter!("forewarn_queue_sent_total", "queue" => self.name).increment(1);
        self.sender.send(value).is_ok()
    }

    /// Puts `value` in, or gives it back if the queue is full or the receiver is gone.
    pub fn offer(&self, value: T) -> Result<(), T> {
        match self.sender.try_send(value) {
            Ok(()) => {
                metrics::counter!("forewarn_queue_sent_total", "queue" => self.name).increment(1);
                Ok(())
            }
            Err(TrySendError::Full(value)) => {
                metrics::counter!("forewarn_queue_full_total", "queue" => self.name).increment(1);
                Err(value)
            }
            Err(TrySendError::Disconnected(value)) => Err(value),
        }
    }
}
