//! Who looked at what stays in the chain, whoever writes it there, and shows when somebody takes it out.

use forewarn_seal::{Custody, Deed};

use super::*;
use crate::tests::sealed::{says, signed_store, small, told};

fn clerk() -> By {
    By { who: Some("clerk".to_owned()), why: Some("case 12/26".to_owned()) }
}

fn around(bundle: &Path) -> Option<EvidenceStore> {
    EvidenceStore::around(bundle, "0.1.0")
}

fn deeds(store: &EvidenceStore) -> Vec<(Option<u64>, &'static str)> {
    audit(store.root()).unwrap().entries.iter().map(|entry| (entry.number, entry.deed)).collect()
}

#[test]
fn what_was_done_with_a_bundle_is_listed_in_its_order_with_who_and_why() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let (first, second) = (small(&store, 1).path, small(&store, 2).path);
    let around = around(&first).unwrap();
    around.leave_access(&first, (Deed::Shown, None), By { who: None, why: None }, NOW).unwrap();
    assert_eq!(deeds(&store), [(None, "shown")], "nobody has noted it yet");
    store.note_words(NOW).unwrap();
    let incident = closed(1).id.to_string();
    let custody = || Custody { incident: incident.clone(), who: "clerk".to_owned(), why: "x".to_owned(), user: None };
    store.hold(custody(), NOW).unwrap();
    store.note_words(NOW).unwrap();
    let later = WallTime::from_micros(NOW.as_micros() + 1);
    store.leave_access(&second, (Deed::Exported, Some("to DIR".to_owned())), clerk(), later).unwrap();
    store.release(custody(), NOW).unwrap();
    store.prune(&custody(), NOW).unwrap_or_else(|error| panic!("{error}"));
    let expected = ["shown", "held", "released", "exported", "deleted"];
    let numbered: Vec<_> = (3..).map(Some).zip(expected).collect();
    assert_eq!(deeds(&store), numbered);
    assert_eq!(told(&store), [""; 0]);
    let log = audit(root.path()).unwrap();
    let words = log.to_string();
    let second = closed(2).id;
    let line = format!("exported {second} to DIR, by clerk, logged in as {}: case 12/26", system_user());
    assert!(words.contains(&line) && words.contains(&format!("shown {incident}, by {}\n", system_user())), "{words}");
    assert_eq!(log.to_json()["entries"][3]["why"], "case 12/26");
    assert_eq!(log.to_json()["whole"], true);
}

#[test]
fn an_entry_that_is_changed_or_taken_out_is_found() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let bundle = small(&store, 1).path;
    for n in 0..3 {
        let at = WallTime::from_micros(NOW.as_micros() + n);
        store.leave_access(&bundle, (Deed::Shown, Some(format!("look {n}"))), clerk(), at).unwrap();
    }
    store.note_words(NOW).unwrap();
    let links = store.root().join("links.jsonl");
    let text = fs::read_to_string(&links).unwrap();
    assert_eq!(told(&store), [""; 0]);
    fs::write(&links, text.replace("look 1", "look 7")).unwrap();
    says(&store, "links.jsonl: line 2 does not bear the signature");
    let log = audit(store.root()).unwrap();
    assert!(log.to_string().contains("NOT WHOLE: links.jsonl: line 2") && log.entries.len() == 2, "{log}");
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("look 1")).collect();
    fs::write(&links, without.join("\n") + "\n").unwrap();
    says(&store, "link 3 is missing");
    assert!(audit(store.root()).unwrap().to_string().contains("NOT WHOLE: link 3 is missing"));
    let cut: Vec<&str> = text.lines().take(2).collect();
    fs::write(&links, cut.join("\n") + "\n").unwrap();
    says(&store, "the end of the chain is cut off: link 4 is missing");
    fs::write(&links, text).unwrap();
    assert_eq!(audit(store.root()).unwrap().problems, [""; 0]);
}

#[test]
fn a_kill_between_two_writes_neither_loses_nor_doubles_an_entry() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let bundle = small(&store, 1).path;
    store.leave_access(&bundle, (Deed::Shown, None), clerk(), NOW).unwrap();
    let file = fs::read_dir(store.root().join("accesses")).unwrap().next().unwrap().unwrap().path();
    let left = fs::read(&file).unwrap();
    store.note_words(NOW).unwrap();
    assert!(!file.exists());
    fs::write(&file, &left).unwrap();
    store.note_words(NOW).unwrap();
    fs::write(&file, &left[..left.len() / 2]).unwrap();
    store.note_words(NOW).unwrap();
    assert!(!file.exists(), "what is spoilt says nothing");
    assert_eq!(deeds(&store), [(Some(2), "shown")]);
}

#[test]
fn a_copy_and_a_bundle_whose_key_is_not_here_are_no_matter_of_the_device() {
    let root = tempfile::tempdir().unwrap();
    let mut store = signed_store(root.path());
    let bundle = small(&store, 1).path;
    assert!(around(&bundle).is_some());
    store.exchange_key(NOW).unwrap();
    assert!(around(&bundle).is_some(), "the key that was introduced last is the device's");
    let copy = root.path().join("copy");
    Original::open(&bundle).unwrap().copy_to(&copy).unwrap();
    assert!(around(&copy).is_none());
    fs::rename(root.path().join("keys"), root.path().join("elsewhere")).unwrap();
    assert!(around(&bundle).is_none());
    assert!(!root.path().join("keys").exists(), "no key is made");
    assert!(matches!(audit(&copy), Err(AuditError::OfBundle { store: None, .. })));
}

#[test]
fn whoever_asks_for_the_log_of_one_bundle_is_told_where_the_log_is() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let bundle = fs::canonicalize(small(&store, 1).path).unwrap();
    let said = |path: &Path| audit(path).unwrap_err().to_string();
    let store = bundle.parent().and_then(Path::parent).unwrap();
    let there = format!(
        "it is one bundle, and the log of all bundles lies beside their folders of days; name {}, and look for {}",
        store.display(),
        closed(1).id
    );
    assert!(said(&bundle).ends_with(&there), "{}", said(&bundle));
    let apart = root.path().join("copy");
    Original::open(&bundle).unwrap().copy_to(&apart).unwrap();
    assert!(said(&apart).ends_with("name the storage directory that it is from"), "{}", said(&apart));
    let empty = tempfile::tempdir().unwrap();
    assert!(said(empty.path()).contains("nothing was ever signed there"), "{}", said(empty.path()));
    assert!(said(&empty.path().join("none")).contains("nothing is there"));
}
