//! `forewarn config`: print an example, the schema, a violation's file; change one key of a site file.

use std::io::Write as _;

use anyhow::anyhow;
use forewarn_cli::Config;

use crate::config;
use crate::config::edit::{self, Change, NewValue};
use crate::config::violations::Library;
use crate::exit::{CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Config) -> CommandResult {
    let mut out = std::io::stdout().lock();
    match args {
        Config::Example => out.write_all(config::example().as_bytes())?,
        Config::First { file, storage } => {
            let is_new = config::write_first(file, storage).or_exit(ExitCode::BadConfig)?;
            writeln!(out, "{} {}", file.display(), if is_new { "is written" } else { "is there, and stays as it is" })?;
        }
        Config::Schema => {
            let schema = serde_json::to_string_pretty(&config::schema())?;
            writeln!(out, "{schema}")?;
        }
        Config::Set { path, value, config } => {
            let path = path.parse().or_exit(ExitCode::BadInput)?;
            let value = NewValue::typed(value).or_exit(ExitCode::BadInput)?;
            edit::change(config, &Change::Set(path, value)).or_exit(ExitCode::BadConfig)?;
        }
        Config::Remove { path, config } => {
            let path = path.parse().or_exit(ExitCode::BadInput)?;
            edit::change(config, &Change::Remove(path)).or_exit(ExitCode::BadConfig)?;
        }
        Config::Undo { config } => edit::undo(config).or_exit(ExitCode::BadConfig)?,
        Config::Violation { id: None } => {
            for name in Library::built_in()?.names() {
                writeln!(out, "{name}")?;
            }
        }
        Config::Violation { id: Some(id) } => {
            let library = Library::built_in()?;
            let text = library
                .text(id)
                .ok_or_else(|| anyhow!("there is no built-in violation `{id}`; `forewarn config violation` lists them"))
                .or_exit(ExitCode::BadInput)?;
            out.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}
