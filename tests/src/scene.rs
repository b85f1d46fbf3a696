//! The folder of one test.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::program::ForewarnBin;

/// The program under test and a folder that goes with the test, unless the test panics.
#[derive(Debug)]
pub struct Scene {
    /// The program.
    pub program: ForewarnBin,
    dir: Option<TempDir>,
    path: PathBuf,
}

impl Scene {
    /// A fresh one.
    pub fn new() -> anyhow::Result<Self> {
        let program = ForewarnBin::find()?;
        let dir = tempfile::Builder::new().prefix("forewarn-e2e-").tempdir().context("failed to make a folder")?;
        let path = dir.path().to_owned();
        Ok(Self { program, dir: Some(dir), path })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.path
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        std::fs::write(&path, content).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("the test's files are kept in {}", dir.keep().display());
        }
    }
}
