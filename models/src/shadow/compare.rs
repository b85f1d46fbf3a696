//! Where two models differ on one frame: a pure function of what each found.

use std::collections::BTreeMap;

use forewarn_domain::{Class, Detection};
use serde::Serialize;

/// Least intersection over union at which two boxes are the same subject.
pub const SAME_IOU: f32 = 0.5;

/// How often the models agree on a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Found by both.
    pub matched: u64,
    /// Found by the first alone.
    pub only_main: u64,
    /// Found by the second alone.
    pub only_shadow: u64,
}

impl Tally {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.matched += other.matched;
        self.only_main += other.only_main;
        self.only_shadow += other.only_shadow;
    }
}

/// What two models made of one frame.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Comparison {
    /// By class; classes that neither found are left out.
    pub classes: BTreeMap<Class, Tally>,
    /// What the first alone found.
    pub only_main: Vec<Detection>,
    /// What the second alone found.
    pub only_shadow: Vec<Detection>,
}

impl Comparison {
    /// Whether each found what the other found.
    pub fn agrees(&self) -> bool {
        self.only_main.is_empty() && self.only_shadow.is_empty()
    }
}

/// Pairs boxes of one class that overlap by half, the surest first, each with the free one that it overlaps most.
///
/// Only detections from `least_score` on need a partner; weaker ones may be one, so that a score just above the
/// threshold in one model and just below it in the other is no difference.
pub fn compare(main: &[Detection], shadow: &[Detection], least_score: f32) -> Comparison {
    let mut pairs: Vec<(usize, usize, f32)> = Vec::new();
    for (m, a) in main.iter().enumerate() {
        for (s, b) in shadow.iter().enumerate().filter(|(_, b)| b.class == a.class) {
            let iou = a.bbox.iou(&b.bbox);
            if iou >= SAME_IOU {
                pairs.push((m, s, iou));
            }
        }
    }
    // By the surer of the two, so that neither model's order decides; a stable sort keeps equals in place.
    let rank = |&(m, s, iou): &(usize, usize, f32)| (main[m].score.max(shadow[s].score), iou);
    pairs.sort_by(|a, b| {
        let ((score_a, iou_a), (score_b, iou_b)) = (rank(a), rank(b));
        score_b.total_cmp(&score_a).then(iou_b.total_cmp(&iou_a))
    });
    let (mut main_taken, mut shadow_taken) = (vec![false; main.len()], vec![false; shadow.len()]);
    let mut comparison = Comparison::default();
    for (m, s, _) in pairs {
        if main_taken[m] || shadow_taken[s] {
            continue;
        }
        (main_taken[m], shadow_taken[s]) = (true, true);
        if main[m].score.max(shadow[s].score) >= least_score {
            comparison.classes.entry(main[m].class.clone()).or_default().matched += 1;
        }
    }
    let alone = |all: &[Detection], taken: &[bool]| {
        let free = all.iter().zip(taken).filter(|(d, taken)| !**taken && d.score >= least_score);
        free.map(|(detection, _)| detection.clone()).collect::<Vec<_>>()
    };
    comparison.only_main = alone(main, &main_taken);
    comparison.only_shadow = alone(shadow, &shadow_taken);
    for detection in &comparison.only_main {
        comparison.classes.entry(detection.class.clone()).or_default().only_main += 1;
    }
    for detection in &comparison.only_shadow {
        comparison.classes.entry(detection.class.clone()).or_default().only_shadow += 1;
    }
    comparison
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(class: &str, score: f32, x: f32) -> Detection {
        Detection { class: Class::new(class), score, bbox: [x, 0.0, x + 10.0, 10.0].into() }
    }

    #[test]
    fn each_subject_is_matched_once_and_the_rest_is_told_by_side() {
        let main = [seen("person", 0.9, 0.0), seen("person", 0.8, 100.0), seen("car", 0.7, 50.0)];
        let shadow = [seen("person", 0.6, 1.0), seen("person", 0.5, 2.0), seen("bus", 0.7, 50.0)];
        let comparison = compare(&main, &shadow, 0.4);
        let tally = |class: &str| comparison.classes[&Class::new(class)];
        assert_eq!(tally("person"), Tally { matched: 1, only_main: 1, only_shadow: 1 });
        assert_eq!(tally("car"), Tally { matched: 0, only_main: 1, only_shadow: 0 });
        assert_eq!(tally("bus"), Tally { matched: 0, only_main: 0, only_shadow: 1 });
        assert_eq!(comparison.only_shadow[0], shadow[1]);
    }

    #[test]
    fn a_score_just_below_the_threshold_is_still_a_partner() {
        let comparison = compare(&[seen("person", 0.41, 0.0)], &[seen("person", 0.39, 0.0)], 0.4);
        assert!(comparison.agrees());
        assert_eq!(comparison.classes[&Class::new("person")].matched, 1);
        assert!(compare(&[seen("person", 0.2, 0.0)], &[], 0.4).classes.is_empty());
    }
}
