//! Cameras as they really are: what they do that a well-behaved server does not.

use std::time::Duration;

use forewarn_pipelines::{LiveStream, RtspTransport, StreamConfig};

use crate::live::{config, is_connected, is_interrupted, start};
use crate::scripted::{GRACE, Script, Scripted};
use crate::support::{Events, PLAIN, Recipe, clips};

/// Four seconds of H.264 as a byte stream, each key picture with its parameter sets.
const BYTES: Recipe = Recipe {
    name: "plain.h264",
    muxer: "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au",
    ..PLAIN
};

fn script() -> Script {
    Script::new(&clips().get(&BYTES).path)
}

fn watch(script: Script, transport: RtspTransport) -> (Scripted, LiveStream, Events) {
    let camera = Scripted::start(script);
    let (live, events) = start(StreamConfig { transport, ..config(&camera.url()) });
    (camera, live, events)
}

#[test]
fn a_session_is_kept_alive_by_requests_within_its_time_out() {
    const TIMEOUT: Duration = Duration::from_secs(3);
    let without = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN";
    let rows = [
        (RtspTransport::Tcp, script().public, "200 OK", &["GET_PARAMETER", "OPTIONS"][..]),
        (RtspTransport::Tcp, without, "501 Not Implemented", &["OPTIONS"]),
        (RtspTransport::Tcp, script().public, "454 Session Not Found", &["GET_PARAMETER", "OPTIONS"]),
        (RtspTransport::Udp, script().public, "200 OK", &["GET_PARAMETER"]),
        (RtspTransport::Udp, without, "501 Not Implemented", &["OPTIONS"]),
    ];
    std::thread::scope(|scope| {
        for (transport, public, parameter_answer, expected) in rows {
            scope.spawn(move || {
                let script = Script { public, parameter_answer, timeout: Some(TIMEOUT), ..script() };
                let (camera, live, events) = watch(script, transport);
                events.wait_for(is_connected);
                let in_time = !events.comes_within(TIMEOUT + GRACE + TIMEOUT, is_interrupted);
                let after = camera.requests().into_iter().skip_while(|method| method != "PLAY").skip(1);
                let mut kinds: Vec<String> = after.collect();
                let n = kinds.len();
                kinds.sort();
                kinds.dedup();
                assert!(in_time, "{transport:?} {public}: the session ended; {kinds:?}");
                assert_eq!(kinds, expected, "{transport:?} {public} {parameter_answer}");
                assert!(n >= 3, "{n} requests");
                assert_eq!(live.stats().failed_attempts, 0);
            });
        }
    });
}
