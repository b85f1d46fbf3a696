//! Changes are tried on footage before they are saved.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Class, StreamId};
use serde_json::{Value, json};

use super::console::{ID, Scene, Visitor};
use super::*;

const PATH: &str = "/api/v1/cameras/gate/rehearsal";

/// Two cameras, at which nothing is looked for.
pub(super) struct Watched;

impl Cameras for Watched {
    fn all(&self) -> Vec<CameraNow> {
        let now = |id| CameraNow {
            id: StreamId::new(id).unwrap(),
            trouble: None,
            place: Place::default(),
            at: (id == "gate").then_some([0.25, 0.5]),
            zones: Vec::new(),
            masks: Arc::default(),
            exclusions: Arc::default(),
            rules: Vec::new(),
            speakers: Vec::new(),
            zone_speakers: Vec::new(),
        };
        ["gate", "yard"].map(now).into()
    }
    fn classes(&self) -> Vec<Class> {
        ["person", "new_object"].map(Class::new).into()
    }
    fn ground(&self) -> MapGround {
        MapGround::default()
    }
    fn still(&self, _camera: &str) -> Option<Frame> {
        None
    }
    fn view(&self, _camera: &str, _is_small: bool, _wake: Wake) -> Option<Box<dyn Viewing>> {
        None
    }
    fn call(&self, _camera: &str, _offer: &Offer) -> Option<Result<Called, NoCall>> {
        None
    }
}

/// What the program finds, as it writes it.
fn lines(raised: &[(i64, &str, &str)]) -> String {
    let raised = raised.iter().map(|(at_us, violation, zone)| {
        json!({ "is": "raised", "at_us": at_us, "confirmed_us": at_us, "violation": violation, "zone": zone,
            "class": "person", "count": 1, "box": [0.1, 0.1, 0.2, 0.4], "picture": "1.jpg" })
    });
    let begun = json!({ "is": "begun", "from_us": 0, "to_us": 90_000_000, "gaps": [[10, 20]] });
    let all = [begun].into_iter().chain(raised).chain([json!({ "is": "done" })]);
    all.map(|line| line.to_string() + "\n").collect()
}

/// A console whose program is this script, and of whose gate there is footage.
fn scene(script: &str) -> Scene {
    Scene::set_up(&[2, 12], |setup, ports, dir| {
        ports.cameras = Arc::new(Watched);
        let program = dir.join("forewarn");
        fs::write(&program, format!("#!/bin/sh\ncd \"$9\"\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(dir.join("footage/gate/2026-11-30")).unwrap();
        (setup.program, setup.site_file) = (program, Some(dir.join("site.toml")));
    })
}

/// What is told when it stands so.
fn until(scene: &Scene, admin: &Visitor, is: &str) -> Value {
    let watch = Stopwatch::start();
    loop {
        let told = scene.get(admin, PATH).json();
        if told["is"] == is {
            return told;
        }
        assert!(watch.elapsed() < Duration::from_secs(30), "{told}");
        std::thread::yield_now();
    }
}

fn drawn() -> Value {
    json!({ "draw": { "camera": "gate",
        "drawn": { "shape": "line", "id": "kerb", "points": [[0.1, 0.2], [0.3, 0.4]], "is_there": false } } })
}

#[test]
fn what_would_have_been_raised_stands_beside_what_was_and_the_trail_says_who_asked() {
    let lines = lines(&[(1_000_000, "loitering", "kerb")]);
    let scene = scene(&format!(
        "cat > rehearsal.jsonl <<'END'\n{lines}END\nprintf picture > 1.jpg\nprintf '%s ' \"$@\" > asked"
    ));
    let admin = scene.admin();
    scene.await_incident(&admin);
    let before = scene.get(&admin, PATH).json();
    assert_eq!((&before["is"], &before["has_footage"], &before["rows"]), (&json!("none"), &json!(true), &json!([])));
    let asked = json!({ "changes": [drawn()], "minutes": 20 });
    assert_eq!(scene.post(&admin, PATH, &asked).status, 200);
    let told = until(&scene, &admin, "done");
    assert_eq!((&told["until_us"], &told["gaps"]), (&json!(90_000_000), &json!([[10, 20]])));
    let rows = told["rows"].as_array().unwrap();
    let short: Vec<_> = rows.iter().map(|row| (&row["zone"], &row["would"], &row["was"])).collect();
    let was = scene.get(&admin, &format!("/api/v1/incidents/{ID}")).json()["found"]["zone"].clone();
    assert!(short.contains(&(&json!("kerb"), &json!(true), &Value::Null)), "{short:?}");
    assert!(short.contains(&(&was, &json!(false), &json!(ID))), "{short:?}");
    assert_eq!(scene.get(&admin, &format!("{PATH}/1.jpg")).body, b"picture");
    for name in ["2.jpg", "asked", "..%2frehearsal%2f1.jpg", "1.jpg.jpg"] {
        assert_eq!(scene.get(&admin, &format!("{PATH}/{name}")).status, 404, "{name}");
    }
    let folder = scene.dir().join("scratch/rehearsal");
    let asked = fs::read_to_string(folder.join("asked")).unwrap();
    assert!(asked.starts_with("rehearse --camera gate --last 20 --config "), "{asked}");
    assert!(asked.contains(" --changes "), "{asked}");
    let changes: Value = serde_json::from_slice(&fs::read(folder.join("changes.json")).unwrap()).unwrap();
    assert_eq!(changes, json!([drawn()]));
    assert_eq!(
        scene.get(&admin, "/api/v1/cameras/yard/rehearsal").json()["is"],
        "none",
        "it is that of another camera"
    );
    let lines = scene.get(&admin, "/api/v1/audit").json();
    let deed = &lines["lines"][0];
    assert_eq!((&deed["deed"], &deed["about"]), (&json!("tried a change on footage"), &json!("gate")));
}

#[test]
fn a_rule_is_tried_in_the_page_in_both_languages() {
    let lines = lines(&[(1_000_000, "intrusion", "whole"), (13_000_000, "loitering", "square")]);
    // The picture is there before it is named, as the program has it.
    let scene = scene(&format!("cp ../../picture.jpg 1.jpg; cat > rehearsal.jsonl <<'END'\n{lines}END"));
    let stream = StreamId::new("gate").unwrap();
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let frame = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (64, 36), vec![90; 64 * 36 * 3]).unwrap();
    fs::write(scene.dir().join("picture.jpg"), crate::still::jpeg(&frame).unwrap()).unwrap();
    scene.walk("tests/try_out.mjs");
}

#[test]
fn one_is_tried_at_a_time_is_stopped_and_ends_with_the_console() {
    let scene = scene("echo $$ > pid; exec sleep 1000");
    let admin = scene.admin();
    let begin = || scene.post(&admin, PATH, &json!({ "changes": [] })).status;
    assert_eq!(begin(), 200);
    assert_eq!((begin(), until(&scene, &admin, "running")["rows"].clone()), (409, json!([])));
    assert_eq!(scene.say(&admin, "DELETE", "/api/v1/cameras/yard/rehearsal", &[], "").status, 404);
    assert_eq!(scene.say(&admin, "DELETE", PATH, &[], "").status, 204);
    until(&scene, &admin, "stopped");
    assert_eq!(scene.say(&admin, "DELETE", PATH, &[], "").status, 404);
    assert_eq!(begin(), 200);
    let (watch, pid) = (Stopwatch::start(), scene.dir().join("scratch/rehearsal/pid"));
    let pid = loop {
        match fs::read_to_string(&pid) {
            Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
            _ => assert!(watch.elapsed() < Duration::from_secs(30), "it does not begin"),
        }
        std::thread::yield_now();
    };
    let process = Path::new("/proc").join(pid);
    assert!(process.exists());
    drop(scene);
    assert!(!process.exists(), "it outlives the console");
}

#[test]
fn what_cannot_be_tried_is_refused_and_why_it_failed_is_told() {
    let scene = scene("echo 'forewarn: there is no footage of camera gate of the last 60 minutes' >&2; exit 65");
    let admin = scene.admin();
    let begin = |path: &str, body: Value| scene.post(&admin, path, &body);
    let none = begin("/api/v1/cameras/yard/rehearsal", json!({ "changes": [] }));
    assert_eq!(none.status, 409);
    let told = none.json();
    assert!(told["error"].as_str().unwrap().contains("`footage = true`"), "{told}");
    assert_eq!(scene.get(&admin, "/api/v1/cameras/yard/rehearsal").json()["has_footage"], false);
    let unknown = begin("/api/v1/cameras/nope/rehearsal", json!({ "changes": [] }));
    assert_eq!((unknown.status, &unknown.json()["error"]), (404, &json!("the site has no such camera")));
    assert_eq!(scene.get(&admin, "/api/v1/cameras/nope/rehearsal").status, 404);
    for (changes, minutes, status) in [
        (json!([{ "set_speakers": { "camera": "gate", "speakers": [] } }]), 60, 400),
        (json!([{ "paint": {} }]), 60, 422),
        (json!([{ "draw": { "camera": "yard", "drawn": drawn()["draw"]["drawn"] } }]), 60, 400),
        (json!([]), 0, 400),
        (json!([]), 61, 400),
    ] {
        assert_eq!(
            begin(PATH, json!({ "changes": changes, "minutes": minutes })).status,
            status,
            "{changes} {minutes}"
        );
    }
    assert_eq!(begin(PATH, json!({ "changes": [] })).status, 200);
    let why = until(&scene, &admin, "failed")["why"].clone();
    assert_eq!(why, "forewarn: there is no footage of camera gate of the last 60 minutes");
}
