//! What is known of the way to an upstream.

use std::time::Duration;

use forewarn_domain::Timestamp;

use super::thin::PictureCounts;

/// What became of files that are brought over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Files that wait, of the bundles that were looked into.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// They wait because the budget is used up.
    pub are_held_back: bool,
    /// Files that the other side has.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
}

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
    /// How long its answers are waited for.
    pub answer_within: Duration,
    /// Since when it was sent reports and has acknowledged none, over all connections; none if it owes nothing.
    pub unanswered_since: Option<Timestamp>,
    /// Whether it has failed since it last acknowledged something.
    pub is_unproven: bool,
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
    /// Reports that it will never have, because it refused them for good.
    pub given_up: u64,
    /// Whether nothing is sent for now, because of its quiet hours or its limit a minute.
    pub is_resting: bool,
    /// What became of pictures that follow words over a thin link.
    pub pictures: PictureCounts,
    /// What became of files, where it keeps files.
    pub files: FileCounts,
    /// Connections that it accepted.
    pub connections: u64,
    /// Attempts to connect that failed, and connections that were lost.
    pub failures: u64,
    /// The latest failure, for people; stays after recovery until the next.
    pub last_error: Option<String>,
}

/// A new connection that has held for so long, and owes nothing, is a good one.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

impl UpstreamStats {
    /// Why nothing gets there, or why nobody can tell; none if reports are acknowledged.
    pub fn trouble(&self, now: Timestamp) -> Option<String> {
        let last = || self.last_error.clone();
        if self.connected_since.is_none() {
            return Some(last().unwrap_or_else(|| "not connected yet".to_owned()));
        }
        // One that was lost a moment ago is not well again because it takes connections.
        let is_new = self.connected_since.is_some_and(|since| now.since(since) < SETTLED_AFTER);
        if self.is_unproven && (is_new || self.unanswered_since.is_some()) {
            return last();
        }
        let is_silent = self.unanswered_since.is_some_and(|since| now.since(since) >= self.answer_within);
        is_silent.then(|| last().unwrap_or_else(|| "it takes reports and acknowledges none".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_no_acknowledgement() {
        let at = Timestamp::from_secs_f64;
        let mut stats = UpstreamStats { answer_within: Duration::from_secs(20), ..UpstreamStats::default() };
        assert_eq!(stats.trouble(at(0.0)).as_deref(), Some("not connected yet"));
        stats.connected_since = Some(at(1.0));
        stats.unanswered_since = Some(at(2.0));
        assert_eq!(stats.trouble(at(21.0)), None);
        assert_eq!(stats.trouble(at(22.0)).as_deref(), Some("it takes reports and acknowledges none"));
        stats.last_error = Some("the broker is a wall".to_owned());
        (stats.connected_since, stats.is_unproven) = (Some(at(23.0)), true);
        assert_eq!(stats.trouble(at(24.0)).as_deref(), Some("the broker is a wall"), "a new connection mends nothing");
        stats.unanswered_since = None;
        assert!(stats.trouble(at(24.0)).is_some(), "nor one that is a second old");
        assert_eq!(stats.trouble(at(27.0)), None, "it holds and owes nothing");
        (stats.connected_since, stats.unanswered_since) = (Some(at(40.0)), Some(at(40.0)));
        assert!(stats.trouble(at(41.0)).is_some(), "it was lost and is cut again and again");
        (stats.unanswered_since, stats.is_unproven) = (None, false);
        assert_eq!(stats.trouble(at(41.0)), None, "an acknowledgement does");
    }
}
