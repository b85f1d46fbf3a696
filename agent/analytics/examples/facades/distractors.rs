//! What moves before a facade and does not fall.

use super::{Body, Chance, Facade};

/// Kinds of distractors, by name.
pub(crate) const KINDS: [&str; 18] = [
    "noise",
    "hand",
    "cloth",
    "bird",
    "dive",
    "take-off",
    "rain",
    "light rain",
    "snow",
    "leaves",
    "insects",
    "reflection",
    "laundry",
    "lift",
    "blind",
    "shake",
    "lights",
    "below",
];

/// Shift in samples and gain of the picture at a time.
pub(crate) type Camera = Box<dyn Fn(f32) -> ((f32, f32), f32)>;

/// What there is of a kind, for as long as it is looked at.
pub(crate) fn scene(facade: &mut Facade, kind: &str) -> (Vec<Body>, Camera) {
    let steady: Camera = Box::new(|_| ((0.0, 0.0), 1.0));
    let n = |chance: &mut Chance, low: f32, high: f32| chance.range(low, high) as usize;
    let many =
        |facade: &mut Facade, count: usize, make: fn(&mut Facade) -> Body| (0..count).map(|_| make(facade)).collect();
    let bodies: Vec<Body> = match kind {
        "hand" => many(facade, 2, hand),
        "cloth" => many(facade, 2, cloth),
        "bird" => many(facade, 3, bird),
        "dive" => many(facade, 2, dive),
        "take-off" => many(facade, 3, take_off),
        "rain" => {
            let count = n(&mut facade.chance, 25.0, 90.0);
            many(facade, count, drop_of_rain)
        }
        "light rain" => {
            let count = n(&mut facade.chance, 2.0, 9.0);
            many(facade, count, drop_of_rain)
        }
        "snow" => {
            let count = n(&mut facade.chance, 10.0, 60.0);
            many(facade, count, flake)
        }
        "leaves" => many(facade, 4, leaf),
        "insects" => many(facade, 3, insect),
        "reflection" => many(facade, 3, reflection),
        "laundry" => many(facade, 5, laundry),
        "lift" => many(facade, 1, lift),
        "blind" => many(facade, 2, blind),
        "lights" => many(facade, 6, light),
        "below" => many(facade, 4, passer),
        _ => Vec::new(),
    };
    if kind != "shake" {
        return (bodies, steady);
    }
    let (a, b, f) = (facade.chance.range(0.2, 1.6), facade.chance.range(0.2, 1.6), facade.chance.range(2.0, 9.0));
    (
        many(facade, 1, bird),
        Box::new(move |t| ((a * (t * f).sin(), b * (t * f * 1.3).cos()), 1.0 + 0.02 * (t * 1.1).sin())),
    )
}

/// Seconds since the last beginning of something that comes again every `every_s`, and which time it is.
fn again(t: f32, every_s: f32, first_s: f32) -> (f32, u32) {
    let turns = ((t - first_s) / every_s).max(0.0);
    ((t - first_s) - turns.floor() * every_s, turns as u32)
}

/// The same number from 0 to 1 for the same turn.
fn turned(seed: f32, turn: u32, k: u32) -> f32 {
    ((seed * 91.7 + turn as f32 * 12.9898 + k as f32 * 78.233).sin() * 43_758.547).rem_euclid(1.0)
}

fn level(facade: &mut Facade) -> f32 {
    let low = facade.chance.range(10.0, 40.0);
    let high = facade.chance.range(200.0, 245.0);
    facade.chance.pick(&[low, high])
}

fn body(level: f32, soft: f32, way: impl Fn(f32) -> Option<[f32; 4]> + 'static) -> Body {
    Body { way: Box::new(way), level, soft }
}

/// An arm out of a window: it comes out, goes down quickly, waves, and goes back.
fn hand(facade: &mut Facade) -> Body {
    let (w, h) = (facade.size.0 as f32, facade.size.1 as f32);
    let (x, y, m, seed) =
        (facade.chance.range(0.1, 0.9) * w, facade.chance.range(0.2, 0.8) * h, facade.per_metre, facade.chance.unit());
    let every_s = facade.chance.range(3.0, 9.0);
    let thick = 0.12 * m;
    body(facade.chance.pick(&[40.0, 150.0, 205.0]), 0.0, move |t| {
        let (s, turn) = again(t, every_s, 1.0);
        let quick = 0.12 + 0.3 * turned(seed, turn, 1);
        let reach = 0.7 * m * (0.5 + turned(seed, turn, 2));
        let down = if s < quick {
            s / quick
        } else if s < 1.5 {
            1.0 - 0.3 * ((s - quick) * 6.0).sin().abs()
        } else {
            (1.0 - (s - 1.5) / quick).max(0.0)
        };
        (down > 0.05).then_some([x, y + reach * down * 0.5, thick, reach * down])
    })
}

/// A cloth that is shaken, or a broom: up and down some times.
fn cloth(facade: &mut Facade) -> Body {
    let (w, h) = (facade.size.0 as f32, facade.size.1 as f32);
    let (x, y, m) = (facade.chance.range(0.1, 0.9) * w, facade.chance.range(0.2, 0.8) * h, facade.per_metre);
    let (every_s, f) = (facade.chance.range(6.0, 15.0), facade.chance.range(6.0, 16.0));
    let (wide, high) = (facade.chance.range(0.2, 0.7) * m, facade.chance.range(0.2, 0.7) * m);
    let reach = facade.chance.range(0.2, 0.6) * m;
    body(level(facade), 0.5, move |t| {
        let (s, _) = again(t, every_s, 2.0);
        (s < 3.0).then(|| [x + 0.2 * reach * (s * f * 0.7).sin(), y + reach * (s * f).sin(), wide, high])
    })
}

/// A bird that crosses, level, up or down, with wings.
fn bird(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let (every_s, flap) = (facade.chance.range(2.0, 7.0), facade.chance.range(25.0, 60.0));
    let near = facade.chance.range(0.8, 2.5);
    body(level(facade), 0.3, move |t| {
        let (s, turn) = again(t, every_s, seed);
        let r = |k| turned(seed, turn, k);
        let speed = (4.0 + 12.0 * r(1)) * m * near;
        let angle = -0.7 + 1.4 * r(2);
        let side = if r(3) < 0.5 { 1.0 } else { -1.0 };
        let from = if side > 0.0 { -5.0 } else { w + 5.0 };
        let (x, y) =
            (from + side * speed * angle.cos() * s, r(4) * h + speed * angle.sin() * s + 2.0 * (s * 5.0).sin());
        let wing = 0.25 + 0.2 * (s * flap).sin();
        ((-9.0..w + 9.0).contains(&x)).then_some([x, y, 0.4 * m * near, wing * m * near])
    })
}

/// A bird that dives steeply and turns away.
fn dive(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let every_s = facade.chance.range(3.0, 8.0);
    body(level(facade), 0.3, move |t| {
        let (s, turn) = again(t, every_s, seed);
        let r = |k| turned(seed, turn, k);
        let (speed, out_s) = ((6.0 + 9.0 * r(1)) * m, 0.25 + 0.5 * r(2));
        let side = if r(3) < 0.5 { 1.0 } else { -1.0 };
        // The way bends from steep to level at a steady speed.
        let angle = |s: f32| 1.45 - 1.9 * (s / out_s / 1.6).clamp(0.0, 1.0);
        let (mut x, mut y) = (w * (0.2 + 0.6 * r(4)), h * 0.5 * r(5));
        for k in 0..24 {
            let part = angle(s * (k as f32 + 0.5) / 24.0);
            x += side * speed * part.cos() * s / 24.0;
            y += speed * part.sin() * s / 24.0;
        }
        (s < 3.0).then(|| [x, y, 0.35 * m, (0.25 + 0.12 * (s * 40.0).sin()) * m])
    })
}

/// A pigeon that drops from a ledge, opens its wings and flies off.
fn take_off(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let every_s = facade.chance.range(4.0, 9.0);
    body(level(facade), 0.3, move |t| {
        let (s, turn) = again(t, every_s, 1.0);
        let r = |k| turned(seed, turn, k);
        let side = if r(3) < 0.5 { 1.0 } else { -1.0 };
        let (vx, g) = ((2.0 + 4.0 * r(1)) * m, (5.0 + 4.0 * r(2)) * m);
        let lift = g * (0.5 + 0.4 * r(5));
        let opens = 0.25 + 0.2 * r(6);
        let after = (s - opens).max(0.0);
        let y = 0.5 * g * s.min(opens).powi(2) + g * opens * after - 0.5 * lift * 2.0 * after * after;
        (s < 2.5).then(|| {
            [
                w * (0.2 + 0.6 * r(4)) + side * vx * s * s.min(1.0),
                h * 0.6 * r(7) + y,
                0.35 * m,
                (0.25 + 0.15 * (s * 45.0).sin()) * m,
            ]
        })
    })
}

/// A drop of rain, near or far: a bright thin streak at a steady speed.
fn drop_of_rain(facade: &mut Facade) -> Body {
    let (w, h, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.chance.unit());
    let (speed, slant) = (facade.chance.range(0.7, 4.0) * h, facade.chance.range(-0.06, 0.1));
    let (thin, long) = (facade.chance.range(0.4, 1.4), facade.chance.range(1.0, 8.0));
    let every_s = (h + 30.0) / speed + facade.chance.range(0.0, 0.6);
    body(facade.chance.range(190.0, 240.0), 0.3, move |t| {
        let (s, turn) = again(t, every_s, -5.0 * seed);
        Some([w * turned(seed, turn, 1) + slant * speed * s, -15.0 + speed * s, thin, long])
    })
}

fn flake(facade: &mut Facade) -> Body {
    let (w, h, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.chance.unit());
    let (speed, sway, side) =
        (facade.chance.range(0.05, 0.5) * h, facade.chance.range(1.0, 7.0), facade.chance.range(0.7, 4.0));
    let every_s = (h + 20.0) / speed;
    body(245.0, side * 0.4, move |t| {
        let (s, turn) = again(t, every_s, -30.0 * seed);
        Some([w * turned(seed, turn, 1) + sway * (s * 2.3 + seed * 6.0).sin(), -10.0 + speed * s, side, side])
    })
}

/// A leaf, or paper: it sways, tumbles and sinks at a steady speed, sometimes in gusts.
fn leaf(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let (speed, sway, f) =
        (facade.chance.range(0.8, 2.5) * m, facade.chance.range(0.2, 1.2) * m, facade.chance.range(2.0, 6.0));
    let side = facade.chance.range(0.1, 0.4) * m;
    let every_s = (h + 20.0) / speed;
    body(level(facade), 0.2, move |t| {
        let (s, turn) = again(t, every_s, -9.0 * seed);
        let y = -10.0 + speed * s + 0.35 * sway * (s * f * 2.0).sin();
        Some([
            w * turned(seed, turn, 1) + sway * (s * f).sin(),
            y,
            side,
            side * (0.3 + 0.7 * (s * f * 1.7).sin().abs()),
        ])
    })
}

/// An insect near the lens: large, soft, fast, on a way that turns.
fn insect(facade: &mut Facade) -> Body {
    let (w, h, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.chance.unit());
    let every_s = facade.chance.range(0.8, 4.0);
    let side = facade.chance.range(3.0, 18.0);
    body(level(facade), side * 0.6, move |t| {
        let (s, turn) = again(t, every_s, seed);
        let r = |k| turned(seed, turn, k);
        let (speed, heading, bend) = ((0.5 + 3.0 * r(1)) * h, std::f32::consts::TAU * r(2), 6.0 * (r(3) - 0.5));
        let (mut x, mut y) = (w * r(4), h * r(5));
        for k in 0..16 {
            let at = s * (k as f32 + 0.5) / 16.0;
            let angle = heading + bend * at * 3.0 + 0.9 * (at * (9.0 + 20.0 * r(6))).sin();
            x += speed * angle.cos() * s / 16.0;
            y += speed * angle.sin() * s / 16.0;
        }
        (s < 0.7).then_some([x, y, side, side])
    })
}

/// The sun's reflection of a car or of an opened window, within a row of windows or within one.
fn reflection(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let every_s = facade.chance.range(2.0, 6.0);
    body(250.0, 0.4, move |t| {
        let (s, turn) = again(t, every_s, seed);
        let r = |k| turned(seed, turn, k);
        let (x, y) = (w * r(1), h * r(2));
        if r(3) < 0.6 {
            let speed = (5.0 + 15.0 * r(4)) * m;
            return (s < 1.0).then(|| [speed * s, y, (0.3 + r(5)) * m, 0.8 * m]);
        }
        let lasts = 0.1 + 0.3 * r(6);
        (s < lasts).then(|| [x, y + 1.4 * m * s / lasts, 0.9 * m, 0.3 * m])
    })
}

fn laundry(facade: &mut Facade) -> Body {
    let (w, h, m) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre);
    let (x, y, f, a) = (
        facade.chance.range(0.1, 0.9) * w,
        facade.chance.range(0.1, 0.9) * h,
        facade.chance.range(1.5, 6.0),
        facade.chance.range(0.1, 0.5) * m,
    );
    let (wide, high) = (facade.chance.range(0.3, 0.9) * m, facade.chance.range(0.5, 1.2) * m);
    body(level(facade), 0.3, move |t| {
        let gust = 0.4 + 0.6 * (t * 0.37).sin().abs();
        Some([x + a * gust * (t * f).sin(), y + 0.3 * a * gust * (t * f * 2.0).cos(), wide, high])
    })
}

/// A lift or a gondola at a steady speed.
fn lift(facade: &mut Facade) -> Body {
    let (w, h, m) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre);
    let (x, speed, side) =
        (facade.chance.range(0.1, 0.9) * w, facade.chance.range(0.4, 3.0) * m, facade.chance.range(0.8, 2.0) * m);
    let lasts = (h + 20.0) / speed;
    body(level(facade), 0.0, move |t| {
        let (s, turn) = again(t, lasts + 2.0, 0.0);
        let way = speed * s.min(lasts) - 10.0;
        Some([x, if turn % 2 == 0 { way } else { h - way }, side, side])
    })
}

/// A blind that is let down over a window, slowly or all at once.
fn blind(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let (x, y, every_s) =
        (facade.chance.range(0.1, 0.9) * w, facade.chance.range(0.1, 0.8) * h, facade.chance.range(5.0, 12.0));
    body(facade.chance.range(180.0, 230.0), 0.0, move |t| {
        let (s, turn) = again(t, every_s, 1.0);
        let lasts = 0.3 + 3.0 * turned(seed, turn, 1);
        let down = (s / lasts).min(1.0) * if s > every_s - 0.6 { (every_s - s) / 0.6 } else { 1.0 };
        (down > 0.02).then_some([x, y + 0.75 * m * down, 1.2 * m, 1.5 * m * down])
    })
}

/// A window that is lit and goes dark.
fn light(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let every_s = facade.chance.range(0.3, 3.0);
    body(facade.chance.range(200.0, 250.0), 0.2, move |t| {
        let (s, turn) = again(t, every_s, seed);
        let r = |k| turned(seed, turn, k);
        (s < 0.08 + 0.5 * r(1)).then(|| [w * r(2), h * r(3), (0.1 + r(4)) * m, (0.1 + r(5)) * m])
    })
}

/// Somebody or a car that passes in the lowest rows.
fn passer(facade: &mut Facade) -> Body {
    let (w, h, m, seed) = (facade.size.0 as f32, facade.size.1 as f32, facade.per_metre, facade.chance.unit());
    let every_s = facade.chance.range(3.0, 9.0);
    body(level(facade), 0.2, move |t| {
        let (s, turn) = again(t, every_s, seed);
        let r = |k| turned(seed, turn, k);
        let (x, wide, high) = ((0.8 + 12.0 * r(1)) * m * s - 20.0, (0.5 + 3.0 * r(2)) * m, 1.7 * m);
        (x < w + 40.0).then(|| [x, h - high * 0.5 - 0.03 * m * (s * 12.0).sin().abs(), wide, high])
    })
}
