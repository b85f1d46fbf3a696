//! There and back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use forewarn_config::Site;
use forewarn_config::source::Source;
use forewarn_upkeep::backup::{Wanted, make};
use forewarn_upkeep::restore::restore;
use rusqlite::Connection;

use crate::marked::{MARK, Marked, unpacked};

/// A site whose storage and violations lie where those of the marked one do.
fn site(marked: &Marked) -> Site {
    let text =
        "[site]\nid = \"north\"\n[storage]\ndir = \"data\"\n[[camera]]\nid = \"gate\"\nurl = \"file:gate.mp4\"\n";
    let path = marked.path("site.toml");
    let mut site = forewarn_config::resolve(&Source::new(path.display().to_string(), text)).unwrap();
    site.violations_dir = marked.path("violations");
    site
}

fn names(marked: &Marked, wanted: Wanted) -> Vec<String> {
    let out = marked.path("a.backup");
    make(&out, &site(marked), &marked.path("site.toml"), wanted).unwrap();
    let names = unpacked(&out).into_iter().map(|(name, _)| name).collect();
    fs::remove_file(out).unwrap();
    names
}

#[test]
fn keys_secrets_and_evidence_are_in_a_backup_only_where_they_are_asked_for() {
    let marked = Marked::new();
    let has = |names: &[String], part: &str| names.iter().any(|name| name.starts_with(part));
    let usual = names(&marked, Wanted::default());
    for part in
        ["configuration/site.toml", "configuration/violations/own.toml", "storage/outbox.sqlite", "storage/heat/gate/"]
    {
        assert!(has(&usual, part), "{part}: {usual:?}");
    }
    for part in ["storage/keys", "storage/console-accounts", "storage/console-tokens", "secrets/", "storage/evidence"] {
        assert!(!has(&usual, part), "{part}: {usual:?}");
    }
    let all = names(&marked, Wanted { keys: true, secrets: true, evidence: true });
    for part in
        ["storage/keys/device.pem", "storage/console-accounts.json", "secrets/0", "storage/evidence/2026-11-22/"]
    {
        assert!(has(&all, part), "{part}: {all:?}");
    }
}

#[test]
fn a_backup_that_was_made_while_somebody_writes_brings_everything_to_another_box() {
    let marked = Marked::new();
    // The agent has the database open, with a report that lies in its journal alone.
    let writer = Connection::open(marked.path("data/outbox.sqlite")).unwrap();
    writer.execute_batch("INSERT INTO messages VALUES ('latest')").unwrap();
    let out = marked.path("a.backup");
    let all = Wanted { keys: true, secrets: true, evidence: false };
    make(&out, &site(&marked), &marked.path("site.toml"), all).unwrap();

    let other = tempfile::tempdir().unwrap();
    let to = other.path().join("site.toml");
    restore(&out, &to, false).unwrap();
    let same = |name: &str| {
        assert_eq!(fs::read(marked.path(name)).unwrap(), fs::read(other.path().join(name)).unwrap(), "{name}");
    };
    let files =
        ["site.toml", "violations/own.toml", "data/feedback.jsonl", "data/keys/device.pem", "broker.password", "pin"];
    for name in files {
        same(name);
    }
    let outbox = Connection::open(other.path().join("data/outbox.sqlite")).unwrap();
    let n: u32 = outbox.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(n, 2);
    drop(outbox);

    // The box is in use now.
    let refused = restore(&out, &to, false).unwrap_err().to_string();
    assert!(refused.contains("site.toml is there already"), "{refused}");
    fs::write(other.path().join("data/feedback.jsonl"), "other").unwrap();
    let mode = |name: &str| fs::metadata(other.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("violations/own.toml"), mode("pin")), (0o644, 0o600), "a service reads violations");
    fs::set_permissions(&to, fs::Permissions::from_mode(0o640)).unwrap();
    restore(&out, &to, true).unwrap();
    same("data/feedback.jsonl");
    assert_eq!(mode("site.toml"), 0o640, "its group still reads it");
}

#[test]
fn nothing_is_restored_while_an_agent_runs_or_of_a_file_that_was_changed() {
    let marked = Marked::new();
    let out = marked.path("a.backup");
    make(&out, &site(&marked), &marked.path("site.toml"), Wanted::default()).unwrap();
    let agent = forewarn_config::claim(&site(&marked).storage.dir).unwrap();
    let refused = restore(&out, &marked.path("site.toml"), true).unwrap_err().to_string();
    assert!(refused.contains("another agent uses"), "{refused}");
    drop(agent);
    let taken = make(&marked.path("site.toml"), &site(&marked), &marked.path("site.toml"), Wanted::default());
    assert!(taken.unwrap_err().to_string().contains("site.toml is there already"));
    let good = fs::read(&out).unwrap();
    let at = good.windows(6).position(|window| window == MARK.as_bytes()).unwrap();
    let changed = [&good[..at], b"CHANGE", &good[at + 6..]].concat();
    let other = tempfile::tempdir().unwrap();
    for (bytes, told) in
        [(&changed[..], "is not as it was packed"), (&good[..good.len() / 2], "is no backup"), (b"x", "is no backup")]
    {
        fs::write(&out, bytes).unwrap();
        let refused = restore(&out, &other.path().join("site.toml"), false).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "nothing is written");
    }
}
