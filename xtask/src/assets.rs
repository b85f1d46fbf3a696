//! Lets the program fetch what it needs. What is fetched, and how, is the binary's own matter.

use std::path::Path;

use anyhow::Result;

use crate::workspace::{Workspace, run};

/// Fetches the ONNX Runtime library, the models and the demo clip; what is there already is only verified.
pub(crate) fn fetch(workspace: &Workspace, forewarn: &Path) -> Result<()> {
    run(workspace.command(forewarn).args(["models", "fetch", "--all"]))?;
    run(workspace.command(forewarn).args(["demo", "--fetch-only"]))
}
