//! `forewarn evaluate`: figures, comparisons and exit codes on a part of the demo clip.

use std::path::Path;
use std::process::Output;

use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{CameraEntry, Scene, SiteFile, clips, program};
use serde_json::Value;

/// The van that stands in the demo clip from the first frame on.
const VAN: &str = "[[clip]]\nfile = \"van.mp4\"\n[[clip.truth]]\nviolation = \"illegal_parking\"\nzone = \"no-parking\"\n\
                   from_s = 0\nto_s = 6\nbox = [653, 44, 722, 101]\n";

fn scene() -> Scene {
    let scene = Scene::new().unwrap();
    clips::cut(&program::demo_clip().unwrap(), 0.0, 6.0, &scene.path("van.mp4")).unwrap();
    site(&scene, "site.toml", QUICK_PARKING);
    scene.write("truth.toml", VAN).unwrap();
    scene
}

fn site(scene: &Scene, name: &str, rules: &str) {
    let camera = CameraEntry::new("gate", "file:van.mp4", rules).with("analysis_fps = 4.0");
    scene.write(name, SiteFile::new().camera(camera).text()).unwrap();
}

fn evaluate(scene: &Scene, args: &[&str]) -> Output {
    let mut command = scene.program.command();
    command.current_dir(scene.dir()).arg("evaluate").args(args).output().unwrap()
}

fn ends(output: &Output, code: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    errors
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn what_is_found_is_counted_and_a_blind_configuration_loses_it() {
    let scene = scene();
    let output = evaluate(&scene, &[".", "--save", "good.json"]);
    ends(&output, 0);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.lines().any(|line| line.starts_with("illegal_parking")), "{table}");
    let good = json(&scene.path("good.json"));
    assert_eq!(good["all"]["true_positives"], 1, "{good}");
    assert_eq!(good["all"]["false_positives"], 0, "{good}");
    assert!(good["all"]["delay"]["median_s"].as_f64().is_some_and(|s| (1.0..4.0).contains(&s)), "{good}");

    // The same bytes again, whatever is played beside it.
    ends(&evaluate(&scene, &[".", "--save", "again.json", "--jobs", "2"]), 0);
    assert_eq!(json(&scene.path("again.json")), good);

    site(&scene, "blind.toml", &QUICK_PARKING.replace("stationary_s = 1", "stationary_s = 500"));
    let output = evaluate(
        &scene,
        &[".", "--config", "site.toml", "--against", "blind.toml", "--fail-if-worse", "--json", "--save", "blind.json"],
    );
    ends(&output, 1);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["diff"]["lost"].as_array().map(Vec::len), Some(1), "{document}");

    let output = evaluate(&scene, &["--diff", "blind.json", "good.json", "--fail-if-worse"]);
    ends(&output, 0);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("gained: ./van.mp4 (gate)") || text.contains("gained: van.mp4 (gate)"), "{text}");
}

#[test]
fn an_alarm_where_nothing_happens_is_false() {
    let scene = scene();
    scene.write("truth.toml", "[[clip]]\nfile = \"van.mp4\"\nnothing = true\n").unwrap();
    ends(&evaluate(&scene, &[".", "--save", "result.json"]), 0);
    let result = json(&scene.path("result.json"));
    assert_eq!(result["all"]["false_positives"], 1, "{result}");
    assert!(result["all"]["false_alarms_per_hour"].as_f64().is_some_and(|rate| rate > 100.0), "{result}");
}

#[test]
fn mistakes_end_with_the_code_of_their_kind() {
    let scene = scene();
    scene.write("truth.toml", VAN.replace("from_s", "form_s")).unwrap();
    let message = ends(&evaluate(&scene, &["."]), 64);
    assert!(message.contains("truth.toml:6: form_s") && message.contains("`from_s`"), "{message}");
    scene.write("truth.toml", VAN.replace("van.mp4", "bus.mp4")).unwrap();
    assert!(ends(&evaluate(&scene, &["."]), 65).contains("--skip-missing"));
    ends(&evaluate(&scene, &[".", "--skip-missing"]), 65);
    scene.write("bus.mp4", [0x55; 4000]).unwrap();
    assert!(ends(&evaluate(&scene, &["."]), 65).contains("bus.mp4"));
    ends(&evaluate(&scene, &["--diff", "truth.toml", "site.toml"]), 65);
    ends(&evaluate(&scene, &["--diff", "one.json"]), 2);
    ends(&evaluate(&scene, &[]), 2);
    std::fs::remove_file(scene.path("truth.toml")).unwrap();
    assert!(ends(&evaluate(&scene, &["."]), 65).contains("no truth file"));
}
