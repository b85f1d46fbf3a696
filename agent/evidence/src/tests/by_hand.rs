//! The commands of `docs/verify-by-hand.md`, as they stand there, tell a true bundle from a forged one.

use std::process::Command;

use super::*;
use crate::tests::sealed::{signed_store, small};
use crate::tests::stamps::stamp_all;
use forewarn_seal::time_stamp::authority::{Authority, KEYS};

const PAGE: &str = include_str!("../../../../docs/verify-by-hand.md");

/// The commands of each step, in their order.
fn steps() -> Vec<&'static str> {
    PAGE.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Runs the first `n` steps in a bundle; what they printed, or that they failed.
fn run(n: usize, bundle: &Path, authority: &Path, before: &Path, tsa_ca: &Path) -> Result<String, String> {
    let script = format!("set -eo pipefail\n{}", steps()[..n].concat());
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).current_dir(bundle).env("AUTHORITY", authority).env("BEFORE", before);
    command.env("TSA_CA", tsa_ca);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stdout) + &text(&output.stderr)) }
}

#[test]
fn the_steps_hold_for_a_true_bundle_and_fail_for_a_forged_one() {
    let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = signed_store(root.path());
    let (first, second) = (small(&store, 1), small(&store, 2));
    let stamper = Authority::new(KEYS[0]).unwrap();
    stamp_all(&store, &stamper, 2);
    let authority = root.path().join("keys/authority.pem");
    let before = first.path.join("manifest.json");
    let run = |n: usize, bundle: &Path| self::run(n, bundle, &authority, &before, &stamper.ca());
    let all = steps().len();
    assert_eq!(all, 9);
    let said = run(all, &second.path).unwrap();
    for words in [
        "confirmed.jpg: OK",
        "Signature Verified Successfully",
        "signer.pem: OK",
        "Verification: OK",
        "Time stamp: ",
        "clock synchronised: nothing is said",
        second.manifest_sha256.as_str(),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(said.contains(&second.seal.as_ref().unwrap().key), "{said}");

    self::run(all, &second.path, &authority, &second.path.join("manifest.json"), &stamper.ca()).unwrap_err();
    // A time stamp of another file, and an authority for which somebody else vouches.
    let stranger = Authority::new(KEYS[0]).unwrap();
    self::run(all, &second.path, &authority, &before, &stranger.ca()).unwrap_err();
    let stamp = fs::read(second.path.join("manifest-2.tsr")).unwrap();
    fs::copy(first.path.join("manifest-1.tsr"), second.path.join("manifest-2.tsr")).unwrap();
    assert!(run(all, &second.path).unwrap_err().contains("message imprint mismatch"));
    fs::write(second.path.join("manifest-2.tsr"), stamp).unwrap();
    let theirs = small(&signed_store(other.path()), 1).path;
    run(4, &theirs).unwrap();
    run(5, &theirs).unwrap_err();
    fs::write(second.path.join(".added"), "x").unwrap();
    run(1, &second.path).unwrap();
    run(2, &second.path).unwrap_err();
    fs::remove_file(second.path.join(".added")).unwrap();
    let picture = fs::read(second.path.join("confirmed.jpg")).unwrap();
    fs::write(second.path.join("confirmed.jpg"), b"forged").unwrap();
    assert!(run(1, &second.path).unwrap_err().contains("confirmed.jpg: FAILED"));
    crate::tests::sealed::rehash(&second.path);
    run(2, &second.path).unwrap();
    assert!(run(3, &second.path).unwrap_err().contains("Signature Verification Failure"));
    fs::write(second.path.join("confirmed.jpg"), picture).unwrap();
}
