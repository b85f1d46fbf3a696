//! The document of the interface: it tells of every page, no address in it holds a secret, and of requests that a program makes up
//! from it, right and wrong ones, none is an error of the server, and every answer is one of which it tells.

use std::process::Command;

use serde_json::Value;

use super::console::Scene;
use super::*;
use crate::gate::Need;

/// What `cargo xtask test` brings for the tests.
const READERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/readers");
/// What has no end, what would sign out the one who asks, and a sound and a session of WebRTC, which schemathesis cannot make up.
const LEFT_OUT: &str = "/(live|events|session.*|setup|talk|whep)$";

#[test]
fn whatever_is_asked_the_answer_is_one_that_the_document_tells_of() {
    if !Path::new(READERS).join("schemathesis").exists() {
        println!("skipped: `cargo xtask test` brings schemathesis");
        return;
    }
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let at = format!("http://{}/api/v1/openapi.json", scene.server.address());
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", READERS).current_dir(scene.dir());
    python.args(["-c", "from schemathesis.cli import schemathesis; schemathesis()", "run", &at, "--no-color"]);
    python.args(["-H", &format!("Cookie: {}", admin.cookie), "-H", &format!("X-Forewarn-CSRF: {}", admin.csrf)]);
    python.args(["--phases", "examples,coverage,fuzzing", "--exclude-path-regex", LEFT_OUT]);
    python.args([
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
    ]);
    // The same requests at each run, and an end to it.
    python.args(["--generation-deterministic", "--no-shrink"]);
    python.args(["--max-examples", "8", "--max-time", "45", "--request-timeout", "20", "--warnings", "off"]);
    let done = python.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    println!("{}", said.lines().rev().take(4).collect::<Vec<_>>().join("; "));
}

#[test]
fn the_document_of_the_interface_tells_of_every_page() {
    let document: Value = serde_json::from_str(api::DOCUMENT).unwrap();
    let told = document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, of)| {
            (path.clone(), method.to_uppercase(), of["x-role"].as_str().unwrap_or("nobody").to_owned())
        })
    });
    let mut told: Vec<_> = told.collect();
    let mut there: Vec<_> = api::all()
        .iter()
        .map(|page| {
            let role = if let Need::Role(role) = page.need { role.as_str() } else { "nobody" };
            (page.path.to_owned(), page.method.to_string(), role.to_owned())
        })
        .collect();
    told.sort();
    there.sort();
    assert_eq!(told, there);
    // What stands in an address is kept by proxies and browsers: sessions and tokens are headers. A button of a message has
    // nothing but its address, which works once.
    let pages = document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.starts_with("/api/v1/answers/"));
    let asked = pages.flat_map(|(_, methods)| methods.as_object().unwrap().values());
    let named = asked.flat_map(|of| of["parameters"].as_array().into_iter().flatten());
    let named: Vec<&str> = named.filter_map(|one| one["name"].as_str()).collect();
    assert!(named.len() > 20, "{named:?}");
    for secret in ["token", "session", "cookie", "csrf", "password", "code"] {
        assert!(!named.contains(&secret), "{secret} stands in an address");
    }
}
