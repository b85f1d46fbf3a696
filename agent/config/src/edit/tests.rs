//! An operator's file with comments everywhere: what a change leaves alone, it leaves alone to the byte.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

const FILE: &str = "\
# Our market. Ask Mrs. Li before you change anything!   \n\
\n\
[site]   # who we are\n\
id = \"market\"  # never change\n\
\tlanguage = \"zh\"\n\
# nothing at night\n\
quiet_hours = [  # two of them\n\
\x20 { from = \"22:00\", to = \"07:00\" },  # night\n\
\x20 { from = \"12:00\", to = \"14:00\" },\n\
]\n\
\n\
# the horn\n\
[[speaker]]\n\
id = \"horn\"\n\
kind = \"local\" # for now\n\
wav_dir = \"w\"\n\
\n\
[[camera]] # above the gate\n\
id = \"gate\"\n\
url = \"rtsp://10.0.0.5/1\"    # main stream\n\
\x20 analysis_fps = 5.0   # 2 was too slow\n\
speakers = [\n\
\x20 \"horn\", # only one\n\
]\n\
# zones, drawn on 2026-03-01\n\
[[camera.zone]]\n\
id = \"kerb\"\n\
polygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]] # from the lamp to the tree\n\
\n\
[[camera.rule]]\n\
violation = \"loitering\"\n\
zone = \"kerb\"\n\
with = { dwell_s = 20, confirm.for_s = 2 } # calm\n\
\n\
[[camera.rule]]\n\
violation = \"loitering\"\n\
with = {dwell_s = 90}\n\
# the end, without a line feed";

fn source(text: &str) -> Source {
    Source::new("site.toml", text)
}

fn change_of(path: &str, value: Option<&str>) -> Result<Change, EditError> {
    let path = path.parse()?;
    Ok(match value {
        Some(value) => Change::Set(path, NewValue::typed(value)?),
        None => Change::Remove(path),
    })
}

fn changed(text: &str, path: &str, value: Option<&str>) -> Result<String, EditError> {
    change_of(path, value).and_then(|change| apply(&source(text), &change))
}

/// The lines that a change takes out (`-`) and puts in (`+`); all others are the same, in the same order.
fn difference(path: &str, value: Option<&str>) -> String {
    let after = changed(FILE, path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
    crate::resolve(&source(&after)).unwrap_or_else(|errors| panic!("{path}: {errors}\n{after}"));
    let (old, new): (Vec<&str>, Vec<&str>) = (FILE.split('\n').collect(), after.split('\n').collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let out = old[same..old.len() - rest].iter().map(|line| format!("-{line}\n"));
    out.chain(new[same..new.len() - rest].iter().map(|line| format!("+{line}\n"))).collect()
}

fn check(path: &str, value: Option<&str>, expected: &Expect) {
    expected.assert_eq(&difference(path, value));
}

#[test]
fn a_value_is_exchanged_and_its_comment_stays() {
    check(
        "camera.gate.analysis_fps",
        Some("2.5"),
        &expect![[r"
        -  analysis_fps = 5.0   # 2 was too slow
        +  analysis_fps = 2.5   # 2 was too slow
    "]],
    );
    check(
        "site.language",
        Some("en"),
        &expect![[r#"
        -	language = "zh"
        +	language = "en"
    "#]],
    );
    check(
        "camera.gate.zone.kerb.polygon",
        Some("[[0, 0], [1, 0], [1, 1]]"),
        &expect![[r"
        -polygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]] # from the lamp to the tree
        +polygon = [[0, 0], [1, 0], [1, 1]] # from the lamp to the tree
    "]],
    );
    check(
        "camera.gate.rule.loitering@kerb.with.confirm.for_s",
        Some("3"),
        &expect![[r"
        -with = { dwell_s = 20, confirm.for_s = 2 } # calm
        +with = { dwell_s = 20, confirm.for_s = 3 } # calm
    "]],
    );
}

#[test]
fn a_new_key_comes_below_the_last_of_its_table() {
    check(
        "camera.gate.motion_gate",
        Some("false"),
        &expect![[r"
        +motion_gate = false
    "]],
    );
    check(
        "camera.gate.rule.loitering@whole.with.confirm.for_s",
        Some("2"),
        &expect![[r"
        -with = {dwell_s = 90}
        +with = {dwell_s = 90, confirm.for_s = 2}
    "]],
    );
    check(
        "camera.gate.rule.loitering@kerb.schedule",
        Some("{ from = \"07:00\", to = \"20:00\" }"),
        &expect![[r#"
        +schedule = { from = "07:00", to = "20:00" }
    "#]],
    );
    check(
        "storage.dir",
        Some("data"),
        &expect![[r#"
        +
        +[storage]
        +dir = "data"
        +
    "#]],
    );
    check(
        "heat_map",
        Some("{ classes = [\"person\"] }"),
        &expect![[r#"
        +
        +[heat_map]
        +classes = ["person"]
        +
    "#]],
    );
}

#[test]
fn a_table_for_a_new_name_is_a_new_entry() {
    check(
        "camera.gate.zone.bay",
        Some("{ polygon = [[0, 0], [1, 0], [1, 1]], area_m2 = 20 }"),
        &expect![[r#"
            +[[camera.zone]]
            +id = "bay"
            +polygon = [[0, 0], [1, 0], [1, 1]]
            +area_m2 = 20
            +
        "#]],
    );
    check(
        "camera.gate.rule.crowding@kerb",
        Some("{ with = { people = 9 } }"),
        &expect![[r#"
        +
        +[[camera.rule]]
        +violation = "crowding"
        +zone = "kerb"
        +with = { people = 9 }
    "#]],
    );
    check(
        "camera.back",
        Some("{ url = \"rtsp://10.0.0.6/1\" }"),
        &expect![[r#"
        +
        +[[camera]]
        +id = "back"
        +url = "rtsp://10.0.0.6/1"
    "#]],
    );
    check(
        "sensor.fume",
        Some("{ kind = \"mqtt\", url = \"mqtt://b\", topic = \"t\" }"),
        &expect![[r#"
        +
        +[[sensor]]
        +id = "fume"
        +kind = "mqtt"
        +url = "mqtt://b"
        +topic = "t"
        +
    "#]],
    );
}

#[test]
fn what_is_removed_takes_no_comment_of_its_neighbours_along() {
    check(
        "site.quiet_hours",
        None,
        &expect![[r#"
        -quiet_hours = [  # two of them
        -  { from = "22:00", to = "07:00" },  # night
        -  { from = "12:00", to = "14:00" },
        -]
    "#]],
    );
    check(
        "camera.gate.rule.loitering@kerb",
        None,
        &expect![[r#"
            -[[camera.rule]]
            -violation = "loitering"
            -zone = "kerb"
            -with = { dwell_s = 20, confirm.for_s = 2 } # calm
        "#]],
    );
    check(
        "camera.gate.rule.loitering@kerb.with.dwell_s",
        None,
        &expect![[r"
        -with = { dwell_s = 20, confirm.for_s = 2 } # calm
        +with = { confirm.for_s = 2 } # calm
    "]],
    );
    check(
        "camera.gate.rule.loitering@kerb.with.confirm.for_s",
        None,
        &expect![[r"
        -with = { dwell_s = 20, confirm.for_s = 2 } # calm
        +with = { dwell_s = 20 } # calm
    "]],
    );
}

#[test]
fn marks_and_line_ends_of_other_systems_stay() {
    let text = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
    let after = changed(&text, "camera.gate.motion_gate", Some("false")).unwrap();
    assert!(after.starts_with("\u{feff}# Our") && after.contains("]\r\nmotion_gate = false\r\n# zones"), "{after:?}");
    assert_eq!(after.replace("motion_gate = false\r\n", ""), text);
    let first = changed("\u{feff}a = 1\nb = 2\n", "a", None).unwrap();
    assert_eq!(first, "\u{feff}b = 2\n");
}

#[test]
fn commas_and_comments_between_braces_are_told_apart() {
    let text = "t = {\n  a = 1, # one, two\n  b = 2 # three\n}\n";
    assert_eq!(changed(text, "t.b", None).unwrap(), "t = {\n  a = 1 # one, two\n   # three\n}\n");
    assert_eq!(changed(text, "t.a", None).unwrap(), "t = {\n  # one, two\n  b = 2 # three\n}\n");
    assert_eq!(changed("t = {}", "t.a", Some("1")).unwrap(), "t = { a = 1 }");
    assert_eq!(changed("t = { }", "t.a", Some("1")).unwrap(), "t = { a = 1 }");
}

#[test]
fn what_cannot_be_changed_is_told_with_the_mend() {
    let mut told = String::new();
    for (path, value) in [
        ("camera.gat.url", Some("x")),
        ("camera.gate.rule.loitering.zone", Some("kerb")),
        ("camera.gate.zone.bay.polygon", Some("[]")),
        ("camera", Some("1")),
        ("camera.gate", Some("{ }")),
        ("camera.gate.url.host", Some("1")),
        ("camera.gate.analysis_fsp", None),
        ("storage", Some("3")),
        ("a..b", Some("1")),
        ("site.id", Some("[1")),
        ("site.id", Some("\"a\"\nx = 1")),
    ] {
        told += &format!("{}\n", changed(FILE, path, value).unwrap_err());
    }
    expect![[r#"
        camera.gat.url: there is no camera `gat`
          mend: did you mean `gate`?
        camera.gate.rule.loitering.zone: more than one rule is named `loitering`
          mend: write loitering@kerb or loitering@whole
        camera.gate.zone.bay.polygon: there is no zone `bay`
          mend: there are: kerb
        camera: `camera` is a list
          mend: name one of its entries: gate
        camera.gate: this is a table that is there already
          mend: set its keys one by one, or remove it first
        camera.gate.url.host: `url` is a value without keys
          mend: leave out what comes after it
        camera.gate.analysis_fsp: there is no `analysis_fsp`
          mend: did you mean `analysis_fps`?
        storage: this is no table
          mend: write { key = value }, or name a key below it
        a..b: this is no path of a key
          mend: write names with dots between, such as camera.gate.analysis_fps
        [1 is no value: unclosed array, expected `]`
          mend: write it as in the site file, such as 5.0, true, "horn" or ["horn"]
        "a"
        x = 1 is no value: there is more than one value
          mend: write it as in the site file, such as 5.0, true, "horn" or ["horn"]
    "#]]
    .assert_eq(&told);
}

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
