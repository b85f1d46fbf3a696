//! `forewarn evidence`: is a bundle what was sealed, is any missing, and what does it show?

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use forewarn_cli::{Evidence, PageLanguage, Stampers};
use forewarn_domain::violation::Language;
use forewarn_evidence::{Deed, Trusted, verify_any};

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Evidence) -> CommandResult {
    match args {
        Evidence::Verify { path, trust, stamps, lang, json } => {
            let language = (!json).then(|| PageLanguage::or_of_terminal(*lang));
            verify(path, &trusted(trust, stamps)?, language)
        }
        Evidence::Replay(args) => super::again::run(args),
        Evidence::Export(args) => super::export::run(args),
        Evidence::Report { path, out, lang, trust, stamps, by } => {
            super::keep::audited(path, (Deed::Reported, Some(format!("to {}", out.display()))), by);
            report(path, (out, (*lang).into()), &trusted(trust, stamps)?)
        }
        Evidence::Keep(args) => super::keep::run(args),
    }
}

/// Tells what was found in a language, or as JSON without one.
fn verify(path: &Path, trusted: &Trusted, language: Option<Language>) -> CommandResult {
    let found = verify_any(path, Some(trusted)).or_exit(ExitCode::BadInput)?;
    let mut out = std::io::stdout().lock();
    match language {
        None => writeln!(out, "{}", found.to_json())?,
        Some(language) => write!(out, "{}", forewarn_dossier::verified(&found, language))?,
    }
    holds(path, found.holds(), language)
}

fn report(path: &Path, (out, language): (&Path, Language), trusted: &Trusted) -> CommandResult {
    let page = forewarn_dossier::page(path, language, Some(trusted)).or_exit(ExitCode::BadInput)?;
    // What is there may be somebody's word on another bundle.
    let file = std::fs::File::create_new(out).and_then(|mut file| file.write_all(page.html.as_bytes()));
    let code = file.as_ref().map_or_else(ExitCode::of_output, |()| ExitCode::Failed);
    file.with_context(|| format!("failed to write {}, which must not be there yet", out.display())).or_exit(code)?;
    holds(path, page.holds, Some(language))
}

fn trusted(signers: &[PathBuf], stamps: &Stampers) -> Result<Trusted, CommandError> {
    let site = stamps.config.as_deref().map(crate::config::load).transpose().or_exit(ExitCode::BadConfig)?;
    let configured = site.and_then(|site| site.evidence.time_stamp_ca);
    let stampers: Vec<PathBuf> = stamps.tsa_ca.iter().cloned().chain(configured).collect();
    Trusted::read(signers, &stampers).or_exit(ExitCode::BadInput)
}

fn holds(path: &Path, is_intact: bool, language: Option<Language>) -> CommandResult {
    let error = || match language {
        Some(Language::Zh) => anyhow!("{} 与封存时不符", path.display()),
        _ => anyhow!("{} is not what was sealed", path.display()),
    };
    if is_intact { Ok(()) } else { Err(CommandError { code: ExitCode::Failed, error: error() }) }
}
