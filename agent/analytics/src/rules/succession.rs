//! Which rules come after which, and what of their memory is gone on with.

use super::program::CompiledRule;
use super::recollection::Recollection;

/// Which of the former rules a rule goes on from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Heir {
    /// It is that rule.
    Of(usize),
    /// It has the name of that rule, and something else in it changed.
    Changed(usize),
    /// There was no such rule.
    New,
}

/// The former rules by the places of those that came after them.
pub(super) struct Succession<'a> {
    pub(super) rules: &'a [CompiledRule],
    pub(super) heirs: &'a [Heir],
}

impl Succession<'_> {
    /// What the rules remember of one identity, given what the former ones did. Of a rule that changed, an open incident
    /// goes on and nothing else does.
    pub(super) fn recollections(
        &self,
        mut former: Vec<Recollection>,
        recalled: impl Fn(&CompiledRule, &Recollection) -> Option<Recollection>,
    ) -> Vec<Recollection> {
        let heir = |(rule, heir): (&CompiledRule, &Heir)| match *heir {
            // A rule has one heir at most, so nobody misses what is taken out.
            Heir::Of(i) => std::mem::replace(&mut former[i], Recollection::new(rule)),
            Heir::Changed(i) => recalled(rule, &former[i]).unwrap_or_else(|| Recollection::new(rule)),
            Heir::New => Recollection::new(rule),
        };
        self.rules.iter().zip(self.heirs).map(heir).collect()
    }
}
