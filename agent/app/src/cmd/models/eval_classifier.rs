//! `forewarn models eval` of a classifier: accuracy, confusion, ROC, calibration, and what its answers cost.

use std::io::Write as _;

use anyhow::anyhow;
use forewarn_cli::ModelEval;
use forewarn_domain::clock::Stopwatch;
use forewarn_models::card::Answer;
use forewarn_models::eval::{ClassifierReport, OperatingPoint, Sample, classification, labels, operating_point};
use forewarn_models::reader::Classifier;
use forewarn_models::{Card, Store, image_frame};
use serde::Serialize;
use serde_json::json;

use crate::detector;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// What the card's two thresholds cost, over samples that mean yes and such that do not.
#[derive(Debug, Serialize)]
struct Answers {
    /// Answered yes from this probability on: who is wrongly accepted.
    yes: OperatingPoint,
    /// Answered no up to that of the card: part of those who mean yes that is answered no.
    no_at_most: f64,
    false_no_rate: Option<f64>,
    /// Part of all samples of which nothing is told.
    cannot_tell_rate: f64,
    /// Area under the ROC curve of yes against no.
    auc: Option<f64>,
}

/// Runs the command.
pub fn run(args: &ModelEval, card: &Card) -> CommandResult {
    if args.labels.is_some() || args.detections.is_some() || args.names.is_some() || !args.classes.is_empty() {
        let error =
            anyhow!("{} is a classifier: its labels are the folders' names, and no other option applies", card.name);
        return Err(CommandError { code: ExitCode::Usage, error });
    }
    let classes: Vec<String> = card.classes.to_vec().iter().map(ToString::to_string).collect();
    let photos = labels::read_folders(&args.folder, &classes).or_exit(ExitCode::BadInput)?;
    let runtime = detector::runtime(args.execution.request())?;
    let weights = Store::locate().weights(card).or_exit(ExitCode::Missing)?;
    let mut model = Classifier::open(card, &weights, &runtime, args.threads).or_exit(ExitCode::Failed)?;
    let (mut samples, mut in_model_s) = (Vec::with_capacity(photos.len()), 0.0);
    for (path, truth) in photos {
        let frame = image_frame(&path).or_exit(ExitCode::BadInput)?;
        let watch = Stopwatch::start();
        let scores = model.classify(frame).or_exit(ExitCode::Failed)?;
        in_model_s += watch.elapsed().as_secs_f64();
        samples.push(Sample { truth, scores: scores.into_iter().map(f64::from).collect() });
    }
    let report = classification(&samples, classes.len()).or_exit(ExitCode::Failed)?;
    let answers = card.answer.as_ref().map(|answer| answers(&samples, &classes, answer)).transpose()?;
    print(args, card, (&classes, 1e3 * in_model_s / samples.len() as f64), &report, answers.as_ref())
}

/// Folds the classes to yes and no, as the card's answer does.
fn answers(samples: &[Sample], classes: &[String], answer: &Answer) -> Result<Answers, CommandError> {
    let is_yes: Vec<bool> = classes.iter().map(|class| answer.yes.contains(class)).collect();
    let fold = |sample: &Sample| {
        let of_yes = sample.scores.iter().zip(&is_yes).filter(|(_, is_yes)| **is_yes);
        let yes: f64 = of_yes.map(|(score, _)| score).sum();
        Sample { truth: usize::from(is_yes[sample.truth]), scores: vec![1.0 - yes, yes] }
    };
    let folded: Vec<Sample> = samples.iter().map(fold).collect();
    let report = classification(&folded, 2).or_exit(ExitCode::Failed)?;
    let (yes_at, no_at) = (f64::from(answer.yes_at_least), f64::from(answer.no_at_most));
    let own: Vec<&Sample> = folded.iter().filter(|sample| sample.truth == 1).collect();
    let n_false_no = own.iter().filter(|sample| sample.scores[1] <= no_at).count();
    let n_between = folded.iter().filter(|sample| sample.scores[1] > no_at && sample.scores[1] < yes_at);
    Ok(Answers {
        yes: operating_point(&folded, 1, yes_at),
        no_at_most: no_at,
        false_no_rate: (!own.is_empty()).then(|| n_false_no as f64 / own.len() as f64),
        cannot_tell_rate: n_between.count() as f64 / folded.len().max(1) as f64,
        auc: report.classes[1].auc,
    })
}

fn print(
    args: &ModelEval,
    card: &Card,
    (classes, ms): (&[String], f64),
    report: &ClassifierReport,
    answers: Option<&Answers>,
) -> CommandResult {
    let mut out = std::io::stdout().lock();
    if args.json {
        let value = json!({ "card": card.name, "folder": args.folder, "classes": classes, "ms_per_crop": ms,
            "figures": report, "answers": answers });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    let percent = |part: Option<f64>| part.map_or_else(|| "-".to_owned(), |part| format!("{:.2} %", 100.0 * part));
    let number = |part: Option<f64>| part.map_or_else(|| "-".to_owned(), |part| format!("{part:.4}"));
    writeln!(out, "{} on {}: {} crops, {ms:.2} ms each", card.name, args.folder.display(), report.n)?;
    writeln!(
        out,
        "accuracy {}, expected calibration error {}",
        percent(report.accuracy),
        percent(report.expected_calibration_error)
    )?;
    write!(out, "{:<16} {:>7} {:>10} {:>10} {:>8}", "truth", "crops", "precision", "recall", "AUC")?;
    for class in classes {
        write!(out, " {:>12}", format!("as {class}"))?;
    }
    writeln!(out)?;
    for (figures, row) in report.classes.iter().zip(&report.confusion) {
        let (precision, recall) = (percent(figures.precision), percent(figures.recall));
        let name = &classes[figures.class];
        write!(out, "{name:<16} {:>7} {precision:>10} {recall:>10} {:>8}", figures.n, number(figures.auc))?;
        for n in row {
            write!(out, " {n:>12}")?;
        }
        writeln!(out)?;
    }
    if let Some(answers) = answers {
        writeln!(
            out,
            "yes from {:.2} on: {} of the others wrongly accepted, {} of its own not accepted; no up to {:.2}: {} of its own wrongly refused; {} cannot be told; AUC {}",
            answers.yes.threshold,
            percent(answers.yes.false_accept_rate),
            percent(answers.yes.false_reject_rate),
            answers.no_at_most,
            percent(answers.false_no_rate),
            percent(Some(answers.cannot_tell_rate)),
            number(answers.auc)
        )?;
    }
    Ok(())
}
