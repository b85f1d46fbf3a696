//! Clips out of the ring: the right units, the right pictures, the right times.

use std::path::{Path, PathBuf};

use forewarn_base::durable::UNFINISHED_PREFIX;
use forewarn_domain::{ClipSpan, Frame, Timestamp};
use forewarn_pipelines::{ClipEnd, ClipInfo, FileReplay};

use crate::replay::{all_frames, config};
use crate::support::{B_FRAMES, H265, PLAIN, clips, luma_of};

fn seconds(s: f64) -> Timestamp {
    Timestamp::from_secs_f64(s)
}

/// Replays `path`, records `span` when the frame at `when` is seen, and gives what was written and all frames.
fn record(path: &Path, span: ClipSpan, when: Timestamp, out: &Path) -> (ClipInfo, Vec<Frame>) {
    let mut replay = FileReplay::open(path, config()).unwrap();
    let (mut recorder, mut frames) = (None, Vec::new());
    while let Some(frame) = replay.next_frame().unwrap() {
        if recorder.is_none() && frame.meta.captured_at >= when {
            recorder = Some(replay.ring().record(span).unwrap());
        }
        frames.push(frame);
    }
    (recorder.unwrap().finish(out).unwrap(), frames)
}

/// The clip shows the same pictures at the same times as the frames that were seen.
fn check_agreement(out: &Path, info: &ClipInfo, seen: &[Frame], frame_us: i64) {
    let shown = all_frames(out, info.first_unit_at);
    let first = seen.iter().position(|frame| frame.meta.captured_at == info.first_unit_at).unwrap();
    for (frame, original) in shown.iter().zip(&seen[first..]) {
        let off = frame.meta.captured_at.as_micros() - original.meta.captured_at.as_micros();
        assert!(off.abs() < frame_us, "{frame:?} is off by {off} us");
        assert!(luma_of(frame) == luma_of(original), "{frame:?} shows another picture than {original:?}");
    }
    assert_eq!(shown.len(), info.units);
}

#[test]
fn a_clip_shows_what_was_seen() {
    for (recipe, n) in [(PLAIN, 50), (H265, 50), (B_FRAMES, 50)] {
        let clip = clips().get(&recipe);
        let out = clips().path(&format!("seen-{}", recipe.name));
        let span = ClipSpan { from: seconds(1.5), to: seconds(3.0) };
        let (info, seen) = record(&clip.path, span, seconds(2.0), &out);
        assert_eq!((info.end, info.first_unit_at), (ClipEnd::Complete, seconds(1.0)), "{}", recipe.name);
        // A B-frame before the end needs the frame after it.
        assert!((n..=n + 3).contains(&info.units), "{}: {info:?}", recipe.name);
        assert!((info.last_unit_at.as_secs_f64() - 2.96).abs() < 0.13, "{info:?}");
        assert_eq!(info.bytes, std::fs::metadata(&out).unwrap().len());
        check_agreement(&out, &info, &seen, 40_000);
    }
}

#[test]
fn a_clip_has_the_same_bytes_in_every_run() {
    let clip = clips().get(&B_FRAMES);
    let span = ClipSpan { from: seconds(0.2), to: seconds(2.4) };
    let bytes = |when: f64, name: &str| {
        let out = clips().path(name);
        record(&clip.path, span, seconds(when), &out);
        std::fs::read(out).unwrap()
    };
    let first = bytes(0.4, "once.mp4");
    assert_eq!(first, bytes(0.4, "twice.mp4"));
    assert_eq!(first, bytes(3.0, "later.mp4"));
}

#[test]
fn a_clip_is_laid_out_for_browsers() {
    for (recipe, sample_entry) in [(PLAIN, b"avc1"), (H265, b"hvc1")] {
        let out = clips().path(&format!("layout-{}", recipe.name));
        let span = ClipSpan { from: seconds(0.0), to: seconds(1.0) };
        record(&clips().get(&recipe).path, span, seconds(1.0), &out);
        let bytes = std::fs::read(&out).unwrap();
        let find = |what: &[u8; 4]| bytes.windows(4).position(|w| w == what);
        assert!(find(b"moov").unwrap() < find(b"mdat").unwrap(), "the index stands in front");
        assert!(find(sample_entry).is_some(), "{}", recipe.name);
    }
    let left = std::fs::read_dir(clips().path("")).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        name.contains("layout") && name.starts_with(UNFINISHED_PREFIX)
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_clip_that_reaches_over_the_end_is_cut_there() {
    let out = clips().path("over.mp4");
    let span = ClipSpan { from: seconds(3.5), to: seconds(60.0) };
    let (info, seen) = record(&clips().get(&PLAIN).path, span, seconds(3.5), &out);
    assert_eq!(info.end, ClipEnd::Epoch(forewarn_pipelines::EpochEnd::StreamEnded));
    assert_eq!((info.units, info.first_unit_at), (25, seconds(3.0)));
    check_agreement(&out, &info, &seen, 40_000);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_its_path() {
    let mut replay = FileReplay::open(&clips().get(&PLAIN).path, config()).unwrap();
    let recorder = replay.ring().record(ClipSpan { from: seconds(0.0), to: seconds(1.0) }).unwrap();
    while replay.next_frame().unwrap().is_some() {}
    let error = recorder.finish(&clips().path("no/such/clip.mp4")).unwrap_err();
    assert!(error.to_string().contains("no/such/clip.mp4"), "{error}");
}

#[test]
fn clips_of_real_footage_agree_with_the_frames() {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "data", "clips"].iter().collect();
    for name in ["car-detection.mp4", "one-by-one-person-detection.mp4"] {
        let path = folder.join(name);
        if !path.is_file() {
            println!("skipped: {} is not there", path.display());
            continue;
        }
        let out = clips().path(&format!("real-{name}"));
        let mut replay = FileReplay::open(&path, config()).unwrap();
        let span = ClipSpan { from: seconds(2.0), to: seconds(5.0) };
        let recorder = replay.ring().record(span).unwrap();
        let mut seen = Vec::new();
        while let Some(frame) = replay.next_frame().unwrap() {
            seen.push(frame);
            if recorder.is_complete() {
                break;
            }
        }
        let info = recorder.finish(&out).unwrap();
        assert!(info.first_unit_at <= span.from && info.last_unit_at < seconds(5.2), "{info:?}");
        let frame_us = (seen[1].meta.captured_at.as_micros() - seen[0].meta.captured_at.as_micros()).max(10_000);
        let shown = all_frames(&out, info.first_unit_at);
        assert_eq!(shown.len(), info.units, "{name}");
        seen.truncate(seen.iter().position(|f| f.meta.captured_at > info.last_unit_at).unwrap_or(seen.len()));
        check_agreement(&out, &info, &seen, frame_us);
    }
}
