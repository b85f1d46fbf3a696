//! Heads that the detector found itself: where the part is, and what the detector holds the head for.

use forewarn_domain::{BBox, HeadNeed, SeenHead};
use serde::Deserialize;

use crate::card::log_odds;

/// Around a head, in parts of its sides, a face is looked for.
const AROUND: f32 = 0.6;
/// The nearer surroundings, in which a face is the head's own.
const NEAR: f32 = 0.25;

/// How an attribute makes use of heads that the detector found.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Heads {
    /// Least side of a head in pixels, in place of the least height of the subject and the least side of the part.
    pub least_px: f32,
    /// Whether a head must lie in the picture as a whole to be worth a look.
    #[serde(default = "yes")]
    pub whole: bool,
    /// What the detector's own class says of the attribute.
    pub opinion: Option<Opinion>,
}

/// The detector's class and the judging model's probability as one: the log odds of yes are `model-weight` times those
/// of the model, plus or minus `class-weight` by the class, plus `offset`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Opinion {
    /// The detector's classes that mean yes; its other heads mean no.
    pub yes: Vec<String>,
    /// The weight of the model's log odds.
    pub model_weight: f32,
    /// Log odds that the class is worth.
    pub class_weight: f32,
    /// Log odds that are added.
    pub offset: f32,
    /// Least probability by both of a yes, in place of that of the model's card.
    pub yes_at_least: f32,
    /// Highest probability by both of a no.
    pub no_at_most: f32,
}

impl Opinion {
    /// The probability of yes by both.
    pub(super) fn joined(&self, model: f32, head: &SeenHead) -> f32 {
        let class = if self.yes.iter().any(|yes| yes == head.class.as_str()) { 1.0 } else { -1.0 };
        let odds = self.model_weight * log_odds(model) + self.class_weight * class + self.offset;
        1.0 / (1.0 + (-odds).exp())
    }
}

fn yes() -> bool {
    true
}

impl Heads {
    /// What the rules must know of it before they ask for a look.
    pub(super) fn need(&self) -> HeadNeed {
        HeadNeed { least_px: self.least_px, is_whole: self.whole }
    }

    /// Checks that the numbers lie in their ranges; the error is the key that is wrong, and what is needed.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let fail = |key, problem| Err((key, problem));
        if !(4.0..=1000.0).contains(&self.least_px) {
            return fail("heads.least-px", "a number from 4 to 1000 is needed");
        }
        let Some(opinion) = &self.opinion else { return Ok(()) };
        if opinion.yes.is_empty() {
            return fail("heads.opinion.yes", "name at least one class, such as \"head_in_hard_hat\"");
        }
        let weights = [opinion.model_weight, opinion.class_weight, opinion.offset];
        if weights.iter().any(|weight| !(-20.0..=20.0).contains(weight)) || opinion.model_weight < 0.0 {
            return fail("heads.opinion", "log odds from -20 to 20 are needed, and a model-weight from 0 on");
        }
        if !(0.5..=1.0).contains(&opinion.yes_at_least) || !(0.0..=0.5).contains(&opinion.no_at_most) {
            return fail("heads.opinion", "yes-at-least from 0.5 to 1 and no-at-most from 0 to 0.5 are needed");
        }
        Ok(())
    }
}

/// Where the face of a head is looked for.
pub(super) fn face_region(head: &BBox) -> BBox {
    grown(head, AROUND)
}

/// Within what a face is the head's own.
pub(super) fn surroundings(head: &BBox) -> BBox {
    grown(head, NEAR)
}

fn grown(bbox: &BBox, margin: f32) -> BBox {
    let (x, y) = (bbox.width() * margin, bbox.height() * margin);
    BBox::new(bbox.x0 - x, bbox.y0 - y, bbox.x1 + x, bbox.y1 + y)
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Class;

    use super::*;

    fn opinion(yes: &[&str]) -> Opinion {
        let yes = yes.iter().map(ToString::to_string).collect();
        Opinion { yes, model_weight: 1.0, class_weight: 1.0, offset: 0.0, yes_at_least: 0.9, no_at_most: 0.1 }
    }

    #[test]
    fn model_and_class_bear_each_other_out_or_make_each_other_unsure() {
        let opinion = opinion(&["hat"]);
        let bbox = BBox::new(0.0, 0.0, 20.0, 20.0);
        let head = |class: &str| SeenHead { bbox, class: Class::new(class), score: 0.9, is_doubtful: false };
        let joined = |model: f32, class: &str| opinion.joined(model, &head(class));
        assert!(joined(0.95, "hat") > 0.95 && joined(0.95, "head") < 0.95 && joined(0.95, "head") > 0.5);
        assert!(joined(0.05, "head") < 0.05 && joined(0.05, "hat") > 0.05);
    }

    #[test]
    fn numbers_out_of_range_are_told_by_their_key() {
        let small = Heads { least_px: 1.0, whole: true, opinion: None }.check().unwrap_err();
        assert_eq!(small.0, "heads.least-px");
        let nameless = Heads { least_px: 10.0, whole: true, opinion: Some(opinion(&[])) }.check().unwrap_err();
        assert_eq!(nameless.0, "heads.opinion.yes");
    }
}
