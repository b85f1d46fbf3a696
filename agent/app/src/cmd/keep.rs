//! `forewarn evidence list`, `show`, `audit`, `hold`, `release` and `prune`; and who did what, for the audit log.

use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use forewarn_cli::{Keep, Looker, PageLanguage, Word};
use forewarn_domain::clock::wall_now;
use forewarn_evidence::{By, Custody, Deed, EvidenceError, EvidenceStore, Limits, audit, list, show, system_user};

use crate::config::{self, Site, StorageDir};
use crate::evidence_folder::signed_store;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Keep) -> CommandResult {
    let mut out = std::io::stdout().lock();
    match args {
        Keep::List { path, lang, json } => {
            let language = PageLanguage::or_of_terminal(*lang);
            for one in list(path).or_exit(ExitCode::BadInput)? {
                if *json {
                    writeln!(out, "{}", one.to_json())?;
                } else {
                    writeln!(out, "{}", forewarn_dossier::listed(&one, language))?;
                }
            }
        }
        Keep::Show { path, lang, json, by } => {
            let shown = show(path).or_exit(ExitCode::BadInput)?;
            audited(path, (Deed::Shown, None), by);
            if *json {
                writeln!(out, "{}", shown.to_json())?;
            } else {
                write!(out, "{}", forewarn_dossier::shown(&shown, PageLanguage::or_of_terminal(*lang)))?;
            }
        }
        Keep::Audit { path, json } => {
            let log = audit(path).or_exit(ExitCode::BadInput)?;
            if *json {
                writeln!(out, "{}", log.to_json())?;
            } else {
                write!(out, "{log}")?;
            }
            if let Some(problem) = log.problems.first() {
                return Err(anyhow!("the audit log is not whole: {problem}").into());
            }
        }
        Keep::Hold(word) => {
            let told = leave_word(word, |store, custody| store.hold(custody, wall_now()))?;
            writeln!(out, "{}: held; {told}", word.incident)?;
        }
        Keep::Release(word) => {
            let told = leave_word(word, |store, custody| store.release(custody, wall_now()))?;
            writeln!(out, "{}: released; {told}", word.incident)?;
        }
        Keep::Prune(word) => {
            let site = site_that_keeps(word)?;
            // Nobody else may lengthen the chain meanwhile.
            let _claim = config::claim(&site.storage.dir)?;
            let store = signed_store(&site, Limits::default());
            store.prepare().and_then(|()| store.prune(&custody(word), wall_now())).map_err(refusal)?;
            writeln!(out, "{}: deleted; the chain of seals says so", word.incident)?;
        }
    }
    Ok(())
}

fn custody(word: &Word) -> Custody {
    let (who, why) = (word.who.clone(), word.why.clone());
    Custody { incident: word.incident.clone(), who, why, user: Some(system_user()) }
}

/// The site of a word, if anything was ever kept of it: a word about nothing makes no folders.
fn site_that_keeps(word: &Word) -> Result<Site, CommandError> {
    let site = config::load(&word.config).or_exit(ExitCode::BadConfig)?;
    let evidence = site.storage.dir.evidence();
    if evidence.is_dir() {
        return Ok(site);
    }
    Err(anyhow!("{} is not there, so nothing is kept of {}", evidence.display(), word.incident))
        .or_exit(ExitCode::BadInput)
}

/// What was asked for cannot be, or could not be done.
fn refusal(error: EvidenceError) -> CommandError {
    let is_asked_wrongly = matches!(error, EvidenceError::NoBundle { .. } | EvidenceError::NotHeld { .. });
    CommandError { code: if is_asked_wrongly { ExitCode::BadInput } else { ExitCode::Failed }, error: error.into() }
}

/// Leaves a word that the running agent makes a link of the chain; where none runs, this process does.
fn leave_word(
    word: &Word,
    leave: impl FnOnce(&EvidenceStore, Custody) -> Result<(), EvidenceError>,
) -> Result<&'static str, CommandError> {
    let site = site_that_keeps(word)?;
    let store = signed_store(&site, Limits::default());
    leave(&store, custody(word)).map_err(refusal)?;
    if note(&store, &site.storage.dir).or_exit(ExitCode::Failed)? {
        return Ok("the chain of seals says so");
    }
    Ok("the running agent writes it into the chain of seals within a minute")
}

/// Makes what was left links of the chain; false if an agent runs, which does so.
fn note(store: &EvidenceStore, dir: &StorageDir) -> Result<bool, EvidenceError> {
    let Ok(_claim) = config::claim(dir) else { return Ok(false) };
    store.prepare().and_then(|()| store.note_words(wall_now()))?;
    Ok(true)
}

/// Has the audit log say what somebody does with a bundle, where that lies in the store of its device.
pub fn audited(bundle: &Path, deed: (Deed, Option<String>), by: &Looker) {
    let Some(store) = EvidenceStore::around(bundle, env!("CARGO_PKG_VERSION")) else { return };
    let by = By { who: by.who.clone(), why: by.reason.clone() };
    let dir = StorageDir::new(store.root().parent().unwrap_or(store.root()));
    let noted = store.leave_access(bundle, deed, by, wall_now()).and_then(|()| note(&store, &dir));
    if let Err(error) = noted {
        tracing::warn!("the audit log does not say so: {error}");
    }
}
