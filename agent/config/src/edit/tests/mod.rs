//! An operator's file with comments everywhere: what a change leaves alone, it leaves alone to the byte.

mod file;
mod refusals;

use expect_test::{Expect, expect};

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
