//! A box whose clock is set while the agent runs, and while it is off.

use std::time::Duration;

use forewarn_domain::IncidentState;
use forewarn_domain::clock::wall_now;
use forewarn_tests::agent::{Metrics, page};
use forewarn_tests::process::free_port;
use forewarn_tests::site::{QUICK_LOITERING, QUICK_PARKING};
use forewarn_tests::wall_clock::WallClock;
use forewarn_tests::{Agent, Broker, CameraEntry, Scene, Session, SimCamera, SiteFile, Subscriber, eventually};
use serde_json::Value;

const STOP_WITHIN: Duration = Duration::from_secs(20);
const HOUR_S: i64 = 3600;

/// By how many seconds the clock was set in each step that the open incident's history tells of.
fn sets_of(port: u16, incident: &str) -> Option<Vec<f64>> {
    let open: Vec<Value> = serde_json::from_str(&page(port, "/api/v1/incidents")?.1).ok()?;
    let found = open.iter().find(|one| one["id"] == incident)?;
    found["clock_set"].as_array().map(|sets| sets.iter().filter_map(|set| set["by_s"].as_f64()).collect())
}

#[test]
fn a_clock_that_is_set_holds_nothing_up_and_is_told() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene);
    let (camera, broker) = (camera.unwrap(), Broker::start(&scene.path("broker")).unwrap());
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    let port = free_port().unwrap();
    // The clock is set while the van is observed.
    let rules = QUICK_PARKING.replace("observe.for_s = 0.5", "observe.for_s = 4") + QUICK_LOITERING;
    let watched = CameraEntry::new("gate", camera.url(), rules).with("speakers = [\"horn\"]");
    let site = SiteFile::new().upstream(&broker.url(), "").metrics(port).wav_speaker("horn").camera(watched);
    let site = site.write(scene.dir()).unwrap();
    let clock = WallClock::new(scene.path("clock")).unwrap();
    let mut agent = Agent::start_by(&clock, &scene.program, &site, "info").unwrap();
    let is_van = |state: IncidentState| {
        move |event: &forewarn_wire::Event| {
            event.data.incident.violation == "illegal_parking" && event.data.incident.state == state
        }
    };
    let confirmed = platform.event("the van is confirmed", is_van(IncidentState::Confirmed)).unwrap();

    clock.set(-2 * HOUR_S).unwrap();
    let set_at = wall_now();
    let escalated = platform.event("the van is escalated", is_van(IncidentState::Escalated));
    let escalated = escalated.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let van = &escalated.data.incident;
    assert_eq!(escalated.subject, confirmed.subject);
    assert!(van.history.starts_with(&confirmed.data.incident.history), "what was told stands: {:?}", van.history);
    assert!(van.history.is_sorted_by_key(|step| step.at_us), "one time line: {:?}", van.history);
    let [set] = &van.clock_set[..] else { panic!("the history says that the clock was set: {:?}", van.clock_set) };
    assert!((set.by_s + 7200.0).abs() < 5.0, "{set:?}");
    let told = page(port, "/healthz").unwrap().1;
    assert!(told.contains("the clock was set back by"), "{told}");
    let leaps = Metrics::read(port).unwrap().sum("forewarn_clock_leaps_total", &["direction=\"back\""]);
    assert_eq!(leaps, Some(1.0));
    platform.message("forewarn/north/health", "the clock was set back by").unwrap();
    // What is confirmed from now on bears the new time.
    let is_new = |event: &forewarn_wire::Event| {
        let is_confirmed = event.data.incident.state == IncidentState::Confirmed;
        is_confirmed && event.data.incident.history[0].at_us < set_at.as_micros() - HOUR_S * 1_000_000
    };
    platform
        .event("somebody is confirmed in the new time", is_new)
        .unwrap_or_else(|e| panic!("{e:#}\n{}", agent.log()));

    // Killed, and set forward by a day before the next start: the van is still the same incident.
    agent.kill().unwrap();
    clock.set(24 * HOUR_S).unwrap();
    let mut agent = Agent::start_by(&clock, &scene.program, &site, "info").unwrap();
    let sets = eventually("the van's incident goes on", || sets_of(port, &escalated.subject)).unwrap();
    assert!(sets.len() == 2 && (sets[1] - 26.0 * 3600.0).abs() < 5.0, "{sets:?}");
    assert!(agent.interrupt(STOP_WITHIN).unwrap().success(), "{}", agent.log());
}
