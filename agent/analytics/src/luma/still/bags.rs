//! Bags that are left and taken, on many grounds, and people who stand by them, true and false.

use forewarn_domain::{Track, TrackId};

use super::tests::{CARTON, at, config, person, px, run};
use super::{StaticKind, StaticObject, StaticObjectDetector};
use crate::luma::testing::{Canvas, Dice};

/// What is there at the end of a scene.
fn left(seconds: f32, scene: impl Fn(f32, &mut Canvas, &mut Dice) -> Vec<Track>) -> Vec<StaticObject> {
    let said = run(&mut StaticObjectDetector::new(config()), (0.0, seconds), scene);
    said.last().map(|(_, objects)| objects.clone()).unwrap_or_default()
}

/// A track of somebody of whom the detector is this sure.
fn unsure(id: u64, place: [f32; 4], score: f32) -> Track {
    Track { score, ..person(id, place) }
}

/// A person comes from the left, stands at `x` until `until_s`, and walks off to the left; his place, while he is in view.
fn visitor(time: f32, x: f32, until_s: f32) -> Option<[f32; 4]> {
    let off = (12.0 - time).max(time - until_s).max(0.0) * 9.0;
    let x = x - off;
    (x > -4.0).then_some([x - 4.0, 40.0, x + 4.0, 66.0])
}

#[test]
fn left_and_taken_are_told_apart_on_any_ground() {
    let mut wrong = Vec::new();
    for n in 0..24u64 {
        let mut dice = Dice(n);
        let (x, y) = (dice.range(20.0, 130.0), dice.range(48.0, 74.0));
        let place = [x, y, x + dice.range(7.0, 14.0), y + dice.range(7.0, 12.0)];
        let level = if n % 2 == 0 { dice.range(20.0, 70.0) } else { dice.range(150.0, 230.0) };
        let is_left = n % 4 < 2;
        // Grass, paving or plain ground.
        let (amount, period) = ([0.0, 9.0, 16.0][(n % 3) as usize], dice.range(0.5, 1.6));
        let objects = left(34.0, |time, canvas, _| {
            let width = canvas.width;
            for (i, level) in canvas.levels.iter_mut().enumerate() {
                let (x, y) = ((i % width) as f32, (i / width) as f32);
                *level += amount * ((x * period).sin() * (y * period * 0.8).sin());
            }
            if (time > 14.0) == is_left {
                canvas.object(place, level);
            }
            Vec::new()
        });
        let kind = if is_left { StaticKind::Appeared } else { StaticKind::Removed };
        if objects.len() != 1 || objects[0].kind != kind || objects[0].bbox.iou(&px(place)) < 0.4 {
            wrong.push((n, is_left, level, amount, objects));
        }
    }
    assert!(wrong.len() <= 1, "{wrong:#?}");
}

#[test]
fn a_bag_that_is_taken_for_a_person_is_found_all_the_same() {
    for score in [0.3, 0.46, 0.6] {
        let objects = left(40.0, |time, canvas, _| {
            if time > 16.0 {
                canvas.object(CARTON, 200.0);
            }
            let mut tracks = Vec::new();
            if let Some(place) = visitor(time, 68.0, 17.0) {
                canvas.object(place, 40.0);
                tracks.push(person(7, place));
            }
            if (18.0..38.0).contains(&time) {
                tracks.push(unsure(9, [69.0, 50.0, 83.0, 67.0], score));
            }
            tracks
        });
        assert_eq!(objects.len(), 1, "at a score of {score}: {objects:?}");
        let by = objects[0].brought_by.as_ref().expect("somebody brought it");
        assert_eq!((by.track, by.left_at.is_some()), (TrackId(7), true), "at a score of {score}: {by:?}");
        assert!(objects[0].appeared_at < at(25.0), "{objects:?}");
    }
}

#[test]
fn who_stands_by_his_bag_for_minutes_hides_only_what_is_behind_him() {
    let said = run(&mut StaticObjectDetector::new(config()), (0.0, 125.0), |time, canvas, dice| {
        if time > 14.0 {
            canvas.object(CARTON, 200.0);
        }
        let Some([x0, y0, x1, y1]) = visitor(time, 65.0, 110.0) else { return Vec::new() };
        let sway = 0.4 * (time * 1.7).sin() + 0.1 * dice.normal();
        let place = [x0 + sway, y0, x1 + sway, y1];
        canvas.object(place, 40.0);
        // His track is lost for some seconds now and then, begins anew, and is not sure of him.
        let is_lost = time % 40.0 > 34.0;
        if is_lost { Vec::new() } else { vec![unsure(7 + (time / 40.0) as u64, place, 0.55)] }
    });
    let bag = px(CARTON);
    let is_bag = |object: &StaticObject| object.bbox.iou(&bag) > 0.5;
    let other = said.iter().find(|(_, objects)| objects.iter().any(|object| !is_bag(object)));
    assert!(other.is_none(), "{other:?}");
    let found_s = said.iter().find(|(_, objects)| objects.iter().any(is_bag)).map(|(time, _)| *time);
    assert!(found_s.is_some_and(|found_s| found_s < 35.0), "{found_s:?}");
    let last = &said.last().expect("it was looked").1;
    let by = last[0].brought_by.as_ref().expect("somebody brought it");
    assert_eq!(by.track, TrackId(7), "{by:?}");
}
