//! Reading TOML so that a mistake reads like help: file, line, key, what is wrong and how to mend it.

use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::explain;

/// Characters of a key that are shown.
const LONGEST_KEY: usize = 80;

/// Digits in a row that are shown: nobody reads more of a number.
const MOST_DIGITS: usize = 24;

/// One TOML text and where it came from.
#[derive(Clone)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
}

/// The text may hold passwords.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A mistake in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: String,
    /// Line from 1; `None` where the mistake is of the file as a whole.
    pub line: Option<usize>,
    /// The key or table concerned.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.problem)?;
        if !self.mend.is_empty() {
            write!(f, "\n  fix: {}", self.mend)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Several mistakes of one configuration, in the order in which they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// The same text, where numbers of hundreds of digits are told by how they begin.
fn shortened(text: &str) -> String {
    let is_long = |run: &str| run.len() > MOST_DIGITS && run.bytes().all(|byte| byte.is_ascii_digit());
    let runs: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|run| is_long(run)).collect();
    let told = |run: &str| format!("{}… ({} digits)", run.get(..6).unwrap_or_default(), run.len());
    runs.iter().fold(text.to_owned(), |text, run| text.replacen(run, &told(run), 1))
}

impl Source {
    /// A text by a name that the reader knows.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        match read(path) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => Err(ConfigError {
                file: name,
                line: None,
                key: None,
                problem: format!("failed to read: {error}"),
                mend: "give the path of a readable UTF-8 text; `forewarn config example` prints one to start from"
                    .to_owned(),
            }),
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The directory of the file, against which its relative paths are resolved.
    pub fn directory(&self) -> PathBuf {
        Path::new(&*self.name).parent().map(Path::to_path_buf).unwrap_or_default()
    }

    /// Reads the text as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error| self.explain(&error))
    }

    /// A mistake at a place of the text.
    pub fn error(&self, span: Range<usize>, problem: impl Into<String>, mend: impl Into<String>) -> ConfigError {
        // What is no site file at all may have a key as long as itself.
        let key = self.key_at(&span).map(|key| match key.char_indices().nth(LONGEST_KEY) {
            Some((end, _)) => format!("{}…", key.get(..end).unwrap_or_default()),
            None => key,
        });
        ConfigError {
            file: self.name.to_string(),
            line: Some(self.line_of(span.start)),
            key,
            problem: shortened(&problem.into()),
            mend: mend.into(),
        }
    }

    /// A mistake of the value of `key` in the table that begins at a place of the text.
    pub fn error_of_key(
        &self,
        table: Range<usize>,
        key: &str,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> ConfigError {
        // `speech.rate_wpm` may stand as such, or in the table `speech`.
        let first = key.split('.').next().unwrap_or(key);
        let is_key = |rest: &str| {
            rest.strip_prefix(key)
                .or_else(|| rest.strip_prefix(first))
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        let lines = self.text.match_indices('\n').map(|(i, _)| i + 1).filter(|&i| i > table.start);
        let line = lines
            .map(|i| (i, self.text.get(i..).unwrap_or_default().trim_start()))
            .take_while(|(_, rest)| !rest.starts_with('['))
            .find(|(_, rest)| is_key(rest));
        let mut error = self.error(line.map_or(table, |(i, _)| i..i), problem, mend);
        error.key = Some(key.to_owned());
        error
    }

    /// A mistake of the text as a whole.
    pub fn error_of_file(&self, problem: impl Into<String>, mend: impl Into<String>) -> ConfigError {
        ConfigError { file: self.name.to_string(), line: None, key: None, problem: problem.into(), mend: mend.into() }
    }

    /// A mistake that serde found in a table that was read apart from the text, at that table's place. `key` is the one
    /// that it is about, where that is known.
    pub fn explain_at(&self, span: Range<usize>, message: &str, key: Option<String>) -> ConfigError {
        let (problem, mend) = explain::in_words(message);
        let mut explained = self.error(span.clone(), problem, mend);
        if explain::missing_table(message.trim()).is_some() {
            return ConfigError { line: None, key: None, ..explained };
        }
        let name = explain::unknown_field(message).map(str::to_owned).or(key);
        if let Some(name) = name {
            // The span may be that of the whole table: point at the line that spells the name.
            let last = name.rsplit('.').next().unwrap_or(&name);
            if let Some(offset) = self.offset_of_key(last, &span) {
                explained.line = Some(self.line_of(offset));
            }
            explained.key = Some(name);
        }
        if explained.key.as_deref().is_some_and(explain::may_be_secret) {
            explained.problem = explain::without_value(&explained.problem);
        }
        explained
    }

    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|&&b| b == b'\n').count() + 1
    }

    /// The key that a place of the text belongs to: the place itself if it is a bare key, else the last key before it
    /// on its line, else the line's table header.
    fn key_at(&self, span: &Range<usize>) -> Option<String> {
        let start = span.start.min(self.text.len());
        let line_start = self.text.get(..start)?.rfind('\n').map_or(0, |i| i + 1);
        let line = self.text.get(line_start..)?.lines().next()?;
        if line.trim_start().starts_with('[') {
            return Some(line.split('#').next().unwrap_or(line).trim().to_owned()).filter(|name| is_header(name));
        }
        let spanned = self.text.get(span.clone()).unwrap_or_default();
        if is_word(spanned) && self.text.get(span.end..)?.trim_start().starts_with('=') {
            return Some(spanned.to_owned());
        }
        // A line that is no key with its value may be anything, such as a password in a file that was named by mistake.
        let with_value = |at: usize| line.get(at + 1..).is_some_and(|value| value.contains(|c| c != '=' && c != ' '));
        let last = line.get(..start - line_start)?.rfind('=').filter(|at| with_value(*at));
        let nearest = last.and_then(|at| line.get(..at)?.rsplit(['{', ',', '[']).next()).map(str::trim);
        let first = || line.find('=').filter(|at| with_value(*at)).and_then(|at| Some(line.get(..at)?.trim()));
        let key = nearest.filter(|key| !key.is_empty()).or_else(first)?;
        Some(key.to_owned()).filter(|key| key.split('.').all(|part| is_word(part.trim_matches(['"', '\'']))))
    }

    fn explain(&self, error: &toml::de::Error) -> ConfigError {
        self.explain_at(error.span().unwrap_or(0..0), error.message(), None)
    }

    fn offset_of_key(&self, name: &str, span: &Range<usize>) -> Option<usize> {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
        self.text.match_indices(name).map(|(i, _)| i).filter(|&i| i >= span.start).find(|&i| {
            let before = self.text.get(..i).and_then(|t| t.chars().next_back());
            let after = self.text.get(i + name.len()..).and_then(|t| t.chars().next());
            !is_word(before) && !is_word(after)
        })
    }
}

/// The text of a file. Nobody may ever write into a pipe that has a name; one that a shell made for a command has none.
fn read(path: &Path) -> io::Result<String> {
    let is_pipe = fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    if is_pipe && fs::canonicalize(path).is_ok() {
        return Err(io::Error::other("it is a pipe, and whether anybody writes into it is not known"));
    }
    fs::read_to_string(path)
}

/// A key as most are: one that says nothing but its name.
fn is_word(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_header(line: &str) -> bool {
    line.ends_with(']') && line.trim_matches(['[', ']']).split('.').all(|part| is_word(part.trim_matches(['"', ' '])))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    struct Sample {
        name: String,
        dwell_s: f64,
        nested: Option<Nested>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    struct Nested {
        schedule: u8,
    }

    fn error_of(text: &str) -> String {
        Source::new("site.toml", text).parse::<Sample>().unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_file_line_key_and_the_nearest_spelling() {
        let text = error_of("name = \"a\"\ndwell_s = 1\ndwel_s = 2\n");
        assert_eq!(
            text,
            "site.toml:3: dwel_s: unknown field `dwel_s`, expected one of `name`, `dwell_s`, `nested`\n  fix: did you mean `dwell_s`?"
        );
        let nested = error_of("name = \"a\"\ndwell_s = 1\n[nested]\nshedule = 2\n");
        assert!(
            nested.starts_with("site.toml:4: shedule: ") && nested.ends_with("did you mean `schedule`?"),
            "{nested}"
        );
    }

    #[test]
    fn a_number_of_hundreds_of_digits_is_told_by_how_it_begins() {
        let number = "7".repeat(300);
        for text in [format!("dwell_s = {number}"), format!("dwell_s = \"{number}\""), format!("name = {number}.0")] {
            let told = error_of(&text);
            assert!(told.starts_with("site.toml:1: ") && told.len() < 300, "{told}");
        }
        let large = Source::new("a", "x = 1").error(0..1, format!("{} is out of range", 1e300), "").problem;
        assert_eq!(large, "100000… (301 digits) is out of range");
        assert_eq!(shortened("2026-11-30 and 192.168.100.200"), "2026-11-30 and 192.168.100.200");
    }

    #[test]
    fn a_wrong_type_names_the_key_of_the_value() {
        let text = error_of("name = \"a\"\ndwell_s = \"long\"\n");
        assert!(text.starts_with("site.toml:2: dwell_s: invalid type"), "{text}");
    }

    #[test]
    fn a_key_as_long_as_the_file_is_cut() {
        let source = Source::new("site.toml", format!("{} = 5", "k".repeat(100_000)));
        let text = source.error(5..6, "wrong", "").to_string();
        assert!(text.len() < 200 && text.contains('…'), "{} bytes", text.len());
    }

    #[test]
    fn of_a_file_that_is_no_site_file_no_line_is_shown() {
        for text in [
            "s3cret",
            "\"s3cret\"",
            "root:$6$salt$s3cret:19000:0:99999:7:::",
            "{\"token\":\"s3cret\"}",
            "{ token = \"s3cret\"",
            "[s3cret",
            "s3cret==",
            "user:s3cret = 5",
            "-----BEGIN s3cret-----",
            "PASSWORD=s3cret",
            "# a comment\ns3cret",
            &"\u{0}s3cret".repeat(10_000),
        ] {
            let told = error_of(text);
            assert!(told.starts_with("site.toml:") && !told.contains("s3cret"), "{text:.80}: {told}");
        }
        assert!(error_of("PASSWORD=s3cret").starts_with("site.toml:1: PASSWORD: "));
    }

    #[test]
    fn a_value_that_may_be_secret_is_not_shown() {
        let told = |key: &str, message: &str| {
            let text = format!("[console]\n{key} = 4711\n");
            Source::new("site.toml", text).explain_at(10..10 + key.len() + 7, message, Some(key.to_owned())).to_string()
        };
        let wrong = "invalid type: integer `4711`, expected path string";
        assert!(
            told("password_file", wrong).starts_with("site.toml:2: password_file: invalid type: integer, expected")
        );
        assert!(
            told("pin_file", "unknown variant `4711`, expected `a` or `b`").contains("unknown variant, expected `a`")
        );
        assert!(told("id", wrong).contains("`4711`"));
    }

    #[test]
    fn broken_toml_names_the_line() {
        let text = error_of("name = \"a\"\ndwell_s = = 3\n");
        assert!(text.starts_with("site.toml:2"), "{text}");
    }

    #[test]
    fn a_pipe_into_which_nobody_may_write_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("site.toml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let told = Source::read(&pipe).unwrap_err().to_string();
        assert!(told.contains("it is a pipe") && told.contains("give the path of a readable UTF-8 text"), "{told}");
    }
}
