//! How commands end: the codes that scripts rely on, and messages that help.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{CameraEntry, ForewarnBin, Scene, SiteFile, program};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn ends(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn run<S: AsRef<OsStr>>(scene: &Scene, args: &[S]) -> Output {
    scene.program.run(args).unwrap()
}

#[test]
fn wrong_usage_ends_with_2() {
    let program = ForewarnBin::find().unwrap();
    for args in [&["explode"][..], &[], &["replay"], &["run", "--config"], &["--log", "loud=[", "config", "example"]] {
        ends(&program.run(args).unwrap(), 2);
    }
    ends(&program.run(["detect", "--draw", "a.png", "one.jpg", "two.jpg"]).unwrap(), 2);
}

#[test]
fn a_wrong_site_file_ends_with_64_and_says_where_what_and_the_nearest_spelling() {
    let scene = Scene::new().unwrap();
    let site = SiteFile::new().camera(CameraEntry::new("gate", "file:clip.mp4", QUICK_PARKING));
    let text = site.text().replace("[[camera.rule]]\n", "[[camera.rule]]\nviolaton = \"x\"\n");
    let line = 1 + text.lines().position(|line| line.starts_with("violaton")).unwrap();
    let path = scene.write("site.toml", &text).unwrap();
    for command in ["check", "run", "replay"] {
        let mut args = vec![command.to_owned()];
        if command != "check" {
            args.push("--config".to_owned());
        }
        args.push(path.display().to_string());
        if command == "replay" {
            args.extend(["--out".to_owned(), scene.path("out").display().to_string()]);
        }
        let message = ends(&run(&scene, &args), 64);
        assert!(message.contains(&format!("site.toml:{line}")), "{message}");
        assert!(message.contains("`violaton`") && message.contains("`violation`"), "{message}");
    }
    for (wrong, right, expected) in [
        ("stationary_s = 1", "stationry_s = 1", "stationary_s"),
        ("violation = \"illegal_parking\"", "violation = \"ilegal_parking\"", "illegal_parking"),
        ("zone = \"no-parking\"", "zone = \"no-prking\"", "no-parking"),
        ("url = \"file:clip.mp4\"", "url = \"gopher://x/y\"", "rtsp"),
    ] {
        scene.write("site.toml", site.text().replace(wrong, right)).unwrap();
        let message = ends(&run(&scene, &[OsStr::new("check"), path.as_os_str()]), 64);
        assert!(message.contains("site.toml:") && message.contains(expected), "{right}: {message}");
    }
    ends(&run(&scene, &["check", "no-such-site.toml"]), 64);
    ends(&run(&scene, &["check", "--config", "no-such-site.toml"]), 64);
}

#[test]
fn a_terminal_that_takes_nothing_changes_no_code() {
    let scene = Scene::new().unwrap();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let code = |args: &[&str], command: &mut Command| command.args(args).status().unwrap().code();
    assert_eq!(code(&["check", "no-such-site.toml"], scene.program.command().stderr(full())), Some(64));
    let mut list = scene.program.command();
    assert_eq!(code(&["models", "list"], list.stdout(full()).stderr(full())), Some(1), "nobody got the list");
    // As `| head` leaves it.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut list = scene.program.command();
    let output = list.args(["models", "list"]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(ends(&output, 0), "");
}

#[test]
fn unreadable_input_ends_with_65() {
    let scene = Scene::new().unwrap();
    program::demo_clip().unwrap();
    let clip = scene.write("broken.mp4", vec![0x55; 40_000]).unwrap();
    let site = SiteFile::new().camera(CameraEntry::new("gate", "file:broken.mp4", QUICK_PARKING));
    let site = site.write(scene.dir()).unwrap();
    let out = scene.path("out");
    let replay = ["replay".as_ref(), "--config".as_ref(), site.as_os_str(), "--out".as_ref(), out.as_os_str()];
    let message = ends(&run(&scene, &replay), 65);
    assert!(message.contains("broken.mp4"), "{message}");
    let other = format!("nowhere={}", clip.display());
    let message = ends(&run(&scene, &[&replay[..], &["--camera".as_ref(), other.as_ref()]].concat()), 65);
    assert!(message.contains("gate"), "{message}");

    let photo = scene.write("broken.jpg", b"\xff\xd8\xff\xe0 no picture").unwrap();
    let message = ends(&run(&scene, &[OsStr::new("detect"), photo.as_os_str()]), 65);
    assert!(message.contains("broken.jpg"), "{message}");
    let message = ends(&run(&scene, &[OsStr::new("evidence"), "verify".as_ref(), scene.dir().as_os_str()]), 65);
    assert!(message.contains("manifest.json"), "{message}");
    ends(&run(&scene, &["sim", "camera", &clip.display().to_string(), "--port", "0"]), 65);
}

#[test]
fn names_that_nobody_knows_and_files_that_are_there_end_with_65_and_days_that_are_none_with_2() {
    let scene = Scene::new().unwrap();
    let camera = CameraEntry::new("gate", "rtsp://192.0.2.1/1", QUICK_PARKING);
    let site = SiteFile::new().camera(camera).write(scene.dir()).unwrap();
    let there = scene.write("there", "kept").unwrap();
    let ask = |what: &str, words: &[&str]| {
        let mut args = vec![what.into(), OsStr::new("--config").to_owned(), site.clone().into_os_string()];
        args.extend(words.iter().map(Into::into));
        run(&scene, &args)
    };
    let message = ends(&ask("stats", &["--camera", "gat"]), 65);
    assert!(message.contains("--camera gat") && message.contains("there are gate"), "{message}");
    let message = ends(&ask("stats", &["--violation", "parking"]), 65);
    assert!(message.contains("illegal_parking"), "{message}");
    ends(&ask("stats", &["--from", "2026-12-02", "--to", "2026-12-01"]), 2);
    ends(&ask("stats", &["--camera", "gate", "--violation", "loitering"]), 0);
    let clip = |from: &str, to: &str| {
        let out = there.display().to_string();
        ask("clip", &["--camera", "gate", "--from", from, "--to", to, "--out", &out])
    };
    ends(&clip("2026-11-30T08:14", "2026-11-30T08:13"), 2);
    let message = ends(&clip("2026-11-30T08:14", "2026-11-30T08:15"), 65);
    assert!(message.contains("is there already"), "{message}");
    std::fs::remove_file(&there).unwrap();
    let message = ends(&clip("2026-11-30T08:14:00Z", "2026-11-30T08:15:00Z"), 65);
    assert!(message.contains("no footage of camera gate between 2026-11-30 "), "{message}");
    scene.write("there", "kept").unwrap();
    ends(&ask("backup", &[&there.display().to_string()]), 65);
    ends(&ask("restore", &[&scene.path("none.backup").display().to_string()]), 65);
    ends(&ask("rehearse", &["--camera", "yard", "--out", &scene.path("tried").display().to_string()]), 65);
    let message =
        ends(&ask("rehearse", &["--camera", "gate", "--out", &scene.path("tried").display().to_string()]), 65);
    assert!(message.contains("`footage = true`"), "{message}");
}

#[test]
fn a_truncated_clip_ends_with_65_after_what_was_found_is_written() {
    let scene = Scene::new().unwrap();
    let whole = std::fs::read(program::demo_clip().unwrap()).unwrap();
    scene.write("half.mp4", &whole[..whole.len() / 8]).unwrap();
    let camera = CameraEntry::new("gate", "file:half.mp4", QUICK_PARKING).with("analysis_fps = 2.0");
    let site = SiteFile::new().camera(camera).write(scene.dir()).unwrap();
    let out = scene.path("out");
    let args = ["replay".as_ref(), "--config".as_ref(), site.as_os_str(), "--out".as_ref(), out.as_os_str()];
    let message = ends(&run(&scene, &args), 65);
    assert!(message.contains("half.mp4"), "{message}");
}

#[test]
fn a_missing_model_or_runtime_ends_with_69_and_names_the_command() {
    let scene = Scene::new().unwrap();
    let photo = scene.write("photo.jpg", b"").unwrap();
    let empty = scene.path("store");
    std::fs::create_dir_all(&empty).unwrap();
    let detect = |store: &Path| {
        let mut command = scene.program.command();
        command
            .args(["detect", "--model", "nanodet-g-416"])
            .arg(&photo)
            .env("FOREWARN_MODEL_DIR", store)
            .env_remove("ORT_DYLIB_PATH");
        command.output().unwrap()
    };
    let message = ends(&detect(&empty), 69);
    assert!(message.contains("forewarn models fetch"), "{message}");
    // With the runtime there and the weights not.
    let store = program::demo_clip().unwrap().parent().unwrap().to_owned();
    for entry in std::fs::read_dir(&store).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().contains("onnxruntime") {
            std::os::unix::fs::symlink(entry.path(), empty.join(entry.file_name())).unwrap();
        }
    }
    let message = ends(&detect(&empty), 69);
    assert!(message.contains("nanodet-g-416") && message.contains("forewarn models fetch"), "{message}");
}

#[test]
fn no_garbage_in_a_site_file_makes_the_check_panic() {
    let scene = Scene::new().unwrap();
    let good = scene.program.succeed(["config", "example"]).unwrap().replace("password_env = \"GATE_PASSWORD\"", "");
    let path = scene.write("site.toml", &good).unwrap();
    let check = || run(&scene, &[OsStr::new("check"), path.as_os_str()]);
    ends(&check(), 0);
    // Each case is a process, so there are few; the parsers themselves are tried more often elsewhere.
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let bytes = good.into_bytes();
    let change = (0..bytes.len(), 0..8_usize, prop::collection::vec(any::<u8>(), 0..6));
    runner
        .run(&prop::collection::vec(change, 1..4), |changes| {
            let mut text = bytes.clone();
            for (at, n, new) in changes {
                let at = at.min(text.len());
                let end = (at + n).min(text.len());
                text.splice(at..end, new);
            }
            std::fs::write(&path, text).unwrap();
            let output = check();
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            prop_assert!(matches!(output.status.code(), Some(0 | 64)), "{:?} {message}", output.status);
            prop_assert!(!message.contains("panicked"), "{message}");
            Ok(())
        })
        .unwrap();
}

/// An outbox as an agent of the second schema left it.
const OUTBOX: &[u8] = include_bytes!("../../../agent/report/tests/fixtures/outbox-v2.sqlite");

#[test]
fn an_outbox_of_a_newer_agent_is_refused_with_the_reason_and_left_as_it_is() {
    let scene = Scene::new().unwrap();
    let site = SiteFile::new().camera(CameraEntry::new("gate", "file:clip.mp4", QUICK_PARKING));
    let site = site.write(scene.dir()).unwrap();
    let mut newer = OUTBOX.to_vec();
    // Where SQLite keeps `user_version`.
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    let outbox = scene.path("data/outbox.sqlite");
    std::fs::create_dir(scene.path("data")).unwrap();
    std::fs::write(&outbox, &newer).unwrap();
    let feedback =
        ["feedback", "add", "--incident", "gate-illegal_parking-1769839627250-4", "--opinion", "true", "--config"];
    for (args, code) in [(&["run", "--config"][..], 65), (&feedback, 1)] {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).chain([site.as_os_str()]).collect();
        let told = ends(&run(&scene, &args), code);
        assert!(told.contains("has schema 99, this agent knows") && told.contains("forewarn restore"), "{told}");
        assert_eq!(std::fs::read(&outbox).unwrap(), newer, "whoever runs the newer agent again finds it as it was");
    }
}
