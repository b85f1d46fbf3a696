//! Follows subjects over the frames of one stream: a tracker after ByteTrack (Zhang et al., ECCV 2022).
//!
//! Each frame is matched in four rounds, each by the Hungarian method over what the earlier rounds left:
//!
//! 1. confident detections with all confirmed tracks, by overlap with the predicted box;
//! 2. unsure detections with tracks that were seen a moment ago, which carries a track through partial occlusion;
//! 3. confident detections with tentative tracks, which confirms them;
//! 4. confident detections with lost tracks, by distance and likeness in size, which finds fast or hidden subjects again.
//!
//! A confident detection is only a track's if it lies where the track may have got to, by its course and the time since. A
//! vehicle that has kept its place for a while stands: it is found there again or in part, but not carried off by what passes.
//! Somebody of whom the detector is unsure, who is far and has never stirred, is nobody after a while (the module `root`).
//! Where both have an appearance ([`Appearance`], optional), likeness weighs in each round.
//!
//! What is left of the confident detections begins tentative tracks. Only classes of one group are ever matched, and a
//! track's class is voted over its life. The result depends on nothing but the calls: detections are put into a fixed
//! order first, so their order in the frame does not matter.

mod affinity;
mod appearance;
mod assign;
mod config;
mod kalman;
mod root;
mod tracklet;

use forewarn_domain::{BBox, Class, Coverage, Detection, Motion, Timestamp, Track, TrackId};

pub(crate) use self::affinity::likeness;
pub use self::appearance::Appearance;
use self::assign::{Pair, assign};
pub use self::config::{TrackerConfig, TrackerConfigError};
use self::tracklet::Tracklet;
use crate::ClassGroups;

/// Of more detections in one frame only the best are used, so that time and memory stay bounded.
const MOST_DETECTIONS: usize = 512;
/// Two boxes of one group that overlap by more are one subject, named twice by the detector.
const SAME_BOX: f32 = 0.75;

/// Two boxes of one class one of which lies within the other by this part of it are one subject, if they overlap by
/// [`NESTED_IOU`]: one is a part of it, or takes in what is around. Of 730 people on photos 4 stand so before another;
/// of the boxes of NanoDet-g there, 43 more do.
const NESTED: f32 = 0.85;
/// The least overlap of such boxes: a child before a grown-up has a quarter.
const NESTED_IOU: f32 = 0.3;
/// The same of vehicles, of which one that stands before another has the lower foot: a box within a box whose foot is not
/// lower, by so much of the larger one's height, is a part of it or has it with what is around, whatever both are called.
const NESTED_VEHICLE_IOU: f32 = 0.2;
const NESTED_FOOT: f32 = 0.02;
/// And of those whose classes differ and have one group, where the foot is lower.
const NESTED_OTHER_IOU: f32 = 0.5;
/// Unsure detections carry on tracks that were seen within this many seconds.
const CARRY_ON_S: f32 = 0.75;
/// A detection that overlaps by so much with a track that was lost within so many seconds may be of either of the two.
const CONTESTED_IOU: f32 = 0.3;
const CONTESTED_S: f32 = 1.0;
/// A lost track is dropped when less of its predicted box is left in the picture.
const LEAST_PART_IN_PICTURE: f32 = 0.25;

/// The tracker of one stream.
#[derive(Debug)]
pub struct Tracker {
    config: TrackerConfig,
    groups: ClassGroups,
    tracklets: Vec<Tracklet>,
    tracks: Vec<Track>,
    births: Vec<(TrackId, BBox)>,
    now: Option<Timestamp>,
    size: (u32, u32),
    next_id: u64,
}

/// What is known of the detections of a frame beside their boxes, in their order; what is missing at the end of a list is
/// nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// What they look like, which is used if the setting `appearance` is on.
    pub appearances: &'a [Option<Appearance>],
    /// Each one's own head. Boxes with different heads are of different people, however much one lies in the other.
    pub heads: &'a [Option<BBox>],
    /// In which parts of the picture small subjects were looked for, where that was not all of it: a track that was not
    /// looked for is not missed. It counts as lost in this frame and grows no older.
    pub coverage: Option<&'a Coverage>,
}

/// A detection with what is known of it.
struct Clean<'a> {
    detection: Detection,
    appearance: Option<&'a Appearance>,
    head: Option<BBox>,
}

/// A detection with the group of its class.
struct Candidate<'a> {
    detection: &'a Detection,
    appearance: Option<&'a Appearance>,
    head: Option<BBox>,
    group: Class,
    is_used: bool,
    /// The most that it overlaps with a track that moves or has just begun.
    claimed: f32,
}

impl Tracker {
    /// A tracker without tracks.
    pub fn new(config: TrackerConfig) -> Self {
        let groups = config.groups();
        Self {
            config,
            groups,
            tracklets: Vec::new(),
            tracks: Vec::new(),
            births: Vec::new(),
            now: None,
            size: (0, 0),
            next_id: 1,
        }
    }

    /// Takes in the detections of the frame that was taken at `at`, of `size` (width, height) in pixels.
    ///
    /// Returns the confirmed tracks, seen and lost, ordered by id. Detections that are not finite, empty, outside of
    /// the picture or below the lowest score are passed over. A time before the last frame's counts as the same time.
    pub fn update(&mut self, at: Timestamp, size: (u32, u32), detections: &[Detection]) -> &[Track] {
        self.update_beside(at, size, detections, Beside::default())
    }

    /// As [`Tracker::update`], with what else is known of the detections and of the frame.
    pub fn update_beside(
        &mut self,
        at: Timestamp,
        size: (u32, u32),
        detections: &[Detection],
        beside: Beside<'_>,
    ) -> &[Track] {
        self.births.clear();
        self.fit_to(size);
        self.predict(at);
        let clean = self.clean(detections, beside);
        let mut candidates = self.candidates(&clean);
        self.claim(&mut candidates);
        let high = self.config.high_score;
        self.round(at, &mut candidates, |track, d, claimed| {
            (track.id.is_some() && d.score >= high).then(|| affinity::high(track, &d.bbox, d.score, claimed))?
        });
        self.round(at, &mut candidates, |track, d, _| {
            (track.id.is_some() && d.score < high && track.unseen_s <= CARRY_ON_S)
                .then(|| affinity::low(track, &d.bbox))?
        });
        self.round(at, &mut candidates, |track, d, _| {
            (track.id.is_none() && d.score >= high)
                .then(|| affinity::high(track, &d.bbox, d.score, 0.0).or_else(|| affinity::again(track, &d.bbox)))?
        });
        self.round(at, &mut candidates, |track, d, _| {
            (track.id.is_some() && d.score >= high).then(|| affinity::again(track, &d.bbox))?
        });
        if let Some(coverage) = beside.coverage {
            let cannot_be_seen =
                |track: &&mut Tracklet| !track.is_seen() && !coverage.can_have_seen(&track.filter.bbox());
            self.tracklets.iter_mut().filter(cannot_be_seen).for_each(Tracklet::pass_over);
        }
        self.retire(size);
        self.begin(at, &candidates);
        let is_in_view = |track: &&Tracklet| track.is_seen() || track.part_in_picture(size) >= LEAST_PART_IN_PICTURE;
        self.tracks = self.tracklets.iter().filter(is_in_view).filter_map(|t| t.to_track(size)).collect();
        self.tracks.sort_by_key(|track| track.id);
        &self.tracks
    }

    /// Tells, before the update with a frame, by how many pixels everything in it has moved since the frame before:
    /// the camera was shaken, not the subjects. What is not finite is passed over.
    pub fn shifted(&mut self, dx: f32, dy: f32) {
        if dx.is_finite() && dy.is_finite() {
            self.tracklets.iter_mut().for_each(|track| track.shift(dx, dy));
        }
    }

    /// The same of a camera that has moved over the ground: who stands keeps the place on it.
    pub fn moved(&mut self, motion: &Motion) {
        self.tracklets.iter_mut().for_each(|track| track.moved(motion));
    }

    /// The tracks after the latest frame.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The tracks that the latest frame confirmed, and where each was detected first.
    pub fn births(&self) -> &[(TrackId, BBox)] {
        &self.births
    }

    /// Keeps the tracks' places when the stream changes its picture size.
    fn fit_to(&mut self, size: (u32, u32)) {
        let old = std::mem::replace(&mut self.size, size);
        if old != size && old.0 > 0 && old.1 > 0 && size.0 > 0 && size.1 > 0 {
            let (x, y) = (size.0 as f32 / old.0 as f32, size.1 as f32 / old.1 as f32);
            self.tracklets.iter_mut().for_each(|track| track.rescale(size, x, y));
        }
    }

    fn predict(&mut self, at: Timestamp) {
        let now = self.now.unwrap_or(at);
        self.now = Some(now.max(at));
        let elapsed_s = at.since(now).as_secs_f64();
        let step_s = elapsed_s.min(self.config.max_step_s) as f32;
        for track in &mut self.tracklets {
            track.predict(step_s, elapsed_s > self.config.max_step_s);
        }
    }

    /// Valid detections inside of the picture, best first, without those that name one subject twice.
    fn clean<'a>(&self, detections: &[Detection], beside: Beside<'a>) -> Vec<Clean<'a>> {
        let (width, height) = self.size;
        let appearances = if self.config.appearance { beside.appearances } else { &[] };
        let looks = appearances.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let heads = beside.heads.iter().copied().chain(std::iter::repeat(None));
        let mut clean: Vec<Clean<'a>> = detections
            .iter()
            .zip(looks.zip(heads))
            .filter(|(d, _)| d.score.is_finite() && d.score >= self.config.low_score && d.bbox.is_valid())
            .map(|(d, (appearance, head))| {
                let bbox = d.bbox.clamped(width, height);
                let detection = Detection { bbox, score: d.score.min(1.0), class: d.class.clone() };
                Clean { detection, appearance, head }
            })
            .filter(|clean| clean.detection.bbox.width() >= 1.0 && clean.detection.bbox.height() >= 1.0)
            .collect();
        clean.sort_by(|Clean { detection: a, .. }, Clean { detection: b, .. }| {
            let corners = |d: &Detection| <[f32; 4]>::from(d.bbox);
            let by_place = || corners(a).iter().zip(corners(b)).map(|(x, y)| x.total_cmp(&y)).find(|o| o.is_ne());
            b.score
                .total_cmp(&a.score)
                .then_with(|| a.class.cmp(&b.class))
                .then_with(|| by_place().unwrap_or(std::cmp::Ordering::Equal))
        });
        clean.truncate(MOST_DETECTIONS);
        clean
    }

    fn candidates<'a>(&self, clean: &'a [Clean<'a>]) -> Vec<Candidate<'a>> {
        let mut kept: Vec<Candidate<'a>> = Vec::with_capacity(clean.len());
        for Clean { detection, appearance, head } in clean {
            let group = self.groups.key(&detection.class);
            let are_many = self.groups.has_several(&group);
            let is_double = kept.iter().any(|k| {
                let are_two = k.head.zip(*head).is_some_and(|(one, other)| one != other);
                k.group == group && is_one(k.detection, detection, are_many, are_two)
            });
            if !is_double {
                let (appearance, head) = (*appearance, *head);
                kept.push(Candidate { detection, appearance, head, group, is_used: false, claimed: 0.0 });
            }
        }
        kept
    }

    /// Tells each candidate how well it fits what is on its way.
    fn claim(&self, candidates: &mut [Candidate<'_>]) {
        for candidate in candidates {
            let moving = self.tracklets.iter().filter(|t| t.group == candidate.group && !t.stands());
            candidate.claimed = moving.map(|t| affinity::overlap(t, &candidate.detection.bbox)).fold(0.0, f32::max);
        }
    }

    /// Matches what is free on both sides by `gain`; none means that the two are no pair.
    fn round(
        &mut self,
        at: Timestamp,
        candidates: &mut [Candidate<'_>],
        gain: impl Fn(&Tracklet, &Detection, f32) -> Option<f32>,
    ) {
        let high = self.config.high_score;
        let mut pairs: Vec<Pair> = Vec::new();
        for (row, track) in self.tracklets.iter().enumerate().filter(|(_, t)| !t.is_seen()) {
            for (column, candidate) in candidates.iter().enumerate() {
                if candidate.is_used || candidate.group != track.group {
                    continue;
                }
                let gain = gain(track, candidate.detection, candidate.claimed);
                let gain = gain.and_then(|gain| Some(gain * affinity::looks(track, candidate.appearance)?));
                pairs.extend(gain.map(|gain| (row, column, gain)));
            }
        }
        let pairs = assign(&pairs, self.tracklets.len(), candidates.len());
        let mut is_paired = vec![false; self.tracklets.len()];
        for &(row, _) in &pairs {
            is_paired[row] = true;
        }
        let is_contested = |&(row, column): &(usize, usize)| self.is_contested(row, &is_paired, &candidates[column]);
        let contested: Vec<bool> = pairs.iter().map(is_contested).collect();
        for ((row, column), is_contested) in pairs.into_iter().zip(contested) {
            candidates[column].is_used = true;
            self.tracklets[row].matched(at, candidates[column].detection, is_contested);
            // An unsure box mostly shows somebody else in part.
            if let Some(seen) = candidates[column].appearance.filter(|_| candidates[column].detection.score >= high) {
                self.tracklets[row].look(seen);
            }
            if self.tracklets[row].id.is_none() && self.tracklets[row].is_confirmed() {
                self.tracklets[row].id = Some(TrackId(self.next_id));
                self.births.push((TrackId(self.next_id), self.tracklets[row].first_box));
                self.next_id += 1;
            }
        }
    }

    /// Whether a detection may as well be that of another track, which is not seen otherwise: one of the two hides the
    /// other, and which of them it is shows when they part.
    fn is_contested(&self, row: usize, is_paired: &[bool], candidate: &Candidate<'_>) -> bool {
        let is_hidden = |other: usize, track: &Tracklet| {
            other != row
                && !is_paired[other]
                && track.id.is_some()
                && !track.is_seen()
                && track.unseen_s <= CONTESTED_S
                && !track.stands()
                && track.group == candidate.group
        };
        let mut others = self.tracklets.iter().enumerate();
        others.any(|(other, track)| {
            is_hidden(other, track) && track.filter.bbox().iou(&candidate.detection.bbox) >= CONTESTED_IOU
        })
    }

    /// Drops what was not matched for too long, or has left the picture of a camera that stands.
    fn retire(&mut self, size: (u32, u32)) {
        let (lost, tentative) = (self.config.lost_after_s as f32, self.config.tentative_for_s as f32);
        self.tracklets.retain(|track| {
            let limit = if track.id.is_some() { lost } else { tentative };
            // Where the camera moves, the edge of the picture is no place at which people leave.
            let is_in_reach = || track.is_carried() || track.part_in_picture(size) >= LEAST_PART_IN_PICTURE;
            track.is_seen() || (track.unseen_s <= limit && is_in_reach())
        });
    }

    fn begin(&mut self, at: Timestamp, candidates: &[Candidate<'_>]) {
        for candidate in candidates.iter().filter(|c| !c.is_used && c.detection.score >= self.config.new_score) {
            let is_vehicle = self.groups.has_several(&candidate.group);
            let mut track = Tracklet::new(at, candidate.group.clone(), is_vehicle, candidate.detection, self.size);
            candidate.appearance.into_iter().for_each(|seen| track.look(seen));
            self.tracklets.push(track);
        }
    }
}

/// Whether two detections of one group show one subject. Two heads `are_two` subjects, unless the boxes are nearly the same.
fn is_one(a: &Detection, b: &Detection, are_vehicles: bool, are_two: bool) -> bool {
    let iou = a.bbox.iou(&b.bbox);
    let (small, large) = if a.bbox.area() < b.bbox.area() { (&a.bbox, &b.bbox) } else { (&b.bbox, &a.bbox) };
    let inside = || small.intersection(large) / small.area().max(1.0);
    let least_iou = if are_vehicles && small.y1 <= large.y1 + NESTED_FOOT * large.height() {
        NESTED_VEHICLE_IOU
    } else if a.class == b.class {
        NESTED_IOU
    } else {
        NESTED_OTHER_IOU
    };
    iou > SAME_BOX || (!are_two && iou >= least_iou && inside() >= NESTED)
}

#[cfg(test)]
mod tests;
