//! From tracks to what is covered in each frame: between sightings, before the first, after the last, with a margin.

use forewarn_domain::BBox;

use crate::tracks::{Sighting, Track};

/// How much is covered beyond what was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reach {
    /// On each side, as a part of the box's sides.
    pub(crate) margin: f32,
    /// Before the first and after the last sighting, in frames.
    pub(crate) hold: usize,
}

/// A rectangle of whole pixels, on even ones, as chroma samples are shared by two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Area {
    /// Left edge.
    pub(crate) x0: u32,
    /// Top edge.
    pub(crate) y0: u32,
    /// First column beyond.
    pub(crate) x1: u32,
    /// First row beyond.
    pub(crate) y1: u32,
}

impl Area {
    /// The pixels that a box touches, with a margin, inside a picture; none if it touches none.
    pub(crate) fn around(bbox: &BBox, margin: f32, (width, height): (u32, u32)) -> Option<Self> {
        let (dx, dy) = (bbox.width() * margin, bbox.height() * margin);
        let grown = BBox::new(bbox.x0 - dx, bbox.y0 - dy, bbox.x1 + dx, bbox.y1 + dy);
        if !grown.is_valid() {
            return None;
        }
        let inside = grown.clamped(width, height);
        let down = |v: f32| v.floor() as u32 & !1;
        let up = |v: f32, end: u32| (v.ceil() as u32).next_multiple_of(2).min(end);
        let area =
            Self { x0: down(inside.x0), y0: down(inside.y0), x1: up(inside.x1, width), y1: up(inside.y1, height) };
        (area.x0 < area.x1 && area.y0 < area.y1).then_some(area)
    }
}

/// What is covered in each of `frames` frames.
pub(crate) fn cover(tracks: &[Track], frames: usize, reach: Reach, size: (u32, u32)) -> Vec<Vec<Area>> {
    let mut covered = vec![Vec::new(); frames];
    for track in tracks {
        let (Some(first), Some(last)) = (track.sightings.first(), track.sightings.last()) else { continue };
        let end = last.frame.saturating_add(reach.hold).saturating_add(1).min(frames);
        for (frame, areas) in covered.iter_mut().enumerate().take(end).skip(first.frame.saturating_sub(reach.hold)) {
            let boxes = boxes_at(track, frame).into_iter().flatten();
            areas.extend(boxes.filter_map(|bbox| Area::around(&bbox, reach.margin, size)));
        }
    }
    covered
}

/// Areas that lie in no other; what lies in another is covered with it.
pub(crate) fn outermost(areas: &[Area]) -> Vec<Area> {
    let holds = |outer: &Area, inner: &Area| {
        outer.x0 <= inner.x0 && outer.y0 <= inner.y0 && outer.x1 >= inner.x1 && outer.y1 >= inner.y1
    };
    let mut kept: Vec<Area> = Vec::new();
    for area in areas {
        if !kept.iter().any(|other| holds(other, area)) {
            kept.retain(|other| !holds(area, other));
            kept.push(*area);
        }
    }
    kept
}

/// Where a track is in a frame, or may be: around both of where it was and where it should be. Where it went far between two
/// sightings, nobody knows when, or whether both are the same: then also at either end of the way.
fn boxes_at(track: &Track, frame: usize) -> [Option<BBox>; 3] {
    let seen = &track.sightings;
    let after = seen.partition_point(|sighting| sighting.frame < frame);
    match (after.checked_sub(1).and_then(|before| seen.get(before)), seen.get(after)) {
        (_, Some(now)) if now.frame == frame => [Some(now.bbox), None, None],
        (Some(before), Some(after)) => {
            let way = before.bbox.centre().distance(after.bbox.centre());
            let is_far = way > FAR * 0.5 * (before.bbox.diagonal() + after.bbox.diagonal());
            let ends = [before, after].map(|end| is_far.then_some(end.bbox));
            [Some(between(before, after, frame)), ends[0], ends[1]]
        }
        (None, Some(first)) => [Some(held(first, seen.get(1), frame)), None, None],
        (Some(last), None) => {
            let earlier = seen.len().checked_sub(2).and_then(|earlier| seen.get(earlier));
            [Some(held(last, earlier, frame)), None, None]
        }
        (None, None) => [None; 3],
    }
}

/// A way between two sightings is far from so many diagonals on.
const FAR: f32 = 0.3;

/// Part of the way between two sightings by which a subject may be away from the even way.
const SLACK: f32 = 0.25;

fn between(before: &Sighting, after: &Sighting, frame: usize) -> BBox {
    let part = (frame - before.frame) as f32 / (after.frame - before.frame) as f32;
    let (a, b) = (before.bbox, after.bbox);
    let mix = |a: f32, b: f32| a + (b - a) * part;
    let (dx, dy) =
        (SLACK * (b.x0 - a.x0).abs().max((b.x1 - a.x1).abs()), SLACK * (b.y0 - a.y0).abs().max((b.y1 - a.y1).abs()));
    BBox::new(mix(a.x0, b.x0) - dx, mix(a.y0, b.y0) - dy, mix(a.x1, b.x1) + dx, mix(a.y1, b.y1) + dy)
}

/// Around the sighting and where the subject would be, had it gone on as from or to its neighbour.
fn held(nearest: &Sighting, neighbour: Option<&Sighting>, frame: usize) -> BBox {
    let Some(neighbour) = neighbour.filter(|other| other.frame != nearest.frame) else { return nearest.bbox };
    let part = frame.abs_diff(nearest.frame) as f32 / neighbour.frame.abs_diff(nearest.frame) as f32;
    let (here, there) = (nearest.bbox.centre(), neighbour.bbox.centre());
    // It may come to stand at any point of the way, and hardly goes further than its own size unseen.
    let bound = |way: f32, side: f32| (way * part).clamp(-side, side);
    let dx = bound(here.x - there.x, nearest.bbox.width());
    let dy = bound(here.y - there.y, nearest.bbox.height());
    let b = nearest.bbox;
    b.union(&BBox::new(b.x0 + dx, b.y0 + dy, b.x1 + dx, b.y1 + dy))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tracks::{Look, join};

    const SIZE: (u32, u32) = (640, 360);

    fn contains(area: &Area, bbox: &BBox) -> bool {
        let inside = bbox.clamped(SIZE.0, SIZE.1);
        area.x0 as f32 <= inside.x0
            && area.y0 as f32 <= inside.y0
            && area.x1 as f32 >= inside.x1
            && area.y1 as f32 >= inside.y1
    }

    fn sighting(frame: usize, x: f32) -> Sighting {
        Sighting { frame, bbox: BBox::new(x, 100.0, x + 30.0, 160.0), is_sure: true }
    }

    #[test]
    fn an_edge_cuts_the_margin_off() {
        let area = Area::around(&BBox::new(-20.0, 340.0, 15.0, 400.0), 0.2, SIZE).unwrap();
        assert_eq!(area, Area { x0: 0, y0: 328, x1: 22, y1: 360 });
        assert_eq!(Area::around(&BBox::new(700.0, 10.0, 730.0, 50.0), 0.2, SIZE), None);
        assert_eq!(Area::around(&BBox::new(f32::NAN, 10.0, 30.0, 50.0), 0.2, SIZE), None);
    }

    #[test]
    fn a_track_is_held_before_and_after_and_no_longer() {
        let track = Track { sightings: vec![sighting(10, 100.0), sighting(14, 108.0)] };
        let covered = cover(&[track], 30, Reach { margin: 0.0, hold: 5 }, SIZE);
        let shown: Vec<usize> = (0..30).filter(|&frame| !covered[frame].is_empty()).collect();
        assert_eq!(shown, (5..=19).collect::<Vec<_>>());
        // It may have come from the left, and may go on to the right.
        assert!(contains(&covered[8][0], &BBox::new(96.0, 100.0, 130.0, 160.0)));
        assert!(contains(&covered[18][0], &BBox::new(108.0, 100.0, 146.0, 160.0)));
    }

    #[test]
    fn where_somebody_went_far_unseen_both_ends_of_the_way_are_covered_all_the_while() {
        let seen = |x| Track { sightings: vec![sighting(0, 100.0), sighting(10, x)] };
        let covered = |x| cover(&[seen(x)], 11, Reach { margin: 0.0, hold: 0 }, SIZE);
        let (here, there) = (BBox::new(100.0, 100.0, 130.0, 160.0), BBox::new(140.0, 100.0, 170.0, 160.0));
        let is_covered = |areas: &[Area], bbox: &BBox| areas.iter().any(|area| contains(area, bbox));
        assert!(covered(140.0)[1..10].iter().all(|areas| is_covered(areas, &here) && is_covered(areas, &there)));
        assert!(!is_covered(&covered(120.0)[9], &here), "near is followed");
    }

    #[test]
    fn of_areas_in_each_other_the_outer_ones_stay() {
        let area = |x0, x1| Area { x0, y0: 0, x1, y1: 10 };
        let all = [area(2, 6), area(0, 8), area(0, 8), area(4, 6), area(6, 12)];
        assert_eq!(outermost(&all), [area(0, 8), area(6, 12)]);
    }

    proptest! {
        /// Somebody walks at an even pace and is seen now and then: each frame from the first sighting to the last is
        /// covered where he is, however many looks missed him, up to the longest gap.
        #[test]
        fn every_frame_between_two_sightings_is_covered(
            start in 0.0_f32..500.0, pace in -3.0_f32..3.0, gaps in prop::collection::vec(1_usize..25, 1..8),
        ) {
            let at = |frame: usize| {
                let x = start + pace * frame as f32;
                BBox::new(x, 120.0, x + 60.0, 240.0)
            };
            let mut frames = vec![0];
            for gap in gaps {
                frames.push(frames[frames.len() - 1] + gap);
            }
            // A gap of looks: frames that were looked at and in which nothing was seen.
            let looks: Vec<Look> = (0..=frames[frames.len() - 1])
                .map(|frame| Look { frame, boxes: if frames.contains(&frame) { vec![at(frame)] } else { Vec::new() } })
                .collect();
            let tracks = join(&looks, 25);
            let covered = cover(&tracks, looks.len(), Reach { margin: 0.05, hold: 0 }, SIZE);
            for (frame, areas) in covered.iter().enumerate() {
                let is_inside = at(frame).clamped(SIZE.0, SIZE.1).area() > 0.0;
                prop_assert!(!is_inside || areas.iter().any(|area| contains(area, &at(frame))), "frame {frame}: {areas:?}");
            }
        }

        #[test]
        fn whatever_is_seen_is_covered_and_areas_lie_inside(
            boxes in prop::collection::vec((0_usize..40, -50.0_f32..700.0, -50.0_f32..400.0, 0.0_f32..300.0), 0..30),
        ) {
            let of = |frame: usize| -> Vec<BBox> {
                let here = boxes.iter().filter(|one| one.0 == frame);
                here.map(|&(_, x, y, side)| BBox::new(x, y, x + side, y + side)).collect()
            };
            let looks: Vec<Look> = (0..40).map(|frame| Look { frame, boxes: of(frame) }).collect();
            let covered = cover(&join(&looks, 10), 40, Reach { margin: 0.1, hold: 3 }, SIZE);
            for (frame, areas) in covered.iter().enumerate() {
                for area in areas {
                    prop_assert!(area.x0 < area.x1 && area.y0 < area.y1 && area.x1 <= SIZE.0 && area.y1 <= SIZE.1);
                    prop_assert!(area.x0 % 2 == 0 && area.y0 % 2 == 0);
                }
                for bbox in of(frame).iter().filter(|bbox| bbox.clamped(SIZE.0, SIZE.1).area() > 0.0) {
                    prop_assert!(areas.iter().any(|area| contains(area, bbox)));
                }
            }
        }
    }
}
