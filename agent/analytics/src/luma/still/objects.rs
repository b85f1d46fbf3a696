//! The static objects that are known, each with the samples that it fills.

use std::collections::BTreeSet;
use std::ops::Range;

use forewarn_domain::{BBox, Class, Timestamp, Track, TrackId, TrackState};
use serde::{Deserialize, Serialize};

use super::carriers::BroughtBy;
use super::models::{Models, Showing};
use crate::luma::components::Component;

/// Part of an object's samples that must be in view for a judgement of it.
const IN_VIEW: f32 = 0.3;
/// Part of the samples in view that must show the object for it to be seen, and the scene for it to be gone.
const SEEN: f32 = 0.35;
const GONE: f32 = 0.65;

/// What happened to the scene at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaticKind {
    /// Something is there that the scene does not have.
    Appeared,
    /// Something is gone that the scene has.
    Removed,
}

/// Something that appeared, or went, and has stayed so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StaticObject {
    /// Its number, from 1, never given twice as long as the learned scene is kept.
    pub id: u64,
    /// Where it is, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// When the change came to rest.
    pub appeared_at: Timestamp,
    /// When it was last in view.
    pub last_seen: Timestamp,
    /// Whether it came or went.
    pub kind: StaticKind,
    /// Area in square pixels of the full frame.
    pub area_px: f32,
    /// How sure it is that this is matter and not light, 0 to 1.
    pub confidence: f32,
    /// Who was at the place just before.
    pub brought_by: Option<BroughtBy>,
}

impl StaticObject {
    /// Tracks of static objects are numbered from here on, so that they never meet those of the tracker. Exact in a
    /// JSON number.
    pub const FIRST_TRACK: u64 = 1 << 40;

    /// The object as a track of class `new_object` or `removed_object`, lost while it is hidden.
    pub fn to_track(&self, at: Timestamp) -> Track {
        let is_seen = at.since(self.last_seen).as_secs_f64() < 1.0;
        Track {
            id: TrackId(Self::FIRST_TRACK + self.id),
            class: Class::new(match self.kind {
                StaticKind::Appeared => "new_object",
                StaticKind::Removed => "removed_object",
            }),
            score: self.confidence,
            bbox: self.bbox,
            state: if is_seen { TrackState::Seen } else { TrackState::Lost },
            first_seen: self.appeared_at,
            last_seen: self.last_seen,
        }
    }
}

/// An object with its samples and what is known of its going.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) object: StaticObject,
    /// Runs of samples, as ranges of indices.
    runs: Vec<Range<usize>>,
    /// Seconds for which the place has shown the scene.
    pub(super) reverted_s: f64,
}

impl Kept {
    pub(super) fn new(object: StaticObject, samples: &[usize]) -> Self {
        Self { object, runs: runs(samples.iter().copied().collect()), reverted_s: 0.0 }
    }

    pub(super) fn samples(&self) -> impl Iterator<Item = usize> + '_ {
        self.runs.iter().cloned().flatten()
    }

    /// Whether every sample lies in a plane of `count`.
    pub(super) fn fits(&self, count: usize) -> bool {
        self.runs.iter().all(|run| run.start <= run.end && run.end <= count)
    }

    /// Takes in samples that turned out to belong to it.
    pub(super) fn grow(&mut self, samples: &[usize]) {
        self.runs = runs(self.samples().chain(samples.iter().copied()).collect());
    }

    /// Looks at the object's samples; returns false when it is gone.
    pub(super) fn look(&mut self, at: Timestamp, models: &Models, elapsed_s: f64, revert_after_s: f64) -> bool {
        let (mut all, mut scene, mut still, mut moving) = (0u32, 0u32, 0u32, 0u32);
        for i in self.samples() {
            all += 1;
            match models.showing[i] {
                Showing::Hidden => {}
                Showing::Scene => scene += 1,
                Showing::Still => still += 1,
                Showing::Moving => moving += 1,
            }
        }
        let in_view = (scene + still + moving) as f32;
        if in_view < IN_VIEW * all as f32 || in_view == 0.0 {
            return true;
        }
        if scene as f32 >= GONE * in_view {
            self.reverted_s += elapsed_s;
        } else if still as f32 >= SEEN * in_view {
            self.reverted_s = 0.0;
            self.object.last_seen = at;
        }
        self.reverted_s < revert_after_s
    }
}

/// Sorted samples as ranges.
fn runs(samples: BTreeSet<usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for i in samples {
        match runs.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs
}

/// The box around a connected part, in samples.
pub(super) fn bounds(part: &Component) -> BBox {
    let (x, y) = (&part.columns, &part.rows);
    BBox::new(x.start as f32, y.start as f32, x.end as f32, y.end as f32)
}
