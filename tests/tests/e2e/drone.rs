//! A drone that sends video and telemetry in one stream, and the report of its flight.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use forewarn_tests::agent::{Metrics, page};
use forewarn_tests::drone::{Drone, Hover};
use forewarn_tests::process::free_port;
use forewarn_tests::{Agent, CameraEntry, Scene, SiteFile, clips, eventually, program};
use serde_json::Value;

use super::health::part;
use super::live::{assert_stops, finally_sealed};

/// Where the demo's camera hovers, as it sees the square.
pub(super) const HOVER: Hover =
    Hover { lat_deg: 30.2741, lon_deg: 120.1551, height_m: 107.5, yaw_deg: 20.0, pitch_deg: -18.5 };

/// People who stay in a square on the ground for a moment.
pub(super) const SQUARE: &str = r#"
[camera.telemetry]
source = "klv"
height = "sea"
ground_m = 100.0
view_deg = 39.0

[[camera.zone]]
id = "square"
lon_lat = [[120.1540, 30.2735], [120.1565, 30.2735], [120.1565, 30.2760], [120.1540, 30.2760]]

[[camera.rule]]
violation = "loitering"
zone = "square"
with = { dwell_s = 0.5, confirm.for_s = 0.1, observe.for_s = 0.5, observe.gone_after_s = 0.5, observe.close_after_s = 0.3, evidence.pre_roll_s = 0.5, evidence.post_roll_s = 0.5 }
"#;

#[test]
fn a_flight_is_heard_beside_its_video_and_told_on_one_page() {
    let scene = Scene::new().unwrap();
    let (clip, port) = (scene.path("clip.mp4"), free_port().unwrap());
    clips::cut(&program::demo_clip().unwrap(), 0.0, 20.0, &clip).unwrap();
    let camera = CameraEntry::new("drone", format!("udp://127.0.0.1:{port}"), SQUARE);
    let site = SiteFile::new().camera(camera).write(scene.dir()).unwrap();
    let config = site.to_str().unwrap();
    let mission = |args: &[&str]| scene.program.succeed([&["mission"][..], args].concat());
    let refused = scene.program.run(["mission", "stop", "--config", config]).unwrap();
    assert_eq!(refused.status.code(), Some(65), "{refused:?}");

    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    mission(&["start", "--config", config, "--route", "Hill <3>", "--pilot", "Li Wei"]).unwrap();
    let sent = Drone::start(&clip, scene.dir(), port, HOVER).unwrap();
    let evidence = scene.path("data/evidence");
    let told = eventually("evidence of somebody in the square is sealed", || finally_sealed(&evidence));
    let bundle = told.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let record: Value = serde_json::from_slice(&std::fs::read(bundle.join("incident.json")).unwrap()).unwrap();
    let fix = &record["incident"]["subject"]["fix"];
    assert!((fix["lat_deg"].as_f64().unwrap() - HOVER.lat_deg).abs() < 0.002, "{fix}");
    let notes = scene.path("data/missions");
    let is_noted = || {
        let folder = std::fs::read_dir(&notes).ok()?.flatten().find(|entry| entry.path().is_dir())?;
        let pieces = std::fs::read_dir(folder.path().join("notes")).ok()?.flatten();
        let texts: Vec<String> = pieces.filter_map(|piece| std::fs::read_to_string(piece.path()).ok()).collect();
        (texts.concat().matches("\"shot\"").count() >= 5 && texts.concat().contains("\"person\"")).then_some(())
    };
    eventually("the flight is noted", is_noted).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    mission(&["stop", "--config", config]).unwrap();
    drop(sent);
    assert_stops(agent);

    let (page, map) = (scene.path("flight.html"), scene.path("flight.geojson"));
    let out = ["--out", page.to_str().unwrap(), "--geojson", map.to_str().unwrap()];
    mission(&[&["report", "--config", config][..], &out].concat()).unwrap();
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("Hill &lt;3&gt;") && text.contains("<svg") && text.contains("data:image/jpeg;base64,"));
    let map: Value = serde_json::from_slice(&std::fs::read(&map).unwrap()).unwrap();
    let features = map["features"].as_array().unwrap();
    let seen: f64 = features.iter().filter_map(|feature| feature["properties"]["area_m2"].as_f64()).sum();
    assert!(seen > 500.0, "{seen} m²: {map}");
    assert!(features.iter().any(|feature| feature["properties"]["kind"] == "incident"), "{map}");
}

/// The lines of a mission's notes that hold a word.
pub(super) fn noted(missions: &Path, word: &str) -> Vec<String> {
    let folders = std::fs::read_dir(missions).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let pieces =
        folders.flat_map(|folder| std::fs::read_dir(folder.path().join("notes")).into_iter().flatten().flatten());
    let texts = pieces.filter_map(|piece| std::fs::read_to_string(piece.path()).ok());
    texts
        .flat_map(|text| text.lines().filter(|line| line.contains(word)).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The ids of all incidents that the console lists, each with its state.
fn incidents(metrics: u16) -> BTreeMap<String, String> {
    let listed = page(metrics, "/api/v1/incidents").map(|(_, text)| text).unwrap_or_default();
    let listed: Value = serde_json::from_str(&listed).unwrap_or_default();
    let all = listed.as_array().into_iter().flatten().chain(listed["incidents"].as_array().into_iter().flatten());
    all.filter_map(|one| Some((one["id"].as_str()?.to_owned(), one["state"].as_str()?.to_owned()))).collect()
}

#[test]
fn while_telemetry_is_silent_in_the_air_there_is_no_fix_no_false_end_and_all_goes_on_when_it_is_back() {
    let scene = Scene::new().unwrap();
    let (clip, port, metrics) = (scene.path("clip.mp4"), free_port().unwrap(), free_port().unwrap());
    clips::cut(&program::demo_clip().unwrap(), 0.0, 20.0, &clip).unwrap();
    // Whoever were judged without a place would have complied after half a second.
    let stays = "observe.for_s = 3600, observe.complied_after_s = 0.5, observe.lost_after_s = 600";
    let rules = SQUARE.replace("observe.for_s = 0.5", stays).replace("gone_after_s = 0.5", "gone_after_s = 600");
    let site =
        SiteFile::new().metrics(metrics).camera(CameraEntry::new("drone", format!("udp://127.0.0.1:{port}"), rules));
    let site = site.write(scene.dir()).unwrap();
    let config = site.to_str().unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    scene.program.succeed(["mission", "start", "--config", config, "--route", "Hill", "--pilot", "Li Wei"]).unwrap();
    let drone = Drone::start(&clip, scene.dir(), port, HOVER).unwrap();
    let missions = scene.path("data/missions");
    let before = eventually("incidents are open", || Some(incidents(metrics)).filter(|open| !open.is_empty()));
    before.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));

    drone.say_nothing(true);
    let analysed = || Metrics::read(metrics)?.sum("forewarn_frames_analysed_total", &[]);
    let told = || page(metrics, "/healthz").is_some_and(|(_, text)| text.contains("no telemetry of camera drone"));
    // What was noted before is on the disk once what came after is.
    let is_silent = || (told() && noted(&missions, "\"blind\"").len() >= 2).then_some(());
    eventually("the silence is told", is_silent).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let (open, shots) = (incidents(metrics), noted(&missions, "\"shot\"").len());
    let blind = noted(&missions, "\"blind\"").len();
    let frames = analysed().unwrap_or_default();
    eventually("pictures go on being looked at, from nowhere", || {
        let is_blind = noted(&missions, "\"blind\"").len() >= blind + 6;
        (is_blind && analysed()? >= frames + 5.0).then_some(())
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert_eq!(noted(&missions, "\"shot\"").len(), shots, "no place is noted of what nobody knows");
    assert_eq!(incidents(metrics), open, "nobody begins and nobody ends");

    drone.say_nothing(false);
    let back = eventually("it is heard again", || {
        (!told() && noted(&missions, "\"shot\"").len() >= shots + 2).then(|| incidents(metrics))
    });
    let after = back.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert!(open.keys().all(|id| after.contains_key(id)), "{open:?} {after:?}");
    assert!(!after.values().any(|state| state == "complied" || state == "lost"), "{after:?}");
    drop(drone);
    assert_stops(agent);
}

#[test]
fn after_a_power_cut_in_the_air_the_mission_and_its_incident_go_on_and_a_hot_box_looks_less_often() {
    let scene = Scene::new().unwrap();
    let (clip, port, metrics) = (scene.path("clip.mp4"), free_port().unwrap(), free_port().unwrap());
    clips::cut(&program::demo_clip().unwrap(), 0.0, 20.0, &clip).unwrap();
    std::fs::create_dir_all(scene.path("zones/thermal_zone0")).unwrap();
    let is_warm = |milli: &str| scene.write("zones/thermal_zone0/temp", milli).unwrap();
    is_warm("51000\n");
    // Whoever is in the square stays an open incident for as long as the test needs.
    let stays = "observe.for_s = 3600, observe.complied_after_s = 600, observe.lost_after_s = 600";
    let rules = SQUARE.replace("observe.for_s = 0.5", stays).replace("gone_after_s = 0.5", "gone_after_s = 600");
    let mut site =
        SiteFile::new().metrics(metrics).camera(CameraEntry::new("drone", format!("udp://127.0.0.1:{port}"), rules));
    site.tables.push_str("[power]\nthermal_dir = \"zones\"\n");
    let site = site.write(scene.dir()).unwrap();
    let config = site.to_str().unwrap();
    let mut agent = Agent::start(&scene.program, &site, "info").unwrap();
    scene.program.succeed(["mission", "start", "--config", config, "--route", "Hill", "--pilot", "Li Wei"]).unwrap();
    let _sent = Drone::start(&clip, scene.dir(), port, HOVER).unwrap();
    let missions = scene.path("data/missions");
    let ids = || incidents(metrics).into_keys().collect::<BTreeSet<String>>();
    let before = eventually("an incident is open and the flight noted", || {
        let open = ids();
        (!open.is_empty() && noted(&missions, "\"shot\"").len() >= 3).then_some(open)
    });
    let before = before.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));

    let share = || Metrics::read(metrics)?.sum("forewarn_power_share", &[]);
    assert_eq!(share(), Some(1.0));
    is_warm("91000\n");
    let told = eventually("the heat is told", || part(metrics, "power", "warnings")).unwrap();
    assert!(told.contains("91 °C") && told.contains("20 % as often") && told.contains("cool the box"), "{told}");
    eventually("less is looked at", || (share() == Some(0.2)).then_some(())).unwrap();
    assert!(agent.log().contains("looked at 20 % as often until that is over"), "{}", agent.log());
    is_warm("51000\n");

    agent.kill().unwrap();
    let n_before = noted(&missions, "\"shot\"").len();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    let went_on = eventually("both go on", || {
        let is_noted = noted(&missions, "\"shot\"").len() >= n_before + 3;
        (is_noted && before.is_subset(&ids())).then_some(())
    });
    went_on.unwrap_or_else(|error| panic!("{error:#}\n{before:?} {:?}\n{}", ids(), agent.log()));
    assert_eq!(share(), Some(1.0), "the new start knows no heat of before");
    scene.program.succeed(["mission", "stop", "--config", config]).unwrap();
    let folders = std::fs::read_dir(&missions).unwrap().flatten().filter(|entry| entry.path().is_dir()).count();
    assert_eq!(folders, 1, "one flight, one mission");
    assert_stops(agent);
}
