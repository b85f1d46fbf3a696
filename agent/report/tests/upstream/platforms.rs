//! A platform of GA/T 1400 with real digest authentication, which forgets the device and is busy now and then.

use std::time::Duration;

use forewarn_domain::Class;
use forewarn_report::{Outbox, People, UpstreamHandle};
use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{drained, eventually, outbox_for, report, start};
use crate::webhook::adapter_with;

const DEVICE: &str = "31000000001190000001";

/// An incident of this class, with a picture of 200 by 100 pixels in its bundle, in which it is at (20, 10) to (60, 50).
fn tell(outbox: &mut Outbox, people: &People, n: u64, class: &str) {
    let mut told = report(n, 5);
    told.incident.subject.class = Class::new(class);
    let folder = people.evidence.join(told.incident.bundle());
    std::fs::create_dir_all(&folder).unwrap();
    image::RgbImage::from_pixel(200, 100, image::Rgb([90, 120, 30])).save(folder.join("escalated.jpg")).unwrap();
    let snapshot =
        json!({ "file": "escalated.jpg", "width": 200, "height": 100, "subject_box": [20.0, 10.0, 60.0, 50.0] });
    std::fs::write(folder.join("incident.json"), json!({ "snapshots": [snapshot] }).to_string()).unwrap();
    outbox.record(&told, None).unwrap();
}

fn connect(server: &Server, outbox: &Outbox, people: People, password: &str) -> UpstreamHandle {
    connect_with(server, outbox, people, password, "")
}

fn connect_with(server: &Server, outbox: &Outbox, people: People, password: &str, more: &str) -> UpstreamHandle {
    let url = format!("http://127.0.0.1:{}", server.port);
    let keys = format!(r#""url":"{url}","device_id":"{DEVICE}","password_env":"SECRET","keep_alive_s":1{more}"#);
    start("gat1400", adapter_with("gat1400", &keys, password, people).as_ref(), outbox)
}

fn told(server: &Server) -> Vec<Value> {
    server.asked().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_device_registers_by_digest_tells_of_vehicles_and_people_and_comes_back_when_it_was_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let people = People { evidence: dir.path().join("evidence"), ..People::default() };
    let mut outbox = outbox_for(dir.path(), &["gat1400"]);
    for (n, class) in [(1, "car"), (2, "person"), (3, "bicycle")] {
        tell(&mut outbox, &people, n, class);
    }
    let server = Server::viid(&[DEVICE, "open sesame", "1"]);
    let handle = connect(&server, &outbox, people, "open sesame");
    let stats = drained(&handle);
    assert!(stats.last_error.unwrap().contains("code 2, \"busy\""));
    eventually("a sign of life is given", || server.count(&["Keepalive"]) > 0);
    let stats = handle.stop(Duration::from_secs(10));
    assert_eq!((stats.acknowledged, stats.given_up), (3, 0));

    let told = told(&server);
    assert!(told.iter().all(|one| one["identify"] == DEVICE && one["type"] == "application/VIID+JSON"));
    let way = |one: &Value| {
        let path = one["path"].as_str().unwrap().trim_start_matches("/VIID/").to_owned();
        (path, one["status"].as_u64().unwrap(), one["code"].as_u64().unwrap())
    };
    let ways: Vec<_> = told.iter().map(way).filter(|(path, ..)| path != "System/Keepalive").collect();
    let way = |path: &str, status, code| (path.to_owned(), status, code);
    assert_eq!(
        ways,
        [
            way("System/Register", 401, 1),
            way("System/Register", 200, 0),
            way("MotorVehicles", 200, 2),
            way("System/Register", 401, 1),
            way("System/Register", 200, 0),
            way("MotorVehicles", 200, 0),
            way("Persons", 403, 4),
            way("System/Register", 401, 1),
            way("System/Register", 200, 0),
            way("Persons", 200, 0),
            way("Images", 200, 0),
            way("System/UnRegister", 200, 0),
        ]
    );
    let of = |path: &str| told.iter().find(|one| one["path"] == format!("/VIID/{path}") && one["code"] == 0).unwrap();
    let whole = |kind: &str| json!([kind, 200, 100, "ffd8ff", "ffd9"]);
    let close = |kind: &str| json!([kind, 48, 48, "ffd8ff", "ffd9"]);
    assert_eq!(of("MotorVehicles")["pictures"], json!([whole("14"), close("09")]));
    assert_eq!(of("Persons")["pictures"], json!([whole("14"), close("10")]));
    assert_eq!(of("Images")["pictures"], json!([[null, 200, 100, "ffd8ff", "ffd9"]]));
    let vehicle = &of("MotorVehicles")["body"]["MotorVehicleListObject"]["MotorVehicleObject"][0];
    assert_eq!((&vehicle["PlateNo"], &vehicle["DeviceID"]), (&json!("苏A12340"), &json!(DEVICE)));
}

#[test]
fn a_password_that_is_wrong_is_told_in_words_and_everything_waits() {
    let dir = tempfile::tempdir().unwrap();
    let people = People { evidence: dir.path().join("evidence"), ..People::default() };
    let mut outbox = outbox_for(dir.path(), &["gat1400"]);
    tell(&mut outbox, &people, 1, "car");
    let server = Server::viid(&[DEVICE, "open sesame", "0"]);
    let handle = connect(&server, &outbox, people, "close sesame");
    eventually("it is told", || handle.stats().last_error.is_some_and(|why| why.contains("it refuses the login")));
    let stats = handle.stats();
    assert_eq!((stats.acknowledged, stats.depth_messages, stats.connections), (0, 1, 0));
    assert_eq!(server.count(&["MotorVehicles"]), 0);
}

#[test]
fn over_a_thin_link_objects_go_first_and_alone_and_small_scenes_follow_within_the_budget() {
    let dir = tempfile::tempdir().unwrap();
    let people = People { evidence: dir.path().join("evidence"), ..People::default() };
    let mut outbox = outbox_for(dir.path(), &["gat1400"]);
    for (n, class) in [(1, "car"), (2, "person"), (3, "bicycle")] {
        tell(&mut outbox, &people, n, class);
        // More than a thin link carries, until it is made small.
        let folder = people.evidence.join(report(n, 5).incident.bundle());
        let noise = |x: u32, y: u32| (x / 4).wrapping_mul(2_654_435_761) ^ (y / 4).wrapping_mul(40_503);
        let scene = image::RgbImage::from_fn(1280, 720, |x, y| {
            let [a, b, c, _] = noise(x, y).to_le_bytes();
            image::Rgb([a, b, c])
        });
        scene.save(folder.join("escalated.jpg")).unwrap();
    }
    let server = Server::viid(&[DEVICE, "open sesame", "0"]);
    // The hour has room for the objects and a picture or two.
    let budget = r#","thin":{"kib_per_hour":30,"kib_per_day":30}"#;
    let handle = connect_with(&server, &outbox, people, "open sesame", budget);
    drained(&handle);
    // What is on its way counts neither as sent nor as waiting.
    let is_at_rest = || {
        let pictures = handle.stats().pictures;
        pictures.are_held_back && pictures.sent >= 1 && pictures.sent + pictures.waiting == 3
    };
    eventually("the budget is used up, and nothing is on its way", is_at_rest);
    let pictures = handle.stats().pictures;
    handle.stop(Duration::from_secs(10));

    let objects: Vec<Value> = told(&server).into_iter().filter(|one| one["code"] == 0).collect();
    let objects: Vec<&Value> =
        objects.iter().filter(|one| !one["path"].as_str().unwrap().starts_with("/VIID/System/")).collect();
    let paths: Vec<&str> = objects.iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths[..4], ["/VIID/MotorVehicles", "/VIID/Persons", "/VIID/Images", "/VIID/Images"]);
    assert_eq!(paths.len(), 3 + pictures.sent as usize);
    for words in &objects[..3] {
        assert!(words["pictures"] == json!([]) && words["body"].to_string().len() <= 2_000, "{words}");
    }
    let image = |one: &Value| one["body"]["ImageListObject"]["Image"][0].clone();
    let of = |n: usize| image(objects[n])["ImageInfo"]["ImageID"].clone();
    let person = &objects[1]["body"]["PersonListObject"]["PersonObject"][0];
    // The newest first.
    assert_eq!(of(3), of(2));
    assert!(objects.get(4).is_none_or(|next| image(next)["ImageInfo"]["ImageID"] == person["SourceID"]));
    for picture in &objects[3..] {
        let bytes = image(picture)["Data"].as_str().unwrap().len();
        assert!((2_000..=15_000).contains(&bytes), "{bytes} bytes");
    }
}
