//! What is refused and how the help reads, and that the shipped violations compile.

use std::path::Path;

use expect_test::expect;

use super::*;

fn refused(condition: &str, zone: &str, adjust: impl FnOnce(&mut RuleBinding)) -> String {
    let mut binding = binding(zone);
    adjust(&mut binding);
    let error = CompiledRule::compile(&violation(condition), &binding).unwrap_err().to_string();
    error.strip_prefix(&format!("violation test in zone {zone} of cam: ")).unwrap().to_owned() + "\n"
}

#[test]
fn refusals_read_like_help() {
    let mut text = String::new();
    for (condition, zone) in [
        ("{ dwell = { for_s = \"$dwel_s\" } }", "yard"),
        ("{ dwell = { for_s = \"$zzz\" } }", "yard"),
        ("{ dwell = { for_s = \"dwell_s\" } }", "yard"),
        ("{ dwell = { for_s = -1 } }", "yard"),
        ("{ dwell = { for_s = nan } }", "yard"),
        ("{ in_zone = { by = \"overlap\", at_least = 1.5 } }", "yard"),
        ("{ in_zone = { at_least = 0.5 } }", "yard"),
        ("{ in_zone = { zone = \"gaet\" } }", "yard"),
        ("{ in_zone = { zone = \"pond\" } }", "yard"),
        ("{ in_zone = {} }", "kerb"),
        ("{ line_crossed = {} }", "yard"),
        ("{ stationary = { for_s = 5, within = 2 } }", "yard"),
        ("{ confidence = 50 }", "yard"),
        ("{ all = [] }", "yard"),
        ("{ class = [] }", "yard"),
        ("{ all = [{ dwell = { for_s = 1 } }, { count = { of = { in_zone = {} }, at_least = 2 } }] }", "yard"),
        ("{ count = { of = { count = { of = { in_zone = {} }, at_least = 2 } }, at_least = 2 } }", "yard"),
        ("{ count = { of = { in_zone = {} }, at_least = 0 } }", "yard"),
        ("{ count = { of = { in_zone = {} }, at_least = 2.5 } }", "yard"),
    ] {
        text += &refused(condition, zone, |_| {});
    }
    expect![[r#"
        condition.dwell.for_s: unknown parameter $dwel_s; did you mean $dwell_s?
        condition.dwell.for_s: unknown parameter $zzz; [parameters] has $dwell_s, $stationary_s
        condition.dwell.for_s: "dwell_s" is neither a number nor a parameter: write a number, or "$name" for an entry of [parameters]
        condition.dwell.for_s: -1 is out of range: write seconds from 0 to 31 days
        condition.dwell.for_s: NaN is out of range: write seconds from 0 to 31 days
        condition.in_zone.at_least: 1.5 is out of range: write a part from 0 to 1
        condition.in_zone.at_least: at_least is for by = "overlap"; a point is either inside or not
        condition.in_zone.zone: the camera has no zone or line gaet; did you mean gate?
        condition.in_zone.zone: the camera has no zone or line pond; it has yard, gate, kerb
        condition.in_zone.zone: kerb is a line, and nothing can be inside of it: name an area with zone = "…", or bind the violation to one
        condition.line_crossed.line: yard is an area, and only a line can be crossed: name one with line = "…", or bind the violation to a line
        condition.stationary.within: 2 is out of range: write a part of the diagonal from 0.01 to 1
        condition.confidence: 50 is out of range: write a part from 0 to 1
        condition.all: the list is empty: write at least one condition
        condition.class: the list is empty: name one class or more
        condition.all[0]: a condition with count is about the zone as a whole, so a condition about single tracks cannot stand beside it: move it into count's `of`
        condition.count.of.count: a count cannot stand within another count's `of`, which is about single tracks
        condition.count.at_least: 0 is out of range: write a whole number from 1 to 1000
        condition.count.at_least: 2.5 is out of range: write a whole number from 1 to 1000
    "#]].assert_eq(&text);
}

#[test]
fn times_out_of_range_are_refused() {
    let mut text = String::new();
    for keys in [
        "confirm = { for_s = -1 }",
        "confirm = { forgive_s = nan }",
        "confirm = { hits = 0 }",
        "warning = { text = {}, timeout_s = inf }",
        "warning = { text = {}, cool_down_s = 1e12 }",
        "warning = { text = {}, times = 101 }",
        "observe = { for_s = 2_678_401 }",
        "observe = { complied_after_s = -0.5 }",
        "observe = { gone_after_s = nan }",
        "observe = { lost_after_s = -inf }",
        "observe = { close_after_s = 1e9 }",
        "evidence = { pre_roll_s = -5 }",
        "evidence = { post_roll_s = 1e9 }",
    ] {
        let head = "id = \"test\"\ntitle = { en = \"Test\" }\nsubject = [\"person\"]\ncondition = { in_zone = {} }\n";
        let violation: Violation = toml::from_str(&format!("{head}{keys}")).unwrap();
        let error = CompiledRule::compile(&violation, &binding("yard")).unwrap_err();
        assert!(matches!(*error.problem, Problem::OutOfRange { .. }), "{keys}: {error}");
        writeln!(text, "{}: {}", error.place, error.problem).unwrap();
    }
    expect![[r#"
        confirm.for_s: -1 is out of range: write seconds from 0 to 31 days
        confirm.forgive_s: NaN is out of range: write seconds from 0 to 31 days
        confirm.hits: 0 is out of range: write a whole number from 1
        warning.timeout_s: inf is out of range: write seconds from 0 to 31 days
        warning.cool_down_s: 1000000000000 is out of range: write seconds from 0 to 31 days
        warning.times: 101 is out of range: write a whole number from 0 to 100
        observe.for_s: 2678401 is out of range: write seconds from 0 to 31 days
        observe.complied_after_s: -0.5 is out of range: write seconds from 0 to 31 days
        observe.gone_after_s: NaN is out of range: write seconds from 0 to 31 days
        observe.lost_after_s: -inf is out of range: write seconds from 0 to 31 days
        observe.close_after_s: 1000000000 is out of range: write seconds from 0 to 31 days
        evidence.pre_roll_s: -5 is out of range: write seconds from 0 to 31 days
        evidence.post_roll_s: 1000000000 is out of range: write seconds from 0 to 31 days
    "#]]
    .assert_eq(&text);

    let longest = "observe = { for_s = 2_678_400 }\nconfirm = { hits = 1 }\nwarning = { text = {}, times = 100 }";
    let head = "id = \"test\"\ntitle = {}\nsubject = [\"person\"]\ncondition = { in_zone = {} }\n";
    let violation: Violation = toml::from_str(&format!("{head}{longest}")).unwrap();
    assert!(CompiledRule::compile(&violation, &binding("yard")).is_ok());
}

#[test]
fn a_site_that_does_not_fit_is_refused() {
    let plain = "{ in_zone = {} }";
    let mut text = refused(plain, "yard", |b| b.parameters = BTreeMap::from([("dwel_s".to_owned(), 5.0)]));
    text += &refused(plain, "yard", |b| b.parameters = BTreeMap::from([("dwell_s".to_owned(), f64::INFINITY)]));
    text +=
        &refused(plain, "yard", |b| b.classes = vec![Class::new("person"), Class::new("cart"), Class::new("truck")]);
    text +=
        &refused(plain, "yard", |b| b.zones[0].shape = ZoneShape::Polygon(Polygon::new(points(&[[0., 0.], [1., 1.]]))));
    text +=
        &refused(plain, "yard", |b| b.zones[0].shape = ZoneShape::Polygon(Polygon::new(points(&[[f32::NAN, 0.]; 3]))));
    expect![[r#"
        parameters: the site sets dwel_s, which the violation does not have; did you mean dwell_s?
        parameters.dwell_s: inf is out of range: write a finite number
        subject: the camera's model does not report the class car; did you mean cart?
        condition.in_zone.zone: yard is no usable shape: an area needs three corners or more
        condition.in_zone.zone: yard is no usable shape: a coordinate is not a finite number
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_site_overrides_parameters() {
    let bound = RuleBinding { parameters: BTreeMap::from([("dwell_s".to_owned(), 2.0)]), ..binding("yard") };
    let rule = CompiledRule::compile(&violation("{ dwell = { for_s = \"$dwell_s\" } }"), &bound).unwrap();
    let text = story(&mut Rules::new(vec![rule]), frames(4.0), |at| vec![person(1, at, 200.0, 300.0)]);
    assert_eq!(text, "1: 2.0-4.0 V\n");
}

#[test]
fn the_shipped_violations_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/violations");
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let violation: Violation = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(Some(violation.id.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
        let warning = violation.warning.as_ref().unwrap();
        for text in [&violation.title, &warning.text] {
            assert!(text.zh.is_some() && text.en.is_some(), "{} speaks both languages", violation.id);
        }
        let zone = if violation.id.as_str() == "line_crossing" { "kerb" } else { "yard" };
        let mut bound = binding(zone);
        bound.classes = ["person", "bicycle", "car", "motorcycle", "bus", "truck"].map(Class::new).to_vec();
        if let Err(error) = CompiledRule::compile(&violation, &bound) {
            panic!("{}: {error}", path.display());
        }
        ids.push(violation.id.to_string());
    }
    for id in [
        "crowding",
        "illegal_parking",
        "intrusion",
        "line_crossing",
        "loitering",
        "no_dust_mask",
        "no_ear_protection",
        "no_hard_hat",
        "no_hi_vis_vest",
    ] {
        assert!(ids.iter().any(|known| known == id), "{id} is shipped");
    }
}
