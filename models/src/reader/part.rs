//! Where the part that matters lies on a subject: from its box, its face or its key points.

use forewarn_domain::{BBox, Point};

use super::attribute::FindFace;
use crate::detector::Found;

/// Least distance of the eyes of a face that looks this way, as a part of the width of its box. In upright frontal
/// faces it is 0.4, and 0.2 when the head is turned by 60 degrees.
const LEAST_EYE_DISTANCE: f32 = 0.22;

/// How far along the line of the eyes the tip of the nose may lie from their middle, in distances of the eyes. Beyond
/// the eye by a quarter the face is seen from the side.
const FARTHEST_NOSE: f32 = 0.75;

/// Key points by their places in COCO's order.
const EARS: [usize; 2] = [3, 4];
const SHOULDERS: [usize; 2] = [5, 6];
const HIPS: [usize; 2] = [11, 12];
/// Nose, eyes and ears.
const HEAD: std::ops::Range<usize> = 0..5;

/// A key point in frame pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct KeyPoint {
    pub(crate) at: Point,
    pub(crate) score: f32,
}

/// The upper part of a person, in which a face is looked for: a margin around the box and down from its top by as much
/// as the box is wide, or a third of its height.
pub(crate) fn face_region(person: &BBox) -> BBox {
    let (width, height) = (person.width(), person.height());
    let down = (1.1 * width).max(0.35 * height).min(height);
    let aside = 0.1 * width;
    BBox::new(person.x0 - aside, person.y0 - 0.08 * height, person.x1 + aside, person.y0 + down)
}

/// The top of a person's box, which holds the head: its whole width, from the top down by 0.75 widths or 0.22 heights,
/// whichever is more.
pub(crate) fn top_of(person: &BBox) -> BBox {
    let down = (0.75 * person.width()).max(0.22 * person.height());
    BBox { y1: person.y1.min(person.y0 + down), ..*person }
}

/// The person's own face among those found: well inside of the person's width, near the top and sure, and not rather that
/// of one of the `others` in the picture.
pub(crate) fn own_face<'f>(person: &BBox, others: &[BBox], found: &'f [Found], min_score: f32) -> Option<&'f Found> {
    let is_own = |face: &&Found| {
        let Some(here) = misfit(person, &face.bbox) else { return false };
        let fits_better = |other: &BBox| misfit(other, &face.bbox).is_some_and(|there| there < here);
        face.score >= min_score && !others.iter().any(fits_better)
    };
    let rank = |face: &Found| face.score - misfit(person, &face.bbox).unwrap_or(f32::MAX);
    found.iter().filter(is_own).max_by(|a, b| rank(a).total_cmp(&rank(b)))
}

/// How badly a face fits a person, 0 for one in the middle of the top of the box; `None` if it cannot be the person's.
fn misfit(person: &BBox, face: &BBox) -> Option<f32> {
    let (width, height) = (person.width().max(1.0), person.height().max(1.0));
    let centre = face.centre();
    let aside = (centre.x - person.centre().x).abs() / width;
    let down = (face.y0 - person.y0).max(0.0) / height;
    let is_inside = (person.x0..=person.x1).contains(&centre.x) && (person.y0..=person.y1).contains(&centre.y);
    (is_inside && face.width() <= 1.1 * width).then_some(aside + 0.5 * down)
}

/// Whether a plate in a vehicle's box is rather that of one of the `others`: of one that hides this vehicle there,
/// because it stands nearer to the camera. Boxes that are nearly the same are one vehicle, named twice.
pub(crate) fn is_plate_of_another(vehicle: &BBox, others: &[BBox], plate: &BBox) -> bool {
    let centre = plate.centre();
    let holds = |other: &BBox| (other.x0..=other.x1).contains(&centre.x) && (other.y0..=other.y1).contains(&centre.y);
    others.iter().any(|other| holds(other) && other.y1 > vehicle.y1 && other.iou(vehicle) < 0.6)
}

/// The face's box as the judging model wants it.
pub(crate) fn adjusted(bbox: &BBox, find: &FindFace) -> BBox {
    let (width, height, centre) = (bbox.width(), bbox.height(), bbox.centre());
    let (x, y) = (centre.x + find.shift[0] * width, centre.y + find.shift[1] * height);
    let (half_w, half_h) = (width * find.scale[0] / 2.0, height * find.scale[1] / 2.0);
    BBox::new(x - half_w, y - half_h, x + half_w, y + half_h)
}

/// The whole head with what is on it, around a face from the hairline to the chin.
pub(crate) fn head_around(face: &BBox) -> BBox {
    let (width, height) = (face.width(), face.height());
    BBox::new(face.x0 - 0.2 * width, face.y0 - 0.45 * height, face.x1 + 0.2 * width, face.y1)
}

/// Whether a face is seen so much from the side that mouth and nose cannot be judged. Its landmarks begin with both
/// eyes and the tip of the nose, as those of BlazeFace, CenterFace and YuNet do; with fewer nothing is known.
pub(crate) fn is_turned_away(face: &Found) -> bool {
    let [first, second, nose, ..] = face.landmarks.as_slice() else { return false };
    let distance = first.distance(*second);
    if distance < LEAST_EYE_DISTANCE * face.bbox.width() {
        return true;
    }
    let along = Point::new((second.x - first.x) / distance, (second.y - first.y) / distance);
    let middle = Point::new(f32::midpoint(first.x, second.x), f32::midpoint(first.y, second.y));
    let offset = (nose.x - middle.x) * along.x + (nose.y - middle.y) * along.y;
    offset.abs() > FARTHEST_NOSE * distance
}

/// The head by its key points, if enough of them are seen: both eyes, or one eye and an ear.
pub(crate) fn head_by_points(points: &[KeyPoint], min_score: f32) -> Option<BBox> {
    let seen = seen(points, HEAD, min_score);
    let shoulders = seen_at(points, SHOULDERS, min_score);
    if seen.len() < 3 {
        return None;
    }
    let bounds = around(&seen)?;
    let centre = Point::new(bounds.centre().x, seen.iter().map(|p| p.y).sum::<f32>() / seen.len() as f32);
    // From the ears to the crown is about as far as from the ears to the shoulders.
    let to_shoulders = shoulders.map(|[a, b]| (f32::midpoint(a.y, b.y) - centre.y).abs());
    let half = bounds.width().max(to_shoulders.unwrap_or(0.0) * 0.8).max(1.0) * 0.75;
    Some(BBox::new(centre.x - half, centre.y - 1.3 * half, centre.x + half, centre.y + 0.9 * half))
}

/// From the shoulders to the hips; where the hips are not seen, as far down as the shoulders are wide and a half.
pub(crate) fn torso(person: &BBox, points: &[KeyPoint], min_score: f32) -> Option<BBox> {
    let [left, right] = seen_at(points, SHOULDERS, min_score)?;
    let top = left.y.min(right.y);
    let span = (left.x - right.x).abs().max(0.3 * person.width());
    let middle = f32::midpoint(left.x, right.x);
    let bottom = match seen_at(points, HIPS, min_score) {
        Some([a, b]) => a.y.max(b.y),
        None => (top + 1.5 * span).min(person.y1),
    };
    let half = 0.6 * span;
    let bbox = BBox::new(middle - half, top - 0.1 * span, middle + half, bottom);
    (bbox.height() > 0.0).then_some(bbox)
}

/// A square around each ear that is seen, as wide as an ear muff: two fifths of the head.
pub(crate) fn ears(points: &[KeyPoint], min_score: f32) -> Vec<BBox> {
    let Some(head) = head_by_points(points, min_score) else { return Vec::new() };
    let half = 0.2 * head.width();
    let square = |at: Point| BBox::new(at.x - half, at.y - half, at.x + half, at.y + half);
    let is_seen = |&&index: &&usize| points.get(index).is_some_and(|p| p.score >= min_score);
    EARS.iter().filter(is_seen).map(|&index| square(points[index].at)).collect()
}

fn seen(points: &[KeyPoint], places: std::ops::Range<usize>, min_score: f32) -> Vec<Point> {
    let places = points.get(places).unwrap_or_default();
    places.iter().filter(|p| p.score >= min_score).map(|p| p.at).collect()
}

fn seen_at(points: &[KeyPoint], places: [usize; 2], min_score: f32) -> Option<[Point; 2]> {
    let [a, b] = places.map(|i| points.get(i).filter(|p| p.score >= min_score).map(|p| p.at));
    Some([a?, b?])
}

fn around(points: &[Point]) -> Option<BBox> {
    let first = points.first()?;
    let start = BBox::new(first.x, first.y, first.x, first.y);
    Some(points.iter().fold(start, |bbox, p| bbox.union(&BBox::new(p.x, p.y, p.x, p.y))))
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Class;

    use super::*;

    fn face(bbox: [f32; 4], score: f32, landmarks: &[[f32; 2]]) -> Found {
        let landmarks = landmarks.iter().map(|&p| p.into()).collect();
        Found { class: Class::new("face"), score, bbox: bbox.into(), landmarks }
    }

    #[test]
    fn a_person_s_face_is_the_one_near_the_top_and_the_middle() {
        let person = BBox::new(100.0, 100.0, 160.0, 300.0);
        let own = face([115.0, 105.0, 140.0, 130.0], 0.5, &[]);
        let neighbour = face([148.0, 106.0, 170.0, 128.0], 0.7, &[]);
        let outside = face([170.0, 106.0, 190.0, 128.0], 0.9, &[]);
        let on_shirt = face([118.0, 180.0, 140.0, 200.0], 0.5, &[]);
        let found = [neighbour, on_shirt, outside, own.clone()];
        assert_eq!(own_face(&person, &[], &found, 0.3), Some(&own));
        assert_eq!(own_face(&person, &[], &found[2..3], 0.3), None);
        assert_eq!(own_face(&person, &[], &found[3..], 0.6), None);
    }

    #[test]
    fn a_face_or_plate_that_fits_another_better_is_not_taken() {
        let (behind, before) = (BBox::new(100.0, 100.0, 160.0, 300.0), BBox::new(130.0, 140.0, 190.0, 340.0));
        let found = [face([145.0, 145.0, 170.0, 170.0], 0.9, &[])];
        assert_eq!(own_face(&behind, &[], &found, 0.5), Some(&found[0]));
        assert_eq!(own_face(&behind, &[before], &found, 0.5), None);
        assert_eq!(own_face(&before, &[behind], &found, 0.5), Some(&found[0]));
        let plate = BBox::new(140.0, 280.0, 160.0, 290.0);
        assert!(is_plate_of_another(&behind, &[before], &plate));
        assert!(!is_plate_of_another(&before, &[behind], &plate));
        let again = BBox::new(98.0, 99.0, 161.0, 303.0);
        assert!(!is_plate_of_another(&behind, &[again], &plate));
    }

    #[test]
    fn a_face_from_the_side_is_turned_away() {
        let bbox = [0.0, 0.0, 100.0, 100.0];
        let frontal = [[30.0, 40.0], [70.0, 40.0], [50.0, 60.0], [50.0, 80.0]];
        assert!(!is_turned_away(&face(bbox, 0.9, &frontal)));
        // Tilted by 45 degrees, but looking this way.
        let tilted = [[36.0, 26.0], [64.0, 54.0], [36.0, 54.0], [22.0, 68.0]];
        assert!(!is_turned_away(&face(bbox, 0.9, &tilted)));
        let profile = [[40.0, 40.0], [55.0, 40.0], [70.0, 60.0], [60.0, 80.0]];
        assert!(is_turned_away(&face(bbox, 0.9, &profile)));
        let nose_beyond = [[40.0, 40.0], [70.0, 40.0], [82.0, 60.0], [70.0, 80.0]];
        assert!(is_turned_away(&face(bbox, 0.9, &nose_beyond)));
        assert!(!is_turned_away(&face(bbox, 0.9, &[])));
    }

    fn pose(places: &[(usize, [f32; 2])]) -> Vec<KeyPoint> {
        let mut points = vec![KeyPoint { at: Point::new(0.0, 0.0), score: 0.1 }; 17];
        for &(index, at) in places {
            points[index] = KeyPoint { at: at.into(), score: 0.9 };
        }
        points
    }

    #[test]
    fn torso_and_ears_follow_the_key_points() {
        let person = BBox::new(0.0, 0.0, 100.0, 300.0);
        let points = pose(&[
            (0, [50.0, 40.0]),
            (1, [55.0, 35.0]),
            (2, [45.0, 35.0]),
            (3, [62.0, 37.0]),
            (5, [75.0, 70.0]),
            (6, [25.0, 72.0]),
            (11, [65.0, 160.0]),
            (12, [35.0, 162.0]),
        ]);
        let torso = torso(&person, &points, 0.3).unwrap();
        assert_eq!([torso.x0, torso.x1, torso.y1].map(f32::round), [20.0, 80.0, 162.0]);
        let ears = ears(&points, 0.3);
        assert_eq!(ears.len(), 1);
        assert_eq!(ears[0].centre(), Point::new(62.0, 37.0));
        let head = head_by_points(&points, 0.3).unwrap();
        assert!(head.y0 < 20.0 && head.y1 > 45.0 && head.y1 < 72.0, "{head:?}");
        assert_eq!(super::torso(&person, &pose(&[]), 0.3), None);
    }
}
