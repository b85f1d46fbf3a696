//! Figures of classifiers: accuracy, confusion, ROC, calibration and what a threshold costs.

use serde::Serialize;

/// Bins of confidence of the expected calibration error (Guo et al. 2017).
const BINS: usize = 15;

/// One crop: its true class, and the model's score of each class, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Number of the true class.
    pub truth: usize,
    /// One score for each class.
    pub scores: Vec<f64>,
}

/// A sample that cannot be judged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// Wrong number of scores or an unknown class.
    #[error("sample {index} has {n_scores} scores and class {truth}, but there are {n_classes} classes")]
    Shape {
        /// Which sample.
        index: usize,
        /// Its scores.
        n_scores: usize,
        /// Its class.
        truth: usize,
        /// Classes of the model.
        n_classes: usize,
    },
    /// A score that is no number.
    #[error("sample {index} has a score that is not a finite number; the model is broken or its card is wrong")]
    NotFinite {
        /// Which sample.
        index: usize,
    },
}

/// A point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// Scores from this on count as the class.
    pub threshold: f64,
    /// Part of the samples of the class that is found.
    pub true_positive_rate: f64,
    /// Part of the samples of other classes that is taken for it.
    pub false_positive_rate: f64,
}

/// What one class costs at a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// Scores from this on count as the class.
    pub threshold: f64,
    /// Part of the samples of other classes that is taken for it; `None` without such samples.
    pub false_accept_rate: Option<f64>,
    /// Part of the samples of the class that is not taken for it; `None` without such samples.
    pub false_reject_rate: Option<f64>,
}

/// The figures of one class against all others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Number of the class.
    pub class: usize,
    /// Samples of it.
    pub n: usize,
    /// Part of what is called so that is so.
    pub precision: Option<f64>,
    /// Part of what is so that is called so.
    pub recall: Option<f64>,
    /// Area under the ROC curve; `None` if the samples are all of the class, or none is.
    pub auc: Option<f64>,
    /// The ROC curve by falling threshold, one point for each score that occurs.
    pub roc: Vec<RocPoint>,
}

/// How far confidence can be believed in one range of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Confidences above this, or from it on in the first bin.
    pub from: f64,
    /// Up to this.
    pub to: f64,
    /// Samples in it.
    pub n: usize,
    /// Mean confidence of these.
    pub confidence: f64,
    /// Part of these that is right.
    pub accuracy: f64,
}

/// All figures of a classifier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassifierReport {
    /// Samples.
    pub n: usize,
    /// Part of them whose best score is of the true class.
    pub accuracy: Option<f64>,
    /// Samples by true class (row) and by the class of the best score (column).
    pub confusion: Vec<Vec<usize>>,
    /// Each class against all others.
    pub classes: Vec<ClassFigures>,
    /// Mean distance of confidence and accuracy over 15 bins, weighted by samples (Guo et al. 2017).
    pub expected_calibration_error: Option<f64>,
    /// The bins that hold samples.
    pub reliability: Vec<ReliabilityBin>,
}

/// The figures of a model of `n_classes` on samples.
pub fn classification(samples: &[Sample], n_classes: usize) -> Result<ClassifierReport, SampleError> {
    for (index, sample) in samples.iter().enumerate() {
        let (n_scores, truth) = (sample.scores.len(), sample.truth);
        if n_scores != n_classes || truth >= n_classes {
            return Err(SampleError::Shape { index, n_scores, truth, n_classes });
        }
        if sample.scores.iter().any(|score| !score.is_finite()) {
            return Err(SampleError::NotFinite { index });
        }
    }
    let mut confusion = vec![vec![0_usize; n_classes]; n_classes];
    let judged: Vec<(f64, bool)> = samples
        .iter()
        .map(|sample| {
            let (said, confidence) = best(&sample.scores);
            confusion[sample.truth][said] += 1;
            (confidence, said == sample.truth)
        })
        .collect();
    let n_right = judged.iter().filter(|(_, is_right)| *is_right).count();
    let reliability = reliability(&judged);
    let gap = |bin: &ReliabilityBin| bin.n as f64 * (bin.confidence - bin.accuracy).abs();
    let n = samples.len();
    Ok(ClassifierReport {
        n,
        accuracy: part(n_right, n),
        classes: (0..n_classes).map(|class| of_class(samples, &confusion, class)).collect(),
        confusion,
        expected_calibration_error: (n > 0).then(|| reliability.iter().map(gap).sum::<f64>() / n as f64),
        reliability,
    })
}

/// What taking scores of `class` from `threshold` on for the class costs.
pub fn operating_point(samples: &[Sample], class: usize, threshold: f64) -> OperatingPoint {
    let is_accepted = |sample: &&Sample| sample.scores.get(class).is_some_and(|score| *score >= threshold);
    let (own, others): (Vec<&Sample>, Vec<&Sample>) = samples.iter().partition(|sample| sample.truth == class);
    OperatingPoint {
        threshold,
        false_accept_rate: part(others.iter().copied().filter(is_accepted).count(), others.len()),
        false_reject_rate: part(own.iter().copied().filter(|s| !is_accepted(s)).count(), own.len()),
    }
}

/// The class of the best score, the first of equals.
fn best(scores: &[f64]) -> (usize, f64) {
    let pick = |best: (usize, f64), (class, &score): (usize, &f64)| if score > best.1 { (class, score) } else { best };
    scores.iter().enumerate().fold((0, f64::NEG_INFINITY), pick)
}

fn part(n: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| n as f64 / of as f64)
}

fn of_class(samples: &[Sample], confusion: &[Vec<usize>], class: usize) -> ClassFigures {
    let n = confusion[class].iter().sum();
    let n_said = confusion.iter().map(|row| row[class]).sum();
    let roc = roc(samples, class);
    // The area is summed by trapezia, which gives pairs of equal scores one half.
    let area = |pair: &[RocPoint]| {
        (pair[1].false_positive_rate - pair[0].false_positive_rate)
            * (pair[1].true_positive_rate + pair[0].true_positive_rate)
            / 2.0
    };
    let auc = (0 < n && n < samples.len()).then(|| roc.windows(2).map(area).sum());
    let right = confusion[class][class];
    ClassFigures { class, n, precision: part(right, n_said), recall: part(right, n), auc, roc }
}

fn roc(samples: &[Sample], class: usize) -> Vec<RocPoint> {
    let mut scored: Vec<(f64, bool)> = samples.iter().map(|s| (s.scores[class], s.truth == class)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let n_own = scored.iter().filter(|(_, is_own)| *is_own).count();
    let n_others = scored.len() - n_own;
    let (mut own, mut others) = (0, 0);
    // Nothing reaches the first threshold, so the curve begins in its corner. It is not infinite, because JSON has no
    // such number.
    let first = scored.first().map_or(1.0, |(score, _)| score.max(1.0)) + 1.0;
    let mut points = vec![RocPoint { threshold: first, true_positive_rate: 0.0, false_positive_rate: 0.0 }];
    for equals in scored.chunk_by(|a, b| a.0 == b.0) {
        own += equals.iter().filter(|(_, is_own)| *is_own).count();
        others += equals.iter().filter(|(_, is_own)| !*is_own).count();
        points.push(RocPoint {
            threshold: equals[0].0,
            true_positive_rate: part(own, n_own).unwrap_or(0.0),
            false_positive_rate: part(others, n_others).unwrap_or(0.0),
        });
    }
    points
}

fn reliability(judged: &[(f64, bool)]) -> Vec<ReliabilityBin> {
    // A bin takes confidences above its lower end up to its upper one, as in the paper.
    let bin_of = |confidence: f64| ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
    let bin = |index: usize| {
        let (mut n, mut sum, mut right) = (0_usize, 0.0, 0_usize);
        for (confidence, is_right) in judged.iter().filter(|(confidence, _)| bin_of(*confidence) == index) {
            n += 1;
            sum += confidence;
            right += usize::from(*is_right);
        }
        let edge = |index: usize| index as f64 / BINS as f64;
        let accuracy = part(right, n)?;
        Some(ReliabilityBin { from: edge(index), to: edge(index + 1), n, confidence: sum / n as f64, accuracy })
    };
    (0..BINS).filter_map(bin).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn two(truth: usize, score: f64) -> Sample {
        Sample { truth, scores: vec![1.0 - score, score] }
    }

    #[test]
    fn figures_of_a_small_set_are_as_counted_by_hand() {
        let samples = [two(1, 0.9), two(1, 0.6), two(1, 0.4), two(0, 0.7), two(0, 0.2), two(0, 0.1)];
        let report = classification(&samples, 2).unwrap();
        assert_eq!(report.confusion, [[2, 1], [1, 2]]);
        assert_eq!(report.accuracy, Some(4.0 / 6.0));
        // Of nine pairs the one of class 1 has the higher score in seven.
        assert!((report.classes[1].auc.unwrap() - 7.0 / 9.0).abs() < 1e-12);
        assert_eq!((report.classes[1].precision, report.classes[1].recall), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        let at = operating_point(&samples, 1, 0.65);
        assert_eq!((at.false_accept_rate, at.false_reject_rate), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
    }

    #[test]
    fn a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error() {
        let mut samples = vec![two(1, 0.75); 3];
        samples.push(two(0, 0.75));
        let report = classification(&samples, 2).unwrap();
        assert!(report.expected_calibration_error.unwrap() < 1e-12);
        assert_eq!(report.reliability.len(), 1);
        let sure = classification(&[two(0, 1.0), two(1, 1.0)], 2).unwrap();
        assert!((sure.expected_calibration_error.unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_judged_is_an_error_and_no_samples_are_no_figure() {
        assert!(matches!(classification(&[two(2, 0.5)], 2), Err(SampleError::Shape { index: 0, truth: 2, .. })));
        assert!(matches!(classification(&[two(0, f64::NAN)], 2), Err(SampleError::NotFinite { index: 0 })));
        let none = classification(&[], 2).unwrap();
        assert_eq!((none.accuracy, none.expected_calibration_error, none.classes[0].auc), (None, None, None));
        assert_eq!(operating_point(&[], 0, 0.5).false_accept_rate, None);
    }

    proptest! {
        /// The area under the curve is the part of pairs in which the sample of the class has the higher score.
        #[test]
        fn area_is_the_part_of_pairs_in_order(scores in prop::collection::vec((0_u8..20, any::<bool>()), 2..60)) {
            let samples: Vec<Sample> =
                scores.iter().map(|&(score, is_own)| two(usize::from(is_own), f64::from(score) / 20.0)).collect();
            let report = classification(&samples, 2).unwrap();
            let own: Vec<u8> = scores.iter().filter(|s| s.1).map(|s| s.0).collect();
            let others: Vec<u8> = scores.iter().filter(|s| !s.1).map(|s| s.0).collect();
            let pairs = own.iter().flat_map(|a| others.iter().map(move |b| match a.cmp(b) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            }));
            let (n, sum) = pairs.fold((0, 0.0), |(n, sum), value| (n + 1, sum + value));
            let expected = (n > 0).then(|| sum / f64::from(n));
            let difference = report.classes[1].auc.zip(expected).map(|(ours, expected)| (ours - expected).abs());
            prop_assert_eq!(report.classes[1].auc.is_some(), expected.is_some());
            prop_assert!(difference.is_none_or(|difference| difference < 1e-9));
            prop_assert!(report.classes[1].roc.is_sorted_by(|a, b| a.false_positive_rate <= b.false_positive_rate));
        }
    }
}
