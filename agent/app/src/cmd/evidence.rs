//! `forewarn evidence`: is a bundle what was sealed, is any missing, and what does it show?

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use forewarn_cli::Evidence;
use forewarn_domain::violation::Language;
use forewarn_evidence::{Trusted, verify_any};

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Evidence) -> CommandResult {
    match args {
        Evidence::Verify { path, trust, json } => verify(path, trust, *json),
        Evidence::Export(args) => super::export::run(args),
        Evidence::Report { path, out, lang, trust } => report(path, (out, (*lang).into()), trust),
        Evidence::Keep(args) => super::keep::run(args),
    }
}

fn verify(path: &Path, trust: &[PathBuf], is_json: bool) -> CommandResult {
    let trusted = trusted(trust)?;
    let found = verify_any(path, trusted.as_ref()).or_exit(ExitCode::BadInput)?;
    let mut out = std::io::stdout().lock();
    if is_json {
        writeln!(out, "{}", found.to_json())?;
    } else {
        write!(out, "{found}")?;
    }
    holds(path, found.holds())
}

fn report(path: &Path, (out, language): (&Path, Language), trust: &[PathBuf]) -> CommandResult {
    let page = forewarn_dossier::page(path, language, trusted(trust)?.as_ref()).or_exit(ExitCode::BadInput)?;
    std::fs::write(out, page.html).with_context(|| format!("failed to write {}", out.display()))?;
    holds(path, page.is_intact)
}

fn trusted(files: &[PathBuf]) -> Result<Option<Trusted>, CommandError> {
    (!files.is_empty()).then(|| Trusted::read(files)).transpose().or_exit(ExitCode::BadInput)
}

fn holds(path: &Path, is_intact: bool) -> CommandResult {
    let error = || anyhow!("{} is not what was sealed", path.display());
    if is_intact { Ok(()) } else { Err(CommandError { code: ExitCode::Failed, error: error() }) }
}
