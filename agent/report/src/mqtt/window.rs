//! Which messages are in flight: packet identifiers matched to places in the outbox.

use std::collections::{BTreeMap, VecDeque};

/// What was handed to the client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The message at this place of the outbox.
    Message(i64),
    /// That the agent is there.
    Online,
    /// That the agent stops.
    Offline,
}

/// Publications of one connection that are not acknowledged yet; at most as many as the window allows.
///
/// The library takes publications in the order in which they are handed over and tells of each the packet identifier
/// when it writes it; the broker's PUBACK names the identifier.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    /// Handed over, not yet written.
    handed: VecDeque<Sent>,
    /// Written, by packet identifier.
    written: BTreeMap<u16, Sent>,
    /// The last place of the outbox that was handed over on this connection.
    cursor: i64,
}

impl Window {
    /// An empty window of `limit` publications.
    pub(crate) fn new(limit: u16) -> Self {
        Self { limit: usize::from(limit), handed: VecDeque::new(), written: BTreeMap::new(), cursor: 0 }
    }

    /// How many messages may be handed over now.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.in_flight())
    }

    /// How many publications are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.handed.len() + self.written.len()
    }

    /// The last place of the outbox that was handed over.
    pub(crate) fn cursor(&self) -> i64 {
        self.cursor
    }

    /// Notes that a publication was handed over.
    pub(crate) fn hand(&mut self, sent: Sent) {
        if let Sent::Message(seq) = sent {
            self.cursor = self.cursor.max(seq);
        }
        self.handed.push_back(sent);
    }

    /// Notes that the oldest publication handed over was written under `packet`.
    pub(crate) fn wrote(&mut self, packet: u16) -> Option<Sent> {
        let sent = self.handed.pop_front()?;
        self.written.insert(packet, sent);
        Some(sent)
    }

    /// Takes out what the broker acknowledged (or refused) under `packet`.
    pub(crate) fn answered(&mut self, packet: u16) -> Option<Sent> {
        self.written.remove(&packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_find_their_messages_in_any_order() {
        let mut window = Window::new(3);
        for seq in [5, 6, 9] {
            window.hand(Sent::Message(seq));
        }
        assert_eq!((window.room(), window.cursor()), (0, 9));
        assert_eq!(window.wrote(1), Some(Sent::Message(5)));
        assert_eq!(window.wrote(2), Some(Sent::Message(6)));
        assert_eq!(window.answered(2), Some(Sent::Message(6)));
        assert_eq!(window.answered(2), None, "a second PUBACK for it means nothing");
        assert_eq!(window.wrote(2), Some(Sent::Message(9)));
        assert_eq!(window.answered(2), Some(Sent::Message(9)));
        assert_eq!((window.in_flight(), window.room()), (1, 2));
    }
}
