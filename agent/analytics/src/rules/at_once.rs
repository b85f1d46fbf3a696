//! A rule as one look can judge it: what it asks to last is asked of this moment.

use super::conditions::Watch;
use super::program::CompiledRule;
use super::tree::Node;

impl CompiledRule {
    /// The same rule, whose condition holds as soon as it would begin to. Directions, speeds and crossings stay as they are: they
    /// are told of what the look itself sees.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        for watch in &mut self.watches {
            watch.at_once();
        }
        for term in &mut self.terms {
            term.watch.at_once();
        }
        for sensor in &mut self.sensors {
            sensor.at_once();
        }
        for score in &mut self.scores {
            score.at_once();
        }
        for ask in &mut self.asks {
            ask.standard = ask.standard.at_once();
        }
        self
    }

    /// Whether the condition hangs on something that happens in one moment, such as a crossing: a look that saw it has seen all.
    pub fn is_of_a_moment(&self) -> bool {
        !self.is_zone && self.has_moment(&self.condition)
    }

    fn has_moment(&self, node: &Node) -> bool {
        match node {
            Node::Track(n) => self.watches.get(*n).is_some_and(Watch::is_of_a_moment),
            Node::All(parts) => parts.iter().any(|part| self.has_moment(part)),
            Node::Any(parts) => !parts.is_empty() && parts.iter().all(|part| self.has_moment(part)),
            Node::Zone(_) | Node::Sensor(_) | Node::Score(_) | Node::Schedule(_) | Node::Not(_) => false,
        }
    }

    /// Whether the condition compares with what was before a look, so that one that sees nothing of it tells nothing.
    pub fn hangs_on_before(&self) -> bool {
        self.terms.iter().any(|term| term.watch.hangs_on_before())
    }
}
