//! Which found box is which true one: the matching of the COCO evaluation (Lin et al. 2014).
//!
//! The rules are those of `COCOeval.evaluateImg` of pycocotools 2.0: boxes are taken by falling score, each takes the
//! free true box that it overlaps most; crowds may be taken by many and are ignored, and so are true boxes outside the
//! range of areas and what is found unmatched outside it.

use super::{FoundBox, Rect, TruthBox};

/// Thresholds of overlap, 0.50 to 0.95.
pub(super) const OVERLAPS: usize = 10;
/// Most boxes of one class in one photo that count.
pub(super) const MAX_FOUND: usize = 100;

/// The overlap thresholds, to the bit as NumPy's `linspace(0.5, 0.95, 10)` gives them.
pub(super) fn overlaps() -> [f64; OVERLAPS] {
    let step = (0.95 - 0.5) / (OVERLAPS - 1) as f64;
    std::array::from_fn(|i| if i == OVERLAPS - 1 { 0.95 } else { i as f64 * step + 0.5 })
}

/// A range of areas in square pixels; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AreaRange(pub(super) f64, pub(super) f64);

impl AreaRange {
    fn is_outside(self, area: f64) -> bool {
        area < self.0 || area > self.1
    }
}

/// What became of one found box at each threshold of overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct JudgedBox {
    pub(super) score: f64,
    pub(super) is_matched: [bool; OVERLAPS],
    pub(super) is_ignored: [bool; OVERLAPS],
}

/// One class in one photo, matched.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Matched {
    /// Found boxes by falling score, at most [`MAX_FOUND`].
    pub(super) boxes: Vec<JudgedBox>,
    /// True boxes that count.
    pub(super) n_truth: usize,
}

/// One class in one photo with the overlaps of all pairs, so that several ranges of areas share them.
pub(super) struct Pairs<'a> {
    truth: Vec<&'a TruthBox>,
    found: Vec<&'a FoundBox>,
    /// By found box, then by true box.
    overlaps: Vec<Vec<f64>>,
}

impl<'a> Pairs<'a> {
    /// Sorts the found boxes and measures all pairs. `None` if there is nothing of the class in the photo.
    pub(super) fn new(truth: &'a [TruthBox], found: &'a [FoundBox], class: usize) -> Option<Self> {
        let truth: Vec<&TruthBox> = truth.iter().filter(|t| t.class == class).collect();
        let mut found: Vec<&FoundBox> = found.iter().filter(|f| f.class == class).collect();
        if truth.is_empty() && found.is_empty() {
            return None;
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(MAX_FOUND);
        let of = |f: &FoundBox| truth.iter().map(|t| overlap(f.bbox, t.bbox, t.is_crowd)).collect();
        let overlaps = found.iter().map(|f| of(f)).collect();
        Some(Self { truth, found, overlaps })
    }

    /// Matches for true boxes within a range of areas.
    pub(super) fn matched(&self, range: AreaRange) -> Matched {
        let is_ignored: Vec<bool> = self.truth.iter().map(|t| t.is_crowd || range.is_outside(t.area)).collect();
        // Those that count come first, so that a found box is given to one of them where it can.
        let mut order: Vec<usize> = (0..self.truth.len()).collect();
        order.sort_by_key(|&t| is_ignored[t]);
        let outside = |f: &FoundBox| range.is_outside(f.bbox[2] * f.bbox[3]);
        let mut boxes: Vec<JudgedBox> = self
            .found
            .iter()
            .map(|f| JudgedBox { score: f.score, is_matched: [false; OVERLAPS], is_ignored: [outside(f); OVERLAPS] })
            .collect();
        for (level, least) in overlaps().into_iter().enumerate() {
            let mut is_taken = vec![false; self.truth.len()];
            for (judged, overlaps) in boxes.iter_mut().zip(&self.overlaps) {
                let free = |t: usize| !is_taken[t] || self.truth[t].is_crowd;
                if let Some(t) = best(&order, &is_ignored, overlaps, least, free) {
                    is_taken[t] = true;
                    judged.is_matched[level] = true;
                    judged.is_ignored[level] = is_ignored[t];
                }
            }
        }
        Matched { boxes, n_truth: is_ignored.iter().filter(|ignored| !**ignored).count() }
    }
}

/// The free true box that is overlapped most, at least by `least`; of equals the last; one that counts before one that
/// is ignored.
fn best(
    order: &[usize],
    is_ignored: &[bool],
    overlaps: &[f64],
    least: f64,
    free: impl Fn(usize) -> bool,
) -> Option<usize> {
    // A threshold of 1 would refuse a box that is the very same.
    let mut bar = least.min(1.0 - 1e-10);
    let mut found: Option<usize> = None;
    for &t in order.iter().filter(|&&t| free(t)) {
        if found.is_some_and(|known| !is_ignored[known] && is_ignored[t]) {
            break;
        }
        if overlaps[t] >= bar {
            bar = overlaps[t];
            found = Some(t);
        }
    }
    found
}

/// Intersection over union; of a crowd, over the found box alone.
fn overlap(found: Rect, truth: Rect, is_crowd: bool) -> f64 {
    let width = (found[0] + found[2]).min(truth[0] + truth[2]) - found[0].max(truth[0]);
    let height = (found[1] + found[3]).min(truth[1] + truth[3]) - found[1].max(truth[1]);
    if width <= 0.0 || height <= 0.0 {
        return 0.0;
    }
    let (both, own) = (width * height, found[2] * found[3]);
    both / if is_crowd { own } else { own + truth[2] * truth[3] - both }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: AreaRange = AreaRange(0.0, 1e10);

    fn truth(bbox: Rect, is_crowd: bool) -> TruthBox {
        TruthBox { class: 0, bbox, area: bbox[2] * bbox[3], is_crowd }
    }

    fn found(bbox: Rect, score: f64) -> FoundBox {
        FoundBox { class: 0, score, bbox }
    }

    /// For each found box by falling score: at how many thresholds it is matched and at how many ignored.
    fn outcome(truth: &[TruthBox], found: &[FoundBox], range: AreaRange) -> (usize, Vec<(usize, usize)>) {
        let matched = Pairs::new(truth, found, 0).map(|pairs| pairs.matched(range)).unwrap_or_default();
        let count = |flags: [bool; OVERLAPS]| flags.iter().filter(|flag| **flag).count();
        (matched.n_truth, matched.boxes.iter().map(|v| (count(v.is_matched), count(v.is_ignored))).collect())
    }

    #[test]
    fn the_surer_box_takes_the_subject_and_the_other_is_false() {
        let truth = [truth([0.0, 0.0, 10.0, 10.0], false)];
        let found = [found([0.0, 0.0, 10.0, 10.0], 0.4), found([0.0, 0.0, 10.0, 8.0], 0.9)];
        // 0.8 of overlap reaches 0.50 to 0.80; above it the weaker but better box is right.
        assert_eq!(outcome(&truth, &found, ANY), (1, vec![(7, 0), (3, 0)]));
    }

    #[test]
    fn a_crowd_swallows_whatever_lies_in_it() {
        let truth = [truth([0.0, 0.0, 100.0, 100.0], true)];
        let found = [found([1.0, 1.0, 5.0, 5.0], 0.9), found([20.0, 20.0, 5.0, 5.0], 0.8)];
        assert_eq!(outcome(&truth, &found, ANY), (0, vec![(10, 10), (10, 10)]));
    }

    #[test]
    fn what_is_not_of_the_size_asked_for_is_ignored_on_both_sides() {
        let truth = [truth([0.0, 0.0, 10.0, 10.0], false)];
        let found = [found([0.0, 0.0, 10.0, 10.0], 0.9), found([50.0, 50.0, 4.0, 4.0], 0.8)];
        assert_eq!(outcome(&truth, &found, AreaRange(1024.0, 9216.0)), (0, vec![(10, 10), (0, 10)]));
        assert_eq!(outcome(&truth, &found, AreaRange(0.0, 1024.0)), (1, vec![(10, 0), (0, 0)]));
    }

    #[test]
    fn thresholds_are_those_of_numpy() {
        let [first, .., ninth, last] = overlaps();
        assert_eq!((first, ninth, last), (0.5, 0.899_999_999_999_999_9, 0.95));
    }
}
