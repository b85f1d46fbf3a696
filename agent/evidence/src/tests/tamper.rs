//! Ways to tamper with one bundle, each found and named.

use super::*;
use crate::tests::sealed::{rehash, says, signed_store, small, told};

fn problems(bundle: &Path) -> Vec<String> {
    verify(bundle).unwrap().problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_byte_that_is_flipped_and_every_length_at_which_a_file_is_cut_is_found_and_the_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    let bundle = small(&signed_store(root.path()), 1).path;
    let mut n_tried = 0;
    for name in names(&bundle) {
        let path = bundle.join(&name);
        let bytes = fs::read(&path).unwrap();
        let mut is_found = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            n_tried += 1;
            match verify(&bundle) {
                Ok(found) => found.problems.iter().any(|problem| problem.to_string().contains(&name)),
                // A manifest that cannot be read is named as such.
                Err(error) => name == "manifest.json" && error.to_string().contains("manifest.json is damaged"),
            }
        };
        let mut altered = bytes.clone();
        for at in 0..bytes.len() {
            altered[at] ^= 1 << (at % 8);
            assert!(is_found(&altered), "{name}: byte {at} was flipped");
            altered[at] = bytes[at];
            // What is under the seal by its hash alone is cut at fewer lengths: a hash knows no difference.
            if name.starts_with("manifest") || at % 17 == 0 {
                assert!(is_found(&bytes[..at]), "{name}: cut at {at}");
            }
        }
        assert!(is_found(&[&bytes[..], b"x"].concat()), "{name}: lengthened");
        fs::write(&path, &bytes).unwrap();
    }
    assert!(n_tried > 3000, "{n_tried}");
    assert_eq!(problems(&bundle), [""; 0]);
}

#[test]
fn a_clip_that_is_swapped_for_one_of_its_length_or_for_its_neighbour_is_found() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let bundle = sealed(&store, 1).path;
    let clip = bundle.join("ended.mp4");
    let film = fs::read(&clip).unwrap();
    let other: Vec<u8> = film.iter().rev().copied().collect();
    fs::write(&clip, &other).unwrap();
    let told = problems(&bundle);
    assert!(told.len() == 1 && told[0].starts_with("ended.mp4: changed: 17 bytes with sha256 "), "{told:?}");
    // The same with the hashes made anew.
    let manifest = fs::read(bundle.join("manifest.json")).unwrap();
    rehash(&bundle);
    let told = problems(&bundle);
    assert!(told.len() == 1 && told[0].starts_with("manifest.sig: no signature of this manifest.json"), "{told:?}");
    fs::write(bundle.join("manifest.json"), manifest).unwrap();
    fs::write(&clip, film).unwrap();

    // Two pictures change places.
    let (a, b, aside) = (bundle.join("confirmed.jpg"), bundle.join("confirmed-marked.jpg"), bundle.join("aside"));
    for (from, to) in [(&a, &aside), (&b, &a), (&aside, &b)] {
        fs::rename(from, to).unwrap();
    }
    let told = problems(&bundle);
    assert!(told.len() == 2 && told.iter().all(|line| line.contains(".jpg: changed: ")), "{told:?}");
    for (from, to) in [(&a, &aside), (&b, &a), (&aside, &b)] {
        fs::rename(from, to).unwrap();
    }
    assert_eq!(problems(&bundle), [""; 0]);
}

#[test]
fn a_file_that_is_missing_added_or_no_file_any_more_is_named() {
    let root = tempfile::tempdir().unwrap();
    let store = signed_store(root.path());
    let bundle = small(&store, 1).path;
    for (name, words) in [
        ("confirmed.jpg", "confirmed.jpg: gone"),
        ("incident.json", "incident.json: gone"),
        ("signer.pem", "signer.pem: gone"),
        ("manifest.sig", "manifest.sig: gone: the manifest says who signed it"),
    ] {
        let (path, aside) = (bundle.join(name), root.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        says(&store, words);
        if name != "manifest.sig" {
            std::os::unix::fs::symlink(&aside, &path).unwrap();
            says(&store, &format!("{name}: no plain file of this folder"));
            fs::remove_file(&path).unwrap();
        }
        fs::rename(&aside, &path).unwrap();
    }
    for name in ["ended.jpg", ".hidden", "manifest-99.sig"] {
        fs::write(bundle.join(name), "x").unwrap();
        if name.starts_with("manifest") {
            // A signature without a manifest signs nothing, and no reader takes it for evidence.
            assert_eq!(told(&store), [""; 0]);
        } else {
            says(&store, &format!("{name}: not in the manifest"));
        }
        fs::remove_file(bundle.join(name)).unwrap();
    }
    assert_eq!(told(&store), [""; 0]);
}
