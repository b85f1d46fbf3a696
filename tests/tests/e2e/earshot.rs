//! One voice at a time: what somebody says cuts a warning on the loudspeaker beside, and the warning is said again.

use forewarn_domain::{Cause, IncidentState};
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually};
use serde_json::{Value, json};

use super::commands::{REPLIES, TOPIC, command, send};
use super::drone_speaker::{GATEWAY, dock, progress, reply, until};
use super::live::assert_stops;

/// A loudspeaker that takes as long as it sounds.
fn speaker(id: &str) -> String {
    format!(
        "[[speaker]]\nid = \"{id}\"\nkind = \"local\"\nsink = \"wav\"\nwav_dir = \"{id}\"\nchime = false\n\
         earshot = \"forecourt\"\n"
    )
}

/// An agent warns by a loudspeaker, and while it does somebody speaks over `wall`, which is heard there, too. What the
/// incident tells of loudspeakers when the warning was heard after all. `begins` waits until the warning sounds.
fn cut_and_said_again(scene: &Scene, broker: &Broker, (by, table): (&str, &str), begins: impl FnOnce()) -> Vec<String> {
    let camera = SimCamera::of_demo(scene).unwrap();
    scene.write("commands.secret", "0123456789abcdef-and-more\n").unwrap();
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    platform.wait_subscribed().unwrap();
    let long =
        "This bay is for the fire service alone, and whoever stands in it is asked to drive on now, without delay.";
    let parking = QUICK_PARKING.replace("\"Go.\"", &format!("\"{long}\"")).replace("timeout_s = 8", "timeout_s = 60");
    let mut site = SiteFile::new()
        .upstream(&broker.url(), "")
        .camera(CameraEntry::new("gate", camera.url(), parking).with(&format!("speakers = [\"{by}\"]")));
    let commands = format!("[commands]\nurl = \"{}\"\ntopic = \"{TOPIC}\"\n", broker.url());
    let secret = "secret_file = \"commands.secret\"\n";
    site.tables += &[&commands, secret, &speaker("wall"), table].concat();
    let site = site.write(scene.dir()).unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();

    platform
        .event("the warning begins", |event| event.data.incident.state == IncidentState::Warned)
        .unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    begins();
    let asked = json!({ "speak": { "speaker": "wall", "text": "The ambulance comes" } });
    send(scene, broker, &command("say-1", &asked));
    let reply = platform.message(REPLIES, "say-1").unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let reply: Value = serde_json::from_str(&reply.payload).unwrap();
    assert_eq!(reply["outcome"], "done", "{reply}");

    let heard = platform
        .event("the warning is heard after all", |event| {
            event.data.incident.history.last().is_some_and(|step| step.cause == Cause::PlaybackProven)
        })
        .unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let history = &heard.data.incident.history;
    assert_eq!(history.iter().filter(|step| step.state == IncidentState::Warned).count(), 2);
    assert_stops(agent);
    history.iter().flat_map(|step| &step.tried).map(ToString::to_string).collect()
}

#[test]
fn what_somebody_says_cuts_a_warning_beside_which_is_said_again_and_told() {
    let scene = Scene::new().unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let tried = cut_and_said_again(&scene, &broker, ("horn", &speaker("horn")), || {
        let sounds = || std::fs::read_dir(scene.path("horn")).ok()?.next().map(drop);
        eventually("the horn sounds", sounds).unwrap();
    });
    assert_eq!(tried.len(), 2, "{tried:?}");
    assert_eq!(tried[0], "horn: failed, cut; it was cut for something more urgent");
    assert!(tried[1].starts_with("horn: played"), "{tried:?}");
    // What was cut leaves no file that could be taken for a whole announcement.
    let n_files = |dir: &str| std::fs::read_dir(scene.path(dir)).unwrap().count();
    assert_eq!((n_files("horn"), n_files("wall")), (1, 1));
}

#[test]
fn a_drone_that_speaks_is_told_to_stop() {
    let scene = Scene::new().unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    // The first text would never end.
    let told = dock(&broker, |order| {
        let is_first = order["data"]["tts"]["name"] == "forewarn-1";
        let status = if is_first { "in_progress" } else { "ok" };
        match order["method"].as_str() {
            Some("speaker_tts_play_start") => vec![reply(order, 0), progress(order, status, "play", 10, 0)],
            _ => vec![reply(order, 0)],
        }
    });
    let url = broker.url();
    let drone = format!(
        "[[speaker]]\nid = \"drone\"\nkind = \"dji\"\nurl = \"{url}\"\ngateway = \"{GATEWAY}\"\nanswer_s = 30\n\
         earshot = \"forecourt\"\n"
    );
    let tried = cut_and_said_again(&scene, &broker, ("drone", &drone), || {
        until(&told, "speaker_tts_play_start");
    });
    assert_eq!(tried[0], "drone: failed, cut; it was cut for something more urgent, and the dock was told to stop");
    assert!(tried[1].starts_with("drone: played"), "{tried:?}");
    let before = until(&told, "speaker_play_stop");
    assert!(before.iter().all(|(_, order)| order["method"] != "speaker_tts_play_start"), "{before:?}");
}
