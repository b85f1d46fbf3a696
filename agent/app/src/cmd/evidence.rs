//! `forewarn evidence`: is a bundle what was sealed, and is any missing?

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use forewarn_cli::Evidence;
use forewarn_evidence::{Trusted, verify_any};

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Evidence) -> CommandResult {
    match args {
        Evidence::Verify { path, trust, json } => verify(path, trust, *json),
        Evidence::Export(args) => super::export::run(args),
        Evidence::Keep(args) => super::keep::run(args),
    }
}

fn verify(path: &Path, trust: &[PathBuf], is_json: bool) -> CommandResult {
    let trusted = (!trust.is_empty()).then(|| Trusted::read(trust)).transpose().or_exit(ExitCode::BadInput)?;
    let found = verify_any(path, trusted.as_ref()).or_exit(ExitCode::BadInput)?;
    let mut out = std::io::stdout().lock();
    if is_json {
        writeln!(out, "{}", found.to_json())?;
    } else {
        write!(out, "{found}")?;
    }
    if found.holds() {
        return Ok(());
    }
    Err(CommandError { code: ExitCode::Failed, error: anyhow!("{} is not what was sealed", path.display()) })
}
