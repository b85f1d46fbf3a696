//! Small copies of clips are made on demand, served in parts, and are those of the incident alone.

use std::os::unix::fs::PermissionsExt as _;

use forewarn_domain::clock::Stopwatch;
use serde_json::{Value, json};

use super::console::{ID, Scene};
use super::reach::guard_of_the_yard;
use super::*;

/// A console whose program makes a preview, or fails, by this script.
fn scene(script: &str) -> Scene {
    Scene::set_up(&[2, 12], |setup, _, dir| {
        let program = dir.join("forewarn");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        setup.program = program;
    })
}

#[test]
fn a_clip_that_a_browser_cannot_play_is_shown_small() {
    let scene = scene("mkdir -p \"$5\" && printf 0123456789 > \"$5/confirmed-preview.mp4\"");
    let admin = scene.admin();
    scene.await_incident(&admin);
    let path = format!("/api/v1/incidents/{ID}/preview");
    assert_eq!(scene.get(&admin, &path).json(), json!({ "is": "none" }));
    assert_eq!(scene.get(&admin, &format!("{path}/confirmed.mp4")).status, 404);
    assert_eq!(scene.post(&admin, &path, &Value::Null).status, 200);
    let watch = Stopwatch::start();
    while scene.get(&admin, &path).json()["is"] != "done" {
        assert!(watch.elapsed() < Duration::from_secs(30), "{}", scene.get(&admin, &path).json());
        std::thread::yield_now();
    }
    assert_eq!(scene.post(&admin, &path, &Value::Null).json()["is"], "done", "it is not made twice");
    let part = scene.say(&admin, "GET", &format!("{path}/confirmed.mp4"), &[("Range", "bytes=2-4")], "");
    assert_eq!(
        (part.status, part.body.as_slice(), part.headers["content-type"].as_str()),
        (206, &b"234"[..], "video/mp4")
    );
    for other in ["escalated.mp4", "..%2f..%2fsecret.mp4", "confirmed-preview.mp4", "confirmed.jpg"] {
        assert_eq!(scene.get(&admin, &format!("{path}/{other}")).status, 404, "{other}");
    }
    assert_eq!(scene.get(&guard_of_the_yard(&scene, &admin), &path).status, 404);
}
