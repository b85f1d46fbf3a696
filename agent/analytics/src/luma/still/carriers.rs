//! Where each track was of late: what covers the scene, and who was at a place before something appeared there.

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
    last_seen: Timestamp,
    bbox: BBox,
}

/// The recent places of the tracks of one stream.
#[derive(Debug, Default)]
pub(super) struct Carriers(BTreeMap<TrackId, Carrier>);

impl Carriers {
    /// Notes where the covering tracks are.
    pub(super) fn note(&mut self, at: Timestamp, tracks: &[Track], config: &StaticObjectConfig) {
        let covers = |t: &&Track| config.covering_classes.is_empty() || config.covering_classes.contains(&t.class);
        for track in tracks.iter().filter(covers).filter(|t| t.state == TrackState::Seen && t.bbox.is_valid()) {
            let carrier = self.0.entry(track.id).or_insert_with(|| Carrier {
                class: track.class.clone(),
                places: VecDeque::new(),
                last_seen: at,
                bbox: track.bbox,
            });
            (carrier.last_seen, carrier.bbox) = (at, track.bbox);
            carrier.class.clone_from(&track.class);
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

    /// The boxes that cover the scene at `at`, a little enlarged: feet and shadows lie outside of most boxes.
    pub(super) fn covers(&self, at: Timestamp, hold_s: f64) -> Vec<BBox> {
        let is_held = |carrier: &&Carrier| {
            let gone_s = at.since(carrier.last_seen).as_secs_f64();
            gone_s <= 1.0 || (gone_s <= hold_s && carrier.was_standing())
        };
        self.0.values().filter(is_held).map(|carrier| grown(&carrier.bbox, 0.08, 0.05)).collect()
    }

    /// Who was nearest to `place` about the time `when`.
    pub(super) fn at(&self, place: &BBox, when: Timestamp) -> Option<BroughtBy> {
        let mut best: Option<(f32, BroughtBy)> = None;
        for (&track, carrier) in &self.0 {
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
