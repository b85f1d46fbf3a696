//! Evidence that is held, released and deleted from the command line, beside an agent and without one.

use std::fs::{self, File};
use std::path::Path;

use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{CameraEntry, Scene, SiteFile};

const INCIDENT: &str = "gate-loitering-1795326382378-2";

#[test]
fn a_hold_is_at_once_and_comes_into_the_chain_whoever_writes_it() {
    let scene = Scene::new().unwrap();
    let site = SiteFile::new().camera(CameraEntry::new("gate", "file:clip.mp4", QUICK_PARKING));
    let site = site.write(scene.dir()).unwrap().display().to_string();
    let data = scene.path("data");
    let bare = |command: &str| {
        let args = ["evidence", command, INCIDENT, "--why", "a typing mistake", "--config", &site];
        scene.program.run(args).unwrap().status.code()
    };
    assert_eq!(["hold", "release", "prune"].map(bare), [Some(65); 3]);
    assert!(!data.exists(), "a word about nothing makes nothing");
    fs::create_dir_all(data.join("evidence/2026-11-22").join(INCIDENT)).unwrap();
    let word = |command: &str, incident: &str| {
        let args = ["evidence", command, incident, "--why", "case 12/26", "--who", "clerk", "--config", &site];
        let output = scene.program.run(args).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let verified = || scene.program.succeed([Path::new("evidence"), Path::new("verify"), &data]).unwrap();
    let says = |(code, told): (Option<i32>, String), expected: i32, words: &str| {
        assert!(code == Some(expected) && told.contains(words), "{code:?}: {told}");
    };
    says(word("hold", "gate-loitering-1-1"), 65, "no folder below");
    says(word("prune", "gate-loitering-1-1"), 65, "no folder below");
    says(word("release", INCIDENT), 65, "it is not held");
    says(word("prune", INCIDENT), 1, "it goes on, or was not sealed yet");
    says(word("hold", INCIDENT), 0, "held; the chain of seals says so");
    assert!(verified().contains(&format!("{INCIDENT}: held, so that the device may not delete it")));

    // An agent has the storage directory, which alone may lengthen the chain.
    let agent = File::create(data.join("agent.lock")).unwrap();
    agent.lock().unwrap();
    says(word("release", INCIDENT), 0, "released; the running agent writes it into the chain of seals within a minute");
    says(word("prune", INCIDENT), 1, "another agent uses");
    assert!(verified().contains(": held, so that"), "nobody has noted it");
    drop(agent);
    says(word("hold", INCIDENT), 0, "held; the chain of seals says so");
    says(word("release", INCIDENT), 0, "released; the chain of seals says so");
    let told = verified();
    assert!(told.contains("chain: whole, links 1 to 3") && !told.contains(": held"), "{told}");
    let listed = scene.program.succeed([Path::new("evidence"), Path::new("list"), &data]).unwrap();
    assert_eq!(listed, "", "a folder that holds nothing is no bundle");
}
