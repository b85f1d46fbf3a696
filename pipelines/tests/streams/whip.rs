//! WebRTC that `aiortc` publishes to this box, as Debian has it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use forewarn_base::secret::Credentials;
use forewarn_domain::clock::Stopwatch;
use forewarn_pipelines::{Codec, LiveStream, StreamEvent, StreamFault};

use crate::live::{config, free_port, is_connected, is_interrupted, is_resumed, next, start};
use crate::support::{Events, Recipe, clips, number_of};

/// Half a minute: the publisher sends it once, as it is coded.
const LONG: Recipe = Recipe { name: "whip.ts", frames: 750, ..crate::support::TRANSPORT };

/// Publishes until it goes out of scope.
struct Publisher {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Publisher {
    fn start(port: u16, token: &str, codec: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/publishers/whip.py");
        let url = format!("http://127.0.0.1:{port}/hill3");
        let watch = Stopwatch::start();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(watch.elapsed() < Duration::from_secs(20), "nothing listens at {port}");
            std::thread::yield_now();
        }
        // Debian's packages are those of Debian's own Python.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(script).args([&url, token]).arg(clips().get(&LONG).path).arg(codec);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 is installed");
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Has it do nothing at all for a while (`STOP`), or go on (`CONT`), as where its link is away.
    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(kill.expect("kill is there").success());
    }

    /// Ends the session as it should be ended.
    fn end(mut self) {
        drop(self.child.stdin.take());
        assert_eq!(self.line(), "ended 200");
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listener() -> (u16, LiveStream, Events) {
    let port = free_port();
    let mut config = config(&format!("whip://127.0.0.1:{port}/hill3"));
    config.source = config.source.with_credentials(Credentials::new("", "s3cret"));
    let (live, events) = start(config);
    (port, live, events)
}

#[test]
fn what_is_published_is_watched_and_watched_again_after_it_ended() {
    let (port, live, events) = listener();
    for turn in 0..3 {
        // Whoever was gone without a word left his session, which the next one's offer ends.
        let mut publisher = Publisher::start(port, "s3cret", "H264");
        assert_eq!(publisher.line(), "published 201", "{turn}");
        if turn == 0 {
            let connected = events.wait_for(is_connected);
            let StreamEvent::Connected { width: 320, height: 240, codec: Some(Codec::H264), .. } = connected else {
                panic!("{connected:?}")
            };
        } else {
            events.wait_for(is_resumed);
        }
        let frames = [next(&live), next(&live), next(&live)];
        for pair in frames.windows(2) {
            let apart = pair[1].meta.sequence - pair[0].meta.sequence;
            assert_eq!((number_of(&pair[0]) + apart) % 256, number_of(&pair[1]));
        }
        // Ended in words, and by a publisher that is gone.
        if turn == 1 {
            drop(publisher);
        } else {
            publisher.end();
        }
        events.wait_for(is_interrupted);
    }
}

#[test]
fn strangers_other_codings_and_a_second_publisher_are_told_why_not() {
    let (port, live, events) = listener();
    let told = |token: &str, codec: &str| Publisher::start(port, token, codec).line();
    assert!(told("other", "H264").starts_with("published 401 name the camera's token"));
    let vp8 = told("s3cret", "VP8");
    assert!(vp8.starts_with("published 406") && vp8.contains("video in VP8") && vp8.contains("H.264"), "{vp8}");
    assert!(!events.comes_within(Duration::ZERO, is_connected));
    let mut first = Publisher::start(port, "s3cret", "H264");
    assert_eq!(first.line(), "published 201");
    events.wait_for(is_connected);
    let second = told("s3cret", "H264");
    assert!(second.starts_with("published 409") && second.contains("another publishes"), "{second}");
    next(&live);
    first.end();
}

/// A listener that counts as interrupted after three seconds of nothing.
fn impatient() -> (u16, LiveStream, Events) {
    let port = free_port();
    let mut config = config(&format!("whip://127.0.0.1:{port}/hill3"));
    config.source = config.source.with_credentials(Credentials::new("", "s3cret"));
    config.stall_after = Duration::from_secs(3);
    let (live, events) = start(config);
    (port, live, events)
}

/// A publisher that is taken, though the listener may be opened anew at the time because it waited in vain for as long as a stall
/// lasts.
fn taken(port: u16) -> Publisher {
    let mut publisher = Publisher::start(port, "s3cret", "H264");
    assert_eq!(publisher.line(), "published 201");
    publisher
}

#[test]
fn a_session_goes_on_after_an_outage_that_is_longer_than_a_stall() {
    let (port, live, events) = impatient();
    let publisher = taken(port);
    events.wait_for(is_connected);
    next(&live);
    let before = live.stats();
    publisher.signal("STOP");
    let interrupted = events.wait_for(is_interrupted);
    assert!(matches!(interrupted, StreamEvent::Interrupted { reason: StreamFault::Stalled { .. }, .. }));
    assert!(!events.comes_within(Duration::from_secs(4), is_resumed));
    publisher.signal("CONT");
    events.wait_for(is_resumed);
    next(&live);
    let after = live.stats();
    assert_eq!((after.gaps, after.failed_attempts), (before.gaps + 1, before.failed_attempts));
    // The session is the one that was offered.
    publisher.end();
}

#[test]
fn another_is_taken_once_a_session_has_fallen_silent() {
    let (port, live, events) = impatient();
    let first = taken(port);
    events.wait_for(is_connected);
    first.signal("STOP");
    events.wait_for(is_interrupted);
    // What cannot be taken ends nothing.
    let told = Publisher::start(port, "s3cret", "VP8").line();
    assert!(told.starts_with("published 406"), "{told}");
    let mut second = Publisher::start(port, "s3cret", "H264");
    assert_eq!(second.line(), "published 201");
    events.wait_for(is_resumed);
    next(&live);
    second.end();
}

#[test]
fn what_is_no_request_is_answered_and_keeps_nobody_out() {
    let (port, live, _events) = listener();
    let watch = Stopwatch::start();
    let mut stranger = loop {
        match std::net::TcpStream::connect(("127.0.0.1", port)) {
            Ok(connection) => break connection,
            Err(error) => assert!(watch.elapsed() < Duration::from_secs(20), "{error}"),
        }
    };
    stranger.write_all(b"\x16\x03\x01 TLS\r\n").unwrap();
    let mut answer = String::new();
    BufReader::new(stranger).read_line(&mut answer).unwrap();
    assert_eq!(answer, "HTTP/1.1 400 Bad Request\r\n");
    let mut publisher = Publisher::start(port, "s3cret", "H264");
    assert_eq!(publisher.line(), "published 201");
    next(&live);
}
