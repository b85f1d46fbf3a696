//! Footage: kept around the clock, over a kill; cut by a command; giving way on a disk without room.

use std::path::Path;

use forewarn_domain::Timestamp;
use forewarn_pipelines::{FileReplay, ReplayConfig};
use forewarn_tests::agent::Metrics;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::small_disk::SmallDisk;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually};

use crate::health::part;
use crate::live::assert_stops;

struct World {
    disk: SmallDisk,
    port: u16,
    site: std::path::PathBuf,
    _camera: SimCamera,
    scene: Scene,
}

impl World {
    fn new() -> Self {
        let scene = Scene::new().unwrap();
        let camera = SimCamera::of_demo(&scene).unwrap();
        let port = free_port().unwrap();
        let watched = CameraEntry::new("gate", camera.url(), QUICK_LOITERING).with("footage = true");
        let mut site = SiteFile::new().metrics(port).camera(watched);
        site.tables.push_str("[footage]\nmin_free_gib = 0.05\n");
        let site = site.write(scene.dir()).unwrap();
        std::fs::create_dir(scene.path("data")).unwrap();
        let disk = SmallDisk::mount(&scene.path("data"), 256).unwrap();
        Self { disk, port, site, _camera: camera, scene }
    }

    fn start(&self) -> Agent {
        Agent::start_as(self.disk.command(&self.scene.program), &self.site, "info").unwrap()
    }

    fn kept_s(&self) -> Option<f64> {
        Metrics::read(self.port)?.sum("forewarn_footage_seconds_total", &["camera=\"gate\""])
    }

    fn keeps(&self, seconds: f64, agent: &Agent) {
        let kept = eventually("footage is kept", || (self.kept_s()? >= seconds).then_some(()));
        kept.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    }

    fn told(&self, list: &str, agent: &Agent) -> String {
        let told = eventually(&format!("footage is in {list}"), || part(self.port, "footage gate", list));
        told.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()))
    }

    /// What `forewarn clip` says with these words.
    fn clip(&self, words: &[&str]) -> String {
        self.asks("clip", words)
    }

    fn asks(&self, what: &str, words: &[&str]) -> String {
        let mut command = self.disk.command(&self.scene.program);
        let done = command.args([what, "--config"]).arg(&self.site).args(words).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

/// The stretches of a list, as pairs of times.
fn stretches(list: &str) -> Vec<(String, String)> {
    let rows = list.lines().filter_map(|line| line.trim().split_once(" to "));
    rows.map(|(from, rest)| (from.replace(' ', "T"), rest[..19].replace(' ', "T"))).collect()
}

/// Pictures of a clip, each of which is decoded.
fn pictures(path: &Path) -> usize {
    forewarn_pipelines::init().unwrap();
    let stream = forewarn_domain::StreamId::new("clip").unwrap();
    let mut replay = FileReplay::open(path, ReplayConfig::new(stream)).unwrap();
    let mut latest = Timestamp::from_micros(-1);
    let mut n = 0;
    while let Some(frame) = replay.next_frame().unwrap() {
        assert!(frame.meta.captured_at > latest);
        latest = frame.meta.captured_at;
        n += 1;
    }
    n
}

#[test]
fn footage_survives_a_kill_is_cut_and_gives_way_where_there_is_no_room() {
    let world = World::new();
    let mut agent = world.start();
    world.keeps(6.0, &agent);
    assert!(world.told("well", &agent).contains("all its video is kept"));
    agent.kill().unwrap();
    let list = world.clip(&["--list"]);
    let found = stretches(&list);
    assert_eq!(found.len(), 1, "{list}");
    let (from, to) = &found[0];
    let out = world.scene.path("gate.mp4");
    let said = world.clip(&["--camera", "gate", "--from", from, "--to", to, "--out", out.to_str().unwrap()]);
    let n = pictures(&out);
    // The clip has ten pictures a second.
    assert!(n >= 50 && said.contains("pictures of camera gate"), "{n}: {said}");
    assert!(!said.contains("lacks") && !said.contains("yet to come"), "{said}");
    let (late, end) = (world.scene.path("late.mp4"), "2100-01-01T00:00:00");
    let said = world.clip(&["--camera", "gate", "--from", from, "--to", end, "--out", late.to_str().unwrap()]);
    assert!(said.contains(" to 2100-01-01 00:00:00\n  --to is yet to come") && said.contains("  lacks 20"), "{said}");

    let tried = world.scene.path("tried");
    let said = world.asks("rehearse", &["--camera", "gate", "--out", tried.to_str().unwrap()]);
    let lines = std::fs::read_to_string(tried.join("rehearsal.jsonl")).unwrap();
    assert!(said.contains("would have been raised") && said.contains("loitering in plaza: person"), "{said}");
    assert!(lines.contains(r#""is":"raised""#) && lines.ends_with("{\"is\":\"done\"}\n"), "{lines}");
    assert!(std::fs::read(tried.join("1.jpg")).unwrap().starts_with(&[0xff, 0xd8]));

    let agent = world.start();
    world.keeps(2.0, &agent);
    let again = stretches(&world.clip(&["--list"]));
    assert!(again.first().map(|one| &one.0) == Some(from) && again.last().map(|one| &one.1) > Some(to), "{again:?}");
    world.disk.fill().unwrap();
    let told = world.told("troubles", &agent);
    assert!(told.contains("stay free for evidence") || told.contains("No space left"), "{told}");
    // All of it has gone to make room, and that which is written is closed and goes, too.
    let is_gone = |list: &str| list.contains("no footage") || list.contains(": 0.0 MiB");
    eventually("footage has given way", || is_gone(&world.clip(&["--list"])).then_some(()))
        .unwrap_or_else(|error| panic!("{error:#}: {}\n{}", world.clip(&["--list"]), agent.log()));
    world.disk.free().unwrap();
    world.told("well", &agent);
    let gaps =
        || Metrics::read(world.port)?.sum("forewarn_footage_gaps_total", &["reason=\"disk\""]).filter(|n| *n >= 1.0);
    eventually("the gap is counted", gaps).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert_stops(agent);
}
