//! What says *healthy* is so: a broker that takes everything and acknowledges nothing, a loudspeaker that fails each time,
//! and an end in spite of them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use forewarn_tests::agent::{Metrics, page};
use forewarn_tests::mute_broker::MuteBroker;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually};
use serde_json::Value;

/// An ordered end takes 8 s at most; a busy test machine takes longer.
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// What is told of a part, once it stands in `list`; it must stand in no other.
pub(crate) fn part(port: u16, name: &str, list: &str) -> Option<String> {
    let health: Value = serde_json::from_str(&page(port, "/healthz")?.1).ok()?;
    let is_it = |told: &Value| told["part"] == name || told.as_str().is_some_and(|line| line.starts_with(name));
    let of = |list: &str| health[list].as_array().into_iter().flatten().filter(|told| is_it(told)).collect::<Vec<_>>();
    let found = of(list).first()?.to_string();
    let mentions: usize = ["troubles", "warnings", "well"].into_iter().map(|list| of(list).len()).sum();
    assert_eq!(mentions, 1, "{health}");
    Some(found)
}

#[test]
fn a_mute_broker_and_a_dumb_loudspeaker_are_told_and_hold_no_end_up() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let broker = MuteBroker::start().unwrap();
    scene.write("say", "#!/bin/sh\n[ \"$1\" = --version ] && { echo fake 1.0; exit 0; }\nexit 1\n").unwrap();
    std::fs::set_permissions(scene.path("say"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let port = free_port().unwrap();
    let watched = CameraEntry::new("gate", camera.url(), QUICK_LOITERING).with("speakers = [\"horn\"]");
    let mut site = SiteFile::new().upstream(&broker.url(), "keep_alive_s = 5").metrics(port).wav_speaker("horn");
    writeln!(site.tables, "speech = {{ program = \"{}\" }}", scene.path("say").display()).unwrap();
    // No test machine has it, so that the processor does its work.
    writeln!(site.tables, "[model]\nprovider = \"tensorrt\"").unwrap();
    let site = site.camera(watched).write(scene.dir()).unwrap();
    let mut agent = Agent::start(&scene.program, &site, "info").unwrap();

    let until = |name: &str, list: &str| {
        let found = eventually(&format!("{name} stands in {list}"), || part(port, name, list));
        found.unwrap_or_else(|error| panic!("{error:#}\n{:?}", page(port, "/healthz")))
    };
    let horn = until("speaker horn", "troubles");
    assert!(horn.contains("announcements failed") && horn.contains("; look at the loudspeaker"), "{horn}");
    assert!(horn.contains("(since 20"), "{horn}");
    let upstream = until("upstream mqtt", "troubles");
    assert!(upstream.contains("has acknowledged none"), "{upstream}");
    eventually("the connection is made anew", || (broker.connections() > 1).then_some(())).unwrap();
    for name in ["camera gate", "decoder gate", "clock", "disk", "evidence", "outbox", "decisions"] {
        until(name, "well");
    }
    let model = until("model", "warnings");
    assert!(model.contains("it runs on the CPU: tensorrt cannot be used: ") && model.contains("(since 20"), "{model}");
    assert!(model.contains("ask for one that is there by `[model] provider`"), "{model}");
    let metrics = Metrics::read(port).unwrap();
    assert_eq!(metrics.sum("forewarn_healthy", &[]), Some(0.0));
    assert_eq!(metrics.sum("forewarn_part_health", &["part=\"speaker horn\""]), Some(2.0));
    assert!(metrics.sum("forewarn_outbox_oldest_age_seconds", &[]).unwrap() > 5.0);
    let told = agent.log().matches("announcements failed").count();
    assert_eq!(told, 1, "it is told once: {}", agent.log());

    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n").unwrap();
    assert!(agent.interrupt(STOP_WITHIN).unwrap().success(), "{}", agent.log());
}

#[test]
fn a_console_that_cannot_be_opened_is_told_and_keeps_nobody_from_being_warned() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let (port, taken) = (free_port().unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let watched = CameraEntry::new("gate", camera.url(), QUICK_LOITERING);
    let site = SiteFile::new().metrics(port).console(taken.local_addr().unwrap().port()).camera(watched);
    let mut agent = Agent::start(&scene.program, &site.write(scene.dir()).unwrap(), "info").unwrap();
    let until = |name: &str, list: &str| eventually(name, || part(port, name, list)).unwrap();
    let console = until("console", "troubles");
    assert!(console.contains("in use") && console.contains("it watches, warns and reports meanwhile"), "{console}");
    until("camera gate", "well");
    agent.interrupt(STOP_WITHIN).unwrap();
}
