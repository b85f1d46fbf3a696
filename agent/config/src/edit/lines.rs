//! On which line of a site file something stands.

use toml_edit::Document;

use super::KeyPath;
use super::find::{Found, find};
use crate::source::Source;

/// A site file in which places are looked up.
pub(crate) struct Lines<'s> {
    source: &'s Source,
    /// None of a text that is no TOML.
    document: Option<Document<&'s str>>,
}

impl<'s> Lines<'s> {
    pub(crate) fn of(source: &'s Source) -> Self {
        let text = source.text().trim_start_matches('\u{feff}');
        Self { source, document: Document::parse(text).ok() }
    }

    /// The file and the line of what the names lead to, or of the innermost on the way to it that is written; the file alone
    /// where none of it is.
    pub(crate) fn place_of(&self, names: &[String]) -> String {
        let line = (1..=names.len()).rev().find_map(|n| self.line_of(names.get(..n)?));
        line.map_or_else(|| self.source.name().to_owned(), |line| format!("{}:{line}", self.source.name()))
    }

    fn line_of(&self, names: &[String]) -> Option<usize> {
        let path = KeyPath::of(names);
        let at = match find(self.document.as_ref()?.as_table(), &path).ok()? {
            Found::Value { value, .. } => value.start,
            Found::Section(table) => table.span()?.start,
            Found::Missing(_) => return None,
        };
        // A mark in front of the text is on its first line, too.
        let mark = self.source.text().len() - self.source.text().trim_start_matches('\u{feff}').len();
        Some(self.source.line_of(mark + at))
    }
}
