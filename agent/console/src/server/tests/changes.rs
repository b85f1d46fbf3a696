//! The site is changed, somebody speaks, and what is refused is told.

use serde_json::json;

use super::console::{ID, Scene, Visitor};

#[test]
fn what_is_drawn_is_seen_before_it_is_saved_and_the_trail_says_who() {
    let scene = Scene::new();
    let admin = scene.admin();
    let path = "/api/v1/cameras/gate/drawing";
    let change = json!({ "shape": "line", "id": "kerb", "points": [[0.1, 0.2], [0.3, 0.4]], "is_there": false });
    let asked = |base: Option<&str>| scene.post(&admin, path, &json!({ "changes": [change], "base": base }));
    let draft = asked(None).json();
    assert_eq!((&draft["is_saved"], &draft["doubts"]), (&json!(false), &json!(["small"])));
    let line = draft["lines"][0]["text"].as_str().unwrap();
    assert!(line.contains("Line") && line.contains("[[0.1, 0.2], [0.3, 0.4]]"), "{line}");
    assert_eq!(asked(Some("b0")).status, 409);
    assert_eq!(asked(Some("b1")).json()["is_saved"], true);
    let nobody = json!({ "changes": [change] });
    assert_eq!(scene.post(&admin, "/api/v1/cameras/yard/drawing", &nobody).status, 422);
    assert_eq!(scene.post(&admin, path, &json!({ "changes": [] })).status, 400);
    assert_eq!(scene.post(&admin, "/api/v1/site/undo", &json!({})).status, 422);
    let lines = scene.get(&admin, "/api/v1/audit").json();
    let deeds = lines["lines"].as_array().unwrap().iter().filter(|line| line["deed"] == "drew");
    assert_eq!(
        deeds.map(|line| (&line["about"], &line["detail"])).collect::<Vec<_>>(),
        [(&json!("gate"), &json!("kerb"))]
    );
}

#[test]
fn a_camera_is_looked_at_and_added_and_somebody_speaks_and_the_trail_says_who() {
    let scene = Scene::new();
    let admin = scene.admin();
    let camera = |password: &str| json!({ "id": "yard", "url": "rtsp://c/1", "user": "u", "password": password });
    assert_eq!(scene.post(&admin, "/api/v1/site/look", &camera("s4")).status, 422);
    let picture = scene.post(&admin, "/api/v1/site/look", &camera("s3"));
    assert_eq!((picture.headers["content-type"].as_str(), &picture.body[..2]), ("image/jpeg", &[0xff, 0xd8][..]));
    assert_eq!(scene.get(&admin, "/api/v1/site/choices").json()["speakers"], json!(["horn"]));
    let rule = json!({ "camera": "yard", "violation": "loitering", "zone": "kerb", "schedule": { "from": "07:00", "to": "20:00" } });
    let changes = json!([{ "add_camera": camera("s3") }, { "add_rule": rule }]);
    let asked =
        |base: Option<&str>| scene.post(&admin, "/api/v1/site/changes", &json!({ "changes": changes, "base": base }));
    let draft = asked(None);
    assert!(draft.json()["is_saved"] == false && !draft.body.windows(2).any(|two| two == b"s3"), "no password is told");
    assert_eq!(asked(Some("b0")).status, 409);
    assert_eq!(asked(Some("b1")).json()["is_saved"], true);
    assert_eq!(scene.post(&admin, "/api/v1/site/changes", &json!({ "changes": [] })).status, 400);
    let say = |id: &str, text: &str| {
        scene.post(&admin, &format!("/api/v1/speakers/{id}/say"), &json!({ "text": text, "language": "en" }))
    };
    assert_eq!(say("horn", " step back ").json()["played"], "9 s, rendered");
    assert_eq!((say("kiosk", "step back").status, say("horn", " ").status), (404, 400));
    assert_eq!(say("horn", &"a".repeat(301)).status, 400);
    let talk = |kind: &str, sound: &str| {
        scene.say(&admin, "POST", "/api/v1/speakers/horn/talk", &[("Content-Type", kind)], sound)
    };
    assert_eq!(talk("audio/wav", "RIFF of words").json()["played"], "13 bytes by horn");
    assert_eq!((talk("audio/wav", "hush").status, talk("audio/ogg", "OggS").status), (409, 415));
    assert_eq!(talk("audio/wav", &"R".repeat(6_000_000)).status, 413);
    let ready = scene.get(&admin, "/api/v1/speakers/prepared").json();
    assert_eq!(
        (&ready["prepared"][0]["text"]["zh"], &ready["prepared"][1]["is_sound"]),
        (&json!("请勿逗留。"), &json!(true))
    );
    let play = |speaker: &str, prepared: &str| {
        let asked = json!({ "prepared": prepared, "language": "en" });
        scene.post(&admin, &format!("/api/v1/speakers/{speaker}/play"), &asked)
    };
    assert_eq!(play("horn", "loitering").json()["played"], "15 s, rendered");
    assert_eq!((play("kiosk", "file:closing.wav").status, play("horn", "../closing.wav").status), (404, 400));
    let command = |message: &str| {
        let answer = scene.say(&admin, "POST", "/api/v1/commands", &[], message);
        (answer.status, answer.json())
    };
    for (outcome, status) in [("done", 200), ("refused", 403), ("failed", 409)] {
        assert_eq!(command(outcome), (status, json!({ "outcome": outcome })));
    }
    assert!(command("none").0 == 409 && command("none").1["error"] == "the site takes no commands");
    let lines = scene.get(&admin, "/api/v1/audit").json();
    let lines = lines["lines"].as_array().unwrap().iter().rev().skip(1);
    let told: Vec<_> = lines.map(|line| (line["deed"].as_str().unwrap(), line["about"].as_str().unwrap())).collect();
    let spoke = "spoke over a loudspeaker";
    let talked = ("talked over a loudspeaker", "horn");
    let of_site = [("added a camera", "yard"), ("added a rule", "yard")];
    let said = [(spoke, "horn"), talked, talked, ("played something prepared", "horn")];
    assert_eq!(told, [&of_site[..], &said].concat());
}

#[test]
fn cameras_are_found_and_a_loudspeaker_is_heard_before_it_is_saved() {
    let scene = Scene::new();
    let admin = scene.admin();
    let found = scene.post(&admin, "/api/v1/site/cameras", &json!({})).json();
    assert_eq!(found["cameras"][0]["name"], "North gate");
    let ask = |password: &str| {
        let asked = json!({ "address": found["cameras"][0]["address"], "user": "u", "password": password });
        scene.post(&admin, "/api/v1/site/streams", &asked)
    };
    assert_eq!(ask("s4").status, 422);
    assert_eq!(
        ask("s3").json()["streams"][0],
        json!({ "name": "main", "url": "rtsp://10.0.0.5/1", "coding": "H264", "size_px": [1920, 1080] })
    );
    let hear = |kind: serde_json::Value, text: &str| {
        let asked = json!({ "speaker": { "id": "kiosk", "kind": kind }, "say": { "text": text, "language": "en" } });
        scene.post(&admin, "/api/v1/site/hear", &asked)
    };
    assert_eq!(hear("local".into(), "one two").json()["played"], "one two by kiosk");
    assert_eq!(hear("local".into(), "").status, 400);
    assert_eq!(hear(json!({ "shell": { "command": "rm" } }), "one").status, 422, "other kinds are named by hand");
    let lines = scene.get(&admin, "/api/v1/audit").json();
    let spoke =
        lines["lines"].as_array().unwrap().iter().find(|line| line["deed"] == "spoke over a loudspeaker").unwrap();
    assert_eq!((&spoke["about"], &spoke["detail"]), (&json!("kiosk"), &json!("one two")));
}

#[test]
fn what_is_refused_is_told_in_both_languages_and_never_in_plain_text() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let opinion = format!("/api/v1/incidents/{ID}/opinion");
    for (method, path, body, status) in [
        ("GET", "/api/v1/incidents?limit=many", "", 400),
        ("GET", "/api/v1/incidents?colour=red", "", 400),
        ("GET", "/api/v1/incidents?judged=perhaps", "", 400),
        ("GET", "/api/v1/incidents?state=dismissed", "", 400),
        ("GET", "/api/v1/incidents?violation=nix", "", 404),
        ("GET", "/api/v1/incidents?zone=nix", "", 404),
        ("GET", "/api/v1/incidents/none", "", 404),
        ("PUT", "/api/v1/incidents", "", 405),
        ("DELETE", "/api/v1/suppressions/seven", "", 400),
        ("POST", &opinion, "{", 400),
        ("POST", &opinion, "{\"opinion\": \"maybe\"}", 422),
        ("GET", "/api/v1/nothing", "", 404),
    ] {
        let answer = scene.say(&admin, method, path, &[], body);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.headers["content-type"], "application/json", "{method} {path}");
        let told = answer.json();
        let (en, zh) = (told["error"].as_str().unwrap(), told["error_zh"].as_str().unwrap());
        assert!(!en.is_empty() && en.is_ascii() && !zh.is_ascii(), "{method} {path}: {told}");
        assert_eq!(answer.headers["content-length"], answer.body.len().to_string(), "{method} {path}");
    }
    let nobody = scene.get(&Visitor::default(), "/api/v1/incidents").json();
    assert_eq!(nobody, json!({ "error": "sign in first", "error_zh": "请先登录" }));
    let health = scene.get(&admin, "/api/v1/health").json();
    assert_eq!(health["parts"][0]["what"], json!({ "en": "interrupted", "zh": "中断" }));
    let lines = scene.get(&admin, "/api/v1/audit").json();
    let line = lines["lines"].as_array().unwrap().last().unwrap();
    assert_eq!((&line["deed"], &line["deed_zh"]), (&json!("set the console up"), &json!("首次设置控制台")));
    assert_eq!(scene.get(&admin, "/api/v1/session").json()["time_zone"], "Asia/Shanghai");
}
