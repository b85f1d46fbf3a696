//! A disk that is truly full: the agent warns, nothing that was acknowledged is lost, nothing half-written verifies, and what
//! was missed comes when there is room.

use std::fs;
use std::path::Path;

use forewarn_base::hash::sha256_of_bytes;
use forewarn_domain::IncidentState;
use forewarn_domain::clock::wall_now;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::small_disk::SmallDisk;
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually};
use forewarn_wire::{Event, WireEvidence};

use crate::health::part;
use crate::live::assert_stops;

struct World {
    disk: SmallDisk,
    platform: Subscriber,
    port: u16,
    site: std::path::PathBuf,
    /// Kept as long as the test lasts.
    _parts: (SimCamera, Broker),
    /// Dropped last, for the others write into its folder as long as they live.
    scene: Scene,
}

impl World {
    fn new() -> Self {
        let scene = Scene::new().unwrap();
        let camera = SimCamera::of_demo(&scene).unwrap();
        let broker = Broker::start(&scene.path("broker")).unwrap();
        let platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
        let port = free_port().unwrap();
        let watched = CameraEntry::new("gate", camera.url(), QUICK_LOITERING).with("speakers = [\"horn\"]");
        let site = SiteFile::new().upstream(&broker.url(), "").metrics(port).wav_speaker("horn").camera(watched);
        let site = site.write(scene.dir()).unwrap();
        fs::create_dir(scene.path("data")).unwrap();
        let disk = SmallDisk::mount(&scene.path("data"), 256).unwrap();
        Self { disk, platform, port, site, _parts: (camera, broker), scene }
    }

    fn start(&self) -> Agent {
        Agent::start_as(self.disk.command(&self.scene.program), &self.site, "info").unwrap()
    }

    /// Announcements that sounded so far; they lie on another disk.
    fn warnings(&self) -> usize {
        fs::read_dir(self.scene.path("announcements")).map_or(0, Iterator::count)
    }

    fn warns_on(&self, agent: &Agent) {
        let before = self.warnings();
        let more = || (self.warnings() >= before + 3).then_some(());
        eventually("three more warnings sound", more).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    }

    /// Whether evidence is kept, and what is told of it.
    fn told(&self, list: &str, agent: &Agent) -> String {
        let told = eventually(&format!("evidence is in {list}"), || part(self.port, "evidence", list));
        told.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()))
    }

    /// The seals that the platform was told of.
    fn sealed(&self) -> Vec<Event> {
        let told = self.platform.messages().iter().filter(|message| message.topic.contains("/evidence/"));
        told.map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
    }

    /// Waits for a seal that fits.
    fn seal(&mut self, what: &str, agent: &Agent, fits: impl Fn(&Event) -> bool) -> Event {
        let found = eventually(what, || {
            self.platform.catch_up();
            self.sealed().into_iter().find(&fits)
        });
        found.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()))
    }

    /// Every seal that the platform has is on the disk, and what is on the disk verifies.
    fn assert_nothing_is_lost(&self) {
        let data = self.disk.path();
        for event in self.sealed() {
            let evidence = event.data.evidence.unwrap();
            let (bundle, seal) = (data.join("evidence").join(&evidence.id), evidence.seal.unwrap());
            let manifests = [bundle.join("manifest.json"), bundle.join(format!("manifest-{}.json", seal.number))];
            let is_it = |path: &Path| fs::read(path).is_ok_and(|bytes| sha256_of_bytes(&bytes) == seal.manifest_sha256);
            assert!(manifests.iter().any(|path| is_it(path)), "seal {} of {} is gone", seal.number, evidence.id);
        }
        let mut verify = self.disk.command(&self.scene.program);
        let verified = verify.args(["evidence", "verify"]).arg(self.scene.path("data")).output().unwrap();
        let told = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success() && told.contains("chain: whole"), "{told}");
    }
}

fn number(evidence: &WireEvidence) -> Option<u32> {
    evidence.seal.as_ref().map(|seal| seal.number)
}

#[test]
fn a_full_disk_keeps_nobody_from_warning_and_what_it_missed_comes_when_there_is_room() {
    let mut world = World::new();
    let mut agent = world.start();
    world.seal("a bundle is sealed", &agent, |_| true);

    world.disk.fill().unwrap();
    let full = wall_now();
    let told = world.told("troubles", &agent);
    assert!(told.contains("No space left on device") && told.contains("wait in memory"), "{told}");
    world.warns_on(&agent);
    let free = wall_now();
    world.disk.free().unwrap();
    world.told("well", &agent);
    // What began and was warned of on the full disk is reported, and its evidence comes to its last seal.
    let is_of_then = |event: &Event| {
        let mut history = event.data.incident.history.iter();
        let then = full.as_micros()..free.as_micros();
        history.any(|step| step.state == IncidentState::Confirmed && then.contains(&step.at_us))
    };
    let is_final = |event: &Event| event.data.evidence.as_ref()?.seal.as_ref().map(|seal| seal.is_final);
    let is_made_up = |event: &Event| is_of_then(event) && is_final(event) == Some(true);
    let made_up = world.seal("what the full disk missed is sealed", &agent, is_made_up);
    let bundle = world.disk.path().join("evidence").join(made_up.data.evidence.unwrap().id);
    assert!(bundle.join("confirmed.jpg").is_file(), "its snapshot waited in memory");

    // Killed while the disk is full, and started on a full disk.
    world.disk.fill().unwrap();
    world.told("troubles", &agent);
    agent.kill().unwrap();
    world.platform.catch_up();
    world.assert_nothing_is_lost();
    world.disk.fill().unwrap();
    let agent = world.start();
    world.told("troubles", &agent);
    world.warns_on(&agent);
    let latest = world.sealed().iter().map(|event| event.data.evidence.as_ref().map(number)).max().unwrap();
    world.disk.free().unwrap();
    world.told("well", &agent);
    world.seal("seals are made again", &agent, |event| event.data.evidence.as_ref().map(number) > latest);
    assert_stops(agent);
    world.platform.catch_up();
    world.assert_nothing_is_lost();
}
