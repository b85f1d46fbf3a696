//! Sensors over MQTT and Modbus TCP, tied to a camera that shows nothing but a still yard.

use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_domain::IncidentState;
use forewarn_tests::agent::Metrics;
use forewarn_tests::camera::CameraOptions;
use forewarn_tests::meter::Meter;
use forewarn_tests::process::free_port;
use forewarn_tests::scenes::encode::Encoder;
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually};
use forewarn_wire::Event;

use super::live::{assert_clips_play, assert_stops, finally_sealed};

const TOPIC: &str = "kitchen/fume";
/// The first of the two registers with the noise.
const NOISE: u16 = 10;
const FPS: u32 = 5;

/// A minute would do in a kitchen; here it is a second.
const RULES: &str = r#"
[[camera.zone]]
id = "bar"
polygon = [[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 1]]

[[camera.rule]]
violation = "sensor_over_threshold"
sensor = "fume"
with = { limit = 2.0, hysteresis = 0.5, over_s = 1, silent_s = 60, warning.text = { en = "Go." }, warning.timeout_s = 8, observe.for_s = 120, observe.complied_after_s = 0.5, observe.close_after_s = 0.5, evidence.pre_roll_s = 1, evidence.post_roll_s = 1 }

[[camera.rule]]
violation = "sensor_over_threshold"
zone = "bar"
sensor = "noise"
with = { limit = 70.0, hysteresis = 5.0, over_s = 0.5, silent_s = 2, warning.text = { en = "Hush." }, warning.timeout_s = 8, observe.for_s = 120, observe.complied_after_s = 0.5, observe.lost_after_s = 2, evidence.pre_roll_s = 1, evidence.post_roll_s = 1 }
"#;

/// A clip in which nothing moves and nobody is.
fn still_yard(dir: &Path) -> PathBuf {
    let path = dir.join("yard.mp4");
    let mut encoder = Encoder::start(&path, (320, 240), FPS).unwrap();
    let wall = |x: u32, y: u32| if (x / 40 + y / 40).is_multiple_of(2) { [120, 118, 110] } else { [96, 98, 100] };
    let yard = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb(wall(x, y)));
    for _ in 0..FPS * 8 {
        encoder.add(&yard).unwrap();
    }
    encoder.finish().unwrap();
    path
}

fn sensors(broker: &Broker, meter: &Meter) -> String {
    format!(
        "[[sensor]]\nid = \"fume\"\nkind = \"mqtt\"\nurl = \"{}\"\ntopic = \"{TOPIC}\"\npath = \"$.data.mg_m3\"\n\
         unit = \"mg/m³\"\nuser = \"gateway\"\npassword_file = \"broker.secret\"\n\n\
         [[sensor]]\nid = \"noise\"\nkind = \"modbus_tcp\"\naddress = \"127.0.0.1:{}\"\nregisters = \"input\"\n\
         register = {NOISE}\ntype = \"f32\"\nevery_s = 0.2\nunit = \"dB\"\n\n",
        broker.url(),
        meter.port()
    )
}

struct World {
    meter: Meter,
    broker: Broker,
    platform: Subscriber,
    agent: Agent,
    _camera: SimCamera,
    metrics_port: u16,
    /// Dropped last, for the others write into its folder as long as they live.
    scene: Scene,
}

impl World {
    fn start() -> Self {
        let scene = Scene::new().unwrap();
        let clip = still_yard(scene.dir());
        let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip)).unwrap();
        let broker = Broker::start_with_login(&scene.path("broker"), "gateway", "Geheimnis-31").unwrap();
        scene.write("broker.secret", "Geheimnis-31\n").unwrap();
        let platform =
            Subscriber::start(broker.port(), Session::Persistent, Some(("gateway", "Geheimnis-31"))).unwrap();
        let meter = Meter::start(0).unwrap();
        meter.show(NOISE, 55.5);
        let metrics_port = free_port().unwrap();
        let mut site = SiteFile::new()
            .upstream(&broker.url(), "user = \"gateway\"\npassword_file = \"broker.secret\"")
            .metrics(metrics_port)
            .wav_speaker("horn")
            .camera(CameraEntry::new("kitchen", camera.url(), RULES).with("speakers = [\"horn\"]"));
        site.tables.push_str(&sensors(&broker, &meter));
        let site = site.write(scene.dir()).unwrap();
        let agent = Agent::start(&scene.program, &site, "info").unwrap();
        let frames = || Metrics::read(metrics_port)?.sum("forewarn_frames_analysed_total", &[]).filter(|n| *n >= 1.0);
        eventually("the yard is seen", frames).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
        Self { meter, broker, platform, agent, _camera: camera, metrics_port, scene }
    }

    fn metric(&self, name: &str, sensor: &str) -> Option<f64> {
        Metrics::read(self.metrics_port)?.sum(name, &[&format!("sensor=\"{sensor}\"")])
    }

    /// Publishes a value until the agent has it: it hears nothing before it has subscribed.
    fn publish(&mut self, value: f64) {
        let heard = eventually("the published value is heard", || {
            self.platform.publish(TOPIC, &format!("{{\"data\": {{\"mg_m3\": {value}}}}}")).unwrap();
            (self.metric("forewarn_sensor_value", "fume") == Some(value)).then_some(())
        });
        heard.unwrap_or_else(|error| panic!("{error:#}\n{}", self.agent.log()));
    }

    fn event(&mut self, what: &str, zone: &str, state: IncidentState) -> Event {
        let is_it = |event: &Event| event.data.incident.zone == zone && event.data.incident.state == state;
        self.platform.event(what, is_it).unwrap_or_else(|error| panic!("{error:#}\n{}", self.agent.log()))
    }

    fn states(&self, zone: &str) -> Vec<IncidentState> {
        let incidents = self.platform.events().unwrap().into_iter().map(|event| event.data.incident);
        incidents.filter(|incident| incident.zone == zone).map(|incident| incident.state).collect()
    }
}

fn finding(event: &Event) -> (String, String) {
    let finding = &event.data.incident.findings[0];
    (finding.attribute.clone(), finding.text.clone().unwrap_or_default())
}

#[test]
fn a_topic_over_its_limit_is_an_incident_that_does_not_flap_and_complies_with_evidence() {
    let mut world = World::start();
    world.publish(1.0);
    world.publish(3.25);
    let confirmed = world.event("the fume is confirmed", "whole", IncidentState::Confirmed);
    assert_eq!(finding(&confirmed), ("fume".to_owned(), "3.25 mg/m³".to_owned()));
    world.event("the warning was heard", "whole", IncidentState::Observing);
    for value in [1.9, 2.1, 1.6] {
        world.publish(value);
    }
    // Longer than it takes to comply.
    world.platform.listen(Duration::from_secs(3), usize::MAX);
    assert!(!world.states("whole").contains(&IncidentState::Complied), "{:?}", world.states("whole"));
    world.publish(1.0);
    let complied = world.event("the fume is gone", "whole", IncidentState::Complied);
    assert_eq!((complied.subject.as_str(), finding(&complied).1.as_str()), (confirmed.subject.as_str(), "1 mg/m³"));
    world.event("the incident is closed", "whole", IncidentState::Closed);

    let evidence = world.scene.path("data/evidence");
    let sealed = eventually("evidence is sealed", || finally_sealed(&evidence)).unwrap();
    assert!(sealed.join("confirmed.jpg").is_file(), "{}", sealed.display());
    assert_clips_play(&sealed);
    let record = std::fs::read_to_string(sealed.join("incident.json")).unwrap();
    assert!(record.contains("mg/m³"), "{record}");
    assert_stops(world.agent);
    assert!(!std::fs::read_to_string(world.scene.path("agent-1.log")).unwrap().contains("Geheimnis"));
}

#[test]
fn a_device_that_dies_is_told_once_and_its_incident_is_lost_and_not_complied() {
    let mut world = World::start();
    let reads = |world: &World| world.metric("forewarn_sensor_value", "noise");
    eventually("the meter is read", || (reads(&world) == Some(55.5)).then_some(())).unwrap();
    world.meter.show(NOISE, 82.0);
    let confirmed = world.event("the noise is confirmed", "bar", IncidentState::Confirmed);
    assert_eq!(finding(&confirmed), ("noise".to_owned(), "82 dB".to_owned()));

    let port = world.meter.port();
    let other = Meter::start(0).unwrap();
    drop(std::mem::replace(&mut world.meter, other));
    world.event("the silent meter's incident is lost", "bar", IncidentState::Lost);
    assert!(!world.states("bar").contains(&IncidentState::Complied));
    let errors = |world: &World| world.metric("forewarn_sensor_errors_total", "noise").filter(|n| *n >= 2.0);
    eventually("its errors are counted", || errors(&world)).unwrap();
    assert_eq!(world.agent.log().matches("sensor noise: no connection").count(), 1, "{}", world.agent.log());
    // A topic without a number is another sensor's trouble.
    eventually("the word is heard", || {
        world.platform.publish(TOPIC, "offline").unwrap();
        world.metric("forewarn_sensor_errors_total", "fume").filter(|n| *n >= 1.0)
    })
    .unwrap();
    world.broker.kill().unwrap();
    world.broker.restart().unwrap();
    world.platform.wait_subscribed().unwrap();
    world.publish(1.25);

    let meter = Meter::start(port).unwrap();
    meter.show(NOISE, 50.0);
    eventually("the meter is read again", || (reads(&world) == Some(50.0)).then_some(())).unwrap();
    let is_told = || world.agent.log().contains("the sensor is read again").then_some(());
    eventually("its return is told", is_told).unwrap();
    assert_stops(world.agent);
}

#[test]
fn a_probe_tells_the_value_of_each_sensor_or_why_there_is_none() {
    let scene = Scene::new().unwrap();
    let meter = Meter::start(0).unwrap();
    meter.show(NOISE, 61.5);
    let nobody = free_port().unwrap();
    let sensor = |id: &str, port: u16, register: u16| {
        format!(
            "[[sensor]]\nid = \"{id}\"\nkind = \"modbus_tcp\"\naddress = \"127.0.0.1:{port}\"\nregisters = \"input\"\n\
             register = {register}\ntype = \"f32\"\nunit = \"dB\"\n"
        )
    };
    let mut site = SiteFile::new().camera(CameraEntry::new("gate", "rtsp://127.0.0.1:9/a", ""));
    for (id, port, register) in [("good", meter.port(), NOISE), ("wrong", meter.port(), 90), ("dead", nobody, 1)] {
        site.tables.push_str(&sensor(id, port, register));
    }
    let site = site.write(scene.dir()).unwrap();
    let output = scene.program.run([Path::new("check"), &site, Path::new("--probe")]).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(": sensor good: no rule asks for it"), "{text}");
    assert!(text.contains("sensor good: 61.5 dB, register 10 of unit 1 at 127.0.0.1:"), "{text}");
    assert!(text.contains("refused: it has no register 90 of this kind"), "{text}");
    assert!(text.contains("sensor dead: no connection to 127.0.0.1:"), "{text}");
    assert_eq!(output.status.code(), Some(69), "{text}");
}
