//! Commands over a real broker, and over HTTP: signed with openssl, sent by mosquitto_pub or curl as the page says, answered,
//! done once.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{IncidentId, IncidentState};
use forewarn_tests::agent::Metrics;
use forewarn_tests::camera::CameraOptions;
use forewarn_tests::process::free_port;
use forewarn_tests::program::demo_clip;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually};
use serde_json::{Value, json};

use super::console::link_of;
use super::live::assert_stops;

pub(super) const TOPIC: &str = "forewarn/north/commands";
pub(super) const REPLIES: &str = "forewarn/north/commands/replies";
const PAGE: &str = include_str!("../../../docs/commands.md");

/// What the page says between the lines that begin and end its first part in this language, or one after that.
fn of_page(language: &str, nth: usize) -> &'static str {
    let text = PAGE.split(&format!("```{language}\n")).nth(nth + 1).unwrap();
    text.split_once("```").unwrap().0
}

struct World {
    platform: Subscriber,
    broker: Broker,
    agent: Agent,
    site: std::path::PathBuf,
    metrics_port: u16,
    console: String,
    _camera: SimCamera,
    scene: Scene,
}

/// Signs a text as the page does, and publishes it.
pub(super) fn send(scene: &Scene, broker: &Broker, text: &str) {
    let script = "signature=$(printf %s \"$0\" | openssl dgst -sha256 -hmac \"$(cat commands.secret)\" | sed 's/.* //')\n\
                  printf '%s %s' \"$signature\" \"$0\" | mosquitto_pub -h 127.0.0.1 -p \"$PORT\" -q 1 -t forewarn/north/commands -s";
    run(scene.dir(), broker, &["-c", script, text]);
}

fn run(dir: &Path, broker: &Broker, arguments: &[&str]) {
    let mut shell = Command::new("sh");
    shell.args(arguments).current_dir(dir).env("BROKER", "127.0.0.1").env("PORT", broker.port().to_string());
    said(&mut shell);
}

/// What it prints.
fn said(shell: &mut Command) -> String {
    let out = shell.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn now_s() -> i64 {
    forewarn_domain::clock::wall_now().as_micros() / 1_000_000
}

pub(super) fn command(id: &str, ask: &Value) -> String {
    json!({ "id": id, "site": "north", "by": "desk 3", "expires_s": now_s() + 60, "ask": ask }).to_string()
}

impl World {
    fn start() -> Self {
        let scene = Scene::new().unwrap();
        let camera =
            SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&demo_clip().unwrap())).unwrap();
        let broker = Broker::start(&scene.path("broker")).unwrap();
        scene.write("commands.secret", "0123456789abcdef-and-more\n").unwrap();
        let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
        platform.wait_subscribed().unwrap();
        let [metrics_port, console_port] = [(); 2].map(|()| free_port().unwrap());
        let mut site = SiteFile::new()
            .upstream(&broker.url(), "")
            .metrics(metrics_port)
            .console(console_port)
            .wav_speaker("horn")
            .camera(CameraEntry::new("gate", camera.url(), QUICK_PARKING).with("speakers = [\"horn\"]"));
        let table = of_page("toml", 0).replace("mqtts://broker.example", &broker.url());
        let is_login = |line: &&str| line.starts_with("user") || line.starts_with("password");
        let table: String = table.lines().filter(|line| !is_login(line)).flat_map(|line| [line, "\n"]).collect();
        site.tables.push_str(&table);
        let site = site.write(scene.dir()).unwrap();
        // Somebody's, which is no command, and which the broker sends to whoever subscribes.
        let script =
            "head -c 200000 /dev/zero | tr '\\0' x | mosquitto_pub -h 127.0.0.1 -p \"$PORT\" -q 1 -r -t \"$0\" -s";
        run(scene.dir(), &broker, &["-c", script, TOPIC]);
        let agent = Agent::start(&scene.program, &site, "info").unwrap();
        let console = format!("http://127.0.0.1:{console_port}");
        let world = Self { platform, broker, agent, site, metrics_port, console, _camera: camera, scene };
        world.is_ready();
        world
    }

    fn is_ready(&self) {
        let ready = || {
            let metrics = Metrics::read(self.metrics_port)?;
            let is_connected = metrics.sum("forewarn_commands_connected", &[])? >= 1.0;
            (is_connected && metrics.sum("forewarn_frames_analysed_total", &[])? >= 1.0).then_some(())
        };
        eventually("commands can come", ready).unwrap_or_else(|error| panic!("{error:#}\n{}", self.agent.log()));
    }

    fn send(&self, text: &str) {
        send(&self.scene, &self.broker, text);
    }

    /// The first reply that holds both texts.
    fn reply(&mut self, id: &str, outcome: &str) -> Value {
        let (platform, scene) = (&mut self.platform, &self.scene);
        let found = eventually("the reply comes", || {
            platform.catch_up();
            let replies = platform.messages().iter().filter(|message| message.topic == REPLIES);
            let mut parsed = replies.map(|reply| serde_json::from_str::<Value>(&reply.payload).unwrap());
            parsed.find(|reply| reply["id"] == id && reply["outcome"] == outcome)
        });
        found.unwrap_or_else(|error| panic!("{error:#} ({})\n{}", scene.dir().display(), self.agent.log()))
    }

    fn ask(&mut self, id: &str, ask: &Value) -> Value {
        self.send(&command(id, ask));
        self.reply(id, "done")["found"].clone()
    }

    /// A token for commands, which the first account makes.
    fn token(&self) -> String {
        let link = eventually("the link of the console", || link_of(&self.agent)).unwrap();
        let (_, link) = link.split_once("#setup=").unwrap();
        let post = |path: &str, csrf: &str, body: &Value| -> Value {
            let mut curl = Command::new("curl");
            curl.args(["-s", "-b", "cookies", "-c", "cookies", "-H", "content-type: application/json", "-H", csrf]);
            curl.args(["-d", &body.to_string(), &format!("{}/api/v1/{path}", self.console)]);
            serde_json::from_str(&said(curl.current_dir(self.scene.dir()))).unwrap()
        };
        let first = json!({ "token": link, "name": "ann", "password": "three wise words" });
        let session = post("setup", "x-none: 1", &first);
        let wanted = json!({ "name": "desk", "role": "operator", "scopes": ["commands:write"], "days": 1 });
        let csrf = format!("x-forewarn-csrf: {}", session["csrf"].as_str().unwrap());
        post("tokens", &csrf, &wanted)["token"].as_str().unwrap().to_owned()
    }

    /// Signs a command and sends it to the console as the page does; its reply.
    fn ask_over_http(&self, token: &str, command: &str) -> Value {
        let sign = "signature=$(printf %s \"$command\" | openssl dgst -sha256 -hmac \"$(cat commands.secret)\" | sed 's/.* //')\n";
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{sign}{}", of_page("sh", 1))]).current_dir(self.scene.dir());
        shell.env("TOKEN", token).env("CONSOLE", &self.console).env("command", command);
        serde_json::from_str(&said(&mut shell)).unwrap()
    }

    fn audit(&self) -> String {
        std::fs::read_to_string(self.scene.path("data/commands-audit.jsonl")).unwrap()
    }

    /// How many announcements were asked for by commands.
    fn said_by_command(&self) -> usize {
        let sounds = std::fs::read_dir(self.scene.path("announcements")).unwrap().flatten();
        sounds.filter(|file| file.file_name().to_string_lossy().starts_with("by-command")).count()
    }
}

/// Violations without a rule, with one, and a class, by the broker, where the camera sees the demo's people and van.
fn check_looked_for(world: &mut World) {
    let begun = Stopwatch::start();
    let wanted = json!({ "look": { "camera": "gate", "violation": "intrusion", "classes": ["person"] } });
    let looked = world.ask("for-1", &wanted);
    // On an idle box the reply is there within 3 s; who waits for it here shares the processor.
    assert!(begun.elapsed().as_secs_f64() < 10.0, "{:?}", begun.elapsed());
    let rule = &looked["looked"]["rules"][0];
    assert_eq!((&rule["zone"], &rule["is_watched"]), (&json!("whole"), &json!(false)), "{rule}");
    assert!(looked["looked"]["pictures"].as_u64().unwrap() >= 2, "{looked}");
    assert!(looked["picture"].as_str().unwrap().len() > 1000);
    let told = rule["told"].as_str().unwrap();
    let n_subjects = rule["subjects"].as_array().unwrap().len();
    assert!(["violated", "begun", "not_now"].contains(&told) && (told == "not_now" || n_subjects > 0), "{rule}");
    let parked = world.ask("for-2", &json!({ "look": { "camera": "gate", "violation": "illegal_parking" } }));
    let rule = &parked["looked"]["rules"][0];
    assert_eq!((&rule["told"], &rule["is_watched"]), (&json!("violated"), &json!(true)), "{rule}");
    assert!(rule["incident"].is_string() && rule["zone"] == "no-parking", "{rule}");
    world.send(&command("for-3", &json!({ "look": { "camera": "gate", "violation": "loitring" } })));
    assert_eq!(world.reply("for-3", "failed")["why"], "there is no violation `loitring`: did you mean `loitering`?");
}

/// Over HTTP commands go through the same gate, behind which the command `case-1` is known.
fn check_over_http(world: &mut World) {
    let token = world.token();
    let look = command("http-1", &json!({ "look": { "camera": "gate" } }));
    let looked = world.ask_over_http(&token, &look);
    assert_eq!((&looked["outcome"], &looked["found"]["seen"]["camera"]), (&json!("done"), &json!("gate")), "{looked}");
    let begun = Stopwatch::start();
    let wanted =
        json!({ "look": { "camera": "gate", "violation": "loitering", "zone": "no-parking", "classes": ["car"] } });
    let found = world.ask_over_http(&token, &command("http-2", &wanted))["found"].take();
    assert!(begun.elapsed().as_secs_f64() < 10.0, "{:?}", begun.elapsed());
    let rule = &found["looked"]["rules"][0];
    assert_eq!((&rule["violation"], &rule["zone"]), (&json!("loitering"), &json!("no-parking")), "{found}");
    assert!(found["picture"].is_string() && found["looked"]["found"].is_array());
    world.send(&look);
    world.reply("http-1", "refused");
    let of_broker = world.ask_over_http(&token, &command("case-1", &json!({ "look": { "camera": "gate" } })));
    assert_eq!(of_broker["outcome"], "refused", "what came by the broker is not done again: {of_broker}");
    assert!(world.ask_over_http("fwt_0", &look)["error"].is_string(), "a token that nobody made");
}

/// The site file is changed while an incident is open: as it was seen, and not where the new camera stays dark.
fn check_configured(world: &mut World, open: &IncidentId) {
    let drawn =
        json!({ "shape": "area", "id": "lawn", "points": [[0.1, 0.1], [0.4, 0.1], [0.4, 0.4]], "is_there": false });
    let changes = json!([
        { "draw": { "camera": "gate", "drawn": drawn } },
        { "add_rule": { "camera": "gate", "violation": "loitering", "zone": "lawn" } },
    ]);
    let seen = world.ask("see-1", &json!({ "configure": { "changes": changes } }));
    let file = |world: &World| std::fs::read_to_string(&world.site).unwrap();
    assert!(seen["is_saved"] == false && !file(world).contains("lawn"), "{seen}");
    let saved = world.ask("save-1", &json!({ "configure": { "changes": changes, "base": seen["base"] } }));
    assert!(saved["is_saved"] == true && file(world).contains("violation = \"loitering\""), "{saved}");
    let before = file(world);
    let taken = eventually("it is taken up", || world.agent.log().contains("taken up: ").then_some(()));
    taken.unwrap_or_else(|error| panic!("{error:#}\n{}", world.agent.log()));
    let dark = json!([{ "add_camera": { "id": "dark", "url": "rtsp://127.0.0.1:9/none" } }]);
    let base = world.ask("see-2", &json!({ "configure": { "changes": dark } }))["base"].clone();
    world.send(&command("save-2", &json!({ "configure": { "changes": dark, "base": base } })));
    let why = world.reply("save-2", "failed")["why"].clone();
    assert_eq!(why, "no picture came of dark within 30 s, so the site file is as it was before");
    assert_eq!(file(world), before);
    world.send(&command("save-3", &json!({ "configure": { "changes": dark, "base": "older" } })));
    assert!(world.reply("save-3", "failed")["why"].as_str().unwrap().contains("somebody changed the site file"));
    let again = Metrics::read(world.metrics_port).unwrap().sum("forewarn_reconnects_total", &["gate"]);
    assert_eq!(again.unwrap_or_default(), 0.0, "the camera that did not change goes on");
    world.platform.catch_up();
    let told = world.platform.messages().iter().filter_map(|message| message.event().unwrap());
    let of_it = told.rev().find(|event| event.data.incident.id == *open).unwrap().data.incident;
    assert_eq!(of_it.state, IncidentState::Escalated, "its incident is open through all of it");
}

/// A mask has the stream begin anew, which must give a picture; another model takes over, and one without the rules' classes does not.
fn check_read_anew(world: &mut World) {
    let drawn = json!({ "shape": "mask", "id": "house", "points": [[0, 0], [0.1, 0], [0.1, 0.1]], "is_there": false });
    let changes = json!([{ "draw": { "camera": "gate", "drawn": drawn } }]);
    let base = world.ask("mask-1", &json!({ "configure": { "changes": changes } }))["base"].clone();
    let masked = world.ask("mask-2", &json!({ "configure": { "changes": changes, "base": base } }));
    assert_eq!(masked["is_saved"], true, "{masked}");
    let same = world.ask("reload-1", &json!({ "reload": {} }));
    assert_eq!((&same["model"], &same["waiting"]), (&json!("site-nano-416"), &json!([])), "{same}");
    let file = std::fs::read_to_string(&world.site).unwrap();
    std::fs::write(&world.site, format!("{file}\n[model]\ncard = \"nanodet-g-416\"\n")).unwrap();
    assert_eq!(world.ask("reload-2", &json!({ "reload": {} }))["model"], "nanodet-g-416");
    std::fs::write(&world.site, format!("{file}\n[model]\ncard = \"clp-detector\"\n")).unwrap();
    world.send(&command("reload-3", &json!({ "reload": {} })));
    let why = world.reply("reload-3", "failed")["why"].clone();
    assert!(why.as_str().unwrap().contains("illegal_parking"), "{why}");
    std::fs::write(&world.site, &file).unwrap();
    assert_eq!(world.ask("reload-4", &json!({ "reload": {} }))["model"], "site-nano-416");
    let open = Metrics::read(world.metrics_port).unwrap().sum("forewarn_incidents_open", &[]);
    assert!(open.unwrap_or_default() >= 1.0, "the incident goes on");
}

#[test]
fn what_is_asked_is_done_once_answered_and_written_up_also_over_a_restart() {
    let mut world = World::start();
    // The example of the page as it stands there.
    run(world.scene.dir(), &world.broker, &["-c", of_page("sh", 0)]);
    let (platform, agent) = (&mut world.platform, &world.agent);
    let looked = platform.message(REPLIES, "\"picture\"").unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let looked: Value = serde_json::from_str(&looked.payload).unwrap();
    assert_eq!((&looked["outcome"], &looked["found"]["seen"]["camera"]), (&json!("done"), &json!("gate")));
    let picture = STANDARD.decode(looked["found"]["picture"].as_str().unwrap()).unwrap();
    assert_eq!(image::load_from_memory(&picture).unwrap().width(), 768);

    let said = world.ask("say-1", &json!({ "speak": { "speaker": "horn", "text": "The gate is closed" } }));
    assert_eq!(said["proof"], "written");
    assert!(said["lasted_s"].as_f64().unwrap() > 0.5, "{said}");
    assert_eq!(world.said_by_command(), 1);

    let escalated = |event: &forewarn_wire::Event| event.data.incident.state == IncidentState::Escalated;
    let event = world.platform.event("the van is escalated", escalated).unwrap();
    let incident = event.data.incident.id.clone();
    let step = world.ask("case-1", &json!({ "case": { "incident": incident, "stage": "on_site", "note": "car 12" } }));
    assert_eq!(step["stage"], "on_site");
    world.platform.message("forewarn/north/cases/gate/illegal_parking", "\"desk 3\"").unwrap();
    world.ask("judge-1", &json!({ "judge": { "incident": incident, "opinion": "true" } }));
    let list =
        world.scene.program.succeed(["feedback", "list", "--config", &world.site.display().to_string()]).unwrap();
    assert!(list.contains("desk 3") && list.contains("1 true"), "{list}");
    let clip = world.ask("clip-1", &json!({ "clip": { "camera": "gate", "from_s": now_s() - 2, "to_s": now_s() } }));
    let clip = STANDARD.decode(clip["clip"].as_str().unwrap()).unwrap();
    assert_eq!(&clip[4..8], b"ftyp");
    let quiet = json!({ "silence": { "camera": "gate", "zone": "no-parking", "until_s": now_s() + 600 } });
    world.ask("quiet-1", &quiet);

    check_looked_for(&mut world);
    check_over_http(&mut world);
    check_configured(&mut world, &incident);
    check_read_anew(&mut world);

    // The same again, before and after a kill, and others that nobody may send.
    let again = command("say-1", &json!({ "speak": { "speaker": "horn", "text": "The gate is closed" } }));
    world.send(&again);
    world.reply("say-1", "refused");
    world.agent.kill().unwrap();
    world.agent = Agent::start(&world.scene.program, &world.site, "info").unwrap();
    world.is_ready();
    world.send(&again);
    let other_site = command("far-1", &quiet).replace("north", "south");
    world.send(&other_site);
    assert!(world.reply("far-1", "refused")["why"].as_str().unwrap().starts_with("it is for the site south"));
    let forged = format!("{} {}", "0".repeat(64), command("forged-1", &quiet));
    world.platform.publish(TOPIC, &forged).unwrap();
    assert!(world.reply("forged-1", "refused")["why"].as_str().unwrap().starts_with("its signature is not that"));
    world.send(&command("nobody-1", &json!({ "speak": { "speaker": "bell", "text": "Hello" } })));
    assert_eq!(world.reply("nobody-1", "failed")["why"], "there is no speaker `bell`; there is: horn");

    let refused_twice = || {
        let audit = world.audit();
        (audit.lines().filter(|line| line.contains("id say-1") && line.contains("speak: refused")).count() == 2)
            .then_some(audit)
    };
    let audit = eventually("the audit log has both repetitions", refused_twice).unwrap();
    for line in [
        "command look: done",
        "command case: done",
        "command judge: done",
        "command silence: done",
        "command configure: done",
        "command configure: failed",
        "command reload: done",
        "command reload: failed",
        "command none: refused",
    ] {
        assert!(audit.contains(line), "{line}: {audit}");
    }
    let of = |id: &str| audit.lines().find(|line| line.contains(&format!("id {id};"))).unwrap_or_default().to_owned();
    assert!(of("see-1").contains("only to see it") && of("save-1").contains("to save it, 2 changes"), "{audit}");
    assert_eq!(world.said_by_command(), 1, "what was said once is not said again");
    assert!(!world.agent.log().contains("does not hold"), "the silence holds after the restart: {}", world.agent.log());
    assert_stops(world.agent);
}

/// The password of the camera goes with it, and the audit log tells what came of the command.
#[test]
fn a_change_of_the_site_file_during_which_the_agent_is_killed_comes_to_its_end_at_the_next_start() {
    let mut world = World::start();
    let file = |world: &World| std::fs::read_to_string(&world.site).unwrap();
    let before = file(&world);
    let camera = json!({ "id": "dark", "url": "rtsp://127.0.0.1:9/none", "user": "ann", "password": "seven-herons" });
    let changes = json!([{ "add_camera": camera }]);
    let base = world.ask("see-1", &json!({ "configure": { "changes": changes } }))["base"].clone();
    world.send(&command("save-1", &json!({ "configure": { "changes": changes, "base": base } })));
    eventually("the file is saved", || file(&world).contains("dark.secret").then_some(())).unwrap();
    world.agent.kill().unwrap();
    let secret = world.scene.path("dark.secret");
    assert!(secret.exists());
    world.agent = Agent::start(&world.scene.program, &world.site, "info").unwrap();
    let ended =
        || world.audit().lines().find(|line| line.contains("id save-1; ended after a restart")).map(str::to_owned);
    let ended = eventually("it comes to its end", ended);
    let ended = ended.unwrap_or_else(|error| panic!("{error:#}\n{}", world.agent.log()));
    assert!(ended.contains("no picture came of dark within 30 s, so the site file is as it was before"), "{ended}");
    assert_eq!((file(&world), secret.exists()), (before, false));
}
