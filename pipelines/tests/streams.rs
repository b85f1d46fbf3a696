//! Streams end to end over loopback: a simulated camera, live ingest, replay, ring and clips.

mod support;

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{ClipSpan, StreamId, SystemClock, Timestamp};
use forewarn_pipelines::{
    ClipEnd, Codec, FileReplay, LiveStream, ReplayConfig, SimCamera, SimConfig, StreamConfig, StreamEvent,
};
use support::{Events, WAIT, clips, luma_of};

fn id() -> StreamId {
    StreamId::new("cam").unwrap()
}

#[test]
fn a_replay_gives_every_frame_in_order() {
    let clip = clips().h264();
    let mut replay = FileReplay::open(&clip.path, ReplayConfig::new(id())).unwrap();
    assert_eq!(replay.codec(), Some(Codec::H264));
    let mut times = Vec::new();
    while let Some(frame) = replay.next_frame().unwrap() {
        assert_eq!(support::number_of(&frame), times.len() as u64 % 256);
        times.push(frame.meta.captured_at);
    }
    assert_eq!(times.len(), clip.frames);
    assert_eq!(times[0], Timestamp::ZERO);
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_clip_holds_the_frames_that_were_seen() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips().h264();
    let mut replay = FileReplay::open(&clip.path, ReplayConfig::new(id())).unwrap();
    let ring = replay.ring();
    let span = ClipSpan { from: Timestamp::from_secs_f64(1.5), to: Timestamp::from_secs_f64(3.0) };
    let mut recorder = None;
    let mut seen = Vec::new();
    while let Some(frame) = replay.next_frame().unwrap() {
        if recorder.is_none() && frame.meta.captured_at >= Timestamp::from_secs_f64(2.0) {
            recorder = Some(ring.record(span).unwrap());
        }
        seen.push((frame.meta.captured_at, luma_of(&frame)));
    }
    let out = folder.path().join("clip.mp4");
    let info = recorder.unwrap().finish(&out).unwrap();
    assert_eq!(info.end, ClipEnd::Complete);
    assert_eq!((info.first_unit_at, info.units), (Timestamp::from_secs_f64(1.0), 50));
    let mut again = FileReplay::open(&out, ReplayConfig::new(id())).unwrap();
    let mut n = 0;
    while let Some(frame) = again.next_frame().unwrap() {
        let (at, luma) = &seen[25 + n];
        assert_eq!(*luma, luma_of(&frame), "frame {n}");
        assert_eq!(at.as_micros() - 1_000_000, frame.meta.captured_at.as_micros());
        n += 1;
    }
    assert_eq!(n, 50);
}

#[test]
fn a_live_camera_is_watched() {
    let clip = clips().h264();
    let camera = SimCamera::start(&SimConfig::new(&clip.path)).unwrap();
    let (events, sink) = Events::new();
    let config = StreamConfig::new(id(), camera.url().parse().unwrap());
    let live = LiveStream::start(config, Arc::new(SystemClock), sink).unwrap();
    let connected = events.wait_for(|event| matches!(event, StreamEvent::Connected { .. }));
    println!("{connected:?}");
    for _ in 0..60 {
        let f = live.slot().wait(WAIT).unwrap();
        println!(
            "{} {} {:?}",
            support::number_of(&f),
            f.meta.sequence,
            f.meta.arrived_at.as_micros() - f.meta.captured_at.as_micros()
        );
    }
    println!("{:?}", live.stats());
    let watch = forewarn_domain::clock::Stopwatch::start();
    live.stop();
    assert!(watch.elapsed() < Duration::from_secs(1));
}
