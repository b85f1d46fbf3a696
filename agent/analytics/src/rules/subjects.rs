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
/// The part of a zone that must be in the picture for what is there to be counted.
const ZONE_IN_VIEW: f32 = 0.8;

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

/// Whether a zone with these bounds lies so far beyond a picture of `size` that who is in it cannot be told.
pub(super) fn is_out_of_view(zone: Option<BBox>, size: (u32, u32)) -> bool {
    zone.is_none_or(|zone| part_in_view(&zone, size) < ZONE_IN_VIEW)
}

/// The part of a box that is in a picture of `size`.
pub(super) fn part_in_view(bbox: &BBox, (width, height): (u32, u32)) -> f32 {
    let within = |from: f32, to: f32, most: u32| (to.min(most as f32) - from.max(0.0)).max(0.0) / (to - from).max(1e-3);
    within(bbox.x0, bbox.x1, width) * within(bbox.y0, bbox.y1, height)
}

/// Whether a subject that is not seen is gone or hidden behind `others`, or beyond the edge of the picture, to where the
/// camera's own turn has brought its place: of its box much less is in view than the part that was when it was seen.
pub(super) fn unseen(bbox: &BBox, others: &[BBox], size: (u32, u32), seen_part: f32) -> Sight {
    let in_view = part_in_view(bbox, size);
    if in_view.is_nan() || in_view < seen_part * (1.0 - HIDDEN_PART) {
        return Sight::Occluded;
    }
    if covered_part(bbox, others) >= HIDDEN_PART { Sight::Occluded } else { Sight::Absent }
}

/// The part of a box that `others` cover together.
pub(super) fn covered_part(bbox: &BBox, others: &[BBox]) -> f32 {
    let step = |i: usize, from: f32, to: f32| from + (to - from) * (i as f32 + 0.5) / RASTER as f32;
    let covered = |x: f32, y: f32| others.iter().any(|o| o.x0 <= x && x <= o.x1 && o.y0 <= y && y <= o.y1);
    let points = (0..RASTER).flat_map(|i| (0..RASTER).map(move |j| (i, j)));
    let n_covered = points.filter(|&(i, j)| covered(step(i, bbox.x0, bbox.x1), step(j, bbox.y0, bbox.y1))).count();
    n_covered as f32 / (RASTER * RASTER) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_covered_is_hidden() {
        let place = BBox::new(0., 0., 100., 50.);
        let unseen = |place: &BBox, others: &[BBox]| unseen(place, others, (640, 480), 1.0);
        assert_eq!(unseen(&place, &[]), Sight::Absent);
        assert_eq!(unseen(&place, &[BBox::new(0., 0., 45., 60.)]), Sight::Absent);
        assert_eq!(unseen(&place, &[BBox::new(0., 0., 55., 60.)]), Sight::Occluded);
        let both = [BBox::new(0., 0., 30., 60.), BBox::new(70., -9., 150., 60.)];
        assert_eq!(unseen(&place, &both), Sight::Occluded);
    }

    #[test]
    fn a_place_that_the_camera_turned_away_from_tells_nothing() {
        let at = |x: f32| unseen(&BBox::new(x, 100., x + 40., 200.), &[], (640, 480), 1.0);
        assert_eq!((at(600.0), at(615.0)), (Sight::Absent, Sight::Absent), "who walks out is last seen at the edge");
        assert_eq!((at(625.0), at(900.0), at(-300.0)), (Sight::Occluded, Sight::Occluded, Sight::Occluded));
        let half_out = BBox::new(625., 100., 665., 200.);
        assert_eq!(unseen(&half_out, &[], (640, 480), 0.4), Sight::Absent, "it was seen so, as of who drives off");
        let zone = |x: f32| is_out_of_view(Some(BBox::new(x, 0., x + 400., 300.)), (640, 480));
        assert_eq!((zone(0.0), zone(300.0), zone(400.0), is_out_of_view(None, (640, 480))), (false, false, true, true));
    }
}
