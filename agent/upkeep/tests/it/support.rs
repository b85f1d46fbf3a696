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
fn a_site_file_with_mistakes_is_told_about_and_one_that_nobody_can_read_is_left_out() {
    let marked = Marked::new();
    let (path, out, logs) = (marked.path("site.toml"), marked.path("support.tar"), [marked.path("agent.log")]);
    std::fs::write(&path, "[sight]\nid = \"north\"\n").unwrap();
    let names = make(&out, &Asked { site_file: &path, logs: &[] }).unwrap();
    assert!(names.contains(&"check.txt".to_owned()) && names.contains(&"journal.txt".to_owned()), "{names:?}");
    // A quotation mark is missing. What the lines hold that can be read is known, and so is what stands in the others.
    let (known, lost) = (format!("{MARK}-known"), format!("{MARK}-lost"));
    let text = format!(
        "[site]\nid = \"north\n[storage]\ndir = \"data\"\n[[camera]]\nid = \"gate\"\npassword = \"{known}\"\n\
         [upstream.mqtt]\npassword = \"{lost}\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::write(&logs[0], format!("INFO it logs in by {known}\nINFO and by {lost}\nINFO watches\n")).unwrap();
    std::fs::remove_file(&out).unwrap();
    make(&out, &Asked { site_file: &path, logs: &logs }).unwrap();
    let texts = unpacked(&out);
    for (name, text) in &texts {
        assert!(!text.contains(MARK), "{name}: {text}");
    }
    let of = |wanted: &str| texts.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.as_str()).unwrap();
    assert!(of("site.toml").contains("left out") && of("log-0.txt").contains("INFO watches"), "{}", of("log-0.txt"));
}
