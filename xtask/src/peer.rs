//! `cargo xtask bench` and `bench --peer`: the agent beside a plain one in Python, in turn on the same cameras, and by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{Profile, Workspace, run};
use crate::{bench, compile, demo, flame, setup};

/// The peer, its packages, and what makes the clips.
const PEERS: &str = "tests/peers";
/// The weights that both detect with, which are shipped.
const WEIGHTS: &str = "site-nano-416.onnx";

/// What both agents run on: installed and made once.
struct Ready {
    forewarn: PathBuf,
    packages: PathBuf,
    clips: PathBuf,
    peer: PathBuf,
    weights: PathBuf,
}

/// Installs the peer's packages and makes the clips.
fn ready(workspace: &Workspace) -> Result<Ready> {
    setup::setup(false)?;
    let forewarn = match std::env::var_os("FOREWARN_BIN") {
        Some(path) => PathBuf::from(path),
        None => compile::program(workspace, Profile::Release)?,
    };
    demo::fetch(workspace, &forewarn)?;
    let store = demo::store(&workspace.root);
    let clip = bench::demo_clip(&store)?;
    let (peers, folder) = (workspace.root.join(PEERS), workspace.target().join("peers"));
    let packages = folder.join("packages");
    install(workspace, &peers.join("requirements.txt"), &packages)?;
    let clips = folder.join("clips");
    let mut python = workspace.command("python3");
    run(python.env("PYTHONPATH", &packages).arg(peers.join("clips.py")).arg(&clip).arg(&clips))?;
    Ok(Ready { forewarn, packages, clips, peer: peers.join("agent.py"), weights: store.join(WEIGHTS) })
}

impl Ready {
    /// A program of the tests that runs both.
    fn program(&self, workspace: &Workspace, name: &str, seconds: u32) -> Command {
        let mut cargo = workspace.cargo(&["run", "--package", "forewarn-tests", "--bin", name, "--"]);
        cargo.arg(&self.clips).args(["--python", "python3", "--seconds", &seconds.to_string()]);
        cargo.arg("--peer").arg(&self.peer).arg("--weights").arg(&self.weights);
        cargo.env("FOREWARN_BIN", &self.forewarn).env("PYTHONPATH", &self.packages);
        cargo
    }
}

/// Prints the table of both.
pub(crate) fn peer(workspace: &Workspace, seconds: u32) -> Result<()> {
    run(&mut ready(workspace)?.program(workspace, "peer", seconds))
}

/// Prints the tables of all that the agent shall be fast at, and draws where the processor is on a busy street.
pub(crate) fn speed(workspace: &Workspace, seconds: u32) -> Result<()> {
    let ready = ready(workspace)?;
    let (samples, flame) = (workspace.target().join("busy.stacks"), workspace.target().join("busy.svg"));
    if samples.is_file() {
        fs::remove_file(&samples).with_context(|| format!("failed to remove {}", samples.display()))?;
    }
    run(ready.program(workspace, "speed", seconds).arg("--samples").arg(&samples))?;
    let Ok(stacks) = fs::read_to_string(&samples) else { return Ok(()) };
    if let Some(svg) = flame::svg(&stacks) {
        fs::write(&flame, svg).with_context(|| format!("failed to write {}", flame.display()))?;
        eprintln!("    {} holds the flame graph; a browser shows it", flame.display());
    }
    Ok(())
}

/// Installs what `list` names into `packages`, unless that list was installed there before.
fn install(workspace: &Workspace, list: &Path, packages: &Path) -> Result<()> {
    let wanted = fs::read_to_string(list).with_context(|| format!("failed to read {}", list.display()))?;
    let stamp = packages.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut pip = workspace.command("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]);
    run(pip.arg("--target").arg(packages).arg("-r").arg(list))?;
    fs::write(&stamp, wanted).with_context(|| format!("failed to write {}", stamp.display()))
}
