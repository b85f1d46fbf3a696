//! What is wrong with a key of the site file.

use std::path::{Path, PathBuf};

/// A key of the site file cannot be used. The message says what is wrong; key and mend stand apart, because whoever
/// prints it knows the file and the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A value is out of range or contradicts another.
    #[error("{why}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        why: String,
        /// What to do about it.
        mend: &'static str,
    },
    /// A secret, a certificate or a key cannot be read.
    #[error("failed to read {}: {why}", path.display())]
    File {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
        /// What it should hold.
        mend: &'static str,
    },
}

impl SettingError {
    /// A value that cannot be used.
    pub fn value(key: &'static str, why: impl Into<String>, mend: &'static str) -> Self {
        Self::Value { key, why: why.into(), mend }
    }

    /// A file that cannot be used.
    pub fn file(key: &'static str, path: &Path, why: impl Into<String>, mend: &'static str) -> Self {
        Self::File { key, path: path.to_owned(), why: why.into(), mend }
    }

    /// The key in the site file.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Value { key, .. } | Self::File { key, .. } => key,
        }
    }

    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Value { mend, .. } | Self::File { mend, .. } => mend,
        }
    }

    /// Key, problem and mend in one line, for who knows no more than that.
    pub fn line(&self) -> String {
        format!("{}: {self}; {}", self.key(), self.mend())
    }
}
