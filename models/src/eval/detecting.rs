//! A detector on labelled photos: what it finds, and the table of its average precision.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use forewarn_domain::Detection;
use forewarn_domain::clock::Stopwatch;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ApReport, ApSummary, EvalError, FoundBox, Picture, Scope, average_precision};
use crate::{OnnxDetector, image_frame};

/// A detection in COCO's form of results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CocoResult {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    score: f64,
}

/// What a run over the photos gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The figures.
    pub report: ApReport,
    /// Every detection of a class that the labels have.
    pub results: Vec<CocoResult>,
    ms_per_photo: f64,
    /// Detections of classes that the labels do not have.
    n_unlabelled_classes: usize,
}

/// What the words and the JSON of a run say besides its figures.
#[derive(Debug, Clone, Copy)]
pub struct RunOf<'a> {
    /// Where the photos lie.
    pub folder: &'a Path,
    /// Least score that was scored.
    pub least_score: f32,
    /// What ran the model.
    pub on: &'a str,
}

/// Runs the detector over the photos.
pub fn judge(model: &mut OnnxDetector, scope: &Scope) -> Result<Judged, EvalError> {
    let labelled = &scope.labelled;
    let number: BTreeMap<&str, usize> =
        labelled.classes.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let mut pictures = Vec::with_capacity(labelled.photos.len());
    let (mut results, mut n_unlabelled_classes, mut in_model_s) = (Vec::new(), 0, 0.0);
    for photo in &labelled.photos {
        let frame = image_frame(&photo.path)?;
        let watch = Stopwatch::start();
        let found = model.detect_frame(&frame)?;
        in_model_s += watch.elapsed().as_secs_f64();
        let mut picture = Picture { truth: photo.truth(frame.width, frame.height), found: Vec::new() };
        for detection in &found {
            let Some(&class) = number.get(detection.class.as_str()) else {
                n_unlabelled_classes += 1;
                continue;
            };
            let found = found_box(detection, class);
            let category_id = labelled.category_ids[class];
            let (bbox, score) = (found.bbox, found.score);
            results.push(CocoResult { image_id: photo.id, category_id, bbox, score });
            picture.found.push(found);
        }
        pictures.push(picture);
    }
    let report = average_precision(&pictures, &scope.scored);
    Ok(Judged { report, results, ms_per_photo: 1e3 * in_model_s / pictures.len() as f64, n_unlabelled_classes })
}

/// A detection as the figures take it.
pub(super) fn found_box(detection: &Detection, class: usize) -> FoundBox {
    let [x0, y0, x1, y1] = [detection.bbox.x0, detection.bbox.y0, detection.bbox.x1, detection.bbox.y1].map(f64::from);
    FoundBox { class, score: f64::from(detection.score), bbox: [x0, y0, x1 - x0, y1 - y0] }
}

impl Judged {
    /// The figures as JSON.
    pub fn to_json(&self, card: &str, scope: &Scope, run: &RunOf<'_>) -> Value {
        let report = &self.report;
        let named = |number: usize| &scope.labelled.classes[number];
        let by_class: Vec<Value> =
            report.classes.iter().map(|class| json!({ "name": named(class.class), "figures": class })).collect();
        json!({ "card": card, "folder": run.folder, "runs_on": run.on, "least_score": run.least_score,
            "photos": report.n_pictures, "photos_without_labels": scope.labelled.n_without_labels,
            "boxes": report.n_truth, "detections": report.n_found, "ms_per_photo": self.ms_per_photo,
            "classes_unknown_to_the_model": scope.unknown,
            "detections_of_unlabelled_classes": self.n_unlabelled_classes,
            "figures": report.summary, "classes": by_class })
    }

    /// Writes the figures as a table.
    pub fn write_table(&self, out: &mut impl Write, card: &str, scope: &Scope, run: &RunOf<'_>) -> io::Result<()> {
        let report = &self.report;
        writeln!(
            out,
            "{card} on {}: {} photos, {} boxes, {} detections from a score of {} on; {}, {:.1} ms a photo",
            run.folder.display(),
            report.n_pictures,
            report.n_truth,
            report.n_found,
            run.least_score,
            run.on,
            self.ms_per_photo
        )?;
        writeln!(
            out,
            "{:<18} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}",
            "class", "boxes", "AP", "AP50", "AP75", "small", "medium", "large", "AR100"
        )?;
        row(out, "all", report.n_truth, &report.summary)?;
        for class in report.classes.iter().filter(|class| class.n_truth > 0) {
            row(out, &scope.labelled.classes[class.class], class.n_truth, &class.figures)?;
        }
        write_left_out(out, scope)
    }
}

/// Says what of the labels did not count.
pub(super) fn write_left_out(out: &mut impl Write, scope: &Scope) -> io::Result<()> {
    let n = scope.labelled.n_without_labels;
    if n > 0 {
        writeln!(out, "{n} photos have no file of labels and count as photos of nothing")?;
    }
    if !scope.unknown.is_empty() {
        writeln!(out, "left out, because the model does not know them: {}", scope.unknown.join(", "))?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, n_truth: usize, figures: &ApSummary) -> io::Result<()> {
    let cell = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let ApSummary { ap, ap50, ap75, ap_small, ap_medium, ap_large, ar100, .. } = *figures;
    let cells = [ap, ap50, ap75, ap_small, ap_medium, ap_large, ar100].map(cell);
    write!(out, "{name:<18} {n_truth:>6}")?;
    for cell in cells {
        write!(out, " {cell:>7}")?;
    }
    writeln!(out)
}
