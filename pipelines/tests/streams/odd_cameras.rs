//! Cameras as they really are: what they do that a well-behaved server does not.

use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{ClipSpan, Clock as _, SystemClock, Timestamp};
use forewarn_pipelines::{LiveStream, RtspTransport, StreamConfig, StreamEvent, StreamFault};

use crate::live::{config, is_connected, is_interrupted, is_resumed, next, start};
use crate::replay::all_frames;
use crate::scripted::{GRACE, Script, Scripted};
use crate::support::{Events, PLAIN, Recipe, WAIT, clips, luma_of, number_of};

/// Four seconds of H.264 as a byte stream, each key picture with its parameter sets.
const BYTES: Recipe = Recipe {
    name: "plain.h264",
    muxer: "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au",
    ..PLAIN
};

/// Within which a camera wants to be asked for something, where it ends sessions.
const TIMEOUT: Duration = Duration::from_secs(3);

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
    check_clip(&live, "between slices");
}

/// Takes pictures for this long, and fails if the camera is interrupted. Gives by how many milliseconds each was taken
/// before it was seen.
fn ages_ms(live: &LiveStream, events: &Events, time: Duration) -> Vec<i64> {
    let (watch, mut ages, mut last) = (Stopwatch::start(), Vec::new(), Timestamp::ZERO);
    while watch.elapsed() < time {
        let at = next(live).meta.captured_at;
        assert!(at > last, "times go on");
        last = at;
        ages.push((SystemClock.now().as_micros() - at.as_micros()) / 1000);
    }
    assert!(!events.comes_within(Duration::ZERO, is_interrupted), "{:?}", live.stats());
    ages
}

#[test]
fn rtp_clocks_that_run_wrong_or_jump_are_followed() {
    let rows = [
        ("20 % fast", Script { clock: 1.2, ..script() }),
        ("20 % slow", Script { clock: 0.8, ..script() }),
        ("ahead by 100 s", Script { clock_jump: Some((75, 100.0)), ..script() }),
        ("back by 100 s", Script { clock_jump: Some((75, -100.0)), ..script() }),
        ("ahead by 2 s", Script { clock_jump: Some((75, 2.0)), ..script() }),
        ("sequence ahead", Script { sequence_jump: Some((75, 5000)), ..script() }),
        ("sequence back", Script { sequence_jump: Some((75, 60_000)), ..script() }),
    ];
    std::thread::scope(|scope| {
        for (name, script) in rows {
            scope.spawn(move || {
                let (_camera, live, events) = watch(script, RtspTransport::Tcp);
                events.wait_for(is_connected);
                let ages = ages_ms(&live, &events, Duration::from_secs(8));
                let (newest, oldest) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
                assert!(ages.len() > 50, "{name}: {} pictures", ages.len());
                // On its way back the clock may be ahead by as much as it does not leap.
                assert!((-500..4000).contains(newest) && *oldest < 4000, "{name}: {newest} to {oldest} ms");
            });
        }
    });
}

#[test]
fn odd_ways_of_a_camera_do_not_keep_it_from_being_watched() {
    let beside = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:rtsp://127.0.0.1/stream/audio\r\n\
                  m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:rtsp://127.0.0.1/meta\r\n";
    let jpeg = "m=video 0 RTP/AVP 26\r\na=control:rtsp://127.0.0.1/stream/jpeg\r\n";
    let rows = [
        ("late answer", Script { pictures_before_play_answer: 20, ..script() }),
        ("other tracks", Script { description: beside, ..script() }),
        ("jpeg first", Script { description: jpeg, ..script() }),
        ("no marks", Script { marks_ends: false, ..script() }),
        ("two sets", Script { pictures: with_two_sets(), ..script() }),
    ];
    std::thread::scope(|scope| {
        for (name, script) in rows {
            scope.spawn(move || {
                let (camera, live, events) = watch(script, RtspTransport::Tcp);
                let connected = events.wait_for(is_connected);
                assert!(matches!(connected, StreamEvent::Connected { codec: Some(_), .. }), "{name}: {connected:?}");
                assert!(ages_ms(&live, &events, Duration::from_secs(5)).len() > 30, "{name}");
                let setups = camera.requests().iter().filter(|method| *method == "SETUP").count();
                assert_eq!((setups, live.stats().format_changes), (1, 0), "{name}: {:?}", live.stats());
                check_clip(&live, name);
            });
        }
    });
}

/// Groups of pictures that refer to two sequence parameter sets in turns.
fn with_two_sets() -> Vec<Vec<Vec<u8>>> {
    let other = Recipe {
        name: "sets.h264",
        encoder: "x264enc threads=1 bframes=0 key-int-max=25 pass=quant quantizer=18 speed-preset=ultrafast \
                  option-string=sps-id=3:scenecut=0",
        ..BYTES
    };
    let (one, other) = (script().pictures, Script::new(&clips().get(&other).path).pictures);
    let of_turn = |(n, (one, other))| if n / 25 % 2 == 0 { one } else { other };
    one.into_iter().zip(other).enumerate().map(of_turn).collect()
}

/// A clip of what comes now shows every picture once.
fn check_clip(live: &LiveStream, name: &str) {
    let at = next(live).meta.captured_at;
    let recorder = live.ring().record(ClipSpan { from: at, to: at + Duration::from_millis(1600) }).unwrap();
    assert!(recorder.wait(WAIT), "{name}");
    let out = clips().path(&format!("odd-{name}.mp4"));
    let info = recorder.finish(&out).unwrap();
    let numbers: Vec<u64> = all_frames(&out, info.first_unit_at).iter().map(number_of).collect();
    assert_eq!(numbers.len(), info.units, "{name}: {info:?}");
    let is_whole = numbers.windows(2).all(|pair| (pair[0] + 1) % 100 == pair[1]);
    assert!(numbers.len() >= 40 && is_whole, "{name}: {numbers:?}");
}

#[test]
fn a_camera_that_goes_away_and_comes_back_is_connected_to_again() {
    let teardown = b"TEARDOWN rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 1\r\nSession: 4711\r\n\r\n".to_vec();
    let rows = [
        ("not there yet", Script { refusals: (2, "404 Not Found"), ..script() }),
        ("new source", Script { new_source_at: Some(75), ..script() }),
        ("teardown", Script { end: Some((75, teardown)), ..script() }),
    ];
    std::thread::scope(|scope| {
        for (name, script) in rows {
            scope.spawn(move || {
                let (_camera, live, events) = watch(script, RtspTransport::Tcp);
                events.wait_for(is_interrupted);
                events.wait_for(is_resumed);
                assert!(live.slot().wait(WAIT).is_some(), "{name}");
            });
        }
    });
}

#[test]
fn a_gradual_refresh_that_is_joined_in_its_middle_is_looked_at_once_it_has_come_round() {
    let recipe = Recipe {
        name: "refresh.h264",
        encoder: "x264enc threads=1 bframes=0 key-int-max=40 intra-refresh=true pass=quant quantizer=18 \
                  speed-preset=ultrafast option-string=scenecut=0",
        frames: 200,
        ..BYTES
    };
    let path = clips().get(&recipe).path;
    let whole: Vec<Vec<u8>> = all_frames(&path, Timestamp::ZERO).iter().map(luma_of).collect();
    let script = Script { first: 17, ..Script::new(&path) };
    let (_camera, live, events) = watch(script, RtspTransport::Tcp);
    events.wait_for(is_connected);
    let frame = next(&live);
    // Joined at 17, the next recovery point is at 40, and its refresh goes over the 20 macroblocks of a row.
    assert!((57..200).contains(&number_of(&frame)), "{}", number_of(&frame));
    assert!(luma_of(&frame) == whole[number_of(&frame) as usize], "picture {} is not whole", number_of(&frame));
}

#[test]
fn a_key_frame_that_is_far_away_is_waited_for_and_that_is_told() {
    const LONG: Duration = Duration::from_mins(1);
    let recipe = Recipe {
        name: "long.h264",
        encoder: "x264enc threads=1 bframes=0 key-int-max=500 pass=quant quantizer=18 speed-preset=ultrafast \
                  option-string=scenecut=0",
        frames: 450,
        ..BYTES
    };
    // There is no access unit before the key frame, and yet there is a session to keep alive.
    let script = Script { first: 10, timeout: Some(TIMEOUT), ..Script::new(&clips().get(&recipe).path) };
    let (_camera, live, events) = watch(script, RtspTransport::Tcp);
    let is_told = |event: &StreamEvent| {
        matches!(event, StreamEvent::Degraded { reason: StreamFault::NoKeyFrame { after_s: 15 } })
    };
    assert!(events.comes_within(LONG, is_told), "{:?}", live.stats());
    assert!(events.comes_within(LONG, is_connected), "{:?}", live.stats());
    assert_eq!((live.stats().failed_attempts, live.stats().keys_in), (0, 1));
}

#[test]
fn key_pictures_that_never_come_whole_over_udp_are_told_with_what_to_do() {
    const LONG: Duration = Duration::from_mins(1);
    // Behind both parameter sets comes the slice of a key picture.
    let script = Script { loses: |picture, packet| picture % 25 == 0 && packet == 2, ..script() };
    let (_camera, live, events) = watch(script, RtspTransport::Udp);
    let is_told = |event: &StreamEvent| {
        let StreamEvent::Degraded { reason: reason @ StreamFault::LossyWay { after_s: 15, .. } } = event else {
            return false;
        };
        let words = reason.to_string();
        assert!(words.contains(" % of the packets are lost on the way") && words.contains("\"tcp\""), "{words}");
        true
    };
    assert!(events.comes_within(LONG, is_told), "{:?}", live.stats());
    assert_eq!((live.stats().frames_decoded, live.stats().failed_attempts), (0, 0));
}

#[test]
fn packets_that_are_lost_over_udp_are_told_while_pictures_come() {
    let is_told = |event: &StreamEvent| {
        let StreamEvent::Degraded { reason: reason @ StreamFault::LossyPictures { lost_thousandths } } = event else {
            return false;
        };
        assert!((10..100).contains(lost_thousandths) && reason.to_string().contains("\"tcp\""), "{reason}");
        true
    };
    std::thread::scope(|scope| {
        for is_lossy in [true, false] {
            scope.spawn(move || {
                let loses: fn(usize, usize) -> bool = if is_lossy { |n, _| n % 25 == 20 } else { |_, _| false };
                let (_camera, live, events) = watch(Script { loses, ..script() }, RtspTransport::Udp);
                events.wait_for(is_connected);
                assert_eq!(events.comes_within(Duration::from_secs(25), is_told), is_lossy, "{:?}", live.stats());
            });
        }
    });
}
