//! The console of a running agent, in Chromium.

#![expect(clippy::print_stdout, reason = "a journey says how it went, or why nobody walked it")]

use std::cell::OnceCell;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;

use forewarn_tests::camera::CameraOptions;
use forewarn_tests::clips::Counted;
use forewarn_tests::onvif_camera::OnvifCamera;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, CameraEntry, PATIENCE, Scene, SimCamera, SiteFile, clips, eventually, program};

use crate::live::assert_stops;

/// Chromium and what drives it; none where either is lacking, or where the journeys are walked by themselves afterwards.
fn browser() -> Option<(&'static str, PathBuf)> {
    if std::env::var_os("FOREWARN_JOURNEYS").is_some_and(|when| when == "later") {
        return None;
    }
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
pub(super) fn link_of(agent: &Agent) -> Option<String> {
    let log = agent.log();
    let word = log.split_whitespace().find(|word| word.contains("/#setup="))?;
    Some(word.trim_end_matches(';').to_owned())
}

/// A browser, and an agent with a console and cameras of these names that show the demo clip; none where nothing drives a
/// browser.
pub(super) struct Desk {
    chromium: &'static str,
    web: PathBuf,
    /// The site file.
    pub(super) site: PathBuf,
    pub(super) agent: Agent,
    pub(super) link: String,
    camera: SimCamera,
    _scene: Scene,
}

impl Desk {
    fn open(cameras: &[&str]) -> Option<Self> {
        Self::with(cameras, |site| site)
    }

    /// The same, of a site that is made so.
    pub(super) fn with(cameras: &[&str], of_site: impl FnOnce(SiteFile) -> SiteFile) -> Option<Self> {
        Self::at_level("warn", cameras, "footage = true", of_site)
    }

    /// The same, with a log of this level and these keys of each camera.
    fn at_level(level: &str, cameras: &[&str], keys: &str, of_site: impl FnOnce(SiteFile) -> SiteFile) -> Option<Self> {
        Self::before(
            level,
            |scene| SimCamera::of_demo(scene).unwrap(),
            |camera, mut site| {
                site = of_site(site);
                for id in cameras {
                    site = site.camera(CameraEntry::new(id, camera, QUICK_PARKING).with(keys));
                }
                site
            },
        )
    }

    /// The same before a camera of its own, of a site that is made for its address.
    fn before(
        level: &str,
        camera: impl FnOnce(&Scene) -> SimCamera,
        of_site: impl FnOnce(&str, SiteFile) -> SiteFile,
    ) -> Option<Self> {
        let Some((chromium, web)) = browser() else {
            println!(
                "skipped: walked later, or there is no Chromium or not what drives it: `cargo xtask test` brings both"
            );
            return None;
        };
        let scene = Scene::new().unwrap();
        let camera = camera(&scene);
        let mut site = SiteFile::new().wav_speaker("horn");
        site.tables += &console_at(free_port().unwrap());
        let site = of_site(camera.url(), site);
        let site = site.write(scene.dir()).unwrap();
        let agent = Agent::start(&scene.program, &site, level).unwrap();
        let link = eventually("the link of the console", || link_of(&agent)).unwrap();
        Some(Self { chromium, web, site, agent, link, camera, _scene: scene })
    }

    /// Runs a journey of the page's tests to its end.
    pub(super) fn walk(&self, journey: &str, args: &[&str]) {
        let mut node = Command::new("node");
        node.args([journey, &self.link]).args(args).current_dir(&self.web).env("CHROMIUM", self.chromium);
        let done = node.args(std::env::var_os("FOREWARN_PICTURES")).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}{}\n{}", String::from_utf8_lossy(&done.stderr), self.agent.log());
        print!("{said}");
    }
}

#[test]
fn the_worker_of_a_browser_shows_the_messages_that_it_is_handed() {
    let of_site = |mut site: SiteFile| {
        site.tables += "[upstream.officers]\nkind = \"web_push\"\ncontact = \"mailto:desk@example.org\"\n";
        site
    };
    let Some(desk) = Desk::with(&[], of_site) else { return };
    desk.walk("tests/push.mjs", &[]);
    assert_stops(desk.agent);
}

#[test]
fn cameras_are_seen_live_with_boxes_and_come_back_by_themselves() {
    let Some(mut desk) = Desk::open(&["gate", "yard"]) else { return };
    desk.walk("tests/live.mjs", &[]);
    desk.agent.interrupt(PATIENCE).unwrap();
}

/// What every browser takes over WebRTC.
const BY_WEBRTC: &str = "constrained-baseline";

/// People walk through a small picture; nobody stays for as long as this wants.
const CALM: &str = "\n[[camera.rule]]\nviolation = \"loitering\"\nwith = { dwell_s = 3600 }\n";

#[test]
fn a_wall_of_thirty_six_begins_in_turn_and_comes_back_by_itself() {
    let of_clip = |scene: &Scene| {
        let clip = scene.path("small.mp4");
        clips::scaled(&program::demo_clip().unwrap(), 6.0, (192, 144), &clip).unwrap();
        SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip)).unwrap()
    };
    let of_site = |url: &str, mut site: SiteFile| {
        site.tables += "[inference]\nbudget = 0.2\n\n";
        (1..=36).fold(site, |site, n| site.camera(CameraEntry::new(&format!("camera-{n}"), url, CALM)))
    };
    let Some(mut desk) = Desk::before("warn", of_clip, of_site) else { return };
    desk.walk("tests/wall.mjs", &["36", &desk.camera.process_id().unwrap().to_string()]);
    desk.agent.interrupt(PATIENCE).unwrap();
}

/// Sees whether boxes are drawn over the very picture in which they were seen, which comes so.
fn see_boxes(transport: &str) {
    let of_clip = |scene: &Scene| {
        let [counted, clip] = ["counted.mp4", "coded.mp4"].map(|name| scene.path(name));
        Counted::write(&program::demo_clip().unwrap(), &counted).unwrap();
        clips::in_profile(&counted, BY_WEBRTC, &clip).unwrap();
        SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip)).unwrap()
    };
    let of_site =
        |url: &str, site: SiteFile| site.camera(CameraEntry::new("gate", url, CALM).with("analysis_fps = 10"));
    let Some(mut desk) = Desk::before("warn", of_clip, of_site) else { return };
    let told = [Counted::FIRST_X_PX, Counted::STEP_PX, Counted::ROW_PX].map(|px| px.to_string());
    let [first, step, row] = told.each_ref().map(String::as_str);
    desk.walk("tests/sync.mjs", &[first, step, row, transport]);
    desk.agent.interrupt(PATIENCE).unwrap();
}

#[test]
fn boxes_are_drawn_over_the_very_picture_in_which_they_were_seen() {
    see_boxes("mse");
}

#[test]
fn boxes_are_drawn_over_the_very_picture_that_came_by_webrtc() {
    see_boxes("webrtc");
}

#[test]
fn a_camera_is_seen_by_webrtc_where_its_profile_allows_it_and_otherwise_as_before() {
    let high = OnceCell::new();
    let of_clip = |scene: &Scene| {
        let camera = |profile: &str| {
            let clip = scene.path(&format!("{profile}.mp4"));
            clips::in_profile(&program::demo_clip().unwrap(), profile, &clip).unwrap();
            SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip)).unwrap()
        };
        assert!(high.set(camera("high")).is_ok());
        camera(BY_WEBRTC)
    };
    let of_site = |url: &str, site: SiteFile| {
        let site = site.camera(CameraEntry::new("plain", url, QUICK_PARKING));
        site.camera(CameraEntry::new("high", high.get().unwrap().url(), CALM))
    };
    let Some(mut desk) = Desk::before("warn", of_clip, of_site) else { return };
    desk.walk("tests/webrtc.mjs", &[]);
    desk.agent.interrupt(PATIENCE).unwrap();
}

#[test]
fn a_box_with_nothing_is_set_up_in_the_console_from_the_first_account_to_a_horn_that_is_heard() {
    let Some(mut desk) = Desk::open(&[]) else { return };
    let before = std::fs::read_to_string(&desk.site).unwrap();
    assert!(!before.contains("[[camera]]"), "{before}");
    // Whoever else tests on this machine is found, too.
    let name = format!("Yard-{}", std::process::id());
    let _camera = OnvifCamera::start(&name, "viewer", desk.camera.url()).unwrap();
    let kiosk = UdpSocket::bind("127.0.0.1:0").unwrap();
    kiosk.set_read_timeout(Some(PATIENCE)).unwrap();
    desk.walk("tests/first_run.mjs", &[&kiosk.local_addr().unwrap().to_string(), &name]);
    assert!(kiosk.recv(&mut [0; 2048]).unwrap() > 12, "sound in RTP");
    let after = std::fs::read_to_string(&desk.site).unwrap();
    assert!(before.lines().all(|line| after.lines().any(|kept| kept == line)), "nothing else was touched: {after}");
    assert!(after.contains("[[speaker]]\nid = \"kiosk\"\nkind = \"rtp\"\n"), "{after}");
    let (_, yard) = after.split_once("id = \"yard-1\"").unwrap();
    let keys = [
        "user = \"viewer\"\npassword_file = \"yard-1.secret\"",
        "speakers = [\"kiosk\", \"horn\"]",
        "id = \"forecourt\"",
        "violation = \"loitering\"\nzone = \"forecourt\"\nschedule = {",
    ];
    assert!(keys.iter().all(|key| yard.contains(key)), "{yard}");
    let sounds = std::fs::read_dir(desk.site.parent().unwrap().join("announcements")).unwrap().count();
    assert!(sounds >= 1, "a test of the horn: {sounds}");
    desk.agent.interrupt(PATIENCE).unwrap();
}

#[test]
fn an_incident_is_settled_decided_again_and_exported_in_the_console_and_no_log_tells_a_secret() {
    let Some(mut desk) = Desk::at_level("trace", &["gate"], "speakers = [\"horn\"]", |site| site) else { return };
    desk.walk("tests/replay.mjs", &[]);
    desk.agent.interrupt(PATIENCE).unwrap();
    let log = desk.agent.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log tells all it can");
    let (_, token) = desk.link.split_once("#setup=").unwrap();
    // The link by which the first account is made is printed once, for whoever started the agent; nothing else is ever told.
    assert_eq!(log.matches(token).count(), 1, "the link is told once");
    let port = desk.link.split(':').nth(2).unwrap().split('/').next().unwrap();
    for secret in [format!("forewarn_{port}="), "x-forewarn-csrf".to_owned(), "three wise words".to_owned()] {
        assert!(!log.to_lowercase().contains(&secret), "the log tells {secret}");
    }
}

#[test]
fn zones_are_drawn_in_the_console_and_the_site_file_keeps_its_comments() {
    let Some(mut desk) = Desk::open(&["gate"]) else { return };
    let before = std::fs::read_to_string(&desk.site).unwrap();
    desk.walk("tests/draw.mjs", &["gate"]);
    let after = std::fs::read_to_string(&desk.site).unwrap();
    let drawn = |line: &&str| !before.lines().any(|known| known == *line);
    let new: Vec<&str> = after.lines().filter(drawn).collect();
    assert!(before.lines().all(|line| after.lines().any(|kept| kept == line)), "nothing else was touched: {after}");
    let poster = [
        "[[camera.exclusion]]",
        "id = \"poster\"",
        "polygon = [[0.68, 0.7], [0.8, 0.7], [0.8, 0.85], [0.7, 0.85]]",
        "classes = [\"car\"]",
    ];
    assert!(new.windows(4).any(|lines| lines == poster), "{new:?}");
    let zones: Vec<&str> = new.iter().copied().filter(|line| !poster.contains(line)).collect();
    assert!(
        matches!(zones[..], ["id = \"forecourt\"", _, "id = \"phone-line\"", line] if line.starts_with("line = [[")),
        "{new:?}"
    );
    assert!(desk.site.with_extension("toml.undo").is_file(), "the change can be taken back");
    desk.agent.interrupt(PATIENCE).unwrap();
}
