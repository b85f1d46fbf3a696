//! Identities: who is who through changes of track id.
//!
//! A tracker's id is lost when a subject is hidden for long, missed for some seconds or mixed up with a neighbour. An
//! identity outlives that. When its track has vanished and a track of the same class group turns up at its place, the
//! identity takes the new track on, with all that the rules remember of it:
//!
//! * A subject that **moved** is looked for during a few seconds around the place where it would be by now.
//! * A subject that **stood** is looked for at its place, until it has been absent in clear view for as long as it had
//!   stood; time behind others does not count. The new track must have appeared there and must stay: a car that drives past in front of a parked
//!   one is not it. Until that is settled the newcomer waits and is not judged by the rules.
//!
//! A tracker may also carry the track of a parked car on with a car that passes in front. When a rooted subject seems to
//! drive off and a moment later one of its kind is found at the very place, the passer-by gets an identity of its own.

use forewarn_domain::{BBox, Class, RuleKey, Sight, SubjectId, Timestamp, Track, TrackId};

use super::attributes::Attributes;
use super::classes::ClassVotes;
use super::place::{Recent, Remap, Stillness, is_at};
use super::program::CompiledRule;
use super::recollection::Recollection;
use super::subjects::{covered_part, part_in_view};
use super::succession::Succession;
use super::watched::Watched;
use crate::tracker::likeness;

/// A subject that kept its place this long stands, in microseconds.
const STANDS_AFTER_US: i64 = 2_000_000;
/// How far a standing subject's centre may wander, as a part of its diagonal.
const STANDS_WITHIN: f32 = 0.25;
/// How long a moving subject, and at most a standing one without violation, is looked for.
const MOVER_US: i64 = 3_000_000;
const STANDER_US: i64 = 60_000_000;
/// Who stands is not forgotten while something hides his place, but for no longer than this.
const HIDDEN_US: i64 = 3_600_000_000;
/// A subject of an earlier run is taken to have stood for so long.
const REMEMBERED_US: i64 = 120_000_000;
/// A newcomer settles at a stander's place when it has stayed for so long and so many sightings.
const SETTLE_US: i64 = 800_000;
const SETTLE_SIGHTINGS: u32 = 3;
/// The least part of its first box that lies within the place.
const BORN_WITHIN: f32 = 0.6;
/// The least part of the place that lies within a first box that is larger, as headlights make it.
const GLARE_COVERS: f32 = 0.9;
/// Jitter aside it moves no faster than this, in diagonals per second; a walker passes half a diagonal.
const SETTLED_SPEED: f32 = 0.15;
/// A newcomer is one for this long after its first detection.
const NEWCOMER_US: i64 = 3_000_000;
/// A moving subject's new track must fit when it is not older than this.
const FRESH_US: i64 = 1_200_000;
/// A track that leaves the place where its subject stood this long may have been taken over by a passer-by; then the
/// subject turns up at its place again within the second time.
const ROOTED_US: i64 = 5_000_000;
const TAKEN_OVER_US: i64 = 4_000_000;
/// By how much, in parts of the height, the foot of a passer-by lies below that of what it hides.
const FOOT_BEFORE: f32 = 0.05;
/// The part of a place that may be bare of what stands there and what hides it, and in how many looks more of it was bare if
/// somebody else moves up.
const MOST_BARE: f32 = 0.25;
const BARE_LOOKS: u32 = 2;
/// An edge so near to the picture's is cut off by it.
const BORDER_PX: f32 = 2.0;

/// One subject of the picture, seen or remembered.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) number: u64,
    pub(super) track: Option<TrackId>,
    pub(super) group: Class,
    pub(super) class: Class,
    pub(super) score: f32,
    /// Where it was last seen.
    pub(super) bbox: BBox,
    pub(super) first: Watched,
    /// The same on the frames' own time line, as its track tells it.
    pub(super) first_seen: Timestamp,
    /// When it was last seen, in watched time.
    pub(super) seen_at: Watched,
    /// It may be a vanished identity and is not judged until that is settled.
    pub(super) is_waiting: bool,
    /// What is seen of its last place while it is not seen itself.
    pub(super) unseen: Sight,
    /// How long it has been absent with its place in clear view.
    absent_us: i64,
    /// The part of it that was in the picture when it was seen.
    pub(super) seen_part: f32,
    /// The camera has turned so far that its place lies behind it, where a picture shows places mirrored.
    is_behind: bool,
    pub(super) rules: Vec<Recollection>,
    /// What closer looks told.
    pub(super) attributes: Attributes,
    classes: ClassVotes,
    sightings: u32,
    /// Where it was seen first.
    pub(super) birth: BBox,
    /// In how many looks a part of the place that it may have come back to lay bare.
    bare_looks: u32,
    /// Width and height of the picture.
    size: (u32, u32),
    recent: Recent,
    stillness: Stillness,
    /// How long it had stood when last seen.
    stood_us: i64,
    left: Option<Left>,
}

/// The place that a rooted subject has left, and what the rules remembered of it there.
#[derive(Debug, Clone)]
struct Left {
    at: Watched,
    place: BBox,
    stood_us: i64,
    rules: Vec<Recollection>,
    classes: ClassVotes,
    attributes: Attributes,
    /// The frame's own time when it left.
    taken_at: Timestamp,
}

/// Whether a newcomer is a vanished identity.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fit {
    No,
    /// It may be; the newcomer has to stay for a moment.
    Maybe,
    Yes(f32),
}

impl Identity {
    pub(super) fn new(number: u64, group: Class, track: &Track, first: Watched, rules: Vec<Recollection>) -> Self {
        Self {
            number,
            track: Some(track.id),
            group,
            class: track.class.clone(),
            score: track.score,
            bbox: track.bbox,
            first,
            first_seen: track.first_seen,
            seen_at: first,
            is_waiting: false,
            unseen: Sight::Absent,
            absent_us: 0,
            seen_part: 1.0,
            is_behind: false,
            rules,
            attributes: Attributes::default(),
            classes: ClassVotes::new(),
            sightings: 0,
            birth: track.bbox,
            bare_looks: 0,
            size: (0, 0),
            recent: Recent::default(),
            stillness: Stillness::default(),
            stood_us: 0,
            left: None,
        }
    }

    /// The rules are others from now on.
    pub(super) fn go_on_under(
        &mut self,
        succession: &Succession<'_>,
        now: Watched,
        is_open: &impl Fn(&RuleKey, SubjectId) -> bool,
    ) {
        let recalled = |bbox: BBox| {
            move |rule: &CompiledRule, former: &Recollection| {
                let subject = former.subject.filter(|subject| is_open(rule.key(), *subject))?;
                Some(Recollection::recalled(rule, now, bbox, subject))
            }
        };
        self.rules = succession.recollections(std::mem::take(&mut self.rules), recalled(self.bbox));
        if let Some(left) = &mut self.left {
            left.rules = succession.recollections(std::mem::take(&mut left.rules), recalled(left.place));
        }
    }

    /// An identity that stood at `bbox` before the agent was restarted.
    pub(super) fn remembered(
        number: u64,
        group: Class,
        class: &Class,
        bbox: BBox,
        now: Watched,
        rules: Vec<Recollection>,
    ) -> Self {
        Self {
            number,
            track: None,
            group,
            class: class.clone(),
            score: 0.0,
            bbox,
            first: now,
            // Its next track tells it.
            first_seen: Timestamp::ZERO,
            seen_at: now,
            is_waiting: false,
            unseen: Sight::Absent,
            absent_us: 0,
            seen_part: 1.0,
            is_behind: false,
            rules,
            attributes: Attributes::default(),
            classes: ClassVotes::new(),
            sightings: SETTLE_SIGHTINGS,
            birth: bbox,
            bare_looks: 0,
            size: (0, 0),
            recent: Recent::default(),
            stillness: Stillness::since(bbox, now),
            stood_us: REMEMBERED_US,
            left: None,
        }
    }

    /// Takes in a sighting by its track in the frame of `at`.
    pub(super) fn see(&mut self, now: Watched, at: Timestamp, track: &Track, size: (u32, u32)) {
        (self.size, self.absent_us, self.is_behind) = (size, 0, false);
        self.seen_part = part_in_view(&track.bbox, size);
        self.track = Some(track.id);
        self.first_seen = track.first_seen;
        self.class = self.classes.see(&self.class, &track.class, track.score);
        self.score = track.score;
        self.bbox = track.bbox;
        self.seen_at = now;
        self.sightings = self.sightings.saturating_add(1);
        self.recent.push(now, track.bbox);
        let (stood_us, place) = (self.stood_us, self.place());
        let since = self.stillness.update(STANDS_WITHIN, self.smooth(), size, (self.first, now));
        self.stood_us = now.micros_since(since);
        if stood_us >= ROOTED_US && self.stood_us < stood_us {
            self.left = Some(Left {
                at: now,
                place,
                stood_us,
                rules: self.rules.clone(),
                classes: self.classes.clone(),
                attributes: self.attributes.clone(),
                taken_at: at,
            });
        }
        self.left.take_if(|left| now.micros_since(left.at) > 2 * TAKEN_OVER_US);
    }

    /// Where it stands or stood.
    fn place(&self) -> BBox {
        self.stillness.anchor().map_or(self.bbox, |(anchor, _)| anchor)
    }

    /// Takes in a frame in which it was not seen, `step_us` after the last.
    pub(super) fn miss(&mut self, step_us: i64, unseen: Sight) {
        let unseen = if self.is_behind { Sight::Occluded } else { unseen };
        self.unseen = unseen;
        if unseen == Sight::Absent {
            self.absent_us = self.absent_us.saturating_add(step_us);
        }
    }

    pub(super) fn smooth(&self) -> BBox {
        self.recent.median().unwrap_or(self.bbox)
    }

    pub(super) fn is_seen(&self, now: Watched) -> bool {
        self.seen_at == now && self.track.is_some()
    }

    pub(super) fn has_subject(&self) -> bool {
        self.rules.iter().any(|rule| rule.subject.is_some())
    }

    fn stands(&self) -> bool {
        self.stood_us >= STANDS_AFTER_US
    }

    /// Whether the identity still has to be kept when it is not seen.
    pub(super) fn is_kept(&self, now: Watched) -> bool {
        let limit = if self.stands() { self.stood_us.min(STANDER_US) } else { MOVER_US };
        self.has_subject() || now.micros_since(self.seen_at) <= limit.max(MOVER_US)
    }

    /// For how long it has been missed, as far as forgetting goes: who stood behind a lorry still stands there.
    pub(super) fn missed_us(&self, now: Watched) -> i64 {
        let unseen_us = now.micros_since(self.seen_at);
        if self.stands() && unseen_us <= HIDDEN_US { self.absent_us } else { unseen_us }
    }

    fn is_newcomer(&self, now: Watched) -> bool {
        self.is_seen(now) && now.micros_since(self.first) <= NEWCOMER_US && !self.has_subject()
    }

    fn fit(&self, newcomer: &Self, now: Watched) -> Fit {
        // What was there before the identity vanished is somebody else.
        if self.group != newcomer.group || newcomer.first < self.seen_at || self.is_behind {
            return Fit::No;
        }
        if self.stands() { self.fit_stander(newcomer) } else { self.fit_mover(newcomer, now) }
    }

    fn fit_stander(&self, newcomer: &Self) -> Fit {
        if self.absent_us > self.stood_us.max(MOVER_US) {
            return Fit::No;
        }
        fit_places(&[self.bbox, self.place()], newcomer)
    }

    /// Whether the newcomer is the rooted subject whose track was taken over.
    fn fit_left(&self, newcomer: &Self) -> Fit {
        let Some(left) = self.left.as_ref().filter(|_| self.group == newcomer.group) else { return Fit::No };
        let delay_us = newcomer.first.micros_since(left.at);
        let is_back = is_at(&left.place, &self.bbox, STANDS_WITHIN, newcomer.size);
        let has_moved_up = newcomer.bare_looks >= BARE_LOOKS || !self.passes_before(&left.place);
        if delay_us.abs() > TAKEN_OVER_US || is_back || has_moved_up {
            return Fit::No;
        }
        fit_places(&[left.place], newcomer)
    }

    /// Whether it may have passed before what stands at a place: then its foot is the lower one. On one row of the ground two
    /// are one behind the other, as in a jam.
    fn passes_before(&self, place: &BBox) -> bool {
        let is_cut = place.y1 >= self.size.1 as f32 - BORDER_PX;
        is_cut || self.bbox.y1 > place.y1 + FOOT_BEFORE * place.height()
    }

    /// Whether more of the place that it has left is bare than what stands there and hides it would leave.
    fn left_bare(&self, seen: &[BBox]) -> bool {
        self.left.as_ref().is_some_and(|left| covered_part(&left.place, seen) < 1.0 - MOST_BARE)
    }

    fn fit_mover(&self, newcomer: &Self, now: Watched) -> Fit {
        let gap_us = newcomer.first.micros_since(self.seen_at);
        if gap_us > MOVER_US || now.micros_since(newcomer.first) > FRESH_US {
            return Fit::No;
        }
        let (gap_s, (vx, vy)) = (gap_us as f32 / 1e6, self.recent.velocity());
        let side = (self.bbox.width() + self.bbox.height()).min(newcomer.birth.width() + newcomer.birth.height()) * 0.5;
        let (from, to) = (self.bbox.centre(), newcomer.birth.centre());
        let distance = (from.x + vx * gap_s - to.x).hypot(from.y + vy * gap_s - to.y) / side.max(1.0);
        let reach = (0.4 + 0.5 * gap_s).min(1.5);
        let like = likeness(&self.bbox, &newcomer.birth);
        if distance < reach && like >= 0.55 { Fit::Yes((1.0 - distance / reach) * like) } else { Fit::No }
    }

    /// Takes on the track of a newcomer that turned out to be this identity.
    fn adopt(&mut self, newcomer: Self) {
        self.track = newcomer.track;
        self.class = self.classes.merge(newcomer.classes, &self.class);
        self.attributes.merge(newcomer.attributes);
        self.score = newcomer.score;
        self.bbox = newcomer.bbox;
        self.seen_at = newcomer.seen_at;
        self.absent_us = 0;
        (self.seen_part, self.is_behind) = (newcomer.seen_part, newcomer.is_behind);
        self.recent = newcomer.recent;
        self.sightings = self.sightings.saturating_add(newcomer.sightings);
    }

    /// Goes back to the place that it had left; the passer-by that took its track becomes the newcomer.
    fn change_places(&mut self, newcomer: &mut Self) {
        let Some(left) = self.left.take() else { return };
        std::mem::swap(&mut self.track, &mut newcomer.track);
        // What was told of the track since it was taken along is told of the passer-by.
        let of_place = std::mem::replace(&mut newcomer.attributes, std::mem::take(&mut self.attributes));
        newcomer.attributes.keep_since(left.taken_at);
        self.attributes = left.attributes;
        self.attributes.merge(of_place);
        let of_place = std::mem::replace(&mut newcomer.classes, ClassVotes::new());
        self.classes = left.classes;
        self.class = self.classes.merge(of_place, &self.class);
        std::mem::swap(&mut self.score, &mut newcomer.score);
        std::mem::swap(&mut self.bbox, &mut newcomer.bbox);
        std::mem::swap(&mut self.seen_at, &mut newcomer.seen_at);
        std::mem::swap(&mut self.recent, &mut newcomer.recent);
        std::mem::swap(&mut self.stillness, &mut newcomer.stillness);
        (self.stood_us, newcomer.stood_us) = (left.stood_us, 0);
        self.rules = left.rules;
    }

    /// Fits every remembered place to a picture that has changed as a whole.
    pub(super) fn remap(&mut self, remap: &Remap) {
        if let Remap::Moved(motion) = remap {
            self.is_behind ^= motion.turns_over(self.bbox.foot());
        }
        self.bbox = remap.bbox(self.bbox);
        self.birth = remap.bbox(self.birth);
        self.recent.remap(remap);
        self.stillness.remap(remap);
        let left_rules = self.left.iter_mut().flat_map(|left| {
            left.place = remap.bbox(left.place);
            &mut left.rules
        });
        self.rules.iter_mut().chain(left_rules).for_each(|rule| rule.remap(remap));
    }
}

/// Whether a newcomer appeared and stays at one of the places.
fn fit_places(places: &[BBox], newcomer: &Identity) -> Fit {
    let smooth = newcomer.smooth();
    let best = |measure: fn(&BBox, &BBox) -> f32| places.iter().map(|p| measure(p, &smooth)).fold(0.0, f32::max);
    let is_here = |bbox: &BBox| places.iter().any(|place| is_at(place, bbox, STANDS_WITHIN, newcomer.size));
    let (like, iou) = (best(likeness), best(BBox::iou));
    // A subject that comes out from behind another is first seen in part, so what is seen must lie within its place.
    // At night the glare of headlights makes it larger, so that its place lies within what is seen.
    let is_born_in = |place: &BBox| {
        let shared = place.intersection(&newcomer.birth);
        shared >= BORN_WITHIN * newcomer.birth.area() || (place.area() > 0.0 && shared >= GLARE_COVERS * place.area())
    };
    let was_here = is_here(&newcomer.birth) && places.iter().any(is_born_in);
    if !was_here || !is_here(&smooth) || like < 0.4 {
        return Fit::No;
    }
    let (vx, vy) = newcomer.recent.velocity();
    let is_slow = vx.hypot(vy) <= SETTLED_SPEED * smooth.diagonal();
    let is_long = newcomer.stood_us >= SETTLE_US && newcomer.sightings >= SETTLE_SIGHTINGS;
    let has_settled = is_slow && is_long && iou >= 0.25;
    if has_settled { Fit::Yes(iou * like) } else { Fit::Maybe }
}

/// Gives the tracks of newcomers to the vanished identities that they are, the best fit first, violators before others.
pub(super) fn reunite(identities: &mut Vec<Identity>, now: Watched) {
    let mut fits: Vec<(bool, f32, u64, u64)> = Vec::new();
    let (mut waiting, mut moves_up): (Vec<u64>, Vec<u64>) = Default::default();
    let seen: Vec<BBox> = identities.iter().filter(|i| i.is_seen(now)).map(|i| i.bbox).collect();
    for newcomer in identities.iter().filter(|i| i.is_newcomer(now)) {
        for known in identities.iter().filter(|i| i.number < newcomer.number) {
            let fit = if known.is_seen(now) { Fit::No } else { known.fit(newcomer, now) };
            let fit = if fit == Fit::No {
                let fit = known.fit_left(newcomer);
                moves_up.extend((fit != Fit::No && known.left_bare(&seen)).then_some(newcomer.number));
                fit
            } else {
                fit
            };
            match fit {
                Fit::No => {}
                Fit::Maybe => waiting.push(newcomer.number),
                Fit::Yes(fit) => fits.push((known.has_subject(), fit, known.number, newcomer.number)),
            }
        }
    }
    fits.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then((a.2, a.3).cmp(&(b.2, b.3))));
    let mut settled: Vec<u64> = Vec::new();
    for (_, _, known, newcomer) in fits {
        if settled.contains(&known) || settled.contains(&newcomer) {
            continue;
        }
        settled.extend([known, newcomer]);
        join(identities, now, known, newcomer);
    }
    for identity in identities {
        identity.bare_looks += u32::from(moves_up.contains(&identity.number));
        identity.is_waiting = waiting.contains(&identity.number) && !settled.contains(&identity.number);
    }
}

/// Makes the identity `known` the one that is seen as `newcomer`.
fn join(identities: &mut Vec<Identity>, now: Watched, known: u64, newcomer: u64) {
    let Some(position) = identities.iter().position(|i| i.number == newcomer) else { return };
    let mut newcomer = identities.remove(position);
    let Some(known) = identities.iter_mut().find(|i| i.number == known) else { return };
    if known.fit_left(&newcomer) == Fit::No || (!known.is_seen(now) && known.fit(&newcomer, now) != Fit::No) {
        known.adopt(newcomer);
    } else {
        known.change_places(&mut newcomer);
        identities.insert(position, newcomer);
    }
}
