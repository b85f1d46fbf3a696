//! Replacing the file: checked before, in one step, with an undo beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use forewarn_base::{durable, hash};

use super::EditError;
use crate::source::{ConfigError, Source};

/// Where the file as it was before the last change is kept.
pub fn undo_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".undo");
    PathBuf::from(name)
}

/// Brings the file as it was before the last change back. What it replaces is the undo now, so doing it twice changes
/// nothing.
pub fn undo(file: &Path) -> Result<(), EditError> {
    let file = place(file)?;
    let kept = undo_path(&file);
    if !kept.is_file() {
        return Err(EditError::NoUndo(kept.display().to_string()));
    }
    let (former, present) = (Source::read(&kept)?, Source::read(&file)?);
    replace(&kept, &file, present.text())?;
    replace(&file, &file, former.text())
}

/// Names a file by what stands in it, as a draft names the one that it was made of; none where it cannot be read.
pub fn name_of(file: &Path) -> Option<String> {
    fs::read(file).ok().map(|bytes| hash::sha256_of_bytes(&bytes))
}

/// Where the file lies, whatever links lead to it: a link is not to be replaced by a file.
pub(super) fn place(file: &Path) -> Result<PathBuf, ConfigError> {
    fs::canonicalize(file).or_else(|_| Source::read(file).map(|_| file.to_owned()))
}

/// Replaces a file in one step. It may be read by whom the `model` may be read by. Root types commands in a folder in which the
/// agent may write, so no link that lies there is followed.
pub(super) fn replace(target: &Path, model: &Path, text: &str) -> Result<(), EditError> {
    let mode = fs::metadata(model).map(|found| found.permissions().mode() & 0o777);
    let written = mode.and_then(|mode| durable::replace_from(target, &mut text.as_bytes(), mode));
    written.map_err(|error| EditError::Write { path: target.display().to_string(), error })
}
