//! What one rule remembers of one subject.

use forewarn_domain::{BBox, SubjectId};

use super::conditions::{Score, Watch};
use super::place::Remap;
use super::program::CompiledRule;
use super::sighting::Sighting;
use super::tree::Facts;
use super::truth::Truth;
use super::watched::Watched;

/// What one rule remembers of an identity.
#[derive(Debug, Clone)]
pub(super) struct Recollection {
    watches: Vec<Watch>,
    /// What was known of each of them when the identity was last seen.
    pub(super) held: Vec<Truth>,
    /// The same, with times that are half over counted as possible.
    pub(super) nearly: Vec<Truth>,
    pub(super) scores: Vec<Score>,
    /// The scores' values when the identity was last seen.
    pub(super) scored: Vec<Truth>,
    /// Whether a detection was ever sure enough for the rule.
    pub(super) is_admitted: bool,
    /// Whom the rule's incident concerns, if there is one.
    pub(super) subject: Option<SubjectId>,
}

impl Recollection {
    /// Nothing was seen yet.
    pub(super) fn new(rule: &CompiledRule) -> Self {
        Self {
            watches: rule.watches.clone(),
            held: vec![Truth::False; rule.watches.len()],
            nearly: vec![Truth::False; rule.watches.len()],
            scores: rule.scores.clone(),
            scored: vec![Truth::False; rule.scores.len()],
            is_admitted: false,
            subject: None,
        }
    }

    /// Of a subject that violated `rule` when it was last seen, at `bbox`, before a restart.
    pub(super) fn recalled(rule: &CompiledRule, now: Watched, bbox: BBox, subject: SubjectId) -> Self {
        let mut recalled = Self { is_admitted: true, subject: Some(subject), ..Self::new(rule) };
        recalled.watches.iter_mut().for_each(|watch| watch.recall(now, bbox));
        recalled.scores.iter_mut().for_each(|score| score.recall(now));
        recalled
    }

    /// Takes in a sighting.
    pub(super) fn see(&mut self, rule: &CompiledRule, seen: &Sighting<'_>, facts: &Facts<'_>) {
        self.is_admitted |= seen.score >= rule.min_confidence;
        for (i, watch) in self.watches.iter_mut().enumerate() {
            let held = watch.see(seen);
            (self.held[i], self.nearly[i]) = (held.truth, held.nearly);
        }
        for (score, scored) in self.scores.iter_mut().zip(&mut self.scored).filter(|(score, _)| !score.is_zone()) {
            *scored = score.add_up(&Facts { tracks: &self.held, ..*facts }, seen.now);
        }
    }

    /// Fits every remembered place to a picture that has changed as a whole.
    pub(super) fn remap(&mut self, remap: &Remap) {
        self.watches.iter_mut().for_each(|watch| watch.remap(remap));
    }
}
