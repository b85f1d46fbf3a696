//! `forewarn update`: signed updates, tried and returned from.

use forewarn_cli::Update;
use forewarn_domain::SystemClock;
use forewarn_models::Store;
use forewarn_update::command::{self, Own};
use forewarn_update::{UpdateError, Whose};

use crate::exit::{CommandError, CommandResult, ExitCode};

/// Runs the command.
pub fn run(args: &Update) -> CommandResult {
    let own =
        Own { version: env!("CARGO_PKG_VERSION"), models: Store::locate().root().to_owned(), clock: &SystemClock };
    command::run(args, &own, &mut std::io::stdout()).map_err(|error| {
        let code = match error.whose() {
            Whose::Site => ExitCode::BadConfig,
            Whose::Bundle => ExitCode::BadInput,
            Whose::Box => ExitCode::Failed,
        };
        // A reader who left is told by the bare error.
        let error = if let UpdateError::Print(error) = error { error.into() } else { error.into() };
        CommandError { code, error }
    })
}
