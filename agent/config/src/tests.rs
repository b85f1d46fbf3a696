//! Mistakes in a site file read like help, and what is shipped has none.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::{Expect, expect};

use crate::source::Source;
use crate::{example, resolve, schema};

const HEAD: &str = "[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\nwav_dir = \"w\"\n";

fn camera(rest: &str) -> String {
    format!("{HEAD}[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n{rest}")
}

fn check(text: &str, expected: &Expect) {
    let errors = resolve(&Source::new("site.toml", text)).err().map_or("correct".to_owned(), |e| e.to_string());
    expected.assert_eq(&errors);
}

#[test]
fn the_example_is_correct() {
    check(&example(), &expect!["correct"]);
}

#[test]
fn every_key_of_the_example_is_in_the_schema() {
    let schema = serde_json::to_string(&schema()).unwrap();
    let example = example();
    let keys = example
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, _)| key.trim_start_matches(['#', ' ']).trim());
    let plain: BTreeSet<&str> = keys.filter(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).collect();
    assert!(plain.len() > 20, "{plain:?}");
    for key in plain {
        assert!(schema.contains(&format!("\"{key}\"")), "{key} is not in the schema");
    }
}

#[test]
fn the_tables_of_the_pages_on_recipients_are_correct() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let pages = std::fs::read_dir(docs.join("recipients")).unwrap().map(|page| page.unwrap().path());
    let dir = tempfile::tempdir().unwrap();
    let own = rcgen::CertificateParams::new(vec!["here".to_owned()]).unwrap();
    let own = own.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
    let mut kinds = BTreeSet::new();
    for page in pages.chain([docs.join("mqtt.md")]) {
        let text = std::fs::read_to_string(&page).unwrap();
        let table = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next());
        let table = table.unwrap_or_else(|| panic!("{} has no table", page.display()));
        // The files that it names are there.
        for line in table.lines() {
            let name = |key: &str| line.strip_prefix(key)?.split('"').nth(1);
            if let Some(file) = name("password_file") {
                let secret = if file == "s3.secret" { "KEY secret" } else { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
                std::fs::write(dir.path().join(file), secret).unwrap();
            }
            if let Some(file) = name("ca_file") {
                std::fs::write(dir.path().join(file), &own).unwrap();
            }
        }
        let site = format!("[site]\nid = \"s\"\n{table}\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n");
        let path = dir.path().join("site.toml").display().to_string();
        let site =
            resolve(&Source::new(path.as_str(), site)).unwrap_or_else(|errors| panic!("{}: {errors}", page.display()));
        assert!(!site.upstreams.is_empty(), "{}", page.display());
        kinds.extend(
            table.lines().filter_map(|line| line.strip_prefix("kind = \"")?.split('"').next()).map(str::to_owned),
        );
    }
    assert_eq!(kinds, forewarn_report::AdapterConfig::KINDS.iter().map(ToString::to_string).collect());
}

#[test]
fn misspelt_keys_name_the_nearest() {
    check(
        &camera("anlysis_fps = 5.0\n"),
        &expect![[r"
            site.toml:10: anlysis_fps: unknown field `anlysis_fps`, expected one of `id`, `url`, `detect_url`, `user`, `password_file`, `password_env`, `transport`, `decoder`, `turned_deg`, `footage`, `analysis_fps`, `motion_gate`, `tiles`, `static_objects`, `falling_objects`, `stall_s`, `speakers`, `place`, `at`, `mask`, `exclusion`, `telemetry`, `zone`, `rule`
              fix: did you mean `analysis_fps`?"]],
    );
    check(
        "[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\nwave_dir = \"w\"\n[[camera]]\nid = \"c\"\nurl = \"a.mp4\"\n",
        &expect![[r"
            site.toml:6: wave_dir: unknown field `wave_dir`, expected one of `sink`, `device`, `wav_dir`, `wav_keep`, `wav_real_time`, `chime`, `earshot`, `heard_by`, `range_m`, `speech`, `stall_s`, `volume`
              fix: did you mean `wav_dir`?"]],
    );
}

#[test]
fn misspelt_names_are_all_told_at_once() {
    check(
        &camera(
            "speakers = [\"hron\"]\n[[camera.zone]]\nid = \"kerb\"\npolygon = [[0.1, 0.1], [0.9, 0.1]]\n[[camera.rule]]\nviolation = \"illegal_parkin\"\n[[camera.rule]]\nviolation = \"loitering\"\nzone = \"kreb\"\n[[camera.rule]]\nviolation = \"loitering\"\nwith = { dwel_s = 3 }\n",
        ),
        &expect![[r"
            site.toml:10: speakers: there is no speaker `hron`
              fix: did you mean `horn`?
            site.toml:13: polygon: 2 points are too few
              fix: give 3 or more
            site.toml:15: violation: there is no violation `illegal_parkin`
              fix: did you mean `illegal_parking`?
            site.toml:18: zone: the camera has no zone `kreb`
              fix: did you mean `kerb`?
            site.toml:21: with: the violation has no parameter `dwel_s`
              fix: did you mean `dwell_s`?"]],
    );
}

#[test]
fn what_cannot_work_is_refused() {
    check(
        &camera(
            "analysis_fps = 500\n[[camera.zone]]\nid = \"a\"\npolygon = [[0.1, 0.1], [1.9, 0.1], [0.5, 0.9]]\nunit = \"normalised\"\n",
        ),
        &expect![[r#"
            site.toml:10: analysis_fps: 500 is out of range
              fix: write 0.1 to 60 frames a second
            site.toml:13: polygon: a normalised coordinate is above 1
              fix: divide by the picture's size, or set `unit = "pixel"`"#]],
    );
    check(
        "[site]\nid = \"s\"\ntime_zone = \"Asia/Shangai\"\n[metrics]\nlisten = \"0.0.0.0:9464\"\n[model]\ncard = \"nanodet-g-461\"\n[[camera]]\nid = \"c\"\nurl = \"htp://x\"\n",
        &expect![[r#"
            site.toml:3: time_zone: there is no time zone "Asia/Shangai"
              fix: write an IANA name such as "Asia/Shanghai" or "UTC"
            site.toml:5: listen: only loopback is allowed, because what is said there is not encrypted
              fix: write 127.0.0.1 and a port; [console] may be seen from elsewhere with `tls = true`, with `certificate` and `key`, or with `behind_proxy = true` where a reverse proxy speaks TLS
            site.toml:7: card: there is no model card `nanodet-g-461`
              fix: did you mean `nanodet-g-416`?
            site.toml:10: url: the scheme "htp" is not known; use rtsp, rtsps, rtmp, rtmps, srt, udp, whip, http, https, file or v4l2
              fix: see docs/configuration.md, "Cameras""#]],
    );
    check(
        "[site]\nid = \"s\"\n[metrics]\nlisten = \"127.0.0.1:9464\"\n[console]\nlisten = \"127.0.0.1:9464\"\n[[camera]]\nid = \"c\"\nurl = \"rtsp://x/1\"\n",
        &expect![[r"
            site.toml:6: listen: `[metrics] listen` is 127.0.0.1:9464 too
              fix: give each a port of its own"]],
    );
    check(
        &camera("password_env = \"FOREWARN_NO_SUCH_VARIABLE\"\nuser = \"u\"\n"),
        &expect![[r"
        site.toml:10: password_env: the environment has no variable FOREWARN_NO_SUCH_VARIABLE
          fix: set it, or use `password_file`"]],
    );
    // An empty file is no password, of a camera no more than of a broker.
    check(
        &format!(
            "{}[upstream.mqtt]\nurl = \"mqtt://b\"\nuser = \"u\"\npassword_file = \"/dev/null\"\n",
            camera("password_file = \"/dev/null\"\nuser = \"u\"\n")
        ),
        &expect![[r"
        site.toml:10: password_file: failed to read /dev/null: its first line is empty
          fix: make a readable file whose first line is the password
        site.toml:15: password_file: failed to read /dev/null: its first line is empty
          fix: make a readable file whose first line is the password"]],
    );
}

#[test]
fn a_sub_stream_is_another_stream_of_the_same_picture() {
    let text = camera("detect_url = \"rtsp://cam/2\"\nuser = \"viewer\"\n");
    let site = resolve(&Source::new("site.toml", text)).unwrap();
    let camera_of_site = &site.cameras[0];
    let watched = camera_of_site.stream_config().watched.unwrap();
    assert_eq!((watched.to_string().as_str(), watched.user()), ("rtsp://cam/2", Some("viewer")));
    let streams = camera_of_site.each_stream();
    assert!(streams.len() == 2 && streams.iter().all(|stream| stream.watched.is_none()));
    check(
        &camera("detect_url = \"rtsp://cam/1\"\n"),
        &expect![[r"
        site.toml:10: detect_url: it is the stream of `url`
          fix: name the camera's smaller stream, or leave `detect_url` out"]],
    );
    check(
        &camera("detect_url = \"small.mp4\"\n"),
        &expect![[r"
        site.toml:10: detect_url: only a camera on the network has a second stream
          fix: leave `detect_url` out"]],
    );
    check(
        &camera(
            "detect_url = \"rtsp://cam/2\"\n[[camera.zone]]\nid = \"a\"\npolygon = [[10, 10], [90, 10], [50, 90]]\n",
        ),
        &expect![[r"
            site.toml:10: detect_url: zone a is in pixels, which say nothing where two streams differ in size
              fix: write its points from 0 to 1 over width and height"]],
    );
}

#[test]
fn budgets_and_tiles_that_cannot_be_are_refused() {
    check(
        &camera("tiles = { across = 3, down = 2, overlap = 0.2, sweep_s = 4 }\nmotion_gate = false\n"),
        &expect!["correct"],
    );
    check(&format!("[inference]\nbudget_ms_per_s = 750\n{}", camera("tiles = \"auto\"\n")), &expect!["correct"]);
    check(&camera("tiles = { smallest_px = 25 }\n"), &expect!["correct"]);
    check(
        &camera("tiles = { smallest_px = 25, across = 3, down = 2 }\n"),
        &expect![[r"
            site.toml:10: tiles: `smallest_px` has no effect beside `across` and `down`
              fix: leave one of them out"]],
    );
    check(
        &camera("tiles = { across = 3 }\n"),
        &expect![[r#"
            site.toml:10: tiles: one of `across` and `down` is missing
              fix: write "off", "auto", { smallest_px = 25 }, or { across = 3, down = 2, overlap = 0.2, sweep_s = 4 }"#]],
    );
    check(
        &camera("tiles = { across = 30, down = 1 }\n"),
        &expect![[r#"
            site.toml:10: tiles: 30x1 tiles cannot be; write 1 to 16 across and down
              fix: write "off", "auto", { smallest_px = 25 }, or { across = 3, down = 2, overlap = 0.2, sweep_s = 4 }"#]],
    );
    check(
        &format!("[inference]\nbudget = 0.75\nbudget_ms_per_s = 750\n{}", camera("")),
        &expect![[r"
            site.toml:2: budget: both `budget` and `budget_ms_per_s` are given
              fix: keep one; budget = 0.75 is budget_ms_per_s = 750"]],
    );
    check(
        &format!("[inference]\nidle_s = 3\n{}", camera("")),
        &expect![[r"
            site.toml:2: idle_s: an empty scene would be looked at more often than one with somebody in it
              fix: write 3 or more, or lower `idle_s`"]],
    );
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for text in [
        "",
        "\u{0}",
        "[site",
        "site = 3",
        "[[camera]]\nid = 1",
        "[site]\nid = \"a b\"\n",
        "= = =",
        "\"\"\"",
        "[a.b.c]\nd=[[[[[[",
    ] {
        assert!(resolve(&Source::new("site.toml", text)).is_err(), "{text:?}");
    }
}

#[test]
fn holidays_and_areas_that_make_no_sense_are_refused() {
    let text = "[site]\nid = \"s\"\nholidays = [\"2026-01-01\", \"new year\"]\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n";
    check(
        text,
        &expect![[r#"
        site.toml:3: holidays: "new year" is no day and no span of days
          fix: write "2026-01-01" or "2026-02-15..2026-02-23""#]],
    );
    let zone = |rest: &str| camera(&format!("[[camera.zone]]\nid = \"a\"\n{rest}\n"));
    let square = "polygon = [[0.1, 0.5], [0.9, 0.5], [0.9, 1], [0.1, 1]]";
    let mut told = String::new();
    for rest in [
        "line = [[0, 0], [1, 1]]\narea_m2 = 3".to_owned(),
        format!("{square}\narea_m2 = -3"),
        format!("{square}\narea_m2 = 3\nground = {{ points = [[0, 0], [1, 0], [1, 1], [0, 1]], size_m = [1, 1] }}"),
        format!("{square}\nground = {{ points = [[0, 0], [1, 1], [1, 0], [0, 1]], size_m = [1, 1] }}"),
        format!("{square}\nground = {{ points = [[0, 0], [100, 0], [100, 100], [0, 100]], size_m = [1, 1] }}"),
        format!("{square}\nground = {{ points = [[0.4, 0.52], [0.6, 0.52], [0.9, 1], [0.1, 1]], size_m = [2, 9] }}"),
    ] {
        let errors =
            resolve(&Source::new("site.toml", zone(&rest))).err().map_or("correct".to_owned(), |e| e.to_string());
        told += &errors;
        told += "\n";
    }
    expect![[r"
        site.toml:13: area_m2: a line has no area
          fix: leave it out, or draw a polygon
        site.toml:13: area_m2: -3 is out of range
          fix: write 0.1 to 1000000 square metres
        site.toml:13: area_m2: both `area_m2` and `ground` are given
          fix: keep one of them
        site.toml:13: ground: the points are no rectangle on the ground
          fix: give the corners of a rectangle on the ground in order around, and its size in metres
        site.toml:13: ground: the points are in another unit than the zone's
          fix: write both in the same unit
        correct
    "]]
    .assert_eq(&told);
}

#[test]
fn sensors_that_cannot_be_read_are_refused_with_line_and_key() {
    let sensor = |rest: &str| format!("{}[[sensor]]\nid = \"fume\"\n{rest}", camera(""));
    check(
        &sensor("kind = \"modbus_tcp\"\naddress = \"10.0.0.5:502\"\nregister = 0\nunit = \"mg/m³\"\n"),
        &expect!["correct"],
    );
    check(
        &sensor("kind = \"mqtt\"\nurl = \"mqtt://b\"\ntopic = \"site/topic\"\npath = \"data.pm25\"\n"),
        &expect![[r#"
        site.toml:15: path: this is no JSON path: at position 0, parser error
          fix: write it like "$.data.pm25" or "$.values[0]" (RFC 9535)"#]],
    );
    check(
        &sensor("kind = \"mqtt\"\nurl = \"mqtt://b\"\ntopick = \"t\"\n"),
        &expect![[r"
        site.toml:14: topick: unknown field `topick`, expected one of `url`, `topic`, `path`, `every_s`, `scale`, `offset`, `unit`, `client_id`, `user`, `password_file`, `password_env`, `ca_file`, `client_cert`, `client_key`, `keep_alive_s`
          fix: did you mean `topic`?"]],
    );
    check(
        &sensor("kind = \"mqtt\"\nurl = \"mqtt://b\"\n"),
        &expect![[r"
        site.toml:10: [[sensor]]: missing field `topic`
          fix: add `topic = …`; `forewarn config example` shows each key with its meaning"]],
    );
    check(
        &sensor("kind = \"modbus_tcp\"\naddress = \"10.0.0.5:502\"\nregister = 70000\n"),
        &expect![[r"
        site.toml:14: register: 70000 is out of range for this type
          fix: registers count from 0 to 65535"]],
    );
    check(
        &sensor("kind = \"modbus_tcp\"\nregister = 7\naddress = \"10.0.0.5\"\n"),
        &expect![[r#"
        site.toml:14: address: "10.0.0.5" is no address with a port
          fix: write it like "192.168.1.50:502""#]],
    );
    let twice = "kind = \"mqtt\"\nurl = \"mqtt://b\"\ntopic = \"t\"\n[[sensor]]\nid = \"fume\"\n\
                 kind = \"mqtt\"\nurl = \"mqtt://b\"\ntopic = \"t\"\nuser = \"u\"\npassword_file = \"no-such-file\"\n";
    check(
        &sensor(twice),
        &expect![[r"
        site.toml:16: id: there is a sensor `fume` already
          fix: give each its own id
        site.toml:21: password_file: failed to read no-such-file: No such file or directory (os error 2)
          fix: make a readable file whose first line is the password"]],
    );
}
