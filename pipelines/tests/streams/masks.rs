//! Privacy masks: what they hide is in no frame and in no clip, and everything else is as it was.

use std::path::Path;
use std::sync::Arc;

use forewarn_domain::mask::Mask;
use forewarn_domain::zone::ZoneUnit;
use forewarn_domain::{ClipSpan, Frame, Orientation, Point, Polygon, Timestamp};
use forewarn_pipelines::{Codec, FileReplay, ReplayConfig, SimCamera, SimConfig, StreamConfig};

use crate::live::{self, next, start};
use crate::replay::{all_frames, config};
use crate::support::{B_FRAMES, H265, JPEG_AVI, LARGER, MATROSKA, PLAIN, Recipe, TRANSPORT, clips, number_of};

/// Where the square of the test clips goes by.
fn masks() -> Arc<[Mask]> {
    let corners = [[0.4, 0.45], [0.6, 0.45], [0.6, 0.75], [0.4, 0.75]].map(Point::from).to_vec();
    let polygon = Polygon::new(corners);
    Arc::from([Mask { id: "door".to_owned(), polygon, unit: ZoneUnit::Normalised }])
}

fn masked() -> ReplayConfig {
    ReplayConfig { masks: masks(), ..config() }
}

/// The brightest pixel in the mask, and the mean difference from `original` at least 6 pixels away from it.
fn compare(frame: &Frame, original: &Frame) -> (u8, f64) {
    let ((luma, stride), (other, other_stride)) = (frame.plane(0), original.plane(0));
    let (mut brightest, mut sum, mut all) = (0, 0.0, 0.0);
    for y in 0..frame.height as usize {
        for x in 0..frame.width as usize {
            let (u, v) = (x as f32 / frame.width as f32, y as f32 / frame.height as f32);
            if (0.4..0.6).contains(&u) && (0.45..0.75).contains(&v) {
                brightest = brightest.max(luma[y * stride + x]);
            } else if !(0.38..0.62).contains(&u) || !(0.42..0.78).contains(&v) {
                sum += f64::from(luma[y * stride + x].abs_diff(other[y * other_stride + x]));
                all += 1.0;
            }
        }
    }
    (brightest, sum / all)
}

fn check(frames: &[Frame], originals: &[Frame], name: &str) {
    assert_eq!(frames.len(), originals.len(), "{name}");
    for (frame, original) in frames.iter().zip(originals) {
        assert_eq!(number_of(frame), number_of(original), "{name}: {frame:?}");
        let off = frame.meta.captured_at.as_micros() - original.meta.captured_at.as_micros();
        assert!(off.abs() <= 1_000, "{name}: {frame:?} is off by {off} us");
        let (brightest, change) = compare(frame, original);
        assert!(brightest < 30, "{name}: {frame:?} shows {brightest} in the mask");
        assert!(change < 4.0, "{name}: {frame:?} differs by {change} elsewhere");
    }
}

fn replayed(path: &Path, config: ReplayConfig) -> Vec<Frame> {
    let mut replay = FileReplay::open(path, config).unwrap();
    std::iter::from_fn(|| replay.next_frame().unwrap()).collect()
}

/// A clip of the second second of a masked replay.
fn clip_of(recipe: &Recipe) -> Vec<Frame> {
    let mut replay = FileReplay::open(&clips().get(recipe).path, masked()).unwrap();
    assert_eq!(replay.codec(), Some(Codec::H264), "{}", recipe.name);
    let (from, to) = (Timestamp::from_secs_f64(1.0), Timestamp::from_secs_f64(2.0));
    while replay.next_frame().unwrap().is_some_and(|frame| frame.meta.captured_at < to) {}
    let recorder = replay.ring().record(ClipSpan { from, to }).unwrap();
    while !recorder.is_complete() && replay.next_frame().unwrap().is_some() {}
    let out = clips().path(&format!("masked-{}", recipe.name)).with_extension("clip.mp4");
    let info = recorder.finish(&out).unwrap();
    all_frames(&out, info.first_unit_at)
}

#[test]
fn nothing_below_a_mask_is_analysed_or_kept_whatever_the_video() {
    for recipe in [PLAIN, B_FRAMES, H265, MATROSKA, TRANSPORT] {
        let originals = all_frames(&clips().get(&recipe).path, Timestamp::ZERO);
        check(&replayed(&clips().get(&recipe).path, masked()), &originals, recipe.name);
        let clip = clip_of(&recipe);
        assert!((25..60).contains(&clip.len()), "{}: {} frames", recipe.name, clip.len());
        let first = originals.iter().position(|frame| number_of(frame) == number_of(&clip[0])).unwrap();
        check(&clip, &originals[first..first + clip.len()], recipe.name);
    }
    // Without an encoded branch frames are masked all the same.
    let originals = all_frames(&clips().get(&JPEG_AVI).path, Timestamp::ZERO);
    check(&replayed(&clips().get(&JPEG_AVI).path, masked()), &originals, JPEG_AVI.name);
}

#[test]
fn a_masked_replay_gives_the_same_in_every_run_and_one_without_masks_costs_no_encoder() {
    let path = clips().get(&B_FRAMES).path;
    let luma = |frames: Vec<Frame>| frames.iter().map(crate::support::luma_of).collect::<Vec<_>>();
    assert!(luma(replayed(&path, masked())) == luma(replayed(&path, masked())));
    let plain = FileReplay::open(&clips().get(&H265).path, config()).unwrap();
    assert_eq!(plain.codec(), Some(Codec::H265), "it is kept as it comes");
}

#[test]
fn a_mask_is_where_it_was_drawn_in_a_picture_that_is_turned() {
    let turned = Orientation::clockwise(90).unwrap();
    let frames = replayed(&clips().get(&PLAIN).path, ReplayConfig { turned, ..masked() });
    let originals = replayed(&clips().get(&PLAIN).path, ReplayConfig { turned, ..config() });
    assert_eq!((frames[0].width, frames[0].height, frames.len()), (240, 320, originals.len()));
    for (frame, original) in frames.iter().zip(&originals) {
        let (brightest, change) = compare(frame, original);
        assert!(brightest < 30 && change < 4.0, "{frame:?}: {brightest} {change}");
    }
}

#[test]
fn a_live_camera_is_masked_and_so_is_the_stream_that_is_watched_in_its_place() {
    let clip = |recipe| SimConfig { is_looped: true, ..SimConfig::new(clips().get(&recipe).path) };
    let (main, small) = (SimCamera::start(&clip(LARGER)).unwrap(), SimCamera::start(&clip(PLAIN)).unwrap());
    for watched in [None, Some(small.url().parse().unwrap())] {
        let (live, _events) = start(StreamConfig { masks: masks(), watched, ..live::config(main.url()) });
        let frames: Vec<Frame> = (0..30).map(|_| next(&live)).collect();
        for frame in &frames {
            let (brightest, _) = compare(frame, frame);
            assert!(brightest < 30, "{frame:?}: {brightest}");
        }
        assert!(frames.windows(2).all(|pair| pair[0].meta.captured_at < pair[1].meta.captured_at));
        let (from, to) = (frames[5].meta.captured_at, frames[29].meta.captured_at);
        let recorder = live.ring().record(ClipSpan { from, to }).unwrap();
        assert!(recorder.wait(crate::support::WAIT), "the clip is whole");
        let out = clips().path("masked-live.mp4");
        recorder.finish(&out).unwrap();
        let kept = all_frames(&out, from);
        assert!(kept.len() > 10 && kept.iter().all(|frame| compare(frame, frame).0 < 30), "{} frames", kept.len());
        assert_eq!(kept[0].width, 480, "of the main stream");
    }
}
