//! Bundles whose clips are decided again, by what lies in them and by site files.

use std::path::{Path, PathBuf};

use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{CameraEntry, Scene, SiteFile, clips, program};

#[test]
fn a_clip_comes_out_the_same_otherwise_or_is_too_short_to_show_it() {
    let scene = Scene::new().unwrap();
    clips::cut(&program::demo_clip().unwrap(), 0.0, 8.0, &scene.path("short.mp4")).unwrap();
    let write = |stationary: &str| {
        let rules = QUICK_PARKING.replace("stationary_s = 1", stationary);
        let entry = CameraEntry::new("gate", "file:short.mp4", rules);
        SiteFile::new().camera(entry).write(scene.dir()).unwrap()
    };
    let replay = |site: &Path, out: &str| -> PathBuf {
        let out = scene.path(out);
        scene.program.succeed([Path::new("replay"), Path::new("--config"), site, Path::new("--out"), &out]).unwrap();
        let found = std::fs::read_to_string(out.join("incidents.jsonl")).unwrap();
        let found: serde_json::Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
        out.join(found["evidence"].as_str().unwrap())
    };
    let again = |bundle: &Path, more: &[&Path]| {
        let args = [Path::new("evidence"), Path::new("replay"), bundle];
        let output = scene.program.run(args.iter().chain(more)).unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let says = |(code, told): (Option<i32>, String), expected: i32, words: &str| {
        assert!(code == Some(expected) && told.contains(words), "{code:?}: {told}");
    };
    let long = replay(&write("stationary_s = 4.5"), "long");
    let site = write("stationary_s = 1");
    let bundle = replay(&site, "out");
    let setting = std::fs::read_to_string(bundle.join("setting.json")).unwrap();
    assert!(setting.contains("\"lost_after_s\""), "the tracker's settings are kept: {setting}");

    says(again(&bundle, &[]), 0, ": the same incident\n");
    let config = [Path::new("--config"), &site];
    says(again(&bundle, &config), 0, "illegal_parking in zone no-parking");
    says(again(&bundle, &[config[0], config[1], Path::new("--json")]), 0, "{\"outcome\":\"same\",\"setting\":[]");
    let told = again(&long, &[]);
    says(told, 65, "the clip is too short to show it");
    let other = write("stationary_s = 30");
    let told = again(&bundle, &[Path::new("--config"), &other]);
    assert!(told.1.contains("setting: the violation differs"), "{}", told.1);
    says(told, 1, "no illegal_parking in zone no-parking was confirmed");
    std::fs::write(bundle.join("extra.txt"), "x").unwrap();
    says(again(&bundle, &[]), 65, "it is not what was sealed");
}
