//! A camera whose sub-stream is watched and whose main stream is kept.

use std::time::Duration;

use forewarn_domain::{ClipSpan, ColourMatrix, Frame, Orientation, PixelFormat, Timestamp};
use forewarn_pipelines::{Away, ClipEnd, LiveStream, SimCamera, SimConfig, StreamConfig, StreamEvent};

use crate::live::{config, is_connected, is_interrupted, is_resumed, next, start};
use crate::replay::all_frames;
use crate::support::{B_FRAMES, Events, H265, LARGER, PLAIN, Recipe, clips, number_of};

fn serve(recipe: &Recipe, port: u16) -> SimCamera {
    SimCamera::start(&SimConfig { port, ..SimConfig::new(clips().get(recipe).path) }).unwrap()
}

fn watch(main: &SimCamera, sub: &SimCamera) -> (LiveStream, Events) {
    start(StreamConfig { watched: Some(sub.url().parse().unwrap()), ..config(main.url()) })
}

/// Takes frames until one is of that width.
fn wait_for_width(live: &LiveStream, width: u32) {
    while next(live).width != width {}
}

/// Takes frames until something of the main stream is kept.
fn wait_until_kept(live: &LiveStream) {
    while live.stats().ring_bytes == 0 {
        next(live);
    }
}

fn is_halved(event: &StreamEvent) -> bool {
    matches!(event, StreamEvent::Halved { .. })
}

#[test]
fn the_sub_stream_is_watched_and_the_main_stream_is_kept() {
    let (main, sub) = (serve(&LARGER, 0), serve(&PLAIN, 0));
    let (live, events) = watch(&main, &sub);
    let connected = events.wait_for(is_connected);
    assert!(matches!(connected, StreamEvent::Connected { width: 320, height: 240, .. }), "{connected:?}");
    let first = next(&live);
    let ahead = |frame: &Frame| (number_of(frame) + 100 - frame.meta.sequence % 100) % 100;
    assert!((0..20).all(|_| ahead(&next(&live)) == ahead(&first)), "every picture is of the sub-stream");
    let from = first.meta.captured_at;
    let recorder = live.ring().record(ClipSpan { from, to: from + Duration::from_secs(3) }).unwrap();
    assert!(recorder.wait(Duration::from_secs(20)));
    let path = clips().path("main-stream.mp4");
    let info = recorder.finish(&path).unwrap();
    assert_eq!((info.end, info.width, info.height), (ClipEnd::Complete, 480, 360));
    assert_eq!(all_frames(&path, Timestamp::ZERO).len(), info.units);
    wait_for_width(&live, 320);
    let stats = live.stats();
    // All that was decoded came from the one that is watched.
    assert!(stats.frames_decoded <= stats.units_in && stats.units_thinned > 0, "{stats:?}");
    assert!(stats.ring_bytes > 0 && stats.connections == 2, "{stats:?}");
}

#[test]
fn the_larger_picture_of_what_was_seen_comes_from_the_main_stream() {
    let (main, sub) = (serve(&LARGER, 0), serve(&PLAIN, 0));
    let (live, events) = watch(&main, &sub);
    events.wait_for(is_connected);
    // The main stream is there, and the seconds before what is seen are kept.
    wait_until_kept(&live);
    let begun = next(&live).meta.captured_at;
    let mut ahead = Vec::new();
    while ahead.len() < 3 {
        let seen = next(&live);
        if seen.meta.captured_at.since(begun) < Duration::from_millis(900 * (ahead.len() as u64 + 3)) {
            continue;
        }
        let larger = live.clips().larger(&seen).unwrap().expect("a larger picture");
        assert_eq!((larger.width, larger.height, &larger.meta.stream), (480, 360, &seen.meta.stream));
        let off = larger
            .meta
            .captured_at
            .since(seen.meta.captured_at)
            .max(seen.meta.captured_at.since(larger.meta.captured_at));
        // Half a frame, and what a busy machine lets the two clocks be apart.
        assert!(off <= Duration::from_millis(100), "{off:?}");
        ahead.push((number_of(&seen) + 100 - number_of(&larger)) % 100);
    }
    // Both show a counter, and how far one is ahead of the other hardly changes.
    let more = ahead.iter().map(|n| (n + 100 - ahead[0]) % 100);
    assert!(more.map(|n| n.min(100 - n)).all(|apart| apart <= 3), "{ahead:?}");
}

#[test]
fn the_larger_picture_is_that_of_the_same_instant_to_within_one_picture() {
    // One camera in both places, whose pictures show the same number at the same instant: so the clocks of both connections
    // can be held against each other.
    let camera = serve(&PLAIN, 0);
    let (live, events) = watch(&camera, &camera);
    events.wait_for(is_connected);
    wait_until_kept(&live);
    // Arrival tells the clocks less surely than the camera does, and on a busy machine its reports come late.
    while live.stats().clocks_from_sender_reports < 2 {
        next(&live);
    }
    // Nor does a receiver that is short of processor keep its times: they agree as soon as it has caught up.
    let (mut agreeing, mut looks) = (0, Vec::new());
    while agreeing < 4 {
        let after = next(&live).meta.captured_at + Duration::from_millis(700);
        let seen = std::iter::repeat_with(|| next(&live)).find(|seen| seen.meta.captured_at >= after).unwrap();
        let meta = seen.meta.clone();
        let small = Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (2, 2), vec![0; 6]).unwrap();
        let larger = live.clips().larger(&small).unwrap().expect("a picture of the main stream");
        let apart = (number_of(&seen) + 100 - number_of(&larger)) % 100;
        looks.push((number_of(&seen), number_of(&larger)));
        agreeing = if apart.min(100 - apart) <= 1 { agreeing + 1 } else { 0 };
        assert!(looks.len() < 40, "{looks:?}");
    }
}

#[test]
fn a_sub_stream_that_is_lost_is_made_up_for_by_the_main_stream_until_it_is_back() {
    let (main, sub) = (serve(&LARGER, 0), serve(&PLAIN, 0));
    let port = sub.port();
    let (live, events) = watch(&main, &sub);
    events.wait_for(is_connected);
    wait_until_kept(&live);
    drop(sub);
    let larger = events.wait_for(|event| matches!(event, StreamEvent::FormatChanged { .. }));
    assert_eq!(larger, StreamEvent::FormatChanged { width: 480, height: 360 });
    let away = events.wait_for(is_halved);
    assert!(matches!(away, StreamEvent::Halved { away: Some(Away::Watched { .. }) }), "{away:?}");
    wait_for_width(&live, 480);
    let sub = serve(&PLAIN, port);
    events.wait_for(|event| *event == StreamEvent::Halved { away: None });
    wait_for_width(&live, 320);
    drop((main, sub));
}

#[test]
fn without_its_main_stream_a_camera_is_watched_and_it_is_told_that_nothing_is_kept() {
    let (main, sub) = (serve(&LARGER, 0), serve(&PLAIN, 0));
    let (main_port, sub_port) = (main.port(), sub.port());
    let (live, events) = watch(&main, &sub);
    events.wait_for(is_connected);
    wait_until_kept(&live);
    drop(main);
    let away = events.wait_for(is_halved);
    assert!(matches!(away, StreamEvent::Halved { away: Some(Away::Kept { .. }) }), "{away:?}");
    wait_for_width(&live, 320);
    // Then the whole camera is away, and comes back.
    drop(sub);
    events.wait_for(is_interrupted);
    let (main, sub) = (serve(&LARGER, main_port), serve(&PLAIN, sub_port));
    events.wait_for(is_connected);
    events.wait_for(is_resumed);
    wait_for_width(&live, 320);
    drop((main, sub));
}

#[test]
fn the_larger_picture_is_turned_as_the_one_that_was_watched_whatever_the_main_stream_is_coded_in() {
    for (main, codec) in [(B_FRAMES, "B pictures"), (H265, "H.265")] {
        let name = if main.name == "b.mp4" { "larger-b.mp4" } else { "larger-h265.mp4" };
        let (main, sub) = (serve(&Recipe { size: (480, 360), name, ..main }, 0), serve(&PLAIN, 0));
        let turned = Orientation::clockwise(90).unwrap();
        let watched = Some(sub.url().parse().unwrap());
        let (live, events) = start(StreamConfig { watched, turned, ..config(main.url()) });
        events.wait_for(is_connected);
        wait_until_kept(&live);
        let begun = next(&live).meta.captured_at;
        let seen = std::iter::repeat_with(|| next(&live))
            .find(|seen| seen.meta.captured_at.since(begun) > Duration::from_secs(2))
            .unwrap();
        assert_eq!((seen.width, seen.height), (240, 320));
        assert_eq!(live.clips().larger_size(), Some((360, 480)), "{codec}");
        let larger = live.clips().larger(&seen).unwrap().expect("a larger picture");
        assert_eq!((larger.width, larger.height), (360, 480), "{codec}");
        let off = larger.meta.captured_at.since(seen.meta.captured_at);
        let off = off.max(seen.meta.captured_at.since(larger.meta.captured_at));
        assert!(off <= Duration::from_millis(100), "{codec}: {off:?}");
        // The bars lie across now: the picture shows a whole number, in black and white alone.
        let (luma, stride) = larger.plane(0);
        let bars = (0..8).map(|bar| luma[(bar * 2 + 1) * 480 / 16 * stride + 360 / 4]);
        assert!(bars.clone().all(|grey| !(70..190).contains(&grey)), "{codec}: {:?}", bars.collect::<Vec<_>>());
    }
}
