//! What one rule says of each subject of the frame.

use forewarn_domain::{CivilTime, RuleHit, Sight, SubjectId, Timestamp};

use super::conditions::FALLING;
use super::looks::{Neighbour, Picture, Wishes, wishes};
use super::notes;
use super::program::CompiledRule;
use super::sighting::{Other, Sighting};
use super::stream::{RuleState, Rules};
use super::tree::Facts;
use super::truth::Truth;
use super::view::View;

impl Rules {
    /// Brings what one rule knows of each identity that is seen up to date.
    pub(super) fn judge(&mut self, index: usize, view: &View<'_>, others: &[Other]) {
        let (RuleState { rule, sensed, .. }, now) = (&self.states[index], self.now);
        let facts = Facts::of_world(sensed, view.at, view.civil);
        for identity in self.identities.iter_mut().filter(|i| i.is_seen(now) && !i.is_waiting) {
            let seen = Sighting {
                now,
                first: identity.first,
                first_seen: identity.first_seen,
                bbox: identity.bbox,
                birth: identity.birth,
                smooth: identity.smooth(),
                class: &identity.class,
                score: identity.score,
                size: view.size,
                zones: view.zones,
                at: view.at,
                attributes: &identity.attributes,
                number: identity.number,
                others,
                origin: identity.track.and_then(|track| self.origins.get(&track)),
            };
            identity.rules[index].see(rule, &seen, &facts);
        }
    }

    /// Adds what one rule wishes to know of the subjects that are seen.
    pub(super) fn wish(&self, index: usize, at: Timestamp, civil: &dyn CivilTime, wished: &mut Wishes) {
        let RuleState { rule, sensed, .. } = &self.states[index];
        if rule.asks.is_empty() || !rule.is_open(at, civil) {
            return;
        }
        let seen = || self.identities.iter().filter(|i| i.is_seen(self.now));
        let world = Facts::of_world(sensed, at, civil);
        let neighbours: Vec<Neighbour<'_>> = seen().map(Neighbour::new).collect();
        for identity in seen().filter(|identity| !identity.is_waiting) {
            let memory = &identity.rules[index];
            let facts = Facts { tracks: &memory.nearly, scores: &memory.scored, ..world };
            let head = identity.track.and_then(|track| self.heads.get(&track));
            let picture = Picture { size: self.size, zoom: self.zoom, head };
            for wish in wishes(rule, identity, memory, &neighbours, picture, &facts) {
                wished.add(wish);
            }
        }
    }

    pub(super) fn single_hits(&mut self, index: usize, at: Timestamp, civil: &dyn CivilTime) -> Vec<RuleHit> {
        let RuleState { rule, sensed, .. } = &self.states[index];
        let is_open = rule.is_open(at, civil);
        let world = Facts::of_world(sensed, at, civil);
        let mut hits = Vec::new();
        for identity in &mut self.identities {
            let is_seen = identity.is_seen(self.now) && !identity.is_waiting;
            let memory = &mut identity.rules[index];
            let sight = if is_seen {
                let facts = Facts { tracks: &memory.held, scores: &memory.scored, ..world };
                let is_subject =
                    memory.subject.is_some() || (rule.subject.contains(&identity.class) && memory.is_admitted);
                match is_open {
                    true if is_subject => sight(facts.truth(&rule.condition)),
                    true => Sight::Compliant,
                    false => Sight::Over,
                }
            } else {
                identity.unseen
            };
            // Nobody can take back what was thrown, so nobody complies.
            let is_past = identity.class.as_str() == FALLING && matches!(sight, Sight::Compliant | Sight::Absent);
            let sight = if is_past { Sight::Over } else { sight };
            if memory.subject.is_none() {
                if sight != Sight::Violating {
                    continue;
                }
                memory.subject = Some(SubjectId(self.next_subject));
                self.next_subject += 1;
            }
            let findings = || {
                let origin = identity.track.and_then(|track| self.origins.get(&track));
                let mut findings = notes::of_subject(rule, &identity.attributes, &memory.scores, origin, at);
                findings.extend(notes::of_sensors(&rule.sensors, &self.values));
                findings
            };
            hits.extend(memory.subject.map(|subject| RuleHit {
                rule: rule.key.clone(),
                subject,
                sight,
                class: identity.class.clone(),
                track: identity.track.filter(|_| is_seen),
                count: 1,
                bbox: identity.bbox,
                at,
                findings: if is_seen { findings() } else { Vec::new() },
                fix: None,
            }));
        }
        hits
    }
}

impl CompiledRule {
    /// Whether the site's schedule lets the rule hold at `at`.
    pub(super) fn is_open(&self, at: Timestamp, civil: &dyn CivilTime) -> bool {
        self.schedule.as_ref().and_then(|schedule| schedule.holds_at(at, civil)).unwrap_or(true)
    }
}

/// What a condition of this value shows of a subject that is seen.
pub(super) fn sight(truth: Truth) -> Sight {
    match truth {
        Truth::True | Truth::NoClock => Sight::Violating,
        Truth::CannotTell => Sight::Occluded,
        Truth::False => Sight::Compliant,
    }
}
