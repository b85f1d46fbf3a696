//! Tests of the ring and of the recorders that it feeds.

use forewarn_domain::Orientation;
use proptest::prelude::*;

use super::*;
use crate::entry::Entry;
use crate::{ClipEnd, Codec};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(ms * 1000)
}

fn unit(ms: i64, is_key: bool, size: usize) -> AccessUnit {
    crate::init().unwrap();
    let entry = if is_key { Entry::Clean } else { Entry::No };
    AccessUnit { captured_at: at(ms), is_key, entry, certificate: None, buffer: gst::Buffer::from_slice(vec![0; size]) }
}

fn format() -> StreamFormat {
    crate::init().unwrap();
    StreamFormat::of(Codec::H264, &Codec::H264.unit_caps(), Orientation::UPRIGHT)
}

/// A ring with an epoch begun, that keeps 2 s.
fn ring(bytes: usize) -> PreRollRing {
    let limits = RingLimits { span: Duration::from_secs(2), bytes, recorders: 2, ..RingLimits::default() };
    let ring = PreRollRing::new(limits);
    ring.begin_epoch(format());
    ring
}

/// Pushes units of 100 bytes, one each 100 ms, a key frame each 500 ms, from `from` to before `to`.
fn push(ring: &PreRollRing, from: i64, to: i64) {
    for ms in (from..to).step_by(100) {
        ring.push(unit(ms, ms % 500 == 0, 100));
    }
}

fn span(from: i64, to: i64) -> ClipSpan {
    ClipSpan { from: at(from), to: at(to) }
}

/// Milliseconds of the units that a recorder has, and how it ended.
fn taken(recorder: &ClipRecorder) -> (Vec<i64>, Option<ClipEnd>) {
    let (units, end) = recorder.peek();
    (units.iter().map(|unit| unit.captured_at.as_millis()).collect(), end)
}

#[test]
fn at_least_the_stated_seconds_are_kept_and_whole_groups_go() {
    let ring = ring(1 << 20);
    push(&ring, 0, 10_000);
    // The newest unit is at 9900, so the group that holds 7900 must stay.
    assert_eq!(ring.span(), Some((at(7500), at(9900))));
    let level = ring.level();
    assert_eq!((level.units, level.bytes, level.taken, level.evicted), (25, 2500, 100, 75));
    assert_eq!(level.span_ms, 2400);
}

#[test]
fn the_rhythm_is_that_of_the_present_connection() {
    let ring = ring(1 << 20);
    push(&ring, 0, 100);
    assert_eq!(ring.rhythm(), None, "one unit has no rhythm");
    push(&ring, 100, 300);
    assert_eq!(ring.rhythm().map(|known| known.key_distance), Some(None));
    push(&ring, 300, 2000);
    let known = ring.rhythm().unwrap();
    assert_eq!((known.pictures_per_s, known.span), (10.0, Duration::from_millis(1900)));
    assert_eq!((known.key_distance, known.pixel_aspect), (Some(Duration::from_millis(500)), None));
    ring.begin_epoch(format());
    assert_eq!(ring.rhythm(), None);
}

#[test]
fn bytes_are_bounded_too() {
    let ring = ring(1000);
    push(&ring, 0, 5000);
    assert!(ring.level().bytes <= 1000);
    assert_eq!(ring.span(), Some((at(4000), at(4900))));
    // A group that is too large alone is given up, and the next key frame begins anew.
    ring.push(unit(5000, true, 2000));
    assert_eq!(ring.level().units, 0);
    ring.push(unit(5100, false, 100));
    assert_eq!((ring.level().units, ring.level().refused), (0, 1));
    ring.push(unit(5500, true, 100));
    assert_eq!(ring.level().units, 1);
}

#[test]
fn nothing_is_kept_before_a_key_frame() {
    let ring = ring(1 << 20);
    ring.push(unit(100, false, 100));
    assert_eq!((ring.level().units, ring.level().refused), (0, 1));
}

#[test]
fn a_clip_begins_at_the_key_frame_before_and_ends_before_its_end() {
    let ring = ring(1 << 20);
    push(&ring, 0, 1300);
    let recorder = ring.record(span(700, 1600)).unwrap();
    assert!(!recorder.is_complete());
    push(&ring, 1300, 1600);
    assert!(!recorder.is_complete());
    push(&ring, 1600, 1700);
    assert_eq!(taken(&recorder), ((500..1600).step_by(100).collect(), Some(ClipEnd::Complete)));
    push(&ring, 1700, 2000);
    assert_eq!(taken(&recorder).0.len(), 11);
}

#[test]
fn a_clip_that_begins_before_the_ring_takes_the_oldest() {
    let ring = ring(1 << 20);
    push(&ring, 0, 6000);
    let recorder = ring.record(span(0, 5800)).unwrap();
    assert_eq!(taken(&recorder), ((3500..5800).step_by(100).collect(), Some(ClipEnd::Complete)));
}

#[test]
fn reordered_units_before_the_end_are_waited_for() {
    let ring = ring(1 << 20);
    // Decoding order of I P B B P B B, shown at 0 300 100 200 600 400 500.
    let recorder = ring.record(span(0, 450)).unwrap();
    for (ms, is_key) in [(0, true), (300, false), (100, false), (200, false), (600, false), (400, false), (500, false)]
    {
        ring.push(unit(ms, is_key, 10));
        assert!(!recorder.is_complete());
    }
    ring.push(unit(1000, true, 10));
    // The picture at 400 needs that at 600, which is coded before it.
    assert_eq!(taken(&recorder), (vec![0, 300, 100, 200, 600, 400], Some(ClipEnd::Complete)));
}

#[test]
fn no_clip_goes_across_an_epoch() {
    for end in [EpochEnd::Interrupted, EpochEnd::FormatChanged, EpochEnd::StreamEnded] {
        let ring = ring(1 << 20);
        push(&ring, 0, 1000);
        let running = ring.record(span(0, 5000)).unwrap();
        ring.end_epoch(end);
        assert_eq!(taken(&running), ((0..1000).step_by(100).collect(), Some(ClipEnd::Epoch(end))));
        ring.begin_epoch(format());
        push(&ring, 1500, 2000);
        let newest = ring.record(span(200, 1800)).unwrap();
        assert_eq!(taken(&newest), (vec![1500, 1600, 1700], Some(ClipEnd::Complete)));
        let older = ring.record(span(200, 700)).unwrap();
        assert_eq!(taken(&older), ((0..700).step_by(100).collect(), Some(ClipEnd::Complete)));
    }
}

#[test]
fn a_clip_that_was_asked_for_during_an_outage_waits_for_the_stream() {
    let ring = ring(1 << 20);
    ring.end_epoch(EpochEnd::Interrupted);
    let recorder = ring.record(span(0, 1000)).unwrap();
    ring.begin_epoch(format());
    push(&ring, 500, 1200);
    assert_eq!(taken(&recorder), ((500..1000).step_by(100).collect(), Some(ClipEnd::Complete)));
}

#[test]
fn recorders_are_bounded_in_number_and_bytes() {
    let ring = PreRollRing::new(RingLimits { clip_bytes: 350, recorders: 2, ..RingLimits::default() });
    ring.begin_epoch(format());
    let first = ring.record(span(0, 9000)).unwrap();
    let second = ring.record(span(0, 9000)).unwrap();
    assert!(matches!(ring.record(span(0, 9000)), Err(ClipError::TooManyRecorders { limit: 2 })));
    drop(second);
    assert!(ring.record(span(0, 9000)).is_ok());
    push(&ring, 0, 1000);
    assert_eq!(taken(&first), (vec![0, 100, 200], Some(ClipEnd::SizeLimit)));
    assert!(matches!(ring.record(span(5, 5)), Err(ClipError::EmptySpan { .. })));
}

#[test]
fn a_clip_without_video_is_an_error() {
    let ring = ring(1 << 20);
    push(&ring, 1000, 2000);
    let recorder = ring.record(span(0, 500)).unwrap();
    ring.end_epoch(EpochEnd::StreamEnded);
    let refused = recorder.finish(std::path::Path::new("/nowhere/clip.mp4"));
    assert!(matches!(refused, Err(ClipError::NoVideo { .. })), "{refused:?}");
}

proptest! {
    #[test]
    fn the_ring_keeps_its_bounds_and_begins_with_a_key_frame(
        units in prop::collection::vec((1_i64..400, prop::bool::weighted(0.2), 1_usize..400), 1..120),
        bytes in 200_usize..5000,
        epochs in prop::collection::vec(0_usize..120, 0..3),
    ) {
        let ring = ring(bytes);
        let mut now = 0;
        for (i, (step, is_key, size)) in units.into_iter().enumerate() {
            if epochs.contains(&i) {
                ring.end_epoch(EpochEnd::Interrupted);
                ring.begin_epoch(format());
            }
            now += step;
            ring.push(unit(now, is_key, size));
            let level = ring.level();
            prop_assert!(level.bytes <= bytes);
            prop_assert_eq!(level.taken, level.evicted + level.units as u64);
            let state = ring.lock();
            for gop in state.epochs.iter().flat_map(|epoch| &epoch.gops) {
                prop_assert!(gop.units()[0].is_key && gop.units().iter().skip(1).all(|unit| !unit.is_key));
            }
            // Without the oldest group less than the stated span would be left.
            let second = state.epochs.iter().flat_map(|epoch| &epoch.gops).nth(1).map(Group::begins_at);
            let newest = state.span().map_or(Timestamp::ZERO, |(_, newest)| newest);
            prop_assert!(second.is_none_or(|begins_at| newest.since(begins_at) < Duration::from_secs(2)));
        }
    }

    #[test]
    fn a_recorder_gets_the_same_units_whenever_it_is_started(
        from in 0_i64..2000, length in 1_i64..2000, started in 0_i64..2000, key_every in 1_i64..9,
    ) {
        let limits = RingLimits { span: Duration::from_mins(1), ..RingLimits::default() };
        let ring = PreRollRing::new(limits);
        ring.begin_epoch(format());
        let mut recorder = None;
        for (n, ms) in (0..4500).step_by(100).enumerate() {
            ring.push(unit(ms, n as i64 % key_every == 0, 10));
            if ms >= started && recorder.is_none() {
                recorder = Some(ring.record(span(from, from + length)).unwrap());
            }
        }
        let (found, end) = taken(&recorder.unwrap());
        let key_step = key_every * 100;
        let begin = from / key_step * key_step;
        prop_assert_eq!(end, Some(ClipEnd::Complete));
        prop_assert_eq!(found.last().copied(), (0..from + length).step_by(100).last());
        prop_assert_eq!(found[0], begin);
        prop_assert!(found.windows(2).all(|pair| pair[1] - pair[0] == 100));
    }
}
