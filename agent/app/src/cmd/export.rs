//! `forewarn evidence export`: copies to give away.

use std::io::{IsTerminal as _, Write as _};

use forewarn_cli::{Export, Redact};
use forewarn_domain::clock::wall_now;
use forewarn_evidence::{CopyError, Deed, Original};
use forewarn_models::Store;
use forewarn_models::providers::Request;
use forewarn_veil::{CLIPS, ExportError, Eyes, Made, PICTURES_AND_CLIPS, What, export, preview, sealed_files};

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::{config, detector, evidence_folder};

/// Runs the command.
pub fn run(args: &Export) -> CommandResult {
    let code = |error: &CopyError| match error {
        CopyError::Unverified(_) | CopyError::OfACopy { .. } | CopyError::Taken { .. } => ExitCode::BadInput,
        _ => ExitCode::Failed,
    };
    let bad = |error: CopyError| CommandError { code: code(&error), error: error.into() };
    let original = Original::open(&args.bundle).map_err(bad)?;
    let failed = |error: ExportError| match error {
        ExportError::Copy(error) => bad(error),
        ExportError::Sealed(_) => CommandError { code: ExitCode::BadInput, error: error.into() },
        other => other.into(),
    };
    let kinds = if args.preview { CLIPS } else { PICTURES_AND_CLIPS };
    let is_faithful = !args.preview && args.redact.is_none();
    let sealed = if is_faithful { 0 } else { sealed_files(&original, kinds).map_err(failed)? };
    let how = if args.preview { ", as previews".to_owned() } else { String::new() };
    let how = args.redact.map_or(how, |redact| format!(", without {}", what(redact).as_str()));
    let detail = format!("to {}{how}", args.out.display());
    super::keep::audited(&args.bundle, (Deed::Exported, Some(detail)), &args.by);
    let mut out = std::io::stdout().lock();
    let is_told = std::io::stderr().is_terminal();
    let mut tell = |file: &str, done: u64, all: u64| {
        if is_told && done.is_multiple_of(100) {
            let part = (100 * done).checked_div(all).map_or_else(String::new, |part| format!(", {part} %"));
            crate::log::note(format_args!("forewarn: {file}: {done} pictures{part}"));
        }
    };
    if sealed > 0 {
        crate::log::note(format_args!("forewarn: {sealed} files are sealed to a public key, and are left out"));
    }
    if args.preview {
        let clips = preview(&original, &args.out, &mut tell).map_err(failed)?;
        writeln!(out, "{}: previews of {clips} clips, which are no evidence", args.out.display())?;
        return Ok(());
    }
    let Some(redact) = args.redact else {
        original.copy_to(&args.out).map_err(bad)?;
        writeln!(out, "{}: a copy of {}, file by file", args.out.display(), args.bundle.display())?;
        return Ok(());
    };
    let site = args.config.as_deref().map(config::load).transpose().or_exit(ExitCode::BadConfig)?;
    let signing = site.as_ref().map(evidence_folder::signing);
    let signer = signing.map(|signing| signing.load_or_make()).transpose().or_exit(ExitCode::Failed)?;
    let what = what(redact);
    let runtime = detector::runtime(Request::CPU)?;
    let eyes = Eyes::open(what, &Store::locate(), (&runtime, args.threads));
    let made = Made { agent_version: env!("CARGO_PKG_VERSION").to_owned(), at: wall_now() };
    let (mut eyes, signed) = (eyes.or_exit(ExitCode::Missing)?, (made, signer.as_ref()));
    let done = export(&original, &args.out, &mut eyes, signed, &mut tell).map_err(failed)?;
    let (to, what) = (args.out.display(), what.as_str());
    writeln!(
        out,
        "{to}: {what} hidden in {} clips of {} pictures, and in {} photos",
        done.clips, done.frames, done.photos
    )?;
    Ok(())
}

fn what(redact: Redact) -> What {
    match redact {
        Redact::Faces => What::Faces,
        Redact::PersonsButSubject => What::PersonsButSubject,
        Redact::Plates => What::Plates,
    }
}
