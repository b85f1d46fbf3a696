//! Scenes with exactly known truth, and how much of what happens in them the program finds.

mod intervals;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::workspace::{Workspace, run};
use crate::{assets, compile, setup};

/// The page that shows the table.
const PAGE: &str = "docs/evaluation.md";

/// Which scenes are judged, and what becomes of the result.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `develop` or `test`.
    pub(crate) part: String,
    /// What is left to chance hangs on it.
    pub(crate) seed: u64,
    /// Only scenes whose names contain one of these; all if there are none.
    pub(crate) only: Vec<String>,
    /// Judges the scenes that lie there instead of making them.
    pub(crate) again: bool,
    /// Writes the table into the page.
    pub(crate) write: bool,
}

/// Makes the scenes of a part and prints the table of what is found in them.
pub(crate) fn evaluate(workspace: &Workspace, settings: &Settings) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::given_or_demo(workspace)?;
    assets::fetch(workspace, &forewarn)?;
    let out = workspace.target().join("scenes");
    let folder = out.join(&settings.part);
    if !settings.again {
        make(workspace, settings, &out, &folder)?;
    }
    let result = out.join(&settings.part).with_extension("json");
    run(workspace.command(&forewarn).arg("evaluate").arg(&folder).args(["--jobs", "2", "--save"]).arg(&result))?;
    if settings.write {
        write(&workspace.root.join(PAGE), &result, &folder, &settings.part)?;
    }
    Ok(())
}

fn make(workspace: &Workspace, settings: &Settings, out: &Path, folder: &Path) -> Result<()> {
    // Scenes of another seed or choice would be counted with these.
    if folder.is_dir() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    let note = note(folder);
    if note.is_file() {
        fs::remove_file(&note).with_context(|| format!("failed to remove {}", note.display()))?;
    }
    let mut scenes = workspace.cargo(&["run", "--package", "forewarn-tests", "--bin", "scenes", "--"]);
    scenes.arg("--out").arg(out).args(["--part", &settings.part, "--seed", &settings.seed.to_string()]);
    run(scenes.args(settings.only.iter().flat_map(|name| ["--only", name])))?;
    if settings.only.is_empty() {
        fs::write(&note, settings.seed.to_string()).with_context(|| format!("failed to write {}", note.display()))?;
    }
    Ok(())
}

/// The file that holds the seed once all scenes of a folder are made.
fn note(folder: &Path) -> PathBuf {
    folder.with_extension("seed")
}

/// Puts the table of a result into the page, in place of the one that stands there.
fn write(page: &Path, result: &Path, folder: &Path, part: &str) -> Result<()> {
    let Ok(seed) = fs::read_to_string(note(folder)) else {
        bail!("{} does not hold all scenes of its part; run this without --again and --only", folder.display());
    };
    let read = |path: &Path| fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()));
    let result: report::Evaluation = serde_json::from_str(&read(result)?)
        .with_context(|| format!("{} is no result of `forewarn evaluate --save`", result.display()))?;
    let text = report::placed(&read(page)?, &report::section(&result, part, seed.trim()))
        .with_context(|| page.display().to_string())?;
    fs::write(page, text).with_context(|| format!("failed to write {}", page.display()))?;
    eprintln!("    {} holds the table", page.display());
    Ok(())
}
