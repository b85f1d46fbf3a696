//! How far an upstream has got on one connection.

use std::collections::BTreeMap;

use crate::outbox::{Cursor, QueuedReport, Receipt};

/// Reports that were handed over on one connection and are not acknowledged; at most as many as the window allows.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    in_flight: BTreeMap<i64, Receipt>,
    /// What was handed over on this connection.
    cursor: Cursor,
}

impl Window {
    /// An empty window of `limit` reports.
    pub(super) fn new(limit: u16) -> Self {
        Self { limit: usize::from(limit), in_flight: BTreeMap::new(), cursor: Cursor::default() }
    }

    /// How many reports may be handed over now.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.in_flight.len())
    }

    /// How many reports are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How far it has got in the outbox.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The report that has been under way for longest.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.in_flight.keys().next().copied()
    }

    /// Notes that a report was handed over.
    pub(super) fn hand(&mut self, report: &QueuedReport) {
        self.cursor.advance(report.seq);
        self.in_flight.insert(report.seq, report.receipt());
    }

    /// Takes out what was acknowledged; none if it is not under way.
    pub(super) fn acknowledged(&mut self, seq: i64) -> Option<Receipt> {
        self.in_flight.remove(&seq)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::{report, source};

    use super::*;

    #[test]
    fn acknowledgements_make_room_in_any_order_and_count_once() {
        let mut window = Window::new(3);
        for seq in [5, 6, 9] {
            window.hand(&QueuedReport { seq, report: report(seq as u64, 1), source: source() });
        }
        let mut cursor = Cursor::default();
        cursor.advance(9);
        assert_eq!((window.room(), window.cursor()), (0, cursor));
        let receipt = window.acknowledged(6).unwrap();
        assert_eq!((receipt.incident, receipt.sequence), (report(6, 1).incident.id, 1));
        assert_eq!(window.acknowledged(6), None, "a second answer for it means nothing");
        assert_eq!((window.room(), window.in_flight(), window.cursor()), (1, 2, cursor));
    }
}
