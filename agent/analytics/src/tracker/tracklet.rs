//! One track with its filter, votes and age, as the tracker keeps it.

use forewarn_domain::{BBox, Class, Detection, Motion, Timestamp, Track, TrackId, TrackState};

use super::appearance::Appearance;
use super::expected::Expected;
use super::kalman::{BoxFilter, Step, mean_side};
use super::root::Root;

/// Gaps from this many seconds on start the velocity anew, from the places before and after.
const RESUME_AFTER_S: f32 = 0.7;
/// Who has kept to one box for this many seconds stands; how much of it each detection must share.
const STANDS_AFTER_S: f32 = 1.0;
const STANDS_IOU: f32 = 0.6;
/// Seconds for which a standing track is found in part before that is taken for all there is of it.
const PARTLY_S: f32 = 3.0;
/// How far an edge of a part may lie off, in parts of the side; how much of the part lies within the whole, and the least
/// part of the whole that it may be.
const PART_EDGE: f32 = 0.15;
const PART_INSIDE: f32 = 0.85;
const PART_LEAST: f32 = 0.2;
/// An edge so near to the picture's, in pixels, is where the picture ends.
const BORDER_PX: f32 = 2.0;
/// How much farther a box lies off which may as well be somebody else's.
const CONTESTED_SPREAD: f32 = 3.0;
/// From how far on, in mean sides, a place was carried along by a camera that moves.
const CARRIED: f32 = 0.1;
/// A track is young up to so many matches, and for so long: how soon a vehicle is clear of the picture's edge and of what is
/// parked there does not hang on how often it is looked at.
const YOUNG_MATCHES: u32 = 4;
const YOUNG_S: f32 = 1.5;
/// How quickly old votes for a class lose their weight with each new vote.
const VOTE_MEMORY: f32 = 0.98;

/// A track, tentative while it has no id.
#[derive(Debug, Clone)]
pub(super) struct Tracklet {
    pub(super) id: Option<TrackId>,
    pub(super) group: Class,
    pub(super) filter: BoxFilter,
    /// Where the filter expected it in the latest frame, before it was matched.
    pub(super) expected: Expected,
    /// The first detection's box.
    pub(super) first_box: BBox,
    /// The latest matched detection's box.
    pub(super) last_box: BBox,
    pub(super) score: f32,
    pub(super) appearance: Option<Appearance>,
    first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
    matches: u32,
    missed_frames: u32,
    /// Watched seconds since the last match; outages of the stream do not count.
    pub(super) unseen_s: f32,
    /// The same before the latest frame.
    unseen_before_s: f32,
    /// How far the camera has moved its place in the picture since the last match.
    carried: (f32, f32),
    /// The box to which it has kept, for how many seconds, and for how many of them it was last found in part only.
    pub(super) stood: BBox,
    /// Whether it is a vehicle, whose box is so wide that it shares much of it with the one before when it drives off.
    is_vehicle: bool,
    stood_s: f32,
    partly_s: f32,
    /// The first place of a person who has not left it yet.
    root: Option<Root>,
    /// Width and height of the picture.
    pub(super) size: (u32, u32),
    /// Sum of scores by class, in the order of first appearance.
    votes: Vec<(Class, f32)>,
}

impl Tracklet {
    pub(super) fn new(at: Timestamp, group: Class, is_vehicle: bool, detection: &Detection, size: (u32, u32)) -> Self {
        let is_person = group.as_str() == "person";
        let filter = BoxFilter::new(&detection.bbox);
        Self {
            is_vehicle,
            root: is_person.then(|| Root::new(&detection.bbox, detection.score, size.1)),
            size,
            id: None,
            group,
            expected: Expected::new(&filter),
            filter,
            first_box: detection.bbox,
            last_box: detection.bbox,
            score: detection.score,
            appearance: None,
            matches: 1,
            missed_frames: 0,
            first_seen: at,
            last_seen: at,
            unseen_s: 0.0,
            unseen_before_s: 0.0,
            carried: (0.0, 0.0),
            stood: detection.bbox,
            stood_s: 0.0,
            partly_s: 0.0,
            votes: vec![(detection.class.clone(), detection.score)],
        }
    }

    pub(super) fn is_seen(&self) -> bool {
        self.unseen_s == 0.0
    }

    /// Whether a new track has been seen often enough: again in the next frame, or in half of the frames since.
    ///
    /// A detector that invents somebody at one place does so now and then; a subject is there all the time.
    pub(super) fn is_confirmed(&self) -> bool {
        self.matches >= 2 && self.matches > self.missed_frames + u32::from(self.missed_frames > 0)
    }

    /// Moves on by a step of watched seconds; `gap` tells an outage, after which nobody knows who still moves.
    pub(super) fn predict(&mut self, step: &Step, gap: bool) {
        self.filter.predict(step);
        if gap {
            self.filter.halt();
        }
        self.expected = Expected::new(&self.filter);
        if !self.is_seen() {
            self.missed_frames = self.missed_frames.saturating_add(1);
        }
        self.unseen_before_s = self.unseen_s;
        // A second frame with the same time stamp must still count as a step.
        self.unseen_s += step.dt.max(1e-6);
    }

    /// Takes in its detection; one that may as well be of another says little of where the track goes.
    pub(super) fn matched(&mut self, at: Timestamp, detection: &Detection, is_contested: bool) {
        self.matches = self.matches.saturating_add(1);
        let gap_s = self.unseen_s;
        if self.root.as_mut().is_some_and(|root| !root.look(&detection.bbox, detection.score, gap_s)) {
            self.root = None;
        }
        let is_in_part =
            self.stands() && self.stood.iou(&detection.bbox) < STANDS_IOU && self.shows_part(&detection.bbox);
        self.partly_s = if is_in_part { self.partly_s + gap_s } else { 0.0 };
        if is_in_part && self.partly_s <= PARTLY_S {
            // Something passes before it: where it stands is known better.
            self.filter.halt();
        } else if gap_s >= RESUME_AFTER_S && self.id.is_some() {
            self.filter.resume(&detection.bbox, &self.last_box, gap_s);
        } else {
            let spread = if is_contested { CONTESTED_SPREAD } else { 1.0 };
            self.filter.update(&detection.bbox, detection.score, spread);
        }
        if !is_in_part || self.partly_s > PARTLY_S {
            self.last_box = detection.bbox;
            if self.stood.iou(&detection.bbox) >= STANDS_IOU {
                self.stood_s += gap_s;
            } else {
                (self.stood, self.stood_s) = (detection.bbox, 0.0);
            }
        }
        self.score = detection.score;
        self.last_seen = at;
        self.unseen_s = 0.0;
        self.carried = (0.0, 0.0);
        self.vote(detection);
    }

    /// Whether it is a vehicle that has kept its place for a while, or something else that is taken for a person there.
    pub(super) fn stands(&self) -> bool {
        (self.is_vehicle && self.stood_s >= STANDS_AFTER_S) || self.is_nobody()
    }

    /// Whether what the detector takes for a person is none.
    fn is_nobody(&self) -> bool {
        self.root.as_ref().is_some_and(Root::is_nobody)
    }

    /// Whether it is a vehicle of which nobody knows yet where it goes.
    pub(super) fn may_be_fast(&self) -> bool {
        self.is_vehicle && self.id.is_none()
    }

    /// Whether it is a vehicle that was seen a few times, or for a moment, only.
    pub(super) fn is_young_vehicle(&self) -> bool {
        let seen_s = self.last_seen.since(self.first_seen).as_secs_f32();
        self.is_vehicle && (self.matches <= YOUNG_MATCHES || seen_s <= YOUNG_S)
    }

    /// Whether a box shows a part of what stands: it lies within it, and three of its edges are those of the whole. An edge
    /// where the picture ends does not count: what drives out of the picture keeps that edge and shows less and less, too.
    pub(super) fn shows_part(&self, bbox: &BBox) -> bool {
        let whole = &self.stood;
        let (right, bottom) = (self.size.0 as f32 - BORDER_PX, self.size.1 as f32 - BORDER_PX);
        let (w, h) = (PART_EDGE * whole.width(), PART_EDGE * whole.height());
        let edges = [
            whole.x0 > BORDER_PX && (bbox.x0 - whole.x0).abs() <= w,
            whole.x1 < right && (bbox.x1 - whole.x1).abs() <= w,
            whole.y0 > BORDER_PX && (bbox.y0 - whole.y0).abs() <= h,
            whole.y1 < bottom && (bbox.y1 - whole.y1).abs() <= h,
        ];
        let shared = whole.intersection(bbox);
        edges.into_iter().filter(|is_same| *is_same).count() >= 3
            && shared >= PART_INSIDE * bbox.area()
            && shared >= PART_LEAST * whole.area()
    }

    /// Takes in what the subject looks like.
    pub(super) fn look(&mut self, seen: &Appearance) {
        match &mut self.appearance {
            Some(known) => known.blend(seen),
            None => self.appearance = Some(seen.clone()),
        }
    }

    /// Moves the track's place with the picture.
    pub(super) fn shift(&mut self, dx: f32, dy: f32) {
        for b in [&mut self.first_box, &mut self.last_box, &mut self.stood] {
            *b = BBox::new(b.x0 + dx, b.y0 + dy, b.x1 + dx, b.y1 + dy);
        }
        self.filter.shift(dx, dy);
        self.carried = (self.carried.0 + dx, self.carried.1 + dy);
        self.root.iter_mut().for_each(|root| root.shift(dx, dy));
    }

    /// Keeps the track's place on the ground under a camera that has moved.
    pub(super) fn moved(&mut self, motion: &Motion) {
        self.first_box = motion.bbox(self.first_box);
        self.last_box = motion.bbox(self.last_box);
        self.stood = motion.bbox(self.stood);
        let before = self.filter.bbox().centre();
        self.filter.moved(motion);
        let now = self.filter.bbox().centre();
        self.carried = (self.carried.0 + now.x - before.x, self.carried.1 + now.y - before.y);
        self.root.iter_mut().for_each(|root| root.moved(motion));
    }

    /// The latest frame was not looked at where the track is: it is not seen, and no older than before.
    pub(super) fn pass_over(&mut self) {
        self.unseen_s = self.unseen_before_s.max(1e-6);
    }

    fn vote(&mut self, detection: &Detection) {
        for (_, weight) in &mut self.votes {
            *weight *= VOTE_MEMORY;
        }
        match self.votes.iter_mut().find(|(class, _)| *class == detection.class) {
            Some((_, weight)) => *weight += detection.score,
            None => self.votes.push((detection.class.clone(), detection.score)),
        }
    }

    /// The class with most votes; the earlier one where they are equal.
    fn class(&self) -> Class {
        let mut best = &self.votes[0];
        for vote in &self.votes {
            if vote.1 > best.1 {
                best = vote;
            }
        }
        best.0.clone()
    }

    /// The part of the predicted box that lies in the picture.
    pub(super) fn part_in_picture(&self, size: (u32, u32)) -> f32 {
        part_in(&self.filter.bbox(), size)
    }

    /// Whether the camera has moved its place in the picture since the last match, by more than it sways in the wind.
    pub(super) fn is_carried(&self) -> bool {
        self.carried.0.hypot(self.carried.1) >= CARRIED * mean_side(&self.last_box)
    }

    /// Distance of `bbox` from where the track was seen last or would be now, in mean sides.
    pub(super) fn distance(&self, bbox: &BBox) -> f32 {
        let here = bbox.centre();
        let near = self.last_box.centre().distance(here).min(self.filter.bbox().centre().distance(here));
        near / mean_side(&self.last_box).min(mean_side(bbox))
    }

    /// Keeps the track's place in a picture of another size, of which `x` and `y` are the parts of the former.
    pub(super) fn rescale(&mut self, size: (u32, u32), x: f32, y: f32) {
        self.size = size;
        self.root.iter_mut().for_each(|root| root.rescale(x, y));
        for b in [&mut self.first_box, &mut self.last_box, &mut self.stood] {
            *b = BBox::new(b.x0 * x, b.y0 * y, b.x1 * x, b.y1 * y);
        }
        self.filter.rescale(x, y);
    }

    /// The track as the rules see it; none while it is tentative, and of what is taken for nobody.
    pub(super) fn to_track(&self, size: (u32, u32)) -> Option<Track> {
        let state = if self.is_seen() { TrackState::Seen } else { TrackState::Lost };
        Some(Track {
            id: self.id.filter(|_| !self.is_nobody())?,
            class: self.class(),
            score: self.score,
            bbox: self.filter.bbox().clamped(size.0, size.1),
            state,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
        })
    }
}

fn part_in(bbox: &BBox, size: (u32, u32)) -> f32 {
    bbox.clamped(size.0, size.1).area() / bbox.area().max(1.0)
}
