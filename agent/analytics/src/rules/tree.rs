//! Truth of a tree of conditions, with two more values for what is not known.
//!
//! | value | met with | at the root |
//! |---|---|---|
//! | false | | the condition does not hold |
//! | cannot tell | what a person wears, a sensor that is silent | raises nothing, and is no proof of compliance either |
//! | no clock | the time of day in a replay | the condition holds |
//! | true | | the condition holds |
//!
//! In this order `all` is the least of its parts and `any` the greatest (Kleene's logic with two unknowns). `not` turns
//! true and false round and leaves both unknowns as they are; it is pushed down to the leaves (De Morgan), so that what
//! cannot be told never raises an incident, however deep it stands under `not`, and a schedule holds under `not`, too,
//! where the time of day is unknown.

use forewarn_domain::{CivilTime, Timestamp};

use super::program::Node;

/// What is known of a condition, in the order of how far it goes towards holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    False,
    CannotTell,
    NoClock,
    True,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Truth {
    /// Whether a tree of this value holds.
    pub(super) fn holds(self) -> bool {
        self >= Self::NoClock
    }

    /// Whether it holds, or would if more could be told.
    pub(super) fn may_hold(self) -> bool {
        self != Self::False
    }

    fn turned(self, is_turned: bool) -> Self {
        match self {
            Self::True if is_turned => Self::False,
            Self::False if is_turned => Self::True,
            other => other,
        }
    }
}

/// What the parts of a rule and the clock say in this frame.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    /// Conditions about one track.
    pub(super) leaves: &'a [Truth],
    /// Conditions about the zone as a whole.
    pub(super) terms: &'a [Truth],
    pub(super) sensors: &'a [Truth],
    pub(super) scores: &'a [Truth],
    pub(super) at: Timestamp,
    pub(super) civil: &'a dyn CivilTime,
}

impl Facts<'_> {
    /// What is known of `node`.
    pub(super) fn truth(&self, node: &Node) -> Truth {
        self.turned(node, false)
    }

    fn turned(&self, node: &Node, is_turned: bool) -> Truth {
        let of = |parts: &[Truth], i: usize| parts.get(i).copied().unwrap_or(Truth::False);
        let leaf = match node {
            Node::Leaf(i) => of(self.leaves, *i),
            Node::Term(i) => of(self.terms, *i),
            Node::Sensor(i) => of(self.sensors, *i),
            Node::Score(i) => of(self.scores, *i),
            Node::Schedule(schedule) => schedule.holds_at(self.at, self.civil).map_or(Truth::NoClock, Truth::from),
            Node::Not(part) => return self.turned(part, !is_turned),
            Node::All(parts) => return self.join(parts, is_turned, is_turned),
            Node::Any(parts) => return self.join(parts, is_turned, !is_turned),
        };
        leaf.turned(is_turned)
    }

    fn join(&self, parts: &[Node], is_turned: bool, is_any: bool) -> Truth {
        let truths = parts.iter().map(|part| self.turned(part, is_turned));
        let joined = if is_any { truths.max() } else { truths.min() };
        joined.unwrap_or(Truth::from(!is_any))
    }
}
