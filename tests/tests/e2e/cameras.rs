//! What `forewarn check --probe` and `forewarn snapshot` say of a camera, and a replay of one of several cameras.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use forewarn_tests::camera::CameraOptions;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::wait::pause;
use forewarn_tests::{Agent, CameraEntry, PATIENCE, Scene, SimCamera, SiteFile, clips, eventually, program};

use super::live::assert_stops;

const ZONES: &str = "[[camera.zone]]\nid = \"kerb\"\npolygon = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]\n\
                     [[camera.zone]]\nid = \"far\"\npolygon = [[3000, 1500], [3500, 1500], [3500, 2000]]\n\
                     [[camera.rule]]\nviolation = \"loitering\"\nzone = \"kerb\"\n";

/// A recording of an old camera.
fn motion_jpeg(scene: &Scene) -> PathBuf {
    let path = scene.path("old.avi");
    let line = "videotestsrc num-buffers=20 ! video/x-raw,width=320,height=240 ! jpegenc ! avimux ! filesink";
    let location = format!("location={}", path.display());
    let made = Command::new("gst-launch-1.0").arg("--quiet").args(line.split_whitespace()).arg(location).status();
    assert!(made.unwrap().success());
    path
}

#[test]
fn a_probe_and_a_still_show_what_a_camera_sends() {
    let scene = Scene::new().unwrap();
    let clip = scene.path("short.mp4");
    clips::cut(&program::demo_clip().unwrap(), 0.0, 6.0, &clip).unwrap();
    let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip)).unwrap();
    let site = SiteFile::new()
        .camera(CameraEntry::new("gate", camera.url(), ZONES))
        .camera(CameraEntry::new("yard", format!("file:{}", clip.display()), ""))
        .camera(CameraEntry::new("old", format!("file:{}", motion_jpeg(&scene).display()), ""))
        .camera(CameraEntry::new("dead", "rtsp://127.0.0.1:9/a", ""))
        .write(scene.dir())
        .unwrap();
    let output = scene.program.run([Path::new("check"), &site, Path::new("--probe")]).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(69), "a camera is dead: {text}");
    // What is doubted of the site file comes before what is seen.
    let seen = text.split("\nbox: ").nth(1).unwrap_or_else(|| panic!("{text}"));
    let of = |id: &str| seen.split(&format!("camera {id}: ")).nth(1).unwrap_or_else(|| panic!("{text}")).to_owned();
    for id in ["gate", "yard"] {
        let told = of(id);
        assert!(told.contains("H.264 ") && told.contains(" frames a second, a key frame every "), "{text}");
        assert!(told.contains("square pixels") && told.contains("range, decoder "), "{text}");
    }
    assert!(of("old").contains("\n  Motion JPEG 320x240, "), "{text}");
    assert!(of("gate").contains(": camera gate, zone far: 3 of its 3 points lie outside"), "{text}");
    assert!(of("dead").contains("no picture: "), "{text}");

    let stills = scene.path("stills");
    let snapshot = |camera: &str| {
        let args = ["snapshot", "--camera", camera, "--config"].map(Path::new);
        scene.program.run(args.into_iter().chain([site.as_path(), Path::new("--out"), &stills])).unwrap()
    };
    assert!(snapshot("gate").status.success());
    let still = std::fs::read(stills.join("gate.png")).unwrap();
    assert!(still.starts_with(b"\x89PNG"));
    assert_eq!(snapshot("dead").status.code(), Some(69));
    assert_eq!(snapshot("door").status.code(), Some(65), "there is no such camera");
}

#[test]
fn a_replay_of_one_camera_leaves_the_others_out() {
    let scene = Scene::new().unwrap();
    let clip = scene.path("short.mp4");
    clips::cut(&program::demo_clip().unwrap(), 0.0, 2.0, &clip).unwrap();
    let live = |id: &str| CameraEntry::new(id, "rtsp://127.0.0.1:9/a", "");
    let site = SiteFile::new().camera(live("gate")).camera(live("corridor")).write(scene.dir()).unwrap();
    let replay = |cameras: &[&str]| {
        let mut args = vec!["replay".to_owned(), "--tracks".to_owned(), "--config".to_owned()];
        args.extend([site.display().to_string(), "--out".to_owned(), scene.path("out").display().to_string()]);
        args.extend(cameras.iter().flat_map(|id| ["--camera".to_owned(), format!("{id}={}", clip.display())]));
        scene.program.run(args).unwrap()
    };
    let output = replay(&["gate"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(scene.path("out").join("tracks.txt").is_file());
    assert_eq!(replay(&["gate", "gate"]).status.code(), Some(2), "one camera cannot play two clips");
    assert_eq!(replay(&["door"]).status.code(), Some(65));
}

#[test]
fn a_reload_names_what_waits_for_a_restart_and_leaves_the_rest_alone() {
    let scene = Scene::new().unwrap();
    let dead = |id: &str| CameraEntry::new(id, "rtsp://127.0.0.1:9/a", "");
    let one = || SiteFile::new().camera(dead("gate"));
    let site = one().write(scene.dir()).unwrap();
    let reload = || scene.program.run([Path::new("reload"), Path::new("--config"), &site]).unwrap().status.code();
    assert_eq!(reload(), Some(69), "nobody runs");
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    eventually("it watches", || agent.log().contains("watching").then_some(())).unwrap();

    let mut kept = one();
    kept.tables.push_str("[heat_map]\n");
    kept.write(scene.dir()).unwrap();
    assert_eq!(reload(), Some(0));
    let waits = "not taken up until the agent is started again: [heat_map] is new";
    eventually("what waits is named", || agent.log().contains(waits).then_some(())).unwrap();
    std::fs::write(&site, "[site").unwrap();
    assert_eq!(reload(), Some(64), "mistakes are told to who asks");
    one().write(scene.dir()).unwrap();
    assert_eq!(reload(), Some(0));
    eventually("so is nothing", || agent.log().contains("nothing changed").then_some(())).unwrap();
    assert!(!agent.log().contains("model exchanged"), "the model did not change: {}", agent.log());
    one().camera(dead("idle")).write(scene.dir()).unwrap();
    assert_eq!(reload(), Some(0));
    let doubt = "camera idle: no rule is bound to it";
    eventually("what is new and cannot work is told", || agent.log().contains(doubt).then_some(())).unwrap();
    assert_stops(agent);
}

#[test]
fn a_reload_watches_zones_and_rules_that_changed_and_leaves_the_camera_connected() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let corner = QUICK_LOITERING.replace("[[60, 60], [700, 60], [700, 520], [60, 520]]", "[[0, 0], [9, 0], [9, 9]]");
    assert_ne!(corner, QUICK_LOITERING);
    let watching = |rules: &str| SiteFile::new().camera(CameraEntry::new("gate", camera.url(), rules));
    let site = watching(&corner).write(scene.dir()).unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    eventually("it is connected", || agent.log().contains("connected, H.264").then_some(())).unwrap();

    watching(QUICK_LOITERING).write(scene.dir()).unwrap();
    let reload = scene.program.run([Path::new("reload"), Path::new("--config"), &site]).unwrap();
    assert_eq!(reload.status.code(), Some(0));
    eventually("what is taken up is named", || {
        agent.log().contains("taken up: a zone of camera gate changed").then_some(())
    })
    .unwrap();
    let is_confirmed = || agent.log().contains("incident=gate-loitering-").then_some(());
    eventually("people in the zone as it is drawn now are seen", is_confirmed).unwrap();
    let log = agent.log();
    assert_eq!(log.matches("connected, H.264").count(), 1, "{log}");
    assert!(!log.contains("until the agent is started again"), "{log}");
    assert_stops(agent);
}

/// Looks at a camera over one connection until that is dropped; the pictures wait in its socket.
fn look(url: &str) -> TcpStream {
    let host = url.trim_start_matches("rtsp://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut session = String::new();
    let (track, over_it) = (format!("{url}/stream=0"), "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    let questions = [("DESCRIBE", url, "Accept: application/sdp\r\n"), ("SETUP", &track, over_it), ("PLAY", url, "")];
    for (n, (method, at, more)) in questions.into_iter().enumerate() {
        write!(stream, "{method} {at} RTSP/1.0\r\nCSeq: {n}\r\n{more}{session}\r\n").unwrap();
        let (mut head, mut body) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let from = head.len();
            answers.read_line(&mut head).unwrap();
            if let Some(length) = head[from..].strip_prefix("Content-Length: ") {
                body = length.trim().parse().unwrap();
            } else if let Some(id) = head[from..].strip_prefix("Session: ") {
                session = format!("Session: {}\r\n", id.split(';').next().unwrap().trim());
            }
        }
        assert!(head.starts_with("RTSP/1.0 200 "), "{method}: {head}");
        answers.read_exact(&mut vec![0; body]).unwrap();
    }
    stream
}

#[test]
fn a_simulated_camera_goes_on_after_all_who_looked_at_it_left_while_it_stood_still() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let process = camera.process_id().unwrap().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
    for _ in 0..3 {
        let looking: Vec<_> = (0..3).map(|_| look(camera.url())).collect();
        signal("-STOP");
        // So long that there is more to send at once than the first answer that nobody is there.
        pause(Duration::from_secs(2));
        drop(looking);
        signal("-CONT");
        pause(Duration::from_secs(1));
    }
    look(camera.url());
}
