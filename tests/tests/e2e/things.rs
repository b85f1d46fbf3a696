//! Things that no model names, seen by a running agent: what falls before a facade.

use std::path::{Path, PathBuf};

use forewarn_domain::IncidentState;
use forewarn_tests::camera::CameraOptions;
use forewarn_tests::scenes::encode::Encoder;
use forewarn_tests::wait::within;
use forewarn_tests::{Agent, Broker, CameraEntry, PATIENCE, Scene, Session, SimCamera, SiteFile, Subscriber};
use forewarn_wire::Event;
use image::{Rgb, RgbImage};

use crate::live::{assert_stops, finally_sealed};

const SIZE: (u32, u32) = (640, 360);
const FPS: u32 = 25;
/// Twelve floors in 320 rows, three metres each: so many pixels a second squared.
const G_PX_S2: f64 = 87.0;
const FALL_FROM_S: f64 = 4.0;
const TOP_PX: f64 = 60.0;
const GROUND_PX: f64 = 340.0;

const RULE: &str = r#"
[[camera.rule]]
violation = "thrown_object"
with = { least_floor = 5, warning.text = { en = "Stop." }, warning.timeout_s = 8, observe.for_s = 4, observe.gone_after_s = 2, evidence.pre_roll_s = 3, evidence.post_roll_s = 1 }
"#;

/// A facade with windows before which a dark box falls once from the tenth floor.
fn facade(dir: &Path) -> PathBuf {
    let path = dir.join("facade.mp4");
    let mut encoder = Encoder::start(&path, SIZE, FPS).unwrap();
    let is_window = |x: u32, y: u32| x % 64 > 40 && y % 27 > 12;
    let wall = RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| {
        let grain = ((x * 7 + y * 13) % 11) as u8;
        if is_window(x, y) { Rgb([86 + grain, 92, 104]) } else { Rgb([188 + grain, 178, 160]) }
    });
    for n in 0..FPS * 9 {
        let falls_s = (f64::from(n) / f64::from(FPS) - FALL_FROM_S).max(0.0);
        let y = (TOP_PX + 0.5 * G_PX_S2 * falls_s * falls_s).min(GROUND_PX);
        let mut frame = wall.clone();
        if falls_s > 0.0 && y < GROUND_PX {
            for (dx, dy) in (0..9).flat_map(|dx| (0..9).map(move |dy| (dx, dy))) {
                frame.put_pixel(300 + dx, y as u32 + dy, Rgb([20, 24, 30]));
            }
        }
        encoder.add(&frame).unwrap();
    }
    encoder.finish().unwrap();
    path
}

#[test]
fn what_falls_before_a_facade_is_warned_of_and_its_floor_is_told() {
    let scene = Scene::new().unwrap();
    let clip = facade(scene.dir());
    let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip)).unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    let floors = "falling_objects = { floors = { ground_y_px = 340, floor_height_px = 27 } }";
    let entry = CameraEntry::new("street", camera.url(), RULE).with("speakers = [\"horn\"]").with(floors);
    let site = SiteFile::new().upstream(&broker.url(), "").wav_speaker("horn").camera(entry);
    let site = site.write(scene.dir()).unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();

    let is = |state: IncidentState| move |event: &Event| event.data.incident.state == state;
    let confirmed = platform.event("a fall", is(IncidentState::Confirmed));
    let confirmed = confirmed.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    let finding = &confirmed.data.incident.findings[0];
    assert_eq!(
        (finding.attribute.as_str(), confirmed.data.incident.violation.as_str()),
        ("fell_from", "thrown_object")
    );
    let floor = finding.text.as_deref().unwrap_or_default();
    assert!(["floor 10", "floor 11", "floor 12"].contains(&floor), "{floor:?}");
    platform.event("a warning", is(IncidentState::Warned)).unwrap();
    platform.event("an end", is(IncidentState::Closed)).unwrap();
    let data = scene.path("data");
    let sealed = within(PATIENCE, "the evidence is sealed", || finally_sealed(&data));
    let bundle = sealed.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert!(forewarn_evidence::verify(&bundle).unwrap().is_intact(), "{}", bundle.display());
    assert!(bundle.join("confirmed.mp4").is_file(), "the clip shows the fall");
    let manifest = std::fs::read_to_string(bundle.join("manifest.json")).unwrap();
    assert!(!manifest.contains("-look-"), "nobody looked closer, and no look is missing: {manifest}");
    assert_stops(agent);
}
