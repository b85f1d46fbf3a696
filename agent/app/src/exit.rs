//! Exit codes of the command line, after sysexits.

use std::{fmt, io};

/// How a command that failed ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The command failed.
    Failed = 1,
    /// The command line is wrong; clap uses the same number.
    Usage = 2,
    /// A configuration file is wrong (`EX_CONFIG` is 78, but 64 is this program's contract).
    BadConfig = 64,
    /// An input, such as a clip or an image, cannot be read.
    BadInput = 65,
    /// Something that is needed is missing, such as a model or a library.
    Missing = 69,
}

impl ExitCode {
    /// Of a file that was to be made: one that bears its name already was typed for it.
    pub fn of_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::AlreadyExists { Self::BadInput } else { Self::Failed }
    }
}

/// An error with the exit code that it calls for.
#[derive(Debug)]
pub struct CommandError {
    /// The code.
    pub code: ExitCode,
    /// What failed.
    pub error: anyhow::Error,
}

impl CommandError {
    /// Whether it is only that nobody reads any more what the command prints.
    pub fn is_of_a_reader_who_left(&self) -> bool {
        // What breaks elsewhere says of itself what broke.
        let is_bare = self.error.chain().count() == 1;
        let broken = self.error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe);
        is_bare && broken
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Many messages hold their cause already; it is not said twice.
        let mut said = String::new();
        for cause in self.error.chain() {
            let text = cause.to_string();
            if said.is_empty() {
                said = text;
            } else if !said.contains(&text) {
                said = format!("{said}: {text}");
            }
        }
        f.write_str(&said)
    }
}

impl<E: Into<anyhow::Error>> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self { code: ExitCode::Failed, error: error.into() }
    }
}

/// What a command returns.
pub type CommandResult = Result<(), CommandError>;

/// Gives an error the exit code that it calls for.
pub trait OrExit<T> {
    /// Fails with `code`.
    fn or_exit(self, code: ExitCode) -> Result<T, CommandError>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, code: ExitCode) -> Result<T, CommandError> {
        self.map_err(|error| CommandError { code, error: error.into() })
    }
}
