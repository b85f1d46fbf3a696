//! Cameras over WebRTC: who may look, what he is told, and when it ends. The sessions are scripted; `forewarn-pipelines` has real ones.

use forewarn_domain::clock::Stopwatch;
use serde_json::json;

use super::console::{Answer, Scene, Visitor};
use super::reach::guard_of_the_yard;
use super::*;
use crate::access::Role;
use crate::calls::CALLS as MOST;
use crate::ports::Caller;

const GATE: &str = "/api/v1/cameras/gate/whep";

/// A session, and whether whoever looked is gone.
struct Scripted(bool);

impl Caller for Scripted {
    fn is_over(&self) -> bool {
        self.0
    }
    fn given_up(&self) -> u64 {
        0
    }
}

/// What an offer leads to says itself.
pub(super) fn scripted(offer: &Offer) -> Result<Called, NoCall> {
    let why = |en: &'static str| Bilingual::quoted(en, "没有");
    match offer.sdp.as_str() {
        "v=0" | "gone" => {
            let sdp = format!("answered at {:?}, small {}", offer.at.unwrap(), offer.is_small);
            Ok(Called { sdp, origin: Timestamp::from_micros(7), call: Box::new(Scripted(offer.sdp == "gone")) })
        }
        "high" => Err(NoCall::NotTaken(why("the camera sends H.264 High"))),
        "dark" => Err(NoCall::NotNow(why("the camera gives no picture now"))),
        "broken" => Err(NoCall::Failed("no element".to_owned())),
        _ => Err(NoCall::NoOffer(why("this is no offer"))),
    }
}

fn offer(scene: &Scene, who: &Visitor, path: &str, sdp: &str) -> Answer {
    scene.say(who, "POST", path, &[("Content-Type", "application/sdp")], sdp)
}

#[test]
fn a_viewer_is_answered_and_hangs_up() {
    let scene = Scene::new();
    let admin = scene.admin();
    let viewer = scene.with_role(&admin, Role::Viewer);
    let answer = offer(&scene, &viewer, &format!("{GATE}?is_small=true"), "v=0");
    assert_eq!(
        (answer.status, String::from_utf8_lossy(&answer.body).as_ref()),
        (201, "answered at 127.0.0.1, small true")
    );
    assert_eq!((&*answer.headers["content-type"], &*answer.headers["x-forewarn-origin-us"]), ("application/sdp", "7"));
    let location = &answer.headers["location"];
    assert!(location.starts_with(&format!("{GATE}/")), "{location}");
    assert_eq!(scene.say(&admin, "DELETE", location, &[], "").status, 404, "it is another's");
    assert_eq!(scene.say(&viewer, "DELETE", location, &[], "").status, 204);
    assert_eq!(scene.say(&viewer, "DELETE", location, &[], "").status, 404);
}

#[test]
fn who_is_not_answered_is_told_why() {
    let scene = Scene::new();
    let admin = scene.admin();
    for (sdp, status) in [("high", 406), ("dark", 409), ("broken", 500), ("hello", 400)] {
        let answer = offer(&scene, &admin, GATE, sdp);
        assert_eq!(answer.status, status, "{sdp}");
        assert!(answer.json()["error_zh"].is_string() && !answer.headers.contains_key("location"), "{sdp}");
    }
    assert_eq!(scene.post(&admin, GATE, &json!({})).status, 415);
    assert_eq!(offer(&scene, &admin, "/api/v1/cameras/nope/whep", "v=0").status, 404);
    assert_eq!(offer(&scene, &admin, &format!("{GATE}?large=1"), "v=0").status, 400);
    let guard = guard_of_the_yard(&scene, &admin);
    assert_eq!(offer(&scene, &guard, GATE, "v=0").status, 404);
    let stolen = Visitor { csrf: "other".to_owned(), ..admin };
    assert_eq!(offer(&scene, &stolen, GATE, "v=0").status, 403);
}

#[test]
fn whoever_signs_out_sees_no_more_and_no_more_look_than_there_are_places() {
    let scene = Scene::new();
    let admin = scene.admin();
    let viewer = scene.with_role(&admin, Role::Viewer);
    let all: Vec<String> = (0..MOST).map(|_| offer(&scene, &viewer, GATE, "v=0").headers["location"].clone()).collect();
    let refused = offer(&scene, &admin, GATE, "v=0");
    assert!(refused.status == 503 && refused.json()["error"].as_str().unwrap().contains("16"));
    assert_eq!(scene.say(&viewer, "DELETE", &all[0], &[], "").status, 204);
    let own = offer(&scene, &admin, GATE, "v=0");
    assert_eq!(own.status, 201, "a place is free again");
    assert_eq!(scene.say(&viewer, "DELETE", "/api/v1/session", &[], "").status, 204);
    let watch = Stopwatch::start();
    while offer(&scene, &admin, GATE, "v=0").status == 503 {
        assert!(watch.elapsed() < Duration::from_secs(10), "those of whoever signed out go on");
    }
    assert_eq!(scene.say(&admin, "DELETE", &own.headers["location"], &[], "").status, 204, "another's go on");
}

#[test]
fn whoever_is_gone_takes_no_place() {
    let scene = Scene::new();
    let admin = scene.admin();
    for _ in 0..MOST {
        assert_eq!(offer(&scene, &admin, GATE, "gone").status, 201);
    }
    let watch = Stopwatch::start();
    while offer(&scene, &admin, GATE, "v=0").status == 503 {
        assert!(watch.elapsed() < Duration::from_secs(10), "sessions of nobody go on");
    }
}

#[test]
fn a_token_looks_by_what_lets_it_look_live() {
    let scene = Scene::new();
    let admin = scene.admin();
    let by = |scope: &str| {
        let wanted = json!({ "name": scope.replace(':', "-"), "role": "viewer", "days": 3, "scopes": [scope] });
        let told = scene.post(&admin, "/api/v1/tokens", &wanted).json();
        let bearer = format!("Bearer {}", told["token"].as_str().unwrap());
        let more = [("Authorization", bearer.as_str()), ("Content-Type", "application/sdp")];
        scene.say(&Visitor::default(), "POST", GATE, &more, "v=0").status
    };
    assert_eq!((by("live:read"), by("cameras:write")), (201, 403));
}
