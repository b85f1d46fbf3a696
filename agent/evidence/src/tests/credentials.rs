//! Content credentials, as readers of others see them: c2pa-python, which stands on the library of the standard's makers, and
//! exiftool.

use std::process::Command;

use serde_json::Value;

use super::*;
use crate::tests::sealed::signed_store;

/// Where `cargo xtask test` puts the readers.
const READERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/readers");
/// Prints what the reader says of a file.
const READ: &str = "import c2pa, sys; print(c2pa.Reader(sys.argv[1]).json())";
/// Boxes of a movie of which only the order matters to those who read its credentials.
const MOVIE: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x10mdat--video-\0\0\0\x08moov";

fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What c2pa-python says of a file.
fn read(file: &Path) -> Value {
    assert!(Path::new(READERS).is_dir(), "the readers are not there; run `cargo xtask test` once, which fetches them");
    let text = printed(Command::new("python3").args(["-c", READ]).arg(file).env("PYTHONPATH", READERS));
    serde_json::from_str(&text).unwrap()
}

/// The codes of what does not hold.
fn failures(said: &Value) -> Vec<&str> {
    let failed = said["validation_results"]["activeManifest"]["failure"].as_array().unwrap();
    failed.iter().filter_map(|one| one["code"].as_str()).collect()
}

/// What is left of a device that nobody vouches for: every hash and signature holds.
const UNKNOWN_DEVICE: [&str; 1] = ["signingCredential.untrusted"];

fn assertion<'a>(said: &'a Value, label: &str) -> &'a Value {
    let manifest = &said["manifests"][said["active_manifest"].as_str().unwrap()];
    let all = manifest["assertions"].as_array().unwrap();
    &all.iter().find(|one| one["label"] == label).unwrap_or_else(|| panic!("no {label} in {all:?}"))["data"]
}

fn credited_store(root: &Path) -> EvidenceStore {
    signed_store(root).with_credentials(true)
}

/// A folder with two pictures and a clip.
fn kept(store: &EvidenceStore) -> PathBuf {
    store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let (temp, facts) = clip(store.root(), Moment::Confirmed);
    fs::write(&temp, MOVIE).unwrap();
    store.add_clip(&confirmed(1), TITLE, "confirmed", &temp, &facts).unwrap();
    store.seal(&closed(1), TITLE, T0).unwrap().path
}

#[test]
fn pictures_and_clips_tell_a_reader_of_others_what_they_are_and_the_seal_is_over_them_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let bundle = kept(&credited_store(root.path()));
    for (name, actions) in [
        ("confirmed.jpg", &["c2pa.created"][..]),
        ("confirmed-marked.jpg", &["c2pa.created", "c2pa.drawing"]),
        ("confirmed.mp4", &["c2pa.created"]),
    ] {
        let said = read(&bundle.join(name));
        assert_eq!((said["validation_state"].as_str(), failures(&said)), (Some("Valid"), UNKNOWN_DEVICE.to_vec()));
        let done = assertion(&said, "c2pa.actions.v2")["actions"].as_array().unwrap();
        assert_eq!(done.iter().filter_map(|one| one["action"].as_str()).collect::<Vec<_>>(), actions);
        assert_eq!(assertion(&said, "io.forewarn.incident")["incident"]["id"], closed(1).id.as_str());
        assert_eq!(assertion(&said, "io.forewarn.device")["site"], "riverside");
    }
    assert!(verify(&bundle).unwrap().problems.is_empty());
    let exif = printed(Command::new("exiftool").args(["-G1", "-a", "-json"]).arg(bundle.join("confirmed.jpg")));
    let exif: Value = serde_json::from_str(&exif).unwrap();
    assert_eq!(exif[0]["JUMBF:JUMDLabel"], "c2pa", "{exif}");
    assert_eq!(exif[0]["File:ImageWidth"], 160);
}

#[test]
fn a_changed_picture_or_clip_contradicts_its_credentials() {
    let root = tempfile::tempdir().unwrap();
    let bundle = kept(&credited_store(root.path()));
    for (name, place, code) in [
        ("confirmed.jpg", "end", "assertion.dataHash.mismatch"),
        ("confirmed.mp4", "video", "assertion.bmffHash.mismatch"),
        ("confirmed.jpg", "illegal_parking", "assertion.hashedURI.mismatch"),
        ("confirmed.mp4", "illegal_parking", "assertion.hashedURI.mismatch"),
        ("confirmed.mp4", "c2pa.created_assertions", "claimSignature.mismatch"),
    ] {
        let path = bundle.join(name);
        let bytes = fs::read(&path).unwrap();
        let mut forged = bytes.clone();
        let at = match place {
            "end" => forged.len() - 20,
            // The claim's own words, behind those of the assertions.
            "c2pa.created_assertions" => find(&bytes, b"instanceID") + 20,
            words => find(&bytes, words.as_bytes()),
        };
        forged[at] ^= 1;
        fs::write(&path, forged).unwrap();
        let said = read(&path);
        assert_eq!(said["validation_state"], "Invalid", "{name} at {place}");
        assert!(failures(&said).contains(&code), "{name} at {place}: {:?}", failures(&said));
        fs::write(&path, bytes).unwrap();
    }
}

fn find(bytes: &[u8], words: &[u8]) -> usize {
    bytes.windows(words.len()).position(|window| window == words).unwrap()
}

#[test]
fn where_the_key_is_away_or_nothing_can_be_added_evidence_is_kept_without_credentials() {
    let root = tempfile::tempdir().unwrap();
    let store = credited_store(root.path());
    let (temp, facts) = clip(store.root(), Moment::Confirmed);
    store.add_clip(&confirmed(1), TITLE, "confirmed", &temp, &facts).unwrap();
    let sealed = store.seal(&closed(1), TITLE, T0).unwrap();
    assert_eq!(fs::read(sealed.path.join("confirmed.mp4")).unwrap(), b"not really a film");
    assert!(verify(&sealed.path).unwrap().problems.is_empty());

    let other = tempfile::tempdir().unwrap();
    let without = kept(&signed_store(other.path()));
    assert_eq!(fs::read(without.join("confirmed.mp4")).unwrap(), MOVIE);
}

#[test]
fn a_certificate_of_ones_own_that_readers_do_not_take_is_made_anew_and_one_of_the_sites_authority_is_not() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("keys/device.pem");
    signed_store(root.path()).make_key().unwrap();
    let made = fs::read_to_string(&path).unwrap();
    let own = fs::read_to_string(root.path().join("keys/authority.pem")).unwrap();
    signed_store(root.path()).make_key().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), made, "it is signed the same each time");
    // Of another site it is of another form.
    let mut elsewhere = Signing { keys: root.path().join("keys"), site: "hill".to_owned(), token: None };
    let renamed = elsewhere.load_or_make().unwrap().certificates;
    assert!(renamed != made && renamed.ends_with(&own));
    let theirs = forewarn_seal::certificate::Authority::of(forewarn_seal::key::DeviceKey::generate().unwrap());
    let signer = elsewhere.load_or_make().unwrap();
    let given = theirs.certify(&signer.key, "city").unwrap() + &theirs.certificate().unwrap();
    fs::write(&path, &given).unwrap();
    elsewhere.site = "riverside".to_owned();
    assert_eq!(elsewhere.load_or_make().unwrap().certificates, given);
}

#[test]
fn verification_says_who_signed_the_credentials_of_each_file_and_which_carry_none() {
    let root = tempfile::tempdir().unwrap();
    let bundle = kept(&credited_store(root.path()));
    let found = verify(&bundle).unwrap();
    let words = "content credentials hold and are signed by the key of the seal: confirmed-marked.jpg, confirmed.jpg, \
                 confirmed.mp4\n";
    assert!(found.is_intact() && found.to_string().contains(words), "{found}");
    let key = found.proof.as_ref().unwrap().key.to_string();
    let told = found.to_json();
    let told = told["content_credentials"].as_array().unwrap();
    assert_eq!(told.len(), 3);
    for one in told {
        assert_eq!((&one["carries"], &one["holds"], &one["by_sealer"]), (&true.into(), &true.into(), &true.into()));
        assert_eq!(one["key"], key.as_str());
    }

    let other = tempfile::tempdir().unwrap();
    let found = verify(&kept(&signed_store(other.path()))).unwrap();
    assert!(found.to_string().contains("content credentials are in none of: confirmed-marked.jpg, confirmed.jpg"));
    assert_eq!(found.to_json()["content_credentials"][0]["carries"], false);
    assert!(found.to_string().contains("signatures of the camera itself are in none of: confirmed.mp4\n"), "{found}");
    assert_eq!(found.to_json()["camera_signatures"][0]["onvif_media_signing"], 0);
    assert!(found.is_intact());
}

#[test]
fn credentials_that_do_not_hold_are_named_also_where_the_seal_is_over_the_changed_file() {
    let root = tempfile::tempdir().unwrap();
    let store = credited_store(root.path());
    let bundle = kept(&store);
    for name in ["confirmed.jpg", "confirmed.mp4"] {
        let path = bundle.join(name);
        let bytes = fs::read(&path).unwrap();
        let mut forged = bytes.clone();
        forged[find(&bytes, b"illegal_parking")] ^= 1;
        fs::write(&path, forged).unwrap();
        let told: Vec<String> = verify(&bundle).unwrap().problems.iter().map(ToString::to_string).collect();
        let why = "its content credentials do not hold: what they say was changed after it was signed";
        assert!(told.len() == 2 && told[0].starts_with(&format!("{name}: changed: ")), "{told:?}");
        assert_eq!(told[1], format!("{name}: {why}"));
        fs::write(&path, bytes).unwrap();
    }

    // Somebody was quicker than the seal.
    store.add_snapshot(&confirmed(2), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let picture = store.bundle_path(&confirmed(2)).unwrap().join("confirmed.jpg");
    let mut forged = fs::read(&picture).unwrap();
    let at = forged.len() - 20;
    forged[at] ^= 1;
    fs::write(&picture, forged).unwrap();
    let found = verify(&store.seal(&closed(2), TITLE, T0).unwrap().path).unwrap();
    let told: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["confirmed.jpg: its content credentials do not hold: they are of another file, or the file was \
        changed since"]
    );
}

#[test]
fn credentials_by_a_key_that_sealed_nothing_there_are_told_apart() {
    let root = tempfile::tempdir().unwrap();
    let of = |keys: &str| {
        let signing = Signing { keys: root.path().join(keys), site: "riverside".to_owned(), token: None };
        let limits = Limits { min_free_bytes: 0, ..Limits::default() };
        EvidenceStore::new(root.path().join("evidence"), options(limits)).signed_by(signing).with_credentials(true)
    };
    of("keys").prepare().unwrap();
    of("keys").add_snapshot(&confirmed(1), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let found = verify(&of("other").seal(&closed(1), TITLE, T0).unwrap().path).unwrap();
    let said = found.to_string();
    assert!(said.contains("content credentials hold, but are signed by another key, "), "{said}");
    assert_eq!(found.to_json()["content_credentials"][0]["by_sealer"], false);
}
