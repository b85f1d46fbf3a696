//! `cargo xtask dist`: what is handed to those who install: a Debian package, a tarball, checksums, a bill of
//! materials; if asked for, an image for container engines and a bundle for boxes without a network.
//!
//! All of it is the same to the byte wherever the same commit is built with the same compiler: times are the commit's,
//! names are sorted, owners are nobody's, and paths of the build are replaced in the program.
//!
//! The package is made by Debian's own `dpkg-deb`, which every Debian has and which settles times and order itself; the
//! usual crate, cargo-deb, takes minutes to compile and would leave the same control file to be written.

mod archive;
mod arm64;
mod bill;
mod deb;
mod image;
mod locked;
mod notices;
mod offline;
mod payload;
mod program;
mod try_out;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::compile;
use crate::metadata::Metadata;
use crate::workspace::{Profile, Stopwatch, Workspace, announce, minutes, output};
use crate::{assets, setup};

use arm64::{ARM64, Arm64};
use payload::Payload;
use program::Program;

/// Debian's programs that pack, beside those that every Debian has.
const PACKERS: [&str; 3] = ["dpkg-dev", "xz-utils", "gzip"];

/// What is packed, and of which state of the sources.
#[derive(Debug)]
struct Release {
    version: String,
    /// As Debian calls it.
    architecture: String,
    commit: String,
    /// Seconds since 1970, of the commit; every file is of this time.
    made_at: u64,
    /// Where the files go.
    out: PathBuf,
}

impl Release {
    fn of(workspace: &Workspace, metadata: &Metadata) -> Result<Self> {
        let program = metadata.members().find(|package| package.name == "forewarn");
        let git = |args: &[&str]| output(workspace.command("git").args(args)).map(|said| said.trim().to_owned());
        let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
        let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
        Ok(Self {
            version: program.context("the workspace has no program")?.version.clone(),
            architecture: output(workspace.command("dpkg").arg("--print-architecture"))?.trim().to_owned(),
            commit: if is_changed { format!("{commit}, changed") } else { commit },
            made_at: git(&["log", "-1", "--format=%ct"])?.parse().context("git names no time of the commit")?,
            out: workspace.target().join("packages"),
        })
    }

    /// The name of a file of the release.
    fn name(&self, ending: &str) -> String {
        format!("forewarn_{}_{}{ending}", self.version, self.architecture)
    }
}

/// The processor that is packed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Target {
    /// ARM of 64 bits.
    Arm64,
}

/// What is done beside packing.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own that is typed; none excludes another")]
pub(crate) struct Wanted {
    /// It is the demo's program, which is soon built.
    pub(crate) quick: bool,
    /// It is this program, and none is built.
    pub(crate) program: Option<PathBuf>,
    /// The package is installed, used, upgraded and purged in a Debian of its own.
    pub(crate) try_out: bool,
    /// All that a box without a network needs goes into one more file.
    pub(crate) offline: bool,
    /// An image for container engines.
    pub(crate) image: bool,
    /// For which processor.
    pub(crate) target: Option<Target>,
}

/// Packs the program.
pub(crate) fn dist(workspace: &Workspace, wanted: &Wanted) -> Result<()> {
    let watch = Stopwatch::start();
    setup::install(&PACKERS, false)?;
    let metadata = Metadata::of_this_platform(workspace)?;
    let mut release = Release::of(workspace, &metadata)?;
    let arm64 =
        (wanted.target == Some(Target::Arm64) && release.architecture != ARM64).then(|| Arm64::prepare(workspace));
    let arm64 = arm64.transpose()?;
    if arm64.is_some() {
        ARM64.clone_into(&mut release.architecture);
    }
    if release.out.exists() {
        fs::remove_dir_all(&release.out).with_context(|| format!("failed to empty {}", release.out.display()))?;
    }
    fs::create_dir_all(&release.out).with_context(|| format!("failed to create {}", release.out.display()))?;
    let (program, libraries) = built(workspace, &mut release, wanted, arm64.as_ref())?;
    let packages = locked::packages(workspace, &metadata)?;
    let payload = Payload::gather(workspace, &release, &program, &packages)?;
    let package = deb::build(workspace, &release, &libraries, &payload, &release.version)?;
    archive::tarball(workspace, &release, &payload)?;
    fs::write(release.out.join(release.name(".cdx.json")), bill::of_materials(&release, &packages)?)?;
    let offline = wanted.offline.then(|| offline::bundle(workspace, &release, &program, &package)).transpose()?;
    if wanted.image {
        image::image(workspace, &release, &payload, &package)?;
    }
    archive::checksums(workspace, &release)?;
    announce(&format!("packed in {}, by {}", release.out.display(), minutes(watch.elapsed())));
    for (name, bytes) in archive::sizes(&release.out)? {
        eprintln!("    {bytes:>12} {name}");
    }
    if !wanted.try_out {
        return Ok(());
    }
    // A program for another processor cannot fetch here.
    let here = || if arm64.is_some() { compile::program(workspace, Profile::Demo) } else { Ok(program.path.clone()) };
    let models = assets::filled_store(workspace, here)?;
    if let Some(bundle) = &offline {
        offline::try_out(workspace, bundle, &models)?;
    }
    if let Some(arm64) = &arm64 {
        return arm64.try_out(&package, &models);
    }
    let newer = format!("{}+try", release.version);
    let upgrade = deb::build(workspace, &release, &libraries, &payload, &newer)?;
    try_out::run_through(workspace, &package, &upgrade, &models)
}

/// The program, and the packages of the libraries that it is linked with. The release is of its commit.
fn built(
    workspace: &Workspace,
    release: &mut Release,
    wanted: &Wanted,
    arm64: Option<&Arm64<'_>>,
) -> Result<(Program, Vec<String>)> {
    if let Some(arm64) = arm64 {
        let program = arm64.build(release, wanted.quick)?;
        let libraries = deb::listed(&output(&mut arm64.libraries(&program))?)?;
        return Ok((program, libraries));
    }
    let program = match &wanted.program {
        Some(path) => Program::at(path)?,
        None => Program::build(workspace, release, wanted.quick)?,
    };
    release.commit = program.commit(workspace, &release.version)?;
    let libraries = deb::libraries(workspace, release, &program)?;
    Ok((program, libraries))
}
