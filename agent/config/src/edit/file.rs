//! Replacing the file: checked before, in one step, with an undo beside it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use forewarn_base::durable::Unfinished;

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

/// Where the file lies, whatever links lead to it: a link is not to be replaced by a file.
pub(super) fn place(file: &Path) -> Result<PathBuf, ConfigError> {
    fs::canonicalize(file).or_else(|_| Source::read(file).map(|_| file.to_owned()))
}

/// Replaces a file in one step. It may be read by whom the `model` may be read by.
pub(super) fn replace(target: &Path, model: &Path, text: &str) -> Result<(), EditError> {
    let write = || {
        let unfinished = Unfinished::beside(target);
        let mut file = fs::File::create(unfinished.path())?;
        file.set_permissions(fs::metadata(model)?.permissions())?;
        file.write_all(text.as_bytes())?;
        unfinished.place()
    };
    write().map_err(|error| EditError::Write { path: target.display().to_string(), error })
}
