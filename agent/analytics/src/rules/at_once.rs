//! A rule as one look can judge it: what it asks to last is asked of this moment.

use super::program::CompiledRule;

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

    /// Whether the condition compares with what was before a look, so that one that sees nothing of it tells nothing.
    pub fn hangs_on_before(&self) -> bool {
        self.terms.iter().any(|term| term.watch.hangs_on_before())
    }
}
