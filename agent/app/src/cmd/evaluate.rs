//! `forewarn evaluate`: how much of what happens in marked clips is found, and what else.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use forewarn_cli::Evaluate as Args;
use forewarn_evaluate::diff::{self, Diff};
use forewarn_evaluate::result::Evaluation;
use forewarn_evaluate::table;
use serde_json::json;

use crate::config::clips::{self, ClipsError, Search, Variant};
use crate::evaluate::{self, Settings};
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    if let [old, new] = &args.diff[..] {
        let diff = diff::compare(&read(old)?, &read(new)?);
        show_diff(args, &diff, &json!(diff))?;
        return judge(args, &diff);
    }
    let Some(dir) = &args.dir else {
        let error = anyhow!("name the folder of the clips, or two results with --diff OLD NEW");
        return Err(CommandError { code: ExitCode::Usage, error });
    };
    let variants = variants(args);
    let search = Search { folder: dir, clips: &args.clips, skip_missing: args.skip_missing };
    let folder = clips::open(&search, &variants).map_err(clips_failed)?;
    for note in &folder.notes {
        crate::log::note(format_args!("forewarn: {note}"));
    }
    if folder.jobs.is_empty() {
        let error = anyhow!("{}: no clip is left to play", dir.display());
        return Err(CommandError { code: ExitCode::BadInput, error });
    }
    let settings = Settings { jobs: args.jobs.get(), min_overlap: args.min_overlap };
    let mut results = Vec::new();
    for variant in &variants {
        let config = variant
            .config
            .as_deref()
            .map_or_else(|| "the site.toml of each folder".to_owned(), |path| path.display().to_string());
        let model = variant.model.as_deref().unwrap_or("the site's model");
        crate::log::note(format_args!("forewarn: {} clips with {config}, {model}", folder.jobs.len()));
        results.push(evaluate::evaluate(&folder.jobs, variant, settings, &|said| {
            crate::log::note(format_args!("  {said}"));
        })?);
    }
    report(args, &results)
}

fn clips_failed(error: ClipsError) -> CommandError {
    let code = match error {
        ClipsError::NoSite(_) | ClipsError::Config(_) => ExitCode::BadConfig,
        ClipsError::NoTruth(_) | ClipsError::NoClip(_) | ClipsError::Unlisted { .. } => ExitCode::BadInput,
    };
    CommandError { code, error: error.into() }
}

/// The result of an earlier evaluation.
fn read(path: &Path) -> Result<Evaluation, CommandError> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))
        .or_exit(ExitCode::BadInput)?;
    Evaluation::from_json(&text).with_context(|| path.display().to_string()).or_exit(ExitCode::BadInput)
}

/// The configurations to evaluate: one, or with `--against` two, of which the second is the new one.
fn variants(args: &Args) -> Vec<Variant> {
    let first = Variant { config: args.config.clone(), model: args.model.clone() };
    if args.against.is_none() && args.against_model.is_none() {
        return vec![first];
    }
    let second = Variant {
        config: args.against.clone().or_else(|| args.config.clone()),
        model: args.against_model.clone().or_else(|| args.model.clone()),
    };
    vec![first, second]
}

fn report(args: &Args, results: &[Evaluation]) -> CommandResult {
    if let [old, new] = results {
        let diff = diff::compare(old, new);
        save(args.save.as_deref(), new)?;
        show_diff(args, &diff, &json!({ "old": old, "new": new, "diff": diff }))?;
        complete(results)?;
        return judge(args, &diff);
    }
    let mut out = std::io::stdout().lock();
    for result in results {
        save(args.save.as_deref(), result)?;
        if args.json {
            writeln!(out, "{}", serde_json::to_string_pretty(result)?)?;
        } else {
            table::evaluation(&mut out, result)?;
        }
    }
    complete(results)
}

fn save(path: Option<&Path>, result: &Evaluation) -> CommandResult {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(result)? + "\n";
    std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(())
}

fn show_diff(args: &Args, diff: &Diff, document: &serde_json::Value) -> CommandResult {
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(document)?)?;
    } else {
        table::diff(&mut out, diff)?;
    }
    Ok(())
}

/// Fails where clips could not be played: figures over a part of the clips are no result.
fn complete(results: &[Evaluation]) -> CommandResult {
    let n_failed: usize = results.iter().map(|result| result.failed.len()).sum();
    if n_failed == 0 {
        return Ok(());
    }
    let error = anyhow!("{n_failed} clips could not be played to their ends and are not in the figures");
    Err(CommandError { code: ExitCode::BadInput, error })
}

fn judge(args: &Args, diff: &Diff) -> CommandResult {
    if args.fail_if_worse && diff.is_worse() {
        let (lost, new) = (diff.lost.len(), diff.false_alarms_new.len());
        let error = anyhow!("the change is for the worse: {lost} incidents lost, {new} false alarms new");
        return Err(CommandError { code: ExitCode::Failed, error });
    }
    Ok(())
}
