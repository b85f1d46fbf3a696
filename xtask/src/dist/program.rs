//! The program as it is shipped: stripped, and without a path of the machine that built it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::Release;
use crate::compile;
use crate::workspace::{Profile, Workspace, output, run};

/// Not even a box with the smallest disk should mind it.
const MOST_BYTES: u64 = 40_000_000;

/// The program.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
}

impl Program {
    /// Builds the program of the profile `dist`, or the demo's where it is `quick`.
    pub(super) fn build(workspace: &Workspace, release: &Release, quick: bool) -> Result<Self> {
        let path = if quick {
            compile::program(workspace, Profile::Demo)?
        } else {
            let mut cargo = workspace.cargo(&["build", "--profile", "dist", "--package", "forewarn", "--locked"]);
            let flags = remapped(workspace)?;
            let for_c: Vec<String> = flags.iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}")).collect();
            let for_rust: Vec<String> =
                flags.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
            cargo.env("CARGO_ENCODED_RUSTFLAGS", for_rust.join("\u{1f}"));
            cargo.env("CFLAGS", for_c.join(" ")).env("SOURCE_DATE_EPOCH", release.made_at.to_string());
            run(cargo.env("FOREWARN_COMMIT", &release.commit))?;
            workspace.target().join("dist/forewarn")
        };
        if quick {
            return Self::found(&path);
        }
        let program = Self::at(&path)?;
        let bytes = fs::read(&program.path).with_context(|| format!("failed to read {}", program.path.display()))?;
        for (from, _) in remapped(workspace)? {
            if let Some(at) = find(&bytes, from.as_bytes()) {
                let near = String::from_utf8_lossy(&bytes[at..(at + 160).min(bytes.len())]).into_owned();
                bail!("the program knows where it was built: {near:?}");
            }
        }
        Ok(program)
    }

    /// One that is there, and no larger than one that is shipped may be.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let program = Self::found(path)?;
        let bytes =
            fs::metadata(&program.path).with_context(|| format!("failed to read {}", program.path.display()))?.len();
        ensure!(bytes <= MOST_BYTES, "the program has {bytes} bytes, more than {MOST_BYTES}");
        Ok(program)
    }

    /// One that is there, however large: the demo's, which nobody is handed.
    pub(super) fn found(path: &Path) -> Result<Self> {
        let path = fs::canonicalize(path).with_context(|| format!("failed to find {}", path.display()))?;
        Ok(Self { path })
    }

    /// The commit that it was built from, as it says; it must be of the version that is packed.
    pub(super) fn commit(&self, workspace: &Workspace, version: &str) -> Result<String> {
        commit_in(&output(workspace.command(&self.path).arg("-V"))?, version)
    }
}

fn commit_in(said: &str, version: &str) -> Result<String> {
    let said = said.trim();
    let of_version = said.strip_prefix("forewarn ").and_then(|said| said.strip_prefix(version)?.strip_prefix(" ("));
    let commit = of_version.and_then(|rest| rest.strip_suffix(')'));
    let commit = commit.with_context(|| format!("the program says `{said}`, and version {version} is packed"))?;
    Ok(commit.to_owned())
}

/// Folders of the build, and what stands for each in the program.
fn remapped(workspace: &Workspace) -> Result<Vec<(String, &'static str)>> {
    let home = |name: &str, below: &str| {
        env::var_os(name).map(PathBuf::from).or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(below)))
    };
    let cargo = home("CARGO_HOME", ".cargo").context("there is neither CARGO_HOME nor HOME")?;
    let text = |path: PathBuf| path.display().to_string();
    Ok(vec![(text(workspace.root.clone()), "/forewarn"), (text(cargo), "/cargo")])
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_wherever_it_stands() {
        assert_eq!(find(b"abc/made/here/x", b"/made/here"), Some(3));
        assert_eq!(find(b"abc/made/h", b"/made/here"), None);
    }

    #[test]
    fn a_program_names_its_own_commit_and_is_of_the_version_that_is_packed() {
        assert_eq!(commit_in("forewarn 0.1.0 (08e1c6c, changed)\n", "0.1.0").unwrap(), "08e1c6c, changed");
        let other = commit_in("forewarn 0.1.1 (08e1c6c)\n", "0.1.0").unwrap_err().to_string();
        assert!(other.contains("0.1.1 (08e1c6c)") && other.contains("version 0.1.0 is packed"), "{other}");
    }
}
