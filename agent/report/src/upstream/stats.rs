//! What is known of the way to an upstream.

use forewarn_domain::Timestamp;

/// The state of one upstream, and the counters since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamStats {
    /// Since when the other side takes reports; none while there is no connection.
    pub connected_since: Option<Timestamp>,
    /// Messages in the outbox that wait for it, in flight or not.
    pub depth_messages: u64,
    /// Bytes of their records.
    pub depth_bytes: u64,
    /// Incidents of whose latest state it is still to be sent a message, for which there was no room.
    pub owed: u64,
    /// When the oldest report happened that it has not acknowledged; none if it has everything.
    pub oldest_unacknowledged_at: Option<Timestamp>,
    /// Reports of which the acknowledgement is awaited or not yet noted in the outbox.
    pub in_flight: u32,
    /// Reports sent, repetitions counted.
    pub sent: u64,
    /// Reports that it acknowledged, as noted in the outbox.
    pub acknowledged: u64,
    /// What it refused with a reason; it stays and is tried again.
    pub refused: u64,
    /// Connections that it accepted.
    pub connections: u64,
    /// Attempts to connect that failed, and connections that were lost.
    pub failures: u64,
    /// The latest failure, for people; stays after recovery until the next.
    pub last_error: Option<String>,
}
