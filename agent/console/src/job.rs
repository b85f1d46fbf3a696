//! What the works have in common that the console has done by the agent's own program, of each kind one at a time.

use std::path::{Path, PathBuf};
use std::{fs, io};

use forewarn_base::private;

/// Another one of the kind goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// A place of this name for what a work makes, without what the one before it left.
pub(crate) fn emptied(scratch: &Path, name: &str) -> io::Result<PathBuf> {
    let to = scratch.join(name);
    private::create_dirs(scratch)?;
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    Ok(to)
}
