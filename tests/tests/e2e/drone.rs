//! A drone that sends video and telemetry in one stream, and the report of its flight.

use forewarn_tests::drone::{Drone, Hover};
use forewarn_tests::process::free_port;
use forewarn_tests::{Agent, CameraEntry, Scene, SiteFile, clips, eventually, program};
use serde_json::Value;

use super::live::{assert_stops, finally_sealed};

/// People who stay in a square on the ground for a moment.
const SQUARE: &str = r#"
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
    let hover = Hover { lat_deg: 30.2741, lon_deg: 120.1551, height_m: 107.5, yaw_deg: 20.0, pitch_deg: -18.5 };
    let sent = Drone::start(&clip, scene.dir(), port, hover).unwrap();
    let evidence = scene.path("data/evidence");
    let told = eventually("evidence of somebody in the square is sealed", || finally_sealed(&evidence));
    let bundle = told.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let record: Value = serde_json::from_slice(&std::fs::read(bundle.join("incident.json")).unwrap()).unwrap();
    let fix = &record["incident"]["subject"]["fix"];
    assert!((fix["lat_deg"].as_f64().unwrap() - hover.lat_deg).abs() < 0.002, "{fix}");
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
