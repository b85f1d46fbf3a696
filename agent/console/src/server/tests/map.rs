//! What the map lies on, whose places it shows, and that nobody fetches anything else by it.

use std::sync::LazyLock;

use forewarn_domain::StreamId;
use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use super::console::{Scene, Visitor};
use super::reach::guard_of_the_yard;
use super::*;

/// A plan of two blocks along a street, and a tile.
static SITE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let is_street = |x: u32, y: u32| (140..180).contains(&y) || (300..335).contains(&x);
    let plan = RgbImage::from_fn(640, 320, |x, y| Rgb(if is_street(x, y) { [255; 3] } else { [221, 225, 214] }));
    plan.save(dir.path().join("plan.jpg")).unwrap();
    std::fs::create_dir_all(dir.path().join("tiles/3/6")).unwrap();
    plan.save(dir.path().join("tiles/3/6/2.jpg")).unwrap();
    std::fs::write(dir.path().join("secret.png"), "secret").unwrap();
    dir
});

pub(super) fn ground() -> MapGround {
    let tiles = Some(SITE.path().join("tiles"));
    MapGround { picture: Some(SITE.path().join("plan.jpg")), tiles, ..MapGround::default() }
}

/// Two cells of the gate, and one of the yard that nobody has drawn.
pub(super) fn places(cameras: &[CameraNow]) -> PlacesNow {
    let is_asked = |camera: &str| cameras.iter().any(|one| one.id.as_str() == camera);
    let square = |x: f64, w: f64| json!([[[x, 0.0], [x + w, 0.0], [x + w, 1.0], [x, 1.0], [x, 0.0]]]);
    let cell = |name: &str, colour: &str, score: f64, rings: Value| {
        json!({ "name": name, "path": format!("shipai/{name}"), "colour": colour, "score": score, "incidents": 4,
            "complied": 3, "escalated": 1, "cameras": 1, "rings": rings })
    };
    let gate = [cell("C-01", "green", 96.2, square(0.02, 0.42)), cell("C-02", "yellow", 83.5, square(0.54, 0.44))];
    let yard = cell("C-03", "red", 61.0, Value::Null);
    let cells = gate.into_iter().filter(|_| is_asked("gate")).chain([yard].into_iter().filter(|_| is_asked("yard")));
    let way = (StreamId::new("gate").unwrap(), vec![[0.1, 0.9], [0.4, 0.5], [0.9, 0.45]]);
    PlacesNow { cells: cells.collect(), ways: vec![way] }
}

#[test]
fn the_map_tells_places_cameras_and_ways_of_those_cameras_that_somebody_reaches() {
    let scene = Scene::new();
    let admin = scene.admin();
    let map = |who: &Visitor, query: &str| scene.get(who, &format!("/api/v1/stats/map{query}"));
    let told = map(&admin, "?from=2026-11-01&to=2026-11-30").json();
    assert_eq!((&told["from"], told["cells"].as_array().unwrap().len()), (&json!("2026-11-01"), 3));
    let ground = json!({ "has_picture": true, "is_plan": true, "corners": null, "zooms": [3, 3] });
    assert_eq!((&told["ground"], &told["ways"][0]["camera"]), (&ground, &json!("gate")));
    assert_eq!(told["cameras"][0], json!({ "id": "gate", "at": [0.25, 0.5], "trouble": null, "trouble_zh": null }));
    assert_eq!((map(&admin, "?from=2026-12-01&to=2026-11-30").status, map(&Visitor::default(), "").status), (400, 401));
    let seen = map(&guard_of_the_yard(&scene, &admin), "").json();
    assert_eq!((seen["cells"].as_array().unwrap().len(), &seen["cells"][0]["name"]), (1, &json!("C-03")));
    assert_eq!((&seen["cameras"][0]["id"], &seen["ways"]), (&json!("yard"), &json!([])));
}

#[test]
fn the_plan_and_tiles_are_shown_to_whoever_is_signed_in_and_nothing_beside_them() {
    let scene = Scene::new();
    let admin = scene.admin();
    let picture = scene.get(&admin, "/api/v1/stats/map/picture");
    assert_eq!((picture.status, picture.headers["content-type"].as_str()), (200, "image/jpeg"));
    let status = |path: &str| scene.get(&admin, &format!("/api/v1/stats/map/tiles/{path}")).status;
    assert_eq!((status("3/6/2"), status("3/6/3"), status("4/6/2")), (200, 404, 404));
    for path in ["..%2f../secret/2", "3/6/..%2f..%2f..%2fsecret", "3/6/2.jpg", "-1/6/2", "3/6/99999999999"] {
        assert!(status(path) >= 400 && status(path) < 500, "{path}");
    }
    assert_eq!(scene.get(&Visitor::default(), "/api/v1/stats/map/picture").status, 401);
}
