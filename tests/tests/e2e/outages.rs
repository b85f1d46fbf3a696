//! An agent that is killed, and a broker that is away.

use std::collections::BTreeSet;
use std::time::Duration;

use forewarn_domain::IncidentState;
use forewarn_report::IncidentLedger;
use forewarn_tests::agent::Metrics;
use forewarn_tests::chaos::{Facts, Judgement};
use forewarn_tests::process::free_port;
use forewarn_tests::site::{QUICK_LOITERING, QUICK_PARKING};
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually};

/// The ordered end of the agent on a busy machine.
const STOP_WITHIN: Duration = Duration::from_secs(20);

struct World {
    camera: SimCamera,
    broker: Broker,
    platform: Subscriber,
    /// Dropped last, for the others write into its folder as long as they live.
    scene: Scene,
}

impl World {
    fn new() -> Self {
        let scene = Scene::new().unwrap();
        let camera = SimCamera::of_demo(&scene).unwrap();
        let broker = Broker::start(&scene.path("broker")).unwrap();
        let platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
        Self { camera, broker, platform, scene }
    }

    fn facts(&self) -> Facts {
        let ledger = IncidentLedger::open(&self.scene.path("data/outbox.sqlite")).unwrap();
        ledger.latest(100_000).unwrap().into_iter().map(|entry| (entry.record.id.clone(), entry.record)).collect()
    }
}

#[test]
fn an_incident_goes_on_after_the_agent_was_killed() {
    let mut world = World::new();
    let watched = CameraEntry::new("gate", world.camera.url(), QUICK_PARKING).with("speakers = [\"horn\"]");
    let site = SiteFile::new().upstream(&world.broker.url(), "").wav_speaker("horn").camera(watched);
    let site = site.write(world.scene.dir()).unwrap();
    let mut agent = Agent::start(&world.scene.program, &site, "info").unwrap();
    let platform = &mut world.platform;
    let confirmed =
        platform.event("the van is confirmed", |e| e.data.incident.state == IncidentState::Confirmed).unwrap();
    agent.kill().unwrap();
    assert!(platform.message("forewarn/north/status", "connection_lost").is_ok(), "the last will");
    let mut agent = Agent::start(&world.scene.program, &site, "info").unwrap();
    let escalated = platform.event("the van is escalated", |e| e.data.incident.state == IncidentState::Escalated);
    let escalated = escalated.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert_eq!(escalated.subject, confirmed.subject, "it is the same incident");
    let history = &escalated.data.incident.history;
    assert!(history.starts_with(&confirmed.data.incident.history), "{history:?}");
    assert_eq!(history.len(), escalated.data.sequence as usize + 1);
    // The incident stays open while the van stays, so a third start finds it once more.
    agent.kill().unwrap();
    let mut agent = Agent::start(&world.scene.program, &site, "info").unwrap();
    let console = |log: &str| log.contains("watching");
    eventually("the agent watches again", || console(&agent.log()).then_some(())).unwrap();
    platform.listen(Duration::from_secs(5), usize::MAX);
    assert!(agent.interrupt(STOP_WITHIN).unwrap().success());
    platform.catch_up();
    let ids: BTreeSet<String> = platform.events().unwrap().into_iter().map(|event| event.subject).collect();
    assert_eq!(ids.len(), 1, "one van, one incident: {ids:?}");
    let judgement = Judgement::of(&world.facts(), &world.facts(), world.platform.messages(), &[]).unwrap();
    assert!(judgement.is_good(), "{}", judgement.table());
}

#[test]
fn a_broker_that_is_away_gets_everything_in_order_when_it_is_back() {
    let mut world = World::new();
    let port = free_port().unwrap();
    let watched = CameraEntry::new("gate", world.camera.url(), QUICK_LOITERING).with("speakers = [\"horn\"]");
    let site = SiteFile::new().upstream(&world.broker.url(), "").metrics(port).wav_speaker("horn").camera(watched);
    let site = site.write(world.scene.dir()).unwrap();
    let mut agent = Agent::start(&world.scene.program, &site, "info").unwrap();
    world.platform.message("forewarn/north/status", "online").unwrap();
    world.platform.probe().unwrap();
    world.broker.kill().unwrap();
    world.platform.wait_lost().unwrap();

    let depth = || Metrics::read(port)?.sum("forewarn_outbox_messages", &[]);
    let grown = eventually("the outbox has grown", || depth().filter(|depth| *depth >= 12.0));
    grown.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    world.broker.restart().unwrap();
    world.platform.wait_subscribed().unwrap();
    // With the camera gone nothing new is confirmed, so the outbox comes to its end.
    world.camera.kill().unwrap();
    eventually("the outbox is empty", || depth().filter(|depth| *depth == 0.0)).unwrap();
    assert!(agent.interrupt(STOP_WITHIN).unwrap().success());
    world.platform.probe().unwrap();

    let judgement = Judgement::of(&world.facts(), &world.facts(), world.platform.messages(), &[]).unwrap();
    assert!(judgement.is_good(), "{}", judgement.table());
    assert!(judgement.events >= 12, "{}", judgement.table());
}
