//! Heads that a detector finds beside people: a head without a person makes the person.
//!
//! Of somebody behind a wall, in a trench or in a crowd often nothing but the head is seen, and a detector of people
//! finds nobody there. A detector that has learned heads as well names them by [`HEAD_CLASSES`].

use forewarn_domain::detection::HEAD_CLASSES;
use forewarn_domain::{BBox, Class, Detection};

/// Sides of a person's box and the square root of the area of the head's box: the medians of 1,529 labelled workers,
/// sitting, bent and half hidden ones among them.
const PERSON_SIDES: (f32, f32) = (1.7, 6.0);

/// A head of a larger part of a person's box is not that person's: the box is of a part of somebody.
const MOST_OF_A_PERSON: f32 = 0.8;

/// The detections without heads, and one more person for each head that lies in no found person. The new box goes down
/// from the head as far as a person's does, at most to the edge of a frame of `size` pixels; its score is the head's.
/// Best score first, as they came.
pub(crate) fn people_of(size: (u32, u32), detections: Vec<Detection>) -> Vec<Detection> {
    let is_head = |d: &Detection| HEAD_CLASSES.contains(&d.class.as_str());
    if !detections.iter().any(is_head) {
        return detections;
    }
    let person = Class::new("person");
    let (heads, mut others): (Vec<_>, Vec<_>) = detections.into_iter().partition(is_head);
    for head in heads {
        let is_of = |other: &Detection| other.class == person && holds(&other.bbox, &head.bbox);
        if !others.iter().any(is_of) {
            others.push(Detection { class: person.clone(), score: head.score, bbox: under(&head.bbox, size) });
        }
    }
    others.sort_by(|a, b| b.score.total_cmp(&a.score));
    others
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
    fn a_head_without_a_person_makes_one_and_other_heads_are_left_out() {
        let worker = found("person", 0.5, [100.0, 100.0, 160.0, 280.0]);
        let own = found("head_in_hard_hat", 0.9, [118.0, 102.0, 142.0, 132.0]);
        let alone = found("head", 0.7, [400.0, 200.0, 420.0, 220.0]);
        let people = people_of((640, 480), vec![own, alone, worker.clone()]);
        let made = found("person", 0.7, [393.0, 200.0, 427.0, 320.0]);
        assert_eq!(people, [made, worker]);
    }

    #[test]
    fn what_a_head_makes_ends_at_the_edge_of_the_frame() {
        let near = found("head", 0.6, [0.0, 300.0, 200.0, 479.0]);
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
