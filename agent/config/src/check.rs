//! Collecting mistakes while a section is checked, so that one run of `forewarn check` shows them all.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::explain::culprit;
use crate::nearest::meant;
use crate::source::{ConfigError, ConfigErrors, Source};

/// The mistakes found so far in one text. What cannot be made of a mistake is `None`, and the check goes on.
pub(crate) struct Check<'a> {
    source: &'a Source,
    directory: PathBuf,
    errors: Vec<ConfigError>,
    doubts: Vec<ConfigError>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self { source, directory: source.directory(), errors: Vec::new(), doubts: Vec::new() }
    }

    /// The text that is checked.
    pub(crate) fn source(&self) -> &'a Source {
        self.source
    }

    /// The directory of the file.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path as it is written, which is relative to the file.
    pub(crate) fn path(&self, written: &Path) -> PathBuf {
        self.directory.join(written)
    }

    /// A mistake at a place of the text.
    pub(crate) fn fail<T>(
        &mut self,
        place: Range<usize>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Option<T> {
        self.errors.push(self.source.error(place, problem, mend));
        None
    }

    /// A mistake of the value of `key` in the table that begins at a place of the text.
    pub(crate) fn fail_key<T>(
        &mut self,
        table: Range<usize>,
        key: &str,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Option<T> {
        self.errors.push(self.source.error_of_key(table, key, problem, mend));
        None
    }

    /// Something that works and is hardly meant, at a place of the text.
    pub(crate) fn doubt(&mut self, place: Range<usize>, problem: impl Into<String>, mend: impl Into<String>) {
        self.doubts.push(self.source.error(place, problem, mend));
    }

    /// The same about `key` of the table that begins at a place of the text.
    pub(crate) fn doubt_key(
        &mut self,
        table: Range<usize>,
        key: &str,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.doubts.push(self.source.error_of_key(table, key, problem, mend));
    }

    /// What is wrong at a place of the text and no mistake of the text itself: who checks it is told, who runs it goes on.
    pub(crate) fn fault(
        &self,
        place: Range<usize>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> ConfigError {
        self.source.error(place, problem, mend)
    }

    /// What works and is hardly meant, in the order of the text.
    pub(crate) fn take_doubts(&mut self) -> Vec<ConfigError> {
        let mut doubts = std::mem::take(&mut self.doubts);
        doubts.sort_by_key(|doubt| doubt.line);
        doubts
    }

    /// A mistake of the text as a whole.
    pub(crate) fn fail_file(&mut self, problem: impl Into<String>, mend: impl Into<String>) {
        self.errors.push(self.source.error_of_file(problem, mend));
    }

    /// Takes over what another file's check found.
    pub(crate) fn take<T>(&mut self, result: Result<T, impl Into<ConfigErrors>>) -> Option<T> {
        result.map_err(|errors| self.errors.extend(errors.into().0)).ok()
    }

    /// A number within its range; a mistake otherwise, also for what is no number.
    pub(crate) fn number(&mut self, value: &Spanned<f64>, range: RangeInclusive<f64>, unit: &str) -> Option<f64> {
        let number = *value.get_ref();
        if range.contains(&number) {
            return Some(number);
        }
        let mend = format!("write {} to {} {unit}", range.start(), range.end());
        self.fail(value.span(), format!("{number} is out of range"), mend)
    }

    /// A name that must be one of the `known`. The mend is the nearest of them, `otherwise` where none is near.
    pub(crate) fn named<'n>(
        &mut self,
        place: Range<usize>,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
        problem: impl Into<String>,
        otherwise: &str,
    ) -> Option<()> {
        if known.clone().any(|one| one == name) {
            return Some(());
        }
        let mend = meant(name, known, || otherwise.to_owned());
        self.fail(place, problem, mend)
    }

    /// A name that no other of its kind may have.
    pub(crate) fn unique(&mut self, place: Range<usize>, is_taken: bool, what: &str, mend: &str) {
        if is_taken {
            self.fail::<()>(place, format!("there is a {what} already"), mend);
        }
    }

    /// A table that was kept as it is written, as a `T`.
    pub(crate) fn table<T: DeserializeOwned>(&mut self, place: Range<usize>, table: &toml::Table) -> Option<T> {
        match table.clone().try_into() {
            Ok(read) => Some(read),
            Err(error) => {
                let key = culprit::<T>(table, error.message());
                self.errors.push(self.source.explain_at(place, error.message(), key));
                None
            }
        }
    }

    /// What was checked, if there was no mistake; else all mistakes, in the order of the text.
    pub(crate) fn finish<T>(mut self, checked: Option<T>) -> Result<T, ConfigErrors> {
        self.errors.sort_by_key(|error| error.line);
        match checked {
            Some(checked) if self.errors.is_empty() => Ok(checked),
            _ => Err(ConfigErrors(self.errors)),
        }
    }
}

/// A value that stands nowhere in the text, such as a default.
pub(crate) fn unwritten<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}
