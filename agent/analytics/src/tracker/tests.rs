//! Tests of the tracker as a whole.

use std::collections::BTreeMap;

use forewarn_domain::{BBox, TrackState};
use proptest::prelude::*;

use super::*;

const SIZE: (u32, u32) = (640, 480);

fn seen(class: &str, score: f32, x: f32, y: f32, w: f32, h: f32) -> Detection {
    Detection { class: Class::new(class), score, bbox: BBox::new(x, y, x + w, y + h) }
}

fn person(x: f32, y: f32) -> Detection {
    seen("person", 0.8, x, y, 30.0, 75.0)
}

/// Runs frames at `fps` and tells for each track `id class first_seen..last_seen`, in the order of ids.
fn check(fps: f64, frames: impl IntoIterator<Item = Vec<Detection>>, expected: &[&str]) {
    let mut tracker = Tracker::new(TrackerConfig::default());
    let mut known: BTreeMap<TrackId, Track> = BTreeMap::new();
    for (n, frame) in frames.into_iter().enumerate() {
        for track in tracker.update(Timestamp::from_secs_f64(n as f64 / fps), SIZE, &frame) {
            known.insert(track.id, track.clone());
        }
    }
    let text =
        |t: &Track| format!("{} {} {:.1}..{:.1}", t.id, t.class, t.first_seen.as_secs_f64(), t.last_seen.as_secs_f64());
    assert_eq!(known.values().map(text).collect::<Vec<_>>(), expected);
}

#[test]
fn a_track_begins_with_its_first_detection_and_shows_from_its_second() {
    let mut tracker = Tracker::new(TrackerConfig::default());
    assert!(tracker.update(Timestamp::ZERO, SIZE, &[person(100.0, 100.0)]).is_empty());
    let tracks = tracker.update(Timestamp::from_secs_f64(0.1), SIZE, &[person(102.0, 100.0)]);
    assert_eq!((tracks[0].id, tracks[0].first_seen, tracks[0].state), (TrackId(1), Timestamp::ZERO, TrackState::Seen));
    check(10.0, [vec![person(100.0, 100.0)], vec![], vec![], vec![], vec![], vec![], vec![]], &[]);
}

#[test]
fn a_walker_is_one_track_at_any_frame_rate() {
    for fps in [2.0, 5.0, 10.0] {
        let frames =
            (0..(4.0 * fps) as u32).map(|n| vec![person(50.0 + 60.0 * f64::from(n) as f32 / fps as f32, 200.0)]);
        let last = format!("1 person 0.0..{:.1}", 4.0 - 1.0 / fps);
        check(fps, frames, &[&last]);
    }
}

/// How many tracks two subjects give that are seen for two seconds.
fn tracks_of(a: &Detection, b: &Detection) -> usize {
    let mut tracker = Tracker::new(TrackerConfig::default());
    for n in 0..20 {
        tracker.update(Timestamp::from_secs_f64(0.1 * f64::from(n)), SIZE, &[a.clone(), b.clone()]);
    }
    tracker.tracks().len()
}

#[test]
fn nested_boxes_of_one_group_are_one_subject() {
    let car = seen("car", 0.6, 200.0, 200.0, 120.0, 60.0);
    let around = |class| seen(class, 0.5, 190.0, 180.0, 150.0, 100.0);
    assert_eq!(tracks_of(&car, &around("car")), 1, "a box with the shadow and the kerb");
    assert_eq!(tracks_of(&car, &around("bus")), 1, "the same that is called a bus");
    assert_eq!(tracks_of(&car, &seen("truck", 0.5, 175.0, 165.0, 170.0, 110.0)), 1, "a box twice as large and more");
    assert_eq!(
        tracks_of(&car, &seen("bus", 0.7, 150.0, 110.0, 220.0, 145.0)),
        2,
        "a car before a bus has the lower foot"
    );
    assert_eq!(tracks_of(&car, &seen("car", 0.6, 290.0, 200.0, 120.0, 60.0)), 2, "a car that is parked beside it");
    let near = seen("truck", 0.5, 195.0, 190.0, 130.0, 80.0);
    assert_eq!(tracks_of(&car, &near), 1, "a car that is called a truck with what is around it");
    let man = seen("person", 0.7, 300.0, 100.0, 80.0, 240.0);
    assert_eq!(tracks_of(&man, &seen("person", 0.6, 302.0, 100.0, 76.0, 110.0)), 1, "his upper half");
    assert_eq!(tracks_of(&man, &seen("person", 0.6, 320.0, 220.0, 40.0, 118.0)), 2, "a child before him");
    assert_eq!(tracks_of(&man, &seen("person", 0.6, 345.0, 105.0, 78.0, 238.0)), 2, "somebody beside him");
}

#[test]
fn a_box_within_a_box_is_of_another_where_each_has_a_head_of_its_own() {
    let (near, behind) =
        (seen("person", 0.8, 200.0, 100.0, 120.0, 300.0), seen("person", 0.7, 230.0, 110.0, 80.0, 200.0));
    let head = |x: f32| Some(BBox::new(x, 112.0, x + 20.0, 136.0));
    let tracks_with = |heads: [Option<BBox>; 2]| {
        let mut tracker = Tracker::new(TrackerConfig::default());
        for n in 0..5 {
            let beside = Beside { heads: &heads, ..Beside::default() };
            tracker.update_beside(
                Timestamp::from_secs_f64(0.2 * f64::from(n)),
                SIZE,
                &[near.clone(), behind.clone()],
                beside,
            );
        }
        tracker.tracks().len()
    };
    assert_eq!(tracks_with([head(210.0), head(260.0)]), 2);
    assert_eq!(tracks_with([head(210.0), None]), 1, "of what has no head nobody knows that it is somebody");
    assert_eq!(tracks_with([None, None]), 1);
}

#[test]
fn names_of_vehicles_may_change_and_the_most_frequent_wins() {
    let names = ["car", "truck", "truck", "bus", "truck", "car", "truck"];
    let frames = (0..28).map(|n| vec![seen(names[n % 7], 0.6, 300.0, 100.0, 70.0, 60.0)]);
    check(10.0, frames, &["1 truck 0.0..2.7"]);
}

#[test]
fn two_names_for_one_vehicle_in_one_frame_are_one_track() {
    let frames =
        (0..20).map(|_| vec![seen("car", 0.6, 300.0, 100.0, 70.0, 60.0), seen("truck", 0.55, 301.0, 99.0, 71.0, 61.0)]);
    check(10.0, frames, &["1 car 0.0..1.9"]);
}

#[test]
fn a_vehicle_never_becomes_a_person() {
    let name = |n| if n < 10 { "car" } else { "person" };
    let frames = (0..20).map(|n| vec![seen(name(n), 0.8, 300.0, 100.0, 50.0, 60.0)]);
    check(10.0, frames, &["1 car 0.0..0.9", "2 person 1.0..1.9"]);
}

#[test]
fn unsure_detections_carry_a_track_on_but_begin_none() {
    let unsure = |x| seen("person", 0.2, x, 300.0, 30.0, 75.0);
    let frames = (0..30).map(|n| {
        let walker = if n % 10 < 3 {
            person(n as f32 * 4.0, 100.0)
        } else {
            seen("person", 0.2, n as f32 * 4.0, 100.0, 30.0, 75.0)
        };
        vec![walker, unsure(400.0)]
    });
    check(10.0, frames, &["1 person 0.0..2.9"]);
}

#[test]
fn a_hidden_walker_is_found_again() {
    let frames =
        (0..60).map(|n| if (20..40).contains(&n) { vec![] } else { vec![person(20.0 + 5.0 * n as f32, 200.0)] });
    check(10.0, frames, &["1 person 0.0..5.9"]);
}

#[test]
fn a_track_that_stays_lost_is_dropped() {
    let frames = (0..100).map(|n| if (10..60).contains(&n) { vec![] } else { vec![person(200.0, 200.0)] });
    check(10.0, frames, &["1 person 0.0..0.9", "2 person 6.0..9.9"]);
}

#[test]
fn walkers_who_cross_keep_their_ids() {
    let frames = (0..60).map(|n| {
        let x = 5.0 * n as f32;
        vec![person(100.0 + x, 200.0), person(400.0 - x, 215.0)]
    });
    let mut tracker = Tracker::new(TrackerConfig::default());
    for (n, frame) in frames.enumerate() {
        tracker.update(Timestamp::from_secs_f64(n as f64 / 10.0), SIZE, &frame);
    }
    let ends: Vec<_> = tracker.tracks().iter().map(|t| (t.bbox.centre().x.round() / 5.0).round() as i32 * 5).collect();
    // The one that began on the left ends on the right; ids follow the fixed order of detections, left first.
    assert_eq!(ends, [410, 120]);
}

#[test]
fn a_fast_car_whose_boxes_take_in_a_parked_one_at_first_is_one_track() {
    // At five looks a second: its front drives on from look to look, its rear is that of the one behind until it is clear.
    let edges =
        [(560, 640), (470, 640), (470, 640), (420, 600), (330, 590), (210, 420), (115, 290), (20, 195), (0, 100)];
    let boxes = edges.map(|(left, right)| vec![seen("car", 0.8, left as f32, 300.0, (right - left) as f32, 80.0)]);
    check(5.0, boxes, &["1 car 0.0..1.6"]);
}

#[test]
fn an_outage_of_the_stream_does_not_end_a_parked_car() {
    let mut tracker = Tracker::new(TrackerConfig::default());
    let car = [seen("car", 0.7, 300.0, 300.0, 90.0, 60.0)];
    for second in [0.0, 0.1, 0.2, 45.0, 45.1] {
        tracker.update(Timestamp::from_secs_f64(second), SIZE, &car);
    }
    assert_eq!(tracker.tracks().iter().map(|t| t.id.0).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_new_picture_size_keeps_the_tracks() {
    let mut tracker = Tracker::new(TrackerConfig::default());
    for n in 0..10 {
        tracker.update(Timestamp::from_secs_f64(f64::from(n) / 10.0), SIZE, &[person(100.0, 100.0)]);
    }
    let large = seen("person", 0.8, 200.0, 200.0, 60.0, 150.0);
    let tracks = tracker.update(Timestamp::from_secs_f64(1.0), (1280, 960), &[large]);
    assert_eq!((tracks.len(), tracks[0].id, tracks[0].state), (1, TrackId(1), TrackState::Seen));
}

fn any_number() -> impl Strategy<Value = f32> {
    prop_oneof![8 => -100f32..800.0, 1 => prop::num::f32::ANY, 1 => Just(f32::MAX)]
}

fn any_detection() -> impl Strategy<Value = Detection> {
    let class = prop::sample::select(vec!["person", "car", "truck", "dog"]);
    let score = prop_oneof![9 => 0f32..1.0, 1 => prop::num::f32::ANY];
    (class, score, prop::array::uniform4(any_number()))
        .prop_map(|(class, score, [x, y, w, h])| seen(class, score, x, y, w % 200.0, h % 200.0))
}

fn any_frames() -> impl Strategy<Value = Vec<(i64, Vec<Detection>)>> {
    let at = prop_oneof![8 => 0i64..400_000, 1 => -500_000i64..0, 1 => 0i64..100_000_000];
    prop::collection::vec((at, prop::collection::vec(any_detection(), 0..8)), 0..25)
}

fn run(frames: &[(i64, Vec<Detection>)], turn: usize) -> Vec<Vec<Track>> {
    let (mut tracker, mut at) = (Tracker::new(TrackerConfig::default()), 0);
    let frame = |(step, detections): &(i64, Vec<Detection>)| {
        at += step;
        let mut turned = detections.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn % detections.len());
        }
        tracker.update(Timestamp::from_micros(at), SIZE, &turned).to_vec()
    };
    frames.iter().map(frame).collect()
}

proptest! {
    #[test]
    fn tracks_are_sound_for_any_input(frames in any_frames()) {
        for tracks in run(&frames, 0) {
            prop_assert!(tracks.windows(2).all(|pair| pair[0].id < pair[1].id));
            for track in tracks {
                prop_assert!(track.bbox.is_valid(), "{:?}", track);
                prop_assert!(track.bbox.x1 <= SIZE.0 as f32 && track.bbox.y1 <= SIZE.1 as f32);
                prop_assert!(track.first_seen <= track.last_seen || frames.iter().any(|f| f.0 < 0));
            }
        }
    }

    #[test]
    fn the_order_of_detections_does_not_matter(frames in any_frames(), turn in 0usize..8) {
        prop_assert_eq!(run(&frames, 0), run(&frames, turn));
    }

    #[test]
    fn a_track_never_jumps(frames in any_frames()) {
        let mut before: BTreeMap<TrackId, Track> = BTreeMap::new();
        for (tracks, (step, _)) in run(&frames, 0).into_iter().zip(&frames) {
            for track in tracks {
                if let Some(old) = before.get(&track.id).filter(|_| (0..300_000).contains(step)) {
                    let moved = old.bbox.centre().distance(track.bbox.centre());
                    let reach = 2.5 * (old.bbox.diagonal() + track.bbox.diagonal()) + 30.0;
                    prop_assert!(moved <= reach, "{moved} px from {:?} to {:?}", old, track);
                }
                before.insert(track.id, track);
            }
        }
    }
}

#[test]
fn a_small_subject_in_a_region_that_nobody_looked_at_is_not_missed() {
    let drone = || seen("bird", 0.8, 500.0, 100.0, 12.0, 9.0);
    let ids_after = |coverage: Option<&Coverage>| {
        let mut tracker = Tracker::new(TrackerConfig::default());
        for n in 0..3 {
            tracker.update(Timestamp::from_secs_f64(f64::from(n) * 0.2), SIZE, &[drone()]);
        }
        // For five seconds it is looked elsewhere, then here again.
        for n in 3..28 {
            let beside = Beside { coverage, ..Beside::default() };
            tracker.update_beside(Timestamp::from_secs_f64(f64::from(n) * 0.2), SIZE, &[], beside);
        }
        let lost: Vec<TrackState> = tracker.tracks().iter().map(|track| track.state).collect();
        let back = tracker.update(Timestamp::from_secs_f64(5.6), SIZE, &[drone()]);
        (lost, back.iter().map(|track| track.id).collect::<Vec<_>>())
    };
    let elsewhere = Coverage { seen_whole_px: 40.0, regions: vec![BBox::new(0.0, 0.0, 300.0, 300.0)] };
    assert_eq!(ids_after(Some(&elsewhere)), (vec![TrackState::Lost], vec![TrackId(1)]));
    let here = Coverage { seen_whole_px: 40.0, regions: vec![BBox::new(400.0, 0.0, 640.0, 300.0)] };
    assert_eq!(ids_after(Some(&here)), (vec![], vec![]), "it was looked for and is gone");
    let large = Coverage { seen_whole_px: 10.0, regions: vec![] };
    assert_eq!(ids_after(Some(&large)), (vec![], vec![]), "the whole frame would have shown it");
    assert_eq!(ids_after(None), (vec![], vec![]));
}

#[test]
fn walkers_behind_a_van_do_not_swap_where_they_come_out() {
    // Two walk towards each other and are hidden for two seconds; each comes out where the other went in.
    let frames = (0..80).map(|n| {
        let x = 6.0 * n as f32;
        let hidden = |x: f32| (200.0..330.0).contains(&x);
        [person(50.0 + x, 200.0), person(480.0 - x, 203.0)]
            .into_iter()
            .filter(|d| !hidden(d.bbox.x0))
            .collect::<Vec<_>>()
    });
    check(10.0, frames.take(65), &["1 person 0.0..6.4", "2 person 0.0..6.4"]);
}

#[test]
fn who_comes_in_does_not_take_the_track_of_who_has_just_left() {
    let frames = (0..60).map(|n| {
        let leaving = 500.0 + 6.0 * n as f32;
        let coming = 620.0 - 6.0 * (n as f32 - 22.0);
        match n {
            0..20 => vec![person(leaving, 200.0)],
            24..60 => vec![person(coming, 200.0)],
            _ => vec![],
        }
    });
    check(10.0, frames, &["1 person 0.0..1.9", "2 person 2.4..5.9"]);
}

#[test]
fn a_shaken_picture_keeps_its_tracks_if_the_shift_is_told() {
    let ids = |is_told: bool| {
        let (mut tracker, mut last, mut known) = (Tracker::new(TrackerConfig::default()), (0.0, 0.0), Vec::new());
        for n in 0..100 {
            let at = n as f32;
            let (dx, dy) = ((at * 2.1).sin() * 70.0, (at * 1.3).cos() * 30.0);
            if is_told {
                tracker.shifted(dx - last.0, dy - last.1);
            }
            last = (dx, dy);
            let people: Vec<_> =
                (0..4).map(|k| person(120.0 + 90.0 * k as f32 + dx + at * 0.5, 150.0 + 20.0 * k as f32 + dy)).collect();
            known.extend(
                tracker.update(Timestamp::from_secs_f64(f64::from(n) / 5.0), SIZE, &people).iter().map(|t| t.id.0),
            );
        }
        known.sort_unstable();
        known.dedup();
        known
    };
    assert_eq!(ids(true), [1, 2, 3, 4]);
    assert_ne!(ids(false), [1, 2, 3, 4], "the scene is shaken enough to matter");
    let mut tracker = Tracker::new(TrackerConfig::default());
    tracker.update(Timestamp::ZERO, SIZE, &[person(10.0, 10.0)]);
    tracker.shifted(f32::NAN, 0.0);
    assert_eq!(tracker.update(Timestamp::from_secs_f64(0.1), SIZE, &[person(10.0, 10.0)]).len(), 1);
}

/// A person stands still while the picture moves to and fro; the ids that are told while it is in view, and how many tracks
/// are told while it is not.
fn turned_away(is_told: bool, seconds: f64) -> (Vec<TrackId>, usize) {
    let mut tracker = Tracker::new(TrackerConfig::default());
    let (mut ids, mut n_beyond, mut x) = (Vec::new(), 0, 500.0);
    let turns = (seconds * 5.0) as usize;
    let steps = std::iter::repeat_n(0.0, 5).chain([90.0; 3]).chain(std::iter::repeat_n(0.0, turns)).chain([-90.0; 3]);
    for (n, dx) in steps.chain([0.0; 5]).enumerate() {
        x += dx;
        if is_told {
            tracker.shifted(dx, 0.0);
        }
        let is_in_view = x < 640.0;
        let found: Vec<Detection> = is_in_view.then(|| person(x, 200.0)).into_iter().collect();
        let told = tracker.update(Timestamp::from_secs_f64(n as f64 / 5.0), SIZE, &found);
        if is_in_view {
            ids.extend(told.iter().filter(|track| track.state == TrackState::Seen).map(|track| track.id));
        } else {
            n_beyond = n_beyond.max(told.len());
        }
    }
    ids.dedup();
    (ids, n_beyond)
}

#[test]
fn whom_the_camera_leaves_out_of_view_is_known_when_it_turns_back() {
    let one = vec![TrackId(1)];
    assert_eq!(turned_away(true, 1.5), (one.clone(), 0), "nobody is told of beyond the edge");
    assert_eq!(turned_away(true, 6.0).0.len(), 2, "it is lost after a while, as behind a lorry");
    assert_ne!(turned_away(false, 1.5).0, one);
}

#[test]
fn looks_tell_who_is_who_where_boxes_do_not() {
    let look = |values: [f32; 2]| Appearance::new(values.to_vec());
    let ends = |is_on: bool| {
        let mut tracker = Tracker::new(TrackerConfig { appearance: is_on, ..TrackerConfig::default() });
        // Two walk up to each other, stand there as one box, and go back.
        let (red, green) = (look([1.0, 0.1]), look([0.1, 1.0]));
        for n in 0..80 {
            let x = 5.0 * n.min(25).min(79 - n) as f32;
            let (people, looks) = if (32..44).contains(&n) {
                (vec![person(250.0, 200.0)], vec![None])
            } else {
                (vec![person(110.0 + x, 200.0), person(390.0 - x, 200.0)], vec![red.clone(), green.clone()])
            };
            let beside = Beside { appearances: &looks, ..Beside::default() };
            tracker.update_beside(Timestamp::from_secs_f64(f64::from(n) / 10.0), SIZE, &people, beside);
        }
        tracker.tracks().iter().map(|t| (t.id.0, t.bbox.centre().x < 250.0)).collect::<Vec<_>>()
    };
    assert_eq!(ends(true), [(1, true), (2, false)], "each is back where it came from");
    assert_eq!(ends(false).len(), 2);
}

#[test]
fn what_is_seen_now_and_then_at_one_place_is_nobody() {
    let ghost = |n: u32| if n.is_multiple_of(5) { vec![person(200.0, 200.0)] } else { vec![] };
    check(10.0, (0..60).map(ghost), &[]);
    // Somebody whom the detector misses in every third frame is there all the same.
    check(10.0, (0..60).map(|n| if n % 3 == 1 { vec![] } else { vec![person(200.0, 200.0)] }), &["1 person 0.0..5.9"]);
}

/// The tracks at the end of so many seconds at 5 a second, as they are seen by `frame` of the second.
fn tracks_after(seconds: u32, frame: impl Fn(f32) -> Vec<Detection>) -> Vec<Track> {
    let mut tracker = Tracker::new(TrackerConfig::default());
    for n in 0..seconds * 5 {
        tracker.update(Timestamp::from_secs_f64(f64::from(n) * 0.2), SIZE, &frame(n as f32 * 0.2));
    }
    tracker.tracks().to_vec()
}

#[test]
fn a_post_that_is_taken_for_somebody_far_off_is_nobody_after_a_while() {
    let post = |at_s: f32| seen("person", 0.5, 30.0 + 0.5 * (at_s * 7.0).sin(), 110.0, 16.0, 32.0);
    assert_eq!(tracks_after(4, |at_s| vec![post(at_s)]).len(), 1);
    assert_eq!(tracks_after(22, |at_s| vec![post(at_s)]), []);
    // Who comes by has a track of his own, and the post has none again.
    let passes = |at_s: f32| seen("person", 0.8, 6.0 * (at_s - 20.0), 112.0, 16.0, 32.0);
    let with_passer = |at_s: f32| if at_s < 20.0 { vec![post(at_s)] } else { vec![post(at_s), passes(at_s)] };
    let tracks = tracks_after(36, with_passer);
    assert_eq!(tracks.iter().map(|track| track.bbox.x0 > 80.0).collect::<Vec<_>>(), [true], "{tracks:?}");
    // Somebody surely seen, somebody near, and a parked car stay.
    for still in [
        seen("person", 0.8, 30.0, 110.0, 16.0, 32.0),
        seen("person", 0.5, 30.0, 110.0, 60.0, 150.0),
        seen("car", 0.5, 30.0, 110.0, 40.0, 24.0),
    ] {
        assert_eq!(tracks_after(40, |_| vec![still.clone()]).len(), 1, "{still:?}");
    }
}

#[test]
fn a_car_that_drives_out_leaves_its_place_to_the_next() {
    // Both stand in a queue before the picture's edge; one drives out from the sixth second on, the other, which is the first
    // of the two from the left, moves up.
    let frames = (0..75).map(|n| {
        let driven = 97.0 * (n as f32 * 0.2 - 6.0).clamp(0.0, 3.0);
        let (first, second) = (470.0 + driven, 179.0 + driven);
        let cut = |x: f32| seen("car", 0.9, x, 300.0, (SIZE.0 as f32 - x).min(200.0), 80.0);
        [first, second].into_iter().filter(|x| *x < SIZE.0 as f32 - 30.0).map(cut).collect::<Vec<_>>()
    });
    check(5.0, frames, &["1 car 0.0..14.8", "2 car 0.0..7.4"]);
}

#[test]
fn a_new_track_tells_where_it_was_detected_first() {
    let mut tracker = Tracker::new(TrackerConfig::default());
    for (n, first_left) in [(0u8, None), (1, Some(100.0)), (2, None)] {
        let car = seen("car", 0.9, 100.0 + 90.0 * f32::from(n), 300.0, 200.0, 80.0);
        tracker.update(Timestamp::from_secs_f64(f64::from(n) * 0.2), SIZE, &[car]);
        assert_eq!(tracker.births().first().map(|(_, bbox)| bbox.x0), first_left, "in frame {n}");
    }
}
