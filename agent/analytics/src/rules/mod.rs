//! Rules: whom the violations of one stream concern in each frame.
//!
//! [`CompiledRule::compile`] joins a violation with a zone of a site; [`Rules::evaluate`] takes the tracks of one
//! frame and says of each subject what was seen. The semantics of the conditions:
//!
//! | condition | holds for a seen track when |
//! |---|---|
//! | `class` | its voted class is listed |
//! | `confidence` | the score of its latest detection is at least that |
//! | `in_zone` | its foot point, its centre or a part of its box is inside now |
//! | `dwell` | it has been inside since its first detection there; up to 1.5 s outside and any time unseen are forgiven |
//! | `stationary` | the median of its latest boxes is still at the place where it came to rest; shrinking by occlusion is forgiven, creeping adds up |
//! | `line_crossed` | its foot point got clear of the line on the other side, not longer ago than `holds_for_s` |
//! | `count` | so many subjects fulfil `of`; each counts on for 1.5 s while it is missed, the count must hold for `for_s` without a break |
//! | `wearing` | the votes of closer looks say so; while they cannot tell, neither yes nor no holds |
//! | `schedule` | the local time lies inside, or is unknown |
//!
//! A condition that hangs on what closer looks cannot tell raises nothing, and its subject is [`Sight::Occluded`]: seen,
//! but without a view that tells, so that whoever turns away after a warning has not complied.
//!
//! A violation's `min_confidence` must be reached once by one of a subject's detections; later ones may be less sure.
//!
//! A track that is not seen in a frame neither begins nor ends anything: its conditions keep their values, its subject
//! is [`Sight::Absent`] or [`Sight::Occluded`]. Time in which the stream was interrupted does not count, neither
//! towards a dwell nor as an absence.

mod attributes;
mod binding;
mod classes;
mod compile;
mod error;
mod identity;
mod looks;
mod memory;
mod subjects;
mod tree;

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{
    Answer, BBox, CivilTime, Finding, Look, Reading, RuleHit, Sight, SubjectId, Timestamp, Track, TrackState,
};

use self::attributes::Attributes;
pub use self::binding::RuleBinding;
pub use self::compile::CompiledRule;
pub use self::error::{CompileError, Problem};
use self::identity::{Identity, RuleMemory, reunite};
use self::looks::{Neighbour, Wishes, wishes};
pub(crate) use self::memory::span_us;
use self::memory::{Memory, Sighting};
pub use self::subjects::SubjectSeed;
use self::subjects::{Crowd, SubjectState, unseen};
use self::tree::{Facts, Truth};
use crate::{ClassGroups, plate};

/// The longest step between two frames that counts as watched, in microseconds.
const MAX_STEP_US: i64 = 2_000_000;
/// A counted subject that is missed counts on for this long.
const COUNTED_US: i64 = 1_500_000;

/// The rules of one stream.
#[derive(Debug)]
pub struct Rules {
    states: Vec<RuleState>,
    groups: ClassGroups,
    identities: Vec<Identity>,
    size: (u32, u32),
    at: Option<Timestamp>,
    /// Watched time: the time line of the stream without its outages.
    now: Timestamp,
    next_identity: u64,
    next_subject: u64,
    /// The looks that are wished for after the latest frame.
    looks: Vec<Look>,
    reading_counts: ReadingCounts,
}

/// What became of the readings that were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadingCounts {
    /// They count for a subject.
    pub taken: u64,
    /// Their track is not known any more.
    pub unknown_track: u64,
    /// No rule asks for their attribute.
    pub unasked: u64,
}

/// A rule with what it remembers of the zone as a whole.
#[derive(Debug)]
struct RuleState {
    rule: CompiledRule,
    shapes: Vec<ZoneShape>,
    /// Since when each count has been reached.
    reached_since: Vec<Option<Timestamp>>,
    crowd: Option<Crowd>,
}

impl Rules {
    /// The rules of one stream, with nobody known. Hits are reported in the order of the rules.
    pub fn new(rules: Vec<CompiledRule>) -> Self {
        let state = |rule: CompiledRule| RuleState {
            shapes: Vec::new(),
            reached_since: vec![None; rule.counts.len()],
            crowd: None,
            rule,
        };
        Self {
            states: rules.into_iter().map(state).collect(),
            groups: ClassGroups::default(),
            identities: Vec::new(),
            size: (0, 0),
            at: None,
            now: Timestamp::ZERO,
            next_identity: 1,
            next_subject: 1,
            looks: Vec::new(),
            reading_counts: ReadingCounts::default(),
        }
    }

    /// Uses other class groups than the usual ones; the tracker's should be the same.
    #[must_use]
    pub fn with_groups(mut self, groups: ClassGroups) -> Self {
        self.groups = groups;
        self
    }

    /// Takes back the subjects of open incidents after a restart, before the first frame.
    ///
    /// A subject that is found again at its place goes on as the same subject, and as one whose dwell and stationary
    /// time are long enough. New subjects are numbered above the highest that was taken back. Seeds of rules that no
    /// longer exist are returned.
    pub fn restore(&mut self, seeds: Vec<SubjectSeed>) -> Vec<SubjectSeed> {
        let mut unknown = Vec::new();
        for seed in seeds {
            self.next_subject = self.next_subject.max(seed.subject.0.saturating_add(1));
            let Some(index) = self.states.iter().position(|state| state.rule.key == seed.rule) else {
                unknown.push(seed);
                continue;
            };
            if self.states[index].rule.is_crowd() {
                let SubjectSeed { subject: id, class, bbox, .. } = seed;
                self.states[index].crowd = Some(Crowd { id, bbox, class, violated_at: self.now, is_reported: true });
                continue;
            }
            let mut memories = self.memories();
            memories[index] = fulfilled(&self.states[index].rule, self.now, seed.bbox, seed.subject);
            let group = self.groups.key(&seed.class);
            let identity = Identity::remembered(self.next_identity, group, &seed.class, seed.bbox, self.now, memories);
            self.next_identity += 1;
            self.identities.push(identity);
        }
        unknown
    }

    /// Evaluates the rules over the tracks of the frame that was taken at `at`, of `size` in pixels.
    ///
    /// One hit for each known subject, ordered by rule and subject.
    pub fn evaluate(
        &mut self,
        at: Timestamp,
        size: (u32, u32),
        tracks: &[Track],
        civil: &dyn CivilTime,
    ) -> Vec<RuleHit> {
        let step_us = self.pass_time(at);
        self.fit_to(size);
        let seen: Vec<&Track> =
            tracks.iter().filter(|track| track.state == TrackState::Seen && track.bbox.is_valid()).collect();
        self.identify(at, &seen);
        let others: Vec<BBox> = seen.iter().map(|track| track.bbox).collect();
        for identity in self.identities.iter_mut().filter(|identity| !identity.is_seen(self.now)) {
            identity.miss(step_us, unseen(&identity.bbox, &others));
        }
        reunite(&mut self.identities, self.now);
        let mut wished = Wishes::default();
        let mut hits = Vec::new();
        for index in 0..self.states.len() {
            let first = hits.len();
            self.judge(index, at);
            if self.states[index].rule.is_crowd() {
                hits.extend(self.crowd_hit(index, at, civil));
            } else {
                hits.extend(self.single_hits(index, at, civil));
            }
            hits[first..].sort_by_key(|hit| hit.subject);
            self.wish(index, at, civil, &mut wished);
        }
        self.looks = wished.into_looks();
        self.forget();
        hits
    }

    /// The looks at tracks of the latest frame that would help, the most urgent first; each is given out once.
    ///
    /// What is not looked at is asked for again after a moment. There are none before the first frame.
    pub fn take_looks(&mut self) -> Vec<Look> {
        let looks = std::mem::take(&mut self.looks);
        let Some(at) = self.at else { return looks };
        for look in &looks {
            if let Some(identity) = self.identities.iter_mut().find(|i| i.track == Some(look.track)) {
                identity.attributes.ask(&look.attribute, at);
            }
        }
        looks
    }

    /// Takes in what looks said. They count from the next frame on.
    ///
    /// A reading of a track that is no longer known, or of an attribute that no rule asks for, is dropped and counted.
    pub fn read(&mut self, readings: &[Reading]) {
        for reading in readings {
            if !self.states.iter().any(|s| s.rule.asks.iter().any(|ask| ask.attribute == reading.attribute)) {
                self.reading_counts.unasked += 1;
                continue;
            }
            let Some(identity) = self.identities.iter_mut().find(|i| i.track == Some(reading.track)) else {
                self.reading_counts.unknown_track += 1;
                continue;
            };
            self.reading_counts.taken += 1;
            let mut reading = reading.clone();
            if reading.attribute.as_str() == "plate"
                && let Answer::Text { text, confidence } = &mut reading.answer
            {
                *confidence = plate::lowered(text, *confidence);
            }
            identity.attributes.read(&reading);
        }
    }

    /// What became of the readings so far.
    pub fn reading_counts(&self) -> ReadingCounts {
        self.reading_counts
    }

    /// Moves the watched time on and tells by how much.
    fn pass_time(&mut self, at: Timestamp) -> i64 {
        let step_us = self.at.map_or(0, |before| span_us(before, at)).clamp(0, MAX_STEP_US);
        self.at = Some(self.at.map_or(at, |before| before.max(at)));
        // Even two frames with one time stamp are two moments, so that "seen now" means this frame.
        self.now = Timestamp::from_micros(self.now.as_micros().saturating_add(step_us.max(1)));
        step_us
    }

    fn fit_to(&mut self, size: (u32, u32)) {
        let old = std::mem::replace(&mut self.size, size);
        if old == size && !self.states.iter().any(|state| state.shapes.len() != state.rule.zones.len()) {
            return;
        }
        for state in &mut self.states {
            state.shapes = state.rule.zones.iter().map(|zone| zone.shape_px(size.0, size.1)).collect();
        }
        if old != size && old.0 > 0 && old.1 > 0 && size.0 > 0 && size.1 > 0 {
            let (x, y) = (size.0 as f32 / old.0 as f32, size.1 as f32 / old.1 as f32);
            self.identities.iter_mut().for_each(|identity| identity.rescale(x, y));
        }
    }

    /// Hands each seen track to its identity, or makes a new one.
    fn identify(&mut self, at: Timestamp, seen: &[&Track]) {
        let (now, size) = (self.now, self.size);
        for track in seen {
            if let Some(identity) = self.identities.iter_mut().find(|i| i.track == Some(track.id)) {
                identity.see(now, at, track, size);
                continue;
            }
            let age_us = span_us(track.first_seen, at).clamp(0, now.as_micros().min(MAX_STEP_US));
            let first = Timestamp::from_micros(now.as_micros() - age_us);
            let group = self.groups.key(&track.class);
            let mut identity = Identity::new(self.next_identity, group, track, first, self.memories());
            identity.see(now, at, track, size);
            self.next_identity += 1;
            self.identities.push(identity);
        }
    }

    fn memories(&self) -> Vec<RuleMemory> {
        let memory = |state: &RuleState| RuleMemory {
            leaves: state.rule.leaves.iter().map(Memory::new).collect(),
            held: vec![Truth::False; state.rule.leaves.len()],
            nearly: vec![Truth::False; state.rule.leaves.len()],
            is_admitted: false,
            subject: None,
        };
        self.states.iter().map(memory).collect()
    }

    /// Brings the leaves of one rule up to date for each identity that is seen.
    fn judge(&mut self, index: usize, at: Timestamp) {
        let (RuleState { rule, shapes, .. }, now, size) = (&self.states[index], self.now, self.size);
        for identity in self.identities.iter_mut().filter(|i| i.is_seen(now) && !i.is_waiting) {
            let smooth = identity.smooth();
            let seen = Sighting {
                now,
                first: identity.first,
                bbox: identity.bbox,
                smooth,
                class: &identity.class,
                score: identity.score,
                size,
                at,
                attributes: &identity.attributes,
            };
            let memory = &mut identity.rules[index];
            memory.is_admitted |= identity.score >= rule.min_confidence;
            for (i, leaf) in rule.leaves.iter().enumerate() {
                let held = memory.leaves[i].update(leaf, shapes, &seen);
                (memory.held[i], memory.nearly[i]) = (held.truth, held.nearly);
            }
        }
    }

    /// Adds what one rule wishes to know of the subjects that are seen.
    fn wish(&self, index: usize, at: Timestamp, civil: &dyn CivilTime, wished: &mut Wishes) {
        let rule = &self.states[index].rule;
        if rule.asks.is_empty() || !rule.is_open(at, civil) {
            return;
        }
        let seen = || self.identities.iter().filter(|i| i.is_seen(self.now));
        let neighbours: Vec<Neighbour<'_>> = seen().map(Neighbour::new).collect();
        for identity in seen().filter(|identity| !identity.is_waiting) {
            let memory = &identity.rules[index];
            let facts = Facts { leaves: &memory.nearly, counts: &[], at, civil };
            for wish in wishes(rule, identity, memory, &neighbours, self.size, &facts) {
                wished.add(wish);
            }
        }
    }

    fn single_hits(&mut self, index: usize, at: Timestamp, civil: &dyn CivilTime) -> Vec<RuleHit> {
        let rule = &self.states[index].rule;
        let is_open = rule.is_open(at, civil);
        let mut hits = Vec::new();
        for identity in &mut self.identities {
            let is_seen = identity.is_seen(self.now) && !identity.is_waiting;
            let memory = &mut identity.rules[index];
            let sight = if is_seen {
                let facts = Facts { leaves: &memory.held, counts: &[], at, civil };
                let is_subject =
                    memory.subject.is_some() || (rule.subject.contains(&identity.class) && memory.is_admitted);
                if is_open && is_subject { sight(facts.truth(&rule.condition)) } else { Sight::Compliant }
            } else {
                identity.unseen
            };
            if memory.subject.is_none() {
                if sight != Sight::Violating {
                    continue;
                }
                memory.subject = Some(SubjectState { id: SubjectId(self.next_subject) });
                self.next_subject += 1;
            }
            hits.extend(memory.subject.map(|subject| RuleHit {
                rule: rule.key.clone(),
                subject: subject.id,
                sight,
                class: identity.class.clone(),
                track: identity.track.filter(|_| is_seen),
                count: 1,
                bbox: identity.bbox,
                at,
                findings: if is_seen { rule.findings(&identity.attributes, at) } else { Vec::new() },
            }));
        }
        hits
    }

    fn crowd_hit(&mut self, index: usize, at: Timestamp, civil: &dyn CivilTime) -> Option<RuleHit> {
        let now = self.now;
        let RuleState { rule, reached_since, crowd, .. } = &mut self.states[index];
        let mut members: Vec<&Identity> = Vec::new();
        let mut reached = Vec::with_capacity(rule.counts.len());
        for (count, since) in rule.counts.iter().zip(reached_since) {
            let truth = |identity: &Identity| {
                let memory = &identity.rules[index];
                let facts = Facts { leaves: &memory.held, counts: &[], at, civil };
                let is_counted = !identity.is_waiting
                    && span_us(identity.seen_at, now) <= COUNTED_US
                    && rule.subject.contains(&identity.class)
                    && memory.is_admitted;
                if is_counted { facts.truth(&count.of) } else { Truth::False }
            };
            let counted: Vec<&Identity> = self.identities.iter().filter(|i| truth(i).holds()).collect();
            let n_possible = self.identities.iter().filter(|i| truth(i).may_hold()).count();
            let (is_reached, may_be_reached) =
                (counted.len() >= count.at_least as usize, n_possible >= count.at_least as usize);
            *since = since.filter(|_| may_be_reached);
            if is_reached {
                since.get_or_insert(now);
            }
            let has_lasted = since.is_some_and(|since| span_us(since, now) >= count.for_us);
            reached.push(match (is_reached, may_be_reached) {
                (true, _) => Truth::from(has_lasted),
                (false, true) => Truth::CannotTell,
                (false, false) => Truth::False,
            });
            members.extend(counted);
        }
        members.sort_by_key(|identity| identity.number);
        members.dedup_by_key(|identity| identity.number);
        let facts = Facts { leaves: &[], counts: &reached, at, civil };
        let seen = if rule.is_open(at, civil) { sight(facts.truth(&rule.condition)) } else { Sight::Compliant };
        let is_violating = seen == Sight::Violating;
        let bbox = members.iter().map(|identity| identity.bbox).reduce(|a, b| a.union(&b));
        if is_violating {
            let id = crowd.as_ref().map_or(SubjectId(self.next_subject), |crowd| crowd.id);
            self.next_subject = self.next_subject.max(id.0 + 1);
            let class = most_common(&members).unwrap_or_else(|| rule.subject[0].clone());
            let bbox = bbox.unwrap_or(BBox::new(0.0, 0.0, self.size.0 as f32, self.size.1 as f32));
            *crowd = Some(Crowd { id, bbox, class, violated_at: now, is_reported: true });
        }
        let crowd = crowd.as_mut()?;
        crowd.bbox = bbox.unwrap_or(crowd.bbox);
        crowd.is_reported &= span_us(crowd.violated_at, now) <= rule.forget_after_us;
        crowd.is_reported.then(|| RuleHit {
            rule: rule.key.clone(),
            subject: crowd.id,
            sight: seen,
            class: crowd.class.clone(),
            track: None,
            count: members.len() as u32,
            bbox: crowd.bbox,
            at,
            findings: Vec::new(),
        })
    }

    /// Forgets subjects that were absent for too long, and identities that nothing hangs on.
    fn forget(&mut self) {
        let (now, states) = (self.now, &self.states);
        for identity in &mut self.identities {
            let absent_us = span_us(identity.seen_at, now);
            for (state, memory) in states.iter().zip(&mut identity.rules) {
                if absent_us > state.rule.forget_after_us {
                    memory.subject = None;
                }
            }
        }
        self.identities.retain(|identity| identity.is_kept(now));
    }
}

impl CompiledRule {
    /// Whether the site's schedule lets the rule hold at `at`.
    fn is_open(&self, at: Timestamp, civil: &dyn CivilTime) -> bool {
        self.schedule.as_ref().and_then(|schedule| schedule.holds_at(at, civil)).unwrap_or(true)
    }

    /// What closer looks told of a subject; nothing of what nobody has looked at.
    fn findings(&self, attributes: &Attributes, at: Timestamp) -> Vec<Finding> {
        let findings = self.asks.iter().map(|ask| attributes.finding(&ask.attribute, &ask.standard, at));
        findings.filter(|finding| finding.looks > 0).collect()
    }
}

/// What a condition of this value shows of a subject that is seen.
fn sight(truth: Truth) -> Sight {
    match truth {
        Truth::True | Truth::NoClock => Sight::Violating,
        Truth::CannotTell => Sight::Occluded,
        Truth::False => Sight::Compliant,
    }
}

/// The memory of a subject that violated `rule` when it was last seen.
fn fulfilled(rule: &CompiledRule, now: Timestamp, bbox: BBox, id: SubjectId) -> RuleMemory {
    RuleMemory {
        leaves: rule.leaves.iter().map(|leaf| Memory::fulfilled(leaf, now, bbox)).collect(),
        held: vec![Truth::False; rule.leaves.len()],
        nearly: vec![Truth::False; rule.leaves.len()],
        is_admitted: true,
        subject: Some(SubjectState { id }),
    }
}

/// The class of most members, the earliest member's where classes are equal in number.
fn most_common(members: &[&Identity]) -> Option<forewarn_domain::Class> {
    let count = |class: &forewarn_domain::Class| members.iter().filter(|m| m.class == *class).count();
    let mut best = None;
    for member in members {
        let n = count(&member.class);
        if best.as_ref().is_none_or(|(most, _)| n > *most) {
            best = Some((n, member.class.clone()));
        }
    }
    best.map(|(_, class)| class)
}

#[cfg(test)]
mod tests;
