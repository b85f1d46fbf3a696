//! What is told to whoever helps.

use std::os::unix::fs::PermissionsExt as _;

use forewarn_upkeep::support::{Asked, make};

use crate::marked::{MARK, Marked, PLATE, unpacked};

#[test]
fn no_secret_of_any_place_and_no_plate_is_in_a_support_file() {
    let marked = Marked::new();
    let (out, logs) = (marked.path("support.tar"), [marked.path("agent.log")]);
    make(&out, &Asked { site_file: &marked.path("site.toml"), logs: &logs }).unwrap();
    let texts = unpacked(&out);
    for (name, text) in &texts {
        assert!(!text.contains(MARK), "{name}: {text}");
        assert!(!text.contains(PLATE), "{name}: {text}");
        assert!(name != "site.toml" || !text.contains("4711"), "{text}");
    }
    let all = std::fs::read(&out).unwrap();
    assert!(!all.windows(MARK.len()).any(|window| window == MARK.as_bytes()));
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    // What helps is there all the same.
    let of = |wanted: &str| texts.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.as_str()).unwrap();
    for part in ["camera.example:554/Streaming/Channels/101", "hooks.example", "password_file = \"broker.password\""] {
        assert!(of("site.toml").contains(part), "{}", of("site.toml"));
    }
    assert!(of("log-0.txt").contains("INFO watches 2 cameras of site north"), "{}", of("log-0.txt"));
    assert!(of("storage.txt").contains("evidence: 1 files, 14 bytes"), "{}", of("storage.txt"));
}

#[test]
fn a_site_file_with_mistakes_is_told_about_and_one_whose_secrets_nobody_knows_is_not() {
    let marked = Marked::new();
    let (path, out, logs) = (marked.path("site.toml"), marked.path("support.tar"), [marked.path("agent.log")]);
    std::fs::write(&path, "[sight]\nid = \"north\"\n").unwrap();
    let names = make(&out, &Asked { site_file: &path, logs: &[] }).unwrap();
    assert!(names.contains(&"check.txt".to_owned()) && names.contains(&"journal.txt".to_owned()), "{names:?}");
    std::fs::write(&path, "password = MARKED\n").unwrap();
    std::fs::remove_file(&out).unwrap();
    let refused = make(&out, &Asked { site_file: &path, logs: &logs }).unwrap_err().to_string();
    assert!(refused.contains("unknown which secrets") && !refused.contains(MARK), "{refused}");
    assert!(!out.exists());
}
