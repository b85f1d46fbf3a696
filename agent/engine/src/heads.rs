//! Heads that a detector finds beside people: a head says that somebody is there of whom little else is seen.
//!
//! Of somebody who bends, sits, or stands behind a wall, in a trench or in a crowd a detector of people is unsure or finds
//! nothing. A detector that has learned heads as well names them by [`HEAD_CLASSES`]. Round and shiny things are now and
//! then taken for heads, and hardly ever for people as well, so that the two together are worth more than either.

use std::collections::BTreeMap;

use forewarn_analytics::Exclusions;
use forewarn_domain::detection::HEAD_CLASSES;
use forewarn_domain::{BBox, Class, Detection, SeenHead, Track, TrackId, TrackState};

/// Sides of a person's box and the square root of the area of the head's box: the medians of 1,529 labelled workers,
/// sitting, bent and half hidden ones among them.
const PERSON_SIDES: (f32, f32) = (1.7, 6.0);

/// A head of a larger part of a person's box is not that person's: the box is of a part of somebody.
const MOST_OF_A_PERSON: f32 = 0.8;

/// A head of which the detector is this sure needs nobody around it.
const SURE_ALONE: f32 = 0.7;

/// A head is sure enough from here on where it lies in a person of whom another head about as large is seen: people stand
/// behind each other, round signs and lamps do not stand behind people. Of 11 such heads of 0.6 to 0.7 on 204 photos of
/// workers 10 are labelled heads; of those elsewhere 7 of 12, and of those of 0.5 to 0.6 9 of 14.
const SURE_IN_A_CROWD: f32 = 0.6;
/// How many times as long as another's head's the side of a head behind may be, or the other way round, and how far down in
/// the person's box its middle may lie, in parts of the height.
const SIDE_IN_A_CROWD: f32 = 2.0;
const DOWN_IN_A_CROWD: f32 = 0.6;

/// Boxes of heads of which the smaller lies in the other by more than this part are of one head: a hat, or a face.
const SAME_HEAD: f32 = 0.6;

/// How badly a head fits a person at most, and by how much worse than the person's own another one fits that may be the
/// person's as well.
const MOST_MISFIT: f32 = 0.6;
const NEARLY_AS_WELL: f32 = 0.25;
/// By how much less sure than of the own head the detector may be of such another one.
const NEARLY_AS_SURE: f32 = 0.2;
/// What it counts against a person that the detector is not at all sure of the box.
const UNSURE: f32 = 0.3;

/// The detections without those that lie in an exclusion. A head stays or goes with its person; one that is nobody's is judged by
/// itself, and goes with people as well, since it would make a person.
pub(crate) fn without_excluded(
    exclusions: &mut Exclusions,
    size: (u32, u32),
    mut detections: Vec<Detection>,
) -> Vec<Detection> {
    if exclusions.is_empty() {
        return detections;
    }
    let person = Class::new("person");
    let mut heads = without_doubles(taken_out(&mut detections));
    let own = own_of(&detections, &heads);
    let stays: Vec<bool> = detections.iter().map(|one| !exclusions.hold(&one.class, &one.bbox, size)).collect();
    heads.retain(|head| match own.iter().position(|own| *own == Some(head.bbox)) {
        Some(owner) => stays[owner],
        None => ![&head.class, &person].into_iter().any(|class| exclusions.hold(class, &head.bbox, size)),
    });
    let left = detections.into_iter().zip(stays).filter_map(|(one, stays)| stays.then_some(one));
    left.chain(heads).collect()
}

/// The detections, heads last. Each head is put to at most one person and each person to at most one head. A head lends
/// its score to its person, whose box then reaches up to its top. A sure head that is nobody's makes a person of a box that
/// goes down from it as far as a person's does, at most to the edge of a frame of `size` pixels; not where it lies in a
/// surer person of whom no other head is seen. Best score first, as they came.
pub(crate) fn people_of(size: (u32, u32), mut detections: Vec<Detection>) -> Vec<Detection> {
    let heads = without_doubles(taken_out(&mut detections));
    if heads.is_empty() {
        return detections;
    }
    let person = Class::new("person");
    let people: Vec<usize> = (0..detections.len()).filter(|&i| detections[i].class == person).collect();
    let boxes: Vec<(BBox, f32)> = people.iter().map(|&i| (detections[i].bbox, detections[i].score)).collect();
    let owned = Owned::of(&boxes, &heads);
    let mut made = Vec::new();
    for (h, head) in heads.iter().enumerate() {
        if let Some(p) = owned.owner_of(h) {
            let owner = &mut detections[people[p]];
            owner.score = owner.score.max(head.score);
            owner.bbox.y0 = owner.bbox.y0.min(head.bbox.y0);
            continue;
        }
        let is_told = |(p, (bbox, score)): (usize, &(BBox, f32))| {
            *score >= head.score && holds(bbox, &head.bbox) && !owned.has_head(p)
        };
        let is_behind =
            |p: usize| owned.head_of(p).is_some_and(|own| stands_behind(&head.bbox, &boxes[p].0, &heads[own].bbox));
        let sure = if (0..boxes.len()).any(is_behind) { SURE_IN_A_CROWD } else { SURE_ALONE };
        if head.score >= sure && !boxes.iter().enumerate().any(is_told) {
            made.push(Detection { class: person.clone(), score: head.score, bbox: under(&head.bbox, size) });
        }
    }
    detections.extend(made);
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    detections.extend(heads);
    detections
}

/// Which head is whose.
struct Owned {
    /// How badly each head fits each person whose it may be, by their places.
    misfits: Vec<(f32, usize, usize)>,
    /// The place of each person's own head.
    own: BTreeMap<usize, usize>,
}

impl Owned {
    /// Of all ways to give one head to one person, first the pair that fits best, then the next. People are told by their
    /// boxes and how sure these are.
    fn of(people: &[(BBox, f32)], heads: &[Detection]) -> Self {
        let mut misfits: Vec<(f32, usize, usize)> = Vec::new();
        for (h, head) in heads.iter().enumerate() {
            let fits = people.iter().enumerate();
            misfits.extend(fits.filter_map(|(p, (bbox, _))| Some((misfit(&head.bbox, bbox)?, h, p))));
        }
        let rank = |&(misfit, _, p): &(f32, usize, usize)| misfit + UNSURE * (1.0 - people[p].1);
        misfits.sort_by(|a, b| rank(a).total_cmp(&rank(b)).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut owned = Self { misfits, own: BTreeMap::new() };
        for &(_, h, p) in &owned.misfits {
            if !owned.own.contains_key(&p) && !owned.own.values().any(|&other| other == h) {
                owned.own.insert(p, h);
            }
        }
        owned
    }

    fn owner_of(&self, head: usize) -> Option<usize> {
        self.own.iter().find(|(_, h)| **h == head).map(|(p, _)| *p)
    }

    fn head_of(&self, person: usize) -> Option<usize> {
        self.own.get(&person).copied()
    }

    fn has_head(&self, person: usize) -> bool {
        self.head_of(person).is_some()
    }

    fn misfit(&self, head: usize, person: usize) -> Option<f32> {
        self.misfits.iter().find(|(_, h, p)| (*h, *p) == (head, person)).map(|(misfit, ..)| *misfit)
    }
}

/// Takes the heads out of what was found.
pub(crate) fn taken_out(detections: &mut Vec<Detection>) -> Vec<Detection> {
    detections.extract_if(.., |d| HEAD_CLASSES.contains(&d.class.as_str())).collect()
}

/// The own head of each person among the detections, in their order; nothing of everything else.
pub(crate) fn own_of(detections: &[Detection], heads: &[Detection]) -> Vec<Option<BBox>> {
    let mut own = vec![None; if heads.is_empty() { 0 } else { detections.len() }];
    let people: Vec<usize> = (0..own.len()).filter(|&i| detections[i].class.as_str() == "person").collect();
    let boxes: Vec<(BBox, f32)> = people.iter().map(|&i| (detections[i].bbox, detections[i].score)).collect();
    for (p, h) in Owned::of(&boxes, heads).own {
        own[people[p]] = Some(heads[h].bbox);
    }
    own
}

/// Whose head each one is. A head is doubtful if another of the other kind, that is nobody's and nearly as sure, fits the
/// person nearly as well.
pub(crate) fn owners(tracks: &[Track], heads: &[Detection]) -> BTreeMap<TrackId, SeenHead> {
    let is_person = |t: &&Track| t.class.as_str() == "person" && t.state == TrackState::Seen;
    let people: Vec<&Track> = tracks.iter().filter(is_person).collect();
    let boxes: Vec<(BBox, f32)> = people.iter().map(|track| (track.bbox, track.score)).collect();
    let owned = Owned::of(&boxes, heads);
    let seen = owned.own.iter().map(|(&p, &h)| {
        let most = owned.misfit(h, p).unwrap_or(0.0) + NEARLY_AS_WELL;
        let is_rival = |other: usize| {
            heads[other].class != heads[h].class
                && owned.owner_of(other).is_none()
                && heads[other].score >= heads[h].score - NEARLY_AS_SURE
                && owned.misfit(other, p).is_some_and(|misfit| misfit < most)
        };
        let Detection { class, score, bbox } = heads[h].clone();
        (people[p].id, SeenHead { bbox, class, score, is_doubtful: (0..heads.len()).any(is_rival) })
    });
    seen.collect()
}

/// Of boxes of one head, whatever it is held for, the surest.
fn without_doubles(mut heads: Vec<Detection>) -> Vec<Detection> {
    heads.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for head in heads {
        let is_same = |known: &Detection| {
            known.bbox.intersection(&head.bbox) > SAME_HEAD * known.bbox.area().min(head.bbox.area())
        };
        if !kept.iter().any(is_same) {
            kept.push(head);
        }
    }
    kept
}

/// How badly a head fits a person, 0 for one in the middle of the top of the box; `None` if it cannot be the person's.
fn misfit(head: &BBox, person: &BBox) -> Option<f32> {
    let aside = (head.centre().x - person.centre().x).abs() / person.width().max(1.0);
    let down = (head.y0 - person.y0).abs() / person.height().max(1.0);
    (is_top_of(head, person) && aside + down <= MOST_MISFIT).then_some(aside + down)
}

/// Whether a head may be the head of a person of this box: in its upper half, or as a helmet above it, and not most of it.
fn is_top_of(head: &BBox, person: &BBox) -> bool {
    let centre = head.centre();
    let upper = (person.y0 - 0.5 * head.height())..=(person.y0 + 0.5 * person.height());
    (person.x0..=person.x1).contains(&centre.x)
        && upper.contains(&centre.y)
        && head.area() <= MOST_OF_A_PERSON * person.area()
}

/// Whether a head is that of somebody behind a person with this own head: in the upper part of the box, and about as large.
fn stands_behind(head: &BBox, person: &BBox, own: &BBox) -> bool {
    let ratio = (head.area() / own.area().max(1.0)).sqrt();
    (1.0 / SIDE_IN_A_CROWD..=SIDE_IN_A_CROWD).contains(&ratio)
        && holds(person, head)
        && head.centre().y <= person.y0 + DOWN_IN_A_CROWD * person.height()
}

/// Whether a head lies in a person's box.
fn holds(person: &BBox, head: &BBox) -> bool {
    let centre = head.centre();
    (person.x0..=person.x1).contains(&centre.x)
        && (person.y0..=person.y1).contains(&centre.y)
        && head.area() <= MOST_OF_A_PERSON * person.area()
}

/// The box of a person under a head, within a frame of `size`.
fn under(head: &BBox, size: (u32, u32)) -> BBox {
    let side = head.area().sqrt();
    let half = (PERSON_SIDES.0 * side / 2.0).max(head.width() / 2.0);
    let (x, width, height) = (head.centre().x, size.0 as f32, size.1 as f32);
    BBox::new(
        (x - half).clamp(0.0, width),
        head.y0.clamp(0.0, height),
        (x + half).clamp(0.0, width),
        (head.y0 + PERSON_SIDES.1 * side).max(head.y1).clamp(0.0, height),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(class: &str, score: f32, corners: [f32; 4]) -> Detection {
        let [x0, y0, x1, y1] = corners;
        Detection { class: Class::new(class), score, bbox: BBox::new(x0, y0, x1, y1) }
    }

    /// What is left of what was found where nothing of these classes is detected in the left half of a picture.
    fn left_of(found: Vec<Detection>, classes: &[&str]) -> Vec<Detection> {
        let half = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]].map(forewarn_domain::Point::from);
        let half = forewarn_domain::Exclusion {
            id: forewarn_domain::ZoneId::new("half").unwrap(),
            polygon: forewarn_domain::Polygon::new(half.to_vec()),
            unit: forewarn_domain::zone::ZoneUnit::Normalised,
            classes: classes.iter().map(|class| Class::new(class)).collect(),
        };
        without_excluded(&mut Exclusions::new([half].into()), (640, 480), found)
    }

    #[test]
    fn a_head_stays_or_goes_with_its_person_and_alone_by_itself() {
        let leaning = found("person", 0.9, [280.0, 290.0, 380.0, 470.0]);
        let of_leaning = found("head", 0.9, [285.0, 294.0, 309.0, 324.0]);
        let left = found("person", 0.9, [260.0, 100.0, 370.0, 280.0]);
        let of_left = found("head", 0.9, [330.0, 102.0, 356.0, 132.0]);
        let poster = found("head", 0.9, [40.0, 102.0, 66.0, 132.0]);
        let behind = found("head", 0.9, [500.0, 102.0, 526.0, 132.0]);
        let (car, dog) =
            (found("car", 0.9, [10.0, 200.0, 90.0, 300.0]), found("dog", 0.9, [400.0, 200.0, 460.0, 300.0]));
        let stays = vec![leaning.clone(), dog.clone(), of_leaning.clone(), behind.clone()];
        let all = vec![leaning, left.clone(), car.clone(), dog, of_leaning, of_left.clone(), poster.clone(), behind];
        let left_of_all = |classes: &[&str]| left_of(all.clone(), classes);
        assert_eq!(left_of_all(&[]), stays, "by the feet, whatever side the head is on");
        let of_people = left_of_all(&["person"]);
        assert!(of_people.contains(&car) && of_people.len() == stays.len() + 1, "{of_people:?}");
        let of_heads = left_of_all(&["head"]);
        assert!(!of_heads.contains(&poster) && of_heads.len() == all.len() - 1, "{of_heads:?}");
        assert_eq!(left_of(vec![poster], &["car"]).len(), 1);
    }

    #[test]
    fn a_sure_head_without_a_person_makes_one_and_other_heads_are_left_out() {
        let worker = found("person", 0.9, [100.0, 100.0, 160.0, 280.0]);
        let own = found("head_in_hard_hat", 0.9, [118.0, 102.0, 142.0, 132.0]);
        let alone = found("head", 0.7, [400.0, 200.0, 420.0, 220.0]);
        let lamp = found("head", 0.65, [300.0, 100.0, 320.0, 120.0]);
        let mut people = people_of((640, 480), vec![own, alone, lamp, worker.clone()]);
        assert_eq!(taken_out(&mut people).len(), 3);
        let made = found("person", 0.7, [393.0, 200.0, 427.0, 320.0]);
        assert_eq!(people, [worker, made]);
    }

    #[test]
    fn a_head_lends_its_score_to_who_is_unsurely_seen() {
        let bent = found("person", 0.15, [100.0, 108.0, 190.0, 220.0]);
        let helmet = found("head_in_hard_hat", 0.6, [118.0, 92.0, 142.0, 116.0]);
        let mut people = people_of((640, 480), vec![helmet, bent.clone()]);
        taken_out(&mut people);
        assert_eq!(people, [found("person", 0.6, [100.0, 92.0, 190.0, 220.0])]);
    }

    #[test]
    fn the_surest_of_those_whose_head_it_may_be_gets_the_score() {
        let doubt = found("person", 0.2, [90.0, 95.0, 165.0, 280.0]);
        let worker = found("person", 0.4, [100.0, 100.0, 160.0, 280.0]);
        let feet = found("person", 0.5, [100.0, 10.0, 160.0, 140.0]);
        let own = found("head", 0.7, [118.0, 102.0, 142.0, 132.0]);
        let mut people = people_of((640, 480), vec![own, feet.clone(), worker.clone(), doubt.clone()]);
        taken_out(&mut people);
        assert_eq!(people, [Detection { score: 0.7, ..worker }, feet, doubt]);
    }

    #[test]
    fn a_second_sure_head_in_a_persons_box_is_somebody_elses() {
        let worker = found("person", 0.9, [100.0, 100.0, 160.0, 280.0]);
        let own = found("head_in_hard_hat", 0.9, [118.0, 102.0, 142.0, 132.0]);
        let face = found("head", 0.8, [121.0, 112.0, 140.0, 132.0]);
        let behind = found("head", 0.75, [142.0, 104.0, 160.0, 126.0]);
        let mut people = people_of((640, 480), vec![own.clone(), face, behind.clone(), worker.clone()]);
        assert_eq!(taken_out(&mut people), [own, behind.clone()], "a face in a hat is no second head");
        assert_eq!((people.len(), &people[0], people[1].bbox.y0), (2, &worker, behind.bbox.y0));
    }

    #[test]
    fn a_head_behind_a_person_with_a_head_of_the_same_size_need_not_be_as_sure() {
        let worker = found("person", 0.9, [100.0, 100.0, 160.0, 280.0]);
        let own = found("head", 0.9, [118.0, 102.0, 142.0, 132.0]);
        let with = |head: Detection| people_of((640, 480), vec![worker.clone(), own.clone(), head]).len();
        assert_eq!(with(found("head", 0.65, [142.0, 104.0, 160.0, 126.0])), 4);
        let badge = found("head", 0.65, [140.0, 110.0, 148.0, 118.0]);
        let knee = found("head", 0.65, [142.0, 230.0, 160.0, 252.0]);
        let sign = found("head", 0.65, [300.0, 104.0, 318.0, 126.0]);
        assert_eq!([badge, knee, sign].map(with), [3, 3, 3]);
    }

    #[test]
    fn each_persons_own_head_is_told_in_the_order_of_the_detections() {
        let (near, behind) =
            (found("person", 0.9, [100.0, 100.0, 220.0, 400.0]), found("person", 0.3, [130.0, 110.0, 210.0, 310.0]));
        let car = found("car", 0.8, [100.0, 100.0, 220.0, 400.0]);
        let (own, other) =
            (found("head", 0.9, [140.0, 100.0, 170.0, 136.0]), found("head", 0.6, [172.0, 112.0, 196.0, 140.0]));
        let heads = [own.clone(), other.clone()];
        assert_eq!(own_of(&[car, near, behind], &heads), [None, Some(own.bbox), Some(other.bbox)]);
        assert_eq!(own_of(&[found("person", 0.9, [0.0, 0.0, 9.0, 20.0])], &[]), []);
    }

    #[test]
    fn what_a_head_makes_ends_at_the_edge_of_the_frame() {
        let near = found("head", 0.8, [0.0, 300.0, 200.0, 479.0]);
        let [person, _] = people_of((640, 480), vec![near]).try_into().unwrap();
        assert_eq!((person.bbox.x0, person.bbox.y1), (0.0, 480.0));
    }

    #[test]
    fn a_box_of_hardly_more_than_the_head_is_not_the_persons() {
        let head = found("head", 0.9, [100.0, 100.0, 140.0, 140.0]);
        let scrap = found("person", 0.4, [100.0, 100.0, 140.0, 145.0]);
        assert_eq!(people_of((640, 480), vec![head, scrap]).len(), 3);
    }

    fn track(id: u64, corners: [f32; 4]) -> Track {
        let Detection { class, score, bbox } = found("person", 0.9, corners);
        let (first_seen, last_seen) = (forewarn_domain::Timestamp::ZERO, forewarn_domain::Timestamp::ZERO);
        Track { id: TrackId(id), class, score, bbox, state: TrackState::Seen, first_seen, last_seen }
    }

    #[test]
    fn each_person_owns_the_head_that_fits_best_and_nobody_owns_two() {
        let tracks = [track(1, [100.0, 100.0, 160.0, 280.0]), track(2, [140.0, 110.0, 200.0, 290.0])];
        let first = found("head", 0.6, [118.0, 102.0, 142.0, 132.0]);
        let again = found("head_in_hard_hat", 0.8, [119.0, 101.0, 142.0, 131.0]);
        let second = found("head", 0.7, [156.0, 112.0, 180.0, 142.0]);
        let owned = owners(&tracks, &without_doubles(vec![first, again.clone(), second.clone()]));
        assert_eq!(owned[&TrackId(1)].bbox, again.bbox);
        assert_eq!((owned[&TrackId(2)].bbox, owned[&TrackId(2)].is_doubtful), (second.bbox, false));
    }

    #[test]
    fn a_head_of_somebody_behind_makes_the_own_one_doubtful() {
        let tracks = [track(1, [100.0, 100.0, 160.0, 280.0])];
        let own = found("head_in_hard_hat", 0.8, [112.0, 102.0, 136.0, 132.0]);
        let behind = found("head", 0.7, [138.0, 100.0, 158.0, 124.0]);
        assert!(owners(&tracks, &[own.clone(), behind.clone()])[&TrackId(1)].is_doubtful);
        let alike = Detection { class: own.class.clone(), ..behind.clone() };
        assert!(!owners(&tracks, &[own.clone(), alike])[&TrackId(1)].is_doubtful);
        let unsure = Detection { score: 0.55, ..behind };
        assert!(!owners(&tracks, &[own.clone(), unsure])[&TrackId(1)].is_doubtful);
        let knee = found("head", 0.7, [112.0, 230.0, 136.0, 260.0]);
        assert_eq!(owners(&tracks, &[knee]), BTreeMap::new());
    }

    #[test]
    fn nothing_changes_without_heads() {
        let seen = vec![found("car", 0.9, [0.0, 0.0, 50.0, 20.0]), found("person", 0.8, [5.0, 5.0, 20.0, 60.0])];
        assert_eq!(people_of((640, 480), seen.clone()), seen);
    }
}
