//! A real listener on loopback: what its pages say, and what it does with clients that take too much of it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream as Client;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::found_camera::{AskedCamera, FoundCamera, FoundStream};
use forewarn_domain::site_change::{NewCamera, NewSpeaker, SiteChange};
use forewarn_domain::violation::{Language, Text};
use forewarn_domain::{
    CaseCommand, CaseStage, Class, ColourMatrix, Frame, FrameMeta, IncidentRecord, MapGround, PixelFormat, Place,
    Prepared, SpeakerId, SpokenText, Timestamp, ViewPiece, Viewing, ViolationId, Wake, WallTime,
};
use forewarn_wire::WireIncident;
use jiff::civil::Date;

use super::*;
use crate::bilingual::Bilingual;
use crate::health::{HealthBook, HealthReport, PartNow, words};
use crate::onlookers::Onlookers;
use crate::ports::{
    Called, CameraNow, Cameras, ChangedLine, Choices, Desk, DraftNow, Health, Incidents, Metrics, NoCall, Offer,
    Passing, PlacesNow, Refused, SiteEditor, StatsAsked,
};

mod answers;
mod app_codes;
mod changes;
mod console;
mod contract;
mod live;
mod map;
mod preview;
mod reach;
mod rehearsal;
mod review;
mod sentences;
mod tls;
mod whep;

struct Fixed;

const HEALTH: &str =
    r#"{"is_healthy":false,"troubles":["gate: interrupted (since 1970-01-01T00:00:00.000Z)"],"warnings":[]}"#;

static TURNED_AWAY: AtomicU64 = AtomicU64::new(0);

impl Metrics for Fixed {
    fn text(&self) -> String {
        "forewarn_frames_in_total 3\n".to_owned()
    }

    fn turned_away(&self, listener: Listener) {
        assert_eq!(listener, Listener::Metrics);
        TURNED_AWAY.fetch_add(1, Ordering::Relaxed);
    }

    fn given_up(&self, _pictures: u64) {}
    fn calls(&self, _n: usize) {}
}

impl Health for Fixed {
    fn report(&self) -> HealthReport {
        let mut book = HealthBook::default();
        book.take(
            Timestamp::ZERO,
            vec![PartNow::trouble("gate", Bilingual::fixed("interrupted", "中断"), words::NOTHING)],
        );
        book.report(|at| WallTime::from_micros(at.as_micros()))
    }
    fn certificate(&self, _trouble: Option<String>) {}
}

impl Incidents for Fixed {
    fn open(&self) -> Vec<WireIncident> {
        Vec::new()
    }

    fn stats(&self, asked: StatsAsked) -> Result<serde_json::Value, String> {
        let complied = if asked.cameras.is_some_and(|cameras| cameras == ["yard"]) { 1 } else { 3 };
        let row = |name: &str, complied: u32, escalated: u32| {
            let share = f64::from(complied) / f64::from(complied + escalated);
            serde_json::json!({ "name": name, "incidents": complied + escalated + 1, "sent": complied + escalated, "complied": complied,
                "heard": complied + escalated, "escalated": escalated, "share": share, "between": [share - 0.1, share + 0.05],
                "median_s": 6.5, "p90_s": 21.0 })
        };
        Ok(
            serde_json::json!({ "all": row("all", complied, 1), "violations": [row("illegal_parking", 2, 1), row("loitering", 1, 0)],
            "zones": [row("gate/kerb", 2, 1), row("gate/plaza", 1, 0)], "hours": [row("08:00", 1, 0), row("17:00", 2, 1)],
            "texts": [row("loitering/kind", 1, 0)], "verdicts": [{ "violation": "loitering", "winner": null }] }),
        )
    }

    fn places(&self, cameras: &[CameraNow], _days: (Date, Date)) -> Result<PlacesNow, String> {
        Ok(map::places(cameras))
    }
}

impl Cameras for Fixed {
    fn all(&self) -> Vec<CameraNow> {
        rehearsal::Watched.all()
    }
    fn classes(&self) -> Vec<Class> {
        rehearsal::Watched.classes()
    }
    fn ground(&self) -> MapGround {
        map::ground()
    }
    fn still(&self, _camera: &str) -> Option<Frame> {
        None
    }
    fn view(&self, camera: &str, _is_small: bool, wake: Wake) -> Option<Box<dyn Viewing>> {
        (camera != "yard").then(|| live::scripted(camera, wake))
    }
    fn call(&self, _camera: &str, offer: &Offer) -> Option<Result<Called, NoCall>> {
        Some(whep::scripted(offer))
    }
}

impl Desk for Fixed {
    fn suppress(&self, _incident: &IncidentRecord, _asked: &Passing) -> Result<u32, String> {
        Ok(7)
    }
    fn case(&self, told: CaseCommand) -> Result<(), String> {
        if told.stage == CaseStage::Sent { Err(format!("{} tells what cannot be", told.by)) } else { Ok(()) }
    }
    fn speakers(&self) -> Vec<SpeakerId> {
        vec![SpeakerId::new("horn").unwrap()]
    }
    fn prepared(&self) -> Vec<Prepared> {
        let text = |en: &str, zh: &str| Text { en: Some(en.to_owned()), zh: Some(zh.to_owned()) };
        let loitering = ("loitering", text("Loitering", "徘徊逗留"), text("Please move on.", "请勿逗留。"), None);
        let closing = ("file:closing.wav", text("closing.wav", "closing.wav"), Text::default(), Some("closing.wav"));
        let ready = |(id, title, text, sound): (&str, Text, Text, Option<&str>)| Prepared {
            id: id.to_owned(),
            title,
            text,
            sound: sound.map(str::to_owned),
        };
        [loitering, closing].map(ready).into()
    }
    fn play(&self, speaker: &SpeakerId, prepared: &Prepared, language: Language) -> Result<String, Bilingual> {
        let silent = SpokenText { language, text: String::new() };
        self.say(speaker, &prepared.text.in_language(language).unwrap_or(silent))
    }
    fn wav(&self, speaker: &SpeakerId, text: SpokenText, sound: Option<String>) -> Result<Vec<u8>, Bilingual> {
        self.say(speaker, &text).map(|_| format!("RIFF of {} or {sound:?}", text.text).into_bytes())
    }
    fn say(&self, speaker: &SpeakerId, text: &SpokenText) -> Result<String, Bilingual> {
        if speaker.as_str() != "horn" {
            return Err(Bilingual::quoted("there is no such loudspeaker", "没有此扬声器"));
        }
        Ok(format!("{} s, rendered", text.text.len()))
    }
    fn talk(&self, speaker: &SpeakerId, wav: &[u8]) -> Result<String, Bilingual> {
        if wav.starts_with(b"RIFF") {
            Ok(format!("{} bytes by {speaker}", wav.len()))
        } else {
            Err(words::not_heard("silence"))
        }
    }
    fn command(&self, message: Vec<u8>) -> Result<serde_json::Value, Bilingual> {
        match message.as_slice() {
            b"none" => Err(Bilingual::quoted("the site takes no commands", "没有配置命令")),
            other => Ok(serde_json::json!({ "outcome": String::from_utf8_lossy(other) })),
        }
    }
    fn report(&self, _bundle: &Path, _language: Language) -> Result<String, String> {
        Ok("<p>report".to_owned())
    }
}

impl SiteEditor for Fixed {
    fn change(&self, changes: &[SiteChange], base: Option<&str>) -> Result<DraftNow, Refused> {
        let is_gate =
            |change: &SiteChange| !matches!(change, SiteChange::Draw { camera, .. } if camera.as_str() != "gate");
        match base {
            None | Some("b1") if changes.iter().all(is_gate) => {}
            Some(_) => return Err(Refused::Stale),
            _ => return Err(Refused::Incorrect(Bilingual::quoted("there is no such camera", "没有"))),
        }
        let lines = changes.iter().map(|one| ChangedLine::In(format!("{one:?}"))).collect();
        Ok(DraftNow { base: "b1".to_owned(), lines, doubts: vec!["small".to_owned()] })
    }
    fn undo(&self) -> Result<DraftNow, Refused> {
        Err(Refused::Incorrect(Bilingual::quoted("there is nothing to go back to", "没有")))
    }
    fn look(&self, camera: &NewCamera) -> Result<Frame, Refused> {
        if camera.password != "s3" {
            return Err(Refused::Incorrect(Bilingual::quoted("the camera refused the password", "密码错误")));
        }
        let meta = FrameMeta {
            stream: camera.id.clone(),
            sequence: 0,
            captured_at: Timestamp::ZERO,
            arrived_at: Timestamp::ZERO,
        };
        Ok(Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (4, 4), vec![90; 48]).unwrap())
    }
    fn find(&self) -> Result<Vec<FoundCamera>, Refused> {
        let address = "http://10.0.0.5/onvif/device_service".to_owned();
        Ok(vec![FoundCamera { address, name: "North gate".to_owned(), model: String::new() }])
    }
    fn streams(&self, camera: &AskedCamera) -> Result<Vec<FoundStream>, Refused> {
        if camera.password != "s3" {
            return Err(Refused::Incorrect(words::not_found("the camera does not take the password")));
        }
        let (name, url) = ("main".to_owned(), "rtsp://10.0.0.5/1".to_owned());
        Ok(vec![FoundStream { name, url, coding: "H264".to_owned(), size_px: (1920, 1080) }])
    }
    fn hear(&self, speaker: &NewSpeaker, text: &SpokenText) -> Result<String, Refused> {
        Ok(format!("{} by {}", text.text, speaker.id))
    }
    fn choices(&self) -> Result<Choices, Refused> {
        let (en, zh) = (Some("Intrusion".to_owned()), Some("闯入禁区".to_owned()));
        let violations = vec![(ViolationId::new("intrusion").unwrap(), Text { en, zh })];
        Ok(Choices { violations, speakers: vec![SpeakerId::new("horn").unwrap()] })
    }
}

fn ports() -> Ports {
    Ports {
        metrics: Arc::new(Fixed),
        health: Arc::new(Fixed),
        incidents: Arc::new(Fixed),
        cameras: Arc::new(Fixed),
        desk: Arc::new(Fixed),
        site: Arc::new(Fixed),
        onlookers: Onlookers::default(),
    }
}

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A listener that has less patience than usual.
fn hasty(limits: Limits) -> Server {
    let pages = Pages { open: api::of_metrics(&ports(), Hosts::default()), strangers: None, hosts: Hosts::default() };
    Server::within(limits, Listener::Metrics, loopback(), &ports(), (None, |_| pages)).unwrap()
}

fn get(server: &Server, path: &str) -> (u16, String) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut answer = agent.get(format!("http://{}{path}", server.address())).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn connect(server: &Server, says: &str) -> Client {
    let mut client = Client::connect(server.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client.write_all(says.as_bytes()).unwrap();
    client
}

/// What the server says until it closes the connection.
fn heard(mut client: Client) -> String {
    let mut text = Vec::new();
    match client.read_to_end(&mut text) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("the connection stays open: {error}"),
        _ => String::from_utf8(text).unwrap(),
    }
}

#[test]
fn metrics_health_and_incidents_are_served_on_loopback() {
    let server = Server::of_metrics(loopback(), &ports(), Hosts::default()).unwrap();
    assert_eq!(get(&server, "/metrics"), (200, "forewarn_frames_in_total 3\n".to_owned()));
    assert_eq!(get(&server, "/healthz"), (503, HEALTH.to_owned()));
    assert_eq!(get(&server, "/api/v1/incidents"), (200, "[]".to_owned()));
}

#[test]
fn a_listener_answers_under_its_names_alone() {
    let server = Server::of_metrics(loopback(), &ports(), Hosts::listed(["gate.example".to_owned()])).unwrap();
    for (host, status) in [("evil.example", "421"), ("gate.example:1", "200"), ("127.0.0.1", "200")] {
        let asked = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = heard(connect(&server, &asked));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
}

#[test]
fn an_address_that_can_be_seen_from_outside_is_refused() {
    let refused = Server::of_metrics("0.0.0.0:0".parse().unwrap(), &ports(), Hosts::default());
    let refused = refused.err().map(|e| e.to_string()).unwrap();
    assert!(refused.contains("[metrics] listen") && refused.contains("only loopback"), "{refused}");
}

#[test]
fn a_request_that_is_never_finished_does_not_hold_the_stop_up() {
    let server = Server::of_metrics(loopback(), &ports(), Hosts::default()).unwrap();
    let clients = [connect(&server, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"), connect(&server, "")];
    get(&server, "/healthz");
    let stopwatch = Stopwatch::start();
    drop(server);
    assert!(stopwatch.elapsed() < Duration::from_secs(4), "{:?}", stopwatch.elapsed());
    for client in clients {
        assert!(!heard(client).contains("200"));
    }
}

#[test]
fn a_port_that_never_answers_does_not_hold_the_stop_up() {
    struct Stuck(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);
    impl Health for Stuck {
        fn report(&self) -> HealthReport {
            self.0.lock().unwrap().recv().unwrap();
            HealthBook::default().report(|at| WallTime::from_micros(at.as_micros()))
        }
        fn certificate(&self, _trouble: Option<String>) {}
    }
    let (go_on, stuck) = std::sync::mpsc::sync_channel(1);
    let ports = Ports { health: Arc::new(Stuck(std::sync::Mutex::new(stuck))), ..ports() };
    let server = Server::of_metrics(loopback(), &ports, Hosts::default()).unwrap();
    let client = connect(&server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(get(&server, "/metrics").0, 200, "other pages are served meanwhile");
    let stopwatch = Stopwatch::start();
    drop(server);
    assert!(stopwatch.elapsed() < Duration::from_secs(5), "{:?}", stopwatch.elapsed());
    assert_eq!(heard(client), "");
    go_on.send(()).unwrap();
}

#[test]
fn connections_beyond_the_cap_are_closed_at_once_and_those_that_say_nothing_make_room() {
    let limits = Limits { connections: 3, header: Duration::from_secs(1), ..Limits::of(Listener::Metrics) };
    let server = hasty(limits);
    let silent: Vec<Client> = (0..3).map(|_| connect(&server, "")).collect();
    let mut turned_away = connect(&server, "");
    assert!(matches!(turned_away.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert_eq!(TURNED_AWAY.load(Ordering::Relaxed), 1);
    for client in silent {
        heard(client);
    }
    assert_eq!(get(&server, "/healthz").0, 503);
}

#[test]
fn a_connection_ends_however_long_the_client_goes_on() {
    let limits = Limits { connection: Duration::from_millis(300), ..Limits::of(Listener::Metrics) };
    let server = hasty(limits);
    let answer = heard(connect(&server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /metr"));
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[test]
fn headers_without_end_are_refused() {
    let server = Server::of_metrics(loopback(), &ports(), Hosts::default()).unwrap();
    let endless = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(64 * 1024));
    let mut client = Client::connect(server.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The server may have closed the connection before all of it is written.
    drop(client.write_all(endless.as_bytes()));
    let answer = heard(client);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}
