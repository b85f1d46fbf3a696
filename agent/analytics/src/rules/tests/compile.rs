//! What is refused and how the help reads, and that the shipped violations compile.

use std::path::Path;

use expect_test::expect;

use super::*;

/// The classes of COCO that the shipped violations name.
const COCO: [&str; 25] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "bus",
    "truck",
    "bench",
    "backpack",
    "umbrella",
    "handbag",
    "suitcase",
    "bottle",
    "cup",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "carrot",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "dining table",
    "teddy bear",
];

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
        condition.line_crossed.line: yard is an area, and a line is needed here: name a line of the camera, or bind the violation to one
        condition.stationary.within: 2 is out of range: write a part of the diagonal from 0.01 to 1
        condition.confidence: 50 is out of range: write a part from 0 to 1
        condition.all: the list is empty: write at least one condition
        condition.class: the list is empty: name one class or more
        condition.all[0]: count and absent are about the zone as a whole, so a condition about single tracks cannot stand beside them: move it into their `of`
        condition.count.of.count: count and absent cannot stand within an `of` of another one, which is about single tracks
        condition.count.at_least: 0 is out of range: write a whole number from 1 to 1000
        condition.count.at_least: 2.5 is out of range: write a whole number from 1 to 1000
    "#]].assert_eq(&text);
}

#[test]
fn refusals_of_what_is_about_company_motion_things_and_zones_read_like_help() {
    let mut text = String::new();
    for (condition, zone) in [
        ("{ count = { of = { in_zone = {} } } }", "yard"),
        ("{ count = { of = { in_zone = {} }, at_least = 2, per_m2 = 1 } }", "yard"),
        ("{ count = { of = { in_zone = {} }, per_m2 = 1 } }", "yard"),
        ("{ count = { of = { in_zone = {} }, at_least = 2, leave_below = 3 } }", "yard"),
        ("{ count = { of = { in_zone = {} }, growth = { by = 2, over_s = 1 } } }", "yard"),
        ("{ all = [{ in_zone = {} }, { absent = { of = { in_zone = {} }, for_s = 9 } }] }", "yard"),
        ("{ near = { class = [] } }", "yard"),
        ("{ near = { class = [\"person\"], within = -1 } }", "yard"),
        ("{ moving = { distance = 2, toward_deg = 90, against_line = \"kerb\" } }", "yard"),
        ("{ moving = { distance = 2, against_line = \"gate\" } }", "yard"),
        ("{ moving = { distance = 2, over_s = 90 } }", "yard"),
        ("{ speed = {} }", "yard"),
        ("{ speed = { at_least = 2, at_most = 1 } }", "yard"),
        ("{ appeared = { for_s = 5, left_s = 5 } }", "yard"),
        ("{ falls = { from_floor = 0 } }", "yard"),
        ("{ sensor = { above = 1 } }", "yard"),
        ("{ sensor = { id = \"fume\" } }", "yard"),
        ("{ sensor = { id = \"fume\", above = 1, below = 0 } }", "yard"),
        ("{ sensor = { id = \"fume\", above = inf } }", "yard"),
        ("{ score = { of = [], at_least = 1 } }", "yard"),
        ("{ score = { of = [{ weight = 1, if = { in_zone = {} } }], at_least = 2 } }", "yard"),
        (
            "{ score = { of = [{ weight = 1, if = { score = { of = [{ weight = 1, if = { in_zone = {} } }], at_least = 1 } } }], at_least = 1 } }",
            "yard",
        ),
        (
            "{ score = { of = [{ weight = 1, if = { in_zone = {} } }, { weight = 1, if = { count = { of = { in_zone = {} }, at_least = 2 } } }], at_least = 1 } }",
            "yard",
        ),
    ] {
        text += &refused(condition, zone, |_| {});
    }
    expect![[r#"
        condition.count: a key is missing: write at_least, per_m2 or growth
        condition.count: only one of at_least, per_m2 and growth may be given
        condition.count.per_m2: the area of yard is not known: give the zone area_m2, or ground with four points and their size in metres
        condition.count.leave_below: 3 is out of range: write a number above 0 that is not above the limit at which it begins to hold
        condition.count.growth.over_s: 1 is out of range: write seconds from 2 to 3600
        condition.all[0]: count and absent are about the zone as a whole, so a condition about single tracks cannot stand beside them: move it into their `of`
        condition.near.class: the list is empty: name one class or more
        condition.near.within: -1 is out of range: write heights of the higher box from 0 to 20
        condition.moving: only one of toward_deg, against_deg, along_line and against_line may be given
        condition.moving.against_line: gate is an area, and a line is needed here: name a line of the camera, or bind the violation to one
        condition.moving.over_s: 90 is out of range: write seconds from 0.4 to 60
        condition.speed: a key is missing: write at_least, at_most or both
        condition.speed.at_most: 1 is out of range: write heights of the box per second from at_least to 1000
        condition.appeared.left_s: a key is missing: write brought_by
        condition.falls.from_floor: 0 is out of range: write a whole number from 1 to 200
        condition.sensor.id: which sensor? name it with sensor = "…" in the site's rule, or with id = "…" here
        condition.sensor: a key is missing: write above or below
        condition.sensor: only one of above and below may be given
        condition.sensor.above: inf is out of range: write a finite number
        condition.score.of: the list is empty: write at least one sign, { weight = 1, if = … }
        condition.score.at_least: 2 is out of range: write a number above 0 that the weights can add up to
        condition.score.of[0].if.score: a score cannot stand within another score: write all signs into one
        condition.score.of[0]: count and absent are about the zone as a whole, so a condition about single tracks cannot stand beside them: move it into their `of`
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
        "warning = { text = {}, urgency = 10 }",
        "observe = { for_s = 2_678_401 }",
        "observe = { complied_after_s = -0.5 }",
        "observe = { gone_after_s = nan }",
        "observe = { lost_after_s = -inf }",
        "observe = { close_after_s = 1e9 }",
        "evidence = { pre_roll_s = -5 }",
        "evidence = { post_roll_s = 1e9 }",
        "case = { received_s = 1e9 }",
        "case = { assigned_s = -1 }",
        "case = { called_back_s = inf }",
        "case = { on_site_s = nan }",
        "confirm = { hits = 4_000_000_000 }",
        "parameters = { unused_s = 1e10 }",
        "parameters = { unused_s = nan }",
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
        confirm.hits: 0 is out of range: write a whole number from 1 to 10000
        warning.timeout_s: inf is out of range: write seconds from 0 to 31 days
        warning.cool_down_s: 1000000000000 is out of range: write seconds from 0 to 31 days
        warning.times: 101 is out of range: write a whole number from 0 to 100
        warning.urgency: 10 is out of range: write a whole number from 0 to 9
        observe.for_s: 2678401 is out of range: write seconds from 0 to 31 days
        observe.complied_after_s: -0.5 is out of range: write seconds from 0 to 31 days
        observe.gone_after_s: NaN is out of range: write seconds from 0 to 31 days
        observe.lost_after_s: -inf is out of range: write seconds from 0 to 31 days
        observe.close_after_s: 1000000000 is out of range: write seconds from 0 to 31 days
        evidence.pre_roll_s: -5 is out of range: write seconds from 0 to 31 days
        evidence.post_roll_s: 1000000000 is out of range: write seconds from 0 to 31 days
        case.received_s: 1000000000 is out of range: write 0 to 86400 seconds; 0 is no limit
        case.assigned_s: -1 is out of range: write 0 to 86400 seconds; 0 is no limit
        case.called_back_s: inf is out of range: write 0 to 86400 seconds; 0 is no limit
        case.on_site_s: NaN is out of range: write 0 to 86400 seconds; 0 is no limit
        confirm.hits: 4000000000 is out of range: write a whole number from 1 to 10000
        parameters.unused_s: 10000000000 is out of range: write a number from -1e9 to 1e9
        parameters.unused_s: NaN is out of range: write a number from -1e9 to 1e9
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
        parameters.dwell_s: inf is out of range: write a number from -1e9 to 1e9
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
        for text in std::iter::once(&violation.title).chain(warning.text.all()) {
            assert!(text.zh.is_some() && text.en.is_some(), "{} speaks both languages", violation.id);
        }
        let zone = if violation.id.as_str() == "line_crossing" { "kerb" } else { "yard" };
        let mut bound = binding(zone);
        bound.classes = COCO.map(Class::new).to_vec();
        bound.sensor = Some(forewarn_domain::SensorId::new("fume").unwrap());
        bound.areas_m2 = BTreeMap::from([(ZoneId::new("yard").unwrap(), 100.0)]);
        if let Err(error) = CompiledRule::compile(&violation, &bound) {
            panic!("{}: {error}", path.display());
        }
        ids.push(violation.id.to_string());
    }
    for id in [
        "abandoned_object",
        "crowd_density",
        "crowd_growth",
        "crowding",
        "dirty_shopfront",
        "dumping",
        "fire_lane_occupied",
        "goods_outside_shop",
        "guard_post_empty",
        "illegal_parking",
        "intrusion",
        "line_crossing",
        "loitering",
        "no_dust_mask",
        "no_ear_protection",
        "no_hard_hat",
        "no_hi_vis_vest",
        "not_seen_since",
        "sensor_over_threshold",
        "street_vending",
        "thrown_object",
        "wrong_way",
    ] {
        assert!(ids.iter().any(|known| known == id), "{id} is shipped");
    }
}

#[test]
fn a_rule_says_for_how_long_a_subject_is_in_view_before_it_can_hold() {
    let least = |condition: &str| {
        CompiledRule::compile(&violation(condition), &binding("yard")).unwrap().least_seen().as_secs_f64()
    };
    let dwell = "{ dwell = { for_s = 2 } }";
    for (condition, least_s) in [
        (dwell.to_owned(), 2.0),
        (format!("{{ all = [{{ in_zone = {{}} }}, {dwell}, {{ stationary = {{ for_s = 5 }} }}] }}"), 5.0),
        (format!("{{ any = [{dwell}, {{ stationary = {{ for_s = 5 }} }}] }}"), 2.0),
        (format!("{{ any = [{dwell}, {{ in_zone = {{}} }}] }}"), 0.0),
        (format!("{{ not = {dwell} }}"), 0.0),
        ("{ speed = { at_least = 2 } }".to_owned(), 0.0),
        ("{ near = { class = [\"person\"], for_s = 4 } }".to_owned(), 4.0),
        ("{ appeared = { for_s = 9 } }".to_owned(), 9.0),
        ("{ appeared = { for_s = 9, brought_by = [\"person\"] } }".to_owned(), 0.0),
        (format!("{{ score = {{ of = [{{ weight = 1, if = {dwell} }}], at_least = 1, for_s = 3 }} }}"), 3.0),
        ("{ count = { of = { in_zone = {} }, at_least = 2, for_s = 4 } }".to_owned(), 2.5),
        ("{ count = { of = { in_zone = {} }, growth = { by = 2, over_s = 60 }, for_s = 4 } }".to_owned(), 0.0),
        ("{ absent = { of = { in_zone = {} }, for_s = 60 } }".to_owned(), 0.0),
    ] {
        assert_eq!(least(&condition), least_s, "{condition}");
    }
}
