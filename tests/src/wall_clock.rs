//! A clock on the wall that a test sets while a program runs by it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

/// The clock, by libfaketime. Monotonic clocks stay what they are, as on a real box.
#[derive(Debug)]
pub struct WallClock {
    file: PathBuf,
    library: PathBuf,
}

impl WallClock {
    /// A clock that is right, and whose setting lies in the file `file`.
    pub fn new(file: PathBuf) -> anyhow::Result<Self> {
        let architectures = std::fs::read_dir("/usr/lib").context("failed to read /usr/lib")?.flatten();
        let library = architectures
            .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
            .find(|path| path.is_file())
            .context("libfaketime is not installed (apt package libfaketime); run `cargo xtask setup`")?;
        let clock = Self { file, library };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it so many seconds ahead of the true time.
    pub fn set(&self, ahead_s: i64) -> anyhow::Result<()> {
        std::fs::write(&self.file, format!("{ahead_s:+}\n"))
            .with_context(|| format!("failed to write {}", self.file.display()))
    }

    /// Has a program go by it.
    pub fn lead(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}
