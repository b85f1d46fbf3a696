//! Scenes with exactly known truth, and how much of what happens in them the program finds.

use anyhow::{Context as _, Result};

use crate::workspace::{Profile, Workspace, run};
use crate::{assets, compile, setup};

/// Makes the scenes of a part and prints the table of what is found in them.
pub(crate) fn evaluate(workspace: &Workspace, part: &str, seed: u64, only: &[String]) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Demo)?;
    assets::fetch(workspace, &forewarn)?;
    let out = workspace.target().join("scenes");
    // Scenes of another seed or choice would be counted with these.
    let folder = out.join(part);
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    let mut scenes = workspace.cargo(&["run", "--package", "forewarn-tests", "--bin", "scenes", "--"]);
    scenes.arg("--out").arg(&out).args(["--part", part, "--seed", &seed.to_string()]);
    run(scenes.args(only.iter().flat_map(|name| ["--only", name])))?;
    run(workspace.command(&forewarn).arg("evaluate").arg(folder).args(["--jobs", "2"]))
}
