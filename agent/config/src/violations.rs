//! `[violations]` and its files: those built in, those of the site, and what a rule changes in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forewarn_domain::violation::{Language, Text};
use forewarn_domain::{Violation, ViolationId};
use include_dir::{Dir, include_dir};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::explain;
use crate::nearest::meant;
use crate::source::{ConfigError, ConfigErrors, Source};

pub(crate) const EXAMPLE: &str = r#"# Violations of your own, or changed built-in ones (`forewarn config violation loitering` prints one).
# [violations]
# dir = "violations"
"#;

/// `[violations]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawViolations {
    /// Directory with more violation files, relative to the site file. A file of a built-in name replaces it.
    #[schemars(with = "Option<PathBuf>")]
    pub dir: Option<Spanned<PathBuf>>,
}

impl RawViolations {
    /// Every violation that the site can name, and the directory of its own files and of their sounds.
    pub(crate) fn check(&self, check: &mut Check<'_>) -> (Option<Library>, PathBuf) {
        let mut library = check.take(Library::built_in());
        let Some(dir) = &self.dir else { return (library, check.directory().to_owned()) };
        let dir = check.path(dir.get_ref());
        if let Some(library) = &mut library {
            check.take(library.add_directory(&dir));
        }
        (library, dir)
    }
}

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../pipelines/violations");

/// Tables of a violation file whose keys a rule may change.
const TABLES: [&str; 5] = ["confirm", "warning", "observe", "case", "evidence"];

/// Every violation that a site can name.
#[derive(Debug)]
pub struct Library {
    files: BTreeMap<ViolationId, (Source, toml::Table)>,
}

impl Library {
    /// The built-in violations.
    pub fn built_in() -> Result<Self, ConfigErrors> {
        let mut library = Self { files: BTreeMap::new() };
        let mut errors = Vec::new();
        for file in BUILT_IN.files().filter(|f| f.path().extension().is_some_and(|e| e == "toml")) {
            let text = file.contents_utf8().unwrap_or_default();
            let name = format!("pipelines/violations/{}", file.path().display());
            errors.extend(library.add(Source::new(name, text)).err());
        }
        if errors.is_empty() { Ok(library) } else { Err(ConfigErrors(errors)) }
    }

    /// Adds the `.toml` files of a directory; a file of a name that is there already replaces it.
    pub fn add_directory(&mut self, directory: &Path) -> Result<(), ConfigErrors> {
        let unreadable = |error: std::io::Error| {
            let source = Source::new(directory.display().to_string(), "");
            source.error_of_file(
                format!("failed to list violation files: {error}"),
                "name an existing directory in `[violations] dir`",
            )
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        let errors: Vec<_> =
            paths.iter().filter_map(|path| Source::read(path).and_then(|source| self.add(source)).err()).collect();
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }

    fn add(&mut self, source: Source) -> Result<(), ConfigError> {
        let violation: Violation = source.parse()?;
        let table: toml::Table = source.parse()?;
        if violation.title.en.is_none() && violation.title.zh.is_none() {
            return Err(source.error_of_file("`title` has no text", "give `title = { en = \"…\", zh = \"…\" }`"));
        }
        self.files.insert(violation.id, (source, table));
        Ok(())
    }

    /// Whether a file is a violation that any site could read.
    pub fn check_file(path: &Path) -> Result<(), ConfigErrors> {
        let source = Source::read(path)?;
        if path.extension().is_none_or(|ending| ending != "toml") {
            let mend = "give it a name that ends with .toml";
            return Err(source.error_of_file("no site would read it, because of its name", mend).into());
        }
        Ok(Self { files: BTreeMap::new() }.add(source)?)
    }

    /// The names of all violations, in order.
    pub fn names(&self) -> impl Iterator<Item = &ViolationId> {
        self.files.keys()
    }

    /// What people call each violation, in every language in which it has a name.
    pub fn names_for_people(&self) -> Vec<(ViolationId, Text)> {
        let title = |table: &toml::Table| table.get("title")?.clone().try_into::<Text>().ok();
        self.files.iter().filter_map(|(id, (_, table))| Some((id.clone(), title(table)?))).collect()
    }

    /// What people call each violation.
    pub fn titles(&self, language: Language) -> BTreeMap<ViolationId, String> {
        let title = |table: &toml::Table| table.get("title")?.clone().try_into::<Text>().ok()?.in_language(language);
        let titles = self.files.iter().filter_map(|(id, (_, table))| Some((id.clone(), title(table)?.text)));
        titles.collect()
    }

    /// The violation `id` with what a rule changes in it.
    ///
    /// The error is what is wrong and the mend; the caller knows the place.
    pub fn violation(&self, id: &ViolationId, with: Option<&toml::Table>) -> Result<Violation, (String, String)> {
        let Some((source, table)) = self.files.get(id) else {
            let names: Vec<&str> = self.names().map(ViolationId::as_str).collect();
            let mend = meant(id.as_str(), names.iter().copied(), || format!("there are: {}", names.join(", ")));
            return Err((format!("there is no violation `{id}`"), mend));
        };
        let mut table = table.clone();
        for (key, value) in with.into_iter().flatten() {
            overlay(&mut table, key, value)?;
        }
        table.clone().try_into().map_err(|error: toml::de::Error| {
            let ConfigError { file, .. } = source.error_of_file("", "");
            let (problem, mend) = explain::in_words(error.message());
            let key = explain::culprit::<Violation>(&table, error.message());
            let key = key.map_or_else(String::new, |key| format!("{}: ", key.trim_start_matches("parameters.")));
            (
                format!("{key}{problem}"),
                format!("{mend}; {file} has the others: `forewarn config violation {id}` prints it"),
            )
        })
    }

    /// The text of a violation's file.
    pub fn text(&self, id: &ViolationId) -> Option<&str> {
        self.files.get(id).map(|(source, _)| source.text())
    }
}

/// Puts one change of a rule into a violation's table.
fn overlay(violation: &mut toml::Table, key: &str, value: &toml::Value) -> Result<(), (String, String)> {
    if let toml::Value::Table(changes) = value {
        if !TABLES.contains(&key) {
            return Err((format!("`{key}` has no keys that a rule may change"), format!("use: {}", TABLES.join(", "))));
        }
        let target = violation.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(target) = target {
            target.extend(changes.clone());
        }
        return Ok(());
    }
    if let Some((table, rest)) = key.split_once('.').filter(|(table, _)| TABLES.contains(table)) {
        let mend = format!("write it without quotes: `{table}.{rest} = …`");
        return Err((format!("`\"{key}\"` in quotes is one name, and no key of `{table}`"), mend));
    }
    let no_parameters = toml::Table::new();
    let parameters = violation.get_mut("parameters").and_then(toml::Value::as_table_mut);
    let known: Vec<String> = parameters.as_deref().unwrap_or(&no_parameters).keys().cloned().collect();
    match parameters {
        Some(parameters) if parameters.contains_key(key) => {
            parameters.insert(key.to_owned(), value.clone());
            Ok(())
        }
        _ => Err((
            format!("the violation has no parameter `{key}`"),
            meant(key, known.iter().map(String::as_str), || format!("it has: {}", known.join(", "))),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARKING: &str = "id = \"parking\"\ntitle = { en = \"Parking\" }\nsubject = [\"car\"]\n[parameters]\nstationary_s = 60\n[condition]\nstationary = { for_s = \"$stationary_s\" }\n";

    fn library() -> Library {
        let mut library = Library { files: BTreeMap::new() };
        library.add(Source::new("parking.toml", PARKING)).unwrap();
        library
    }

    fn with(text: &str) -> Result<Violation, (String, String)> {
        let id = ViolationId::new("parking").unwrap();
        library().violation(&id, Some(&toml::from_str(text).unwrap()))
    }

    #[test]
    fn a_rule_changes_parameters_and_keys_of_tables() {
        let violation = with("stationary_s = 10\nobserve.for_s = 4").unwrap();
        assert_eq!(violation.parameters["stationary_s"], 10.0);
        assert_eq!(violation.observe.for_s, 4.0);
        assert_eq!(violation.observe.gone_after_s, forewarn_domain::violation::Observation::default().gone_after_s);
    }

    #[test]
    fn a_misspelt_parameter_is_named_with_the_right_spelling() {
        let (problem, mend) = with("stationry_s = 10").unwrap_err();
        assert_eq!(problem, "the violation has no parameter `stationry_s`");
        assert_eq!(mend, "did you mean `stationary_s`?");
    }

    #[test]
    fn built_in_violations_are_all_readable() {
        let library = Library::built_in().unwrap_or_else(|errors| panic!("{errors}"));
        for name in ["illegal_parking", "loitering", "crowding"] {
            library.violation(&ViolationId::new(name).unwrap(), None).unwrap();
        }
    }
}
