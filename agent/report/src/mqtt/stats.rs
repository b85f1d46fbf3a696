//! What the publisher tells of itself.

use forewarn_domain::Timestamp;

/// The publisher's state and counters since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublisherStats {
    /// Since when the broker has accepted the connection; none while there is no connection.
    pub connected_since: Option<Timestamp>,
    /// Messages in the outbox, in flight or waiting.
    pub depth_messages: u64,
    /// Bytes of their bodies.
    pub depth_bytes: u64,
    /// Publications of which the acknowledgement is awaited or not yet noted in the outbox.
    pub in_flight: u32,
    /// Messages sent, repetitions counted.
    pub sent: u64,
    /// Messages that the broker acknowledged and that were removed from the outbox.
    pub acknowledged: u64,
    /// Messages that the broker refused with a reason (MQTT 5); they stay and are tried again.
    pub refused: u64,
    /// Connections that the broker accepted.
    pub connections: u64,
    /// Attempts to connect that failed, and connections that were lost.
    pub failures: u64,
    /// The latest failure, for people; stays after recovery until the next.
    pub last_error: Option<String>,
}
