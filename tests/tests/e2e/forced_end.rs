//! An end that a part holds up, and one that somebody forces: every confirmed incident is kept, and goes on.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use forewarn_report::IncidentLedger;
use forewarn_tests::agent::page;
use forewarn_tests::process::free_port;
use forewarn_tests::site::{QUICK_LOITERING, QUICK_PARKING};
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually};
use serde_json::Value;

/// An ordered end takes 8 s at most; a busy test machine takes longer.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The incidents of one violation that are open.
fn open(port: u16, violation: &str) -> Option<BTreeSet<String>> {
    let open: Vec<Value> = serde_json::from_str(&page(port, "/api/v1/incidents")?.1).ok()?;
    let of_it = open.iter().filter(|one| one["violation"] == violation);
    Some(of_it.filter_map(|one| one["id"].as_str().map(str::to_owned)).collect::<BTreeSet<_>>())
        .filter(|ids| !ids.is_empty())
}

/// All incidents that lie on the disk.
fn kept(scene: &Scene) -> BTreeSet<String> {
    let ledger = IncidentLedger::open(&scene.path("data/outbox.sqlite")).unwrap();
    ledger.latest(100_000).unwrap().into_iter().map(|entry| entry.record.id.to_string()).collect()
}

#[test]
fn an_end_that_hangs_and_one_that_is_forced_keep_every_confirmed_incident() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let (port, nobody) = (free_port().unwrap(), free_port().unwrap());
    let watched = CameraEntry::new("gate", camera.url(), format!("{QUICK_PARKING}{QUICK_LOITERING}"));
    let site = SiteFile::new().upstream(&format!("mqtt://127.0.0.1:{nobody}"), "").metrics(port).camera(watched);
    let site = site.write(scene.dir()).unwrap();
    // Whoever reads this waits for ever, as before a disk that has stalled.
    let bundle = scene.path("data/evidence/2020-01-01/gate-loitering-1");
    std::fs::create_dir_all(&bundle).unwrap();
    assert!(Command::new("mkfifo").arg(bundle.join("manifest.json")).status().unwrap().success());

    let start = || Agent::start(&scene.program, &site, "info").unwrap();
    let found = |agent: &Agent, violation: &str| {
        let found = eventually(&format!("{violation} is open"), || open(port, violation));
        found.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()))
    };
    let mut agent = start();
    let mut confirmed = found(&agent, "loitering");
    let van = found(&agent, "illegal_parking");
    confirmed.extend(van.clone());
    let ended = agent.interrupt(STOP_WITHIN).unwrap();
    assert_eq!(ended.code(), Some(1), "{}", agent.log());
    assert!(agent.log().contains("did not end within 8 s"), "{}", agent.log());
    assert!(kept(&scene).is_superset(&confirmed), "{confirmed:?} of {:?}", kept(&scene));

    let mut agent = start();
    assert_eq!(found(&agent, "illegal_parking"), van, "the van is still the same incident");
    confirmed.extend(found(&agent, "loitering"));
    agent.ask_to_stop().unwrap();
    eventually("it is stopping", || agent.log().contains("stopping").then_some(())).unwrap();
    let ended = agent.interrupt(STOP_WITHIN).unwrap();
    assert_eq!(ended.code(), Some(130), "the second signal ends it at once: {}", agent.log());
    assert!(kept(&scene).is_superset(&confirmed), "{confirmed:?} of {:?}", kept(&scene));
    let mut agent = start();
    assert_eq!(found(&agent, "illegal_parking"), van, "{}", agent.log());
    agent.kill().unwrap();
}
