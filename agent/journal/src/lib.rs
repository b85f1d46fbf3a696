//! The way into the outbox that holds nobody up.
//!
//! Reports are written before anything else is done about them, on a thread of its own. A disk that refuses or stalls
//! holds nothing else back for longer than two seconds: reports wait in memory, bounded, are sent from there, and are
//! written when it takes them.

mod writer;

pub use writer::{Batch, Former, NotWritten, OutboxWriter, told_of};
