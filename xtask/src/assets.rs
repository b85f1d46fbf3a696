//! Builds the binary and lets it fetch what it needs. What is fetched, and how, is the binary's own matter.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::compile;
use crate::workspace::{Profile, Workspace, run};

/// Builds `forewarn` and returns where it is.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    match profile {
        Profile::Release => run(&mut workspace.cargo(&["build", "--release", "--package", "forewarn"]))?,
        Profile::Dev => return compile::shared(workspace),
    }
    Ok(workspace.program(profile, "forewarn"))
}

/// Fetches the ONNX Runtime library, the models and the demo clip; what is there already is only verified.
pub(crate) fn fetch(workspace: &Workspace, forewarn: &Path) -> Result<()> {
    run(workspace.command(forewarn).args(["models", "fetch", "--all"]))?;
    run(workspace.command(forewarn).args(["demo", "--fetch-only"]))
}
