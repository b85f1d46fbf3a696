//! COCO-style average precision (Lin et al. 2014): 101 points of recall, overlaps 0.50 to 0.95, three sizes.
//!
//! The figures are those of `COCOeval` of pycocotools 2.0, which a test checks to 1e-6.

use serde::Serialize;

use super::Picture;
use super::matching::{AreaRange, MAX_FOUND, Matched, OVERLAPS, Pairs};

/// Points of recall at which precision is read, 0.00 to 1.00.
const RECALLS: usize = 101;
/// Side of a square up to which a subject is small, in pixels.
const SMALL_PX: f64 = 32.0;
/// Side of a square up to which a subject is of medium size, in pixels.
const MEDIUM_PX: f64 = 96.0;
/// An area that no subject reaches, in square pixels.
const ENDLESS: f64 = 1e10;
/// All sizes, small, medium, large.
const RANGES: [AreaRange; 4] = [
    AreaRange(0.0, ENDLESS),
    AreaRange(0.0, SMALL_PX * SMALL_PX),
    AreaRange(SMALL_PX * SMALL_PX, MEDIUM_PX * MEDIUM_PX),
    AreaRange(MEDIUM_PX * MEDIUM_PX, ENDLESS),
];

/// The twelve figures of the COCO evaluation, 0 to 1; `None` where there is no true box to judge by.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ApSummary {
    /// Average precision over overlaps 0.50 to 0.95.
    pub ap: Option<f64>,
    /// At an overlap of 0.50.
    pub ap50: Option<f64>,
    /// At an overlap of 0.75.
    pub ap75: Option<f64>,
    /// Of subjects up to 32x32 pixels.
    pub ap_small: Option<f64>,
    /// Of subjects up to 96x96 pixels.
    pub ap_medium: Option<f64>,
    /// Of larger subjects.
    pub ap_large: Option<f64>,
    /// Average recall with one box a class and photo.
    pub ar1: Option<f64>,
    /// With ten boxes.
    pub ar10: Option<f64>,
    /// With a hundred boxes.
    pub ar100: Option<f64>,
    /// With a hundred boxes, of subjects up to 32x32 pixels.
    pub ar_small: Option<f64>,
    /// With a hundred boxes, of subjects up to 96x96 pixels.
    pub ar_medium: Option<f64>,
    /// With a hundred boxes, of larger subjects.
    pub ar_large: Option<f64>,
}

/// The figures of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassAp {
    /// Number of the class.
    pub class: usize,
    /// True boxes that count, crowds left out.
    pub n_truth: usize,
    /// Its figures.
    #[serde(flatten)]
    pub figures: ApSummary,
}

/// The figures over all classes, and of each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApReport {
    /// Photos.
    pub n_pictures: usize,
    /// True boxes of the classes asked for that count, crowds left out.
    pub n_truth: usize,
    /// Found boxes of the classes asked for.
    pub n_found: usize,
    /// The mean over the classes that have a true box.
    pub summary: ApSummary,
    /// Each class asked for, in that order.
    pub classes: Vec<ClassAp>,
}

/// Average precision and recall of `classes` over photos. Boxes of other classes count for nothing.
///
/// Of one class and photo the hundred surest boxes count. Equal scores keep the order of the photos and boxes.
pub fn average_precision(pictures: &[Picture], classes: &[usize]) -> ApReport {
    let mut report = ApReport {
        n_pictures: pictures.len(),
        n_truth: 0,
        n_found: 0,
        summary: ApSummary::default(),
        classes: Vec::with_capacity(classes.len()),
    };
    let mut curves = Vec::with_capacity(classes.len());
    for &class in classes {
        let of_class = Curves::of_class(pictures, class);
        report.n_truth += of_class.n_truth;
        report.n_found += pictures.iter().flat_map(|p| &p.found).filter(|f| f.class == class).count();
        let figures = summarise(std::slice::from_ref(&of_class));
        report.classes.push(ClassAp { class, n_truth: of_class.n_truth, figures });
        curves.push(of_class);
    }
    report.summary = summarise(&curves);
    report
}

/// Precision at each point of recall and the recall reached, for each overlap.
struct Curve {
    precision: [[f64; RECALLS]; OVERLAPS],
    recall: [f64; OVERLAPS],
}

/// All curves of one class; `None` where it has no true box.
struct Curves {
    n_truth: usize,
    /// With a hundred boxes, in the order of [`RANGES`].
    by_size: Vec<Option<Curve>>,
    /// Of all sizes, with one and with ten boxes.
    few: [Option<Curve>; 2],
}

impl Curves {
    fn of_class(pictures: &[Picture], class: usize) -> Self {
        let pairs: Vec<Pairs<'_>> = pictures.iter().filter_map(|p| Pairs::new(&p.truth, &p.found, class)).collect();
        let matched = |range| pairs.iter().map(|pairs| pairs.matched(range)).collect::<Vec<Matched>>();
        let all = matched(RANGES[0]);
        let few = [1, 10].map(|most| curve(&all, most));
        let mut by_size = vec![curve(&all, MAX_FOUND)];
        by_size.extend(RANGES[1..].iter().map(|&range| curve(&matched(range), MAX_FOUND)));
        Self { n_truth: all.iter().map(|m| m.n_truth).sum(), by_size, few }
    }
}

/// The curve of one class over all photos when the `most` surest boxes of each photo count.
fn curve(photos: &[Matched], most: usize) -> Option<Curve> {
    let n_truth: usize = photos.iter().map(|photo| photo.n_truth).sum();
    if n_truth == 0 {
        return None;
    }
    let mut boxes: Vec<_> = photos.iter().flat_map(|photo| photo.boxes.iter().take(most)).collect();
    boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut curve = Curve { precision: [[0.0; RECALLS]; OVERLAPS], recall: [0.0; OVERLAPS] };
    for level in 0..OVERLAPS {
        let (mut right, mut wrong) = (0_usize, 0_usize);
        let mut points: Vec<(f64, f64)> = Vec::with_capacity(boxes.len());
        for judged in &boxes {
            match (judged.is_ignored[level], judged.is_matched[level]) {
                (false, true) => right += 1,
                (false, false) => wrong += 1,
                (true, _) => {}
            }
            let precision = right as f64 / (right as f64 + wrong as f64 + f64::EPSILON);
            points.push((right as f64 / n_truth as f64, precision));
        }
        curve.recall[level] = points.last().map_or(0.0, |point| point.0);
        // Precision at a recall is the best that is reached at that recall or a higher one.
        let mut best = 0.0_f64;
        for point in points.iter_mut().rev() {
            best = best.max(point.1);
            point.1 = best;
        }
        for (index, slot) in curve.precision[level].iter_mut().enumerate() {
            let recall = recall_at(index);
            let first = points.partition_point(|point| point.0 < recall);
            *slot = points.get(first).map_or(0.0, |point| point.1);
        }
    }
    Some(curve)
}

/// The points of recall, to the bit as NumPy's `linspace(0, 1, 101)` gives them.
fn recall_at(index: usize) -> f64 {
    if index == RECALLS - 1 { 1.0 } else { index as f64 * (1.0 / (RECALLS - 1) as f64) }
}

fn summarise(classes: &[Curves]) -> ApSummary {
    let size = |index: usize| classes.iter().filter_map(move |c| c.by_size[index].as_ref());
    let few = |index: usize| classes.iter().filter_map(move |c| c.few[index].as_ref());
    let precision = |curve: &Curve| curve.precision.iter().flatten().copied().collect::<Vec<_>>();
    let at = |level: usize| mean(size(0).flat_map(move |c| c.precision[level]));
    let ap = |index: usize| mean(size(index).flat_map(precision));
    let ar = |index: usize| mean(size(index).flat_map(|c| c.recall));
    ApSummary {
        ap: ap(0),
        ap50: at(0),
        ap75: at(5),
        ap_small: ap(1),
        ap_medium: ap(2),
        ap_large: ap(3),
        ar1: mean(few(0).flat_map(|c| c.recall)),
        ar10: mean(few(1).flat_map(|c| c.recall)),
        ar100: ar(0),
        ar_small: ar(1),
        ar_medium: ar(2),
        ar_large: ar(3),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0_usize, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{FoundBox, TruthBox};

    fn picture(truth: &[[f64; 4]], found: &[([f64; 4], f64)]) -> Picture {
        let truth = truth.iter().map(|&bbox| TruthBox { class: 0, bbox, area: bbox[2] * bbox[3], is_crowd: false });
        let found = found.iter().map(|&(bbox, score)| FoundBox { class: 0, score, bbox });
        Picture { truth: truth.collect(), found: found.collect() }
    }

    const BOX: [f64; 4] = [0.0, 0.0, 40.0, 40.0];
    const FAR: [f64; 4] = [100.0, 100.0, 40.0, 40.0];

    #[test]
    fn a_perfect_detector_has_one_and_a_blind_one_nothing() {
        let report = average_precision(&[picture(&[BOX], &[(BOX, 0.3)])], &[0]);
        assert!((report.summary.ap.unwrap() - 1.0).abs() < 1e-9);
        assert_eq!((report.summary.ap_small, report.summary.ar100), (None, Some(1.0)));
        let report = average_precision(&[picture(&[BOX], &[])], &[0]);
        assert_eq!((report.summary.ap, report.summary.ap50), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn a_surer_false_box_halves_precision() {
        let report = average_precision(&[picture(&[BOX], &[(FAR, 0.9), (BOX, 0.3)])], &[0]);
        assert!((report.summary.ap50.unwrap() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn half_the_recall_is_51_of_101_points() {
        let report = average_precision(&[picture(&[BOX, FAR], &[(BOX, 0.9)])], &[0]);
        assert!((report.summary.ap.unwrap() - 51.0 / 101.0).abs() < 1e-9);
    }

    #[test]
    fn classes_without_a_true_box_have_no_figure_and_no_weight() {
        let mut photo = picture(&[BOX], &[(BOX, 0.9)]);
        photo.found.push(FoundBox { class: 1, score: 0.8, bbox: FAR });
        let report = average_precision(&[photo], &[0, 1]);
        assert!((report.summary.ap.unwrap() - 1.0).abs() < 1e-9);
        assert_eq!((report.classes[1].figures.ap, report.classes[1].n_truth, report.n_found), (None, 0, 2));
    }

    #[test]
    fn nothing_at_all_is_no_figure() {
        assert_eq!(average_precision(&[], &[0, 1]).summary, ApSummary::default());
    }
}
