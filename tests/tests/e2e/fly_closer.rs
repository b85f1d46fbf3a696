//! Whoever is too small for what is asked of him: how near a drone would have to come, in the message that a phone gets, in the log
//! and in the report of the flight.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};

use forewarn_base::thread::Thread;
use forewarn_tests::asked::Asked;
use forewarn_tests::drone::Drone;
use forewarn_tests::process::free_port;
use forewarn_tests::{Agent, CameraEntry, PATIENCE, Scene, SiteFile, clips, eventually, program};

use super::drone::{HOVER, SQUARE, noted};
use super::live::assert_stops;

/// A server of ntfy that takes whatever comes, and tells what came.
fn phones() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hill", listener.local_addr().unwrap());
    let (tell, told) = sync_channel(64);
    let serve = move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if let Some(message) = told_by(stream)
                && tell.try_send(message).is_err()
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
fn told_by(mut stream: TcpStream) -> Option<String> {
    let asked = Asked::read(&stream).ok()?;
    let answer = r#"{"id":"x","event":"message"}"#;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    stream.write_all(format!("{head}{answer}").as_bytes()).ok()?;
    let target = url::Url::parse(&format!("http://here{}", asked.head.split_whitespace().nth(1)?)).ok()?;
    let told: Vec<String> = target.query_pairs().map(|(key, value)| format!("{key}: {value}")).collect();
    Some(format!("{}\n{}", told.join("\n"), String::from_utf8_lossy(&asked.body)))
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
    // Of people who stay in the square it is asked whether they wear hard hats.
    let asks = "observe.for_s = 1.0, observe.complied_after_s = 60, evidence.attributes = [\"hard_hat\"]";
    let rules = SQUARE.replace("observe.for_s = 0.5", asks).replace("gone_after_s = 0.5", "gone_after_s = 60");
    let camera = CameraEntry::new("drone", format!("udp://127.0.0.1:{port}"), rules);
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
        let notes = noted(&missions, "\"person\"");
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
