//! Copies of a bundle to give away, from the command line.

use std::path::Path;

use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::small_disk::SmallDisk;
use forewarn_tests::{CameraEntry, Scene, SiteFile, clips, program};
use serde_json::Value;

#[test]
fn a_bundle_is_copied_with_faces_hidden_and_the_copy_is_never_taken_for_evidence() {
    let scene = Scene::new().unwrap();
    clips::cut(&program::demo_clip().unwrap(), 0.0, 4.0, &scene.path("short.mp4")).unwrap();
    let site = SiteFile::new().camera(CameraEntry::new("gate", "file:short.mp4", QUICK_LOITERING));
    let site = site.write(scene.dir()).unwrap();
    let out = scene.path("out");
    scene.program.succeed([Path::new("replay"), Path::new("--config"), &site, Path::new("--out"), &out]).unwrap();
    let found = std::fs::read_to_string(out.join("incidents.jsonl")).unwrap();
    let found: Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
    let bundle = out.join(found["evidence"].as_str().unwrap());

    let export = |to: &Path, more: &[&str]| {
        let args = [Path::new("evidence"), Path::new("export"), &bundle, Path::new("--out"), to];
        let mut command = scene.program.command();
        command.args(args).args(more);
        command
    };
    let run = |to: &Path, more: &[&str]| {
        let output = export(to, more).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let verify = |dir: &Path| {
        let output = scene.program.run([Path::new("evidence"), Path::new("verify"), dir]).unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (plain, hidden) = (scene.path("plain"), scene.path("hidden"));
    assert_eq!(run(&plain, &[]).0, Some(0));
    assert_eq!(verify(&plain), verify(&bundle));

    let site = site.display().to_string();
    let (code, told) = run(&hidden, &["--redact", "faces", "--config", &site]);
    assert!(code == Some(0) && told.contains("faces hidden in "), "{code:?}: {told}");
    let (code, told) = verify(&hidden);
    assert!(code == Some(0) && told.starts_with("redacted copy of gate-loitering-"), "{code:?}: {told}");
    assert!(told.contains("found by model centerface, sha256 ") && told.contains("made by site north, key "), "{told}");
    assert!(!told.contains("intact"), "{told}");
    let page = scene.path("copy.html");
    let report = || {
        // A page that is there is never written over.
        let _ = std::fs::remove_file(&page);
        let args = [Path::new("evidence"), Path::new("report"), &hidden, Path::new("--out"), &page];
        (scene.program.run(args).unwrap().status.code(), std::fs::read_to_string(&page).unwrap())
    };
    let (code, told) = report();
    assert!(code == Some(0) && told.contains("REDACTED COPY, as it was made: not the evidence itself"), "{code:?}");
    assert!(!told.contains("no manifest.json"));
    let clip = std::fs::read_dir(&hidden).unwrap().map(|entry| entry.unwrap().path());
    let clip = clip.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "mp4")).unwrap();
    let original = bundle.join(clip.file_name().unwrap());
    assert_eq!(clips::decode(&clip).unwrap(), clips::decode(&original).unwrap(), "as many frames, in the same time");
    std::fs::write(&clip, std::fs::read(&original).unwrap()).unwrap();
    assert_eq!(verify(&hidden).0, Some(1), "the original's clip is not that of the copy");
    let (code, told) = report();
    assert!(code == Some(1) && told.contains("REDACTED COPY, NOT AS IT WAS MADE"), "{code:?}");

    let other = scene.path("other");
    let again = [Path::new("evidence"), Path::new("export"), &hidden, Path::new("--out"), &other];
    let again = scene.program.run(again).unwrap();
    let told = String::from_utf8_lossy(&again.stderr);
    assert!(again.status.code() == Some(65) && told.contains("it is a redacted copy already"), "{told}");
    assert_eq!(run(&hidden, &["--redact", "faces"]).0, Some(65), "it is there already");
    for on in [bundle.clone(), bundle.join("copy")] {
        let (code, told) = run(&on, &[]);
        assert!(code == Some(65) && told.contains("is a bundle of evidence"), "{code:?}: {told}");
    }
    full_disk_keeps_no_half(&scene, &bundle);
    assert_eq!(run(&other, &["--redact", "everything"]).0, Some(2));
    assert_eq!(run(&other, &["--redact", "faces", "--config", "nowhere.toml"]).0, Some(64));
    let without_models =
        export(&other, &["--redact", "faces"]).env("FOREWARN_MODEL_DIR", scene.dir()).output().unwrap();
    assert_eq!(without_models.status.code(), Some(69), "{}", String::from_utf8_lossy(&without_models.stderr));
    std::fs::write(bundle.join("extra.txt"), "x").unwrap();
    assert_eq!(run(&other, &[]).0, Some(1), "it is not what was sealed");
}

/// A copy that the disk does not take whole is not there at all.
fn full_disk_keeps_no_half(scene: &Scene, bundle: &Path) {
    let folder = scene.path("stick");
    std::fs::create_dir(&folder).unwrap();
    let disk = SmallDisk::mount(&folder, 1).unwrap();
    disk.fill().unwrap();
    let args = [Path::new("evidence"), Path::new("export"), bundle, Path::new("--out")];
    let output = disk.command(&scene.program).args(args).arg(folder.join("copy")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && told.contains("No space left on device"), "{told}");
    assert!(!disk.path().join("copy").exists(), "{told}");
}

#[test]
fn a_replay_seals_to_the_key_of_the_site_and_of_that_no_copy_is_made_that_shows_nothing() {
    let scene = Scene::new().unwrap();
    clips::cut(&program::demo_clip().unwrap(), 0.0, 4.0, &scene.path("short.mp4")).unwrap();
    let site = |key: &str| {
        let mut site = SiteFile::new().camera(CameraEntry::new("gate", "file:short.mp4", QUICK_LOITERING));
        site.tables.push_str(key);
        site.write(scene.dir()).unwrap()
    };
    let replay = |site: &Path, out: &Path| {
        scene.program.succeed([Path::new("replay"), Path::new("--config"), site, Path::new("--out"), out]).unwrap();
        std::fs::read_to_string(out.join("incidents.jsonl")).unwrap()
    };
    let plain = replay(&site(""), &scene.path("plain"));
    let key = "[evidence]\nseal_to = \"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"\n";
    let (site, out) = (site(key), scene.path("sealed"));
    let sealed = replay(&site, &out);
    assert_eq!(sealed, plain, "what is decided is the same");
    let found: Value = serde_json::from_str(sealed.lines().next().unwrap()).unwrap();
    let bundle = out.join(found["evidence"].as_str().unwrap());
    let names = std::fs::read_dir(&bundle).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.collect();
    let ends = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
    assert!(ends(".mp4.age") > 0 && ends(".jpg.age") > 0 && ends(".mp4") + ends(".jpg") == 0, "{names:?}");
    for how in [&["--redact", "faces"][..], &["--preview"]] {
        let args = [Path::new("evidence"), Path::new("export"), &bundle, Path::new("--out")];
        let copy = scene.path("copy");
        let output = scene.program.command().args(args).arg(&copy).args(how).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(65), "{told}");
        assert!(told.contains("sealed to a public key") && told.contains("age -d") && !copy.exists(), "{told}");
    }
}
