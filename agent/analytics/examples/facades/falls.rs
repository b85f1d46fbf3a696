//! Things that fall before a facade and are in view for a moment only.

use forewarn_analytics::luma::Fall;

use super::{Body, Facade};

/// Acceleration of a body that falls, in metres per second squared.
pub(crate) const G: f32 = 9.81;

/// A fall as it truly is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    /// When it is first and last in view.
    pub(crate) from_s: f32,
    pub(crate) to_s: f32,
    /// Its side in pixels of a picture of 1080 rows.
    pub(crate) side_px: f32,
    /// How far it falls in view, in the same.
    pub(crate) drop_px: f32,
    /// Metres per second in the middle of the view.
    pub(crate) speed: f32,
}

impl Truth {
    /// Whether a fall that was told is this one, by its time.
    pub(crate) fn is_told_by(&self, fall: &Fall) -> bool {
        let (from_s, to_s) = (fall.started_at.as_secs_f64() as f32, fall.ended_at.as_secs_f64() as f32);
        from_s < self.to_s + 0.1 && to_s > self.from_s - 0.1
    }
}

/// A thing that comes into view for `sightings` frames, about `at_s`. Some seeds make it too slow to fall far in view;
/// these are given more speed.
pub(crate) fn short(facade: &mut Facade, at_s: f32, sightings: u32, side_px: f32, is_light: bool) -> (Body, Truth) {
    let (width, height) = (facade.size.0 as f32, facade.size.1 as f32);
    let per_px = 1080.0 / facade.rows_px() as f32;
    let scale = facade.px_per_sample as f32 * per_px;
    let side = side_px / scale;
    let fps = facade.fps;
    let from_s = (at_s * fps).round() / fps;
    let seen_s = (sightings - 1) as f32 / fps;
    let least = 45.0 / scale;
    let most = height * 0.8;
    let mut speed = facade.chance.range(5.0, 18.0);
    let way = |speed: f32| (speed * seen_s + 0.5 * G * seen_s * seen_s) * facade.per_metre;
    while way(speed) < least {
        speed += 0.5;
    }
    while way(speed) > most && speed > 1.0 {
        speed -= 0.25;
    }
    let drop = way(speed);
    let g = G * facade.per_metre;
    let v = speed * facade.per_metre;
    let (x, y) = (facade.chance.range(0.15, 0.85) * width, facade.chance.range(2.0, (height - drop - 4.0).max(3.0)));
    let drift = facade.chance.range(-0.1, 0.1) * v;
    let level = if is_light { facade.chance.range(215.0, 250.0) } else { facade.chance.range(8.0, 30.0) };
    let aspect = facade.chance.range(0.7, 1.4);
    let to_s = from_s + seen_s;
    // The exposure of the last frame is part of it.
    let until_s = to_s + 0.5 / fps;
    let way = move |t: f32| {
        let s = t - from_s;
        (s > -0.001 && t < until_s).then(|| [x + drift * s, y + v * s + 0.5 * g * s * s, side * aspect, side / aspect])
    };
    let truth = Truth { from_s, to_s, side_px, drop_px: drop * scale, speed: speed + G * seen_s * 0.5 };
    (Body { way: Box::new(way), level, soft: 0.0 }, truth)
}
