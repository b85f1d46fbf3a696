//! `forewarn backup`, `restore` and `support`.

use forewarn_upkeep::command::{Asked, run as carry_out};

use crate::exit::{CommandError, CommandResult, ExitCode};

/// Runs the command.
pub fn run(asked: Asked<'_>) -> CommandResult {
    carry_out(asked, &mut std::io::stdout()).map_err(|error| {
        let code = if error.is_of_the_site() { ExitCode::BadConfig } else { ExitCode::Failed };
        CommandError { code, error: error.into() }
    })
}
