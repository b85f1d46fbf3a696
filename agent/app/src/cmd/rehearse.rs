//! `forewarn rehearse`: what a site would have raised by its footage.

use std::io::Write as _;

use forewarn_cli::Rehearse as Args;
use forewarn_domain::clock::wall_now;
use forewarn_rehearsal::{Rehearsal, RehearsalError, Watcher};

use crate::exit::{CommandError, CommandResult, ExitCode};
use crate::replay::Replay;

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    let rehearsal = Rehearsal::of(args, wall_now()).map_err(failed)?;
    let watcher = Watcher::of(&rehearsal, &args.out, |frame| forewarn_console::jpeg(frame).ok()).map_err(failed)?;
    let replay = Replay {
        following: rehearsal.following.clone(),
        start: Some(rehearsal.start()),
        keepers: vec![Box::new(watcher.clone())],
        narrator: Some(Box::new(watcher.clone())),
        ..Replay::over(&rehearsal.site, [(args.camera.clone(), rehearsal.clip.clone())], &args.out)?
    };
    replay.run()?;
    Ok(writeln!(std::io::stdout(), "{}", watcher.finish(&rehearsal).map_err(failed)?)?)
}

fn failed(error: RehearsalError) -> CommandError {
    let code = match &error {
        error if error.is_of_the_site() => ExitCode::BadConfig,
        error if error.is_of_the_input() => ExitCode::BadInput,
        _ => ExitCode::Failed,
    };
    CommandError { code, error: error.into() }
}
