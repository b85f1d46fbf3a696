//! The agent as a service: what its manager is told, and how well the unit file locks it up.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use forewarn_models::Store;
use forewarn_tests::agent::{Metrics, page};
use forewarn_tests::process::free_port;
use forewarn_tests::service_manager::ServiceManager;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{Agent, CameraEntry, PATIENCE, Scene, SiteFile, eventually};
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::console::link_of;
use crate::health::part;

/// After this time without a sign of life the manager of the tests would start the agent anew.
const LIMIT: Duration = Duration::from_secs(3);
/// The most that `systemd-analyze security` may say of the unit; 10 is a process that is not locked up at all.
const MOST_EXPOSED: f64 = 2.0;

/// One thread of a process, stopped as by a debugger, while all others go on.
struct Frozen(Pid);

impl Frozen {
    /// Stops the thread that is called `name`.
    fn thread(process: u32, name: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
        let is_it = |task: &fs::DirEntry| {
            fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name)
        };
        let mut found = tasks.filter(is_it).map(|task| task.file_name().to_string_lossy().parse().unwrap());
        let thread = Pid::from_raw(found.next().expect("there is such a thread"));
        ptrace::seize(thread, Options::empty()).unwrap();
        ptrace::interrupt(thread).unwrap();
        waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap();
        Self(thread)
    }

    fn thaw(self) {
        ptrace::detach(self.0, None).unwrap();
    }
}

#[test]
fn the_service_manager_hears_of_start_reload_and_end_and_misses_a_frozen_incident_loop() {
    let scene = Scene::new().unwrap();
    let dead = format!("rtsp://127.0.0.1:{}/none", free_port().unwrap());
    let before = SiteFile::new().camera(CameraEntry::new("gate", &dead, QUICK_LOITERING));
    let site = before.write(scene.dir()).unwrap();
    let manager = ServiceManager::listen(scene.dir(), LIMIT).unwrap();
    let mut command = scene.program.command();
    manager.lead(&mut command);
    let mut agent = Agent::start_as(command, &site, "info").unwrap();
    let heard = |part: &str| manager.wait_for(part).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert!(heard("READY=1").contains("STATUS=watches 1 cameras of site north by site-nano"));
    (0..4).for_each(|_| assert_eq!(heard("WATCHDOG=1"), "WATCHDOG=1"));

    let frozen = Frozen::thread(agent.group(), "incidents");
    manager.forget().unwrap();
    // Others are well meanwhile, and their word is no sign of life.
    agent.hang_up().unwrap();
    let told = manager.listen_for(LIMIT * 2).unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("RELOADING=1\nMONOTONIC_USEC=") && told[1].starts_with("READY=1"), "{told:?}");
    frozen.thaw();
    (0..2).for_each(|_| assert_eq!(heard("WATCHDOG=1"), "WATCHDOG=1"));

    fs::write(&site, before.text().replace("polygon", "polygoon")).unwrap();
    agent.hang_up().unwrap();
    heard("RELOADING=1");
    heard("READY=1");
    eventually("the mistake is told", || agent.log().contains("the site file is not taken").then_some(())).unwrap();
    agent.ask_to_stop().unwrap();
    heard("STOPPING=1");
    let ended = eventually("it ends", || agent.ended()).unwrap();
    assert!(ended.success(), "{ended}: {}", agent.log());
}

#[test]
fn a_box_without_site_and_models_serves_the_set_up_page_and_takes_up_the_models_that_are_fetched() {
    let scene = Scene::new().unwrap();
    let (site, store) = (scene.path("site.toml"), scene.path("models"));
    fs::create_dir(&store).unwrap();
    let first: [&OsStr; 5] =
        ["config".as_ref(), "first".as_ref(), site.as_ref(), "--storage".as_ref(), "data".as_ref()];
    assert!(scene.program.succeed(first).unwrap().ends_with("site.toml is written\n"));
    assert!(scene.program.succeed(first).unwrap().ends_with("is there, and stays as it is\n"));
    let (metrics, console) = (free_port().unwrap(), free_port().unwrap());
    let text = fs::read_to_string(&site).unwrap();
    fs::write(&site, text.replace("9464", &metrics.to_string()).replace("9465", &console.to_string())).unwrap();

    let manager = ServiceManager::listen(scene.dir(), LIMIT).unwrap();
    let mut command = scene.program.command();
    manager.lead(&mut command);
    command.env("FOREWARN_MODEL_DIR", &store).env_remove("ORT_DYLIB_PATH");
    let mut agent = Agent::start_as(command, &site, "info").unwrap();
    let ready = manager.wait_for("READY=1").unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert!(ready.contains("STATUS=watches 0 cameras"), "{ready}");
    let link = eventually("the link of the console", || link_of(&agent)).unwrap();
    assert!(link.starts_with(&format!("http://127.0.0.1:{console}/#setup=")), "{link}");
    assert_eq!(page(console, "/api/v1/setup"), Some((200, r#"{"is_new":true}"#.to_owned())));
    let lacks = eventually("the lack is told", || part(metrics, "model", "warnings")).unwrap();
    assert!(
        lacks.contains("the ONNX Runtime library is missing") && lacks.contains("forewarn models fetch"),
        "{lacks}"
    );

    let never = Metrics::read(metrics).unwrap().sum("forewarn_warnings_total", &["outcome=\"not_delivered\""]);
    assert_eq!(never, Some(0.0), "an alert goes by its growth");

    for file in fs::read_dir(Store::locate().root()).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("libonnxruntime") {
            symlink(file.path(), store.join(file.file_name())).unwrap();
        }
    }
    eventually("it is taken up", || part(metrics, "model", "well")).unwrap();
    assert!(agent.interrupt(PATIENCE).unwrap().success(), "{}", agent.log());
}

#[test]
fn the_unit_locks_the_agent_up() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/forewarn.service");
    let judged = Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager", unit]).output();
    let Ok(judged) = judged else {
        eprintln!("not tested: there is no systemd-analyze; `cargo xtask setup` installs it");
        return;
    };
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&judged.stderr);
    assert!(complaints.is_empty(), "{complaints}");
    let exposure = said.lines().last().and_then(|line| line.split(": ").nth(1)?.split(' ').next()?.parse::<f64>().ok());
    let exposure = exposure.unwrap_or_else(|| panic!("systemd-analyze says no level: {said}"));
    println!("systemd-analyze security: {exposure} of 10");
    assert!(exposure <= MOST_EXPOSED, "{said}");
}
