//! The console of a running agent, in Chromium.

use std::path::Path;
use std::process::Command;

use forewarn_tests::camera::CameraOptions;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, CameraEntry, PATIENCE, Scene, SimCamera, SiteFile, eventually, program};

/// Chromium and what drives it; none where either is lacking.
fn browser() -> Option<(&'static str, std::path::PathBuf)> {
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let chromium = chromium.into_iter().find(|path| Path::new(path).exists())?;
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/console/web");
    web.join("node_modules/playwright-core").exists().then_some((chromium, web))
}

/// The console's table of a site file.
fn console_at(port: u16) -> String {
    format!("[console]\nlisten = \"127.0.0.1:{port}\" # behind the counter\n")
}

/// The link by which the first account is made.
fn link_of(agent: &Agent) -> Option<String> {
    let log = agent.log();
    let word = log.split_whitespace().find(|word| word.contains("/#setup="))?;
    Some(word.trim_end_matches(';').to_owned())
}

#[test]
fn cameras_are_seen_live_with_boxes_and_come_back_by_themselves() {
    let Some((chromium, web)) = browser() else {
        println!("skipped: there is no Chromium, or not what drives it; `cargo xtask assets --page` brings that");
        return;
    };
    let scene = Scene::new().unwrap();
    let options = CameraOptions::looped(&program::demo_clip().unwrap());
    let camera = SimCamera::start(&scene.program, scene.dir(), options).unwrap();
    let port = free_port().unwrap();
    let mut site = SiteFile::new();
    site.tables += &console_at(port);
    for id in ["gate", "yard"] {
        site = site.camera(CameraEntry::new(id, camera.url(), QUICK_PARKING));
    }
    let site = site.write(scene.dir()).unwrap();
    let mut agent = Agent::start(&scene.program, &site, "warn").unwrap();
    let link = eventually("the link of the console", || link_of(&agent)).unwrap();
    let mut node = Command::new("node");
    node.args(["tests/live.mjs", &link]).current_dir(&web).env("CHROMIUM", chromium);
    let done = node.args(std::env::var_os("FOREWARN_PICTURES")).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}\n{}", String::from_utf8_lossy(&done.stderr), agent.log());
    print!("{said}");
    agent.interrupt(PATIENCE).unwrap();
}

#[test]
fn zones_are_drawn_in_the_console_and_the_site_file_keeps_its_comments() {
    let Some((chromium, web)) = browser() else {
        println!("skipped: there is no Chromium, or not what drives it; `cargo xtask assets --page` brings that");
        return;
    };
    let scene = Scene::new().unwrap();
    let options = CameraOptions::looped(&program::demo_clip().unwrap());
    let camera = SimCamera::start(&scene.program, scene.dir(), options).unwrap();
    let port = free_port().unwrap();
    let mut site = SiteFile::new();
    site.tables += &console_at(port);
    let path = site.camera(CameraEntry::new("gate", camera.url(), QUICK_PARKING)).write(scene.dir()).unwrap();
    let before = std::fs::read_to_string(&path).unwrap();
    let mut agent = Agent::start(&scene.program, &path, "warn").unwrap();
    let link = eventually("the link of the console", || link_of(&agent)).unwrap();
    let mut node = Command::new("node");
    node.args(["tests/draw.mjs", &link, "gate"]).current_dir(&web).env("CHROMIUM", chromium);
    let done = node.args(std::env::var_os("FOREWARN_PICTURES")).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}\n{}", String::from_utf8_lossy(&done.stderr), agent.log());
    print!("{said}");
    let after = std::fs::read_to_string(&path).unwrap();
    let drawn = |line: &&str| !before.lines().any(|known| known == *line);
    let new: Vec<&str> = after.lines().filter(drawn).collect();
    assert!(before.lines().all(|line| after.lines().any(|kept| kept == line)), "nothing else was touched: {after}");
    assert!(
        matches!(new[..], ["id = \"forecourt\"", _, "id = \"phone-line\"", line] if line.starts_with("line = [[")),
        "{new:?}"
    );
    assert!(path.with_extension("toml.undo").is_file(), "the change can be taken back");
    agent.interrupt(PATIENCE).unwrap();
}
