//! `forewarn evidence list`, `show`, `hold`, `release` and `prune`.

use std::io::Write as _;

use forewarn_cli::{Keep, Word};
use forewarn_domain::clock::wall_now;
use forewarn_evidence::{Custody, EvidenceError, EvidenceStore, Limits, list, show};

use crate::config;
use crate::evidence_folder::signed_store;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::live::claim;

/// Runs the command.
pub fn run(args: &Keep) -> CommandResult {
    let mut out = std::io::stdout().lock();
    match args {
        Keep::List { path, json } => {
            for one in list(path).or_exit(ExitCode::BadInput)? {
                if *json {
                    writeln!(out, "{}", one.to_json())?;
                } else {
                    writeln!(out, "{one}")?;
                }
            }
        }
        Keep::Show { path, json } => {
            let shown = show(path).or_exit(ExitCode::BadInput)?;
            if *json {
                writeln!(out, "{}", shown.to_json())?;
            } else {
                write!(out, "{shown}")?;
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
            let site = config::load(&word.config).or_exit(ExitCode::BadConfig)?;
            // Nobody else may lengthen the chain meanwhile.
            let _claim = claim(&site.storage.dir)?;
            let store = signed_store(&site, Limits::default());
            store.prepare().and_then(|()| store.prune(&custody(word), wall_now())).or_exit(ExitCode::Failed)?;
            writeln!(out, "{}: deleted; the chain of seals says so", word.incident)?;
        }
    }
    Ok(())
}

fn custody(word: &Word) -> Custody {
    Custody { incident: word.incident.clone(), who: word.who.clone(), why: word.why.clone() }
}

/// Leaves a word that the running agent makes a link of the chain; where none runs, this process does.
fn leave_word(
    word: &Word,
    leave: impl FnOnce(&EvidenceStore, Custody) -> Result<(), EvidenceError>,
) -> Result<&'static str, CommandError> {
    let site = config::load(&word.config).or_exit(ExitCode::BadConfig)?;
    let store = signed_store(&site, Limits::default());
    leave(&store, custody(word)).or_exit(ExitCode::BadInput)?;
    match claim(&site.storage.dir) {
        Ok(_claim) => {
            store.prepare().and_then(|()| store.note_holds(wall_now())).or_exit(ExitCode::Failed)?;
            Ok("the chain of seals says so")
        }
        Err(_) => Ok("the running agent writes it into the chain of seals within a minute"),
    }
}
