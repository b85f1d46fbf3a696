//! Cameras as they really are: what they do that a well-behaved server does not.

use std::time::Duration;

use forewarn_domain::ClipSpan;
use forewarn_pipelines::{LiveStream, RtspTransport, StreamConfig};

use crate::live::{config, is_connected, is_interrupted, next, start};
use crate::replay::all_frames;
use crate::scripted::{GRACE, Script, Scripted};
use crate::support::{Events, PLAIN, Recipe, WAIT, clips, number_of};

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

#[test]
fn parameter_sets_between_the_slices_of_a_picture_do_not_split_it() {
    let recipe = Recipe {
        name: "slices.h264",
        encoder: "x264enc threads=1 bframes=0 key-int-max=10 pass=quant quantizer=18 speed-preset=ultrafast \
                  option-string=slices=4:scenecut=0",
        ..BYTES
    };
    let mut script = Script::new(&clips().get(&recipe).path);
    assert_eq!(script.pictures.len(), 100);
    for picture in &mut script.pictures {
        let (sets, rest): (Vec<_>, Vec<_>) = picture.drain(..).partition(|nal| matches!(nal[0] & 31, 7 | 8));
        let is_of_slice = |nal: &Vec<u8>| matches!(nal[0] & 31, 1 | 5);
        picture.extend(rest.into_iter().flat_map(|nal| {
            let before = if is_of_slice(&nal) { sets.clone() } else { Vec::new() };
            before.into_iter().chain([nal])
        }));
    }
    assert!(script.pictures.iter().any(|picture| picture.len() >= 12), "sets in front of each of four slices");
    let (_camera, live, events) = watch(script, RtspTransport::Tcp);
    events.wait_for(is_connected);
    let at = next(&live).meta.captured_at;
    let recorder = live.ring().record(ClipSpan { from: at, to: at + Duration::from_millis(1600) }).unwrap();
    assert!(recorder.wait(WAIT));
    let out = clips().path("between-slices.mp4");
    let info = recorder.finish(&out).unwrap();
    let numbers: Vec<u64> = all_frames(&out, info.first_unit_at).iter().map(number_of).collect();
    assert_eq!(numbers.len(), info.units, "{info:?}");
    assert!(numbers.len() >= 40 && numbers.windows(2).all(|pair| (pair[0] + 1) % 100 == pair[1]), "{numbers:?}");
}
