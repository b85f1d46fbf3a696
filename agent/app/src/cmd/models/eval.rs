//! `forewarn models eval`: a detector's average precision on labelled photos; classifiers have a file of their own.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use forewarn_cli::ModelEval;
use forewarn_domain::Detection;
use forewarn_domain::clock::Stopwatch;
use forewarn_models::card::Task;
use forewarn_models::eval::{ApReport, ApSummary, FoundBox, Labelled, Picture, average_precision, labels};
use forewarn_models::{Card, image_frame};
use serde::Serialize;
use serde_json::json;

use crate::detector;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// A detection in COCO's form of results.
#[derive(Debug, Serialize)]
struct CocoResult {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    score: f64,
}

/// What a run over the photos gave.
struct Evaluated {
    report: ApReport,
    results: Vec<CocoResult>,
    ms_per_photo: f64,
    /// Detections of classes that the labels do not have.
    n_unlabelled_classes: usize,
}

/// Runs the command.
pub fn run(args: &ModelEval) -> CommandResult {
    let card = detector::card(&args.card)?;
    if card.task() == Task::Classify {
        return super::eval_classifier::run(args, &card);
    }
    let labelled = read_labels(args, &card)?;
    let chosen = classes(args, &card, &labelled)?;
    let runtime = detector::runtime(args.execution.request())?;
    let mut model = detector::open_on(&runtime, &card, args.threads, Some(args.score))?;
    let evaluated = evaluate(&mut model, &labelled, &chosen.scored)?;
    if let Some(path) = &args.detections {
        let text = serde_json::to_vec(&evaluated.results)?;
        std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    let on = format!("{} {}", model.provider(), runtime.execution().chosen().precision);
    print(args, &card, &labelled, &chosen, &evaluated, &on)
}

fn read_labels(args: &ModelEval, card: &Card) -> Result<Labelled, CommandError> {
    let inner = args.folder.join("images");
    let photos = if inner.is_dir() { inner } else { args.folder.clone() };
    let labels_at = args.labels.clone().unwrap_or_else(|| args.folder.join("labels"));
    if labels_at.is_file() {
        return labels::read_coco(&labels_at, &photos).or_exit(ExitCode::BadInput);
    }
    let names = match &args.names {
        Some(path) => names(path)?,
        None => card.classes.to_vec().iter().map(ToString::to_string).collect(),
    };
    labels::read_yolo(&photos, &labels_at, &names).or_exit(ExitCode::BadInput)
}

fn names(path: &Path) -> Result<Vec<String>, CommandError> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()));
    let text = text.or_exit(ExitCode::BadInput)?;
    Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

/// Which of the labels' classes are scored.
struct Classes {
    scored: Vec<usize>,
    /// Classes of the labels that the model does not have; leaving them out is said, since it flatters the model.
    unknown: Vec<String>,
}

fn classes(args: &ModelEval, card: &Card, labelled: &Labelled) -> Result<Classes, CommandError> {
    let known: Vec<String> = card.classes.to_vec().iter().map(ToString::to_string).collect();
    if let Some(name) = args.classes.iter().find(|name| !labelled.classes.contains(name)) {
        let error = anyhow!("--classes: the labels have no class `{name}`; they have {}", labelled.classes.join(", "));
        return Err(CommandError { code: ExitCode::Usage, error });
    }
    let is_wanted = |name: &String| args.classes.is_empty() || args.classes.contains(name);
    let wanted = labelled.classes.iter().enumerate().filter(|(_, name)| is_wanted(name));
    let (scored, unknown): (Vec<_>, Vec<_>) = wanted.partition(|(_, name)| known.contains(name));
    if scored.is_empty() {
        let error = anyhow!("model {} has none of the labels' classes {}", card.name, labelled.classes.join(", "));
        return Err(CommandError { code: ExitCode::BadInput, error });
    }
    Ok(Classes {
        scored: scored.into_iter().map(|(index, _)| index).collect(),
        unknown: unknown.into_iter().map(|(_, name)| name.clone()).collect(),
    })
}

fn evaluate(
    model: &mut forewarn_models::OnnxDetector,
    labelled: &Labelled,
    scored: &[usize],
) -> Result<Evaluated, CommandError> {
    let number: BTreeMap<&str, usize> =
        labelled.classes.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let mut pictures = Vec::with_capacity(labelled.photos.len());
    let (mut results, mut n_unlabelled_classes, mut in_model_s) = (Vec::new(), 0, 0.0);
    for photo in &labelled.photos {
        let frame = image_frame(&photo.path).or_exit(ExitCode::BadInput)?;
        let watch = Stopwatch::start();
        let found = model.detect_frame(&frame).or_exit(ExitCode::Failed)?;
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
    let report = average_precision(&pictures, scored);
    Ok(Evaluated { report, results, ms_per_photo: 1e3 * in_model_s / pictures.len() as f64, n_unlabelled_classes })
}

fn found_box(detection: &Detection, class: usize) -> FoundBox {
    let [x0, y0, x1, y1] = [detection.bbox.x0, detection.bbox.y0, detection.bbox.x1, detection.bbox.y1].map(f64::from);
    FoundBox { class, score: f64::from(detection.score), bbox: [x0, y0, x1 - x0, y1 - y0] }
}

fn print(
    args: &ModelEval,
    card: &Card,
    labelled: &Labelled,
    classes: &Classes,
    evaluated: &Evaluated,
    on: &str,
) -> CommandResult {
    let report = &evaluated.report;
    let mut out = std::io::stdout().lock();
    if args.json {
        let by_class: Vec<serde_json::Value> = report
            .classes
            .iter()
            .map(|class| json!({ "name": labelled.classes[class.class], "figures": class }))
            .collect();
        let value = json!({ "card": card.name, "folder": args.folder, "runs_on": on, "least_score": args.score,
            "photos": report.n_pictures, "photos_without_labels": labelled.n_without_labels,
            "boxes": report.n_truth, "detections": report.n_found, "ms_per_photo": evaluated.ms_per_photo,
            "classes_unknown_to_the_model": classes.unknown,
            "detections_of_unlabelled_classes": evaluated.n_unlabelled_classes,
            "figures": report.summary, "classes": by_class });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    let folder: &PathBuf = &args.folder;
    writeln!(
        out,
        "{} on {}: {} photos, {} boxes, {} detections from a score of {} on; {on}, {:.1} ms a photo",
        card.name,
        folder.display(),
        report.n_pictures,
        report.n_truth,
        report.n_found,
        args.score,
        evaluated.ms_per_photo
    )?;
    writeln!(
        out,
        "{:<18} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "class", "boxes", "AP", "AP50", "AP75", "small", "medium", "large", "AR100"
    )?;
    row(&mut out, "all", report.n_truth, &report.summary)?;
    for class in report.classes.iter().filter(|class| class.n_truth > 0) {
        row(&mut out, &labelled.classes[class.class], class.n_truth, &class.figures)?;
    }
    if labelled.n_without_labels > 0 {
        writeln!(out, "{} photos have no file of labels and count as photos of nothing", labelled.n_without_labels)?;
    }
    if !classes.unknown.is_empty() {
        writeln!(out, "left out, because the model does not know them: {}", classes.unknown.join(", "))?;
    }
    Ok(())
}

fn row(out: &mut impl std::io::Write, name: &str, n_truth: usize, figures: &ApSummary) -> std::io::Result<()> {
    let cell = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let ApSummary { ap, ap50, ap75, ap_small, ap_medium, ap_large, ar100, .. } = *figures;
    let cells = [ap, ap50, ap75, ap_small, ap_medium, ap_large, ar100].map(cell);
    write!(out, "{name:<18} {n_truth:>6}")?;
    for cell in cells {
        write!(out, " {cell:>7}")?;
    }
    writeln!(out)
}
