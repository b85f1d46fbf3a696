//! The gate in drawn scenes: what moves opens it, and noise, light, rain, leaves and shake hardly do.

use proptest::prelude::*;

use super::*;
use crate::luma::LumaConfigError;
use crate::luma::testing::{Canvas, Dice};

const SIZE: (usize, usize) = (240, 135);

fn at(seconds: f32) -> Timestamp {
    Timestamp::from_secs_f64(f64::from(seconds))
}

/// Runs `seconds` of scenes at 5 frames a second, each worthy frame being analysed; returns what the gate said.
fn watch(config: MotionGateConfig, seconds: f32, scene: impl Fn(f32, &mut Dice) -> Canvas) -> Vec<(f32, Motion)> {
    let (mut gate, mut dice) = (MotionGate::new(config), Dice(1));
    let look = |n: usize| {
        let time = n as f32 / 5.0;
        let motion = gate.look(at(time), &scene(time, &mut dice).plane());
        if motion.reason.is_some() {
            gate.mark_analysed();
        }
        (time, motion)
    };
    (0..(seconds * 5.0) as usize).map(look).collect()
}

/// The part of the looks from `from` seconds on in which something moved.
fn moved_part(said: &[(f32, Motion)], from: f32) -> f32 {
    let late: Vec<_> = said.iter().filter(|(time, _)| *time >= from).collect();
    late.iter().filter(|(_, m)| matches!(m.reason, Some(LookReason::Moved | LookReason::SceneChanged))).count() as f32
        / late.len() as f32
}

fn noisy(dice: &mut Dice, change: impl FnOnce(&mut Canvas)) -> Canvas {
    let mut canvas = Canvas::street(SIZE.0, SIZE.1);
    change(&mut canvas);
    canvas.noise(2.0, dice);
    canvas
}

#[test]
fn a_still_scene_is_looked_at_first_and_when_due() {
    let said = watch(MotionGateConfig::default(), 20.0, |_, dice| noisy(dice, |_| ()));
    let looks: Vec<_> = said.iter().filter_map(|(time, m)| m.reason.map(|reason| (*time, reason))).collect();
    let due = |time| (time, LookReason::Due);
    assert_eq!(looks, [(0.0, LookReason::First), due(5.0), due(10.0), due(15.0)]);
}

#[test]
fn a_walker_is_seen_where_he_walks_and_not_when_he_stands() {
    let config = MotionGateConfig { look_at_least_every_s: 60.0, ..MotionGateConfig::default() };
    let x = |time: f32| 20.0 + time.clamp(4.0, 10.0) * 12.0;
    let said = watch(config, 20.0, |time, dice| {
        noisy(dice, |canvas| canvas.object([x(time), 70.0, x(time) + 9.0, 96.0], 60.0))
    });
    for (time, motion) in &said {
        let walks = *time > 4.3 && *time < 9.9;
        if walks {
            assert_eq!(motion.reason, Some(LookReason::Moved), "at {time}");
            let centre = (x(*time) + 4.5) / SIZE.0 as f32;
            let hits = |b: &BBox| b.x0 - 0.05 < centre && centre < b.x1 + 0.05 && b.y0 < 0.65 && b.y1 > 0.6;
            assert!(motion.regions_normalised.iter().all(hits), "at {time}: {motion:?}");
        } else if *time > 0.0 && (*time < 4.0 || *time > 10.5) {
            assert_eq!(motion.reason, None, "at {time}: {motion:?}");
        }
    }
}

#[test]
fn a_small_faint_subject_is_seen_at_high_sensitivity() {
    let config = MotionGateConfig { sensitivity: 100.0, ..MotionGateConfig::default() };
    let said = watch(config, 10.0, |time, dice| {
        noisy(dice, |canvas| {
            canvas.paint([20.0 + 9.0 * time, 60.0, 24.0 + 9.0 * time, 65.0], |level, _, _| level - 35.0);
        })
    });
    assert!(moved_part(&said, 1.0) > 0.7, "{}", moved_part(&said, 1.0));
}

#[test]
fn light_is_no_motion() {
    let quiet = |name: &str, scene: &dyn Fn(f32, &mut Canvas, &mut Dice)| {
        let said = watch(MotionGateConfig::default(), 20.0, |time, dice| {
            let mut own = dice.clone();
            noisy(dice, |canvas| scene(time, canvas, &mut own))
        });
        assert!(moved_part(&said, 1.0) <= 0.02, "{name}: {}", moved_part(&said, 1.0));
    };
    quiet("gain step", &|time, canvas, _| canvas.gain(if time > 6.0 { 1.4 } else { 1.0 }, 0.0));
    quiet("exposure step down", &|time, canvas, _| canvas.gain(if time > 6.0 { 0.55 } else { 1.0 }, 0.0));
    quiet("gain ramp", &|time, canvas, _| canvas.gain(1.0 + time * 0.02, 0.0));
    quiet("flicker", &|_, canvas, dice| {
        let depth = dice.range(0.88, 1.12);
        canvas.gain(depth, 0.0);
    });
    quiet("bands of a rolling shutter", &|time, canvas, _| {
        let (width, height) = (canvas.width, canvas.height as f32);
        for (i, level) in canvas.levels.iter_mut().enumerate() {
            *level *= 1.0 + 0.08 * ((i / width) as f32 / height * 12.0 + time * 9.0).sin();
        }
    });
    quiet("soft cloud", &|time, canvas, _| {
        let x = time * 25.0 - 250.0;
        canvas.light([x, -80.0, x + 300.0, 220.0], 0.6);
    });
}

#[test]
fn shake_of_a_few_pixels_is_no_motion() {
    let said = watch(MotionGateConfig::default(), 20.0, |time, dice| {
        let mut canvas =
            Canvas::street(SIZE.0 + 20, SIZE.1 + 20).shaken(0.4 * (time * 17.0).sin(), 0.4 * (time * 11.0).cos());
        canvas.noise(2.0, dice);
        canvas
    });
    assert!(moved_part(&said, 1.0) <= 0.02, "{}", moved_part(&said, 1.0));
}

#[test]
fn rain_is_learned_and_a_walker_in_it_still_seen() {
    let rain = |canvas: &mut Canvas, dice: &mut Dice| {
        for _ in 0..60 {
            let (x, y) = (dice.range(0.0, SIZE.0 as f32), dice.range(0.0, SIZE.1 as f32));
            canvas.paint([x, y, x + 0.6, y + 5.0], |level, _, _| level + 45.0);
        }
    };
    let said = watch(MotionGateConfig::default(), 80.0, |time, dice| {
        let mut own = dice.clone();
        noisy(dice, |canvas| {
            rain(canvas, &mut own);
            if time > 60.0 {
                let x = (time - 60.0) * 10.0;
                canvas.object([x, 70.0, x + 12.0, 104.0], 50.0);
            }
        })
    });
    let (rain, walker) = (moved_part(&said[..300], 40.0), moved_part(&said, 61.0));
    assert!(rain < 0.15 && walker > 0.9, "rain {rain}, walker {walker}");
}

#[test]
fn swaying_leaves_are_learned_and_a_walker_before_them_still_seen() {
    let said = watch(MotionGateConfig::default(), 120.0, |time, dice| {
        let mut own = Dice((time * 5.0) as u64 + 99);
        noisy(dice, |canvas| {
            let sway = 3.0 * (time * 2.3).sin() + 0.7 * own.normal();
            for k in 0..14 {
                let (x, y) = (30.0 + (k % 5) as f32 * 11.0 + sway, 20.0 + (k / 5) as f32 * 12.0 + sway * 0.3);
                canvas.paint([x, y, x + 6.0, y + 5.0], |_, _, _| 45.0);
            }
            if time > 100.0 {
                let x = 10.0 + (time - 100.0) * 8.0;
                canvas.object([x, 15.0, x + 16.0, 60.0], 220.0);
            }
        })
    });
    let (leaves, walker) = (moved_part(&said[..500], 60.0), moved_part(&said, 101.0));
    assert!(leaves < 0.35 && walker > 0.7, "leaves {leaves}, walker {walker}");
}

/// Where a screen hangs that shows films all day, in samples.
const SCREEN: [f32; 4] = [100.0, 30.0, 150.0, 62.0];

/// What the gate says of 20 s of scenes with such a screen, which it passes over or does not.
fn before_a_screen(is_passed_over: bool, scene: impl Fn(f32, &mut Canvas)) -> Vec<(f32, Motion)> {
    let config = MotionGateConfig { look_at_least_every_s: 60.0, ..MotionGateConfig::default() };
    let (mut gate, mut dice) = (MotionGate::new(config), Dice(1));
    let [x0, y0, x1, y1] = SCREEN.map(|edge| edge as usize);
    let is_over = |i: usize| (x0..x1).contains(&(i % SIZE.0)) && (y0..y1).contains(&(i / SIZE.0));
    let passed_over: Vec<bool> = (0..SIZE.0 * SIZE.1).map(is_over).collect();
    let look = |n: usize| {
        let time = n as f32 / 5.0;
        let mut film = Dice(n as u64);
        let canvas = noisy(&mut dice, |canvas| {
            scene(time, canvas);
            let bright = film.range(20.0, 240.0);
            canvas.paint(SCREEN, |_, u, v| bright + 15.0 * ((u * 20.0 + time).sin() + (v * 16.0).cos()));
        });
        gate.pass_over(if is_passed_over { &passed_over } else { &[] });
        let motion = gate.look(at(time), &canvas.plane());
        if motion.reason.is_some() {
            gate.mark_analysed();
        }
        (time, motion)
    };
    (0..100).map(look).collect()
}

#[test]
fn what_moves_in_a_part_that_is_passed_over_is_no_motion_whatever_the_light_does() {
    let still = |_: f32, _: &mut Canvas| ();
    assert!(moved_part(&before_a_screen(false, still), 1.0) > 0.5, "the screen itself moves");
    assert_eq!(moved_part(&before_a_screen(true, still), 1.0), 0.0);
    let light = before_a_screen(true, |time, canvas| canvas.gain(if time > 6.0 { 1.4 } else { 1.0 }, 0.0));
    assert!(moved_part(&light, 1.0) <= 0.02, "{}", moved_part(&light, 1.0));
}

#[test]
fn who_walks_past_a_part_that_is_passed_over_is_seen_beside_it() {
    let x = |time: f32| 40.0 + time.clamp(4.0, 14.0) * 10.0;
    let said = before_a_screen(true, |time, canvas| canvas.object([x(time), 40.0, x(time) + 9.0, 66.0], 60.0));
    for (time, motion) in said {
        let is_beside = x(time) + 9.0 < SCREEN[0] - 8.0 || x(time) > SCREEN[2] + 8.0;
        if (4.3..13.9).contains(&time) && is_beside {
            assert_eq!(motion.reason, Some(LookReason::Moved), "at {time}");
        }
        let film = (SCREEN[0] + 8.0) / SIZE.0 as f32..(SCREEN[2] - 8.0) / SIZE.0 as f32;
        let is_of_film = |b: &BBox| film.contains(&b.x0) && film.contains(&b.x1) && b.y1 < 0.4;
        assert!(time < 0.1 || !motion.regions_normalised.iter().any(is_of_film), "at {time}: {motion:?}");
    }
}

#[test]
fn a_turned_camera_is_one_change_of_scene() {
    let config = MotionGateConfig { look_at_least_every_s: 60.0, ..MotionGateConfig::default() };
    let said = watch(config, 10.0, |time, dice| {
        let mut canvas = noisy(dice, |_| ());
        if time > 5.0 {
            canvas.levels.reverse();
            canvas.paint([0.0, 0.0, 240.0, 135.0], |level, u, v| level + 60.0 * ((u * 40.0).sin() * (v * 30.0).sin()));
        }
        canvas
    });
    let looks: Vec<_> = said.iter().filter_map(|(_, m)| m.reason).collect();
    assert_eq!(looks, [LookReason::First, LookReason::SceneChanged]);
}

#[test]
fn nonsense_settings_are_named() {
    let config: MotionGateConfig = toml::from_str("sensitivity = 120").unwrap();
    let LumaConfigError { name, .. } = config.check().unwrap_err();
    assert_eq!(name, "sensitivity");
    assert!(toml::from_str::<MotionGateConfig>("sensitive = 1").is_err());
    assert_eq!(MotionGateConfig::default().check(), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_planes_are_judged_without_harm(
        sizes in prop::collection::vec((0usize..40, 0usize..40), 1..6), seed in any::<u64>(), cell in 4usize..20,
    ) {
        let mut gate = MotionGate::new(MotionGateConfig { cell_samples: cell, ..MotionGateConfig::default() });
        let mut dice = Dice(seed);
        for (n, &(width, height)) in sizes.iter().flat_map(|size| [size; 3]).enumerate() {
            let samples = (0..width * height).map(|_| dice.next() as u8).collect();
            let motion = gate.look(at(n as f32), &LumaPlane::from_samples(width, height, samples).unwrap());
            prop_assert!(motion.regions_normalised.len() <= MAX_REGIONS);
            for b in &motion.regions_normalised {
                prop_assert!(b.is_valid() && b.x1 <= 1.0 && b.y1 <= 1.0);
            }
            gate.mark_analysed();
        }
    }
}
