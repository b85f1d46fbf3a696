//! Replay of files, good and bad.

use std::path::PathBuf;

use forewarn_domain::{Frame, StreamId, Timestamp};
use forewarn_pipelines::{
    Codec, FileReplay, ReplayConfig, ReplayError, RingLimits, SimCamera, SimConfig, StreamFault, transcode_to_h264,
};

use crate::support::{self, B_FRAMES, FLASH, H265, JPEG_AVI, MATROSKA, PLAIN, Recipe, TRANSPORT, clips, number_of};

pub(crate) fn config() -> ReplayConfig {
    ReplayConfig::new(StreamId::new("file").unwrap())
}

/// Every frame of a file.
pub(crate) fn all_frames(path: &std::path::Path, start: Timestamp) -> Vec<Frame> {
    let mut replay = FileReplay::open(path, ReplayConfig { start, ..config() }).unwrap();
    std::iter::from_fn(|| replay.next_frame().unwrap()).collect()
}

fn check_every_frame(recipe: &Recipe, codec: Option<Codec>) {
    let clip = clips().get(recipe);
    let start = Timestamp::from_secs_f64(1000.0);
    let mut replay = FileReplay::open(&clip.path, ReplayConfig { start, ..config() }).unwrap();
    assert_eq!(replay.codec(), codec, "{}", recipe.name);
    for n in 0..clip.frames as u64 {
        let frame = replay.next_frame().unwrap().unwrap();
        assert_eq!((number_of(&frame), frame.meta.sequence), (n, n), "{}", recipe.name);
        let expected = start.as_micros() + n as i64 * 40_000;
        let off = frame.meta.captured_at.as_micros() - expected;
        assert!(off.abs() <= 1000, "{}: frame {n} is off by {off} us", recipe.name);
        assert_eq!(frame.meta.arrived_at, frame.meta.captured_at);
        if codec.is_some() {
            let (_, newest) = replay.ring().span().unwrap();
            assert!(newest >= frame.meta.captured_at, "{}: the ring is behind frame {n}", recipe.name);
        }
    }
    assert!(replay.next_frame().unwrap().is_none());
    assert!(replay.next_frame().unwrap().is_none());
}

#[test]
fn every_frame_comes_in_order_from_any_container_and_codec() {
    for recipe in [PLAIN, MATROSKA, TRANSPORT, FLASH, B_FRAMES] {
        check_every_frame(&recipe, Some(Codec::H264));
    }
    check_every_frame(&H265, Some(Codec::H265));
}

#[test]
fn other_codecs_are_replayed_without_an_encoded_branch() {
    check_every_frame(&JPEG_AVI, None);
    let replay = FileReplay::open(&clips().get(&JPEG_AVI).path, config()).unwrap();
    assert_eq!(replay.ring().level().taken, 0);
}

#[test]
fn files_that_follow_each_other_are_one_stream_and_one_that_is_gone_is_passed_over() {
    let clip = clips().get(&PLAIN);
    let at = |s: f64| Timestamp::from_secs_f64(s);
    let gone = (at(50.0), PathBuf::from("/nonexistent/minute.mp4"));
    let following = [gone, (at(60.0), clip.path.clone()), (at(61.0), clip.path.clone())].into();
    let mut replay = FileReplay::open(&clip.path, ReplayConfig { following, ..config() }).unwrap();
    let frames: Vec<Frame> = std::iter::from_fn(|| replay.next_frame().unwrap()).collect();
    let n = clip.frames;
    assert_eq!((frames.len(), replay.frames()), (3 * n, 3 * n as u64));
    assert!(frames.iter().zip(0..).all(|(frame, i)| frame.meta.sequence == i && number_of(frame) == i % n as u64));
    let began: Vec<f64> = [0, n, 2 * n].map(|i| frames[i].meta.captured_at.as_secs_f64()).into();
    let second_ends = frames[2 * n - 1].meta.captured_at.as_secs_f64();
    assert_eq!(began[..2], [0.0, 60.0]);
    assert!(second_ends > 61.0 && began[2] > second_ends, "time never goes back: {second_ends}, {began:?}");
}

#[test]
fn the_ring_is_the_same_at_the_same_frame_in_every_run() {
    let run = |pause_at: u64| {
        let mut replay = FileReplay::open(&clips().get(&B_FRAMES).path, config()).unwrap();
        let mut levels = Vec::new();
        while let Some(frame) = replay.next_frame().unwrap() {
            if frame.meta.sequence == pause_at {
                // The pipeline runs on by itself meanwhile, which must not show.
                support::spend_time();
            }
            levels.push((frame.meta.captured_at, replay.ring().level().taken, replay.ring().span()));
        }
        levels
    };
    assert_eq!(run(10), run(60));
}

#[test]
fn an_abandoned_replay_ends_at_once() {
    let mut replay = FileReplay::open(&clips().get(&PLAIN).path, config()).unwrap();
    replay.next_frame().unwrap().unwrap();
    let watch = forewarn_domain::clock::Stopwatch::start();
    drop(replay);
    assert!(watch.elapsed().as_secs() < 1);
}

#[test]
fn a_missing_file_and_one_without_video_are_errors() {
    let missing = FileReplay::open(&clips().path("missing.mp4"), config()).err().unwrap();
    assert!(matches!(missing, ReplayError::Open { .. }), "{missing}");
    let noise = clips().path("noise.mp4");
    std::fs::write(&noise, [7; 5000]).unwrap();
    let refused = FileReplay::open(&noise, config()).err().unwrap();
    assert!(matches!(refused, ReplayError::Play { fault: StreamFault::NoVideo { .. }, .. }), "{refused}");
    std::fs::write(&noise, []).unwrap();
    let empty = FileReplay::open(&noise, config()).err().unwrap();
    assert!(matches!(empty, ReplayError::Open { .. }) && empty.to_string().contains("it is empty"), "{empty}");
}

/// Frames before the error, and the error.
fn replay_damaged(bytes: &[u8], name: &str) -> (u64, ReplayError) {
    let path: PathBuf = clips().path(name);
    std::fs::write(&path, bytes).unwrap();
    let mut replay = match FileReplay::open(&path, config()) {
        Ok(replay) => replay,
        Err(error) => return (0, error),
    };
    loop {
        match replay.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("{name} has no error after {} frames", replay.frames()),
            Err(error) => return (replay.frames(), error),
        }
    }
}

/// Within this time an error is known; far less than the limit at which a replay is given up.
const SOON: std::time::Duration = std::time::Duration::from_secs(20);

#[test]
fn a_truncated_file_gives_its_frames_and_then_an_error() {
    let watch = forewarn_domain::clock::Stopwatch::start();
    for recipe in [PLAIN, MATROSKA] {
        let bytes = std::fs::read(clips().get(&recipe).path).unwrap();
        let (frames, error) = replay_damaged(&bytes[..bytes.len() / 2], &format!("cut-{}", recipe.name));
        let is_typed = match &error {
            // The index of an MP4 of a plain muxer stands at its end, so nothing can be played.
            ReplayError::Play { .. } => frames == 0,
            ReplayError::Damaged { frames: stated, .. } => *stated == frames && (10..90).contains(&frames),
            _ => false,
        };
        assert!(is_typed, "{}: {error} after {frames}", recipe.name);
    }
    // With the index in front the frames up to the cut are there.
    let front = clips().path("front.mp4");
    transcode_to_h264(&clips().get(&PLAIN).path, &front, |_, _| {}).unwrap();
    let bytes = std::fs::read(&front).unwrap();
    let (frames, error) = replay_damaged(&bytes[..bytes.len() * 2 / 3], "cut-front.mp4");
    assert!(matches!(error, ReplayError::Damaged { .. }) && frames > 20, "{error} after {frames}");
    assert!(watch.elapsed() < SOON);
}

#[test]
fn a_garbled_file_never_hangs_or_panics() {
    let bytes = std::fs::read(clips().get(&PLAIN).path).unwrap();
    for seed in 1..5_usize {
        let mut garbled = bytes.clone();
        let n = garbled.len();
        for i in 0..n / 20 {
            garbled[(i * 7919 * seed + 13 * seed) % (n * 3 / 4) + n / 8] ^= (i * 31 + seed) as u8;
        }
        let path = clips().path(&format!("garbled-{seed}.mp4"));
        std::fs::write(&path, garbled).unwrap();
        let Ok(mut replay) = FileReplay::open(&path, config()) else { continue };
        while let Ok(Some(_)) = replay.next_frame() {}
        assert!(replay.frames() <= 110 && replay.next_frame().unwrap().is_none());
    }
}

#[test]
fn conversion_gives_the_same_bytes_every_time() {
    let (a, b) = (clips().path("converted-1.mp4"), clips().path("converted-2.mp4"));
    let input = clips().get(&JPEG_AVI);
    let mut progress = Vec::new();
    transcode_to_h264(&input.path, &a, |position, length| progress.push((position, length))).unwrap();
    transcode_to_h264(&input.path, &b, |_, _| {}).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    assert!(progress.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    // A ring that wants nothing keeps the newest group of pictures, which shows where each begins.
    let ring = RingLimits { span: std::time::Duration::ZERO, ..RingLimits::default() };
    let mut replay = FileReplay::open(&a, ReplayConfig { ring, ..config() }).unwrap();
    while let Some(frame) = replay.next_frame().unwrap() {
        assert_eq!(number_of(&frame), frame.meta.sequence);
        let (group_begins_at, newest) = replay.ring().span().unwrap();
        assert_eq!(newest, frame.meta.captured_at);
        assert_eq!(group_begins_at.as_micros(), newest.as_micros() / 1_000_000 * 1_000_000);
    }
    assert_eq!(replay.frames(), 100);
    let missing = transcode_to_h264(&clips().path("none.avi"), &a, |_, _| {}).unwrap_err();
    assert!(missing.to_string().contains("none.avi"), "{missing}");
}

#[test]
fn what_is_no_recording_is_told_and_not_waited_for() {
    forewarn_pipelines::init().unwrap();
    let pipe = clips().path("pipe.mp4");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (folder, empty, gif) = (clips().path("folder.mp4"), clips().path("empty.mp4"), clips().path("moving.gif"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&gif, b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;")
        .unwrap();
    for (path, word) in [(&pipe, "named pipe"), (&folder, "folder"), (&empty, "empty"), (&gif, "it is a GIF")] {
        let told = |error: &dyn std::fmt::Display| assert!(error.to_string().contains(word), "{error}");
        told(&FileReplay::open(path, config()).err().unwrap());
        told(&SimCamera::start(&SimConfig::new(path)).err().unwrap());
    }
}
