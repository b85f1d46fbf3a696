//! The rules of one stream, and one frame's way through them.

use std::collections::BTreeMap;

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Look, Motion, Origin, RuleHit, SeenHead, Sight, Timestamp, Track, TrackId, TrackState};

use super::attributes::ReadingCounts;
use super::conditions::{Score, Threshold};
use super::identity::{Identity, reunite};
use super::looks::Wishes;
use super::place::Remap;
use super::program::{CompiledRule, Term};
use super::recollection::Recollection;
use super::sighting::Other;
use super::subjects::{Crowd, SubjectSeed, unseen};
use super::truth::Truth;
use super::values::Values;
use super::view::View;
use super::watched::{COUNTED_US, Watched};
use crate::ClassGroups;

/// The longest step between two frames that counts as watched, in microseconds.
const MAX_STEP_US: i64 = 2_000_000;
/// After a restart an open incident of a zone is not judged for this long: those in the zone have to be found first.
pub(super) const SETTLE_US: i64 = 2_000_000;

/// The rules of one stream.
#[derive(Debug)]
pub struct Rules {
    pub(super) states: Vec<RuleState>,
    pub(super) groups: ClassGroups,
    pub(super) identities: Vec<Identity>,
    pub(super) size: (u32, u32),
    /// How much larger the pictures of closer looks are than those that are watched, in parts of a side.
    pub(super) zoom: f32,
    pub(super) at: Option<Timestamp>,
    pub(super) now: Watched,
    pub(super) next_identity: u64,
    pub(super) next_subject: u64,
    /// The looks that are wished for after the latest frame.
    pub(super) looks: Vec<Look>,
    pub(super) reading_counts: ReadingCounts,
    pub(super) values: Values,
    pub(super) origins: BTreeMap<TrackId, Origin>,
    /// Where the tracks that this frame confirmed were detected first.
    pub(super) births: BTreeMap<TrackId, BBox>,
    /// Heads that were found on the tracks of the frame.
    pub(super) heads: BTreeMap<TrackId, SeenHead>,
    /// Whether the camera flies, so that zones leave the picture and come back.
    pub(super) has_moved: bool,
}

/// A rule with what it remembers of the zone as a whole.
#[derive(Debug)]
pub(super) struct RuleState {
    pub(super) rule: CompiledRule,
    pub(super) terms: Vec<Term>,
    pub(super) thresholds: Vec<Threshold>,
    /// What each threshold comes to in this frame.
    pub(super) sensed: Vec<Truth>,
    pub(super) scores: Vec<Score>,
    pub(super) crowd: Option<Crowd>,
    /// What was seen of the zone as a whole in the latest frame, and how many take part.
    pub(super) latest: (Sight, u32),
    /// The box around the rule's own zone in the latest frame.
    pub(super) own_place: Option<BBox>,
    /// When the zone counts as in view again, which a camera that flies had lost sight of.
    pub(super) in_view_from: Option<Watched>,
    /// When the thresholds were judged last.
    pub(super) heard_at: Timestamp,
}

impl RuleState {
    pub(super) fn new(rule: CompiledRule) -> Self {
        Self {
            terms: rule.terms.clone(),
            thresholds: rule.sensors.clone(),
            sensed: vec![Truth::CannotTell; rule.sensors.len()],
            scores: rule.scores.clone(),
            crowd: None,
            latest: (Sight::Occluded, 0),
            own_place: None,
            in_view_from: None,
            heard_at: Timestamp::ZERO,
            rule,
        }
    }

    /// Goes on with the open incident of a zone.
    pub(super) fn restore(&mut self, seed: SubjectSeed, now: Watched) {
        let SubjectSeed { subject: id, class, bbox, at, .. } = seed;
        // A sensor is silent until its first value, so nothing has to settle where nobody has to be found.
        let settles_at = (!self.rule.is_of_sensors()).then_some(now.after(SETTLE_US));
        self.crowd = Some(Crowd { id, bbox, class, violated_at: now, is_reported: true, settles_at });
        self.terms.iter_mut().for_each(|term| term.watch.recall(now));
        self.thresholds.iter_mut().for_each(|threshold| threshold.recall(at));
        self.scores.iter_mut().for_each(|score| score.recall(now));
    }

    /// Brings the thresholds up to date.
    pub(super) fn hear(&mut self, values: &Values, at: Timestamp) {
        self.heard_at = at;
        self.sensed = self.thresholds.iter().map(|threshold| threshold.truth(values, at)).collect();
    }

    /// Notes where the rule's own zone lies.
    fn find(&mut self, zones: &[ZoneShape]) {
        self.own_place = self.rule.own_zone.and_then(|zone| zones.get(zone)?.bounds());
    }
}

impl Rules {
    /// The rules of one stream, with nobody known. Hits are reported in the order of the rules.
    pub fn new(rules: Vec<CompiledRule>) -> Self {
        Self {
            states: rules.into_iter().map(RuleState::new).collect(),
            groups: ClassGroups::default(),
            identities: Vec::new(),
            size: (0, 0),
            zoom: 1.0,
            at: None,
            now: Watched::START,
            next_identity: 1,
            next_subject: 1,
            looks: Vec::new(),
            reading_counts: ReadingCounts::default(),
            values: Values::default(),
            origins: BTreeMap::new(),
            births: BTreeMap::new(),
            heads: BTreeMap::new(),
            has_moved: false,
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
                self.states[index].restore(seed, self.now);
                continue;
            }
            let mut rules = self.recollections();
            rules[index] = Recollection::recalled(&self.states[index].rule, self.now, seed.bbox, seed.subject);
            let group = self.groups.key(&seed.class);
            let identity = Identity::remembered(self.next_identity, group, &seed.class, seed.bbox, self.now, rules);
            self.next_identity += 1;
            self.identities.push(identity);
        }
        unknown
    }

    /// Tells, before the evaluation of a frame, by how many pixels everything in it has moved since the frame before: the
    /// camera was shaken, and who stands has not moved. Zones keep their place in the picture.
    pub fn shifted(&mut self, dx: f32, dy: f32) {
        if dx.is_finite() && dy.is_finite() {
            self.remap(&Remap::Shifted(dx, dy));
        }
    }

    /// The same of a camera that has moved over the ground: places stay where they are on it.
    pub fn moved(&mut self, motion: &Motion) {
        self.has_moved = true;
        self.remap(&Remap::Moved(*motion));
    }

    /// Evaluates the rules over one frame.
    ///
    /// One hit for each known subject, ordered by rule and subject.
    pub fn evaluate(&mut self, view: &View<'_>) -> Vec<RuleHit> {
        let View { at, size, tracks, civil, .. } = *view;
        let step_us = self.pass_time(at);
        self.fit_to(size);
        let seen: Vec<&Track> =
            tracks.iter().filter(|track| track.state == TrackState::Seen && track.bbox.is_valid()).collect();
        self.identify(at, &seen);
        let others: Vec<BBox> = seen.iter().map(|track| track.bbox).collect();
        for identity in self.identities.iter_mut().filter(|identity| !identity.is_seen(self.now)) {
            identity.miss(step_us, unseen(&identity.bbox, &others, size, identity.seen_part));
        }
        reunite(&mut self.identities, self.now);
        let others = self.others();
        let mut wished = Wishes::default();
        let mut hits = Vec::new();
        for index in 0..self.states.len() {
            let first = hits.len();
            self.states[index].hear(&self.values, at);
            self.judge(index, view, &others);
            if self.states[index].rule.is_crowd() {
                self.states[index].find(view.zones);
                hits.extend(self.crowd_hit(index, at, step_us, civil));
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

    /// Moves the watched time on and tells by how much.
    fn pass_time(&mut self, at: Timestamp) -> i64 {
        let step_us = self.at.map_or(0, |before| at.micros_since(before)).clamp(0, MAX_STEP_US);
        self.at = Some(self.at.map_or(at, |before| before.max(at)));
        // Even two frames with one time stamp are two moments, so that "seen now" means this frame.
        self.now = self.now.after(step_us.max(1));
        step_us
    }

    /// Fits what is remembered to a picture of another size.
    fn fit_to(&mut self, size: (u32, u32)) {
        let old = std::mem::replace(&mut self.size, size);
        if old != size && old.0 > 0 && old.1 > 0 && size.0 > 0 && size.1 > 0 {
            let scale = (size.0 as f32 / old.0 as f32, size.1 as f32 / old.1 as f32);
            self.remap(&Remap::Scaled(scale.0, scale.1));
        }
    }

    fn remap(&mut self, remap: &Remap) {
        self.identities.iter_mut().for_each(|identity| identity.remap(remap));
    }

    /// Hands each seen track to its identity, or makes a new one.
    fn identify(&mut self, at: Timestamp, seen: &[&Track]) {
        let (now, size) = (self.now, self.size);
        for track in seen {
            if let Some(identity) = self.identities.iter_mut().find(|i| i.track == Some(track.id)) {
                identity.see(now, at, track, size);
                continue;
            }
            let age_us = at.micros_since(track.first_seen).clamp(0, now.micros_since(Watched::START).min(MAX_STEP_US));
            let first = now.before(age_us);
            let group = self.groups.key(&track.class);
            let mut identity = Identity::new(self.next_identity, group, track, first, self.recollections());
            identity.birth = self.births.get(&track.id).copied().unwrap_or(track.bbox);
            identity.see(now, at, track, size);
            self.next_identity += 1;
            self.identities.push(identity);
        }
    }

    fn recollections(&self) -> Vec<Recollection> {
        self.states.iter().map(|state| Recollection::new(&state.rule)).collect()
    }

    /// Everybody and everything in the picture; who is missed counts on for a moment.
    fn others(&self) -> Vec<Other> {
        let is_there = |i: &&Identity| i.track.is_some() && self.now.micros_since(i.seen_at) <= COUNTED_US;
        let other = |i: &Identity| Other { number: i.number, class: i.class.clone(), bbox: i.bbox };
        self.identities.iter().filter(is_there).map(other).collect()
    }

    /// Forgets subjects that were absent for too long, and identities that nothing hangs on.
    fn forget(&mut self) {
        let (now, states) = (self.now, &self.states);
        for identity in &mut self.identities {
            let absent_us = identity.missed_us(now);
            for (state, memory) in states.iter().zip(&mut identity.rules) {
                if absent_us > state.rule.forget_after_us {
                    memory.subject = None;
                }
            }
        }
        self.identities.retain(|identity| identity.is_kept(now));
    }
}
