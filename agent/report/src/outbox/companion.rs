//! The files that lie beside the database's.

use std::path::{Path, PathBuf};

/// The path of a companion of the database.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
