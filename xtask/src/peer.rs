//! `cargo xtask bench --peer`: the agent beside a plain one in Python, in turn on the same cameras.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::{Profile, Workspace, run};
use crate::{assets, bench, compile, demo, setup};

/// The peer, its packages, and what makes the clips.
const PEERS: &str = "tests/peers";
/// The weights that both detect with, which are shipped.
const WEIGHTS: &str = "site-nano-416.onnx";

/// Installs the peer's packages, makes the clips, both once, and prints the table.
pub(crate) fn peer(workspace: &Workspace, seconds: u32) -> Result<()> {
    setup::setup(false)?;
    let forewarn = match std::env::var_os("FOREWARN_BIN") {
        Some(path) => PathBuf::from(path),
        None => compile::program(workspace, Profile::Release)?,
    };
    assets::fetch(workspace, &forewarn)?;
    let store = demo::store(&workspace.root);
    let clip = bench::demo_clip(&store)?;
    let (peers, folder) = (workspace.root.join(PEERS), workspace.target().join("peers"));
    let packages = folder.join("packages");
    install(workspace, &peers.join("requirements.txt"), &packages)?;
    let python = || {
        let mut python = workspace.command("python3");
        python.env("PYTHONPATH", &packages);
        python
    };
    let clips = folder.join("clips");
    run(python().arg(peers.join("clips.py")).arg(&clip).arg(&clips))?;
    let seconds = seconds.to_string();
    let mut cargo = workspace.cargo(&["run", "--package", "forewarn-tests", "--bin", "peer", "--"]);
    cargo.arg(&clips).args(["--python", "python3", "--seconds", &seconds]);
    cargo.arg("--peer").arg(peers.join("agent.py")).arg("--weights").arg(store.join(WEIGHTS));
    run(cargo.env("FOREWARN_BIN", &forewarn).env("PYTHONPATH", &packages))
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
