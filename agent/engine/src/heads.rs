//! Heads that a detector finds beside people: a head says that somebody is there of whom little else is seen.
//!
//! Of somebody who bends, sits, or stands behind a wall, in a trench or in a crowd a detector of people is unsure or finds
//! nothing. A detector that has learned heads as well names them by [`HEAD_CLASSES`]. Round and shiny things are now and
//! then taken for heads, and hardly ever for people as well, so that the two together are worth more than either.

use forewarn_domain::detection::HEAD_CLASSES;
use forewarn_domain::{BBox, Class, Detection};

/// Sides of a person's box and the square root of the area of the head's box: the medians of 1,529 labelled workers,
/// sitting, bent and half hidden ones among them.
const PERSON_SIDES: (f32, f32) = (1.7, 6.0);

/// A head of a larger part of a person's box is not that person's: the box is of a part of somebody.
const MOST_OF_A_PERSON: f32 = 0.8;

/// A head of which the detector is this sure needs nobody around it.
const SURE_ALONE: f32 = 0.7;

/// The detections without heads. A head lends its score to the surest of the people whose head it may be, whose box then
/// reaches up to its top, where nobody of at least its score holds it. Where there are none, a sure head makes a person of a box that goes down from it as far
/// as a person's does, at most to the edge of a frame of `size` pixels. Best score first, as they came.
pub(crate) fn people_of(size: (u32, u32), detections: Vec<Detection>) -> Vec<Detection> {
    let is_head = |d: &Detection| HEAD_CLASSES.contains(&d.class.as_str());
    if !detections.iter().any(is_head) {
        return detections;
    }
    let person = Class::new("person");
    let (heads, mut others): (Vec<_>, Vec<_>) = detections.into_iter().partition(is_head);
    for head in heads {
        let is_told = |other: &Detection| other.score >= head.score && holds(&other.bbox, &head.bbox);
        if others.iter().any(|other| other.class == person && is_told(other)) {
            continue;
        }
        let owners = others.iter_mut().filter(|other| other.class == person && is_top_of(&head.bbox, &other.bbox));
        if let Some(owner) = owners.max_by(|a, b| a.score.total_cmp(&b.score)) {
            owner.score = owner.score.max(head.score);
            owner.bbox.y0 = owner.bbox.y0.min(head.bbox.y0);
        } else if head.score >= SURE_ALONE {
            others.push(Detection { class: person.clone(), score: head.score, bbox: under(&head.bbox, size) });
        }
    }
    others.sort_by(|a, b| b.score.total_cmp(&a.score));
    others
}

/// Whether a head may be the head of a person of this box: in its upper half, or as a helmet above it, and not most of it.
fn is_top_of(head: &BBox, person: &BBox) -> bool {
    let centre = head.centre();
    let upper = (person.y0 - 0.5 * head.height())..=(person.y0 + 0.5 * person.height());
    (person.x0..=person.x1).contains(&centre.x)
        && upper.contains(&centre.y)
        && head.area() <= MOST_OF_A_PERSON * person.area()
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

    #[test]
    fn a_sure_head_without_a_person_makes_one_and_other_heads_are_left_out() {
        let worker = found("person", 0.9, [100.0, 100.0, 160.0, 280.0]);
        let own = found("head_in_hard_hat", 0.9, [118.0, 102.0, 142.0, 132.0]);
        let alone = found("head", 0.7, [400.0, 200.0, 420.0, 220.0]);
        let lamp = found("head", 0.65, [300.0, 100.0, 320.0, 120.0]);
        let people = people_of((640, 480), vec![own, alone, lamp, worker.clone()]);
        let made = found("person", 0.7, [393.0, 200.0, 427.0, 320.0]);
        assert_eq!(people, [worker, made]);
    }

    #[test]
    fn a_head_lends_its_score_to_who_is_unsurely_seen() {
        let bent = found("person", 0.15, [100.0, 108.0, 190.0, 220.0]);
        let helmet = found("head_in_hard_hat", 0.6, [118.0, 92.0, 142.0, 116.0]);
        let people = people_of((640, 480), vec![helmet, bent.clone()]);
        assert_eq!(people, [found("person", 0.6, [100.0, 92.0, 190.0, 220.0])]);
    }

    #[test]
    fn the_surest_of_those_whose_head_it_may_be_gets_the_score() {
        let doubt = found("person", 0.2, [90.0, 95.0, 165.0, 280.0]);
        let worker = found("person", 0.4, [100.0, 100.0, 160.0, 280.0]);
        let feet = found("person", 0.5, [100.0, 10.0, 160.0, 140.0]);
        let own = found("head", 0.7, [118.0, 102.0, 142.0, 132.0]);
        let people = people_of((640, 480), vec![own, feet.clone(), worker.clone(), doubt.clone()]);
        assert_eq!(people, [Detection { score: 0.7, ..worker }, feet, doubt]);
    }

    #[test]
    fn what_a_head_makes_ends_at_the_edge_of_the_frame() {
        let near = found("head", 0.8, [0.0, 300.0, 200.0, 479.0]);
        let [person] = people_of((640, 480), vec![near]).try_into().unwrap();
        assert_eq!((person.bbox.x0, person.bbox.y1), (0.0, 480.0));
    }

    #[test]
    fn a_box_of_hardly_more_than_the_head_is_not_the_persons() {
        let head = found("head", 0.9, [100.0, 100.0, 140.0, 140.0]);
        let scrap = found("person", 0.4, [100.0, 100.0, 140.0, 145.0]);
        assert_eq!(people_of((640, 480), vec![head, scrap]).len(), 2);
    }

    #[test]
    fn nothing_changes_without_heads() {
        let seen = vec![found("car", 0.9, [0.0, 0.0, 50.0, 20.0]), found("person", 0.8, [5.0, 5.0, 20.0, 60.0])];
        assert_eq!(people_of((640, 480), seen.clone()), seen);
    }
}
