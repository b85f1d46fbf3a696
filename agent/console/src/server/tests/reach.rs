//! Accounts and tokens that reach some cameras alone: a page that shows, changes or plays anything of another camera answers as if
//! that were not there.

use forewarn_domain::clock::Stopwatch;
use serde_json::{Value, json};

use super::console::{ID, PASSWORD, Scene, Visitor};
use super::rehearsal::Watched;
use super::*;
use crate::access::Role;
use crate::gate::Need;

/// Somebody who reaches the yard alone; what is kept is of the gate.
pub(super) fn guard_of_the_yard(scene: &Scene, admin: &Visitor) -> Visitor {
    let new = json!({ "name": "guard", "role": "operator", "password": PASSWORD, "cameras": ["yard"] });
    assert_eq!(scene.post(admin, "/api/v1/accounts", &new).status, 201);
    scene.sign_in("guard")
}

/// A body that every page takes as far as it looks at it before it looks for what its path names.
fn body(path: &str) -> Value {
    match path.rsplit('/').next() {
        Some("opinion") => json!({ "opinion": "true" }),
        Some("hold" | "release") => json!({ "why": "case 7" }),
        Some("suppress") => json!({ "days": 3 }),
        Some("case") => json!({ "stage": "on_site" }),
        Some("again") => json!({ "model": "yolox-s" }),
        Some("redacted") => json!({ "hidden": "faces" }),
        Some("play") => json!({ "prepared": "loitering", "language": "en" }),
        Some("say") => json!({ "text": "step back", "language": "en" }),
        _ => json!({}),
    }
}

#[test]
fn no_page_tells_anything_of_a_camera_that_is_not_reached_whoever_asks() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let guard = guard_of_the_yard(&scene, &admin);
    let wanted = json!({ "name": "yard", "role": "operator", "days": 3, "cameras": ["yard"],
        "scopes": ["incidents:write", "cameras:write", "suppressions:write", "speakers:write", "live:read"] });
    let token = scene.post(&admin, "/api/v1/tokens", &wanted).json()["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let mut walked = 0;
    for page in api::all() {
        let Need::Role(Role::Viewer | Role::Operator) = page.need else { continue };
        // Accounts and phones are one's own, whatever one reaches.
        if !page.path.contains("{id}") || page.path.starts_with("/api/v1/push/") {
            continue;
        }
        let id = match page.path.split('/').nth(3) {
            Some("incidents") => ID,
            Some("cameras") => "gate",
            Some("speakers") => "horn",
            other => panic!("{other:?}: say what of this page is of a camera"),
        };
        let path = page.path.replace("{id}", id).replace("{name}", "confirmed.mp4").replace("{call}", "1");
        let body = if page.method == "POST" { body(&path).to_string() } else { String::new() };
        let method = page.method.as_str();
        for (who, more) in [(&guard, &[][..]), (&Visitor::default(), &[("Authorization", bearer.as_str())])] {
            let answer = scene.say(who, method, &path, more, &body);
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, 404, "{method} {path}: {said}");
            let nothing = ["there is no incident", "the site has no such camera", "the site has no such loudspeaker"];
            assert!(nothing.iter().any(|words| said.contains(words)), "{method} {path}: {said}");
        }
        walked += 1;
    }
    assert!(walked >= 15, "{walked}");
    assert_eq!(
        scene.say(&guard, "POST", "/api/v1/commands", &[], "done").status,
        403,
        "a command is for the whole site"
    );
    assert_eq!(scene.get(&admin, &format!("/api/v1/incidents/{ID}")).json()["found"]["opinion"], Value::Null);
}

#[test]
fn lists_figures_and_news_are_those_of_the_cameras_that_are_reached() {
    let scene = Scene::with(&[2, 3]);
    let admin = scene.admin();
    scene.await_incident(&admin);
    let watch = Stopwatch::start();
    while scene.get(&admin, "/api/v1/incidents").json()["unjudged"] != 2 {
        assert!(watch.elapsed() < Duration::from_mins(1), "the evidence is not taken up");
    }
    let guard = guard_of_the_yard(&scene, &admin);
    let list = scene.get(&guard, "/api/v1/incidents").json();
    let ids: Vec<&Value> = list["incidents"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!((ids, &list["unjudged"]), (vec![&json!("yard-loitering-3")], &json!(1)));
    let refused = scene.get(&guard, "/api/v1/incidents?camera=gate");
    assert_eq!((refused.status, &refused.json()["error"]), (404, &json!("the site has no camera gate; it has yard")));
    let refused = scene.get(&admin, "/api/v1/incidents?camera=nope");
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (404, &json!("the site has no camera nope; it has gate, yard"))
    );
    assert_eq!(scene.get(&admin, "/api/v1/incidents?camera=gate&state=over").status, 200);
    let refused = scene.get(&admin, "/api/v1/incidents?state=dismissed");
    let why = "there is no state dismissed; `state` is open or one of suspected, confirmed, ";
    assert!(refused.status == 400 && refused.json()["error"].as_str().unwrap().starts_with(why), "{}", refused.json());
    // No rule watches for it any more, and it happened.
    let (violation, zone) = (&list["incidents"][0]["violation"], &list["incidents"][0]["zone"]);
    let asked = format!("violation={}&zone={}&state=over", violation.as_str().unwrap(), zone.as_str().unwrap());
    assert_eq!(scene.get(&admin, &format!("/api/v1/incidents?{asked}")).json()["incidents"], json!([]), "{asked}");
    for asked in ["violation=nix", "zone=nix"] {
        let refused = scene.get(&admin, &format!("/api/v1/incidents?{asked}"));
        let told = refused.json();
        assert!(refused.status == 404 && told["error"].as_str().unwrap().contains("nix"), "{asked}: {told}");
    }
    assert_eq!(scene.get(&guard, "/api/v1/incidents?text=gate").json()["incidents"], json!([]));
    assert_eq!(scene.get(&guard, "/api/v1/stats").json()["all"]["complied"], 1, "those of the yard");
    assert_eq!(scene.get(&guard, "/api/v1/stats?camera=gate").status, 404);
    assert_eq!(scene.get(&admin, "/api/v1/stats?camera=nope").status, 404);
    assert_eq!(scene.get(&guard, "/api/v1/speakers").json()["speakers"], json!([]));
    assert_eq!(scene.get(&guard, "/api/v1/session").json()["cameras"], json!(["yard"]));
    let passed_over = |id: u32, camera: &str| {
        json!({ "id": id, "camera": camera, "violation": null, "class": "person", "box": [0.1, 0.1, 0.2, 0.2],
            "appearance": vec![0; 192], "from": 0, "until": 1, "note": "statue" })
    };
    let both = json!([passed_over(4, "gate"), passed_over(5, "yard")]);
    std::fs::write(scene.dir().join("suppressions.json"), both.to_string()).unwrap();
    let told = scene.get(&guard, "/api/v1/suppressions").json();
    assert_eq!((told["suppressions"].as_array().unwrap().len(), &told["suppressions"][0]["number"]), (1, &json!(5)));
    let end = |number: u32| scene.say(&guard, "DELETE", &format!("/api/v1/suppressions/{number}"), &[], "").status;
    assert_eq!((end(4), end(5)), (404, 204));

    let mut until = scene.listen(&guard);
    until("event: hello");
    for id in [ID, "yard-loitering-3"] {
        let path = format!("/api/v1/incidents/{id}/opinion");
        assert_eq!(scene.post(&admin, &path, &json!({ "opinion": "true" })).status, 200);
    }
    let told = until("\"id\":\"yard-loitering-3\"");
    assert!(!told.contains("gate"), "{told}");
}

#[test]
fn a_limit_that_is_changed_ends_what_was_seen_before_and_an_admin_is_never_limited() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let guard = guard_of_the_yard(&scene, &admin);
    let put = |name: &str, cameras: Value| {
        let body = json!({ "cameras": cameras }).to_string();
        scene.say(&admin, "PUT", &format!("/api/v1/accounts/{name}/cameras"), &[], &body).status
    };
    assert_eq!(put("guard", json!(["gate", "yard"])), 204);
    assert_eq!(scene.get(&guard, "/api/v1/session").status, 401, "the session has ended");
    let guard = scene.sign_in("guard");
    assert_eq!(scene.get(&guard, &format!("/api/v1/incidents/{ID}")).status, 200);
    let told = scene.get(&admin, "/api/v1/accounts").json()["accounts"].clone();
    let of = |name: &str| told.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["cameras"].clone();
    assert_eq!((of("ann"), of("guard")), (Value::Null, json!(["gate", "yard"])));
    assert_eq!((put("ann", json!(["gate"])), put("guard", json!([])), put("eve", json!(["gate"]))), (400, 400, 404));
    assert_eq!((put("guard", json!(["../gate"])), put("guard", json!(["gate", "nope"]))), (422, 400));
    let of_nowhere = json!({ "name": "n", "role": "viewer", "days": 3, "cameras": ["nope"], "scopes": ["live:read"] });
    let refused = scene.post(&admin, "/api/v1/tokens", &of_nowhere);
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (400, &json!("the site has no camera nope; it has gate, yard"))
    );
    assert_eq!(put("guard", Value::Null), 204);
    let limited_admin =
        json!({ "name": "a", "role": "admin", "days": 3, "cameras": ["gate"], "scopes": ["site:write"] });
    assert_eq!(scene.post(&admin, "/api/v1/tokens", &limited_admin).status, 400);
    let lines = scene.get(&admin, "/api/v1/audit").json();
    let of_limits =
        lines["lines"].as_array().unwrap().iter().filter(|one| one["deed"] == "chose the cameras of an account");
    assert_eq!(of_limits.map(|one| one["detail"].clone()).collect::<Vec<_>>(), [json!("all"), json!("gate, yard")]);
}

#[test]
fn an_account_is_limited_in_the_page_and_sees_its_cameras_alone() {
    Scene::set_up(&[2], |_, ports, _| ports.cameras = Arc::new(Watched)).walk("tests/limits.mjs");
}
