//! A classifier on crops in folders that are named by class: its figures, what its answers cost, and their table.

use std::io::{self, Write};
use std::path::Path;

use forewarn_domain::clock::Stopwatch;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ClassifierReport, EvalError, OperatingPoint, Sample, classification, labels, operating_point};
use crate::card::Answer;
use crate::reader::Classifier;
use crate::{Card, image_frame};

/// What the card's two thresholds cost, over samples that mean yes and such that do not.
#[derive(Debug, Clone, PartialEq, Serialize)]
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

/// What a run over the crops gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    classes: Vec<String>,
    report: ClassifierReport,
    answers: Option<Answers>,
    ms_per_crop: f64,
}

/// Runs the classifier of a card over the crops of a folder.
pub fn classify(model: &mut Classifier, card: &Card, folder: &Path) -> Result<Classified, EvalError> {
    let classes: Vec<String> = card.classes.to_vec().iter().map(ToString::to_string).collect();
    let photos = labels::read_folders(folder, &classes)?;
    let (mut samples, mut in_model_s) = (Vec::with_capacity(photos.len()), 0.0);
    for (path, truth) in photos {
        let frame = image_frame(&path)?;
        let watch = Stopwatch::start();
        let scores = model.classify(frame)?;
        in_model_s += watch.elapsed().as_secs_f64();
        samples.push(Sample { truth, scores: scores.into_iter().map(f64::from).collect() });
    }
    let report = classification(&samples, classes.len())?;
    let answers = card.answer.as_ref().map(|answer| answers(&samples, &classes, answer)).transpose()?;
    Ok(Classified { classes, report, answers, ms_per_crop: 1e3 * in_model_s / samples.len() as f64 })
}

/// Folds the classes to yes and no, as the card's answer does.
fn answers(samples: &[Sample], classes: &[String], answer: &Answer) -> Result<Answers, EvalError> {
    let is_yes: Vec<bool> = classes.iter().map(|class| answer.yes.contains(class)).collect();
    let fold = |sample: &Sample| {
        let of_yes = sample.scores.iter().zip(&is_yes).filter(|(_, is_yes)| **is_yes);
        let yes: f64 = of_yes.map(|(score, _)| score).sum();
        Sample { truth: usize::from(is_yes[sample.truth]), scores: vec![1.0 - yes, yes] }
    };
    let folded: Vec<Sample> = samples.iter().map(fold).collect();
    let report = classification(&folded, 2)?;
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

impl Classified {
    /// The figures as JSON.
    pub fn to_json(&self, card: &str, folder: &Path) -> Value {
        json!({ "card": card, "folder": folder, "classes": self.classes, "ms_per_crop": self.ms_per_crop,
            "figures": self.report, "answers": self.answers })
    }

    /// Writes the figures as a table.
    pub fn write_table(&self, out: &mut impl Write, card: &str, folder: &Path) -> io::Result<()> {
        let report = &self.report;
        writeln!(out, "{card} on {}: {} crops, {:.2} ms each", folder.display(), report.n, self.ms_per_crop)?;
        writeln!(
            out,
            "accuracy {}, expected calibration error {}",
            percent(report.accuracy),
            percent(report.expected_calibration_error)
        )?;
        write!(out, "{:<16} {:>7} {:>10} {:>10} {:>8}", "truth", "crops", "precision", "recall", "AUC")?;
        for class in &self.classes {
            write!(out, " {:>12}", format!("as {class}"))?;
        }
        writeln!(out)?;
        for (figures, row) in report.classes.iter().zip(&report.confusion) {
            let (precision, recall) = (percent(figures.precision), percent(figures.recall));
            let name = &self.classes[figures.class];
            write!(out, "{name:<16} {:>7} {precision:>10} {recall:>10} {:>8}", figures.n, number(figures.auc))?;
            for n in row {
                write!(out, " {n:>12}")?;
            }
            writeln!(out)?;
        }
        self.answers.as_ref().map_or(Ok(()), |answers| answers.write(out))
    }
}

impl Answers {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "yes from {:.2} on: {} of the others wrongly accepted, {} of its own not accepted; no up to {:.2}: {} of its own wrongly refused; {} cannot be told; AUC {}",
            self.yes.threshold,
            percent(self.yes.false_accept_rate),
            percent(self.yes.false_reject_rate),
            self.no_at_most,
            percent(self.false_no_rate),
            percent(Some(self.cannot_tell_rate)),
            number(self.auc)
        )
    }
}

fn percent(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| format!("{:.2} %", 100.0 * part))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
