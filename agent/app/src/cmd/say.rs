//! `forewarn say`: says a text on one loudspeaker and prints the proof.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::anyhow;
use forewarn_cli::Say;
use forewarn_domain::{FailureKind, SpokenText, SystemClock};

use crate::config;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Say) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    let speaker = site.speaker(&args.speaker).map_err(|why| anyhow!("--speaker: {why}")).or_exit(ExitCode::BadInput)?;
    let language = args.language.map_or(site.header.language, Into::into);
    let text = SpokenText { language, text: args.text.clone() };
    let context = site.speaker_context(Arc::new(SystemClock));
    let played = forewarn_hw::say(&args.speaker, speaker, &context, text).map_err(|error| {
        let code = match error.kind {
            FailureKind::Unreachable | FailureKind::DeviceLost => ExitCode::Missing,
            FailureKind::Misconfigured => ExitCode::BadConfig,
            _ => ExitCode::Failed,
        };
        CommandError { code, error: error.into() }
    })?;
    Ok(writeln!(std::io::stdout(), "{played}")?)
}
