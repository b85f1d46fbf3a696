//! `forewarn clip`, `backup`, `restore` and `support`.

use forewarn_upkeep::command::{Asked, run as carry_out};

use crate::exit::{CommandError, CommandResult, ExitCode};

/// Runs the command.
pub fn run(asked: Asked<'_>) -> CommandResult {
    carry_out(asked, &mut std::io::stdout()).map_err(|error| {
        let code = match &error {
            error if error.is_of_the_site() => ExitCode::BadConfig,
            error if error.is_of_the_input() => ExitCode::BadInput,
            error if error.is_of_the_usage() => ExitCode::Usage,
            _ => ExitCode::Failed,
        };
        CommandError { code, error: error.into() }
    })
}
