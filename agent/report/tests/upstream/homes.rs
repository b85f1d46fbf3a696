//! Home Assistant and readers of Frigate's topics, through a real mosquitto.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_domain::violation::Text;
use forewarn_domain::{Prepared, SpeakerId, StreamId, ViolationId};
use forewarn_report::{Ear, Heard, People, Wish};
use forewarn_wire::samples::CLOSING;
use serde_json::{Value, json};

use crate::server::{READERS, SCRIPTS};
use crate::support::{
    Broker, PATIENCE, Received, Subscriber, drained, eventually, free_port, outbox_for, report, start, start_heard,
};
use crate::webhook::adapter_with;

/// What is published of one incident, up to the farewell, by topic.
fn published(kind: &str, people: People, more: &str) -> BTreeMap<String, Vec<Received>> {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), free_port(), "");
    let subscriber = Subscriber::start(broker.port);
    let mut outbox = outbox_for(dir.path(), &[kind]);
    for sequence in 1..=CLOSING {
        outbox.record(&report(1, sequence), None).unwrap();
    }
    let keys = format!(r#""url":"mqtt://127.0.0.1:{}"{more}"#, broker.port);
    let handle = start(kind, adapter_with(kind, &keys, "", people).as_ref(), &outbox);
    drained(&handle);
    eventually("no picture waits", || handle.stats().pictures.waiting == 0);
    handle.stop(Duration::from_secs(10));
    let mut by_topic: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    loop {
        let message = subscriber.next();
        let is_farewell = message.topic.ends_with("/available") && message.payload == "offline";
        by_topic.entry(message.topic.clone()).or_default().push(message);
        if is_farewell {
            return by_topic;
        }
    }
}

fn payloads(by_topic: &BTreeMap<String, Vec<Received>>, topic: &str) -> Vec<String> {
    by_topic.get(topic).map(|all| all.iter().map(|one| one.payload.clone()).collect()).unwrap_or_default()
}

#[test]
fn home_assistant_finds_a_device_whose_topics_are_those_that_are_published() {
    let rule = (StreamId::new("gate").unwrap(), ViolationId::new("illegal_parking").unwrap());
    let evidence = tempfile::tempdir().unwrap();
    let folder = evidence.path().join(report(1, 1).incident.bundle());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("confirmed-marked.jpg"), "a picture").unwrap();
    let people = People { rules: vec![rule], evidence: evidence.path().to_owned(), ..People::default() };
    let by_topic = published("home_assistant", people, "");
    let config = payloads(&by_topic, "homeassistant/device/forewarn_north/config").remove(0);
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(payloads(&by_topic, config["availability_topic"].as_str().unwrap()), ["online", "offline"]);
    for (name, keys) in config["components"].as_object().unwrap() {
        let topic = keys.get("state_topic").or(keys.get("image_topic")).and_then(Value::as_str).unwrap();
        let told = payloads(&by_topic, topic);
        assert_eq!(told.len(), CLOSING as usize, "{name} on {topic}");
        if name == "gate_illegal_parking" {
            assert_eq!((told[0].as_str(), told[5].as_str()), ("ON", "OFF"));
            assert_eq!(payloads(&by_topic, keys["json_attributes_topic"].as_str().unwrap()).len(), CLOSING as usize);
        }
        if name == "snapshot" {
            assert_eq!(told[0], "a picture");
        }
    }
}

/// What Home Assistant makes of these messages.
fn read_by_home_assistant(config: &str, by_topic: &BTreeMap<String, Vec<Received>>) -> Value {
    let coded = |all: &Vec<Received>| all.iter().map(|one| STANDARD.encode(&one.payload)).collect::<Vec<_>>();
    let published: BTreeMap<&String, Vec<String>> = by_topic.iter().map(|(topic, all)| (topic, coded(all))).collect();
    let mut python = Command::new("python3");
    python.args([&format!("{SCRIPTS}/home_assistant.py"), READERS]).env("PYTHONPATH", READERS);
    answer(&mut python, &json!({ "config": config, "published": published }))
}

/// What a reader that `cargo xtask test` fetches answers to this.
fn answer(reader: &mut Command, said: &Value) -> Value {
    let mut reader = reader.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    reader.stdin.take().unwrap().write_all(said.to_string().as_bytes()).unwrap();
    let told = reader.wait_with_output().unwrap();
    assert!(told.status.success(), "run `cargo xtask test` once, which fetches the reader");
    serde_json::from_slice(&told.stdout).unwrap()
}

#[test]
fn home_assistants_own_schemas_take_every_entity_and_its_states() {
    let rule = (StreamId::new("gate").unwrap(), ViolationId::new("illegal_parking").unwrap());
    let evidence = tempfile::tempdir().unwrap();
    let folder = evidence.path().join(report(1, 1).incident.bundle());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("confirmed-marked.jpg"), "a picture").unwrap();
    let people = People { rules: vec![rule], evidence: evidence.path().to_owned(), ..with_loudspeakers() };
    let config = "homeassistant/device/forewarn_north/config";
    let mut by_topic = published("home_assistant", people, r#","speakers":["horn"]"#);
    let told = read_by_home_assistant(config, &by_topic);
    assert_eq!(told["refused"], json!({}), "{told}");
    let of = |name: &str| told["entities"][name].clone();
    let states = ["confirmed", "warned", "observing", "persisted", "escalated", "closed"];
    assert_eq!(of("gate_illegal_parking")["states"], json!([true, true, true, true, true, false]), "{told}");
    assert_eq!(
        (of("last_incident")["states"].clone(), of("incident")["states"].clone()),
        (json!(states), json!(states))
    );
    assert_eq!(of("snapshot")["states"], json!(vec!["a picture".len(); 6]));
    let device = config.split('/').nth(2).unwrap();
    for name in ["gate_illegal_parking", "last_incident", "incident", "snapshot"] {
        assert_eq!((&of(name)["device"], &of(name)["available"]), (&json!([device]), &json!([true, false])));
    }
    assert_eq!(
        of("play_horn_illegal_parking")["asks"],
        json!(["forewarn/north/home_assistant/play/horn", "illegal_parking"])
    );
    // This version sends texts by entities that are described elsewhere.
    assert_eq!(told["unknown"], json!({ "speak_horn": "notify" }));
    // A key that Home Assistant does not know is one that it tells.
    let greeting = &mut by_topic.get_mut(config).unwrap()[0];
    greeting.payload = greeting.payload.replace("event_types", "event_kinds");
    let told = read_by_home_assistant(config, &by_topic);
    assert!(told["refused"]["incident"].as_str().unwrap().contains("event_types"), "{told}");
}

#[test]
fn frigates_topics_tell_an_incident_from_its_begin_to_its_end() {
    let by_topic = published("frigate", People::default(), "");
    assert_eq!(payloads(&by_topic, "frigate/available"), ["online", "offline"]);
    for topic in ["frigate/events", "frigate/reviews"] {
        let kinds: Vec<String> = payloads(&by_topic, topic)
            .iter()
            .map(|text| serde_json::from_str::<Value>(text).unwrap()["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kinds, ["new", "update", "update", "update", "update", "end"], "{topic}");
    }
}

/// What the adapter of ioBroker for Frigate makes of these messages.
fn read_by_iobroker(messages: &[Received]) -> Value {
    let said = messages.iter().map(|one| json!({ "topic": one.topic, "payload": STANDARD.encode(&one.payload) }));
    let mut node = Command::new("node");
    node.args([format!("{SCRIPTS}/frigate_reader.mjs"), format!("{READERS}/npm")]);
    answer(&mut node, &said.collect())
}

#[test]
fn a_program_that_reads_frigate_finds_what_it_looks_for() {
    let evidence = tempfile::tempdir().unwrap();
    let folder = evidence.path().join(report(1, 1).incident.bundle());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("confirmed-marked.jpg"), "a picture").unwrap();
    let people = People { evidence: evidence.path().to_owned(), ..People::default() };
    let by_topic = published("frigate", people, "");
    let mut messages = by_topic["frigate/available"][..1].to_vec();
    messages
        .extend(by_topic.iter().filter(|(topic, _)| !topic.ends_with("/available")).flat_map(|(_, all)| all.clone()));
    let told = read_by_iobroker(&messages);
    assert_eq!(told["warnings"], json!([]), "nothing that it cannot read");
    let states = &told["states"];
    for (state, value) in [
        ("available", json!("online")),
        ("events.type", json!("end")),
        ("events.after.id", json!(report(1, 1).incident.id)),
        ("events.after.camera", json!("gate")),
        ("events.after.label", json!("car")),
        ("events.after.end_time", json!(1_769_839_477.25)),
        ("events.after.has_snapshot", json!(true)),
        ("reviews.type", json!("end")),
        ("reviews.after.severity", json!("alert")),
        ("reviews.after.data.zones.fire_lane", json!("fire_lane")),
        ("gate.car_snapshot", json!(format!("data:image/jpeg;base64,{}", STANDARD.encode("a picture")))),
        // Nobody is there any more.
        ("fire_lane.active", json!(false)),
        ("sub_labels.illegal_parking", json!(false)),
    ] {
        assert_eq!(states[state], value, "{state}");
    }
    let during = told["during"].as_array().unwrap();
    let kinds: Vec<_> = during.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["new", "update", "update", "update", "update", "end"]);
    assert_eq!(during[4], json!({ "type": "update", "active": true, "names": "illegal_parking", "car": 1 }));
}

#[test]
fn over_a_thin_link_words_go_first_and_one_small_picture_follows() {
    for (kind, topic) in
        [("home_assistant", "forewarn/north/home_assistant/snapshot"), ("frigate", "frigate/gate/car/snapshot")]
    {
        let evidence = tempfile::tempdir().unwrap();
        let folder = evidence.path().join(report(1, 1).incident.bundle());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("confirmed-marked.jpg"), "a picture").unwrap();
        let people = People { evidence: evidence.path().to_owned(), ..People::default() };
        let by_topic = published(kind, people, r#","thin":{"kib_per_hour":100,"kib_per_day":400}"#);
        let told = payloads(&by_topic, topic);
        assert!(!told.is_empty() && told.len() < CLOSING as usize, "{kind}: {told:?}");
        assert!(told.iter().all(|picture| picture == "a picture"));
    }
}

/// A site with two loudspeakers, at one of which a text is ready.
fn with_loudspeakers() -> People {
    let title = Text { en: Some("Illegal parking".to_owned()), zh: None };
    let text = Text { en: Some("Drive on.".to_owned()), zh: None };
    let ready = Prepared { id: "illegal_parking".to_owned(), title, text, sound: None };
    let speaker = |id: &str| SpeakerId::new(id).unwrap();
    People { loudspeakers: [(speaker("horn"), vec![ready]), (speaker("wall"), Vec::new())].into(), ..People::default() }
}

fn publish(broker: &Broker, topic: &str, payload: &str, more: &[&str]) {
    let mut publish = Command::new("mosquitto_pub");
    publish.args(["-h", "127.0.0.1", "-p", &broker.port.to_string(), "-t", topic, "-m", payload]).args(more);
    assert!(publish.status().expect("mosquitto_pub is installed (apt package mosquitto-clients)").success());
}

#[test]
fn home_assistant_asks_over_the_topics_that_it_was_told_and_is_answered_there() {
    for version in ["5", "3.1.1"] {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path(), free_port(), "");
        let subscriber = Subscriber::start(broker.port);
        let speak = "forewarn/north/home_assistant/speak/horn";
        // Somebody's from long ago, which the broker gives to whoever subscribes.
        publish(&broker, speak, "An old text", &["-r"]);
        let outbox = outbox_for(dir.path(), &["home_assistant"]);
        let keys = format!(
            r#""url":"mqtt://127.0.0.1:{}","version":"{version}","speakers":["horn"],"pictures":false"#,
            broker.port
        );
        let adapter = adapter_with("home_assistant", &keys, "", with_loudspeakers());
        let (ear, (sender, heard)) = (Ear::default(), sync_channel(9));
        ear.open(move |one: Heard| sender.send(one).unwrap());
        let handle = start_heard("home_assistant", adapter.as_ref(), &outbox, &ear);
        let old = heard.recv_timeout(PATIENCE).unwrap();
        assert!(old.is_kept && old.upstream == "home_assistant", "{old:?}");

        let config = subscriber.next_of("homeassistant/device/forewarn_north/config").payload;
        let config: Value = serde_json::from_str(&config).unwrap();
        let of = |name: &str, key: &str| config["components"][name][key].as_str().unwrap_or_default().to_owned();
        assert_eq!(of("speak_horn", "command_topic"), speak);
        publish(&broker, speak, "The gate is closed", &["-q", "1"]);
        let horn = || SpeakerId::new("horn").unwrap();
        let spoken = heard.recv_timeout(PATIENCE).unwrap();
        assert_eq!(spoken.wish, Wish::Speak { speaker: horn(), text: "The gate is closed".to_owned() });
        assert!(!spoken.is_kept);
        let button = "play_horn_illegal_parking";
        publish(&broker, &of(button, "command_topic"), &of(button, "payload_press"), &["-q", "2"]);
        let pressed = heard.recv_timeout(PATIENCE).unwrap();
        assert_eq!(pressed.wish, Wish::Play { speaker: horn(), prepared: "illegal_parking".to_owned() });
        // Over another one, and below, nothing is heard.
        for elsewhere in ["speak/wall", "speak", "speak/horn/more", "play/wall", "told"] {
            publish(&broker, &format!("forewarn/north/home_assistant/{elsewhere}"), "Psst", &[]);
        }
        pressed.answer.tell(json!({ "outcome": "done" }).to_string());
        let told = subscriber.next_of(&of("last_spoken", "state_topic"));
        assert_eq!(told.payload, "Psst");
        let told = subscriber.next_of(&of("last_spoken", "state_topic"));
        assert_eq!(told.payload, r#"{"outcome":"done"}"#);
        handle.stop(Duration::from_secs(10));
        assert!(heard.try_recv().is_err(), "nothing else was heard");
    }
}

#[test]
fn home_assistant_may_speak_nowhere_unless_it_is_named() {
    let by_topic = published("home_assistant", with_loudspeakers(), "");
    let config = payloads(&by_topic, "homeassistant/device/forewarn_north/config").remove(0);
    assert!(!config.contains("command_topic") && !config.contains("Last spoken"), "{config}");
}
