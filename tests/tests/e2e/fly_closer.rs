//! Whoever is too small for what is asked of him: how near a drone would have to come, in the message that a phone gets, in the log
//! and in the report of the flight.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};

use forewarn_base::thread::Thread;
use forewarn_tests::drone::{Drone, Hover};
use forewarn_tests::process::free_port;
use forewarn_tests::{Agent, CameraEntry, PATIENCE, Scene, SiteFile, clips, eventually, program};

use super::live::assert_stops;

/// Where the demo's camera hovers, as it sees the square.
const HOVER: Hover = Hover { lat_deg: 30.2741, lon_deg: 120.1551, height_m: 107.5, yaw_deg: 20.0, pitch_deg: -18.5 };

/// Of people who stay in a square on the ground it is asked whether they wear hard hats.
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
with = { dwell_s = 0.5, confirm.for_s = 0.1, observe.for_s = 1.0, observe.complied_after_s = 60, observe.gone_after_s = 60, evidence.attributes = ["hard_hat"] }
"#;

/// A server of ntfy that takes whatever comes, and tells what came.
fn phones() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hill", listener.local_addr().unwrap());
    let (tell, told) = sync_channel(64);
    let serve = move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if let Some(asked) = asked(stream)
                && tell.try_send(asked).is_err()
            {
                return;
            }
        }
    };
    // It serves until the test's process ends.
    drop(Thread::spawn("phones", serve).unwrap());
    (url, told)
}

/// The first line of a request, as people would read it, and its body where that is text.
fn asked(stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().unwrap_or(0));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = r#"{"id":"x","event":"message"}"#;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    reader.get_mut().write_all(format!("{head}{answer}").as_bytes()).ok()?;
    let target = url::Url::parse(&format!("http://here{}", first.split_whitespace().nth(1)?)).ok()?;
    let told: Vec<String> = target.query_pairs().map(|(key, value)| format!("{key}: {value}")).collect();
    Some(format!("{}\n{}", told.join("\n"), String::from_utf8_lossy(&body)))
}

/// The metres behind `word`, all of whose digits it tells.
fn metres(text: &str, word: &str) -> Option<u32> {
    let rest = text.split_once(word)?.1;
    rest.split_once(" m").and_then(|(metres, _)| metres.parse().ok())
}

#[test]
fn a_phone_the_log_and_the_report_tell_how_near_to_fly_to_whom_is_too_small() {
    let scene = Scene::new().unwrap();
    let (clip, port) = (scene.path("clip.mp4"), free_port().unwrap());
    clips::scaled(&program::demo_clip().unwrap(), 20.0, (320, 240), &clip).unwrap();
    let (url, told) = phones();
    let camera = CameraEntry::new("drone", format!("udp://127.0.0.1:{port}"), SQUARE);
    let mut site = SiteFile::new().camera(camera);
    site.tables.push_str(&["[upstream.officer]\nkind = \"ntfy\"\nurl = \"", &url, "\"\n\n"].concat());
    let site = site.write(scene.dir()).unwrap();
    let config = site.to_str().unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    scene.program.succeed(["mission", "start", "--config", config, "--route", "Hill", "--pilot", "Li Wei"]).unwrap();
    let sent = Drone::start(&clip, scene.dir(), port, HOVER).unwrap();

    let message = told.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error}\n{}", agent.log()));
    let near_m = metres(&message, "Fly closer: within ").unwrap_or_else(|| panic!("{message}\n{}", agent.log()));
    assert!((5..200).contains(&near_m), "{message}");
    assert!(message.contains("to tell hard_hat"), "{message}");
    let logged = metres(&agent.log(), "fly closer: hard_hat can be told within ");
    assert!(logged.is_some_and(|metres| (5..200).contains(&metres)), "{}", agent.log());

    let missions = scene.path("data/missions");
    eventually("the flight is noted", || {
        let notes = super::drone::noted(&missions, "\"person\"");
        notes.iter().any(|note| note.contains("fly_within_m")).then_some(())
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    scene.program.succeed(["mission", "stop", "--config", config]).unwrap();
    drop(sent);
    assert_stops(agent);
    let page = scene.path("flight.html");
    scene.program.succeed(["mission", "report", "--config", config, "--out", page.to_str().unwrap()]).unwrap();
    let page = std::fs::read_to_string(&page).unwrap();
    assert!(page.contains("too small; within"), "{}", page.len());
}
