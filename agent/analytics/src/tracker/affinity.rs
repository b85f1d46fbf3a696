//! How well a detection fits a track, and which detections can be a track at all.

use forewarn_domain::BBox;

use super::appearance::Appearance;
use super::tracklet::Tracklet;

/// Overlap below which a confident and an unsure detection is no pair. Unsure detections are mostly parts or doubles of
/// subjects, so only those that lie where the track is expected carry it on.
const MIN_HIGH: f32 = 0.15;
const MIN_LOW: f32 = 0.65;

/// Standard deviations that a detection may lie off a track's prediction. Whoever walked to the left does not come out on
/// the right from behind the van, however near to his last place the newcomer is.
const MOST_DEVIATION: f32 = 3.0;
/// The same of a vehicle that was seen a few times: its first boxes are cut by the edge or taken in one with parked cars.
const YOUNG_DEVIATION: f32 = 6.0;

/// Fast subjects: mean sides that a subject may move unpredicted from one frame to the next, what is added per second,
/// and at most in all.
const REACH: f32 = 0.8;
const REACH_PER_S: f32 = 1.2;
const REACH_MOST: f32 = 2.5;
/// What is added per second for a vehicle that was seen once and has no course yet.
const FIRST_REACH_PER_S: f32 = 4.0;
/// Least likeness of the sizes when a track is found again by distance.
const MIN_LIKENESS: f32 = 0.45;

/// Overlap with the box of a standing track below which a detection is not it, and from which it is whoever else is near.
const STANDER_IOU: f32 = 0.65;
const STANDER_SURE: f32 = 0.75;
/// The same where it was not seen for a while.
const STANDER_AGAIN: f32 = 0.4;
/// What stands before it has a foot that is lower by this part of its height and more.
const FOOT_BEFORE: f32 = 0.15;

/// Likeness of looks below which two are never one, and what the best of looks is worth against none.
const MIN_LOOKS: f32 = 0.4;
const LOOKS_WEIGH: f32 = 0.7;

/// Factor on the gain of a pair by how alike the two look, 1 where it is not known; none for those who cannot be one.
pub(super) fn looks(track: &Tracklet, seen: Option<&Appearance>) -> Option<f32> {
    let Some(likeness) = track.appearance.as_ref().zip(seen).and_then(|(known, seen)| known.likeness(seen)) else {
        return Some(1.0);
    };
    (likeness >= MIN_LOOKS).then_some(1.0 - LOOKS_WEIGH * (1.0 - likeness))
}

fn is_within_reach(track: &Tracklet, bbox: &BBox) -> bool {
    let most = if track.is_young_vehicle() { YOUNG_DEVIATION } else { MOST_DEVIATION };
    track.filter.deviation(bbox) <= most
}

/// Whether a detection may be a track that stands: what stands has its box, is hidden in part, or drives off from it. What
/// passes before it only covers it, so that a track that moves there has the first claim, `claimed` being its overlap.
fn may_be_stander(track: &Tracklet, bbox: &BBox, overlap: f32, claimed: f32) -> bool {
    let is_near = || {
        let iou = track.stood.iou(bbox).max(track.last_box.iou(bbox));
        iou >= STANDER_IOU && (iou >= STANDER_SURE || claimed < overlap)
    };
    !track.stands() || is_near() || track.shows_part(bbox)
}

/// Whether what shows in a box is nearer to the camera than what stands: it has the lower foot.
fn stands_before(track: &Tracklet, bbox: &BBox) -> bool {
    let place = &track.last_box;
    bbox.y1 > place.y1 + FOOT_BEFORE * place.height()
}

/// Gain of matching a confident detection that overlaps by so much, on which a track that moves has a claim.
pub(super) fn high(track: &Tracklet, bbox: &BBox, score: f32, overlap: f32, claimed: f32) -> Option<f32> {
    (overlap >= MIN_HIGH && may_be_stander(track, bbox, overlap, claimed) && is_within_reach(track, bbox))
        .then_some(overlap * (0.7 + 0.3 * score))
}

/// Gain of matching an unsure detection, which must lie well on the track.
pub(super) fn low(track: &Tracklet, bbox: &BBox, overlap: f32) -> Option<f32> {
    (overlap >= MIN_LOW && may_be_stander(track, bbox, overlap, 0.0)).then_some(overlap)
}

/// Gain of finding a track again by its distance and size, where boxes no longer overlap.
pub(super) fn again(track: &Tracklet, bbox: &BBox) -> Option<f32> {
    // Who was seen once has no course yet.
    let is_off = track.stands() && (track.stood.iou(bbox) < STANDER_AGAIN || stands_before(track, bbox));
    if track.id.is_some() && (is_off || !is_within_reach(track, bbox)) {
        return None;
    }
    let per_s = if track.may_be_fast() { FIRST_REACH_PER_S } else { REACH_PER_S };
    let reach = (REACH + per_s * track.unseen_s).min(REACH_MOST);
    let distance = track.distance(bbox);
    let likeness = likeness(&track.last_box, bbox);
    (distance < reach && likeness >= MIN_LIKENESS).then(|| (1.0 - distance / reach) * likeness + 1e-3)
}

/// Likeness of two boxes in size, 0 to 1.
pub(crate) fn likeness(a: &BBox, b: &BBox) -> f32 {
    let ratio = |x: f32, y: f32| x.min(y).max(1.0) / x.max(y).max(1.0);
    (ratio(a.width(), b.width()) * ratio(a.height(), b.height())).sqrt()
}
