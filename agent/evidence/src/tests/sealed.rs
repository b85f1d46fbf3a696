//! Signed seals: who sealed, what was sealed before and after, and every way to tamper with either told in its own words.

use std::os::unix::fs::PermissionsExt as _;

use forewarn_domain::{IncidentState, Seal};

use super::*;
use crate::testing::escalated;
use crate::verify::verify_for;
use crate::verify_store::verify_store;

fn signing(root: &Path) -> Signing {
    Signing { keys: root.join("keys"), site: "riverside".to_owned(), token: None }
}

pub(super) fn signed_store(root: &Path) -> EvidenceStore {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let store = EvidenceStore::new(root.join("evidence"), options(limits)).signed_by(signing(root));
    store.prepare().unwrap();
    store
}

/// A closed incident with one small picture under a seal.
pub(super) fn small(store: &EvidenceStore, n: u64) -> SealedBundle {
    store.add_snapshot(&confirmed(n), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    store.seal(&closed(n), TITLE, T0).unwrap()
}

#[test]
fn a_folder_that_is_taken_away_begins_no_second_chain_and_the_first_goes_on_when_it_is_back() {
    let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let running = signed_store(root.path());
    let first = small(&running, 1).seal.unwrap();
    let evidence = root.path().join("evidence");
    let refused = |store: &EvidenceStore| {
        store.prepare().unwrap();
        store.add_snapshot(&confirmed(2), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
        let error = store.seal(&closed(2), TITLE, T0).unwrap_err();
        assert!(error.may_be_sealed_later() && !evidence.join("chain.json").exists());
        assert!(error.to_string().contains("link 1 was the last that was made, and the chain in "), "{error}");
        assert!(error.to_string().contains(" is gone: the folder was unmounted, moved"), "{error}");
    };
    fs::rename(&evidence, elsewhere.path().join("evidence")).unwrap();
    fs::remove_dir_all(root.path().join("keys")).unwrap();
    refused(&running);
    let mode = fs::metadata(root.path().join("keys/device.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the key that is in use is there for the next start");
    drop(running);
    let restarted = signed_store(root.path());
    refused(&restarted);
    fs::remove_dir_all(&evidence).unwrap();
    fs::rename(elsewhere.path().join("evidence"), &evidence).unwrap();
    let second = small(&restarted, 2).seal.unwrap();
    assert_eq!((second.number, second.previous, second.key), (2, Some(first.manifest_sha256), first.key));
    assert_eq!(told(&restarted), [""; 0]);

    // Lost for good, as whoever removes the mark says.
    fs::remove_dir_all(&evidence).unwrap();
    fs::remove_file(root.path().join("keys/chain-end.json")).unwrap();
    assert_eq!(small(&signed_store(root.path()), 3).seal.unwrap().number, 1);
}

#[test]
fn a_folder_that_is_put_back_to_an_earlier_day_is_not_sealed_in() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    small(&store, 1);
    let head = store.root().join("chain.json");
    let earlier = fs::read(&head).unwrap();
    small(&store, 2);
    let latest = fs::read(&head).unwrap();
    fs::write(&head, earlier).unwrap();
    for store in [store, signed_store(root.path())] {
        let said = store.check_chain().unwrap_err().to_string();
        assert!(said.contains("link 2 was the last that was made, and the chain in "), "{said}");
        assert!(said.contains(" ends with link 1: "), "{said}");
    }
    fs::write(&head, latest).unwrap();
    assert_eq!(small(&signed_store(root.path()), 3).seal.unwrap().number, 3);
}

#[test]
fn the_setting_of_the_beginning_stays_and_is_under_the_seal() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let violation: serde_json::Value = serde_json::json!({ "id": "illegal_parking", "title": { "en": TITLE },
        "subject": ["car"], "condition": { "dwell": { "for_s": 60.0, "by": "foot" } } });
    let setting = |site: &str| -> Setting {
        serde_json::from_value(serde_json::json!({
            "schema": Setting::SCHEMA, "agent_version": "0.1.0", "site": site, "time_zone": "Asia/Shanghai", "language": "zh",
            "place": { "cell": "C-07" }, "zone": null, "analysis_interval_s": 0.2, "violation": violation,
            "models": [{ "what": "detector", "card": "nanodet-g-416", "sha256": "00ff" }],
        }))
        .unwrap()
    };
    store.add_setting(&confirmed(1), TITLE, &setting("riverside")).unwrap();
    store.add_setting(&confirmed(1), TITLE, &setting("elsewhere")).unwrap();
    let bundle = small(&store, 1).path;
    store.add_setting(&closed(1), TITLE, &setting("late")).unwrap();
    assert_eq!(Setting::read(&bundle).unwrap().unwrap(), setting("riverside"));
    assert_eq!(told(&store), [""; 0]);
    let text = fs::read_to_string(bundle.join("setting.json")).unwrap();
    fs::write(bundle.join("setting.json"), text.replace("C-07", "C-08")).unwrap();
    says(&store, "setting.json: changed: ");
    fs::remove_file(bundle.join("setting.json")).unwrap();
    says(&store, "setting.json: gone");
}

/// What does not hold, in words.
pub(super) fn told(store: &EvidenceStore) -> Vec<String> {
    let found = verify_store(store.root(), None).unwrap();
    let of_bundles = found.bundles.iter().flat_map(|checked| match &checked.found {
        Ok(found) => found.problems.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    });
    let of_chain = found.chain.problems.iter().map(ToString::to_string);
    let told: Vec<String> = of_bundles.chain(of_chain).chain(found.problems.iter().cloned()).collect();
    assert_eq!(told.is_empty(), found.is_intact(), "{told:?}");
    told
}

pub(super) fn says(store: &EvidenceStore, words: &str) {
    let told = told(store);
    assert!(told.iter().any(|line| line.contains(words)), "\"{words}\" is not told: {told:#?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

/// Writes the manifest of a bundle anew, with the hashes of what is there.
pub(super) fn rehash(bundle: &Path) {
    let path = bundle.join("manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for entry in manifest["files"].as_array_mut().unwrap() {
        let digest = forewarn_base::hash::digest_of_file(&bundle.join(entry["file"].as_str().unwrap())).unwrap();
        (entry["bytes"], entry["sha256"]) = (digest.bytes.into(), digest.sha256.into());
    }
    fs::write(path, forewarn_seal::canonical(&manifest).unwrap()).unwrap();
}

#[test]
fn an_incident_is_sealed_at_its_escalation_and_each_seal_takes_the_place_of_the_one_before() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    let first = store.seal(&escalated(1), TITLE, T0).unwrap();
    let verification = verify(&first.path).unwrap();
    assert!(verification.is_intact(), "{verification}");
    let proof = verification.proof.unwrap();
    assert_eq!((proof.number, proof.state, proof.is_final), (1, Some(IncidentState::Escalated), false));
    assert_eq!(store.seal(&escalated(1), TITLE, T0).unwrap(), first, "nothing changed, so nothing is sealed anew");
    assert!(verification.missing.iter().all(|gap| gap.why.contains("went on")), "{:?}", verification.missing);

    store.add_snapshot(&escalated(1), Moment::Ended, &frame(16, 8), &overlay()).unwrap();
    assert!(store.unsealed().unwrap()[0].is_to_be_sealed_again);
    let second = store.seal(&escalated(1), TITLE, T0).unwrap();
    let third = store.seal(&closed(1), TITLE, T0).unwrap();
    let Seal { number, previous, supersedes, is_final, bundle, .. } = third.seal.clone().unwrap();
    assert_eq!((number, supersedes, is_final), (3, Some(2), true));
    assert_eq!(previous.unwrap(), second.manifest_sha256);
    assert_eq!(store.root().join(bundle), third.path);
    for name in ["manifest-1.json", "manifest-1.sig", "manifest-2.json", "manifest-2.sig", "signer.pem"] {
        assert!(third.path.join(name).exists(), "{name}");
    }
    let late = store.add_snapshot(&closed(1), Moment::AfterWarning, &frame(16, 8), &overlay()).unwrap_err();
    assert!(matches!(late, EvidenceError::Sealed { .. }), "{late}");
    small(&store, 2);
    assert_eq!(told(&store), [""; 0]);
    assert_eq!(verify_store(root.path(), None).unwrap().chain.span, Some((1, 4)), "the storage directory will do");
    let mode = |name: &str| fs::metadata(root.path().join("keys").join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("device.key"), mode("authority.key"), mode("")), (0o600, 0o600, 0o700));
}

#[test]
fn every_byte_of_a_seal_and_of_those_before_that_is_altered_is_found() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    store.seal(&escalated(1), TITLE, T0).unwrap();
    let bundle = store.seal(&closed(1), TITLE, T0).unwrap().path;
    let mut n_altered = 0;
    for name in names(&bundle) {
        let path = bundle.join(&name);
        let bytes = fs::read(&path).unwrap();
        // What is under the seal by its hash alone is tried with the other ways to tamper.
        let step = match name.as_str() {
            "manifest.json" | "manifest.sig" => 1,
            name if name.starts_with("manifest") => 7,
            _ => continue,
        };
        for at in (0..bytes.len()).step_by(step) {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << (at % 8);
            for content in [&altered[..], &bytes[..at]].iter().take(1 + usize::from(at % 5 == 0)) {
                fs::write(&path, content).unwrap();
                let is_found = verify(&bundle).is_ok_and(|found| found.is_intact());
                assert!(!is_found, "{name}, byte {at}: not found");
                n_altered += 1;
            }
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(n_altered > 1000, "{n_altered}");
    assert!(verify(&bundle).unwrap().is_intact());
}

#[test]
fn a_forged_bundle_is_told_whoever_signs_it() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let bundle = small(&store, 1).path;
    small(&store, 2);
    let forged = root.path().join("forged");
    copy(&bundle, &forged);
    fs::copy(forged.join("confirmed-marked.jpg"), forged.join("confirmed.jpg")).unwrap();
    rehash(&forged);
    let words = verify(&forged).unwrap().to_string();
    assert!(words.contains("NOT INTACT") && words.contains("no signature of this manifest.json by the key"), "{words}");
    fs::remove_file(forged.join("manifest.sig")).unwrap();
    assert!(verify(&forged).unwrap().to_string().contains("manifest.sig: gone: "));

    // Another device makes a bundle of the same incident, as whole as any.
    let other = tempfile::tempdir().unwrap();
    let theirs = small(&signed_store(other.path()), 1).path;
    let lone = verify(&theirs).unwrap();
    assert!(lone.is_intact() && lone.to_string().contains("its own word: compare it"), "{lone}");
    let ours = Trusted::read(&[root.path().join("keys/authority.pem")], &[]).unwrap();
    let judged = verify_for(&theirs, Some(&ours)).unwrap();
    assert!(judged.to_string().contains("a key for which nobody vouches whom you trust"), "{judged}");
    assert!(verify_for(&bundle, Some(&ours)).unwrap().to_string().contains("somebody whom you trust vouches for it"));
    copy(&theirs, &bundle);
    says(&store, "signed by another key");
    says(&store, "does not follow upon the link 1");

    let plain = tempfile::tempdir().unwrap();
    let unsigned = small(&self::store(plain.path()), 1).path;
    assert!(verify(&unsigned).unwrap().to_string().contains("unsigned: sealed by a replay, or before"));
    assert!(verify_for(&unsigned, Some(&ours)).unwrap().to_string().contains("unsigned, so that nobody"));
}

#[test]
fn a_bundle_that_is_taken_away_moved_or_doubled_is_told() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let bundles: Vec<PathBuf> = (1..=4).map(|n| small(&store, n).path).collect();
    assert_eq!(told(&store), [""; 0]);
    let aside = root.path().join("aside");
    fs::rename(&bundles[1], &aside).unwrap();
    says(&store, "link 2 is missing: what was sealed there was taken away");
    fs::rename(&aside, &bundles[1]).unwrap();

    fs::rename(&bundles[3], &aside).unwrap();
    says(&store, "the end of the chain is cut off: link 4 is missing, the chain's head is 4");
    fs::rename(&aside, &bundles[3]).unwrap();

    copy(&bundles[2], &bundles[2].with_file_name("copy"));
    says(&store, "link 3 is there twice: ");
    says(&store, "holds the evidence of another incident");
    fs::remove_dir_all(bundles[2].with_file_name("copy")).unwrap();

    // Their seals exchanged: neither fits what it lies beside.
    for name in ["manifest.json", "manifest.sig"] {
        fs::rename(bundles[0].join(name), &aside).unwrap();
        fs::rename(bundles[1].join(name), bundles[0].join(name)).unwrap();
        fs::rename(&aside, bundles[1].join(name)).unwrap();
    }
    says(&store, "incident.json: changed: ");
    says(&store, "holds the evidence of another incident");
    for name in ["manifest.json", "manifest.sig"] {
        fs::rename(bundles[0].join(name), &aside).unwrap();
        fs::rename(bundles[1].join(name), bundles[0].join(name)).unwrap();
        fs::rename(&aside, bundles[1].join(name)).unwrap();
    }
    let head = fs::read_to_string(store.root().join("chain.json")).unwrap();
    fs::write(store.root().join("chain.json"), head.replacen("\"number\":4", "\"number\":3", 1)).unwrap();
    says(&store, "chain.json: altered: its number and hash are not those of its link");
    fs::write(store.root().join("chain.json"), head).unwrap();
    assert_eq!(told(&store), [""; 0]);
}

#[test]
fn a_kill_anywhere_between_two_writes_neither_forks_the_chain_nor_leaves_a_gap() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    small(&store, 1);
    let bundle = small(&store, 2);
    // Killed after the head was written, and before each of the two files of the seal was.
    for lost in [&["manifest.json", "manifest.sig"][..], &["manifest.json"]] {
        for name in lost {
            fs::remove_file(bundle.path.join(name)).unwrap();
        }
        says(&store, "the agent was stopped while it sealed");
        let store = signed_store(root.path());
        assert_eq!(told(&store), [""; 0]);
        assert_eq!(store.seal(&closed(2), TITLE, T0).unwrap(), bundle);
    }
    // Killed while a seal was put aside, between its two renames.
    store.add_snapshot(&confirmed(3), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    let dir = store.seal(&escalated(3), TITLE, T0).unwrap().path;
    fs::rename(dir.join("manifest.json"), dir.join("manifest-3.json")).unwrap();
    let store = signed_store(root.path());
    assert!(store.unsealed().unwrap()[0].is_to_be_sealed_again);
    store.seal(&closed(3), TITLE, T0).unwrap();
    assert!(dir.join("manifest-3.sig").exists());
    assert_eq!(told(&store), [""; 0]);
    // Somebody removes or spoils the head: the chain goes on from what is there.
    for content in [None, Some("{")] {
        let head = store.root().join("chain.json");
        fs::remove_file(&head).unwrap();
        if let Some(content) = content {
            fs::write(&head, content).unwrap();
        }
        let store = signed_store(root.path());
        assert_eq!(told(&store), [""; 0]);
    }
    assert_eq!(small(&store, 4).seal.unwrap().number, 5);
    assert_eq!(told(&store), [""; 0]);
}

#[test]
fn what_the_device_deletes_stays_in_the_chain() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    for n in 1..=3 {
        small(&store, n);
    }
    let limits = Limits { max_bytes: 0, min_free_bytes: 0, ..Limits::default() };
    let strict = EvidenceStore::new(store.root(), options(limits)).signed_by(signing(root.path()));
    let acknowledged = |id: &IncidentId| {
        if *id == closed(2).id { UpstreamState::Acknowledged } else { UpstreamState::Pending }
    };
    strict.enforce_retention(&|_| Duration::ZERO, &Free(1 << 30), &acknowledged, NOW).unwrap();
    assert!(!store.bundle_path(&closed(2)).unwrap().exists());
    let chain = verify_store(store.root(), None).unwrap().chain;
    assert_eq!((chain.span, chain.removed, told(&store).len()), (Some((1, 4)), 1, 0));
    let links = store.root().join("links.jsonl");
    let text = fs::read_to_string(&links).unwrap();
    assert!(text.contains("\"why\":\"quota\"") && text.contains(closed(2).id.as_str()), "{text}");
    // Killed while the line was written.
    fs::write(&links, &text[..text.len() / 2]).unwrap();
    says(&store, "links.jsonl: line 1 does not bear the signature");
    let store = signed_store(root.path());
    assert_eq!((told(&store).len(), fs::read_to_string(&links).unwrap()), (0, text.clone()));
    fs::write(&links, text.replace("\"quota\"", "\"other\"")).unwrap();
    says(&store, "link 2 is missing");
}

#[test]
fn a_new_key_is_introduced_by_the_one_before_and_old_bundles_hold() {
    let root = tempfile::tempdir().unwrap();
    let mut store = signed_store(root.path());
    let old = small(&store, 1);
    store.exchange_key(NOW).unwrap();
    let new = small(&store, 2);
    let key = |bundle: &SealedBundle| bundle.seal.clone().unwrap().key;
    assert_ne!(key(&old), key(&new));
    assert_eq!(told(&store), [""; 0]);
    assert_eq!(verify_store(store.root(), None).unwrap().chain.keys.len(), 2);
    let authority = Trusted::read(&[root.path().join("keys/authority.pem")], &[]).unwrap();
    for bundle in [&old, &new] {
        assert!(verify_for(&bundle.path, Some(&authority)).unwrap().is_intact());
    }
    // A new key that the one before says nothing of.
    for name in ["device.key", "device.pem"] {
        fs::remove_file(root.path().join("keys").join(name)).unwrap();
    }
    small(&signed_store(root.path()), 3);
    says(&store, "which never handed over to it");
    // A spoilt key keeps the evidence, unsealed.
    fs::write(root.path().join("keys/device.key"), "spoilt").unwrap();
    let store = signed_store(root.path());
    store.add_snapshot(&confirmed(4), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    let refused = store.seal(&closed(4), TITLE, T0).unwrap_err().to_string();
    assert!(refused.contains("device.key") && refused.contains("bring it back"), "{refused}");
    assert_eq!(store.unsealed().unwrap().len(), 1);
}

#[test]
fn bundles_from_before_the_key_hold_as_what_they_are_and_later_ones_without_a_signature_do_not() {
    let root = tempfile::tempdir().unwrap();
    let plain = EvidenceStore::open(root.path().join("evidence"), options(Limits::default())).unwrap();
    let before = small(&plain, 1).path;
    let store = signed_store(root.path());
    let later = Timestamp::from_micros(T0.as_micros() + 60_000_000);
    store.add_snapshot(&confirmed(2), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    store.seal(&closed(2), TITLE, later).unwrap();
    assert_eq!(told(&store), [""; 0]);
    assert!(verify(&before).unwrap().proof.is_none());
    plain.add_snapshot(&confirmed(3), Moment::Confirmed, &frame(16, 8), &overlay()).unwrap();
    plain.seal(&closed(3), TITLE, Timestamp::from_micros(later.as_micros() + 1_000_000)).unwrap();
    says(&store, "unsigned, though the device had a key when it was sealed");
}
