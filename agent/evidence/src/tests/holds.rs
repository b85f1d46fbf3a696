//! What is held stays, and what goes is told by the chain.

use forewarn_seal::Custody;

use super::*;
use crate::tests::sealed::{says, signed_store, small, told};
use crate::verify_store::verify_store;

fn by(n: u64) -> Custody {
    Custody { incident: closed(n).id.to_string(), who: "clerk".to_owned(), why: "case 12/26".to_owned(), user: None }
}

fn retain(store: &EvidenceStore) -> Vec<RetentionEvent> {
    let strict = Limits { max_bytes: 0, min_free_bytes: 0, ..Limits::default() };
    let strict = EvidenceStore::new(store.root(), options(strict)).signed_by(store.signing().unwrap().clone());
    let all = |_: &IncidentId| UpstreamState::Acknowledged;
    let outcome = strict.enforce_retention(&|_| Duration::ZERO, &Free(1 << 30), &all, NOW).unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    outcome.events
}

#[test]
fn what_is_held_outlives_retention_and_pruning_until_it_is_released() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    for n in 1..=2 {
        small(&store, n);
    }
    store.hold(by(1), NOW).unwrap();
    let refused = store.prune(&by(1), NOW).unwrap_err();
    assert!(matches!(refused, EvidenceError::Held { .. }), "{refused}");
    let events = retain(&store);
    assert!(matches!(events.last(), Some(RetentionEvent::StillOver { .. })), "{events:?}");
    assert!(store.folder_of(&by(1).incident).is_ok());
    assert!(matches!(store.folder_of(&by(2).incident), Err(EvidenceError::NoBundle { .. })));
    let found = verify_store(store.root(), None).unwrap();
    assert_eq!((told(&store).len(), found.chain.held.as_slice()), (0, &[by(1).incident][..]));
    assert!(found.to_string().contains(": held, so that the device may not delete it"), "{found}");
    assert!(list(store.root()).unwrap()[0].is_held);
    store.note_words(NOW).unwrap();
    let links = || fs::read_to_string(store.root().join("links.jsonl")).unwrap().lines().count();
    assert_eq!(links(), 2, "a hold is one link, however often it is looked at");

    store.release(by(1), NOW).unwrap();
    assert!(store.is_held(&by(1).incident), "until the chain says so");
    retain(&store);
    assert_eq!((store.folders().unwrap().len(), links()), (0, 4));
    assert_eq!(told(&store), [""; 0]);
    let refused = store.release(by(1), NOW).unwrap_err();
    assert!(refused.to_string().contains("it is not held"), "{refused}");
    assert!(matches!(store.hold(by(1), NOW), Err(EvidenceError::NoBundle { .. })));
}

#[test]
fn a_pruned_bundle_leaves_a_tombstone_and_one_that_was_cut_out_does_not() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    for n in 1..=3 {
        small(&store, n);
    }
    store.prune(&by(2), NOW).unwrap();
    assert_eq!(told(&store), [""; 0]);
    let found = verify_store(store.root(), None).unwrap();
    let words = "deleted by the device for clerk at 2026-01-31T06:03:07.250Z, seals 2: case 12/26";
    assert!(found.to_string().contains(words), "{found}");
    assert_eq!(found.to_json()["chain"]["tombstones"].as_array().unwrap().len(), 1);
    fs::remove_dir_all(store.folder_of(&by(1).incident).unwrap()).unwrap();
    says(&store, "link 1 is missing: what was sealed there was taken away, and the device says nothing");

    store.add_snapshot(&confirmed(4), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    assert!(matches!(store.prune(&by(4), NOW), Err(EvidenceError::GoesOn { .. })));
}

#[test]
fn somebody_who_takes_a_hold_away_by_hand_is_found_out() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    small(&store, 1);
    store.hold(by(1), NOW).unwrap();
    store.note_words(NOW).unwrap();
    fs::remove_dir_all(store.root().join("holds")).unwrap();
    retain(&store);
    says(&store, "was deleted though it was held since link 2 and nobody had released it");
}

#[test]
fn a_list_and_a_bundle_are_shown_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let sealed = small(&store, 1);
    store.add_snapshot(&confirmed(2), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    let listed = list(root.path()).unwrap();
    let seals: Vec<_> = listed.iter().map(|one| (one.seal, one.is_sealed, one.is_held)).collect();
    assert_eq!(seals, [(Some(1), true, false), (None, false, false)]);
    assert!(listed[1].to_string().contains("confirmed, unsealed, "), "{}", listed[1]);
    assert_eq!(listed[0].to_json()["began_at"], "2026-01-31T06:03:07.250Z");
    let shown = show(&sealed.path).unwrap();
    for words in
        ["closed, seal 1, ", "Illegal parking: illegal_parking at camera gate", "confirmed.jpg, ", "missing: ended.mp4"]
    {
        assert!(shown.to_string().contains(words), "{words}: {shown}");
    }
    assert_eq!(shown.to_json()["manifest"]["chain"]["number"], 1);
    assert!(matches!(show(root.path()), Err(VerifyError::Unsealed { .. })));
}
