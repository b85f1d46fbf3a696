//! The loudspeaker of a drone: a dock that follows DJI's published examples, at a real broker, spoken to by hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use forewarn_tests::{Broker, CameraEntry, Scene, SiteFile};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

pub(super) const GATEWAY: &str = "4TADKAQ000002J";

fn topic(name: &str) -> String {
    format!("thing/product/{GATEWAY}/{name}")
}

/// What a dock is told, and what it tells of itself then: a topic and a message each.
pub(super) type Script = fn(&Value) -> Vec<(&'static str, Value)>;

/// A dock; it ends with the broker. What it was told comes out, each with the last word of its topic.
pub(super) fn dock(broker: &Broker, script: Script) -> Receiver<(String, Value)> {
    let mut options = MqttOptions::new("dock", "127.0.0.1", broker.port());
    options.set_keep_alive(Duration::from_mins(20));
    let (client, mut connection) = Client::new(options, 40);
    let (ready, is_ready) = sync_channel(1);
    let (told, was_told) = sync_channel(100);
    let serve = move || {
        client.try_subscribe(topic("services"), QoS::AtLeastOnce).unwrap();
        client.try_subscribe(topic("events_reply"), QoS::AtLeastOnce).unwrap();
        let mut n_subscribed = 0;
        while let Some(Ok(event)) = connection.iter().next() {
            match event {
                Event::Incoming(Packet::SubAck(_)) => {
                    n_subscribed += 1;
                    if n_subscribed == 2 {
                        ready.send(()).unwrap();
                    }
                }
                Event::Incoming(Packet::Publish(publish)) => {
                    let order: Value = serde_json::from_slice(&publish.payload).unwrap();
                    let name = publish.topic.rsplit('/').next().unwrap().to_owned();
                    if name == "services" {
                        for (name, message) in script(&order) {
                            let message = message.to_string();
                            client.try_publish(topic(name), QoS::AtLeastOnce, false, message).unwrap();
                        }
                    }
                    let _ = told.send((name, order));
                }
                _ => {}
            }
        }
    };
    std::thread::Builder::new().name("dock".to_owned()).spawn(serve).unwrap();
    is_ready.recv_timeout(Duration::from_mins(1)).unwrap();
    was_told
}

/// The published reply, which names no method.
pub(super) fn reply(order: &Value, result: i64) -> (&'static str, Value) {
    let message = json!({
        "bid": order["bid"], "data": { "result": result }, "tid": order["tid"], "timestamp": 1_654_070_968_655_i64,
    });
    ("services_reply", message)
}

/// The published progress of an order.
pub(super) fn progress(order: &Value, status: &str, step: &str, percent: i64, result: i64) -> (&'static str, Value) {
    let message = json!({
        "bid": order["bid"], "tid": order["tid"], "gateway": GATEWAY, "timestamp": 1_689_911_352_309_i64,
        "method": format!("{}_progress", order["method"].as_str().unwrap()),
        "data": { "result": result, "output": {
            "md5": "bacee8ed225fa346f6da87f67c914728", "psdk_index": 2, "status": status,
            "progress": { "percent": percent, "step_key": step },
        } },
    });
    ("events", message)
}

fn site(scene: &Scene, broker: &Broker, keys: &str) -> PathBuf {
    let mut site = SiteFile::new().camera(CameraEntry::new("gate", "rtsp://127.0.0.1:9/none", ""));
    let url = broker.url();
    let speaker = format!(
        "[[speaker]]\nid = \"drone\"\nkind = \"dji\"\nurl = \"{url}\"\ngateway = \"{GATEWAY}\"\nanswer_s = 30\n{keys}"
    );
    site.tables += &speaker;
    site.write(scene.dir()).unwrap()
}

fn say(scene: &Scene, site: &Path, text: &str) -> Output {
    scene.program.run(["say", text, "--speaker", "drone", "--config", &site.display().to_string()]).unwrap()
}

/// What came until now, of which the last has this method.
pub(super) fn until(told: &Receiver<(String, Value)>, method: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    while all.last().is_none_or(|(_, order): &(String, Value)| order["method"] != method) {
        all.push(told.recv_timeout(Duration::from_mins(1)).unwrap_or_else(|_| panic!("no {method} came: {all:?}")));
    }
    all
}

/// The MD5 of a file, by a program that is not ours.
fn md5sum(file: &Path) -> String {
    let out = Command::new("md5sum").arg(file).output().unwrap();
    String::from_utf8(out.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_dock_says_a_text_and_late_doubled_and_foreign_answers_count_for_nothing() {
    let scene = Scene::new().unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let path = site(&scene, &broker, "play_volume = 80\n");
    let told = dock(&broker, |order| {
        let foreign =
            json!({ "tid": "11111111-2222-4333-8444-555555555555", "bid": "late", "method": order["method"] });
        if order["method"] != "speaker_tts_play_start" {
            return vec![reply(order, 0), reply(order, 0)];
        }
        let (_, mut of_its_own) = progress(order, "in_progress", "play", 10, 0);
        of_its_own["tid"] = json!("of-the-event");
        of_its_own["need_reply"] = json!(1);
        vec![
            // To an earlier order: it neither failed this one nor said it.
            reply(&foreign, 327_053),
            progress(&foreign, "ok", "play", 100, 0),
            progress(&foreign, "in_progress", "upload", 5, 327_053),
            // Progress that overtakes the reply, a reply that comes twice, and an event with a `tid` of its own.
            progress(order, "in_progress", "upload", 60, 0),
            reply(order, 0),
            reply(order, 0),
            ("events", of_its_own),
            progress(order, "success", "play", 100, 0),
            progress(order, "ok", "play", 100, 0),
        ]
    });
    let said = say(&scene, &path, "Leave the roof");
    let (out, error) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert_eq!(said.status.code(), Some(0), "{error}");
    assert!(out.starts_with("kind    dji\nsent    a text of 14 bytes, to 4TADKAQ000002J at 127.0.0.1:"), "{out}");
    assert!(
        out.contains("\nanswer  success, play at 100 %\nlasted  ") && out.ends_with("\nproof   acknowledged\n"),
        "{out}"
    );

    let orders = until(&told, "speaker_tts_play_start");
    let methods: Vec<&str> = orders.iter().map(|(_, order)| order["method"].as_str().unwrap()).collect();
    let expected = ["speaker_play_mode_set", "speaker_play_volume_set", "speaker_tts_play_start"];
    assert_eq!(methods, expected);
    let data = |i: usize| orders[i].1["data"].clone();
    assert_eq!(data(0), json!({ "psdk_index": 2, "play_mode": 0 }));
    assert_eq!(data(1), json!({ "psdk_index": 2, "play_volume": 80 }));
    assert_eq!(data(2)["tts"]["text"], "Leave the roof");
    std::fs::write(scene.path("text"), "Leave the roof").unwrap();
    assert_eq!(data(2)["tts"]["md5"], md5sum(&scene.path("text")));
}

#[test]
fn a_dock_fetches_the_sound_that_it_is_told_of() {
    let scene = Scene::new().unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let keys = "say = \"audio\"\nserve = \"127.0.0.1:0\"\nfetch_url = \"http://127.0.0.1\"\n";
    let path = site(&scene, &broker, keys);
    let told = dock(&broker, |order| {
        let Some(file) = order["data"].get("file") else { return vec![reply(order, 0)] };
        let into = std::env::temp_dir().join(format!("{}.pcm", file["md5"].as_str().unwrap()));
        let url = file["url"].as_str().unwrap();
        let fetched = Command::new("curl").args(["--silent", "--fail", "--output"]).arg(&into).arg(url).status();
        assert!(fetched.unwrap().success(), "{url}");
        let mut all = vec![reply(order, 0)];
        for step in ["download", "encoding", "change_work_mode", "upload", "play"] {
            all.push(progress(order, "in_progress", step, 50, 0));
        }
        all.push(progress(order, "ok", "play", 100, 0));
        all
    });
    let said = say(&scene, &path, "Leave the roof");
    let (out, error) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert_eq!(said.status.code(), Some(0), "{error}");
    assert!(out.contains(", which it fetched, to 4TADKAQ000002J at ") && out.contains("acknowledged"), "{out}");
    let orders = until(&told, "speaker_audio_play_start");
    let file = &orders.last().unwrap().1["data"]["file"];
    assert_eq!(file["format"], "pcm");
    let fetched = std::env::temp_dir().join(format!("{}.pcm", file["md5"].as_str().unwrap()));
    assert_eq!(file["md5"], md5sum(&fetched));
    let bytes = std::fs::metadata(&fetched).unwrap().len();
    std::fs::remove_file(&fetched).unwrap();
    // 16 kHz, 16 bits: what lasted is what was fetched, whenever the dock says that it is done.
    let lasted_s: f64 = out.split("lasted").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(bytes > 32_000 && lasted_s + 0.05 >= bytes as f64 / 32_000.0, "{bytes} bytes in {lasted_s} s");
}

#[test]
fn a_dock_that_refuses_gives_up_or_answers_somebody_else_is_told_in_words_and_made_to_stop() {
    let scene = Scene::new().unwrap();
    let mut broker = Broker::start(&scene.path("broker")).unwrap();
    let ends = |path: &Path, code: i32, says: &str| {
        let said = say(&scene, path, "Stop");
        let error = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.code() == Some(code) && error.contains(says), "{:?}: {error}", said.status);
    };
    let path = site(&scene, &broker, "");
    let is_start = |order: &Value| order["method"] == "speaker_tts_play_start";
    let told = dock(&broker, |order| {
        let text = order["data"]["tts"]["text"].as_str().unwrap_or_default();
        match (order["method"] == "speaker_tts_play_start", text) {
            // A loudspeaker that cannot be set still warns.
            (true, "Refuse") | (false, _) => vec![reply(order, 327_052)],
            (true, _) => vec![reply(order, 0), progress(order, "in_progress", "upload", 20, 327_053)],
        }
    });
    let refused = String::from_utf8(say(&scene, &path, "Refuse").stderr).unwrap();
    assert!(
        refused.contains("refused speaker_tts_play_start: error 327052, the loudspeaker could not change"),
        "{refused}"
    );
    ends(&path, 1, "the dock gave up upload at 20 %: error 327053, the sound or the text could not be brought");
    assert!(until(&told, "speaker_tts_play_start").iter().all(|(_, order)| order["method"] != "speaker_play_stop"));
    broker.kill().unwrap();
    ends(&path, 69, "failed to play on speaker drone: failed to reach the broker 127.0.0.1:");

    let broker = Broker::start(&scene.path("another")).unwrap();
    let path = site(&scene, &broker, "");
    let impatient = std::fs::read_to_string(&path).unwrap().replace("answer_s = 30", "answer_s = 2");
    std::fs::write(&path, impatient).unwrap();
    let told = dock(&broker, |order| {
        let late = json!({ "tid": "11111111-2222-4333-8444-555555555555", "bid": "late" });
        if order["method"] == "speaker_tts_play_start" { vec![reply(&late, 0)] } else { vec![reply(order, 0)] }
    });
    ends(&path, 69, "the dock 4TADKAQ000002J did not answer speaker_tts_play_start in 2.");
    let orders = until(&told, "speaker_play_stop");
    assert_eq!(orders.iter().filter(|(_, order)| is_start(order)).count(), 1);
}
