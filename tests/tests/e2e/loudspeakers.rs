//! Loudspeakers that are told over MQTT, spoken to by hand over a real broker.

use std::path::Path;
use std::process::Output;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use forewarn_tests::{Broker, Scene, SiteFile};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

/// The table of the device in these tests.
fn hall(broker: &Broker, ack_s: f64) -> String {
    format!(
        "[[speaker]]\nid = \"hall\"\nkind = \"mqtt\"\nurl = \"{}\"\ntopic = \"hall/say\"\nack_topic = \"hall/said\"\n\
         payload = '{{\"say\": \"{{text}}\", \"id\": \"{{nonce}}\"}}'\nack = '\"id\"*\"{{nonce}}\"*\"done\"'\n\
         refusal = '\"id\"*\"{{nonce}}\"*\"error\"'\nack_s = {ack_s}\n",
        broker.url()
    )
}

/// A device that answers each order by this: the answers in their order, `ID` standing for that of the order.
fn device(broker: &Broker, answers: &'static [&'static str]) -> std::thread::JoinHandle<String> {
    let mut options = MqttOptions::new("hall", "127.0.0.1", broker.port());
    options.set_keep_alive(Duration::from_mins(20));
    let (client, mut connection) = Client::new(options, 20);
    let (ready, is_ready) = sync_channel(1);
    let serve = move || {
        let (mut order, mut left) = (String::new(), answers.len());
        client.try_subscribe("hall/say", QoS::AtLeastOnce).unwrap();
        for event in connection.iter() {
            match event.unwrap() {
                Event::Incoming(Packet::SubAck(_)) => ready.send(()).unwrap(),
                Event::Incoming(Packet::Publish(publish)) => {
                    order = String::from_utf8(publish.payload.to_vec()).unwrap();
                    let id = order.rsplit('"').nth(1).unwrap().to_owned();
                    for answer in answers {
                        let answer = answer.replace("ID", &id);
                        client.try_publish("hall/said", QoS::AtLeastOnce, false, answer).unwrap();
                    }
                }
                Event::Incoming(Packet::PubAck(_)) => left -= 1,
                _ => {}
            }
            if left == 0 && !order.is_empty() {
                break;
            }
        }
        order
    };
    let thread = std::thread::Builder::new().name("hall".to_owned()).spawn(serve).unwrap();
    is_ready.recv_timeout(Duration::from_mins(1)).unwrap();
    thread
}

fn say(scene: &Scene, site: &Path, text: &str) -> Output {
    let site = site.display().to_string();
    scene.program.run(["say", text, "--speaker", "hall", "--config", &site]).unwrap()
}

fn site(scene: &Scene, speaker: &str) -> std::path::PathBuf {
    let mut site = SiteFile::new().camera(forewarn_tests::CameraEntry::new("gate", "rtsp://127.0.0.1:9/none", ""));
    site.tables.push_str(speaker);
    site.write(scene.dir()).unwrap()
}

#[test]
fn a_device_is_told_over_a_real_broker_and_only_its_own_answer_counts() {
    let scene = Scene::new().unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let path = site(&scene, &hall(&broker, 60.0));
    // Late, wrong, not yet, and twice: only the answer to this very order says that it was played.
    let answers = &[
        "{\"id\": \"0011223344556677\", \"state\": \"done\"}",
        "no json",
        "{\"id\": \"ID\", \"state\": \"queued\"}",
        "{\"id\": \"ID\", \"state\": \"done\"}",
        "{\"id\": \"ID\", \"state\": \"done\"}",
    ];
    let hall = device(&broker, answers);
    let said = say(&scene, &path, "Gate \"A\" is closed");
    let (out, error) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert_eq!(said.status.code(), Some(0), "{error}");
    assert!(out.starts_with("kind    mqtt\nsent    ") && out.contains(" bytes on hall/say at 127.0.0.1:"), "{out}");
    assert!(out.contains("\", \"state\": \"done\"}\nlasted  ") && out.ends_with("\nproof   acknowledged\n"), "{out}");
    let order = hall.join().unwrap();
    assert!(order.starts_with("{\"say\": \"Gate \\\"A\\\" is closed\", \"id\": \""), "{order}");
}

#[test]
fn a_device_that_refuses_is_silent_or_is_not_there_is_told_apart_by_the_exit_code() {
    let scene = Scene::new().unwrap();
    let mut broker = Broker::start(&scene.path("broker")).unwrap();
    let path = site(&scene, &hall(&broker, 60.0));
    let ends = |path: &Path, code: i32, says: &str| {
        let said = say(&scene, path, "Stop");
        let told = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.code() == Some(code) && told.contains(says), "{:?}: {told}", said.status);
    };
    let hall_refuses = device(&broker, &["{\"id\": \"ID\", \"error\": \"volume locked\"}"]);
    ends(&path, 1, "the device says that it did not do it: {\"id\":");
    hall_refuses.join().unwrap();
    let hall_is_late = device(&broker, &["{\"id\": \"0011223344556677\", \"state\": \"done\"}"]);
    ends(
        &site(&scene, &hall(&broker, 1.0)),
        1,
        "no answer came on hall/said in 1.0 s, but 1 that fit nothing, the last: {",
    );
    hall_is_late.join().unwrap();
    broker.kill().unwrap();
    ends(&path, 69, "failed to play on speaker hall: failed to reach the broker 127.0.0.1:");
    let site = path.display().to_string();
    let other = scene.program.run(["say", "Stop", "--speaker", "hell", "--config", &site]).unwrap();
    let told = String::from_utf8(other.stderr).unwrap();
    assert!(
        other.status.code() == Some(65) && told.contains("there is no speaker `hell`; did you mean `hall`?"),
        "{told}"
    );
}
