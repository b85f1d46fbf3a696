//! `forewarn replay`: what it finds in the demo clip, and that it always finds the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forewarn_tests::{CameraEntry, Scene, SiteFile, clips, program};
use serde_json::Value;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/demo-incidents.jsonl");
const DEMO_SITE: &str = include_str!("../../../agent/app/src/demo/site.toml");
/// Floating-point kernels differ between processors, so a box may reach a threshold one frame earlier or later.
const TIME_TOLERANCE_S: f64 = 0.3;
/// What such a difference may move a box by.
const BOX_TOLERANCE_PX: f64 = 3.0;

/// When four or more people are in the demo's zone for two seconds, by the clip's ground truth.
const CROWDS_S: [(f64, f64); 3] = [(4.5, 11.8), (33.6, 35.8), (68.4, 71.9)];

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What an incident is known by whatever the processor: all but times and boxes.
fn essence(incident: &Value) -> Value {
    let mut essence = incident.clone();
    for step in essence["history"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("at_s");
    }
    // The id and the folder hold the time of the suspicion; the track's number depends on earlier tracks.
    for key in ["id", "evidence"] {
        essence.as_object_mut().unwrap().remove(key);
    }
    for key in ["box", "track"] {
        essence["subject"].as_object_mut().unwrap().remove(key);
    }
    essence
}

fn numbers(value: &Value, pointer: &str) -> Vec<f64> {
    value.pointer(pointer).unwrap().as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn times(incident: &Value) -> Vec<f64> {
    incident["history"].as_array().unwrap().iter().map(|step| step["at_s"].as_f64().unwrap()).collect()
}

fn entered(incident: &Value, state: &str) -> Vec<f64> {
    let steps = incident["history"].as_array().unwrap().iter();
    steps.filter(|step| step["state"] == state).map(|step| step["at_s"].as_f64().unwrap()).collect()
}

/// Compares with the ground truth of the clip, which was made by hand and not by a detector.
fn assert_true(incidents: &[Value]) {
    let of = |violation: &str| incidents.iter().filter(|i| i["violation"] == violation).collect::<Vec<_>>();
    let parking = of("illegal_parking");
    assert_eq!(parking.len(), 1, "the van stands there all the time: one incident");
    assert_eq!(entered(parking[0], "warned").len(), 2);
    assert_eq!(entered(parking[0], "escalated").len(), 1);
    let crowds = of("crowding");
    assert!(!crowds.is_empty());
    for crowd in crowds {
        let at = entered(crowd, "confirmed")[0];
        let is_true = CROWDS_S.iter().any(|(from, to)| (from + 2.0..to + 0.5).contains(&at));
        assert!(is_true, "there is no crowd at {at} s");
    }
    assert!(!of("loitering").is_empty());
}

fn differ_by_more(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() != b.len() || a.iter().zip(b).any(|(a, b)| (a - b).abs() > tolerance)
}

#[test]
fn the_demo_clip_gives_the_incidents_that_were_checked_by_eye() {
    let clip = program::demo_clip().unwrap();
    let scene = Scene::new().unwrap();
    let site = DEMO_SITE
        .replace("{camera_url}", &format!("file:{}", clip.display()))
        .replace("{mqtt_url}", "mqtt://127.0.0.1:1")
        .replace("{sink}", "wav")
        .replace("analysis_fps = 10.0", "analysis_fps = 5.0");
    let site = scene.write("site.toml", site).unwrap();
    let out = scene.path("out");
    scene
        .program
        .succeed(["replay".as_ref(), "--config".as_ref(), site.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .unwrap();
    let found = out.join("incidents.jsonl");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::copy(&found, GOLDEN).unwrap();
    }
    let (found, golden) = (lines(&found), lines(Path::new(GOLDEN)));
    assert_true(&found);
    let essences = |all: &[Value]| all.iter().map(essence).collect::<Vec<_>>();
    assert_eq!(essences(&found), essences(&golden), "incidents changed; if they should, set UPDATE_GOLDENS=1");
    for (found, golden) in found.iter().zip(&golden) {
        let (times_found, times_golden) = (times(found), times(golden));
        assert!(
            !differ_by_more(&times_found, &times_golden, TIME_TOLERANCE_S),
            "{}: {times_found:?}, golden {times_golden:?}",
            found["id"]
        );
        let (box_found, box_golden) = (numbers(found, "/subject/box"), numbers(golden, "/subject/box"));
        assert!(
            !differ_by_more(&box_found, &box_golden, BOX_TOLERANCE_PX),
            "{}: {box_found:?}, golden {box_golden:?}",
            found["id"]
        );
        let bundle = out.join(found["evidence"].as_str().unwrap());
        assert!(forewarn_evidence::verify(&bundle).unwrap().is_intact(), "{}", bundle.display());
    }
}

/// Every file below `dir` with its content, manifests among them.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Rules that find something within the few seconds of a short clip.
const RULES: &str = concat!(
    "[[camera.zone]]\nid = \"no-parking\"\npolygon = [[630, 40], [728, 40], [728, 116], [630, 112]]\n",
    "[[camera.rule]]\nviolation = \"illegal_parking\"\nzone = \"no-parking\"\n",
    "with = { stationary_s = 1, confirm.for_s = 0.3, warning.times = 1, observe.for_s = 0.5, evidence.pre_roll_s = 1, evidence.post_roll_s = 1 }\n",
    "[[camera.rule]]\nviolation = \"loitering\"\n",
    "with = { dwell_s = 1, confirm.for_s = 0.3, warning.times = 1, observe.for_s = 1, evidence.pre_roll_s = 1, evidence.post_roll_s = 1 }\n"
);

fn two_cameras(scene: &Scene, clip: &Path) -> (PathBuf, PathBuf) {
    let (early, late) = (scene.path("early.mp4"), scene.path("late.mp4"));
    clips::cut(clip, 0.0, 5.0, &early).unwrap();
    clips::cut(clip, 40.0, 45.0, &late).unwrap();
    (early, late)
}

/// Time zones of boxes, one of which there is none of. A site has its own.
const BOXES: [&str; 4] = ["UTC", "Pacific/Kiritimati", "America/New_York", "Nowhere/Nothing"];

/// The n-th replay, on a box that stands in another time zone than the one before it. The clip began in the hour that comes
/// twice in Europe.
fn replay(scene: &Scene, site: &Path, n: usize, cameras: &[(&str, &Path)]) -> BTreeMap<PathBuf, Vec<u8>> {
    let out = scene.path(&format!("run-{n}"));
    let mut command = scene.program.command();
    command.env("TZ", BOXES[n % BOXES.len()]).args(["--log", "error"]);
    command.arg("replay").arg("--config").arg(site).arg("--out").arg(&out).arg("--tracks");
    command.args(["--start", "2026-10-25T00:30:00Z"]);
    for (id, clip) in cameras {
        command.arg("--camera").arg(format!("{id}={}", clip.display()));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    tree(&out)
}

fn names(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<&PathBuf> {
    files.keys().collect()
}

fn assert_same(run: &BTreeMap<PathBuf, Vec<u8>>, first: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    assert_eq!(names(run), names(first), "{what}: other files");
    for (name, content) in run {
        assert!(*content == first[name], "{what}: {} differs", name.display());
    }
}

#[test]
fn ten_runs_give_the_same_bytes() {
    let clip = program::demo_clip().unwrap();
    let scene = Scene::new().unwrap();
    let (early, _) = two_cameras(&scene, &clip);
    let site = SiteFile::new().wav_speaker("horn");
    let camera =
        CameraEntry::new("gate", "rtsp://127.0.0.1:1/live", RULES).with("analysis_fps = 4.0\nspeakers = [\"horn\"]");
    let site = site.camera(camera).write(scene.dir()).unwrap();
    let first = replay(&scene, &site, 0, &[("gate", &early)]);
    let incidents = String::from_utf8(first[Path::new("incidents.jsonl")].clone()).unwrap();
    assert!(incidents.contains("illegal_parking") && incidents.contains("loitering"), "{incidents}");
    let is_of_that_day = |name: &PathBuf| name.starts_with("evidence/1970-01-01") && name.ends_with("manifest.json");
    assert!(first.keys().any(is_of_that_day), "{:?}", names(&first));
    assert!(!first[Path::new("tracks.txt")].is_empty());
    for n in 1..10 {
        let run = replay(&scene, &site, n, &[("gate", &early)]);
        assert_same(&run, &first, &format!("run {n}"));
    }
}

#[test]
fn two_clips_together_give_the_same_bytes_in_whatever_order_they_are_named() {
    let clip = program::demo_clip().unwrap();
    let scene = Scene::new().unwrap();
    let (early, late) = two_cameras(&scene, &clip);
    let site = SiteFile::new()
        .wav_speaker("horn")
        .camera(
            CameraEntry::new("gate", "rtsp://127.0.0.1:1/live", RULES)
                .with("analysis_fps = 4.0\nspeakers = [\"horn\"]"),
        )
        .camera(CameraEntry::new("yard", "rtsp://127.0.0.1:1/live", RULES).with("analysis_fps = 3.0"))
        .write(scene.dir())
        .unwrap();
    let gate: (&str, &Path) = ("gate", &early);
    let yard: (&str, &Path) = ("yard", &late);
    let first = replay(&scene, &site, 0, &[gate, yard]);
    let incidents = String::from_utf8(first[Path::new("incidents.jsonl")].clone()).unwrap();
    assert!(incidents.contains("\"gate\"") && incidents.contains("\"yard\""), "{incidents}");
    assert!(first.contains_key(Path::new("tracks-gate.txt")) && first.contains_key(Path::new("tracks-yard.txt")));
    for (n, order) in [[gate, yard], [yard, gate], [yard, gate]].iter().enumerate() {
        let run = replay(&scene, &site, n + 1, order);
        assert_same(&run, &first, &format!("run {n}"));
    }
}

/// What was raised in a replay, by violation, without what hangs on the time of the suspicion.
fn raised(run: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<String, Vec<Value>> {
    let mut raised: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in String::from_utf8(run[Path::new("incidents.jsonl")].clone()).unwrap().lines() {
        let incident: Value = serde_json::from_str(line).unwrap();
        raised.entry(incident["violation"].as_str().unwrap().to_owned()).or_default().push(essence(&incident));
    }
    raised
}

#[test]
fn in_an_exclusion_nothing_is_raised_and_beside_it_what_was_raised_before() {
    let clip = program::demo_clip().unwrap();
    let scene = Scene::new().unwrap();
    let (early, _) = two_cameras(&scene, &clip);
    let found = |n: usize, more: &str| {
        let camera = CameraEntry::new("gate", "rtsp://127.0.0.1:1/live", format!("{RULES}{more}"))
            .with("analysis_fps = 4.0\nspeakers = [\"horn\"]");
        let site = SiteFile::new().wav_speaker("horn").camera(camera).write(scene.dir()).unwrap();
        let run = replay(&scene, &site, n, &[("gate", &early)]);
        raised(&run)
    };
    let van = "[[camera.exclusion]]\nid = \"van\"\npolygon = [[600, 20], [768, 20], [768, 130], [600, 130]]\n";
    let (before, without) = (found(0, ""), found(1, van));
    assert!(before.contains_key("illegal_parking") && !before["loitering"].is_empty(), "{before:?}");
    assert!(!without.contains_key("illegal_parking"), "{without:?}");
    assert_eq!(without["loitering"], before["loitering"], "people who stand beside it");
    assert_eq!(found(2, &format!("{van}classes = [\"person\"]\n")), before, "the van is no person");
}
