//! One file for a box without a network: the package, every Debian package that it needs down to the voices, the runtime and the
//! models, and a script that installs all of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::Release;
use super::archive::pack;
use super::program::Program;
use crate::workspace::{Workspace, announce, output, run};

/// Installs what lies beside it.
const INSTALL: &str = include_str!("../../../packaging/install-offline.sh");

/// Packs it, of a package that was made.
pub(super) fn bundle(workspace: &Workspace, release: &Release, program: &Program, package: &Path) -> Result<()> {
    announce("what a box without a network needs");
    let name = format!("forewarn-{}-offline", release.version);
    let folder = release.out.join(&name);
    packages(workspace, &folder.join("packages"), package)?;
    models(workspace, program, &folder)?;
    fs::write(folder.join("install.sh"), INSTALL)?;
    run(workspace.command("chmod").arg("755").arg(folder.join("install.sh")))?;
    let mut sums = workspace.command("sh");
    let script = "find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum >SHA256SUMS";
    run(sums.args(["-c", script]).current_dir(&folder))?;
    let archive = release.out.join(release.name("_offline.tar"));
    run(pack(workspace, release, &archive).arg("-C").arg(&release.out).arg(&name))?;
    fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))
}

/// The package and all that it needs, as a place from which apt installs. What a box has already is left out there.
fn packages(workspace: &Workspace, folder: &Path, package: &Path) -> Result<()> {
    let scratch = folder.join("partial");
    fs::create_dir_all(&scratch).with_context(|| format!("failed to create {}", scratch.display()))?;
    // Of a system on which nothing is installed, so that the answer does not depend on this one.
    let nothing = scratch.join("status");
    fs::write(&nothing, "")?;
    let option = |name: &str, value: PathBuf| format!("{name}={}", value.display());
    let mut apt = workspace.command("apt-get");
    apt.args(["--yes", "--quiet", "--download-only", "--no-install-recommends"]);
    for value in [
        option("Dir::State::status", nothing),
        option("Dir::Cache::archives", folder.to_owned()),
        "APT::Sandbox::User=root".to_owned(),
        "Debug::NoLocking=true".to_owned(),
    ] {
        apt.args(["-o", &value]);
    }
    run(apt.arg("install").arg(package))?;
    fs::remove_dir_all(&scratch)?;
    let name = package.file_name().context("a package has a name")?;
    fs::copy(package, folder.join(name))?;
    let listed = output(workspace.command("dpkg-scanpackages").args(["--multiversion", "."]).current_dir(folder))?;
    ensure!(listed.contains("Package: forewarn\n"), "dpkg-scanpackages does not list the package");
    fs::write(folder.join("Packages"), listed)?;
    Ok(())
}

/// The store of this machine, as far as the program pins it.
fn models(workspace: &Workspace, program: &Program, folder: &Path) -> Result<()> {
    run(workspace.command(&program.path).args(["models", "fetch", "--all"]))?;
    run(workspace.command(&program.path).args(["models", "pack"]).arg(folder.join("models.tar")))
}
