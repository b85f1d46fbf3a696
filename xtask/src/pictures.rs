//! The documentation's pictures of the console: the journeys of its tests take them, and those that a page shows are kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::workspace::{Profile, Workspace, announce, run};
use crate::{assets, compile, setup};

/// All pictures together; whoever clones the project carries them.
const MOST_BYTES: u64 = 1_000_000;
/// Where they lie, and how a page names that.
const FOLDER: &str = "docs/pictures";
/// The journeys whose pictures are shown, by parts of the tests' names.
const JOURNEYS: [&str; 6] = [
    "an_operators_first_day",
    "cameras_are_seen_live",
    "settled_decided_again",
    "set_up_in_the_console",
    "zones_are_drawn",
    "microphone",
];
/// Without a font that has them, Chinese characters are empty squares.
const FONT: &str = "fonts-wqy-microhei";

/// Takes all pictures that a page shows anew.
pub(crate) fn take(workspace: &Workspace) -> Result<()> {
    let taken = workspace.target().join("pictures");
    fs::create_dir_all(&taken)?;
    let forewarn = compile::program(workspace, Profile::Dev)?;
    assets::fetch(workspace, &forewarn)?;
    if !setup::has_browser() {
        bail!("there is no Chromium to take pictures in: apt install chromium");
    }
    setup::install(&[FONT], false)?;
    assets::fetch_driver(workspace)?;
    // Of the whole workspace, which the suite has compiled; one after the other, so that no page is shown late because another
    // is made.
    let mut journeys = workspace.cargo(&["test", "--workspace", "--", "--test-threads", "1"]);
    journeys.args(JOURNEYS).env("FOREWARN_BIN", &forewarn);
    run(journeys.env("FOREWARN_PICTURES", std::path::absolute(&taken)?))?;
    let shown = shown(&workspace.root)?;
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut bytes = 0;
    for name in &shown {
        let from = taken.join(name);
        bytes += fs::copy(&from, folder.join(name))
            .with_context(|| format!("{name} is shown by a page and no journey took it: is Chromium there?"))?;
    }
    if bytes > MOST_BYTES {
        bail!(
            "{FOLDER}: {bytes} bytes are more than {MOST_BYTES}; show fewer, or lower the quality in web/tests/visit.mjs"
        );
    }
    announce(&format!("{FOLDER}: {} pictures, {bytes} bytes", shown.len()));
    Ok(())
}

/// The names of the pictures in that folder that the README and the pages of `docs` show.
fn shown(root: &Path) -> Result<BTreeSet<String>> {
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        pages.push(entry?.path());
    }
    let mut names = BTreeSet::new();
    for page in pages.iter().filter(|page| page.extension().is_some_and(|kind| kind == "md")) {
        names.extend(names_in(&fs::read_to_string(page)?));
    }
    Ok(names)
}

fn names_in(page: &str) -> Vec<String> {
    page.split("pictures/")
        .skip(1)
        .filter_map(|rest| rest.split([')', '"', ' ']).next())
        .filter(|name| name.strip_suffix(".webp").is_some_and(|stem| !stem.contains('/')))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names_in;

    #[test]
    fn pages_name_the_pictures_that_they_show() {
        let page = "![A](docs/pictures/live.webp) [x](pictures/card-phone.webp), pictures/, pictures/a.png and <img src=\"pictures/b.webp\">";
        assert_eq!(names_in(page), ["live.webp", "card-phone.webp", "b.webp"]);
    }
}
