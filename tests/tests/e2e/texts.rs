//! Texts that are tried beside each other: what the command and the console say of them.

use std::time::Duration;

use forewarn_domain::clock::{Clock as _, SystemClock};
use forewarn_domain::{Cause, IncidentState, Report, Transition};
use forewarn_report::{Outbox, OutboxLimits, OutboxSettings};
use forewarn_tests::desk::Desk;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, CameraEntry, Scene, SiteFile};
use forewarn_wire::samples::{report, source};
use serde_json::{Value, json};

use super::live::assert_stops;

/// The samples are a minute apart, and the first of them began in the morning.
const A_DAY: u64 = 24 * 60;

/// Incident `n`, in which this text was heard, and then heeded or not.
fn tried(n: u64, text: &str, is_heeded: bool) -> Report {
    let mut told = report(n, 6);
    told.incident.said = Some(text.to_owned());
    if is_heeded {
        let heard = told.incident.history[3].at;
        let end = [(IncidentState::Complied, Cause::SeenComplying, 8), (IncidentState::Closed, Cause::Settled, 9)];
        let end =
            end.map(|(state, cause, after_s)| Transition::new(state, heard + Duration::from_secs(after_s), cause));
        told.at = end[1].at;
        told.sequence = 5;
        told.incident.history.splice(4.., end);
    }
    told
}

/// Of each text so many incidents on one day, of which these were heeded.
fn day_of(day: u64, of_each: u64, heeded: [(&'static str, u64); 2]) -> Vec<Report> {
    let of = |n: u64, (text, heeded): (&str, u64), at: u64| tried(day * A_DAY + 2 * n + at, text, n < heeded);
    (0..of_each).flat_map(|n| [of(n, heeded[0], 0), of(n, heeded[1], 1)]).collect()
}

/// Wilson's interval for so many of these, as its tables have it, in thousandths.
fn between(row: &Value) -> [i64; 2] {
    [0, 1].map(|end| (row["between"][end].as_f64().unwrap() * 1000.0).round() as i64)
}

#[test]
fn a_text_wins_with_its_interval_where_the_incidents_say_so_and_not_before() {
    let scene = Scene::new().unwrap();
    let port = free_port().unwrap();
    let camera = CameraEntry::new("gate", "rtsp://127.0.0.1:9/none", QUICK_PARKING);
    let site = SiteFile::new().console(port).camera(camera).write(scene.dir()).unwrap();
    std::fs::create_dir(scene.path("data")).unwrap();
    let settings = OutboxSettings { limits: OutboxLimits::default(), source: source(), upstreams: Vec::new() };
    let mut outbox = Outbox::open(scene.path("data/outbox.sqlite"), settings, SystemClock.now()).unwrap().outbox;
    let few = day_of(0, 10, [("kind", 9), ("plain", 5)]);
    let many = day_of(1, 100, [("kind", 90), ("plain", 50)]);
    let all: Vec<_> = few.iter().chain(&many).map(|report| (report, None)).collect();
    outbox.record_all(&all).unwrap();
    drop(outbox);

    let site_file = site.display().to_string();
    let stats =
        |more: &[&str]| scene.program.succeed([&["stats", "--config", site_file.as_str()], more].concat()).unwrap();
    let of_few = ["--to", "2026-01-31"];
    let told: Value = serde_json::from_str(&stats(&[&of_few[..], &["--json"]].concat())).unwrap();
    assert_eq!(told["verdicts"], json!([{ "violation": "illegal_parking", "winner": null }]), "{told}");
    assert_eq!([0, 1].map(|n| between(&told["texts"][n])), [[596, 982], [237, 763]], "{told}");
    let table = stats(&of_few);
    assert!(table.contains("illegal_parking: cannot tell yet"), "{table}");

    let told: Value = serde_json::from_str(&stats(&["--from", "2026-02-01", "--json"])).unwrap();
    let [kind, plain] = [0, 1].map(|n| &told["texts"][n]);
    assert_eq!((&kind["name"], &kind["share"]), (&json!("illegal_parking/kind"), &json!(0.9)), "{told}");
    assert_eq!((between(kind), between(plain)), ([826, 945], [404, 596]), "{told}");
    assert_eq!(told["verdicts"], json!([{ "violation": "illegal_parking", "winner": "kind" }]), "{told}");
    assert_eq!((&kind["median_s"], &kind["p90_s"]), (&json!(8.0), &json!(8.0)), "{told}");
    let table = stats(&[]);
    assert!(table.contains("illegal_parking: kind works best") && table.contains("83..94 %"), "{table}");

    // The running agent tells the console the same.
    let agent = Agent::start(&scene.program, &site, "warn").unwrap();
    let desk = Desk::open(port, &agent).unwrap();
    assert_eq!(desk.get("stats?to=2026-01-31").unwrap()["verdicts"][0]["winner"], Value::Null);
    let by_console = desk.get("stats?from=2026-02-01").unwrap();
    assert_eq!(by_console, told);
    assert_stops(agent);
}
