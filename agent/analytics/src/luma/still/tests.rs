//! Things that appear, stay and go in drawn scenes, and what only looks so: light, shadows, people who linger.

use forewarn_domain::{BBox, Class, TrackId, TrackState};
use proptest::prelude::*;

use super::*;
use crate::luma::testing::{Canvas, Dice};

/// Samples of the plane; each stands for 8 by 8 pixels.
const SIZE: (usize, usize) = (160, 90);
const FPS: f32 = 4.0;

pub(super) fn config() -> StaticObjectConfig {
    StaticObjectConfig { appear_after_s: 8.0, learn_s: 10.0, revert_after_s: 3.0, ..StaticObjectConfig::default() }
}

pub(super) fn at(seconds: f32) -> Timestamp {
    Timestamp::from_secs_f64(f64::from(seconds))
}

/// A track of a person over a box given in samples.
pub(super) fn person(id: u64, [x0, y0, x1, y1]: [f32; 4]) -> Track {
    Track {
        id: TrackId(id),
        class: Class::new("person"),
        score: 0.9,
        bbox: BBox::new(x0 * 8.0, y0 * 8.0, x1 * 8.0, y1 * 8.0),
        state: TrackState::Seen,
        first_seen: Timestamp::ZERO,
        last_seen: Timestamp::ZERO,
    }
}

/// What was there at one time.
pub(super) type Said = (f32, Vec<StaticObject>);

/// Runs a scene over the street, with noise, and returns what the detector said of each plane.
pub(super) fn run(
    detector: &mut StaticObjectDetector,
    (from_s, to_s): (f32, f32),
    scene: impl Fn(f32, &mut Canvas, &mut Dice) -> Vec<Track>,
) -> Vec<Said> {
    let street = Canvas::street(SIZE.0, SIZE.1);
    let mut dice = Dice(5);
    let mut look = |n: usize| {
        let time = n as f32 / FPS;
        let mut canvas = street.clone();
        let tracks = scene(time, &mut canvas, &mut dice);
        canvas.noise(2.0, &mut dice);
        (time, detector.observe(at(time), &canvas.plane(), &tracks).to_vec())
    };
    ((from_s * FPS) as usize..(to_s * FPS) as usize).map(&mut look).collect()
}

fn watch(to_s: f32, scene: impl Fn(f32, &mut Canvas, &mut Dice) -> Vec<Track>) -> Vec<Said> {
    run(&mut StaticObjectDetector::new(config()), (0.0, to_s), scene)
}

fn ids(said: &[Said]) -> std::collections::BTreeSet<u64> {
    said.iter().flat_map(|(_, objects)| objects.iter().map(|o| o.id)).collect()
}

pub(super) const CARTON: [f32; 4] = [70.0, 55.0, 82.0, 66.0];

pub(super) fn px([x0, y0, x1, y1]: [f32; 4]) -> BBox {
    BBox::new(x0 * 8.0, y0 * 8.0, x1 * 8.0, y1 * 8.0)
}

/// A person walks to the carton's place by `there_s`, puts it down, and walks off two seconds later.
fn bringer(time: f32, there_s: f32, canvas: &mut Canvas) -> Vec<Track> {
    let x = if time < there_s { 76.0 - (there_s - time) * 9.0 } else { 76.0 + (time - there_s - 2.0).max(0.0) * 9.0 };
    let place = [x - 4.0, 40.0, x + 4.0, 66.0];
    canvas.object(place, 40.0);
    if x > -4.0 && x < 164.0 { vec![person(7, place)] } else { Vec::new() }
}

#[test]
fn what_is_brought_is_found_with_its_bringer_and_dropped_when_taken() {
    let said = watch(75.0, |time, canvas, _| {
        if (22.0..55.0).contains(&time) {
            canvas.object(CARTON, 200.0);
        }
        let mut tracks = bringer(time, 20.0, canvas);
        let passer = [(time - 40.0) * 12.0, 38.0, (time - 40.0) * 12.0 + 9.0, 68.0];
        if (40.0..53.0).contains(&time) {
            canvas.object(passer, 60.0);
            tracks.push(person(8, passer));
        }
        tracks
    });
    assert_eq!(ids(&said).len(), 1, "{:?}", said.last());
    let there = |time: f32| said.iter().find(|(t, _)| *t >= time).unwrap().1.first().cloned();
    assert_eq!(there(25.0), None);
    let object = there(40.0).expect("the carton is found");
    assert_eq!(object.kind, StaticKind::Appeared);
    assert!(object.bbox.iou(&px(CARTON)) > 0.6, "{:?}", object.bbox);
    assert!((object.appeared_at.as_secs_f64() - 23.5).abs() < 2.5, "{}", object.appeared_at);
    assert!(object.confidence > 0.6, "{}", object.confidence);
    let by = object.brought_by.clone().expect("the bringer is known");
    assert_eq!((by.track, by.class.as_str()), (TrackId(7), "person"));
    assert!(by.left_at.is_some_and(|left| (22.0..26.0).contains(&left.as_secs_f64())), "{by:?}");
    assert!(there(46.5).is_some(), "it stays while a passer hides it");
    assert_eq!(there(62.0), None, "it is gone when it was taken");
    let track = object.to_track(object.last_seen);
    assert_eq!((track.class.as_str(), track.state), ("new_object", TrackState::Seen));
    assert!(track.id.0 > StaticObject::FIRST_TRACK);
}

#[test]
fn what_is_taken_from_the_scene_is_told_from_what_came() {
    let said = watch(45.0, |time, canvas, _| {
        if time < 20.0 {
            canvas.object(CARTON, 200.0);
        }
        Vec::new()
    });
    let last = &said.last().unwrap().1;
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].kind, StaticKind::Removed);
    assert_eq!(last[0].to_track(at(45.0)).class.as_str(), "removed_object");
}

#[test]
fn two_things_side_by_side_at_two_times_are_two() {
    let said = watch(70.0, |time, canvas, _| {
        if time > 15.0 {
            canvas.object(CARTON, 200.0);
        }
        if time > 40.0 {
            canvas.object([83.0, 56.0, 92.0, 66.0], 30.0);
        }
        Vec::new()
    });
    let last = &said.last().unwrap().1;
    assert_eq!(last.len(), 2, "{last:?}");
    assert!(last[1].bbox.iou(&px([83.0, 56.0, 92.0, 66.0])) > 0.5, "{last:?}");
}

#[test]
fn goods_put_down_behind_a_lingering_person_are_one_object() {
    let vendor = [74.0, 40.0, 80.0, 66.0];
    let said = watch(95.0, |time, canvas, _| {
        if time > 15.0 {
            canvas.object(CARTON, 200.0);
        }
        if (14.0..60.0).contains(&time) {
            canvas.object(vendor, 50.0);
            return vec![person(3, vendor)];
        }
        Vec::new()
    });
    let last = &said.last().unwrap().1;
    assert_eq!(last.len(), 1, "{last:?}");
    assert!(last[0].bbox.iou(&px(CARTON)) > 0.6, "{last:?}");
}

/// Nothing is found in a scene.
fn quiet(name: &str, seconds: f32, scene: fn(f32, &mut Canvas, &mut Dice) -> Vec<Track>) {
    let said = watch(seconds, scene);
    let first = said.iter().find(|(_, objects)| !objects.is_empty());
    assert!(first.is_none(), "{name}: {first:?}");
}

#[test]
fn nothing_appears_by_light_or_weather() {
    quiet("noise", 40.0, |_, _, _| Vec::new());
    quiet("gain ramp", 60.0, |time, canvas, _| {
        canvas.gain(1.0 + 0.5 * (time * 0.08).sin(), 0.0);
        Vec::new()
    });
    quiet("exposure step", 60.0, |time, canvas, _| {
        canvas.gain(if time > 25.0 { 0.6 } else { 1.0 }, 0.0);
        Vec::new()
    });
    quiet("cloud that stays", 60.0, |time, canvas, _| {
        if time > 20.0 {
            canvas.light([-60.0, -30.0, 90.0, 120.0], 0.6);
        }
        Vec::new()
    });
    quiet("soft shadow that stays", 60.0, |time, canvas, _| {
        if time > 20.0 {
            canvas.light([60.0, 50.0, 96.0, 80.0], 0.55);
        }
        Vec::new()
    });
    quiet("lamp that is lit", 60.0, |time, canvas, _| {
        if time > 20.0 {
            canvas.light([60.0, 40.0, 110.0, 85.0], 1.6);
        }
        Vec::new()
    });
    quiet("headlights", 60.0, |time, canvas, _| {
        let x = (time * 22.0) % 400.0 - 60.0;
        canvas.light([x, 45.0, x + 45.0, 80.0], 2.2);
        Vec::new()
    });
    quiet("rain", 60.0, |_, canvas, dice| {
        for _ in 0..50 {
            let (x, y) = (dice.range(0.0, 160.0), dice.range(0.0, 90.0));
            canvas.paint([x, y, x + 0.7, y + 5.0], |level, _, _| level + 50.0);
        }
        Vec::new()
    });
    quiet("swaying tree", 90.0, |time, canvas, dice| {
        let sway = 2.5 * (time * 1.9).sin() + 0.6 * dice.normal();
        for k in 0..24 {
            let (x, y) = (20.0 + (k % 6) as f32 * 7.0 + sway, 8.0 + (k / 6) as f32 * 8.0 + sway * 0.4);
            canvas.paint([x, y, x + 4.0, y + 4.0], |_, _, _| 45.0);
        }
        Vec::new()
    });
}

#[test]
fn nothing_appears_by_people_and_vehicles() {
    quiet("person who stands for minutes", 200.0, |time, canvas, dice| {
        let x = if time < 20.0 { 40.0 + time } else { 60.0 };
        let place = [x, 40.0, x + 8.0, 66.0];
        canvas.object(place, 60.0);
        // The detector misses him now and then, for up to six seconds.
        let is_seen = (time * 0.15).sin() > -0.8 && dice.unit() > 0.2;
        if is_seen { vec![person(1, place)] } else { Vec::new() }
    });
    quiet("person whom the detector never sees, who stands and moves a little", 70.0, |time, canvas, dice| {
        if time > 20.0 {
            let sway = 0.8 * (time * 1.1).sin() + 0.15 * dice.normal();
            canvas.object([60.0 + sway, 40.0, 68.0 + sway, 66.0], 60.0);
            let arm = 2.0 * (time * 0.7).sin();
            canvas.paint([67.0 + sway, 48.0 + arm, 71.0 + sway, 52.0 + arm], |_, _, _| 190.0);
        }
        Vec::new()
    });
    quiet("walkers from the first second on, unseen by the detector", 60.0, |time, canvas, _| {
        for k in 0..4 {
            let x = (time * 9.0 + k as f32 * 55.0) % 220.0 - 30.0;
            canvas.object([x, 42.0, x + 8.0, 70.0], 50.0);
        }
        Vec::new()
    });
    quiet("car that was there first and drives off", 60.0, |time, canvas, _| {
        let x = 50.0 + (time - 25.0).max(0.0) * 20.0;
        let place = [x, 50.0, x + 40.0, 72.0];
        canvas.object(place, 70.0);
        if x < 170.0 { vec![Track { class: Class::new("car"), ..person(2, place) }] } else { Vec::new() }
    });
}

/// Runs a scene under a shaking camera or another change of the whole picture.
fn run_whole(seconds: f32, change: impl Fn(f32, Canvas) -> Canvas, carton_from_s: f32) -> (Vec<Said>, u64) {
    let street = Canvas::street(SIZE.0, SIZE.1);
    let (mut detector, mut dice) = (StaticObjectDetector::new(config()), Dice(8));
    let mut look = |n: usize| {
        let time = n as f32 / FPS;
        let mut canvas = street.clone();
        if time > carton_from_s {
            canvas.object(CARTON, 190.0);
        }
        let mut canvas = change(time, canvas);
        canvas.noise(2.0, &mut dice);
        (time, detector.observe(at(time), &canvas.plane(), &[]).to_vec())
    };
    let said = (0..(seconds * FPS) as usize).map(&mut look).collect();
    (said, detector.n_scene_resets())
}

#[test]
fn a_shaking_camera_hides_nothing_and_invents_nothing() {
    let shaken = |time: f32, canvas: Canvas| canvas.shaken(1.6 * (time * 5.3).sin(), 1.1 * (time * 3.7).cos());
    let (said, _) = run_whole(60.0, shaken, 25.0);
    assert!(said.iter().all(|(time, objects)| *time > 25.0 || objects.is_empty()));
    let last = &said.last().unwrap().1;
    assert_eq!(last.len(), 1, "{last:?}");
    assert!(last[0].bbox.iou(&px(CARTON)) > 0.5, "{last:?}");
}

#[test]
fn an_object_is_found_at_night_and_while_the_light_changes() {
    let night = |time: f32, mut canvas: Canvas| {
        canvas.gain(0.22 + 0.04 * (time * 0.3).sin(), 4.0);
        canvas
    };
    let (said, _) = run_whole(60.0, night, 25.0);
    assert_eq!(said.last().unwrap().1.len(), 1, "{:?}", said.last());
    assert_eq!(ids(&said).len(), 1, "{:?}", said.iter().find(|(_, o)| o.len() > 1).or(said.last()));
}

#[test]
fn a_turned_camera_is_a_new_scene() {
    let turned = |time: f32, mut canvas: Canvas| {
        if time > 25.0 {
            canvas.levels.reverse();
        }
        canvas
    };
    let (said, n_resets) = run_whole(70.0, turned, 1000.0);
    assert_eq!(n_resets, 1);
    assert!(ids(&said).is_empty(), "{:?}", said.last());
}

#[test]
fn a_restart_keeps_the_scene_and_its_objects() {
    let scene = |time: f32, canvas: &mut Canvas, _: &mut Dice| {
        if time > 15.0 {
            canvas.object(CARTON, 200.0);
        }
        if time > 45.0 {
            canvas.object([20.0, 60.0, 30.0, 70.0], 220.0);
        }
        Vec::new()
    };
    let mut detector = StaticObjectDetector::new(config());
    let said = run(&mut detector, (0.0, 35.0), scene);
    let before = said.last().unwrap().1.clone();
    assert_eq!(before.len(), 1);
    let text = serde_json::to_string(&detector.save(at(35.0))).unwrap();
    let saved: LearnedScene = serde_json::from_str(&text).unwrap();
    let mut detector = StaticObjectDetector::restore(config(), &saved).unwrap();
    assert_eq!(detector.objects(), before);
    let said = run(&mut detector, (40.0, 70.0), scene);
    assert!(said.iter().all(|(_, objects)| objects.iter().any(|o| o.id == before[0].id)));
    let last = &said.last().unwrap().1;
    assert_eq!(last.iter().map(|o| o.id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(last[0].appeared_at, before[0].appeared_at);
}

#[test]
fn a_damaged_scene_is_refused_with_help() {
    let mut detector = StaticObjectDetector::new(config());
    run(&mut detector, (0.0, 1.0), |_, _, _| Vec::new());
    let good = detector.save(at(1.0));
    let bad = [
        LearnedScene { width: usize::MAX, ..good.clone() },
        LearnedScene { height: good.height + 1, ..good.clone() },
        LearnedScene { known: "zz".repeat(SIZE.0 * SIZE.1), ..good },
    ];
    for saved in bad {
        let error = StaticObjectDetector::restore(config(), &saved).unwrap_err().to_string();
        assert!(error.contains("delete its file"), "{error}");
    }
}

#[test]
fn settings_are_checked() {
    assert_eq!(StaticObjectConfig::default().check(), Ok(()));
    let config: StaticObjectConfig = toml::from_str("appear_after_s = 0.0").unwrap();
    assert!(config.check().unwrap_err().to_string().contains("appear_after_s"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_planes_and_tracks_are_taken_without_harm(
        sizes in prop::collection::vec((0usize..50, 0usize..50), 1..4),
        boxes in prop::collection::vec(prop::array::uniform4(-900f32..900.0), 0..4),
        seed in any::<u64>(),
    ) {
        let config = StaticObjectConfig { appear_after_s: 0.5, learn_s: 0.5, max_objects: 3, ..config() };
        let (mut detector, mut dice) = (StaticObjectDetector::new(config), Dice(seed));
        for (n, &(width, height)) in sizes.iter().flat_map(|size| [size; 12]).enumerate() {
            let flat = dice.next() as u8 & 0xC0;
            let samples = (0..width * height).map(|i| if i % 7 < 4 { flat } else { 90 }).collect();
            let plane = LumaPlane::from_samples(width, height, samples).unwrap().of_blocks(8);
            let tracks: Vec<Track> =
                boxes.iter().enumerate().map(|(k, &b)| Track { bbox: BBox::from(b), ..person(k as u64, [0.0; 4]) }).collect();
            let objects = detector.observe(at(n as f32 * 0.4), &plane, &tracks);
            prop_assert!(objects.len() <= 3);
            for o in objects {
                prop_assert!(o.bbox.is_valid() && (0.0..=1.0).contains(&o.confidence));
            }
            let saved = detector.save(at(n as f32));
            prop_assert!(StaticObjectDetector::restore(StaticObjectConfig::default(), &saved).is_ok());
        }
    }
}
