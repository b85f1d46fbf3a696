//! A box whose package was upgraded: what an earlier release left is sent, and its incidents are known.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_report::IncidentLedger;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SiteFile, Subscriber, eventually};

/// An outbox as an agent of the second schema left it: twelve messages wait.
const OUTBOX: &[u8] = include_bytes!("../../../agent/report/tests/fixtures/outbox-v2.sqlite");
/// The last of them.
const LAST: (&str, u32) = ("gate-illegal_parking-1769839627250-4", 4);
/// The ordered end of the agent on a busy machine.
const STOP_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn what_an_earlier_release_left_is_sent_once_over_a_restart_too() {
    let scene = Scene::new().unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    platform.wait_subscribed().unwrap();
    let outbox = scene.path("data/outbox.sqlite");
    std::fs::create_dir(scene.path("data")).unwrap();
    std::fs::write(&outbox, OUTBOX).unwrap();
    let known = |path| IncidentLedger::open(path).unwrap().latest(100).unwrap();
    let before: Vec<_> = known(&outbox).into_iter().map(|entry| entry.record.id).collect();
    let site = SiteFile::new().upstream(&broker.url(), "");
    let site = site.camera(CameraEntry::new("gate", "rtsp://127.0.0.1:9/none", QUICK_PARKING));
    let site = site.write(scene.dir()).unwrap();
    for _ in 0..2 {
        let mut agent = Agent::start(&scene.program, &site, "info").unwrap();
        let last = platform.event("what waited", |event| (event.subject.as_str(), event.data.sequence) == LAST);
        last.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
        // The platform remembers, so the second agent is given the time to send what it still has.
        let is_there = || agent.log().contains("connected to the broker").then_some(());
        eventually("the agent reaches the broker", is_there).unwrap();
        assert!(agent.interrupt(STOP_WITHIN).unwrap().success(), "{}", agent.log());
    }
    platform.catch_up();
    let mut came = BTreeMap::<(String, u32), usize>::new();
    for event in platform.events().unwrap() {
        *came.entry((event.subject, event.data.sequence)).or_default() += 1;
    }
    assert!(came.len() >= 12 && came.values().all(|times| *times == 1), "{came:?}");
    let after: Vec<_> = known(&outbox).into_iter().map(|entry| entry.record.id).collect();
    assert!(before.iter().all(|id| after.contains(id)), "{before:?} {after:?}");
}
