//! Truth of a tree of conditions, with a third value for what cannot be known, such as the time of day in a replay.
//!
//! Kleene's logic: unknown spreads unless the other parts settle the matter. At the root, unknown counts as true, so
//! that a schedule holds where the time of day is unknown, also under `not`.

use forewarn_domain::{CivilTime, Timestamp};

use super::compile::Node;

/// What the leaves, counts and the clock say in this frame.
pub(super) struct Facts<'a> {
    pub(super) leaves: &'a [bool],
    pub(super) counts: &'a [bool],
    pub(super) at: Timestamp,
    pub(super) civil: &'a dyn CivilTime,
}

impl Facts<'_> {
    /// Whether `node` holds.
    pub(super) fn hold(&self, node: &Node) -> bool {
        self.truth(node).unwrap_or(true)
    }

    fn truth(&self, node: &Node) -> Option<bool> {
        match node {
            Node::Leaf(i) => Some(self.leaves.get(*i).copied().unwrap_or(false)),
            Node::Count(i) => Some(self.counts.get(*i).copied().unwrap_or(false)),
            Node::Schedule(schedule) => schedule.holds_at(self.at, self.civil),
            Node::Not(part) => self.truth(part).map(|truth| !truth),
            Node::All(parts) => self.join(parts, false),
            Node::Any(parts) => self.join(parts, true),
        }
    }

    /// `decisive` if any part has that value, else unknown if any is unknown, else the other value.
    fn join(&self, parts: &[Node], decisive: bool) -> Option<bool> {
        let mut is_known = true;
        for part in parts {
            match self.truth(part) {
                Some(truth) if truth == decisive => return Some(decisive),
                Some(_) => {}
                None => is_known = false,
            }
        }
        is_known.then_some(!decisive)
    }
}
