//! The program under test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Context as _;
use forewarn_models::Store;

use crate::process::mortal;

/// The `forewarn` binary that is tested.
#[derive(Debug, Clone)]
pub struct ForewarnBin {
    path: PathBuf,
}

impl ForewarnBin {
    /// Finds it: what `FOREWARN_BIN` names, else `forewarn` of the profile that this executable was built in.
    pub fn find() -> anyhow::Result<Self> {
        let path = match std::env::var_os("FOREWARN_BIN") {
            Some(path) => PathBuf::from(path),
            None => beside_this_executable()?,
        };
        anyhow::ensure!(
            path.is_file(),
            "there is no {}: build it with `cargo build -p forewarn`, or name another in FOREWARN_BIN",
            path.display()
        );
        Ok(Self { path })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command that runs it, for a child that is kept.
    pub fn command(&self) -> Command {
        mortal(&self.path)
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> anyhow::Result<Output> {
        self.command().args(args).output().with_context(|| format!("failed to run {}", self.path.display()))
    }

    /// Runs it to its end and fails unless it succeeds. Returns what it printed.
    pub fn succeed<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> anyhow::Result<String> {
        let output = self.run(args)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{} ended with {}: {errors}", self.path.display(), output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn beside_this_executable() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("failed to find this executable")?;
    // Tests lie in target/PROFILE/deps, binaries in target/PROFILE.
    let profile =
        this.ancestors().skip(1).find(|dir| !dir.ends_with("deps")).context("the executable has no folder")?;
    Ok(profile.join("forewarn"))
}

/// The demo clip in H.264, checked to be there.
pub fn demo_clip() -> anyhow::Result<PathBuf> {
    let store = Store::locate();
    let clip = store.path("vtest-h264.mp4");
    anyhow::ensure!(
        clip.is_file(),
        "{} is missing: fetch it with `cargo xtask test`, or with `cargo run -p forewarn -- models fetch` and \
         `cargo run -p forewarn -- demo --fetch-only`",
        clip.display()
    );
    Ok(clip)
}
