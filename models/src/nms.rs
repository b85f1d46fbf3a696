//! Non-maximum suppression, class by class, in a fixed order.

use forewarn_domain::BBox;

/// Most candidates that are looked at; the best are kept. A frame with more says nothing sensible.
const MAX_CANDIDATES: usize = 4096;

/// One cell's claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// Number of the class.
    pub(crate) class: usize,
    /// Confidence, 0 to 1.
    pub(crate) score: f32,
    /// Place, in any coordinates that all candidates share.
    pub(crate) bbox: BBox,
}

/// The indices of candidates that stay, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Best score first.
    pub(crate) indices: Vec<usize>,
    order: Vec<usize>,
}

impl Kept {
    /// Chooses the best of each group of candidates of one class that overlap by more than `iou`.
    ///
    /// They are ordered by score, best first; equal scores keep the order in which they came.
    pub(crate) fn choose(&mut self, candidates: &[Candidate], iou: f32) {
        let Self { indices, order } = self;
        order.clear();
        order.extend(0..candidates.len());
        order.sort_unstable_by(|&a, &b| candidates[b].score.total_cmp(&candidates[a].score).then(a.cmp(&b)));
        order.truncate(MAX_CANDIDATES);
        indices.clear();
        for &index in &*order {
            let candidate = &candidates[index];
            let is_new = |&k: &usize| {
                let better = &candidates[k];
                better.class != candidate.class || better.bbox.iou(&candidate.bbox) <= iou
            };
            if indices.iter().all(is_new) {
                indices.push(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn suppress(candidates: &[Candidate], iou: f32) -> Vec<Candidate> {
        let mut kept = Kept::default();
        kept.choose(candidates, iou);
        kept.indices.into_iter().map(|index| candidates[index]).collect()
    }

    fn candidate(class: usize, score: f32, x0: f32) -> Candidate {
        Candidate { class, score, bbox: BBox::new(x0, 0., x0 + 10., 10.) }
    }

    #[test]
    fn the_best_of_a_group_stays_and_other_classes_do_not_mind() {
        let kept = suppress(&[candidate(0, 0.5, 0.), candidate(0, 0.9, 1.), candidate(1, 0.4, 0.5)], 0.5);
        assert_eq!(kept, [candidate(0, 0.9, 1.), candidate(1, 0.4, 0.5)]);
    }

    #[test]
    fn equal_scores_keep_their_order() {
        let kept = suppress(&[candidate(0, 0.5, 50.), candidate(0, 0.5, 0.), candidate(0, 0.5, 1.)], 0.5);
        assert_eq!(kept, [candidate(0, 0.5, 50.), candidate(0, 0.5, 0.)]);
    }

    proptest! {
        #[test]
        fn nothing_that_stays_overlaps_and_all_that_goes_did(
            boxes in prop::collection::vec((0usize..3, 0f32..1., 0f32..30.), 0..40),
        ) {
            let all: Vec<Candidate> = boxes.iter().map(|&(c, s, x)| candidate(c, s, x)).collect();
            let kept = suppress(&all, 0.45);
            prop_assert!(kept.is_sorted_by(|a, b| a.score >= b.score));
            for (i, a) in kept.iter().enumerate() {
                for b in &kept[i + 1..] {
                    prop_assert!(a.class != b.class || a.bbox.iou(&b.bbox) <= 0.45);
                }
            }
            for gone in all.iter().filter(|c| !kept.contains(c)) {
                let beaten = kept.iter()
                    .any(|k| k.class == gone.class && k.score >= gone.score && k.bbox.iou(&gone.bbox) > 0.45);
                prop_assert!(beaten, "{gone:?} went for no reason");
            }
        }
    }
}
