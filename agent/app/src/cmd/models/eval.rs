//! `forewarn models eval` and `calibrate`: models on labelled photos.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use forewarn_cli::{ModelCalibrate, ModelEval};
use forewarn_models::card::Task;
use forewarn_models::eval::calibration::{self, CalibrationReport};
use forewarn_models::eval::{EvalError, RunOf, Scope, Source, classify, judge};
use forewarn_models::reader::Classifier;
use forewarn_models::{Card, Store};
use serde_json::json;

use crate::detector;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &ModelEval) -> CommandResult {
    let mut card = detector::card(&args.card)?;
    if card.task() == Task::Classify {
        return classifier(args, &card);
    }
    // Average precision asks only for the order of the boxes, down to the weakest; the model's own scores are judged.
    card.calibration = None;
    let (labels, names) = (args.labels.as_deref(), args.names.as_deref());
    let source = Source { folder: &args.folder, labels, names, classes: &args.classes };
    let scope = Scope::read(&card, &source).map_err(coded)?;
    let runtime = detector::runtime(args.execution.request())?;
    let mut model = detector::open_on(&runtime, &card, args.threads, Some(args.score))?;
    let judged = judge(&mut model, &scope).map_err(coded)?;
    if let Some(path) = &args.detections {
        let text = serde_json::to_vec(&judged.results)?;
        std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    let on = format!("{} {}", model.provider(), runtime.execution().chosen().precision);
    let run = RunOf { folder: &args.folder, least_score: args.score, on: &on };
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", judged.to_json(&card.name, &scope, &run))?;
    } else {
        judged.write_table(&mut out, &card.name, &scope, &run)?;
    }
    Ok(())
}

fn classifier(args: &ModelEval, card: &Card) -> CommandResult {
    if args.labels.is_some() || args.detections.is_some() || args.names.is_some() || !args.classes.is_empty() {
        let error =
            anyhow!("{} is a classifier: its labels are the folders' names, and no other option applies", card.name);
        return Err(CommandError { code: ExitCode::Usage, error });
    }
    let runtime = detector::runtime(args.execution.request())?;
    let weights = Store::locate().weights(card).or_exit(ExitCode::Missing)?;
    let mut model = Classifier::open(card, &weights, &runtime, args.threads).or_exit(ExitCode::Failed)?;
    let classified = classify(&mut model, card, &args.folder).map_err(coded)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", classified.to_json(&card.name, &args.folder))?;
    } else {
        classified.write_table(&mut out, &card.name, &args.folder)?;
    }
    Ok(())
}

/// Runs `forewarn models calibrate`.
pub fn calibrate(args: &ModelCalibrate) -> CommandResult {
    let mut card = detector::card(&args.model)?;
    card.calibration = None;
    let read = |folder: &Path| {
        Scope::read(&card, &Source { folder, labels: None, names: None, classes: &args.classes }).map_err(coded)
    };
    let scopes = |folders: &[PathBuf]| folders.iter().map(|folder| read(folder)).collect::<Result<Vec<_>, _>>();
    let (fitting, held) = (scopes(&args.photos)?, scopes(&args.held)?);
    let mut model = detector::open(&card, args.threads, Some(args.score))?;
    let mut first = 0;
    let mut look = |scopes: &[Scope]| -> Result<Vec<calibration::Claim>, EvalError> {
        let mut all = Vec::new();
        for scope in scopes {
            all.extend(calibration::claims(&mut model, scope, first)?);
            first += scope.labelled.photos.len();
        }
        Ok(all)
    };
    let (claims, held) = (look(&fitting).map_err(coded)?, look(&held).map_err(coded)?);
    let (claims, held) = if args.held.is_empty() { calibration::split(claims, args.seed) } else { (claims, held) };
    let n_photos: usize = fitting.iter().map(|scope| scope.labelled.photos.len()).sum();
    let on = args.on.clone().unwrap_or_else(|| format!("{n_photos} photos"));
    let report = CalibrationReport::new(&claims, &held, &on, args.seed).map_err(coded)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json!({ "card": card.name, "report": report, "toml": report.to_toml() }))?;
    } else {
        report.write(&mut out, &card.name)?;
    }
    Ok(())
}

fn coded(error: EvalError) -> CommandError {
    let code = match () {
        () if error.is_usage() => ExitCode::Usage,
        () if error.is_of_input() => ExitCode::BadInput,
        () => ExitCode::Failed,
    };
    CommandError { code, error: error.into() }
}
