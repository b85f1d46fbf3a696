//! The tests, the chaos and the soak harness, and the generated diagram.

use anyhow::{Context, Result};

use crate::workspace::{Profile, Stopwatch, Workspace, minutes, run};
use crate::{assets, compile, setup};

/// Runs every test of the workspace, or those whose names contain `filter`.
pub(crate) fn test(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    let start = Stopwatch::start();
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Dev)?;
    assets::fetch(workspace, &forewarn)?;
    assets::fetch_readers(workspace)?;
    let has_browser = setup::has_browser();
    if has_browser {
        assets::fetch_driver(workspace)?;
    }
    let mut cargo = workspace.cargo(&["test", "--workspace", "--no-fail-fast"]);
    cargo.env("FOREWARN_BIN", &forewarn).args(filter);
    // What a person would wait for is waited for in a browser: it has the processor to itself.
    let walks_later = has_browser && filter.is_none();
    if walks_later {
        cargo.env("FOREWARN_JOURNEYS", "later");
    }
    let mut done = run(&mut cargo);
    if walks_later {
        let journeys = ["test", "--workspace", "--no-fail-fast", "--test", "e2e", "--", "--test-threads", "1"];
        let walked = run(workspace.cargo(&journeys).args(["console::", "talk::"]).env("FOREWARN_BIN", &forewarn));
        done = done.and(walked);
    }
    if !has_browser {
        // They count as passed, so that it must be said where the outcome is read.
        eprintln!(
            "\nSkipped: nobody walked through the console's page, because there is no Chromium: apt install chromium"
        );
    }
    done.with_context(|| format!("tests failed (whole run: {})", minutes(start.elapsed())))?;
    eprintln!("\nAll tests passed in {}.", minutes(start.elapsed()));
    Ok(())
}

/// Kills agent and broker `rounds` times and judges what is left; then has recipients die, answer twice and lie, for the 200
/// rounds of the test that has both.
pub(crate) fn chaos(workspace: &Workspace, rounds: u32) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Release)?;
    assets::fetch(workspace, &forewarn)?;
    let rounds = rounds.to_string();
    let args = ["run", "--release", "--package", "forewarn-tests", "--bin", "chaos", "--", "--rounds", &rounds];
    run(workspace.cargo(&args).env("FOREWARN_BIN", &forewarn))?;
    let liars =
        ["test", "--release", "--package", "forewarn-report", "--test", "upstream", "liars::", "--", "--nocapture"];
    run(&mut workspace.cargo(&liars))
}

/// Does what goes wrong on a site some hundred times; what grows with the rounds is an error.
pub(crate) fn soak(workspace: &Workspace, is_brief: bool, only: &[String]) -> Result<()> {
    setup::setup(false)?;
    let forewarn = compile::program(workspace, Profile::Demo)?;
    assets::fetch(workspace, &forewarn)?;
    let mut cargo =
        workspace.cargo(&["run", "--profile", "demo", "--package", "forewarn-tests", "--bin", "soak", "--"]);
    if is_brief {
        cargo.arg("--brief");
    }
    cargo.args(only.iter().flat_map(|load| ["--only", load]));
    run(&mut cargo)
}

/// Writes the diagram of the incident's states into the docs.
pub(crate) fn diagram(workspace: &Workspace) -> Result<()> {
    let test_of_the_page = ["test", "--package", "forewarn-incident", "--test", "it", "page"];
    run(workspace.cargo(&test_of_the_page).env("UPDATE_EXPECT", "1"))
}
