//! The running agent with a real camera, real sound, and a real broker.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_domain::IncidentState;
use forewarn_tests::agent::{Metrics, page};
use forewarn_tests::camera::CameraOptions;
use forewarn_tests::process::{free_port, processes_of_group};
use forewarn_tests::site::{QUICK_LOITERING, QUICK_PARKING};
use forewarn_tests::{
    Agent, Broker, CameraEntry, PATIENCE, Scene, Session, SimCamera, SiteFile, Subscriber, clips, eventually, program,
};
use forewarn_wire::Event;

const CAMERA_PASSWORD: &str = "camera-Geheimnis-17";
const BROKER_PASSWORD: &str = "broker-Geheimnis-23";
/// An ordered end takes a second or two; a busy test machine takes longer.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// What becomes of a parked van whose driver does not come.
const ESCALATION: [IncidentState; 5] = [
    IncidentState::Confirmed,
    IncidentState::Warned,
    IncidentState::Observing,
    IncidentState::Persisted,
    IncidentState::Escalated,
];

fn is(event: &Event, violation: &str, state: IncidentState) -> bool {
    event.data.incident.violation == violation && event.data.incident.state == state
}

fn states(events: &[Event], incident: &str) -> Vec<IncidentState> {
    events.iter().filter(|event| event.subject == incident).map(|event| event.data.incident.state).collect()
}

pub(crate) fn assert_stops(mut agent: Agent) {
    let group = agent.group();
    assert!(!processes_of_group(group).unwrap().is_empty(), "the agent runs");
    let status = agent.interrupt(STOP_WITHIN).unwrap();
    assert_eq!(status.code(), Some(0), "{}", agent.log());
    assert_eq!(processes_of_group(group).unwrap(), Vec::<String>::new(), "children are left");
}

/// The folders below `dir` that hold `file`.
fn folders_with(dir: &Path, file: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.join(file).is_file() {
            found.push(folder.clone());
        }
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    found
}

/// A bundle below `dir` into which nothing more will come.
pub(crate) fn finally_sealed(dir: &Path) -> Option<PathBuf> {
    let is_final = |bundle: &PathBuf| {
        std::fs::read_to_string(bundle.join("manifest.json")).is_ok_and(|text| text.contains("\"final\":true"))
    };
    folders_with(dir, "manifest.json").into_iter().rfind(is_final)
}

/// A camera and a broker that both ask who is there.
struct Secured {
    camera: SimCamera,
    broker: Broker,
    platform: Subscriber,
    /// Dropped last, for the others write into its folder as long as they live.
    scene: Scene,
}

impl Secured {
    fn new() -> Self {
        let scene = Scene::new().unwrap();
        let mut options = CameraOptions::looped(&program::demo_clip().unwrap());
        options.login = Some(("viewer".to_owned(), CAMERA_PASSWORD.to_owned()));
        let camera = SimCamera::start(&scene.program, scene.dir(), options).unwrap();
        let broker = Broker::start_with_login(&scene.path("broker"), "gateway", BROKER_PASSWORD).unwrap();
        scene.write("broker.secret", format!("{BROKER_PASSWORD}\n")).unwrap();
        let login = Some(("gateway", BROKER_PASSWORD));
        let platform = Subscriber::start(broker.port(), Session::Persistent, login).unwrap();
        Self { camera, broker, platform, scene }
    }

    fn site(&self) -> SiteFile {
        SiteFile::new().upstream(&self.broker.url(), "user = \"gateway\"\npassword_file = \"broker.secret\"")
    }

    fn watched(&self, rules: &str, transport: &str) -> CameraEntry {
        CameraEntry::new("gate", self.camera.url(), rules).with(&format!(
            "user = \"viewer\"\npassword_file = \"camera.secret\"\ntransport = \"{transport}\"\nspeakers = [\"horn\"]"
        ))
    }

    fn assert_no_secrets(&self, log: &str) {
        assert!(log.contains("DEBUG"), "the log is at debug level");
        let config = std::fs::read_to_string(self.scene.path("site.toml")).unwrap();
        for secret in [CAMERA_PASSWORD, BROKER_PASSWORD] {
            assert!(!log.contains(secret), "the log tells {secret}");
            assert!(!config.contains(secret));
            assert!(self.platform.messages().iter().all(|message| !message.payload.contains(secret)));
        }
    }
}

#[test]
fn a_camera_with_a_login_over_tcp_leads_to_reports_sound_and_evidence() {
    let mut secured = Secured::new();
    let rules = format!("{QUICK_PARKING}{QUICK_LOITERING}");
    let site = secured.site().wav_speaker("horn").camera(secured.watched(&rules, "tcp"));
    let site = site.write(secured.scene.dir()).unwrap();
    let mut agent = Agent::start(&secured.scene.program, &site, "debug").unwrap();
    let platform = &mut secured.platform;
    platform.message("forewarn/north/status", "online").unwrap();
    let escalated = platform.event("the van is escalated", |e| is(e, "illegal_parking", IncidentState::Escalated));
    let van = escalated.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log())).subject;
    assert_eq!(states(&platform.events().unwrap(), &van), ESCALATION);
    let wavs = std::fs::read_dir(secured.scene.path("announcements")).unwrap().flatten().map(|entry| entry.path());
    let wav = wavs.map(|path| std::fs::read(path).unwrap()).next().expect("an announcement was written");
    assert!(wav.starts_with(b"RIFF") && wav.len() > 4000, "{} bytes", wav.len());

    platform.event("a person has left", |e| is(e, "loitering", IncidentState::Closed)).unwrap();
    let evidence = secured.scene.path("data/evidence");
    let sealed = eventually("evidence is sealed", || finally_sealed(&evidence)).unwrap();
    let verify = secured.scene.program.succeed([Path::new("evidence"), Path::new("verify"), &sealed]).unwrap();
    assert!(verify.contains(": intact"), "{verify}");
    let says_of_the_clock = verify.contains(" by the box's clock: ") && !verify.contains("nothing is said of it");
    assert!(says_of_the_clock, "{verify}");
    assert_clips_play(&sealed);
    assert_evidence_is_named(&platform.events().unwrap(), &sealed);

    platform.catch_up();
    assert!(agent.ended().is_none());
    secured.assert_no_secrets(&agent.log());
    assert_stops(agent);
    secured.platform.message("forewarn/north/status", "stopped").unwrap();
}

/// Every event names the folder of its incident's evidence.
fn assert_evidence_is_named(events: &[Event], sealed: &Path) {
    let folder = |event: &Event| event.data.evidence.as_ref().map(|evidence| evidence.id.clone()).unwrap_or_default();
    assert!(events.iter().all(|event| folder(event).ends_with(&event.subject)), "an event names no evidence");
    assert!(events.iter().any(|event| sealed.ends_with(folder(event))), "nobody names {}", sealed.display());
}

/// Each clip must decode on its own, from its first access unit, which the muxer marks as a key frame.
pub(crate) fn assert_clips_play(bundle: &Path) {
    let files = std::fs::read_dir(bundle).unwrap().flatten().map(|entry| entry.path());
    let clips: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "mp4")).collect();
    assert!(!clips.is_empty(), "{} holds no clip", bundle.display());
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bundle.join("incident.json")).unwrap()).unwrap();
    for clip in clips {
        let (frames, seconds) = clips::decode(&clip).unwrap();
        assert!(frames >= 5 && seconds > 0.4, "{}: {frames} frames, {seconds} s", clip.display());
        let name = clip.file_name().unwrap().to_string_lossy().into_owned();
        let units = record["clips"].as_array().unwrap().iter().find(|c| c["file"] == name.as_str()).unwrap();
        // A clip that began between key frames would lose the pictures before the first.
        assert_eq!(units["access_units"].as_u64(), Some(frames), "{name}: not every access unit gives a picture");
    }
}

#[test]
fn a_camera_with_a_login_over_udp_leads_to_an_announcement_on_an_ip_horn() {
    let mut secured = Secured::new();
    let horn = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    horn.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = horn.local_addr().unwrap().port();
    let site = secured.site().rtp_speaker("horn", port).camera(secured.watched(QUICK_PARKING, "udp"));
    let site = site.write(secured.scene.dir()).unwrap();
    let agent = Agent::start(&secured.scene.program, &site, "debug").unwrap();
    let mut packet = [0; 2048];
    let (mut payload, mut sequences) = (0, Vec::new());
    while sequences.len() < 20 {
        let n = horn.recv(&mut packet).unwrap_or_else(|error| panic!("no RTP came: {error}\n{}", agent.log()));
        // RFC 3550, section 5.1: version 2; RFC 3551, section 6: payload type 0 is PCMU.
        assert_eq!((packet[0] >> 6, packet[1] & 0x7f), (2, 0));
        sequences.push(u16::from_be_bytes([packet[2], packet[3]]));
        payload += n - 12;
    }
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{sequences:?}");
    assert!(payload >= 20 * 80, "{payload} bytes of sound in {} packets", sequences.len());
    let heard =
        secured.platform.event("the playback is proven", |e| is(e, "illegal_parking", IncidentState::Observing));
    assert_eq!(heard.unwrap().data.incident.warnings_played, 1);
    secured.assert_no_secrets(&agent.log());
    assert_stops(agent);
}

#[test]
fn a_camera_that_dies_comes_back_and_a_dead_one_delays_nobody() {
    let scene = Scene::new().unwrap();
    let clip = program::demo_clip().unwrap();
    let mut camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip)).unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    let [metrics_port, console_port, dead_port] = [(); 3].map(|()| free_port().unwrap());
    let dead = format!("rtsp://127.0.0.1:{dead_port}/nobody");
    let site = SiteFile::new()
        .upstream(&broker.url(), "")
        .metrics(metrics_port)
        .console(console_port)
        .wav_speaker("horn")
        .camera(CameraEntry::new("dead", dead, QUICK_LOITERING))
        .camera(CameraEntry::new("gate", camera.url(), QUICK_LOITERING).with("stall_s = 2.0\nspeakers = [\"horn\"]"))
        .write(scene.dir())
        .unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    platform
        .event("the living camera's incident is confirmed", |e| is(e, "loitering", IncidentState::Confirmed))
        .unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    platform.event("a warning was heard", |e| e.data.incident.warnings_played > 0).unwrap();
    let metrics = || Metrics::read(metrics_port);
    await_metrics(metrics_port);
    let (status, health) = page(metrics_port, "/healthz").unwrap();
    assert_eq!(status, 503, "{health}");
    assert_eq!(page(console_port, "/healthz").unwrap(), (503, "{\"is_healthy\":false}".to_owned()), "no more is told");
    let troubles = serde_json::from_str::<serde_json::Value>(&health).unwrap()["troubles"].to_string();
    assert!(troubles.contains("camera dead") && !troubles.contains("camera gate"), "{health}");
    assert_eq!(page(console_port, "/api/v1/incidents").unwrap().0, 401, "nobody is signed in");

    camera.kill().unwrap();
    let is_noticed = || agent.log().contains("interrupted: ").then_some(());
    eventually("the interruption is noticed", is_noticed).unwrap();
    camera.restart().unwrap();
    let is_counted = |metrics: &Metrics| {
        let of_gate = |name| metrics.sum(name, &["camera=\"gate\""]);
        let at_least_one = |name| of_gate(name) >= Some(1.0);
        at_least_one("forewarn_reconnects_total")
            && at_least_one("forewarn_gaps_total")
            && of_gate("forewarn_gap_seconds") > Some(0.0)
    };
    eventually("the reconnect and its gap are counted", || metrics().filter(is_counted))
        .unwrap_or_else(|error| panic!("{error:#}\n{}", metrics().map_or_else(String::new, |metrics| metrics.0)));
    platform.catch_up();
    let seen = platform.messages().len();
    platform
        .event_after(seen, "incidents go on after the reconnect", |e| is(e, "loitering", IncidentState::Confirmed))
        .unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert!(platform.events().unwrap().iter().all(|event| event.data.incident.camera == "gate"));
    let _half_sent = [metrics_port, console_port].map(|port| {
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        client.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").unwrap();
        client
    });
    assert_stops(agent);
}

fn await_metrics(port: u16) {
    let metric = |name: &str, labels: &[&str]| Metrics::read(port)?.sum(name, labels);
    let gate = "camera=\"gate\"";
    let at_least_one = [
        ("forewarn_frames_in_total", vec![gate]),
        ("forewarn_frames_analysed_total", vec![gate]),
        ("forewarn_inference_seconds_count", vec![]),
        ("forewarn_incident_transitions_total", vec!["state=\"confirmed\""]),
        ("forewarn_warnings_total", vec!["outcome=\"played\""]),
    ];
    for (name, labels) in at_least_one {
        let what = format!("{name} {labels:?} is counted");
        eventually(&what, || metric(name, &labels).filter(|n| *n >= 1.0)).unwrap();
    }
    let there = [
        ("forewarn_frames_dropped_total", vec![gate, "reason=\"newest_wins\""]),
        ("forewarn_inference_seconds_bucket", vec!["le=\"0.1\""]),
        ("forewarn_decode_queue_depth", vec![gate]),
        ("forewarn_queue_depth", vec!["queue=\"incident-loop\""]),
        ("forewarn_reconnects_total", vec![gate]),
        ("forewarn_incidents_open", vec!["state=\"observing\""]),
        ("forewarn_outbox_messages", vec![]),
    ];
    for (name, labels) in there {
        eventually(&format!("{name} {labels:?} is there"), || metric(name, &labels)).unwrap();
    }
}
