//! What changes in the site file is taken up by the running agent, and what did not change is not touched.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use forewarn_domain::IncidentState;
use forewarn_tests::agent::{Metrics, page};
use forewarn_tests::asked::Asked;
use forewarn_tests::camera::CameraOptions;
use forewarn_tests::meter::Meter;
use forewarn_tests::process::free_port;
use forewarn_tests::site::{QUICK_LOITERING, QUICK_PARKING};
use forewarn_tests::{
    Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually, program,
};
use forewarn_wire::Event;

use super::health::part;
use super::live::assert_stops;

/// The first of the two registers with the noise.
const NOISE: u16 = 10;

/// Takes what is posted to it.
struct Desk {
    port: u16,
    told: Receiver<String>,
}

impl Desk {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, told) = sync_channel(1000);
        let serve = move || {
            for stream in listener.incoming().flatten() {
                let Ok(asked) = Asked::read(&stream) else { continue };
                let answer = b"HTTP/1.1 204 Taken\r\nconnection: close\r\n\r\n";
                if (&stream).write_all(answer).is_ok() {
                    let _ = sender.try_send(String::from_utf8_lossy(&asked.body).into_owned());
                }
            }
        };
        std::thread::Builder::new().name("desk".to_owned()).spawn(serve).unwrap();
        Self { port, told }
    }
}

#[test]
fn a_reload_takes_up_speakers_sensors_and_upstreams_one_by_one() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let [first, second] = ["first", "second"].map(|name| Broker::start(&scene.path(name)).unwrap());
    let mut city = Subscriber::start(second.port(), Session::Persistent, None).unwrap();
    city.wait_subscribed().unwrap();
    let meter = Meter::start(0).unwrap();
    meter.show(NOISE, 55.5);
    let port = free_port().unwrap();
    let watched = || CameraEntry::new("gate", camera.url(), QUICK_LOITERING).with("speakers = [\"horn\"]");
    let before = SiteFile::new().metrics(port).upstream(&first.url(), "").wav_speaker("horn").camera(watched());
    let site = before.write(scene.dir()).unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let held = eventually(what, || is_so().then_some(()));
        held.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    };
    let metric = |name: &str, label: &str| Metrics::read(port)?.sum(name, &[label]);
    let upstream = |name: &str| format!("upstream=\"{name}\"");
    until("the first one has a report", &|| {
        metric("forewarn_upstream_acknowledged_total", &upstream("mqtt")).is_some_and(|n| n >= 1.0)
    });

    let mut after = SiteFile::new().metrics(port).upstream(&first.url(), "").wav_speaker("horn");
    after = after.another_upstream("city", &second.url(), "").wav_speaker("bell").camera(watched());
    after.tables = after.tables.replacen("\"announcements\"", "\"elsewhere\"", 1);
    let _ = write!(
        after.tables,
        "[[sensor]]\nid = \"noise\"\nkind = \"modbus_tcp\"\naddress = \"127.0.0.1:{}\"\nregisters = \"input\"\n\
         register = {NOISE}\ntype = \"f32\"\nevery_s = 0.2\n\n",
        meter.port()
    );
    let desk = Desk::open();
    let _ = write!(
        after.tables,
        "[upstream.desk]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\nstates = [\"confirmed\"]\n\n",
        desk.port
    );
    after.write(scene.dir()).unwrap();
    let reload = || scene.program.run([Path::new("reload"), Path::new("--config"), &site]).unwrap().status.code();
    assert_eq!(reload(), Some(0));
    let named = "taken up: sensor noise is new, speaker bell is new, speaker horn changed, upstream city is new, upstream desk is new";
    until("what is taken up is named", &|| agent.log().contains(named));
    until("the sensor is read", &|| metric("forewarn_sensor_value", "sensor=\"noise\"") == Some(55.5));
    let confirmed =
        city.event("an incident comes to the new one", |event| event.data.incident.state == IncidentState::Confirmed);
    confirmed.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    until("the desk is told over HTTP", &|| desk.told.try_iter().any(|body| body.contains("incident.confirmed")));
    until("the loudspeaker speaks where it stands now", &|| {
        scene.path("elsewhere").read_dir().is_ok_and(|mut sounds| sounds.next().is_some())
    });
    let comers = ["speaker bell", "sensor noise", "upstream city", "upstream desk"];
    let is_well = |name: &&str| part(port, name, "well").is_some();
    until("all stand in the health", &|| comers.iter().all(is_well) && is_well(&"speaker horn"));

    before.write(scene.dir()).unwrap();
    assert_eq!(reload(), Some(0));
    until("they are gone", &|| !comers.iter().any(is_well));
    let log = agent.log();
    assert_eq!(log.matches("connected, H.264").count(), 1, "the camera is not touched: {log}");
    assert_eq!(
        metric("forewarn_upstream_connections_total", &upstream("mqtt")),
        Some(1.0),
        "nor is the upstream: {log}"
    );
    assert!(!log.contains("until the agent is started again"), "{log}");
    assert_stops(agent);
}

#[test]
fn cameras_come_go_and_move_while_the_others_keep_their_connections() {
    let scene = Scene::new().unwrap();
    let camera = |name: &str| {
        let options = CameraOptions::looped(&program::demo_clip().unwrap());
        SimCamera::start(&scene.program, &scene.path(name), options).unwrap()
    };
    let [stays, goes, comes, moved] = ["stays", "goes", "comes", "moved"].map(camera);
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    platform.wait_subscribed().unwrap();
    let port = free_port().unwrap();
    // Its incidents are open for minutes.
    let patient =
        ["for", "complied_after", "gone_after", "lost_after"].iter().fold(QUICK_LOITERING.to_owned(), |rules, key| {
            rules.replace(&format!("observe.{key}_s = "), &format!("observe.{key}_s = 60"))
        });
    let site = |cameras: &[(&str, &SimCamera)]| {
        let site = SiteFile::new().metrics(port).upstream(&broker.url(), "");
        let rules = |id: &str| match id {
            "goes" => patient.as_str(),
            "comes" => QUICK_LOITERING,
            _ => "",
        };
        let entry = |(id, camera): &(&str, &SimCamera)| CameraEntry::new(id, camera.url(), rules(id));
        cameras.iter().map(entry).fold(site, SiteFile::camera).write(scene.dir()).unwrap()
    };
    let file = site(&[("stays", &stays), ("goes", &goes), ("moves", &goes)]);
    let agent = Agent::start(&scene.program, &file, "info").unwrap();
    let mut event = |what: &str, stream: &str, state: IncidentState| {
        let is_it = |event: &Event| event.data.incident.camera == stream && event.data.incident.state == state;
        platform.event(what, is_it).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()))
    };
    event("an incident at the camera that goes", "goes", IncidentState::Confirmed);
    let connections = |id: &str| agent.log().matches(&format!("decoder avdec_h264 stream={id}")).count();
    eventually("all are connected", || (connections("stays") + connections("moves") == 2).then_some(())).unwrap();

    site(&[("stays", &stays), ("moves", &moved), ("comes", &comes)]);
    let reload = scene.program.run([Path::new("reload"), Path::new("--config"), &file]).unwrap();
    assert_eq!(reload.status.code(), Some(0));
    let closed = event("the incident of the camera that is gone ends", "goes", IncidentState::Closed).data;
    assert!(closed.incident.history.iter().any(|step| step.state == IncidentState::Lost), "{closed:?}");
    let seen = event("the new one is watched", "comes", IncidentState::Escalated).data;
    let bundle = seen.evidence.expect("its evidence is named").id;
    let clip = scene.path("data/evidence").join(bundle).join("confirmed.mp4");
    eventually("it has a clip", || clip.is_file().then_some(())).unwrap();
    eventually("the one that moved is connected where it is now", || (connections("moves") == 2).then_some(()))
        .unwrap();
    let health = |name: &str| part(port, &format!("camera {name}"), "well");
    eventually("all that there are are well", || {
        ["stays", "moves", "comes"].iter().all(|id| health(id).is_some()).then_some(())
    })
    .unwrap();
    let told = page(port, "/healthz").unwrap().1;
    assert!(!told.contains("camera goes"), "{told}");
    let log = agent.log();
    assert_eq!((connections("stays"), connections("comes"), connections("goes")), (1, 1, 1), "{log}");
    assert!(log.contains("taken up: camera comes is new, camera moves changed, camera goes is gone"), "{log}");
    assert!(!log.contains("until the agent is started again"), "{log}");
    assert_stops(agent);
}

/// A part of the picture in which nothing is detected: that in which the van is parked.
const OVER_THE_VAN: &str =
    "\n[[camera.exclusion]]\nid = \"bay\"\npolygon = [[600, 20], [768, 20], [768, 130], [600, 130]]\n";

#[test]
fn an_exclusion_is_taken_up_and_the_camera_is_not_connected_anew() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    platform.wait_subscribed().unwrap();
    // Somebody must stay for longer than a van does, so that by then the van would have been told.
    let rules = format!("{QUICK_PARKING}{}", QUICK_LOITERING.replace("dwell_s = 0.4", "dwell_s = 4"));
    let site = |more: &str| {
        let entry = CameraEntry::new("gate", camera.url(), format!("{rules}{more}"));
        SiteFile::new().upstream(&broker.url(), "").camera(entry).write(scene.dir()).unwrap()
    };
    let file = site(OVER_THE_VAN);
    let agent = Agent::start(&scene.program, &file, "info").unwrap();
    let is = |violation: &'static str| {
        move |event: &Event| {
            let incident = &event.data.incident;
            incident.violation == violation && incident.state == IncidentState::Confirmed
        }
    };
    let mut event = |what: &str, violation: &'static str| {
        platform.event(what, is(violation)).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
        platform.events().unwrap()
    };
    let before = event("somebody stays", "loitering");
    assert!(!before.iter().any(|event| event.data.incident.violation == "illegal_parking"), "{before:?}");

    site("");
    let reload = scene.program.run([Path::new("reload"), Path::new("--config"), &file]).unwrap();
    assert_eq!(reload.status.code(), Some(0));
    event("the van is seen", "illegal_parking");
    let log = agent.log();
    assert!(log.contains("taken up: an exclusion of camera gate is gone"), "{log}");
    assert_eq!(log.matches("connected, H.264").count(), 1, "the camera is not touched: {log}");
    assert_stops(agent);
}
