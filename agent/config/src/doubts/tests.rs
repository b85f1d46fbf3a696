//! What is doubted, and what is not.

use super::*;
use crate::resolve;
use crate::source::Source;

fn check(camera: &str, says: &[&str]) {
    let text = format!(
        "[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n[[camera]]\nid = \"gate\"\n\
         url = \"rtsp://127.0.0.1/a\"\nspeakers = [\"horn\"]\n{camera}"
    );
    let site = resolve(&Source::new("site.toml", text)).unwrap();
    let found: Vec<String> = doubts(&site, |_| Some((640, 360))).into_iter().map(|doubt| doubt.to_string()).collect();
    assert_eq!(found.len(), says.len(), "{found:#?}");
    for (doubt, part) in found.iter().zip(says) {
        assert!(doubt.contains(part), "{doubt} does not say {part:?}");
        let line = doubt.strip_prefix("site.toml:").and_then(|rest| rest.split(':').next());
        assert!(line.is_some_and(|line| line.parse::<usize>().is_ok()), "{doubt} has no line");
    }
}

#[test]
fn each_doubt_says_where_it_stands_or_the_innermost_of_it_that_is_written() {
    let text = "[site]\nid = \"s\"\nquiet_hours = [{ from = \"22:00\", to = \"06:00\", holidays = \"only\" }]\n\
                [storage]\nmin_free_gib = 0.0\nmax_days = 0\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\nearshot = \"kerb\"\n\
                [[sensor]]\nid = \"wind\"\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1\"\ntopic = \"wind\"\n\
                [[camera]]\nid = \"gate\"\nurl = \"/nowhere/a.mp4\"\nspeakers = [\"horn\"]\n\
                [[camera.rule]]\nviolation = \"loitering\"\nwith = { dwell_s = 20, evidence.pre_roll_s = 900 }\n\
                [[camera]]\nid = \"dam\"\nurl = \"rtsp://cam/a\"\n";
    let site = resolve(&Source::new("site.toml", text)).unwrap();
    let mut places: Vec<String> = doubts(&site, |_| None).iter().map(|doubt| doubt.about.to_string()).collect();
    places.sort();
    let expected = [
        "site.toml:10: speaker horn, earshot",
        "site.toml:11: sensor wind",
        "site.toml:18: camera gate, url",
        "site.toml:20: camera gate, loitering in whole",
        "site.toml:23: camera dam",
        "site.toml:3: [site], quiet_hours",
        "site.toml:6: [storage], max_days",
    ];
    assert_eq!(places, expected);
    let bare = resolve(&Source::new("site.toml", "[site]\nid = \"s\"\n[console]\nlisten = \"127.0.0.1:0\"\n")).unwrap();
    let told: Vec<String> = doubts(&bare, |_| None).iter().map(|doubt| doubt.about.to_string()).collect();
    assert_eq!(told, ["site.toml: site"]);
}

const RULE: &str = "[[camera.rule]]\nviolation = \"loitering\"\n";

#[test]
fn a_good_camera_raises_no_doubt() {
    check(RULE, &[]);
}

#[test]
fn a_listener_at_an_address_that_is_not_of_this_box_is_told() {
    let told = |url: &str| {
        let site = format!("[site]\nid = \"s\"\n[[camera]]\nid = \"hill\"\nurl = \"{url}\"\n{RULE}");
        let site = resolve(&Source::new("site.toml", site)).unwrap();
        let all = doubts(&site, |_| None).into_iter().map(|doubt| doubt.to_string());
        all.filter(|doubt| doubt.contains("no address of this box")).collect::<Vec<_>>()
    };
    for url in ["rtmp://:1935/a/k?mode=listener", "rtmp://127.0.0.1:1935/a/k?mode=listener", "udp://239.1.2.3:5000"] {
        assert!(told(url).is_empty(), "{url}");
    }
    // Addresses for documentation are nobody's (RFC 5737), and a relay's name is not this box's.
    for url in
        ["rtmp://192.0.2.7:1935/a/k?mode=listener", "rtmp://relay:1935/a/k?mode=listener", "udp://192.0.2.7:5000"]
    {
        let found = told(url);
        assert_eq!(found.len(), 1, "{url}: {found:?}");
    }
}

#[test]
fn an_earshot_that_one_loudspeaker_names_alone_is_told() {
    let site = |other: &str| {
        let speaker = |id: &str, earshot: &str| {
            format!("[[speaker]]\nid = \"{id}\"\nkind = \"local\"\nearshot = \"{earshot}\"\n")
        };
        let speakers = format!("{}{}", speaker("horn", "kerb"), speaker("wall", other));
        let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/a\"\nspeakers = [\"horn\"]\n{RULE}");
        let text = format!("[site]\nid = \"s\"\n{speakers}{camera}");
        let site = resolve(&Source::new("site.toml", text)).unwrap();
        doubts(&site, |_| None).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(site("kerb").is_empty());
    let misspelt = site("kreb");
    assert!(misspelt.len() == 2 && misspelt[0].contains("speaker horn, earshot: no other loudspeaker"), "{misspelt:?}");
}

#[test]
fn a_loudspeaker_that_flies_with_a_camera_of_unknown_place_is_told() {
    let told = |range: &str| {
        let speaker = format!("[[speaker]]\nid = \"belly\"\nkind = \"local\"\n{range}");
        let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/a\"\nspeakers = [\"belly\"]\n{RULE}");
        let text = format!("[site]\nid = \"s\"\n{speaker}{camera}");
        let site = resolve(&Source::new("site.toml", text)).unwrap();
        doubts(&site, |_| None).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(told("").is_empty());
    let found = told("range_m = 60\n");
    assert!(found.len() == 1 && found[0].contains("speaker belly has `range_m`, and no telemetry"), "{found:?}");
}

#[test]
fn a_volume_that_another_one_shadows_is_told() {
    let found = |volume: &str| {
        let speaker = format!("[[speaker]]\nid = \"horn\"\nkind = \"local\"\nvolume = [{volume}]\n");
        let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/a\"\nspeakers = [\"horn\"]\n{RULE}");
        let site = resolve(&Source::new("site.toml", format!("[site]\nid = \"s\"\n{speaker}{camera}"))).unwrap();
        doubts(&site, |_| None).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let night = r#"{ hours = { from = "22:00", to = "07:00" }, db = -12 }"#;
    let late = r#"{ hours = { days = ["sat"], from = "23:00", to = "24:00" }, db = -20 }"#;
    assert!(found(&format!("{late}, {night}")).is_empty());
    let told = found(&format!("{night}, {late}"));
    let says = "speaker horn, volume: entry 2 of 2 (-20 dB) never counts";
    assert!(told.len() == 1 && told[0].contains(says), "{told:?}");
}

#[test]
fn a_password_in_an_address_is_told_and_not_shown() {
    let site = |url: &str| {
        let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"{url}\"\nspeakers = [\"horn\"]\n{RULE}");
        let speaker = "[[speaker]]\nid = \"horn\"\nkind = \"local\"\n";
        let text = format!("[site]\nid = \"s\"\n{speaker}{camera}");
        doubts(&resolve(&Source::new("site.toml", text)).unwrap(), |_| None)
    };
    for url in ["rtsp://guard:s3cret@cam/a", "rtsp://cam/user=guard&password=s3cret&channel=1"] {
        let found = site(url);
        let told = found[0].to_string();
        assert!(found.len() == 1 && told.contains("password_file") && told.contains("rtsp://cam/"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    assert_eq!(site("rtsp://guard@cam/a"), []);
}

#[test]
fn a_zone_outside_of_the_picture_is_told() {
    let zone = "[[camera.zone]]\nid = \"far\"\npolygon = [[600, 100], [900, 100], [900, 200]]\n";
    check(&format!("{zone}{RULE}"), &["2 of its 3 points"]);
    let line = "[[camera.zone]]\nid = \"step\"\nline = [[10, 100], [10, 900]]\n";
    check(&format!("{line}{RULE}"), &["1 of its 2 points"]);
    let floors = "falling_objects = { floors = { ground_y_px = 1040, floor_height_px = 30 } }\n";
    check(&format!("{floors}[[camera.rule]]\nviolation = \"thrown_object\"\n"), &["at row 1040"]);
}

#[test]
fn what_is_hardly_meant_is_told_with_its_line() {
    let zone = "[[camera.zone]]\nid = \"kerb\"\npolygon = [[0, 0], [1.02, 1], [1, 0], [0, 1]]\n";
    check(&format!("{zone}{RULE}"), &["site.toml:12: polygon: 1 of its points", "site.toml:12: polygon: its edges"]);
    let rule = "[[camera.rule]]\nviolation = \"wrong_way\"\n";
    check(rule, &["site.toml:11: violation: `allowed_deg` is not set"]);
    check(&format!("{rule}with = {{ allowed_deg = 90 }}\n"), &[]);
}

#[test]
fn times_shorter_than_the_time_between_looks_are_told() {
    let doubts = ["so one look decides", "can never be confirmed"];
    let rule = format!("{RULE}with = {{ dwell_s = 1, confirm.forgive_s = 1 }}\n");
    check(&format!("analysis_fps = 0.5\n{rule}"), &doubts);
}

#[test]
fn of_two_violations_the_narrower_is_told_when_it_never_fires_alone() {
    let both = format!("{RULE}[[camera.rule]]\nviolation = \"intrusion\"\n");
    check(&both, &[]);
    let rules = "[[camera.rule]]\nviolation = \"crowding\"\nwith = { people = 9 }\n";
    check(rules, &[]);
}

#[test]
fn a_least_floor_without_floors_is_told() {
    let rule = "[[camera.rule]]\nviolation = \"thrown_object\"\n";
    check(rule, &["the floors are not known"]);
    let floors = "falling_objects = { floors = { ground_y_px = 340, floor_height_px = 30 } }\n";
    check(&format!("{floors}{rule}"), &[]);
    check(&format!("{rule}with = {{ least_floor = 1 }}\n"), &[]);
}

#[test]
fn what_is_not_there_or_says_nothing_is_told() {
    check(&format!("{RULE}sensor = \"fume\"\n"), &["the sensor `fume` and its violation asks none"]);
    check(&format!("{RULE}with = {{ evidence.pre_roll_s = 1000 }}\n"), &["at most 600 s are kept"]);
    check(&format!("{RULE}with = {{ warning.text = {{ zh = \"……\" }} }}\n"), &["has nothing to say"]);
    let said = |text: &str| format!("{RULE}with = {{ warning.text = {{ en = \"{text}\" }} }}\n");
    check(&said("Car $plate, drive on."), &["nothing is put in the place of `$plate,`"]);
    check(&said("Car {plate}, drive on."), &[]);
    check(&format!("{RULE}with = {{ warning.times = 0, warning.text = {{ zh = \"……\" }} }}\n"), &[]);
    check(&said("请勿停车"), &["which an English voice cannot read"]);
    check(
        &said(&"Please keep the fire lane free. ".repeat(20)),
        &["takes about 48 s, and it counts as failed after 20 s"],
    );
}

#[test]
fn a_path_that_leads_to_nothing_is_told() {
    let told = |keys: &str, url: &str| {
        let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"{url}\"\n{RULE}with = {{ warning.times = 0 }}\n");
        let text = format!("[site]\nid = \"s\"\n{keys}{camera}");
        let found = doubts(&resolve(&Source::new("site.toml", text)).unwrap(), |_| None);
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let storage = "[storage]\ndir = \"/dev/null/data\"\n";
    for (keys, url, says) in [
        ("", "192.168.1.20:554/stream", "there is no file 192.168.1.20:554/stream"),
        ("", "/", "/ is a directory"),
        ("", "/dev/video0", "write `url = \"v4l2:/dev/video0\"`"),
        (storage, "rtsp://cam/1", "/dev/null is a file, so nothing can be kept"),
        ("[storage]\ndir = \"~/data\"\n", "rtsp://cam/1", "nothing is put in the place of `~`"),
        ("[storage]\ndir = \"$HOME/data\"\n", "rtsp://cam/1", "nothing is put in the place of `$HOME`"),
        ("[tracking]\nclass_groups = [[\"car\", \"trcuk\"]]\n", "rtsp://cam/1", "did you mean `truck`?"),
        ("[attributes]\ncards = { x = \"no.toml\" }\n", "rtsp://cam/1", "there is no file no.toml"),
    ] {
        assert!(told(keys, url).contains(says), "{url}: {}", told(keys, url));
        // Who gives no warning needs no loudspeaker.
        assert!(!told(keys, url).contains("nobody is warned"), "{}", told(keys, url));
    }
}

#[test]
fn of_another_reading_only_new_doubts_are_told() {
    let site = |speakers: &str, away: &str| {
        let head = "[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n";
        let camera = |id: &str, rest: &str| format!("[[camera]]\nid = \"{id}\"\nurl = \"rtsp://c/{id}\"\n{rest}");
        let text = format!("{head}{}{}", camera("gate", &format!("{speakers}{RULE}")), camera("idle", away));
        resolve(&Source::new("site.toml", text)).unwrap()
    };
    let (horn, mute) = (site("speakers = [\"horn\"]\n", ""), site("", ""));
    assert_eq!(new_doubts(&horn, &horn), []);
    let [doubt] = &new_doubts(&horn, &mute)[..] else { panic!("one is new: {:?}", new_doubts(&horn, &mute)) };
    assert!(doubt.to_string().contains("so nobody is warned"), "{doubt}");
    assert_eq!(new_doubts(&mute, &horn), []);
}

#[test]
fn a_camera_without_rules_or_speakers_is_told() {
    check("", &["no rule"]);
}

#[test]
fn sensors_that_are_not_there_not_asked_or_too_slow_are_told() {
    let rule =
        |sensor: &str| format!("[[camera.rule]]\nviolation = \"sensor_over_threshold\"\nsensor = \"{sensor}\"\n");
    let sensor = |id: &str, every_s: u32| {
        format!(
            "[[sensor]]\nid = \"{id}\"\nkind = \"modbus_tcp\"\naddress = \"a:502\"\nregister = 1\nevery_s = {every_s}\n"
        )
    };
    check(&rule("fume"), &["the site has no sensor `fume`, so it can never fire"]);
    check(&format!("{}{}", rule("fume"), sensor("fume", 10)), &[]);
    check(&format!("{}{}", rule("fumes"), sensor("fume", 10)), &["did you mean `fume`?", "no rule asks for it"]);
    let slow = "has a value every 200 s and counts as silent after 300 s";
    check(&format!("{}{}", rule("fume"), sensor("fume", 200)), &[slow]);
}

#[test]
fn hours_that_never_come_are_told() {
    let told = |site: &str, rule: &str| {
        let speaker = "[[speaker]]\nid = \"horn\"\nkind = \"local\"\n";
        let camera = "[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\nspeakers = [\"horn\"]\n";
        let text = format!("[site]\nid = \"s\"\n{site}\n{speaker}{camera}{RULE}{rule}\n");
        let found = doubts(&resolve(&Source::new("site.toml", text)).unwrap(), |_| None);
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let night = "quiet_hours = [{ from = \"22:00\", to = \"07:00\" }]";
    let days = "quiet_hours = [{ from = \"00:00\", to = \"12:00\" }, { from = \"11:00\", to = \"24:00\" }]";
    let at_night = "schedule = { days = [\"sat\"], from = \"23:00\", to = \"05:00\" }";
    let only = "schedule = { from = \"08:00\", to = \"10:00\", holidays = \"only\" }";
    for (site, rule, says) in [
        (night, at_night, "its warning is never spoken"),
        (days, "", "its warning is never spoken"),
        ("", only, "its hours hold on holidays alone and the site names none"),
        ("quiet_hours = [{ from = \"08:00\", to = \"10:00\", holidays = \"except\" }]", "", "leave out holidays"),
        ("[storage]\nmax_days = 0", "", "deleted as soon as its incident is closed"),
        ("", "with = { observe.for_s = 0 }", "set `with = { observe.for_s = … }`"),
    ] {
        assert!(told(site, rule).contains(says), "{site} {rule}: {}", told(site, rule));
    }
    for (site, rule) in [
        (night, ""),
        (night, "schedule = { from = \"21:00\", to = \"22:01\" }"),
        (night, "schedule = { from = \"23:00\", to = \"05:00\", time_zone = \"Asia/Shanghai\" }"),
        (days, "with = { warning.times = 0 }"),
        ("holidays = [\"2026-01-01\"]", only),
        ("[storage]\nmax_days = 1", ""),
    ] {
        assert_eq!(told(site, rule), "", "{site} {rule}");
    }
    assert!(!told("", "with = { observe.for_s = 0 }").contains("analysis_fps"), "no rate helps");
}

#[test]
fn two_cameras_that_send_to_one_port_are_told() {
    let found = |other: &str| {
        let camera = |id: &str, url: &str| format!("[[camera]]\nid = \"{id}\"\nurl = \"{url}\"\n{RULE}");
        let text = format!("[site]\nid = \"s\"\n{}{}", camera("hill", "udp://0.0.0.0:5004"), camera("dam", other));
        let told = doubts(&resolve(&Source::new("site.toml", text)).unwrap(), |_| None);
        told.iter().map(ToString::to_string).filter(|told| told.contains("listened for")).collect::<Vec<_>>()
    };
    for same in ["udp://0.0.0.0:5004", "udp://127.0.0.1:5004", "udp://239.1.1.1:5004", "srt://:5004?mode=listener"] {
        let told = found(same);
        assert!(told.len() == 1 && told[0].contains(": camera dam: ") && told[0].contains("camera hill"), "{told:?}");
    }
    for other in ["udp://0.0.0.0:5005", "srt://10.0.0.1:5004", "rtsp://127.0.0.1:5004/a"] {
        assert_eq!(found(other), [""; 0], "{other}");
    }
}

#[test]
fn what_was_doubted_before_is_not_new_wherever_its_line_is_now() {
    let read = |text: &str| resolve(&Source::new("site.toml", text)).unwrap();
    let camera = "[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\nspeakers = [\"horn\", \"horn\"]\n";
    let before = format!("[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n{camera}{RULE}");
    let moved = before.replace("[site]", "# Moves every line.\n[site]");
    assert!(!doubts(&read(&before), |_| None).is_empty());
    assert_eq!(new_doubts(&read(&before), &read(&moved)), []);
    let more = moved + "[[camera]]\nid = \"yard\"\nurl = \"rtsp://cam/2\"\n";
    let told = new_doubts(&read(&before), &read(&more));
    assert_eq!(told.iter().map(|doubt| doubt.about.to_string()).collect::<Vec<_>>(), ["site.toml:13: camera yard"]);
}
