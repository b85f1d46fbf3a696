//! Words that whoever is not the agent leaves in a store, a file each, until the agent makes links of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use serde::Serialize;

/// Leaves a word at `path`, which lies in a folder below `root`.
pub(crate) fn leave(path: &Path, root: &Path, word: &impl Serialize) -> io::Result<()> {
    let dir = path.parent().unwrap_or(root);
    durable::create_dirs(dir, root)?;
    durable::replace(path, &serde_json::to_vec(word)?)
}

/// The words in a folder, in the order of their names; none where there is no such folder.
pub(crate) fn left_in(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}
