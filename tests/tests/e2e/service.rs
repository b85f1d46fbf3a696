//! The agent as a service: what its manager is told, and how well the unit file locks it up.

use std::fs;
use std::process::Command;
use std::time::Duration;

use forewarn_tests::process::free_port;
use forewarn_tests::service_manager::ServiceManager;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{Agent, CameraEntry, Scene, SiteFile, eventually};
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

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
