//! Whoever reads the agent's log may be stuck: nobody waits for it.

use std::io::{PipeWriter, Write as _};
use std::time::Duration;

use forewarn_tests::agent::page;
use forewarn_tests::process::{Owned, free_port};
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{CameraEntry, Scene, SiteFile, eventually};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// An ordered end takes 8 s at most; a busy test machine takes longer.
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// Fills a pipe, so that whoever writes to it next waits for a reader.
fn fill(pipe: &mut PipeWriter) {
    let flags = fcntl_getfl(&pipe).unwrap();
    fcntl_setfl(&pipe, flags | OFlags::NONBLOCK).unwrap();
    while pipe.write(b"\n").is_ok() {}
    fcntl_setfl(&pipe, flags).unwrap();
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up() {
    let scene = Scene::new().unwrap();
    let port = free_port().unwrap();
    let dead = format!("rtsp://127.0.0.1:{}/none", free_port().unwrap());
    let watched = CameraEntry::new("gate", dead, QUICK_LOITERING);
    let site = SiteFile::new().metrics(port).camera(watched).write(scene.dir()).unwrap();
    let (_reader, mut full) = std::io::pipe().unwrap();
    fill(&mut full);
    let mut command = scene.program.command();
    command.args(["--log", "debug", "run", "--config"]).arg(&site).stdout(full.try_clone().unwrap()).stderr(full);
    let mut agent = Owned::spawn("the agent", &mut command).unwrap();
    let is_told = || page(port, "/healthz").filter(|(_, text)| text.contains("camera gate")).map(|_| ());
    eventually("it watches and says how it fares", is_told).unwrap();
    assert!(agent.interrupt(STOP_WITHIN).unwrap().success());
}
