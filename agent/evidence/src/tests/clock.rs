//! What a seal says of the clock.

use super::*;
use crate::tests::sealed::{says, signed_store, small};

#[test]
fn a_seal_says_how_far_the_clock_could_be_believed_and_is_not_made_anew_for_it() {
    let root = tempfile::tempdir().unwrap();
    let state = |synchronised, last_step| ClockState { synchronised, last_step };
    let set = ClockStep::new(NOW, -90_500_000);
    let dated = |clock: ClockState| signed_store(root.path()).dated_by(ClockTeller::new(move || clock.clone()));
    let words = |bundle: &SealedBundle| verify(&bundle.path).unwrap().to_string();
    let first = small(&dated(state(Synchronised::Yes, None)), 1);
    let told = "sealed at 2026-01-31T06:03:07.250Z by the box's clock: synchronised; the agent knows of no time";
    assert!(words(&first).contains(told), "{}", words(&first));
    let store = dated(state(Synchronised::No, Some(set.clone())));
    assert_eq!(store.seal(&closed(1), TITLE, T0).unwrap(), first);
    let second = words(&small(&store, 2));
    assert!(second.contains("NOT synchronised") && second.contains("set back by 90.500 s, at 2026-01-31"), "{second}");
    let third = small(&dated(state(Synchronised::Unknown, Some(set))), 3);
    assert!(words(&third).contains("whether synchronised nobody could tell"), "{}", words(&third));
    let told = verify(&third.path).unwrap().to_json();
    assert_eq!(told["clock"]["last_step"]["by_s"], -90.5, "{told}");
    let silent = small(&signed_store(root.path()), 4);
    assert!(words(&silent).contains("nothing is said of it"));
    // It is under the signature.
    let path = store.bundle_path(&closed(2)).unwrap().join("manifest.json");
    let manifest = fs::read_to_string(&path).unwrap().replace("\"synchronised\":\"no\"", "\"synchronised\":\"yes\"");
    fs::write(&path, manifest).unwrap();
    says(&store, "no signature of this manifest.json by the key");
}
