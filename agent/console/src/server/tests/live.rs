//! Live video over a real socket: who may look, what he gets, and when it ends.

use std::collections::VecDeque;

use forewarn_domain::track::TrackState;
use forewarn_domain::{BBox, Class, ColourMatrix, FrameMeta, PixelFormat, StreamId, Track, TrackId};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::StatusCode;
use tungstenite::{Error, Message, WebSocket};

use super::console::{Scene, Visitor};
use super::reach::guard_of_the_yard;
use super::*;
use crate::access::Role;

struct Scripted(VecDeque<ViewPiece>);

impl Viewing for Scripted {
    fn take(&mut self) -> Option<ViewPiece> {
        self.0.pop_front()
    }

    fn given_up(&self) -> u64 {
        if self.0.is_empty() { 3 } else { 0 }
    }
}

/// What the cameras of these tests show: a header and two pictures. The gate goes on as H.265.
pub(super) fn scripted(camera: &str, _wake: Wake) -> Box<dyn Viewing> {
    let at = |us: i64| Timestamp::from_micros(us);
    let start = |codec: &str, header: &[u8]| ViewPiece::Start {
        codec: codec.to_owned(),
        size_px: (640, 360),
        origin: at(7),
        header: header.to_vec(),
    };
    let picture = |us: i64, is_key| ViewPiece::Picture { captured_at: at(us), is_key, fragment: vec![us as u8; 3] };
    let mut pieces = VecDeque::from([start("avc1.640028", b"head"), picture(40, true), picture(80, false)]);
    if camera == "gate" {
        pieces.extend([start("hvc1.1.6.L93.B0", b"more"), picture(120, true)]);
    }
    Box::new(Scripted(pieces))
}

type Socket = WebSocket<Client>;

fn open(scene: &Scene, who: &Visitor, origin: Option<&str>) -> Result<Socket, StatusCode> {
    let mut asked = format!("ws://{}/api/v1/live", scene.server.address()).into_client_request().unwrap();
    asked.headers_mut().insert("cookie", who.cookie.parse().unwrap());
    if let Some(origin) = origin {
        asked.headers_mut().insert("origin", origin.parse().unwrap());
    }
    let client = Client::connect(scene.server.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    match tungstenite::client::client(asked, client) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(Error::Http(answer))) => Err(answer.status()),
        Err(error) => panic!("{error}"),
    }
}

fn say(socket: &mut Socket, what: &Value) {
    socket.send(Message::text(what.to_string())).unwrap();
}

fn hear(socket: &mut Socket) -> Value {
    serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap()
}

#[test]
fn a_camera_that_is_not_reached_is_not_there() {
    let scene = Scene::new();
    let guard = guard_of_the_yard(&scene, &scene.admin());
    let mut socket = open(&scene, &guard, None).unwrap();
    say(&mut socket, &json!({ "is": "watch", "pane": 3, "camera": "gate" }));
    assert_eq!(hear(&mut socket), json!({ "is": "none", "pane": 3, "why": "unknown" }));
}

#[test]
fn a_page_of_the_console_gets_the_pictures_of_a_camera_in_order() {
    let scene = Scene::new();
    let viewer = scene.with_role(&scene.admin(), Role::Viewer);
    let mut socket = open(&scene, &viewer, Some(&format!("http://{}", scene.server.address()))).unwrap();
    say(&mut socket, &json!({ "is": "watch", "pane": 3, "camera": "yard" }));
    assert_eq!(hear(&mut socket), json!({ "is": "none", "pane": 3, "why": "unknown" }));
    say(&mut socket, &json!({ "is": "watch", "pane": 515, "camera": "gate", "is_small": true }));
    let start = json!({ "is": "start", "pane": 515, "codec": "avc1.640028", "size_px": [640, 360], "origin_us": 7 });
    assert_eq!(hear(&mut socket), start);
    let mut bytes = || socket.read().unwrap().into_data().to_vec();
    assert_eq!(bytes(), [&[2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7][..], b"head"].concat());
    assert_eq!(bytes(), [2, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 40, 40, 40, 40]);
    assert_eq!(bytes(), [2, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 80, 80, 80, 80]);
    assert_eq!(hear(&mut socket), json!({ "is": "none", "pane": 515, "why": "H.265" }));
}

#[test]
fn a_page_that_plays_h265_gets_it_as_it_is() {
    let scene = Scene::new();
    let mut socket = open(&scene, &scene.admin(), None).unwrap();
    say(&mut socket, &json!({ "is": "watch", "pane": 4, "camera": "gate", "plays_h265": true }));
    let codec = |message: &Message| {
        let told: Value = serde_json::from_str(message.to_text().ok()?).ok()?;
        told["codec"].as_str().map(str::to_owned)
    };
    let heard: Vec<Message> = (0..7).map(|_| socket.read().unwrap()).collect();
    assert_eq!(heard.iter().filter_map(codec).collect::<Vec<_>>(), ["avc1.640028", "hvc1.1.6.L93.B0"]);
    let last = heard.last().unwrap().clone().into_data().to_vec();
    assert_eq!(last, [0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 120, 120, 120, 120]);
}

#[test]
fn nobody_looks_whom_the_console_does_not_know_or_whom_another_page_sends() {
    let scene = Scene::new();
    let admin = scene.admin();
    assert_eq!(open(&scene, &Visitor::default(), None).err(), Some(StatusCode::UNAUTHORIZED));
    for origin in ["http://evil.example", "null", "http://localhost:1"] {
        assert_eq!(open(&scene, &admin, Some(origin)).err(), Some(StatusCode::FORBIDDEN), "{origin}");
    }
    assert!(open(&scene, &admin, None).is_ok());
}

#[test]
fn whoever_signs_out_sees_no_more() {
    let scene = Scene::new();
    let admin = scene.admin();
    let mut socket = open(&scene, &admin, None).unwrap();
    say(&mut socket, &json!({ "is": "time", "sent": 12.5 }));
    let told = hear(&mut socket);
    assert_eq!(told["sent"], 12.5);
    assert!(told["now_us"].as_i64().unwrap() > 1_000_000);
    assert_eq!(scene.say(&admin, "DELETE", "/api/v1/session", &[], "").status, 204);
    say(&mut socket, &json!({ "is": "time", "sent": 13 }));
    assert!(
        socket.read().is_err_and(|error| !matches!(error, Error::Io(error) if error.kind() == ErrorKind::WouldBlock))
    );
}

#[test]
fn no_more_sockets_than_places_and_each_is_free_again() {
    let scene = Scene::new();
    let admin = scene.admin();
    let mut sockets: Vec<Socket> =
        (0..crate::api::live::SOCKETS).map(|_| open(&scene, &admin, None).unwrap()).collect();
    assert_eq!(open(&scene, &admin, None).err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let mut left = sockets.pop().unwrap();
    left.close(None).unwrap();
    while left.read().is_ok() {}
    drop(left);
    let watch = Stopwatch::start();
    while open(&scene, &admin, None).is_err() {
        assert!(watch.elapsed() < Duration::from_secs(10), "a place is free again");
    }
}

#[test]
fn what_the_agent_sees_is_told_to_those_who_look_at_that_camera() {
    let scene = Scene::new();
    let admin = scene.admin();
    let mut socket = open(&scene, &admin, None).unwrap();
    say(&mut socket, &json!({ "is": "watch", "pane": 1, "camera": "road" }));
    // The answer says that whatever came before was taken.
    assert_eq!(hear(&mut socket)["is"], "start");
    let mut sees_only = open(&scene, &admin, None).unwrap();
    say(&mut sees_only, &json!({ "is": "watch", "pane": 1, "camera": "road", "sees_only": true }));
    say(&mut sees_only, &json!({ "is": "time", "sent": 1 }));
    assert_eq!(hear(&mut sees_only)["is"], "time", "no picture comes here");
    let frame = |stream: &str| {
        let meta = FrameMeta {
            stream: StreamId::new(stream).unwrap(),
            sequence: 5,
            captured_at: Timestamp::from_micros(9_000_000),
            arrived_at: Timestamp::from_micros(9_100_000),
        };
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (2, 1), vec![0; 6]).unwrap()
    };
    let track = Track {
        id: TrackId(4),
        class: Class::new("person"),
        score: 0.9,
        bbox: BBox { x0: 1.2, y0: 2.0, x1: 3.0, y1: 4.0 },
        state: TrackState::Seen,
        first_seen: Timestamp::from_micros(1_500_000),
        last_seen: Timestamp::from_micros(9_000_000),
    };
    let incident = crate::store::record_for_tests(2);
    let show = |stream: &str| {
        let seen = (std::slice::from_ref(&track), std::iter::once(&incident));
        scene.ports.onlookers.show(&frame(stream), seen, None::<()>);
    };
    show("gate");
    show("road");
    let told = std::iter::from_fn(|| Some(socket.read().unwrap()))
        .filter_map(|message| serde_json::from_str::<Value>(message.to_text().ok()?).ok())
        .find(|told| told["is"] == "seen")
        .unwrap();
    assert_eq!(
        (&told["camera"], &told["at_us"], &told["size_px"]),
        (&json!("road"), &json!(9_000_000), &json!([2, 1]))
    );
    let box_of = json!({ "id": 4, "class": "person", "box": [1.0, 2.0, 3.0, 4.0], "is_lost": false, "seen_ms": 7500 });
    assert_eq!(told["tracks"], json!([box_of]));
    assert_eq!(told["incidents"][0]["id"], incident.id.as_str());
    assert_eq!(hear(&mut sees_only), told);
}
