//! Pictures and clips for the holder of a key alone.

use std::process::{Command, Stdio};

use super::*;
use crate::tests::sealed::signed_store;

#[test]
fn pictures_and_clips_that_are_sealed_to_a_key_verify_and_only_its_holder_opens_them() {
    let root = tempfile::tempdir().unwrap();
    let made = Command::new("age-keygen").stderr(Stdio::null()).output().expect("age is installed by xtask setup");
    let identity = root.path().join("identity");
    fs::write(&identity, &made.stdout).unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let word = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let store = signed_store(root.path()).sealed_to(Some(word.parse().unwrap()));
    store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let (temp, facts) = clip(store.root(), Moment::Confirmed);
    let film = fs::read(&temp).unwrap();
    let entry = store.add_clip(&confirmed(1), "Parking", "confirmed", &temp, &facts).unwrap();
    let bundle = store.seal(&closed(1), "Parking", T0).unwrap().path;
    let found = verify(&bundle).unwrap();
    assert!(found.is_intact(), "{found}");
    let is_about_files = |gap: &&Missing| gap.what.starts_with("confirmed");
    assert_eq!(found.missing.iter().filter(is_about_files).count(), 0, "{:?}", found.missing);
    let opened = |file: &str| {
        let done = Command::new("age").arg("-d").arg("-i").arg(&identity).arg(bundle.join(file)).output().unwrap();
        assert!(done.status.success(), "{file}: {done:?}");
        done.stdout
    };
    assert_eq!((opened("confirmed.mp4.age"), entry.file.as_str()), (film.clone(), "confirmed.mp4.age"));
    for file in ["confirmed.jpg.age", "confirmed-marked.jpg.age"] {
        assert!(opened(file).starts_with(&[0xFF, 0xD8, 0xFF]), "{file}");
    }
    // Nothing on the disk shows them.
    let mut dirs = vec![root.path().to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                dirs.push(entry);
                continue;
            }
            let bytes = fs::read(&entry).unwrap();
            let shows = bytes.starts_with(&[0xFF, 0xD8, 0xFF]) || bytes == film;
            assert!(!shows, "{}", entry.display());
        }
    }
    // The same again is kept already.
    let again = store.add_snapshot(&confirmed(2), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    assert_eq!(store.add_snapshot(&confirmed(2), Moment::Confirmed, &frame(16, 12), &overlay()).unwrap(), again);
}
