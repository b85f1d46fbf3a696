//! The tarball, for systems whose packages are not Debian's, and the checksums of all.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Release;
use super::payload::Payload;
use crate::workspace::{Workspace, output, run};

/// The files of the package as they lie below the root of a system.
pub(super) fn tarball(workspace: &Workspace, release: &Release, payload: &Payload) -> Result<()> {
    let root = release.out.join("root");
    payload.lay_out(&root)?;
    let mut tar = pack(workspace, release, &release.out.join(release.name(".tar.xz")));
    run(tar.env("XZ_OPT", "-T1").arg("--xz").arg("-C").arg(&root).arg("."))?;
    fs::remove_dir_all(&root).with_context(|| format!("failed to remove {}", root.display()))
}

/// A command that packs what is named behind it: in the order of names, nobody's, and of the time of the commit.
pub(super) fn pack(workspace: &Workspace, release: &Release, archive: &Path) -> Command {
    let mut tar = workspace.command("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]);
    tar.arg(format!("--mtime=@{}", release.made_at)).args(["--create", "--file"]).arg(archive);
    tar
}

/// The SHA-256 of a file.
pub(super) fn sha256(workspace: &Workspace, file: &Path) -> Result<String> {
    let said = output(workspace.command("sha256sum").arg(file))?;
    Ok(said.split_whitespace().next().context("sha256sum says nothing")?.to_owned())
}

/// The SHA-256 of every file of the release, as `sha256sum --check` reads them.
pub(super) fn checksums(workspace: &Workspace, release: &Release) -> Result<()> {
    let mut sha256sum = workspace.command("sha256sum");
    sha256sum.current_dir(&release.out);
    for (name, _) in sizes(&release.out)? {
        sha256sum.arg(name);
    }
    let sums = output(&mut sha256sum)?;
    fs::write(release.out.join("SHA256SUMS"), sums).context("failed to write SHA256SUMS")
}

/// The release's files, by name, with their bytes.
pub(super) fn sizes(out: &Path) -> Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(out).with_context(|| format!("failed to list {}", out.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("forewarn_") || name == "SHA256SUMS" {
            files.push((name, entry.metadata()?.len()));
        }
    }
    files.sort();
    Ok(files)
}
