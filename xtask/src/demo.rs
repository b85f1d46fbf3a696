//! `cargo xtask demo`: says what is to be done here and how long it takes, does it, and becomes the demo.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::compile::{self, Extent, roughly};
use crate::setup::{self, Download};
use crate::workspace::{Profile, Workspace, run};

/// The clip as the program keeps it.
const CLIP: &str = "vtest-h264.mp4";
/// Megabytes that are fetched in a second, at an ordinary line.
const MEGABYTES_A_SECOND: f64 = 5.0;
/// Seconds in which a Debian package is unpacked and set up.
const UNPACK_S: f64 = 0.2;
/// Seconds in which the clip is made H.264.
const TRANSCODE_S: f64 = 15.0;

/// Sets up, builds and fetches what the demo needs, and becomes it. Returns only if that fails.
pub(crate) fn demo(workspace: &Workspace, args: &[String]) -> Result<anyhow::Error> {
    let plan = Plan::make(workspace)?;
    eprint!("{plan}");
    if plan.packages.is_some() {
        setup::install_missing()?;
    }
    let forewarn = compile::program(workspace, Profile::Demo)?;
    if !plan.downloads.is_empty() {
        setup::presume(&["python3"])?;
        fetch(workspace, &forewarn)?;
    }
    Ok(workspace.become_program(&forewarn, args))
}

/// What there is to do.
#[derive(Debug)]
struct Plan {
    packages: Option<Download>,
    /// How much is compiled; none if the program is there, of which cargo builds what changed.
    build: Option<Extent>,
    downloads: Vec<Asset>,
}

/// Something that the program fetches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asset {
    what: &'static str,
    megabytes: u32,
}

impl Plan {
    fn make(workspace: &Workspace) -> Result<Self> {
        let packages = setup::missing_packages()?;
        let is_built = workspace.program(Profile::Demo, "forewarn").is_file();
        let build = if is_built { None } else { Some(Extent::read(workspace)?) };
        Ok(Self { packages, build, downloads: missing_assets(&workspace.root, &store(&workspace.root))? })
    }

    fn estimate(&self) -> Duration {
        let packages = self
            .packages
            .as_ref()
            .map_or(0.0, |p| p.megabytes.unwrap_or(0.0) / MEGABYTES_A_SECOND + p.packages as f64 * UNPACK_S);
        packages_and(packages, self.build.map_or(Duration::ZERO, Extent::estimate)) + self.fetching()
    }

    fn fetching(&self) -> Duration {
        let megabytes: u32 = self.downloads.iter().map(|asset| asset.megabytes).sum();
        let transcoding =
            if self.downloads.iter().any(|asset| asset.what == "street clip") { TRANSCODE_S } else { 0.0 };
        Duration::from_secs_f64(f64::from(megabytes) / MEGABYTES_A_SECOND + transcoding)
    }
}

fn packages_and(packages_s: f64, build: Duration) -> Duration {
    Duration::from_secs_f64(packages_s) + build
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.packages.is_none() && self.build.is_none() && self.downloads.is_empty() {
            return Ok(());
        }
        writeln!(f, "Before the demo can start on this machine:")?;
        if let Some(packages) = &self.packages {
            let size = packages.megabytes.map_or("size unknown".to_owned(), |mb| format!("{mb:.0} MB"));
            writeln!(f, "  install  {} Debian packages, {size}: {}", packages.packages, packages.names.join(" "))?;
        }
        if let Some(extent) = self.build {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let download = match extent.to_download {
                0 => String::new(),
                n => format!(", {n} of them downloaded first"),
            };
            let time = roughly(extent.estimate());
            writeln!(f, "  compile  {} crates on {cores} cores{download}: about {time}", extent.crates)?;
        }
        if !self.downloads.is_empty() {
            let list: Vec<String> =
                self.downloads.iter().map(|asset| format!("{} {} MB", asset.what, asset.megabytes)).collect();
            writeln!(f, "  fetch    {}: about {}", list.join(", "), roughly(self.fetching()))?;
        }
        writeln!(f, "In all about {}; each is done once. Then the demo runs for 80 s.", roughly(self.estimate()))
    }
}

/// The folder of models, where the program looks for it too.
pub(crate) fn store(root: &Path) -> PathBuf {
    let set = env::var_os("FOREWARN_MODEL_DIR").filter(|dir| !dir.is_empty());
    set.map_or_else(|| root.join("models/store"), |dir| root.join(dir))
}

/// Fetches what the demo needs, by the program: the library, the default detector and the clip.
pub(crate) fn fetch(workspace: &Workspace, forewarn: &Path) -> Result<()> {
    run(workspace.command(forewarn).args(["models", "fetch"]))?;
    run(workspace.command(forewarn).args(["demo", "--fetch-only"]))
}

/// The little of `models/assets.toml` that is needed here.
#[derive(Debug, Deserialize)]
struct Assets {
    runtime: std::collections::BTreeMap<String, Runtime>,
    clip: Clip,
}

#[derive(Debug, Deserialize)]
struct Runtime {
    path: PathBuf,
    megabytes: u32,
}

#[derive(Debug, Deserialize)]
struct Clip {
    megabytes: u32,
}

/// What the demo needs and the store has not.
pub(crate) fn missing_assets(root: &Path, store: &Path) -> Result<Vec<Asset>> {
    let path = root.join("models/assets.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let assets: Assets = toml::from_str(&text).with_context(|| format!("failed to understand {}", path.display()))?;
    let runtime = assets.runtime.get(env::consts::ARCH);
    let file = runtime.and_then(|r| r.path.file_name()).unwrap_or_default();
    let needed = [
        ("ONNX Runtime", store.join(file), runtime.map_or(0, |r| r.megabytes)),
        ("street clip", store.join(CLIP), assets.clip.megabytes),
    ];
    let missing = needed.into_iter().filter(|(_, file, _)| !file.is_file());
    Ok(missing.map(|(what, _, megabytes)| Asset { what, megabytes }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_what_is_done_and_for_how_long() {
        let names = vec!["gcc", "mosquitto"];
        let plan = Plan {
            packages: Some(Download { names, packages: 5, megabytes: Some(50.0) }),
            build: None,
            downloads: vec![Asset { what: "street clip", megabytes: 100 }],
        };
        let told = "Before the demo can start on this machine:\n  install  5 Debian packages, 50 MB: gcc mosquitto\n  \
                    fetch    street clip 100 MB: about 40 s\nIn all about 50 s; each is done once. Then the demo runs \
                    for 80 s.\n";
        assert_eq!(plan.to_string(), told);
    }

    #[test]
    fn nothing_is_said_where_everything_is_there() {
        assert_eq!(Plan { packages: None, build: None, downloads: Vec::new() }.to_string(), "");
    }

    #[test]
    fn what_the_store_lacks_is_known_with_its_size() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let store = tempfile::tempdir().unwrap();
        let missing = missing_assets(root, store.path()).unwrap();
        assert_eq!(missing.iter().map(|asset| asset.what).collect::<Vec<_>>(), ["ONNX Runtime", "street clip"]);
        assert!(missing.iter().all(|asset| asset.megabytes >= 1), "{missing:?}");
        fs::write(store.path().join(CLIP), "").unwrap();
        assert_eq!(missing_assets(root, store.path()).unwrap().len(), 1);
    }
}
