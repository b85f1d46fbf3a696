//! What is taken and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use forewarn_update::manifest::Part;
use forewarn_update::state::{MOST_STARTS, State};

use crate::support::{Gateway, Maker, all_of, manifest_of, memory};

#[test]
fn what_somebody_else_signed_or_changed_is_refused_and_leaves_nothing() {
    let (maker, other) = (Maker::new(), Maker::new());
    let root = memory();
    let gateway = Gateway::new(root.path(), maker.key.public());
    let good = maker.bundle("0.2.0", &all_of("0.2.0"));
    let changed = |from: &str, to: &str| {
        let (from, to) = (from.as_bytes(), to.as_bytes());
        let at = good.windows(from.len()).position(|window| window == from).unwrap();
        [&good[..at], to, &good[at + from.len()..]].concat()
    };
    let mut older = manifest_of("0.1.0", &all_of("0.1.0"));
    older.follows = "0.0.1".parse().unwrap();
    let mut elsewhere = manifest_of("0.2.0", &all_of("0.2.0"));
    elsewhere.arch = Some("aarch64".to_owned());
    for (bundle, told) in [
        (other.bundle("0.2.0", &all_of("0.2.0")), "not signed by the key of this site"),
        (changed("weights 0.2.0", "weights 0.2.x"), "models/new.onnx is not what was signed"),
        (changed("\"version\":\"0.2.0\"", "\"version\":\"9.2.0\""), "not signed by the key"),
        (maker.sign(&older, &all_of("0.1.0")), "version 0.1.0, and 0.1.0 is in force"),
        (maker.sign(&elsewhere, &all_of("0.2.0")), "is for aarch64, and this box is x86_64"),
        (good[..good.len() / 2].to_vec(), "is no update that can be taken"),
        (b"nothing".to_vec(), "is no update that can be taken"),
        (Vec::new(), "empty or ends too early"),
    ] {
        let refused = gateway.take(&bundle).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
        assert_eq!(gateway.folder.begin().unwrap(), [""; 0]);
        assert_eq!((gateway.program().unwrap(), gateway.placed().unwrap()), ("program 0.1.0".into(), "0.1.0".into()));
    }
    gateway.take(&good).unwrap();
}

#[test]
fn an_update_is_placed_with_the_rights_of_what_it_replaces_and_undone_after_starts_that_were_never_well() {
    let maker = Maker::new();
    let root = memory();
    let gateway = Gateway::new(root.path(), maker.key.public());
    let site = root.path().join("site.toml");
    fs::set_permissions(&site, fs::Permissions::from_mode(0o640)).unwrap();
    gateway.take(&maker.bundle("0.2.0", &all_of("0.2.0"))).unwrap();
    for _ in 0..MOST_STARTS {
        gateway.folder.begin().unwrap();
        assert_eq!((gateway.program().unwrap(), gateway.placed().unwrap()), ("program 0.2.0".into(), "0.2.0".into()));
    }
    assert_eq!(fs::metadata(&site).unwrap().permissions().mode() & 0o777, 0o640);
    let told = gateway.folder.begin().unwrap();
    assert!(told[0].contains("0.2.0 is undone: it was started 3 times"), "{told:?}");
    assert_eq!((gateway.program().unwrap(), gateway.placed().unwrap()), ("program 0.1.0".into(), "0.1.0".into()));
    assert_eq!(fs::metadata(&site).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_somebody_changes_by_hand_after_an_update_survives_the_way_back() {
    let maker = Maker::new();
    let root = memory();
    let gateway = Gateway::new(root.path(), maker.key.public());
    gateway.take(&maker.bundle("0.2.0", &all_of("0.2.0"))).unwrap();
    gateway.folder.begin().unwrap();
    gateway.folder.decide(State::confirm).unwrap();
    fs::write(root.path().join("site.toml"), "site by hand").unwrap();
    gateway.folder.decide(|state| state.give_up("by hand", false)).unwrap();
    let told = gateway.folder.begin().unwrap();
    assert!(told[0].contains("site.toml was changed since the update"), "{told:?}");
    assert_eq!(gateway.text("site.toml").unwrap(), "site by hand");
    assert_eq!((gateway.text("models/new.onnx"), gateway.text("violations/smoking.toml")), (None, None));
}

#[test]
fn an_update_without_a_program_goes_on_with_the_one_that_is_in_force() {
    let maker = Maker::new();
    let root = memory();
    let gateway = Gateway::new(root.path(), maker.key.public());
    let rules = |text: &str| vec![(Part::Violations, "smoking.toml", text.to_owned())];
    for (version, files) in [
        ("0.2.0", all_of("0.2.0")),
        ("0.2.0.1", rules("stricter")),
        ("0.2.0.2", rules("milder")),
        ("0.2.0.3", rules("x")),
    ] {
        gateway.take(&maker.bundle(version, &files)).unwrap();
        gateway.folder.begin().unwrap();
        gateway.folder.decide(State::confirm).unwrap();
        assert_eq!(gateway.program().unwrap(), "program 0.2.0", "{version}");
    }
    assert_eq!(gateway.text("violations/smoking.toml").unwrap(), "x");
}

#[test]
fn a_program_that_rots_on_the_disk_is_not_run() {
    let maker = Maker::new();
    let root = memory();
    let gateway = Gateway::new(root.path(), maker.key.public());
    gateway.take(&maker.bundle("0.2.0", &all_of("0.2.0"))).unwrap();
    gateway.folder.begin().unwrap();
    gateway.folder.decide(State::confirm).unwrap();
    fs::write(root.path().join("update/a/forewarn"), "program 0.2.O").unwrap();
    assert!(gateway.program().unwrap_err().to_string().contains("is not the expected file"));
}

#[test]
fn where_there_is_no_folder_of_updates_nothing_is_taken_back_and_none_is_made() {
    let maker = Maker::new();
    let root = memory();
    let gateway = Gateway::new(root.path(), maker.key.public());
    assert!(gateway.folder.decide(State::withdraw).is_err());
    assert!(gateway.folder.decide(|state| state.give_up("by hand", false)).is_err());
    assert!(gateway.folder.decide(State::confirm).is_err());
    assert!(!root.path().join("update").exists());
}
