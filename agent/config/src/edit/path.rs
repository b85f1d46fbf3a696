//! Naming a key of the site file.

use std::fmt;
use std::str::FromStr;

use super::EditError;

/// The names on the way to a key, such as `camera`, `gate`, `analysis_fps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// By the names, the widest first.
    pub(super) fn of(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// The names, the widest first.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    pub(super) fn error(&self, problem: impl Into<String>, mend: impl Into<String>) -> EditError {
        EditError::Path { path: self.to_string(), problem: problem.into(), mend: mend.into() }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.join("."))
    }
}

impl FromStr for KeyPath {
    type Err = EditError;

    fn from_str(text: &str) -> Result<Self, EditError> {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'@'))
        };
        let path = Self(text.split('.').map(str::to_owned).collect());
        if path.0.iter().all(|name| is_name(name)) {
            return Ok(path);
        }
        Err(path.error("this is no path of a key", "write names with dots between, such as camera.gate.analysis_fps"))
    }
}
