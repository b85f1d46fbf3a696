//! Whether somebody else takes an upstream's connection over, again and again: a second box with the same name.
//!
//! A broker ends the connection of a client when another one of the same name comes. Two boxes that both come back at once
//! then throw each other out many times a minute. No broker says so reliably: MQTT 3.1.1 has no words for it.

use std::time::Duration;

/// A connection that was ended sooner after it was taken is a short one.
const SHORT: Duration = Duration::from_mins(1);
/// So many short ones in a row are no accident.
const CONTESTED_AFTER: u32 = 2;

/// The connections that the other side took and soon ended, in a row.
#[derive(Debug, Default)]
pub(super) struct Rival {
    n_short: u32,
}

impl Rival {
    /// Takes in that a connection is over, which the other side had taken and ended after `lasted`.
    pub(super) fn cut(&mut self, lasted: Duration) {
        self.n_short = if lasted < SHORT { self.n_short.saturating_add(1) } else { 0 };
    }

    /// Whether somebody else seems to want the connection.
    pub(super) fn is_likely(&self) -> bool {
        self.n_short >= CONTESTED_AFTER
    }

    /// Why the connection is gone, with what it looks like. `name` is what a rival would share with this agent.
    pub(super) fn explain(&self, why: String, name: &str) -> String {
        if !self.is_likely() {
            return why;
        }
        format!(
            "{why}; it takes each connection and ends it within a minute: does another box use {name}? Give each its own \
             `[site] id`"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_connections_in_a_row_look_like_a_rival_and_a_long_one_does_not() {
        let mut rival = Rival::default();
        rival.cut(Duration::from_millis(300));
        assert_eq!(rival.explain("gone".to_owned(), "the client id a"), "gone");
        rival.cut(Duration::from_secs(20));
        assert!(rival.is_likely());
        let told = rival.explain("gone".to_owned(), "the client id a");
        assert!(told.starts_with("gone; ") && told.contains("does another box use the client id a?"), "{told}");
        rival.cut(Duration::from_secs(90));
        assert!(!rival.is_likely());
    }
}
