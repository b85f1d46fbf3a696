//! What was seen in single frames, joined to tracks over the whole clip.
//!
//! The tracker of the live agent confirms a track before it shows it, and forgets what it lost. Here nothing that was seen
//! even once may be left out, and what comes later is known, so every sighting belongs to a track, be it of that one alone.

use forewarn_domain::BBox;

/// What was seen in one frame of a clip; not every frame is looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    /// The frame's number in the clip.
    pub(crate) frame: usize,
    /// What was seen.
    pub(crate) boxes: Vec<BBox>,
}

/// One sighting of a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sighting {
    /// The frame's number in the clip.
    pub(crate) frame: usize,
    /// Where.
    pub(crate) bbox: BBox,
    /// Whether nothing else came into question as the continuation of the sighting before.
    pub(crate) is_sure: bool,
}

/// Sightings of one subject, in the order of their frames, each in a frame of its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Track {
    /// The sightings; at least one.
    pub(crate) sightings: Vec<Sighting>,
}

impl Track {
    /// Where the subject should be in a later frame: it goes on as between its last two sightings.
    fn expected_at(&self, frame: usize) -> Option<BBox> {
        let last = self.sightings.last()?;
        let Some(before) = self.sightings.len().checked_sub(2).and_then(|i| self.sightings.get(i)) else {
            return Some(last.bbox);
        };
        let part = (frame - last.frame) as f32 / (last.frame - before.frame).max(1) as f32;
        let (from, to) = (before.bbox.centre(), last.bbox.centre());
        let (dx, dy) = ((to.x - from.x) * part.min(MOST_STEPS), (to.y - from.y) * part.min(MOST_STEPS));
        Some(BBox::new(last.bbox.x0 + dx, last.bbox.y0 + dy, last.bbox.x1 + dx, last.bbox.y1 + dy))
    }
}

/// A subject that is not seen is expected to go on for so many times the distance between its last two sightings.
const MOST_STEPS: f32 = 3.0;
/// A sighting continues a track within so many diagonals of where the track should be, or was.
const REACH: f32 = 0.7;
/// How many times as large a subject may become from one sighting to the next.
const GROWTH: f32 = 2.2;

/// Joins sightings to tracks. A track goes on after at most `max_gap` frames without a sighting.
///
/// The nearest pairs of track and sighting are joined first. The result depends on nothing but the looks, which must be in
/// the order of their frames.
pub(crate) fn join(looks: &[Look], max_gap: usize) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    for look in looks {
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (t, track) in tracks.iter().enumerate() {
            let is_open = track
                .sightings
                .last()
                .is_some_and(|last| last.frame < look.frame && look.frame - last.frame <= max_gap);
            if is_open {
                let near = |(b, bbox): (usize, &BBox)| Some((distance(track, look.frame, bbox)?, t, b));
                pairs.extend(look.boxes.iter().enumerate().filter_map(near));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut taken: Vec<Option<usize>> = vec![None; look.boxes.len()];
        for &(_, t, b) in &pairs {
            if taken[b].is_none() && !taken.contains(&Some(t)) {
                taken[b] = Some(t);
            }
        }
        for (b, bbox) in look.boxes.iter().enumerate().filter(|(_, bbox)| bbox.is_valid()) {
            let rivals = pairs.iter().filter(|pair| pair.2 == b || Some(pair.1) == taken[b]).count();
            let sighting = Sighting { frame: look.frame, bbox: *bbox, is_sure: rivals == 1 };
            match taken[b] {
                Some(t) => tracks[t].sightings.push(sighting),
                None => tracks.push(Track { sightings: vec![sighting] }),
            }
        }
    }
    tracks
}

/// How far a sighting is from where a track should be or was, in diagonals; none if it is not the same subject.
fn distance(track: &Track, frame: usize, bbox: &BBox) -> Option<f32> {
    let last = track.sightings.last()?.bbox;
    let expected = track.expected_at(frame)?;
    let (a, b) = (last.diagonal(), bbox.diagonal());
    let is_alike = bbox.is_valid() && a > 0.0 && b > 0.0 && a / b < GROWTH && b / a < GROWTH;
    let nearest = expected.centre().distance(bbox.centre()).min(last.centre().distance(bbox.centre()));
    let diagonals = nearest / (0.5 * (a + b));
    (is_alike && diagonals < REACH).then_some(diagonals)
}

/// The track that shows the subject which stood in `bbox` around that frame: those of its sightings that nothing else came
/// into question for. None if no track fits.
pub(crate) fn of_subject(tracks: &[Track], frame: usize, within: usize, bbox: &BBox) -> Option<(usize, Track)> {
    let mut best: Option<(f32, usize, usize)> = None;
    for (t, track) in tracks.iter().enumerate() {
        for (s, sighting) in track.sightings.iter().enumerate() {
            let overlap = sighting.bbox.iou(bbox);
            if sighting.frame.abs_diff(frame) <= within && overlap > best.map_or(SAME_SUBJECT, |(best, ..)| best) {
                best = Some((overlap, t, s));
            }
        }
    }
    let (_, t, s) = best?;
    let sightings = &tracks[t].sightings;
    let first = (1..=s).rev().take_while(|&i| sightings[i].is_sure).last().map_or(s, |i| i - 1);
    let last = (s + 1..sightings.len()).take_while(|&i| sightings[i].is_sure).last().unwrap_or(s);
    Some((t, Track { sightings: sightings[first..=last].to_vec() }))
}

/// Least overlap, as intersection over union, of a sighting with the box of the incident.
const SAME_SUBJECT: f32 = 0.45;

#[cfg(test)]
mod tests {
    use super::*;

    fn look(frame: usize, boxes: &[(f32, f32)]) -> Look {
        Look { frame, boxes: boxes.iter().map(|&(x, y)| BBox::new(x, y, x + 20.0, y + 40.0)).collect() }
    }

    #[test]
    fn two_who_walk_past_each_other_are_two_tracks() {
        let looks: Vec<Look> =
            (0..9).map(|i| look(i * 5, &[(i as f32 * 20.0, 50.0), (160.0 - i as f32 * 20.0, 100.0)])).collect();
        let tracks = join(&looks, 20);
        assert_eq!(tracks.iter().map(|track| track.sightings.len()).collect::<Vec<_>>(), [9, 9]);
        assert!(tracks[0].sightings.windows(2).all(|pair| pair[1].bbox.x0 > pair[0].bbox.x0));
    }

    #[test]
    fn a_track_goes_on_after_a_gap_and_what_is_seen_once_is_one() {
        let looks =
            [look(0, &[(0.0, 0.0)]), look(5, &[(10.0, 0.0)]), look(10, &[]), look(15, &[(30.0, 0.0), (300.0, 0.0)])];
        let of = |max_gap| join(&looks, max_gap).iter().map(|track| track.sightings.len()).collect::<Vec<_>>();
        assert_eq!((of(10), of(9)), (vec![3, 1], vec![2, 1, 1]));
    }

    #[test]
    fn the_subject_is_shown_only_where_nobody_else_comes_into_question() {
        // Somebody comes close at the third look, so that from there on it may be either of both.
        let looks = [
            look(0, &[(0.0, 0.0)]),
            look(5, &[(4.0, 0.0)]),
            look(10, &[(8.0, 0.0), (26.0, 0.0)]),
            look(15, &[(12.0, 0.0), (40.0, 0.0)]),
        ];
        let tracks = join(&looks, 10);
        let (t, shown) = of_subject(&tracks, 1, 3, &BBox::new(0.0, 0.0, 20.0, 40.0)).unwrap();
        assert_eq!((t, shown.sightings.iter().map(|s| s.frame).collect::<Vec<_>>()), (0, vec![0, 5]));
        assert!(of_subject(&tracks, 1, 3, &BBox::new(15.0, 0.0, 35.0, 40.0)).is_none(), "nobody stood there");
    }
}
