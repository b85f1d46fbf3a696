//! The file on the disk: what is refused is not written, and what was written is taken back to the byte.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

/// A site file in a folder of its own.
fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.toml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn change_file(file: &Path, path: &str, value: Option<&str>) -> Result<(), EditError> {
    change(file, &change_of(path, value)?)
}

#[test]
fn what_would_not_be_correct_is_not_written() {
    let (_dir, file) = written(FILE);
    let error = change_file(&file, "camera.gate.analysis_fps", Some("500")).unwrap_err().to_string();
    assert!(error.contains("site.toml:21: analysis_fps: 500 is out of range"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), FILE);
    assert!(matches!(undo(&file), Err(EditError::NoUndo(_))));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, file) = written(FILE);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let link = dir.path().join("link.toml");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    change_file(&link, "site.language", Some("en")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("language = \"en\""));
    for one in [&file, &undo_path(&file)] {
        assert_eq!(fs::metadata(one).unwrap().permissions().mode() & 0o777, 0o600);
    }
    undo(&link).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), FILE);
    undo(&link).unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("language = \"en\""));
}

#[test]
fn a_link_that_lies_where_the_file_is_written_is_not_followed() {
    let (dir, file) = written(FILE);
    let other = dir.path().join("other");
    fs::write(&other, "of somebody else").unwrap();
    for place in [&file, &undo_path(&file)] {
        let unfinished = forewarn_base::durable::Unfinished::beside(place);
        std::os::unix::fs::symlink(&other, unfinished.path()).unwrap();
        std::mem::forget(unfinished);
    }
    change_file(&file, "site.language", Some("en")).unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "of somebody else");
    assert!([&file, &undo_path(&file)].iter().all(|path| fs::symlink_metadata(path).unwrap().is_file()));
    assert!(fs::read_to_string(&file).unwrap().contains("language = \"en\""));
}

const PATHS: [&str; 16] = [
    "site.id",
    "site.quiet_hours",
    "site.place.city",
    "model.threads",
    "inference.idle_s",
    "storage.max_days",
    "heat_map",
    "speaker.horn",
    "speaker.horn.wav_dir",
    "camera.gate",
    "camera.gate.stall_s",
    "camera.gate.zone.kerb",
    "camera.gate.zone.bay",
    "camera.gate.rule.loitering@kerb.with.dwell_s",
    "camera.gate.rule.loitering@whole.with",
    "camera.gate.rule.loitering@whole",
];
const VALUES: [&str; 8] =
    ["3", "\"a\"", "[]", "{ }", "{ polygon = [[0, 0], [1, 0], [1, 1]] }", "true", "\"é # , }\"", "[ # c\n 1 ]"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any change is there alone, and taken back it leaves the very bytes that were there before.
    #[test]
    fn any_change_is_taken_back_to_the_byte(
        path in prop::sample::select(&PATHS[..]),
        value in prop::option::of(prop::sample::select(&VALUES[..])),
        has_other_line_ends: bool,
    ) {
        let text = if has_other_line_ends { FILE.replace('\n', "\r\n") } else { FILE.to_owned() };
        let (_dir, file) = written(&text);
        match change_file(&file, path, value) {
            Ok(()) => undo(&file).unwrap(),
            Err(error) => prop_assert!(!matches!(error, EditError::Write { .. }), "{error}"),
        }
        prop_assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    /// A key that is set has that value, and all others have theirs.
    #[test]
    fn a_change_changes_what_it_says_and_nothing_else(
        path in prop::sample::select(&PATHS[..]),
        value in prop::sample::select(&VALUES[..]),
    ) {
        let Ok(after) = changed(FILE, path, Some(value)) else { return Ok(()) };
        let table: toml::Table = toml::from_str(&after).unwrap();
        let back = changed(&after, path, None).unwrap();
        prop_assert!(table != toml::from_str::<toml::Table>(&back).unwrap(), "{path} = {value} is not there");
        if changed(FILE, path, None).is_err() {
            let (before, after): (toml::Table, toml::Table) = (toml::from_str(FILE).unwrap(), toml::from_str(&back).unwrap());
            prop_assert_eq!(without_empty(before.into()), without_empty(after.into()));
        }
    }
}

/// A table without the tables in which nothing is left.
fn without_empty(value: toml::Value) -> toml::Value {
    let toml::Value::Table(table) = value else { return value };
    let kept = table.into_iter().map(|(key, value)| (key, without_empty(value)));
    toml::Value::Table(kept.filter(|(_, value)| value.as_table().is_none_or(|table| !table.is_empty())).collect())
}
