//! Subjects: whom a rule's incident concerns, and what is seen of them.
//!
//! A subject begins with the first frame in which a rule's condition holds for an identity (or for the zone as a whole)
//! and is reported in every frame until it has been absent for so long that it is forgotten.

use forewarn_domain::{BBox, Class, RuleKey, Sight, SubjectId, Timestamp};

use super::watched::Watched;

/// The part of a subject's last place that must be covered by others for it to be hidden.
const HIDDEN_PART: f32 = 0.5;
/// Points per side of the raster by which the covered part is measured.
const RASTER: usize = 16;

/// A subject as an incident remembers it, by which it is known again after a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectSeed {
    /// Its number.
    pub subject: SubjectId,
    /// The rule that it violated.
    pub rule: RuleKey,
    /// Its class.
    pub class: Class,
    /// Where it was last seen, in pixels of the full frame.
    pub bbox: BBox,
    /// When it was last seen.
    pub at: Timestamp,
}

/// The crowd of one rule: one subject for the zone.
#[derive(Debug, Clone)]
pub(super) struct Crowd {
    pub(super) id: SubjectId,
    pub(super) bbox: BBox,
    pub(super) class: Class,
    pub(super) violated_at: Watched,
    pub(super) is_reported: bool,
    /// After a restart it is not judged before this time.
    pub(super) settles_at: Option<Watched>,
}

/// Whether a subject that is not seen is gone or hidden behind `others`.
pub(super) fn unseen(bbox: &BBox, others: &[BBox]) -> Sight {
    let step = |i: usize, from: f32, to: f32| from + (to - from) * (i as f32 + 0.5) / RASTER as f32;
    let covered = |x: f32, y: f32| others.iter().any(|o| o.x0 <= x && x <= o.x1 && o.y0 <= y && y <= o.y1);
    let points = (0..RASTER).flat_map(|i| (0..RASTER).map(move |j| (i, j)));
    let n_covered = points.filter(|&(i, j)| covered(step(i, bbox.x0, bbox.x1), step(j, bbox.y0, bbox.y1))).count();
    let is_hidden = n_covered as f32 >= HIDDEN_PART * (RASTER * RASTER) as f32;
    if is_hidden { Sight::Occluded } else { Sight::Absent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_covered_is_hidden() {
        let place = BBox::new(0., 0., 100., 50.);
        assert_eq!(unseen(&place, &[]), Sight::Absent);
        assert_eq!(unseen(&place, &[BBox::new(0., 0., 45., 60.)]), Sight::Absent);
        assert_eq!(unseen(&place, &[BBox::new(0., 0., 55., 60.)]), Sight::Occluded);
        let both = [BBox::new(0., 0., 30., 60.), BBox::new(70., -9., 150., 60.)];
        assert_eq!(unseen(&place, &both), Sight::Occluded);
    }
}
