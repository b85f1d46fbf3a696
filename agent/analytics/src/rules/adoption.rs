//! Rules that take the place of others while a stream is watched: what did not change goes on as if nothing had happened.

use forewarn_domain::{RuleKey, SubjectId, Timestamp};

use super::program::CompiledRule;
use super::stream::{RuleState, Rules};
use super::subjects::SubjectSeed;
use super::succession::{Heir, Succession};

impl Rules {
    /// Watches for `rules` from now on, in place of those of before.
    ///
    /// A rule that is as it was goes on with all that it remembers, also where its zone was drawn anew. Of a rule that
    /// changed, the subjects of incidents that are open by `is_open` are kept, as over a restart ([`Rules::restore`]); how
    /// long others have dwelt counts from now. What rules that are gone remember is forgotten.
    pub fn adopt(&mut self, rules: Vec<CompiledRule>, is_open: impl Fn(&RuleKey, SubjectId) -> bool) {
        let heirs: Vec<Heir> = rules.iter().map(|rule| self.heir(rule)).collect();
        let succession = Succession { rules: &rules, heirs: &heirs };
        self.identities.iter_mut().for_each(|identity| identity.go_on_under(&succession, self.now, &is_open));
        let mut former: Vec<Option<RuleState>> = std::mem::take(&mut self.states).into_iter().map(Some).collect();
        let (now, at) = (self.now, self.at.unwrap_or(Timestamp::ZERO));
        let state = |(rule, heir): (CompiledRule, Heir)| match heir {
            Heir::Of(i) => former[i].take().unwrap_or_else(|| RuleState::new(rule)),
            Heir::Changed(i) => {
                let crowd = former[i].take().and_then(|state| state.crowd).filter(|crowd| is_open(&rule.key, crowd.id));
                let key = rule.key.clone();
                let mut state = RuleState::new(rule);
                if let Some(crowd) = crowd {
                    let seed = SubjectSeed { subject: crowd.id, rule: key, class: crowd.class, bbox: crowd.bbox, at };
                    state.restore(seed, now);
                }
                state
            }
            Heir::New => RuleState::new(rule),
        };
        self.states = rules.into_iter().zip(heirs).map(state).collect();
    }

    fn heir(&self, rule: &CompiledRule) -> Heir {
        let of_name = self.states.iter().position(|state| state.rule.key == rule.key);
        match of_name {
            Some(i) if self.states[i].rule == *rule => Heir::Of(i),
            Some(i) => Heir::Changed(i),
            None => Heir::New,
        }
    }
}
