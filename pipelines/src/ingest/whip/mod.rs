//! WHIP (RFC 9725): a drone, its controller or an encoder publishes to this box by WebRTC. It names the token over HTTP and offers
//! a session; pictures then come encrypted (DTLS-SRTP), and what is lost is sent again.
//!
//! One publisher is heard at a time, for as long as the pipeline runs; the port outlives it.

mod http;

use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use forewarn_base::secret::Secret;
use forewarn_base::thread::Thread;
use forewarn_domain::clock::Stopwatch;
use gst::glib;
use gst::prelude::*;

use self::http::{Answer, Request};
use super::listen::{Asker, Door, TURN, is_there, rest};
use super::{Site, rtsp};
use crate::webrtc::{self, offer};
use crate::{SourceUrl, StreamFault};

/// Who waits for the stream to be opened anew has hung up after this, as publishers do.
const ASKER_WAITS: Duration = Duration::from_secs(6);

/// What a publisher must name.
struct Wanted {
    path: String,
    token: Secret,
}

/// Puts into the pipeline what is published to this box.
pub(super) fn build(site: &Arc<Site>, source: &SourceUrl, door: &Door) -> Result<(), StreamFault> {
    let login = site.options.credentials.as_ref().or(source.credentials());
    let token = login.map(|login| login.password.clone()).filter(|token| !token.expose().is_empty());
    let token =
        token.ok_or_else(|| StreamFault::other("WHIP needs a token that publishers name; give it by password_file"))?;
    let webrtc = webrtc::bin()?;
    webrtc.set_property("latency", site.options.latency_ms);
    if let Some(manager) = webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin")) {
        rtsp::watch_jitter_buffers(&manager, site);
    }
    bind(&webrtc, source);
    let on_pad = site.clone();
    webrtc.connect_pad_added(move |_, pad| {
        if pad.direction() == gst::PadDirection::Src
            && let Err(fault) = take_pad(&on_pad, pad)
        {
            on_pad.intake.fault(fault);
        }
    });
    let on_change = Arc::downgrade(site);
    webrtc.connect_notify(Some("connection-state"), move |webrtc, _| {
        if webrtc::is_over(webrtc) {
            end(&on_change);
        }
    });
    site.pipeline()?.add(&webrtc).map_err(StreamFault::other)?;
    let (listener, port) = door.open(source)?;
    let wanted = Wanted { path: path_of(source), token };
    let (webrtc, site, door) = (webrtc.downgrade(), Arc::downgrade(site), door.clone());
    let desk = Desk { webrtc, site, door, wanted, session: None };
    Thread::spawn(format!("whip-{port}"), move || hear(&listener, desk)).map(|_| ()).map_err(StreamFault::other)
}

fn take_pad(site: &Arc<Site>, pad: &gst::Pad) -> Result<(), StreamFault> {
    if !site.claim_video() {
        return super::fork::ignore(site, pad);
    }
    rtsp::take_pad(site, pad)
}

/// Where the site names an address of this box, pictures come to that one alone; before a proxy on this box they come from
/// anywhere.
fn bind(webrtc: &gst::Element, source: &SourceUrl) {
    let address = source.listens_at().and_then(|(address, _)| address.parse::<IpAddr>().ok());
    if let Some(address) = address.filter(|address| !address.is_unspecified() && !address.is_loopback()) {
        webrtc::listen_at(webrtc, address);
    }
}

/// The path at which is published.
fn path_of(source: &SourceUrl) -> String {
    let location = source.location();
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    path.split('?').next().unwrap_or(path).to_owned()
}

fn end(site: &Weak<Site>) {
    if let Some(site) = site.upgrade() {
        site.intake.fault(StreamFault::EndOfStream);
    }
}

/// Answers whoever asks, for as long as somebody wants the stream.
fn hear(listener: &TcpListener, mut desk: Desk) {
    loop {
        // Who comes while the stream is opened anew waits for that.
        let Some(webrtc) = desk.webrtc.upgrade() else { return };
        let plays = webrtc.current_state() >= gst::State::Paused;
        drop(webrtc);
        if !plays {
            rest(TURN);
            continue;
        }
        let asker = if let Some(asker) = desk.door.who_waits() {
            desk.resume(asker)
        } else if is_there(listener, TURN)
            && let Ok((connection, from)) = listener.accept()
        {
            desk.serve(connection, from.to_string())
        } else {
            None
        };
        // This pipeline ends, and the next one takes the offer.
        if let Some(asker) = asker {
            return desk.keep_waiting(asker);
        }
    }
}

/// How a request is answered.
enum Reply {
    Now(Answer),
    /// By the pipeline that comes next.
    Later,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Now(answer)
    }
}

/// Who answers publishers, and the session of the one that is heard.
struct Desk {
    webrtc: glib::WeakRef<gst::Element>,
    site: Weak<Site>,
    door: Door,
    wanted: Wanted,
    session: Option<String>,
}

impl Desk {
    /// Answers a connection; gives who is to be answered by the next pipeline.
    fn serve(&mut self, mut connection: TcpStream, from: String) -> Option<Asker> {
        let answer = match http::read(&mut connection) {
            Ok(request) => match self.answer(&request) {
                Reply::Now(answer) => answer,
                Reply::Later => {
                    return Some(Asker { connection, from, offer: request.body, since: Stopwatch::start() });
                }
            },
            Err(answer) => answer,
        };
        tell(&mut connection, &from, &answer);
        None
    }

    /// Takes the offer of somebody who waited for this pipeline.
    fn resume(&mut self, mut asker: Asker) -> Option<Asker> {
        let is_late = asker.since.elapsed() > ASKER_WAITS;
        let reply = if is_late { retry().into() } else { self.publish(&asker.offer) };
        let Reply::Now(answer) = reply else { return Some(asker) };
        tell(&mut asker.connection, &asker.from, &answer);
        None
    }

    fn keep_waiting(&self, asker: Asker) {
        if let Some(mut earlier) = self.door.keep_waiting(asker) {
            tell(&mut earlier.connection, &earlier.from, &retry());
        }
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let path = &self.wanted.path;
        let of_session = self.session.as_ref().is_some_and(|session| request.path == session_path(path, session));
        if request.path != *path && !of_session {
            let words = "nothing is published here; the camera's address has another path";
            return Answer::words("404 Not Found", words).into();
        }
        if request.method == "OPTIONS" {
            let answer = Answer::empty("200 OK")
                .with("Accept-Post: application/sdp")
                .with("Access-Control-Allow-Methods: POST, DELETE, OPTIONS")
                .with("Access-Control-Allow-Headers: Authorization, Content-Type");
            return answer.into();
        }
        if !request.token.as_deref().is_some_and(|token| is_same(token, self.wanted.token.expose())) {
            let words = "name the camera's token: Authorization: Bearer TOKEN";
            return Answer::words("401 Unauthorized", words).with("WWW-Authenticate: Bearer").into();
        }
        let words = match (request.method.as_str(), of_session) {
            ("POST", false) if request.content_type == "application/sdp" => return self.publish(&request.body),
            ("POST", false) => {
                let words = "an offer is of the type application/sdp";
                return Answer::words("415 Unsupported Media Type", words).into();
            }
            ("DELETE", true) => {
                self.session = None;
                end(&self.site);
                return Answer::empty("200 OK").into();
            }
            (_, true) => "a session is ended by DELETE; it takes no candidates later",
            (_, false) => "a session is offered by POST",
        };
        let allowed = if of_session { "Allow: DELETE, OPTIONS" } else { "Allow: POST, OPTIONS" };
        Answer::words("405 Method Not Allowed", words).with(allowed).into()
    }

    fn publish(&mut self, offer: &[u8]) -> Reply {
        let is_silent = self.site.upgrade().is_some_and(|site| site.intake.is_silent());
        if self.session.is_some() && !is_silent {
            return another().into();
        }
        let offer = match offer::taken(&String::from_utf8_lossy(offer), |_| true) {
            Ok(offer) => offer,
            Err(declined) => return Answer::words("406 Not Acceptable", declined.0).into(),
        };
        if self.session.is_some() {
            tracing::info!("the session before has fallen silent: another takes its place");
            end(&self.site);
            return Reply::Later;
        }
        let (Some(webrtc), Some(site)) = (self.webrtc.upgrade(), self.site.upgrade()) else { return Reply::Later };
        // From now on something is on its way, and the stream is not opened anew before that could come.
        site.intake.data();
        let id = forewarn_base::random::uuid();
        let location = format!("Location: {}", session_path(&self.wanted.path, &id));
        self.session = Some(id);
        match webrtc::agree(&webrtc, &offer) {
            Ok(text) => {
                let answer = Answer { status: "201 Created", headers: Vec::new(), body: text };
                answer.with("Content-Type: application/sdp").with(location).into()
            }
            Err(why) => {
                // What it was told of the offer stays with the element; another offer needs another one.
                site.intake.fault(StreamFault::other(format!("an offer by WHIP could not be taken: {why}")));
                let words = "this offer could not be taken; the box's log says why";
                Answer::words("500 Internal Server Error", words).into()
            }
        }
    }
}

fn tell(connection: &mut TcpStream, from: &str, answer: &Answer) {
    if !answer.status.starts_with('2') {
        tracing::warn!("who publishes from {from} by WHIP is answered {}: {}", answer.status, answer.body.trim_end());
    }
    // Who is gone does not hear it; a session of theirs ends when nothing comes.
    let _ = http::write(connection, answer);
}

fn another() -> Answer {
    let words = "another publishes; this is taken when that one ends, or sends nothing for the camera's stall_s";
    Answer::words("409 Conflict", words).with("Retry-After: 2")
}

fn retry() -> Answer {
    Answer::empty("503 Service Unavailable").with("Retry-After: 1")
}

fn session_path(path: &str, session: &str) -> String {
    format!("{}/session/{session}", path.trim_end_matches('/'))
}

/// Whether two tokens are the same, in a time that does not tell how much of them is.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Desk {
        let wanted = Wanted { path: "/hill3".to_owned(), token: Secret::new("s3cret") };
        Desk { webrtc: glib::WeakRef::new(), site: Weak::new(), door: Door::default(), wanted, session: None }
    }

    fn ask_for(desk: &mut Desk, method: &str, path: &str, token: Option<&str>) -> Answer {
        let token = token.map(str::to_owned);
        let content_type = "application/sdp".to_owned();
        let (method, path) = (method.to_owned(), path.to_owned());
        match desk.answer(&Request { method, path, token, content_type, body: Vec::new() }) {
            Reply::Now(answer) => answer,
            Reply::Later => panic!("nobody is to wait"),
        }
    }

    #[test]
    fn who_does_not_name_the_token_is_sent_away() {
        let mut desk = desk();
        for token in [None, Some(""), Some("s3cres"), Some("s3cret2")] {
            let answer = ask_for(&mut desk, "POST", "/hill3", token);
            assert_eq!(answer.status, "401 Unauthorized", "{token:?}");
            assert!(answer.headers.contains(&"WWW-Authenticate: Bearer".to_owned()));
        }
        desk.session = Some("7".to_owned());
        assert_eq!(ask_for(&mut desk, "DELETE", "/hill3/session/7", None).status, "401 Unauthorized");
        assert!(desk.session.is_some());
    }

    #[test]
    fn each_place_takes_what_belongs_there() {
        let mut desk = desk();
        let token = Some("s3cret");
        assert_eq!(ask_for(&mut desk, "POST", "/other", token).status, "404 Not Found");
        assert_eq!(ask_for(&mut desk, "PATCH", "/hill3/session/7", token).status, "404 Not Found");
        assert_eq!(ask_for(&mut desk, "GET", "/hill3", token).status, "405 Method Not Allowed");
        assert_eq!(ask_for(&mut desk, "POST", "/hill3", token).status, "406 Not Acceptable", "an empty offer");
        let asked = ask_for(&mut desk, "OPTIONS", "/hill3", None);
        assert!(asked.status == "200 OK" && asked.headers.contains(&"Accept-Post: application/sdp".to_owned()));
        desk.session = Some("7".to_owned());
        let second = ask_for(&mut desk, "POST", "/hill3", token);
        assert!(second.status == "409 Conflict" && second.body.contains("another publishes"), "{second:?}");
        assert_eq!(ask_for(&mut desk, "PATCH", "/hill3/session/7", token).status, "405 Method Not Allowed");
        assert_eq!(ask_for(&mut desk, "DELETE", "/hill3/session/7", token).status, "200 OK");
        assert!(desk.session.is_none());
    }

    #[test]
    fn the_path_of_the_address_is_where_is_published() {
        let of = |url: &str| path_of(&url.parse().unwrap());
        assert_eq!(of("whip://:8889/hill3"), "/hill3");
        assert_eq!(of("whip://10.0.0.5:8889"), "/");
        assert_eq!(session_path("/", "7"), "/session/7");
    }
}
