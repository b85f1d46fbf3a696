//! Compiling the program, and saying how far that is.

use std::env;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::metadata::{Metadata, Package};
use crate::workspace::{Profile, Stopwatch, Workspace, announce, as_typed, minutes, run};

/// Builds the program of the tests with the features that `cargo test --workspace` chooses, so that nothing is compiled
/// anew for the tests. Cargo looks at all packages because of `--workspace`, and at what only tests need because of the
/// example, which is empty.
const FOR_TESTS: [&str; 6] = ["build", "--workspace", "--bin", "forewarn", "--example", "features_of_tests"];
/// Builds the program of the demo, and nothing else.
const FOR_DEMO: [&str; 5] = ["build", "--profile", "demo", "--package", "forewarn"];
/// Builds the program as it is shipped and measured.
const FOR_RELEASE: [&str; 4] = ["build", "--release", "--package", "forewarn"];

/// How much longer a crate of the house takes than one of its dependencies, on average.
const HOUSE_WEIGHT: usize = 12;
/// Seconds of one core for a dependency, on average, on a small server of 2026.
const CORE_S: f64 = 0.75;

/// How much there is to compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Packages.
    pub(crate) crates: usize,
    /// Packages that lie in no folder of cargo yet.
    pub(crate) to_download: usize,
    /// Libraries, programs and build scripts.
    units: usize,
    /// The same, each counted by how long it takes.
    weight: usize,
}

impl Extent {
    /// Of everything that the program is made of.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let metadata = Metadata::of_this_platform(workspace)?;
        let mut ids = metadata.compiled_for("forewarn", &[None, Some("build")]);
        ids.extend(metadata.compiled_for("xtask", &[None, Some("build"), Some("dev")]));
        let packages = || metadata.packages.iter().filter(|p| ids.contains(p.id.as_str()));
        let is_absent = |p: &&Package| {
            let folder = PathBuf::from(&p.manifest_path);
            p.source.is_some() && !folder.exists()
        };
        Ok(Self {
            crates: packages().count(),
            to_download: packages().filter(is_absent).count(),
            units: packages().map(units_of).sum(),
            weight: packages().map(|p| units_of(p) * weight_of(p.source.is_none())).sum(),
        })
    }

    /// How long all of it takes on this machine, roughly.
    pub(crate) fn estimate(self) -> Duration {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Duration::from_secs_f64(self.weight as f64 * CORE_S / cores as f64)
    }
}

/// One for a library or program, and one for a build script.
fn units_of(package: &Package) -> usize {
    let is = |kinds: &[&str]| package.targets.iter().any(|t| t.kind.iter().any(|k| kinds.contains(&k.as_str())));
    1 + usize::from(is(&["custom-build"]))
}

fn weight_of(is_of_the_house: bool) -> usize {
    if is_of_the_house { HOUSE_WEIGHT } else { 1 }
}

/// The program that `FOREWARN_BIN` names, else that of the demo, built.
pub(crate) fn given_or_demo(workspace: &Workspace) -> Result<PathBuf> {
    env::var_os("FOREWARN_BIN").map_or_else(|| program(workspace, Profile::Demo), |path| Ok(PathBuf::from(path)))
}

/// Builds the program and returns where it is. On a terminal cargo shows how far it is; elsewhere each tenth is a line.
pub(crate) fn program(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut cargo = workspace.cargo(match profile {
        Profile::Dev => &FOR_TESTS,
        Profile::Demo => &FOR_DEMO,
        Profile::Release => &FOR_RELEASE,
    });
    if std::io::stderr().is_terminal() || env::var_os("CARGO_TERM_VERBOSE").is_some() {
        run(&mut cargo)?;
    } else {
        announce(&as_typed(&cargo));
        let extent = Extent::read(workspace)?;
        counted(&mut cargo, Progress::new(extent))?;
    }
    Ok(workspace.program(profile, "forewarn"))
}

/// What cargo tells of each thing that it built or found built.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    fresh: bool,
}

fn counted(cargo: &mut Command, mut progress: Progress) -> Result<()> {
    let typed = as_typed(cargo);
    let watch = Stopwatch::start();
    cargo.args(["--quiet", "--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
    let mut child = cargo.spawn().with_context(|| format!("failed to start `{typed}`"))?;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            let line = line.with_context(|| format!("failed to read what `{typed}` says"))?;
            // What is no message of cargo's comes from a build script.
            let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
            if message.reason == "compiler-artifact" {
                let is_of_the_house = message.package_id.starts_with("path+");
                if let Some(said) = progress.count(is_of_the_house, message.fresh, watch.elapsed()) {
                    eprintln!("    {said}");
                }
            }
        }
    }
    let status = child.wait().with_context(|| format!("failed to wait for `{typed}`"))?;
    if !status.success() {
        bail!("`{typed}` failed ({status}) after {}", minutes(watch.elapsed()));
    }
    eprintln!("    {typed}: done in {}", minutes(watch.elapsed()));
    Ok(())
}

/// How far a build is.
#[derive(Debug)]
struct Progress {
    extent: Extent,
    units: usize,
    weight: usize,
    /// Weight of what was there already.
    fresh: usize,
    tenths_told: usize,
}

impl Progress {
    fn new(extent: Extent) -> Self {
        Self { extent, units: 0, weight: 0, fresh: 0, tenths_told: 0 }
    }

    /// Counts one thing; says something at each tenth, unless nothing had to be built so far.
    fn count(&mut self, is_of_the_house: bool, is_fresh: bool, elapsed: Duration) -> Option<String> {
        let weight = weight_of(is_of_the_house);
        self.units += 1;
        self.weight += weight;
        self.fresh += if is_fresh { weight } else { 0 };
        // A package that is built for two purposes counts twice, so that a little more may come than was foreseen.
        let all = self.extent.units.max(self.units);
        let tenths = self.units * 10 / all;
        if tenths <= self.tenths_told || tenths == 10 {
            return None;
        }
        self.tenths_told = tenths;
        let built = self.weight - self.fresh;
        if built == 0 {
            return None;
        }
        let left = self.extent.weight.saturating_sub(self.weight);
        let remaining = elapsed.mul_f64(left as f64 / built as f64);
        Some(format!("{} of {all} built ({} %), about {} left", self.units, tenths * 10, roughly(remaining)))
    }
}

/// A duration that is only estimated.
pub(crate) fn roughly(span: Duration) -> String {
    match span.as_secs() {
        s @ 0..=9 => format!("{} s", s.max(1)),
        s @ 10..=89 => format!("{} s", s.div_ceil(10) * 10),
        s => format!("{} min", (s + 30) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { crates: 10, to_download: 0, units: 20, weight: 38 };

    #[test]
    fn each_tenth_is_said_once_with_what_is_left() {
        let mut progress = Progress::new(EXTENT);
        let said: Vec<Option<String>> = (1..=6).map(|s| progress.count(false, false, Duration::from_secs(s))).collect();
        assert_eq!(said[1].as_deref(), Some("2 of 20 built (10 %), about 40 s left"));
        assert_eq!(said.iter().flatten().count(), 3);
    }

    #[test]
    fn nothing_is_said_where_everything_was_built_before() {
        let mut progress = Progress::new(EXTENT);
        assert!((0..25).all(|_| progress.count(false, true, Duration::from_millis(5)).is_none()));
    }

    #[test]
    fn what_is_estimated_is_rounded() {
        let said = [0, 7, 42, 89, 100, 400].map(|s| roughly(Duration::from_secs(s)));
        assert_eq!(said, ["1 s", "7 s", "50 s", "90 s", "2 min", "7 min"]);
    }
}
