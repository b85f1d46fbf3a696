//! The tree of conditions, and what is known of it as a whole.
//!
//! In the order of [`Truth`], `all` is the least of its parts and `any` the greatest (Kleene's logic with two unknowns).
//! `not` turns true and false round and leaves both unknowns as they are; it is pushed down to the leaves (De Morgan), so
//! that what cannot be told never raises an incident, however deep it stands under `not`, and a schedule holds under
//! `not`, too, where the time of day is unknown.

use forewarn_domain::{CivilTime, Schedule, Timestamp};

use super::truth::Truth;

/// The tree of conditions; the numbers are indices into the rule's lists.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Track(usize),
    Zone(usize),
    Sensor(usize),
    Score(usize),
    Schedule(Schedule),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
}

/// What the parts of a rule and the clock say in this frame.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    /// Conditions about one track.
    pub(super) tracks: &'a [Truth],
    /// Conditions about the zone as a whole.
    pub(super) zones: &'a [Truth],
    pub(super) sensors: &'a [Truth],
    pub(super) scores: &'a [Truth],
    pub(super) at: Timestamp,
    pub(super) civil: &'a dyn CivilTime,
}

impl<'a> Facts<'a> {
    /// What sensors and the clock say, before anything is known of tracks and zones.
    pub(super) fn of_world(sensors: &'a [Truth], at: Timestamp, civil: &'a dyn CivilTime) -> Self {
        Self { tracks: &[], zones: &[], sensors, scores: &[], at, civil }
    }

    /// What is known of `node`.
    pub(super) fn truth(&self, node: &Node) -> Truth {
        self.turned(node, false)
    }

    fn turned(&self, node: &Node, is_turned: bool) -> Truth {
        let of = |parts: &[Truth], i: usize| parts.get(i).copied().unwrap_or(Truth::False);
        let part = match node {
            Node::Track(i) => of(self.tracks, *i),
            Node::Zone(i) => of(self.zones, *i),
            Node::Sensor(i) => of(self.sensors, *i),
            Node::Score(i) => of(self.scores, *i),
            Node::Schedule(schedule) => schedule.holds_at(self.at, self.civil).map_or(Truth::NoClock, Truth::from),
            Node::Not(part) => return self.turned(part, !is_turned),
            Node::All(parts) => return self.join(parts, is_turned, is_turned),
            Node::Any(parts) => return self.join(parts, is_turned, !is_turned),
        };
        part.turned(is_turned)
    }

    fn join(&self, parts: &[Node], is_turned: bool, is_any: bool) -> Truth {
        let truths = parts.iter().map(|part| self.turned(part, is_turned));
        let joined = if is_any { truths.max() } else { truths.min() };
        joined.unwrap_or(Truth::from(!is_any))
    }
}
