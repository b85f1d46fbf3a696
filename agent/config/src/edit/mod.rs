//! Changing one key of a site file and nothing else in it.
//!
//! The file is parsed only to learn where each key and value stands; the change is then cut into the text itself. So every
//! comment, blank line and order that an operator chose stays as it was, byte for byte. What comes out must be a
//! correct site file, else the file is left alone; the former one is kept as an undo.
//!
//! A [`KeyPath`] names entries of a list by their id: `camera.gate.zone.kerb.polygon`. A rule has no id and is named by
//! its violation, with its zone where two rules have the same: `camera.gate.rule.loitering@kerb.schedule`.

mod draft;
mod file;
mod find;
mod lines;
mod path;
mod remove;
mod secret;
mod set;
mod similar_lines;
mod site_change;
#[cfg(test)]
mod tests;
mod value;

pub use self::draft::{Draft, Line, change};
pub use self::file::{name_of, undo, undo_path};
pub(crate) use self::lines::Lines;
pub use self::path::KeyPath;
pub use self::secret::{Secrets, forget};
pub use self::site_change::{changes as changes_of, secret_of};
pub use self::value::NewValue;

use crate::source::{ConfigError, ConfigErrors, Source};

/// One change of a site file.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Gives a key this value, whether it is there or not. A table given to a new name in a list makes a new entry.
    Set(KeyPath, NewValue),
    /// Removes a key, a section, or an entry of a list.
    Remove(KeyPath),
}

/// Why a site file is not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The path leads nowhere, or to what cannot be changed so.
    #[error("{path}: {problem}\n  fix: {mend}")]
    Path {
        /// The path as it was given.
        path: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        mend: String,
    },
    /// The text is no value.
    #[error(
        "{text} is no value: {problem}\n  fix: write it as in the site file, such as 5.0, true, \"horn\" or [\"horn\"]"
    )]
    Value {
        /// The text as it was given.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// The file cannot be read, or is no TOML.
    #[error(transparent)]
    Unreadable(#[from] ConfigError),
    /// The file would no longer be correct.
    #[error("the file stays as it is, because the change is not correct:\n{0}")]
    Incorrect(ConfigErrors),
    /// There is nothing to go back to.
    #[error("there is no {0}, so nothing has been changed by `forewarn config set`, or it was deleted")]
    NoUndo(String),
    /// The disk refused.
    #[error("failed to write {path}: {error}; the site file is as it was")]
    Write {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
}

/// The text with one change; nothing is checked but that it is TOML before.
pub fn apply(source: &Source, change: &Change) -> Result<String, EditError> {
    let text = source.text();
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mark, text) = text.split_at(mark);
    let document = toml_edit::Document::parse(text).map_err(|error| {
        let place = error.span().unwrap_or_default();
        source.error(place, error.message().trim().replace('\n', " "), "fix the file by hand first")
    })?;
    let changed = match change {
        Change::Set(path, value) => set::set(text, document.as_table(), path, value)?,
        Change::Remove(path) => remove::remove(text, document.as_table(), path)?,
    };
    Ok(format!("{mark}{changed}"))
}
