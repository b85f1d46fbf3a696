//! Whether the package does what it should on a bare Debian: it is installed there, used, upgraded, removed and purged,
//! under the systemd of that Debian.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::setup;
use crate::workspace::{Workspace, announce, output, run};

/// What makes a Debian in a folder and boots it.
const MAKERS: [&str; 4] = ["mmdebstrap", "systemd-container", "python3", "curl"];

/// Runs `packaging/try.sh` on a package and one of a newer version, with the folder of models; its transcript says how each step went.
pub(super) fn run_through(workspace: &Workspace, package: &Path, newer: &Path, models: &Path) -> Result<()> {
    let user = output(workspace.command("id").arg("-u"))?;
    ensure!(user.trim() == "0", "the package is installed as root in a Debian of its own; run this as root");
    setup::install(&MAKERS, false)?;
    announce("the package in a Debian of its own");
    let mut script = workspace.command("bash");
    script.arg(workspace.root.join("packaging/try.sh")).args([package, newer, models]);
    run(script.arg(workspace.target().join("try")))
}
