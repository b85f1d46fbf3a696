//! What is wrong with a path or a value, and the mend.

use expect_test::expect;

use super::*;

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
        told += &changed(FILE, path, value).unwrap_err().to_string();
        told.push('\n');
    }
    expect![[r#"
        camera.gat.url: there is no camera `gat`
          fix: did you mean `gate`?
        camera.gate.rule.loitering.zone: more than one rule is named `loitering`
          fix: write loitering@kerb or loitering@whole
        camera.gate.zone.bay.polygon: there is no zone `bay`
          fix: there are: kerb
        camera: `camera` is a list
          fix: name one of its entries: gate
        camera.gate: this is a table that is there already
          fix: set its keys one by one, or remove it first
        camera.gate.url.host: `url` is a value without keys
          fix: leave out what comes after it
        camera.gate.analysis_fsp: there is no `analysis_fsp`
          fix: did you mean `analysis_fps`?
        storage: this is no table
          fix: write { key = value }, or name a key below it
        a..b: this is no path of a key
          fix: write names with dots between, such as camera.gate.analysis_fps
        [1 is no value: unclosed array, expected `]`
          fix: write it as in the site file, such as 5.0, true, "horn" or ["horn"]
        "a"
        x = 1 is no value: there is more than one value
          fix: write it as in the site file, such as 5.0, true, "horn" or ["horn"]
    "#]]
    .assert_eq(&told);
}

/// A camera with its rules between brackets, as some write them.
const IN_BRACKETS: &str = "[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"file:a.mp4\"\nrule = [\n  { violation = \"loitering\" }, # calm\n  { violation = \"crowding\" },\n]\n";

#[test]
fn a_list_between_brackets_is_changed_within_its_entries_and_grows_as_a_whole() {
    let after = changed(IN_BRACKETS, "camera.gate.rule.loitering.with", Some("{ dwell_s = 9 }")).unwrap();
    assert_eq!(after, IN_BRACKETS.replace("\"loitering\" }", "\"loitering\", with = { dwell_s = 9 } }"));
    let after = changed(IN_BRACKETS, "camera.gate.analysis_fps", Some("2.0")).unwrap();
    assert_eq!(after, format!("{IN_BRACKETS}analysis_fps = 2.0\n"));
    let after = changed(IN_BRACKETS, "camera.gate.zone.bay", Some("{ polygon = [[0, 0], [1, 0], [1, 1]] }")).unwrap();
    assert!(after.starts_with(IN_BRACKETS) && after.contains("[[camera.zone]]\nid = \"bay\""), "{after}");
    let refused = |path| changed(IN_BRACKETS, path, Some("{ violation = \"x\" }")).unwrap_err().to_string();
    let told = refused("camera.gate.rule.parking.with");
    assert!(told.contains("there are: loitering@whole, crowding@whole\n  fix: set the whole list"), "{told}");
    assert!(refused("camera.gate.rule.parking").contains("is written as one value between brackets\n  fix: set"));
}
