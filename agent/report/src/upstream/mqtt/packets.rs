//! Which publications are in flight: packet identifiers matched to what was handed to the client library.

use std::collections::{BTreeMap, VecDeque};

/// What was handed to the client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The report at this place of the outbox; of several messages the last.
    Report(i64),
    /// Something that goes with a report or with the greeting, and is answered for by what follows it.
    Part,
    /// That the agent is there.
    Online,
    /// That the agent stops.
    Offline,
    /// How its parts fare.
    Health,
    /// What became of something that was asked for.
    Told,
    /// A picture after its words.
    Picture,
}

/// Publications of one connection that are not acknowledged yet.
///
/// The library takes publications in the order in which they are handed over and tells of each the packet identifier
/// when it writes it; the broker's PUBACK names the identifier.
#[derive(Debug, Default)]
pub(super) struct Packets {
    /// Handed over, not yet written.
    handed: VecDeque<Sent>,
    /// Written, by packet identifier.
    written: BTreeMap<u16, Sent>,
}

impl Packets {
    /// Notes that a publication was handed over.
    pub(super) fn hand(&mut self, sent: Sent) {
        self.handed.push_back(sent);
    }

    /// Notes that the oldest publication handed over was written under `packet`.
    pub(super) fn wrote(&mut self, packet: u16) {
        if let Some(sent) = self.handed.pop_front() {
            self.written.insert(packet, sent);
        }
    }

    /// Whether the acknowledgement of a status is awaited.
    pub(super) fn is_status_unanswered(&self) -> bool {
        self.handed.iter().chain(self.written.values()).any(|sent| matches!(sent, Sent::Online | Sent::Offline))
    }

    /// Takes out what the broker acknowledged (or refused) under `packet`.
    pub(super) fn answered(&mut self, packet: u16) -> Option<Sent> {
        self.written.remove(&packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_find_their_publications_in_any_order() {
        let mut packets = Packets::default();
        for seq in [5, 6, 9] {
            packets.hand(Sent::Report(seq));
        }
        packets.wrote(1);
        packets.wrote(2);
        assert_eq!(packets.answered(2), Some(Sent::Report(6)));
        assert_eq!(packets.answered(2), None, "a second PUBACK for it means nothing");
        packets.wrote(2);
        assert_eq!(packets.answered(2), Some(Sent::Report(9)));
        assert_eq!(packets.answered(1), Some(Sent::Report(5)));
    }
}
