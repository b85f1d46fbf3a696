//! Requests that a program makes up from the document of the interface, right and wrong ones: none is an error of the server, and
//! every answer is one of which the document tells.

use std::process::Command;

use super::console::Scene;
use super::*;

/// What `cargo xtask test` brings for the tests.
const READERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/readers");
/// What has no end, what would sign out the one who asks, and a sound, which schemathesis cannot make up.
const LEFT_OUT: &str = "/(live|events|session.*|setup|talk)$";

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
