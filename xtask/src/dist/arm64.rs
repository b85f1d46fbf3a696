//! The program for ARM, built on a machine that has another processor, and tried there by an emulator. What it takes, two Debians
//! and what mounts them, is made by `packaging/arm64.sh`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::Release;
use super::program::Program;
use crate::setup;
use crate::workspace::{Workspace, announce, output, run};

/// As Debian calls it.
pub(super) const ARM64: &str = "arm64";
/// What makes a Debian of another processor, runs its programs, and cuts a clip.
const MAKERS: [&str; 3] = ["mmdebstrap", "qemu-user-static", "ffmpeg"];
/// What names the libraries that a program needs.
const NAMES_LIBRARIES: &str = "dpkg-dev";
/// Paths of the build in the Debian that compiles, and what stands for each in the program.
const REMAPPED: [(&str, &str); 2] = [("/sources", "/forewarn"), ("/cargo", "/cargo")];

/// The two Debians.
pub(super) struct Arm64<'a> {
    workspace: &'a Workspace,
    work: PathBuf,
}

impl<'a> Arm64<'a> {
    /// Makes them where they are not there, in some ten minutes.
    pub(super) fn prepare(workspace: &'a Workspace) -> Result<Self> {
        let user = output(workspace.command("id").arg("-u"))?;
        ensure!(user.trim() == "0", "a Debian of another processor is made as root; run this as root");
        setup::install(&MAKERS, false)?;
        let this = Self { workspace, work: workspace.target().join(ARM64) };
        announce("a Debian that compiles, and one of the other processor");
        run(this.script("prepare").args(setup::needed_to_build()).arg(NAMES_LIBRARIES))?;
        Ok(this)
    }

    fn script(&self, deed: &str) -> Command {
        let mut script = self.workspace.command("bash");
        script.arg(self.workspace.root.join("packaging/arm64.sh")).arg(deed).arg(&self.work);
        script
    }

    /// Builds the program of the profile `dist`, or the demo's where it is `quick`.
    pub(super) fn build(&self, release: &Release, quick: bool) -> Result<Program> {
        let profile = if quick { "demo" } else { "dist" };
        // Cargo reads sources without a network in there.
        run(&mut self.workspace.cargo(&["fetch", "--locked"]))?;
        let out = self.work.join("out");
        let mut build = self.script("build");
        build.arg(&self.workspace.root).arg(&out);
        build.args(["build", "--offline", "--locked", "--package", "forewarn", "--profile", profile]);
        let remap = |option: &str| REMAPPED.map(|(from, to)| format!("{option}={from}={to}"));
        let mut flags = remap("--remap-path-prefix").to_vec();
        // As `agent/app/build.rs` has it on machines of the same processor, where Rust brings this linker itself.
        let link = ["--sysroot=/system", "-fuse-ld=lld", "-Wl,--icf=all", "-Wl,-z,pack-relative-relocs"];
        flags.extend(link.map(|arg| format!("-Clink-arg={arg}")));
        build.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS", flags.join(" "));
        build.env("CFLAGS", remap("-ffile-prefix-map").join(" "));
        run(build.env("SOURCE_DATE_EPOCH", release.made_at.to_string()).env("FOREWARN_COMMIT", &release.commit))?;
        let path = out.join("aarch64-unknown-linux-gnu").join(profile).join("forewarn");
        if quick { Program::found(&path) } else { Program::at(&path) }
    }

    /// Names the libraries of a program as `dpkg-shlibdeps` does, in the Debian whose libraries they are.
    pub(super) fn libraries(&self, program: &Program) -> Command {
        let mut command = self.script("libraries");
        command.arg(&program.path);
        command
    }

    /// Installs the package and uses it with the folder of models.
    pub(super) fn try_out(&self, package: &Path, models: &Path) -> Result<()> {
        announce("the package on the other processor, by an emulator");
        run(self.script("try").arg(package).arg(models))
    }
}
