//! What can be told of rules at one moment, of everybody in the picture and not of those alone who violate them.

use forewarn_domain::{BBox, CivilTime, Class, Finding, RuleKey, Sight, TrackId};

use super::judge::sight;
use super::notes;
use super::program::CompiledRule;
use super::recollection::Recollection;
use super::stream::{RuleState, Rules};
use super::tree::Facts;

/// One whom a rule may concern, as he is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpsed {
    /// The track.
    pub track: TrackId,
    /// Its class.
    pub class: Class,
    /// Where it is.
    pub bbox: BBox,
    /// Whether the condition holds of it; `Occluded` where that cannot be told.
    pub sight: Sight,
    /// What closer looks told.
    pub findings: Vec<Finding>,
}

/// What can be told of one rule now.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpse {
    /// The rule.
    pub rule: RuleKey,
    /// Whether it is violated by anybody; of a rule about the zone, by the zone.
    pub sight: Sight,
    /// Those whom it may concern. A rule about the zone concerns nobody by himself.
    pub who: Vec<Glimpsed>,
    /// How many take part: those of whom the condition holds, or who count for the zone.
    pub count: u32,
    /// What is known of the zone: signs and sensors.
    pub findings: Vec<Finding>,
}

impl Rules {
    /// Other rules of the same stream, which begin now and know who is who, what closer looks told and what sensors measured.
    #[must_use]
    pub fn beside(&self, rules: Vec<CompiledRule>) -> Self {
        let mut beside = Self::new(rules).with_groups(self.groups.clone());
        (beside.size, beside.zoom, beside.at, beside.now) = (self.size, self.zoom, self.at, self.now);
        (beside.next_identity, beside.has_moved) = (self.next_identity, self.has_moved);
        (beside.values, beside.origins) = (self.values.clone(), self.origins.clone());
        for threshold in beside.states.iter_mut().flat_map(|state| &mut state.thresholds) {
            if let Some((at, value)) = self.values.latest(threshold.id()) {
                threshold.take(value, at);
            }
        }
        // Whoever vanished is nobody to be known again within one look.
        for identity in self.identities.iter().filter(|identity| identity.track.is_some()) {
            let mut identity = identity.clone();
            // What it did before is not known to these rules: a line that it crossed then was not crossed now.
            identity.first = self.now;
            identity.birth = identity.bbox;
            identity.rules = beside.states.iter().map(|state| Recollection::new(&state.rule)).collect();
            beside.identities.push(identity);
        }
        beside
    }

    /// What can be told of each rule after the frame that was evaluated last, in the order of the rules.
    pub fn glimpses(&self, civil: &dyn CivilTime) -> Vec<Glimpse> {
        (0..self.states.len()).filter_map(|index| self.glimpse(index, civil)).collect()
    }

    fn glimpse(&self, index: usize, civil: &dyn CivilTime) -> Option<Glimpse> {
        let (RuleState { rule, sensed, scores, latest, .. }, at) = (&self.states[index], self.at?);
        let of_sensors = notes::of_sensors(&rule.sensors, &self.values);
        if rule.is_crowd() {
            let (sight, count) = *latest;
            let findings = notes::of_zone(scores).into_iter().chain(of_sensors).collect();
            return Some(Glimpse { rule: rule.key.clone(), sight, who: Vec::new(), count, findings });
        }
        let world = Facts::of_world(sensed, at, civil);
        let seen = self.identities.iter().filter(|identity| identity.is_seen(self.now) && !identity.is_waiting);
        let who = seen.filter_map(|identity| {
            let memory = &identity.rules[index];
            let track = identity.track.filter(|_| rule.subject.contains(&identity.class) && memory.is_admitted)?;
            let facts = Facts { tracks: &memory.held, scores: &memory.scored, ..world };
            let origin = self.origins.get(&track);
            Some(Glimpsed {
                track,
                class: identity.class.clone(),
                bbox: identity.bbox,
                sight: sight(facts.truth(&rule.condition)),
                findings: notes::of_subject(rule, &identity.attributes, &memory.scores, origin, at),
            })
        });
        let who: Vec<Glimpsed> = who.collect();
        let count = who.iter().filter(|one| one.sight == Sight::Violating).count() as u32;
        let is_unclear = who.iter().any(|one| one.sight == Sight::Occluded);
        let sight = match count {
            1.. => Sight::Violating,
            0 if is_unclear => Sight::Occluded,
            0 => Sight::Compliant,
        };
        Some(Glimpse { rule: rule.key.clone(), sight, who, count, findings: of_sensors })
    }
}
