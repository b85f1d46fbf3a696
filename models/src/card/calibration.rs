//! `[calibration]`: what a detector's score is worth, as the probability that its box is right.
//!
//! A curve is logistic in the score's log-odds (Platt 1999) with a term for the size of the box, because a detector is
//! as sure of a few pixels as of a whole person and is wrong about them more often. Curves rise with the score, so the
//! order of equally large boxes of one class stays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Heights in pixels of the model's input between which the size weighs; beyond them as at the nearer end.
const HEIGHTS_PX: [f32; 2] = [16.0, 256.0];
/// The height at which the size neither adds nor takes.
const MIDDLE_PX: f32 = 64.0;
/// Scores of 0 and 1 have no log-odds; this much before them they end.
const EDGE: f32 = 1e-4;

/// What scores are worth, by class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calibration {
    /// The photos it was fitted on, for people.
    pub on: String,
    /// The curve of every class that has none of its own.
    pub others: Curve,
    /// Curves of single classes.
    #[serde(default)]
    pub classes: BTreeMap<String, Curve>,
}

/// Log-odds of a right box: `slope` times those of the score, and `offset`, and `size` for each time that the height is
/// e-fold; there, `tilt` is added to the slope.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Above 0.
    pub slope: f32,
    /// What is added.
    pub offset: f32,
    /// What is added for each e-fold of the height over 64 pixels of the model's input.
    #[serde(default)]
    pub size: f32,
    /// What is added to the slope for each such e-fold.
    #[serde(default)]
    pub tilt: f32,
}

impl Curve {
    /// The curve that changes nothing.
    pub const IDENTITY: Self = Self { slope: 1.0, offset: 0.0, size: 0.0, tilt: 0.0 };

    /// Probability that a box of that score and height in pixels of the model's input is right.
    pub fn probability(&self, score: f32, height_px: f32) -> f32 {
        let folds = e_folds(height_px);
        logistic((self.slope + self.tilt * folds) * log_odds(score) + self.offset + self.size * folds)
    }

    /// The slopes at both ends of the heights, between which all others lie.
    pub(crate) fn slopes(&self) -> [f32; 2] {
        HEIGHTS_PX.map(|height| self.slope + self.tilt * e_folds(height))
    }

    /// The least score that a box of any height needs for `probability`. It lies at an end of the heights: what is left
    /// of the log-odds over the slope is a ratio of two straight lines, which rises or falls all along.
    fn least_score(&self, probability: f32) -> f32 {
        let at = |height: f32| {
            let folds = e_folds(height);
            (log_odds(probability) - self.offset - self.size * folds) / (self.slope + self.tilt * folds)
        };
        HEIGHTS_PX.map(|height| logistic(at(height))).into_iter().fold(1.0, f32::min)
    }
}

fn logistic(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

impl Calibration {
    /// The curve of a class.
    pub fn of(&self, class: &str) -> &Curve {
        self.classes.get(class).unwrap_or(&self.others)
    }

    /// The least score that a box of any class and height needs for `probability`.
    pub fn least_score(&self, probability: f32) -> f32 {
        self.curves().map(|(_, curve)| curve.least_score(probability)).fold(1.0, f32::min)
    }

    /// Every curve with the class that it is of, `others` last.
    pub(super) fn curves(&self) -> impl Iterator<Item = (&str, &Curve)> {
        let own = self.classes.iter().map(|(name, curve)| (name.as_str(), curve));
        own.chain([("others", &self.others)])
    }
}

/// Logarithm of the odds of a probability.
pub(crate) fn log_odds(score: f32) -> f32 {
    let score = score.clamp(EDGE, 1.0 - EDGE);
    (score / (1.0 - score)).ln()
}

/// How often the height is e-fold the middle one.
pub(crate) fn e_folds(height_px: f32) -> f32 {
    (height_px.clamp(HEIGHTS_PX[0], HEIGHTS_PX[1]) / MIDDLE_PX).ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_curve() -> impl Strategy<Value = Curve> {
        (1.5f32..5.0, -4f32..4.0, -1f32..1.0, -1f32..1.0).prop_map(|(slope, offset, size, tilt)| Curve {
            slope,
            offset,
            size,
            tilt,
        })
    }

    proptest! {
        #[test]
        fn a_curve_rises_and_stays_a_probability(curve in any_curve(), a in 0f32..=1.0, b in 0f32..=1.0, h in 0f32..900.0) {
            let (low, high) = (curve.probability(a.min(b), h), curve.probability(a.max(b), h));
            prop_assert!(0.0 <= low && low <= high && high <= 1.0);
        }

        #[test]
        fn no_box_below_the_least_score_reaches_the_probability(
            curve in any_curve(), p in 0.01f32..0.99, part in 0f32..0.98, h in 0f32..900.0,
        ) {
            let calibration = Calibration { on: String::new(), others: curve, classes: BTreeMap::new() };
            let below = part * calibration.least_score(p);
            // Below the edge all scores count as the edge.
            prop_assert!(below <= EDGE || curve.probability(below, h) < p + 1e-3);
        }
    }

    #[test]
    fn the_identity_changes_nothing_and_every_class_has_a_curve() {
        for score in [0.01, 0.3, 0.5, 0.97] {
            assert!((Curve::IDENTITY.probability(score, 20.0) - score).abs() < 1e-5);
        }
        let person = Curve { slope: 2.0, offset: 0.0, size: 0.5, tilt: 0.0 };
        let classes = BTreeMap::from([("person".to_owned(), person)]);
        let calibration = Calibration { on: String::new(), others: Curve::IDENTITY, classes };
        assert_eq!((calibration.of("person"), calibration.of("car")), (&person, &Curve::IDENTITY));
        assert!(person.probability(0.5, 20.0) < 0.5 && person.probability(0.5, 200.0) > 0.5);
        assert!((calibration.least_score(0.1) - 0.1).abs() < 1e-5, "that of the others is lower");
    }
}
