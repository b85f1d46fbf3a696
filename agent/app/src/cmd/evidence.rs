//! `forewarn evidence`: verify a bundle, list those of a directory.

use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use forewarn_domain::IncidentId;
use forewarn_evidence::{EvidenceStore, Limits, StoreOptions, TimeLine, verify};
use serde_json::json;

use crate::cli::Evidence;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Evidence) -> CommandResult {
    match args {
        Evidence::Verify { bundle, json } => verify_bundle(bundle, *json),
        Evidence::List { dir, incident } => list(dir, incident.as_ref()),
    }
}

fn verify_bundle(bundle: &Path, is_json: bool) -> CommandResult {
    let found = verify(bundle).or_exit(ExitCode::BadInput)?;
    let mut out = std::io::stdout().lock();
    if is_json {
        let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        let value = json!({ "incident": found.incident, "manifest_sha256": found.manifest_sha256, "files": found.files,
            "bytes": found.bytes, "intact": found.is_intact(), "missing": found.missing, "problems": problems });
        writeln!(out, "{value}")?;
    } else {
        let verdict = if found.is_intact() { "intact" } else { "NOT INTACT" };
        writeln!(out, "{}: {verdict}, {} files, {} bytes", found.incident, found.files, found.bytes)?;
        writeln!(out, "  manifest sha256 {}", found.manifest_sha256)?;
        for gap in &found.missing {
            writeln!(out, "  stated as missing when it was sealed: {}: {}", gap.what, gap.why)?;
        }
        for problem in &found.problems {
            writeln!(out, "  {problem}")?;
        }
    }
    if found.is_intact() {
        return Ok(());
    }
    Err(CommandError { code: ExitCode::Failed, error: anyhow!("{} is not what was sealed", bundle.display()) })
}

fn list(dir: &Path, incident: Option<&IncidentId>) -> CommandResult {
    let below = dir.join("evidence");
    let root = if below.is_dir() { below } else { dir.to_path_buf() };
    if !root.is_dir() {
        return Err(CommandError { code: ExitCode::BadInput, error: anyhow!("{} is no directory", root.display()) });
    }
    let options = StoreOptions {
        limits: Limits::default(),
        time_line: TimeLine::WallClock,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let store = EvidenceStore::open(root, options).or_exit(ExitCode::Failed)?;
    let mut out = std::io::stdout().lock();
    for bundle in store.bundles().or_exit(ExitCode::Failed)? {
        if incident.is_none_or(|wanted| *wanted == bundle.incident) {
            writeln!(out, "{:<48} {:>12} bytes  {}", bundle.incident, bundle.bytes, bundle.path.display())?;
        }
    }
    Ok(())
}
