//! `forewarn evidence`: is a bundle what was sealed?

use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use forewarn_cli::Evidence;
use forewarn_evidence::verify;
use serde_json::json;

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Evidence) -> CommandResult {
    let Evidence::Verify { bundle, json } = args;
    verify_bundle(bundle, *json)
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
