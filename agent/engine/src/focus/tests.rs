//! A street of bright boxes, and a detector that finds each of them that its windows show.

use forewarn_domain::Class;
use proptest::prelude::*;

use super::*;
use crate::testing::at_s;

const SIZE: (u32, u32) = (1920, 1080);
const GRID: InputGrid = InputGrid { size_px: (416, 256), step_px: 32, scale: 1920.0 / 416.0 };

/// A subject at a place in samples of the plane, which are 6 pixels each.
fn subject(x: usize, y: usize, width: usize, height: usize) -> BBox {
    BBox::new((x * 6) as f32, (y * 6) as f32, ((x + width) * 6) as f32, ((y + height) * 6) as f32)
}

fn plane(subjects: &[BBox], light: u8) -> LumaPlane {
    let mut samples = vec![light; 320 * 180];
    for bbox in subjects {
        let [x0, y0, x1, y1] = <[f32; 4]>::from(*bbox).map(|edge| (edge / 6.0) as usize);
        for row in y0..y1 {
            samples[row * 320 + x0..row * 320 + x1].fill(220);
        }
    }
    LumaPlane::from_samples(320, 180, samples).unwrap().of_blocks(6)
}

fn person(bbox: BBox) -> Detection {
    Detection { class: Class::new("person"), score: 0.8, bbox }
}

/// What of the subjects shows in a window, cut off at its edge.
fn shown(window: &Window, subjects: &[BBox]) -> Vec<Detection> {
    let edge = GRID.to_frame(window);
    let cut = |b: &BBox| BBox::new(b.x0.max(edge.x0), b.y0.max(edge.y0), b.x1.min(edge.x1), b.y1.min(edge.y1));
    subjects.iter().map(cut).filter(|b| b.x1 > b.x0 && b.y1 > b.y0).map(person).collect()
}

/// One look, by a detector that finds `found` of the `subjects` that are there: what is told, and what was looked at.
fn look(focus: &mut Focus, at: f64, subjects: &[BBox], found: &[BBox]) -> (Vec<BBox>, Option<Vec<Window>>) {
    let plane = plane(subjects, 90);
    let windows = focus.windows(at_s(at), &plane, &GRID);
    let told = if let Some(windows) = &windows {
        let found = windows.iter().map(|window| shown(window, found)).collect();
        focus.saw(SIZE, &plane, windows, found)
    } else {
        let found: Vec<Detection> = found.iter().copied().map(person).collect();
        focus.saw_whole(at_s(at), &plane, &GRID, &found);
        found
    };
    (sorted(told.iter().map(|detection| detection.bbox)), windows)
}

fn sorted(boxes: impl Iterator<Item = BBox>) -> Vec<BBox> {
    let mut boxes: Vec<BBox> = boxes.collect();
    boxes.sort_by(|a, b| a.x0.total_cmp(&b.x0).then(a.y0.total_cmp(&b.y0)));
    boxes
}

/// A focus that has seen the subjects often enough to be sure of them, at 0.0 to 0.6 s.
fn sure_of(subjects: &[BBox]) -> Focus {
    let mut focus = Focus::default();
    for n in 0..4 {
        look(&mut focus, f64::from(n) * 0.2, subjects, subjects);
    }
    focus
}

#[test]
fn what_is_sure_and_does_not_stir_is_told_without_a_look_until_the_whole_is_due() {
    let subjects = [subject(20, 30, 8, 24), subject(200, 90, 10, 30)];
    let mut focus = sure_of(&subjects);
    let quiet = look(&mut focus, 0.8, &subjects, &[]);
    assert_eq!(quiet, (subjects.to_vec(), Some(vec![])), "nobody looks, and both are there still");
    assert_eq!(look(&mut focus, 2.0, &subjects, &subjects).1, None, "the whole is due");
    focus.failed();
    assert_eq!(look(&mut focus, 2.2, &subjects, &subjects).1, None, "it knows nothing");
    assert_eq!(look(&mut focus, 2.1, &subjects, &subjects).1, None, "time has gone back");
}

#[test]
fn whoever_moves_is_looked_at_where_he_was_and_where_he_is() {
    let (parked, walks) = (subject(200, 90, 40, 20), subject(20, 30, 8, 24));
    let mut focus = sure_of(&[walks, parked]);
    let on = subject(24, 30, 8, 24);
    let (told, windows) = look(&mut focus, 0.8, &[on, parked], &[on, parked]);
    let windows = windows.unwrap();
    assert_eq!(told, [on, parked]);
    assert_eq!(windows.len(), 1, "{windows:?}");
    let edge = GRID.to_frame(&windows[0]);
    assert!(holds(&edge, &walks, 0.0) && holds(&edge, &on, 0.0) && !reaches_into(&parked, &edge, 0.0), "{windows:?}");
    let (told, windows) = look(&mut focus, 1.0, &[parked], &[parked]);
    assert_eq!((told, windows.is_some()), (vec![parked], true), "he is gone");
}

#[test]
fn what_was_found_once_is_asked_again_before_it_is_believed() {
    let (there, ghost) = (subject(200, 90, 10, 30), subject(20, 30, 8, 24));
    let mut focus = sure_of(&[there]);
    assert_eq!(look(&mut focus, 2.0, &[there], &[there, ghost]), (vec![ghost, there], None));
    let (told, windows) = look(&mut focus, 2.2, &[there], &[there]);
    assert_eq!(told, [there]);
    assert!(windows.is_some_and(|windows| windows.len() == 1));
    assert_eq!(look(&mut focus, 2.4, &[there], &[there]), (vec![there], Some(vec![])), "and then forgotten");
}

#[test]
fn whoever_is_missed_is_looked_for_again() {
    let there = subject(20, 30, 8, 24);
    let mut focus = sure_of(&[there]);
    assert_eq!(look(&mut focus, 2.0, &[there], &[]), (vec![], None));
    for at in [2.2, 2.4] {
        let (told, windows) = look(&mut focus, at, &[there], &[]);
        assert_eq!((told, windows.map(|windows| windows.len())), (vec![], Some(1)));
    }
    assert_eq!(look(&mut focus, 2.6, &[there], &[]), (vec![], Some(vec![])), "three times is gone");
    let mut focus = sure_of(&[there]);
    look(&mut focus, 2.0, &[there], &[]);
    assert_eq!(look(&mut focus, 2.2, &[there], &[there]).0, [there], "he was there");
}

#[test]
fn no_window_cuts_a_known_subject() {
    // A lorry of half the picture's height, before whose foot somebody begins to walk.
    let (lorry, stands) = (subject(100, 20, 60, 90), subject(90, 100, 6, 18));
    let mut focus = sure_of(&[lorry, stands]);
    let walks = subject(94, 100, 6, 18);
    let windows = focus.windows(at_s(0.8), &plane(&[lorry, walks], 90), &GRID).unwrap();
    let boxes: Vec<BBox> = windows.iter().map(|window| GRID.to_frame(window)).collect();
    assert!(boxes.iter().any(|window| holds(window, &lorry, 5.0)), "{windows:?}");
}

#[test]
fn the_whole_is_looked_at_where_most_of_it_changes_or_the_input_is_another() {
    let there = [subject(20, 30, 8, 24)];
    let mut focus = sure_of(&there);
    assert_eq!(focus.windows(at_s(0.8), &plane(&there, 100), &GRID), None, "it grew lighter");
    let other = InputGrid { step_px: 64, ..GRID };
    assert_eq!(focus.windows(at_s(0.8), &plane(&there, 90), &other), None, "another model");
    let specks: Vec<BBox> = (0..60).map(|n| subject(n % 10 * 32, n / 10 * 30, 4, 4)).collect();
    assert_eq!(focus.windows(at_s(0.8), &plane(&specks, 90), &GRID), None, "it rains");
    assert!(focus.windows(at_s(0.8), &plane(&there, 90), &GRID).is_some());
}

proptest! {
    #[test]
    fn windows_lie_in_the_input_and_cost_no_more_apart(
        places in prop::collection::vec((0.0f32..1900.0, 0.0f32..1060.0, 5.0f32..300.0, 5.0f32..300.0), 0..12),
    ) {
        let boxes: Vec<BBox> =
            places.iter().map(|&(x, y, w, h)| BBox::new(x, y, (x + w).min(1920.0), (y + h).min(1080.0))).collect();
        let windows: Vec<Window> = boxes.iter().map(|place| GRID.around(place, MARGIN_PX)).collect();
        let apart: f32 = windows.iter().map(|window| cost(window, &GRID)).sum();
        let joined = joined(windows, &GRID);
        prop_assert!(joined.iter().map(|window| cost(window, &GRID)).sum::<f32>() <= apart + 1e-4);
        for window in &joined {
            prop_assert!(window.x + window.width <= 416 && window.y + window.height <= 256);
            prop_assert!([window.x, window.y, window.width, window.height].iter().all(|side| side.is_multiple_of(32)));
        }
        for bbox in &boxes {
            prop_assert!(joined.iter().any(|window| holds(&GRID.to_frame(window), bbox, 0.1)));
        }
    }

    /// People who walk and stop at random, none before another: an ideal detector in windows tells what it would of the whole.
    #[test]
    fn what_is_told_is_what_is_there(
        walks in prop::collection::vec(prop::collection::vec(prop::bool::ANY, 24), 1..6),
    ) {
        let mut focus = Focus::default();
        let mut steps = vec![0; walks.len()];
        for n in 0..24 {
            for (steps, walk) in steps.iter_mut().zip(&walks) {
                *steps += usize::from(walk[n]);
            }
            let there: Vec<BBox> = steps.iter().enumerate().map(|(i, s)| subject(10 + s * 4, 10 + i * 32, 8, 20)).collect();
            let (told, _) = look(&mut focus, n as f64 * 0.2, &there, &there);
            // A window may cut off a pixel of the input.
            let off = TOUCH_PX * GRID.scale;
            let there = sorted(there.into_iter());
            prop_assert!(told.len() == there.len(), "{told:?}");
            prop_assert!(told.iter().zip(&there).all(|(told, there)| holds(told, there, off) && holds(there, told, off)));
        }
    }
}
