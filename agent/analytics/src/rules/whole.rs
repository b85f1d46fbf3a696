//! What one rule says of a zone as a whole.

use forewarn_domain::{BBox, CivilTime, Class, RuleHit, Sight, SubjectId, Timestamp};

use super::identity::Identity;
use super::judge::sight;
use super::notes;
use super::program::Term;
use super::stream::{RuleState, Rules, SETTLE_US};
use super::subjects::{Crowd, is_out_of_view};
use super::tree::Facts;
use super::truth::Truth;
use super::watched::COUNTED_US;

/// Those who take part.
struct Members {
    count: u32,
    class: Option<Class>,
    /// The smallest box around them.
    bbox: Option<BBox>,
}

impl Rules {
    /// The hit of the rule's zone, `step_us` of watched time after the last frame; none before it was first violated.
    pub(super) fn crowd_hit(
        &mut self,
        index: usize,
        at: Timestamp,
        step_us: i64,
        civil: &dyn CivilTime,
    ) -> Option<RuleHit> {
        let (now, size) = (self.now, self.size);
        let is_open = self.states[index].rule.is_open(at, civil);
        let state = &mut self.states[index];
        if self.has_moved && state.rule.own_zone.is_some() && is_out_of_view(state.own_place, size) {
            // Who is there when it comes back must be found first.
            state.in_view_from = Some(now.after(SETTLE_US));
        }
        let settles_at = state.crowd.as_ref().and_then(|crowd| crowd.settles_at).max(state.in_view_from);
        let is_settling = settles_at.is_some_and(|settles_at| now < settles_at);
        let (members, truths) = self.count(index, at, step_us, (is_open, is_settling), civil);
        let RuleState { rule, sensed, scores, .. } = &mut self.states[index];
        let facts = Facts { zones: &truths, ..Facts::of_world(sensed, at, civil) };
        let scored: Vec<Truth> = scores.iter_mut().map(|score| score.add_up(&facts, now)).collect();
        let facts = Facts { scores: &scored, ..facts };
        let seen = match is_open {
            _ if is_settling => Sight::Occluded,
            true => sight(facts.truth(&rule.condition)),
            false => Sight::Over,
        };
        let mut findings = notes::of_zone(scores);
        findings.extend(notes::of_sensors(&rule.sensors, &self.values));
        let place = self.states[index].place(&members, size);
        let RuleState { rule, crowd, latest, .. } = &mut self.states[index];
        *latest = (seen, members.count);
        if seen == Sight::Violating {
            let id = crowd.as_ref().map_or(SubjectId(self.next_subject), |crowd| crowd.id);
            self.next_subject = self.next_subject.max(id.0 + 1);
            let class = members.class.unwrap_or_else(|| rule.subject[0].clone());
            *crowd = Some(Crowd { id, bbox: place, class, violated_at: now, is_reported: true, settles_at: None });
        }
        let crowd = crowd.as_mut()?;
        if members.count > 0 {
            crowd.bbox = place;
        }
        crowd.is_reported &= now.micros_since(crowd.violated_at) <= rule.forget_after_us;
        crowd.is_reported.then(|| RuleHit {
            rule: rule.key.clone(),
            subject: crowd.id,
            sight: seen,
            class: crowd.class.clone(),
            track: None,
            count: members.count,
            bbox: crowd.bbox,
            at,
            findings,
            fix: None,
        })
    }

    /// Who takes part, and what is known of each term of the rule; nothing of these while the rule settles, or while its zone
    /// is out of view.
    fn count(
        &mut self,
        index: usize,
        at: Timestamp,
        step_us: i64,
        (is_open, is_settling): (bool, bool),
        civil: &dyn CivilTime,
    ) -> (Members, Vec<Truth>) {
        let now = self.now;
        let RuleState { rule, terms, sensed, .. } = &mut self.states[index];
        let world = Facts::of_world(sensed, at, civil);
        let (mut members, mut truths): (Vec<&Identity>, _) = (Vec::new(), Vec::with_capacity(terms.len()));
        for Term { of, watch } in terms {
            let truth = |identity: &Identity| {
                let memory = &identity.rules[index];
                let facts = Facts { tracks: &memory.held, scores: &memory.scored, ..world };
                let is_counted = !identity.is_waiting
                    && now.micros_since(identity.seen_at) <= COUNTED_US
                    && rule.subject.contains(&identity.class)
                    && memory.is_admitted;
                if is_counted { facts.truth(of) } else { Truth::False }
            };
            let counted: Vec<&Identity> = self.identities.iter().filter(|i| truth(i).holds()).collect();
            let n_possible = self.identities.iter().filter(|i| truth(i).may_hold()).count();
            if !is_open {
                watch.close();
            }
            if !is_settling {
                truths.push(watch.count((counted.len(), n_possible), step_us, now));
            }
            if watch.has_members() {
                members.extend(counted);
            }
        }
        members.sort_by_key(|identity| identity.number);
        members.dedup_by_key(|identity| identity.number);
        let members = Members {
            count: members.len() as u32,
            class: most_common(&members),
            bbox: members.iter().map(|identity| identity.bbox).reduce(|a, b| a.union(&b)),
        };
        (members, truths)
    }
}

impl RuleState {
    /// Where those who take part are; the rule's zone, or the picture, where nobody does.
    fn place(&self, members: &Members, size: (u32, u32)) -> BBox {
        let picture = BBox::new(0.0, 0.0, size.0 as f32, size.1 as f32);
        members.bbox.or(self.own_place).unwrap_or(picture).clamped(size.0, size.1)
    }
}

/// The class of most members, the earliest member's where classes are equal in number.
fn most_common(members: &[&Identity]) -> Option<Class> {
    let count = |class: &Class| members.iter().filter(|m| m.class == *class).count();
    let mut best = None;
    for member in members {
        let n = count(&member.class);
        if best.as_ref().is_none_or(|(most, _)| n > *most) {
            best = Some((n, member.class.clone()));
        }
    }
    best.map(|(_, class)| class)
}
