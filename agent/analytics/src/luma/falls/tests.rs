//! Falls in drawn facades: what is thrown is told with its floor, and birds, rain, leaves and shake are not.

use proptest::prelude::*;

use super::*;
use crate::luma::testing::{Canvas, Dice};

/// Samples of the plane; each stands for 2 by 2 pixels. 12 floors of 24 samples make 300 rows: 8 samples a metre.
const SIZE: (usize, usize) = (200, 300);
const SCALE: u32 = 2;
const GRAVITY: f32 = 9.81 * 8.0;

fn config() -> FallingObjectConfig {
    let floors = Some(Floors::Even { ground_y_px: 590.0, floor_height_px: 48.0 });
    FallingObjectConfig { floors, ..FallingObjectConfig::default() }
}

/// Runs a scene before a facade with noise; returns the falls.
fn watch(fps: f32, seconds: f32, scene: impl Fn(f32, &mut Canvas, &mut Dice)) -> Vec<Fall> {
    let facade = facade();
    let (mut detector, mut dice) = (FallingObjectDetector::new(config()), Dice(11));
    let mut falls = Vec::new();
    for n in 0..(seconds * fps) as usize {
        let time = n as f32 / fps;
        let mut canvas = facade.clone();
        scene(time, &mut canvas, &mut dice);
        canvas.noise(1.5, &mut dice);
        falls.extend(detector.observe(Timestamp::from_secs_f64(f64::from(time)), &canvas.plane().of_blocks(SCALE)));
    }
    falls
}

/// A wall with windows on every floor.
fn facade() -> Canvas {
    let mut canvas = Canvas::street(SIZE.0, SIZE.1);
    for (i, level) in canvas.levels.iter_mut().enumerate() {
        let (x, y) = (i % SIZE.0, i / SIZE.0);
        let base = if x % 40 < 16 && y % 24 < 14 { 70.0 } else { 150.0 };
        *level = base + (*level - 105.0) * 0.08 + (y as f32 * 0.7).sin() * 3.0;
    }
    canvas
}

/// Draws a thing of `side` samples that was let go at (`x`, `y`) `since` seconds ago, until it meets the ground.
fn thing(canvas: &mut Canvas, since: f32, (x, y): (f32, f32), (vx, vy): (f32, f32), side: f32, level: f32) {
    if since < 0.0 {
        return;
    }
    let (x, y) = (x + vx * since, y + vy * since + 0.5 * GRAVITY * since * since);
    if y < 292.0 {
        canvas.paint([x, y, x + side, y + side], |_, _, _| level);
    }
}

#[test]
fn falls_are_found_at_any_frame_rate_and_from_any_height() {
    for fps in [10.0, 25.0, 60.0] {
        for (y, floor) in [(20.0, 12), (110.0, 8), (180.0, 5)] {
            let falls =
                watch(fps, 5.0, |time, canvas, _| thing(canvas, time - 1.53, (90.0, y), (4.0, 0.0), 4.0, 240.0));
            assert_eq!(falls.len(), 1, "{fps} fps from {y}: {falls:?}");
            let fall = &falls[0];
            let off = fall.acceleration_px_s2 / (GRAVITY * SCALE as f32);
            assert!((0.85..1.15).contains(&off), "{fps} fps from {y}: {off}");
            assert!((fall.release.y - (y + 2.0) * 2.0).abs() < 16.0, "{fps} fps from {y}: {:?}", fall.release);
            let estimate = fall.floor.unwrap();
            assert!(
                estimate.likeliest.abs_diff(floor) <= 1 && estimate.is_within_view,
                "{fps} fps from {y}: {estimate:?}"
            );
            assert!((fall.started_at.as_secs_f64() - 1.7).abs() < 0.45, "{}", fall.started_at);
            assert!(fall.end.y > 500.0, "{:?}", fall.end);
            assert!(fall.confidence > 0.5, "{fps} fps from {y}: {}", fall.confidence);
        }
    }
}

#[test]
fn a_fall_is_a_track_of_its_own() {
    let falls = watch(25.0, 4.0, |time, canvas, _| thing(canvas, time - 1.0, (50.0, 30.0), (0.0, 0.0), 4.0, 10.0));
    let track = falls[0].to_track();
    assert_eq!(track.class.as_str(), "falling_object");
    assert!(track.id.0 > Fall::FIRST_TRACK && track.bbox.height() > 300.0 && track.bbox.width() < 40.0, "{track:?}");
}

#[test]
fn several_things_thrown_one_by_one_are_several_falls() {
    let falls = watch(25.0, 8.0, |time, canvas, _| {
        thing(canvas, time - 1.0, (40.0, 30.0), (6.0, 0.0), 4.0, 235.0);
        thing(canvas, time - 1.4, (120.0, 60.0), (-5.0, -10.0), 5.0, 20.0);
        thing(canvas, time - 5.0, (150.0, 100.0), (0.0, 20.0), 3.0, 240.0);
    });
    assert_eq!(falls.len(), 3, "{falls:?}");
    assert_eq!(falls.iter().map(|f| f.id).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_long_fall_is_told_though_key_pictures_change_the_noise_everywhere() {
    let falls = watch(25.0, 6.0, |time, canvas, _| {
        thing(canvas, time - 1.0, (90.0, 30.0), (4.0, 0.0), 4.0, 240.0);
        // Every two seconds, and just before it meets the ground.
        if (time * 25.0).round() as u32 % 50 == 40 {
            for k in 0..80u16 {
                let (x, y) = (f32::from(k * 37 % 196), f32::from(k * 53 % 296));
                canvas.paint([x, y, x + 2.0, y + 2.0], |level, _, _| level + 40.0);
            }
        }
    });
    assert_eq!(falls.len(), 1, "{falls:?}");
    assert!(falls[0].confidence > 0.5 && falls[0].path.len() > 30, "{falls:?}");
}

#[test]
fn what_does_not_fall_freely_is_no_fall() {
    type Scene = fn(f32, &mut Canvas, &mut Dice);
    let quiet = |name: &str, scene: Scene| {
        for fps in [12.0, 25.0] {
            let falls = watch(fps, 14.0, scene);
            assert!(falls.is_empty(), "{name} at {fps} fps: {falls:?}");
        }
    };
    quiet("noise", |_, _, _| ());
    quiet("bird across", |time, canvas, _| {
        let (x, y) = ((time * 60.0) % 260.0 - 20.0, 80.0 + 25.0 * (time * 1.3).sin());
        let wing = 2.0 + 1.5 * (time * 40.0).sin();
        canvas.paint([x, y, x + 5.0, y + wing], |_, _, _| 20.0);
    });
    quiet("bird that swoops and rises", |time, canvas, _| {
        let phase = time % 5.0 - 1.5;
        let (x, y) = (40.0 + phase * 45.0, 220.0 - 55.0 * phase * phase);
        canvas.paint([x, y, x + 4.0, y + 3.0], |_, _, _| 15.0);
    });
    quiet("gliding bird", |time, canvas, _| {
        let phase = time % 6.0;
        canvas
            .paint([10.0 + phase * 20.0, 20.0 + phase * 50.0, 15.0 + phase * 20.0, 23.0 + phase * 50.0], |_, _, _| {
                15.0
            });
    });
    quiet("rain", |_, canvas, dice| {
        for _ in 0..60 {
            let (x, y) = (dice.range(0.0, 200.0), dice.range(-20.0, 300.0));
            canvas.paint([x, y, x + 1.0, y + 12.0], |level, _, _| level + 40.0);
        }
    });
    quiet("light rain at a steady speed", |time, canvas, _| {
        for k in 0..6 {
            let y = (time * 260.0 + k as f32 * 131.0) % 700.0 - 20.0;
            let x = (k * 37 % 190) as f32 + 3.0;
            canvas.paint([x, y, x + 1.0, y + 9.0], |level, _, _| level + 50.0);
        }
    });
    quiet("snow", |time, canvas, _| {
        for k in 0..40 {
            let speed = 25.0 + (k % 7) as f32 * 3.0;
            let y = (time * speed + k as f32 * 47.0) % 320.0 - 10.0;
            let x = (k * 53 % 195) as f32 + 3.0 * (time * 1.7 + k as f32).sin();
            canvas.paint([x, y, x + 2.5, y + 2.5], |_, _, _| 245.0);
        }
    });
    quiet("leaf", |time, canvas, _| {
        let phase = time % 7.0;
        let (x, y) = (80.0 + 14.0 * (phase * 3.0).sin(), 20.0 + 38.0 * phase + 5.0 * (phase * 6.0).sin());
        canvas.paint([x, y, x + 3.0, y + 3.0], |_, _, _| 30.0);
    });
    quiet("curtain and hand", |time, canvas, _| {
        let sway = 6.0 * (time * 4.0).sin();
        canvas.paint([40.0 + sway, 98.0, 50.0 + sway, 110.0], |_, _, _| 220.0);
        let wave = 9.0 * (time * 5.0).cos();
        canvas.paint([130.0, 150.0 + wave, 134.0, 156.0 + wave], |_, _, _| 200.0);
    });
    quiet("lift at a steady speed", |time, canvas, _| {
        let y = (time * 40.0) % 320.0 - 20.0;
        canvas.paint([100.0, y, 108.0, y + 8.0], |_, _, _| 40.0);
    });
}

#[test]
fn a_shaking_camera_invents_no_fall_and_hides_none() {
    let facade = facade();
    let (mut detector, mut dice) = (FallingObjectDetector::new(config()), Dice(4));
    let mut falls = Vec::new();
    for n in 0..400 {
        let time = n as f32 / 25.0;
        let mut canvas = facade.clone();
        thing(&mut canvas, time - 4.0, (90.0, 40.0), (3.0, 0.0), 5.0, 245.0);
        thing(&mut canvas, time - 8.0, (30.0, 90.0), (0.0, 0.0), 5.0, 20.0);
        thing(&mut canvas, time - 12.0, (140.0, 20.0), (-5.0, 0.0), 6.0, 245.0);
        let mut canvas = canvas.shaken(0.8 * (time * 9.0).sin(), 1.2 * (time * 7.0).cos());
        canvas.noise(1.5, &mut dice);
        falls.extend(detector.observe(Timestamp::from_secs_f64(f64::from(time)), &canvas.plane().of_blocks(SCALE)));
    }
    let starts: Vec<u32> = falls.iter().map(|fall| fall.started_at.as_secs_f64() as u32 / 4 * 4).collect();
    assert_eq!(starts, [4, 8, 12], "{falls:?}");
}

#[test]
fn floors_are_told_by_lines_or_by_height() {
    let even = Floors::Even { ground_y_px: 500.0, floor_height_px: 50.0 };
    let lines: Floors = toml::from_str("floor_lines_y_px = [500.0, 440.0, 390.0]").unwrap();
    for (y, by_height, by_line) in
        [(510.0, None, None), (480.0, Some(1), Some(1)), (430.0, Some(2), Some(2)), (10.0, Some(10), Some(3))]
    {
        assert_eq!((even.floor_at(y), lines.floor_at(y)), (by_height, by_line), "row {y}");
    }
    let config: FallingObjectConfig =
        toml::from_str("min_drop_px = 60.0\nfloors = { ground_y_px = 500.0, floor_height_px = 0.5 }").unwrap();
    assert!(config.check().unwrap_err().to_string().contains("floor_height_px"));
    let config: FallingObjectConfig = toml::from_str("floors = { floor_lines_y_px = [400.0, 450.0] }").unwrap();
    assert!(config.check().unwrap_err().to_string().contains("above the one before"));
    assert_eq!(FallingObjectConfig::default().check(), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_planes_are_taken_without_harm(
        sizes in prop::collection::vec((0usize..50, 0usize..50), 1..4), seed in any::<u64>(), step_ms in 0i64..200,
    ) {
        let (mut detector, mut dice) = (FallingObjectDetector::new(config()), Dice(seed));
        for (n, &(width, height)) in sizes.iter().flat_map(|size| [size; 15]).enumerate() {
            let samples = (0..width * height).map(|_| dice.next() as u8 & 0x80).collect();
            let plane = LumaPlane::from_samples(width, height, samples).unwrap();
            detector.observe(Timestamp::from_micros(n as i64 * step_ms * 1000), &plane);
            prop_assert!(detector.paths.len() <= MAX_PATHS && detector.ended.len() <= 256);
        }
    }
}
