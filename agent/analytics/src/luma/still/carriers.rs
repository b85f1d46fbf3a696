//! Where each track was of late: what covers the scene, and who was at a place before something appeared there.
//!
//! A bag may be taken for a person. So whoever has neither walked nor a good score covers his place for some seconds at
//! most, and is not held to have brought anything if somebody else may have.

use std::collections::{BTreeMap, VecDeque};

use forewarn_domain::{BBox, Class, Timestamp, Track, TrackId, TrackState};
use serde::{Deserialize, Serialize};

use super::StaticObjectConfig;

/// Most tracks remembered; the one last seen the longest ago is forgotten first.
const MAX_TRACKS: usize = 128;
/// Most places remembered of a track, and the seconds between them.
const MAX_PLACES: usize = 240;
const PLACE_EVERY_S: f64 = 0.5;
/// Seconds before and after an appearance in which whoever was there may have brought it.
const BEFORE_S: f64 = 20.0;
const AFTER_S: f64 = 3.0;
/// How far beyond its box a subject reaches, as a part of its width.
const REACH: f32 = 0.35;
/// Part of its diagonal by which a track may move in two seconds and still count as standing.
const STANDING: f32 = 0.15;
/// The class whose detector mistakes bags and bushes for it; such a box stays where it began.
const PERSON: &str = "person";
/// Part of its diagonal by which a person must have moved for it to be sure that it is one,
const WALKED: f32 = 0.4;
/// or the score that it must have over its time. Below, its place is covered for some seconds only, or not at all.
const SURE: f32 = 0.7;
const LIKELY: f32 = 0.5;
const LIKELY_S: f64 = 5.0;
/// Seconds in which somebody's track may begin anew where he stood.
const ANEW_S: f64 = 10.0;
/// Part of the difference by which the mean of the scores follows.
const SCORE_FOLLOWS: f32 = 0.2;

/// Who was at a place just before something appeared there or went from there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BroughtBy {
    /// The track.
    pub track: TrackId,
    /// Its class.
    pub class: Class,
    /// Where it was when it was nearest, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// When that was.
    pub at: Timestamp,
    /// When it had left the place; `None` while it is still there.
    pub left_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Carrier {
    class: Class,
    places: VecDeque<(Timestamp, BBox)>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    bbox: BBox,
    /// Mean of its scores.
    score: f32,
    /// Whether it has moved as only what it is taken for does.
    has_walked: bool,
}

/// The recent places of the tracks of one stream.
#[derive(Debug, Default)]
pub(super) struct Carriers(BTreeMap<TrackId, Carrier>);

impl Carriers {
    /// Notes where the covering tracks are.
    pub(super) fn note(&mut self, at: Timestamp, tracks: &[Track], config: &StaticObjectConfig) {
        let covers = |t: &&Track| config.covering_classes.is_empty() || config.covering_classes.contains(&t.class);
        for track in tracks.iter().filter(covers).filter(|t| t.state == TrackState::Seen && t.bbox.is_valid()) {
            let goes_on = !self.0.contains_key(&track.id) && self.goes_on(at, track);
            let carrier = self.0.entry(track.id).or_insert_with(|| Carrier {
                class: track.class.clone(),
                places: VecDeque::new(),
                first_seen: at,
                last_seen: at,
                bbox: track.bbox,
                score: track.score,
                has_walked: goes_on,
            });
            (carrier.last_seen, carrier.bbox) = (at, track.bbox);
            carrier.class.clone_from(&track.class);
            carrier.score += SCORE_FOLLOWS * (track.score - carrier.score);
            let far = WALKED * track.bbox.diagonal();
            carrier.has_walked |=
                carrier.places.front().is_some_and(|(_, b)| b.centre().distance(track.bbox.centre()) > far);
            let is_due = |&(then, _): &(Timestamp, BBox)| at.since(then).as_secs_f64() >= PLACE_EVERY_S;
            if carrier.places.back().is_none_or(is_due) {
                carrier.places.push_back((at, track.bbox));
                if carrier.places.len() > MAX_PLACES {
                    carrier.places.pop_front();
                }
            }
        }
        let keep_s = config.appear_after_s * 3.0 + 60.0;
        self.0.retain(|_, carrier| at.since(carrier.last_seen).as_secs_f64() <= keep_s);
        while self.0.len() > MAX_TRACKS {
            let oldest = self.0.iter().min_by_key(|(_, carrier)| carrier.last_seen).map(|(&id, _)| id);
            oldest.and_then(|id| self.0.remove(&id));
        }
    }

    /// Whether a new track is that of somebody who walked here and was lost.
    fn goes_on(&self, at: Timestamp, track: &Track) -> bool {
        let is_he = |carrier: &Carrier| {
            carrier.has_walked
                && carrier.class == track.class
                && at.since(carrier.last_seen).as_secs_f64() <= ANEW_S
                && carrier.bbox.iou(&track.bbox) > 0.3
        };
        self.0.values().any(is_he)
    }

    /// The boxes that cover the scene at `at`, a little enlarged: feet and shadows lie outside of most boxes.
    pub(super) fn covers(&self, at: Timestamp, hold_s: f64) -> Vec<BBox> {
        let is_held = |carrier: &&Carrier| {
            let gone_s = at.since(carrier.last_seen).as_secs_f64();
            let is_sure = carrier.is_sure();
            (gone_s <= 1.0 && (is_sure || carrier.is_likely(at)))
                || (is_sure && gone_s <= hold_s && carrier.was_standing())
        };
        self.0.values().filter(is_held).map(|carrier| grown(&carrier.bbox, 0.08, 0.05)).collect()
    }

    /// Who was nearest to `place` about the time `when`.
    pub(super) fn at(&self, place: &BBox, when: Timestamp) -> Option<BroughtBy> {
        self.of(place, when, Carrier::is_sure).or_else(|| self.of(place, when, |carrier| !carrier.is_sure()))
    }

    fn of(&self, place: &BBox, when: Timestamp, counts: impl Fn(&Carrier) -> bool) -> Option<BroughtBy> {
        let mut best: Option<(f32, BroughtBy)> = None;
        for (&track, carrier) in self.0.iter().filter(|(_, carrier)| counts(carrier)) {
            for &(at, bbox) in &carrier.places {
                let before_s = when.as_secs_f64() - at.as_secs_f64();
                if !(-AFTER_S..=BEFORE_S).contains(&before_s) {
                    continue;
                }
                let Some(near) = nearness(&bbox, place) else { continue };
                let score = near - 0.03 * before_s.abs() as f32;
                if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
                    let class = carrier.class.clone();
                    best = Some((score, BroughtBy { track, class, bbox, at, left_at: None }));
                }
            }
        }
        best.map(|(_, by)| by).map(|by| BroughtBy { left_at: self.left(&by, place), ..by })
    }

    /// When the track had left `place`, if it has.
    pub(super) fn left(&self, by: &BroughtBy, place: &BBox) -> Option<Timestamp> {
        let carrier = self.0.get(&by.track)?;
        let last_near = carrier.places.iter().rev().find(|(_, bbox)| nearness(bbox, place).is_some())?.0;
        if nearness(&carrier.bbox, place).is_some() {
            return None;
        }
        carrier.places.iter().map(|&(at, _)| at).find(|&at| at > last_near).or(Some(carrier.last_seen))
    }
}

impl Carrier {
    /// Whether it surely is what it is taken for.
    fn is_sure(&self) -> bool {
        self.has_walked || self.score >= SURE || self.class.as_str() != PERSON
    }

    /// Whether what has not moved yet may well be what it is taken for.
    fn is_likely(&self, at: Timestamp) -> bool {
        self.score >= LIKELY && at.since(self.first_seen).as_secs_f64() <= LIKELY_S
    }

    fn was_standing(&self) -> bool {
        let recent = |&&(at, _): &&(Timestamp, BBox)| self.last_seen.since(at).as_secs_f64() <= 2.0;
        let (here, limit) = (self.bbox.centre(), STANDING * self.bbox.diagonal());
        let watched_s = self.places.front().map_or(0.0, |&(first, _)| self.last_seen.since(first).as_secs_f64());
        watched_s >= 1.0 && self.places.iter().rev().take_while(recent).all(|(_, b)| b.centre().distance(here) <= limit)
    }
}

fn grown(b: &BBox, across: f32, down: f32) -> BBox {
    let (dx, dy) = (b.width() * across, b.height() * down);
    BBox::new(b.x0 - dx, b.y0 - dy, b.x1 + dx, b.y1 + dy)
}

/// How near a subject is to a place: the part of the place within its reach, `None` if it is out of reach.
fn nearness(subject: &BBox, place: &BBox) -> Option<f32> {
    let reach = grown(subject, REACH, 0.1);
    let shared = reach.intersection(place) / place.area().max(1.0);
    // Of two in reach, the one whose feet are nearer to the place is likelier.
    let off = subject.foot().distance(place.foot()) / subject.diagonal().max(1.0);
    (shared > 0.05).then(|| shared.min(1.0) + 1.0 / (1.0 + off))
}
