//! Home Assistant speaks over a loudspeaker of the site: by the topics that it was told, which the site file must allow, and each
//! wish once.

use std::path::PathBuf;
use std::process::Command;

use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually};
use serde_json::Value;

use super::live::assert_stops;

const BASE: &str = "forewarn/north/home_assistant";

fn publish(broker: &Broker, topic: &str, payload: &str, more: &[&str]) {
    let mut publish = Command::new("mosquitto_pub");
    publish.args(["-h", "127.0.0.1", "-p", &broker.port().to_string(), "-t", topic, "-m", payload]).args(more);
    assert!(publish.status().unwrap().success());
}

/// What was said because somebody asked for it.
fn said(scene: &Scene) -> Vec<PathBuf> {
    let files = std::fs::read_dir(scene.path("announcements")).into_iter().flatten().flatten();
    let asked = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("by-command"));
    let mut said: Vec<_> = files.map(|file| file.path()).filter(asked).collect();
    said.sort();
    said
}

/// What Home Assistant is told of the latest wish, when that is the `n`th.
fn told(home: &mut Subscriber, agent: &Agent, n: usize) -> Value {
    let found = eventually("what became of it is told", || {
        home.catch_up();
        let all: Vec<_> = home.messages().iter().filter(|one| one.topic == format!("{BASE}/told")).collect();
        all.get(n).map(|one| serde_json::from_str(&one.payload).unwrap())
    });
    found.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()))
}

#[test]
fn home_assistant_has_a_text_and_a_warning_spoken_once_each_and_nothing_that_the_broker_kept() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let mut home = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    home.wait_subscribed().unwrap();
    let mut site = SiteFile::new()
        .wav_speaker("horn")
        .wav_speaker("wall")
        .camera(CameraEntry::new("gate", camera.url(), QUICK_PARKING).with("speakers = [\"horn\"]"));
    let url = broker.url();
    let table = "[upstream.home]\nkind = \"home_assistant\"\nurl = \"URL\"\npictures = false\nspeakers = [\"horn\"]\n";
    site.tables.push_str(&table.replace("URL", &url));
    let site = site.write(scene.dir()).unwrap();
    // Somebody's from long ago.
    publish(&broker, &format!("{BASE}/speak/horn"), "An old text", &["-r"]);
    let mut agent = Agent::start(&scene.program, &site, "info").unwrap();
    let config = home.message("homeassistant/device/forewarn_north/config", "speak_horn").unwrap();
    let config: Value = serde_json::from_str(&config.payload).unwrap();
    let of = |name: &str, key: &str| config["components"][name][key].as_str().unwrap().to_owned();

    let old = told(&mut home, &agent, 0);
    assert_eq!((old["outcome"].as_str(), old["speaker"].as_str()), (Some("refused"), Some("horn")), "{old}");
    assert!(old["why"].as_str().unwrap().starts_with("the broker had kept it"), "{old}");
    publish(&broker, &of("speak_horn", "command_topic"), "The gate is closed", &["-q", "1"]);
    let spoken = told(&mut home, &agent, 1);
    assert_eq!((spoken["outcome"].as_str(), spoken["found"]["proof"].as_str()), (Some("done"), Some("written")));
    assert!(spoken["found"]["lasted_s"].as_f64().unwrap() > 0.5, "{spoken}");
    assert_eq!(said(&scene).len(), 1);
    let button = "play_horn_illegal_parking";
    publish(&broker, &of(button, "command_topic"), &of(button, "payload_press"), &["-q", "1"]);
    let pressed = told(&mut home, &agent, 2);
    assert_eq!(pressed["outcome"], "done", "{pressed}");
    let files = said(&scene);
    assert_eq!(files.len(), 2);
    // The text of the warning is one short word, what was sent is a sentence.
    let size = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
    let sizes: Vec<u64> = files.iter().map(size).collect();
    assert!(sizes.iter().max() > sizes.iter().min(), "{sizes:?}");

    // Not over a loudspeaker that is not named, and not twice after a restart.
    publish(&broker, &format!("{BASE}/speak/wall"), "Nobody may say this", &["-q", "1"]);
    agent.kill().unwrap();
    agent = Agent::start(&scene.program, &site, "info").unwrap();
    // Those of the first run, and once more that of long ago, which the broker gives anew to whoever comes.
    let again = told(&mut home, &agent, 3);
    assert_eq!(again["outcome"], "refused", "{again}");
    publish(&broker, &format!("{BASE}/play/horn"), "no_such_text", &["-q", "1"]);
    let unknown = told(&mut home, &agent, 4);
    assert_eq!(unknown["why"], "nothing of the name \"no_such_text\" is ready to be said there");
    assert_eq!(said(&scene).len(), 2, "each was said once");

    let audit = std::fs::read_to_string(scene.path("data/commands-audit.jsonl")).unwrap();
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let heads: Vec<_> = lines.iter().map(|line| line["deed"].as_str().unwrap()).collect();
    let (speak, play) = ("command speak", "command play");
    assert_eq!(
        heads,
        [
            format!("{speak}: refused"),
            format!("{speak}: done"),
            format!("{play}: done"),
            format!("{speak}: refused"),
            format!("{play}: failed")
        ]
    );
    assert!(lines.iter().all(|line| line["who"] == "upstream home" && line["about"] == "horn"), "{audit}");
    assert_eq!(lines[1]["detail"], "to say: The gate is closed");
    assert_stops(agent);
}
