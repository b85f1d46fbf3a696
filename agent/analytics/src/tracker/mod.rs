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
mod expected;
mod kalman;
mod root;
mod tracklet;

use forewarn_domain::{BBox, Class, Coverage, Detection, Motion, Timestamp, Track, TrackId};

pub(crate) use self::affinity::likeness;
pub use self::appearance::Appearance;
use self::assign::{Assignment, Pair};
pub use self::config::{TrackerConfig, TrackerConfigError};
use self::kalman::{Step, mean_side};
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
    scratch: Scratch,
}

/// What is filled anew for each frame, in memory that is used again.
#[derive(Debug, Default)]
struct Scratch {
    /// Tracks and detections of one group that overlap, as rows and columns, ordered by them.
    overlaps: Vec<Pair>,
    /// The pairs of a round.
    pairs: Vec<Pair>,
    assignment: Assignment,
    is_paired: Vec<bool>,
    hidden: Vec<usize>,
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
    /// The mean of its sides.
    side: f32,
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
            scratch: Scratch::default(),
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
        self.overlap(&mut candidates);
        self.rounds(at, &mut candidates);
        if let Some(coverage) = beside.coverage {
            let cannot_be_seen =
                |track: &&mut Tracklet| !track.is_seen() && !coverage.can_have_seen(&track.filter.bbox());
            self.tracklets.iter_mut().filter(cannot_be_seen).for_each(Tracklet::pass_over);
        }
        self.retire(size);
        self.begin(at, &candidates);
        let is_in_view = |track: &&Tracklet| track.is_seen() || track.part_in_picture(size) >= LEAST_PART_IN_PICTURE;
        self.tracks.clear();
        self.tracks.extend(self.tracklets.iter().filter(is_in_view).filter_map(|t| t.to_track(size)));
        self.tracks.sort_unstable_by_key(|track| track.id);
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
        let step = Step::new(elapsed_s.min(self.config.max_step_s) as f32);
        for track in &mut self.tracklets {
            track.predict(&step, elapsed_s > self.config.max_step_s);
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
                share(k.detection, detection) && k.group == group && is_one(k.detection, detection, are_many, are_two)
            });
            if !is_double {
                let (appearance, head) = (*appearance, *head);
                let side = mean_side(&detection.bbox);
                kept.push(Candidate { detection, side, appearance, head, group, is_used: false, claimed: 0.0 });
            }
        }
        kept
    }

    /// Finds which tracks overlap with which detections, and tells each detection how well it fits what is on its way.
    fn overlap(&mut self, candidates: &mut [Candidate<'_>]) {
        self.scratch.overlaps.clear();
        for (row, track) in self.tracklets.iter().enumerate() {
            let moves = !track.stands();
            for (column, candidate) in candidates.iter_mut().enumerate() {
                let overlap = expected::overlap(&track.expected, &candidate.detection.bbox, candidate.side);
                if overlap > 0.0 && candidate.group == track.group {
                    self.scratch.overlaps.push((row, column, overlap));
                    candidate.claimed = if moves { candidate.claimed.max(overlap) } else { candidate.claimed };
                }
            }
        }
    }

    fn rounds(&mut self, at: Timestamp, candidates: &mut [Candidate<'_>]) {
        let high = self.config.high_score;
        let is_high = |c: &Candidate<'_>| c.detection.score >= high;
        self.pair_overlapping(candidates, |track, c, overlap| {
            (track.id.is_some() && is_high(c))
                .then(|| affinity::high(track, &c.detection.bbox, c.detection.score, overlap, c.claimed))?
        });
        self.round(at, candidates);
        self.pair_overlapping(candidates, |track, c, overlap| {
            (track.id.is_some() && !is_high(c) && track.unseen_s <= CARRY_ON_S)
                .then(|| affinity::low(track, &c.detection.bbox, overlap))?
        });
        self.round(at, candidates);
        self.pair_any(
            candidates,
            |track| track.id.is_none(),
            |track, c| {
                let bbox = &c.detection.bbox;
                let overlap = || expected::overlap(&track.expected, bbox, c.side);
                is_high(c).then(|| {
                    affinity::high(track, bbox, c.detection.score, overlap(), 0.0)
                        .or_else(|| affinity::again(track, bbox))
                })?
            },
        );
        self.round(at, candidates);
        self.pair_any(
            candidates,
            |track| track.id.is_some(),
            |track, c| is_high(c).then(|| affinity::again(track, &c.detection.bbox))?,
        );
        self.round(at, candidates);
    }

    /// Finds what may be a pair among those that overlap and are free on both sides; no `gain` means that the two are none.
    fn pair_overlapping(
        &mut self,
        candidates: &[Candidate<'_>],
        gain: impl Fn(&Tracklet, &Candidate<'_>, f32) -> Option<f32>,
    ) {
        let Scratch { overlaps, pairs, .. } = &mut self.scratch;
        pairs.clear();
        for &(row, column, overlap) in overlaps.iter() {
            let (track, candidate) = (&self.tracklets[row], &candidates[column]);
            if track.is_seen() || candidate.is_used {
                continue;
            }
            let gain = gain(track, candidate, overlap);
            let gain = gain.and_then(|gain| Some(gain * affinity::looks(track, candidate.appearance)?));
            pairs.extend(gain.map(|gain| (row, column, gain)));
        }
    }

    /// The same among all, of some tracks.
    fn pair_any(
        &mut self,
        candidates: &[Candidate<'_>],
        is_meant: impl Fn(&Tracklet) -> bool,
        gain: impl Fn(&Tracklet, &Candidate<'_>) -> Option<f32>,
    ) {
        let pairs = &mut self.scratch.pairs;
        pairs.clear();
        for (row, track) in self.tracklets.iter().enumerate().filter(|(_, t)| !t.is_seen() && is_meant(t)) {
            for (column, candidate) in candidates.iter().enumerate() {
                if candidate.is_used || candidate.group != track.group {
                    continue;
                }
                let gain = gain(track, candidate);
                let gain = gain.and_then(|gain| Some(gain * affinity::looks(track, candidate.appearance)?));
                pairs.extend(gain.map(|gain| (row, column, gain)));
            }
        }
    }

    /// Matches the best of the pairs that were found.
    fn round(&mut self, at: Timestamp, candidates: &mut [Candidate<'_>]) {
        if self.scratch.pairs.is_empty() {
            return;
        }
        let high = self.config.high_score;
        let mut scratch = std::mem::take(&mut self.scratch);
        let matched = scratch.assignment.best(&scratch.pairs, self.tracklets.len(), candidates.len());
        scratch.is_paired.clear();
        scratch.is_paired.resize(self.tracklets.len(), false);
        for &(row, _) in matched {
            scratch.is_paired[row] = true;
        }
        self.find_hidden(&scratch.is_paired, &mut scratch.hidden);
        for &(row, column) in matched {
            let is_contested = self.is_contested(&scratch.hidden, &candidates[column]);
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
        self.scratch = scratch;
    }

    /// Finds the tracks that are hidden or missed since a moment ago, and not paired.
    fn find_hidden(&self, is_paired: &[bool], hidden: &mut Vec<usize>) {
        let is_hidden = |track: &Tracklet| {
            track.id.is_some() && !track.is_seen() && track.unseen_s <= CONTESTED_S && !track.stands()
        };
        hidden.clear();
        hidden.extend((0..self.tracklets.len()).filter(|&row| !is_paired[row] && is_hidden(&self.tracklets[row])));
    }

    /// Whether a detection may as well be that of a track that is hidden: one of the two hides the other, and which of them
    /// it is shows when they part.
    fn is_contested(&self, hidden: &[usize], candidate: &Candidate<'_>) -> bool {
        hidden.iter().map(|row| &self.tracklets[*row]).any(|track| {
            track.group == candidate.group && track.expected.bbox.iou(&candidate.detection.bbox) >= CONTESTED_IOU
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

/// Whether the boxes of two detections share anything, which those of one subject do and most pairs of a picture do not.
fn share(Detection { bbox: a, .. }: &Detection, Detection { bbox: b, .. }: &Detection) -> bool {
    a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1
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
