//! Things that are left, carried off, put out and thrown.

use fastrand::Rng;

use super::{Actor, Gait, Place, Script, Weather, key, rule, scene, truth, walker, zone};

pub(super) fn all(rng: &mut Rng) -> Vec<Script> {
    let shift = rng.f32();
    vec![left(), picked_up(), put_out(), thrown(shift), birds_and_leaves(), facade_in_rain()]
}

fn square(script: &mut Script) {
    script.zones.push(zone("square", &[[200, 200], [700, 200], [700, 335], [200, 335]]));
    script.rules.push(rule("abandoned_object", "square", "alone_s = 20"));
}

/// A tool box, as high as half a shin.
fn bag(from_s: f32, to_s: f32, x: f32, y: f32) -> Actor {
    Actor::new("bag", "toolbox", 19.0, Gait::Rolls, vec![key(from_s, x, y), key(to_s, x, y)])
}

fn left() -> Script {
    let about = "A person puts a tool box down, stays two seconds and leaves without it.";
    let mut script = scene("bag-left", about, Place::Campus, 60.0);
    square(&mut script);
    let path = [key(2.0, 80.0, 275.0), key(9.0, 340.0, 280.0), key(12.0, 340.0, 280.0), key(20.0, 780.0, 285.0)];
    script.actors.push(walker("owner", "man-to-the-right", &path));
    script.actors.push(bag(10.0, 99.0, 366.0, 286.0));
    script.truths.push(truth("abandoned_object", "square", (12.0, 60.0), Some("bag")));
    script
}

fn picked_up() -> Script {
    let about = "A person puts a tool box down, waits beside it and takes it along; nothing is wrong.";
    let mut script = scene("bag-picked-up", about, Place::Campus, 45.0);
    square(&mut script);
    let path = [key(2.0, 80.0, 275.0), key(9.0, 340.0, 280.0), key(24.0, 340.0, 280.0), key(33.0, 780.0, 285.0)];
    script.actors.push(walker("owner", "man-to-the-right", &path));
    script.actors.push(bag(10.0, 23.5, 366.0, 286.0));
    script
}

fn put_out() -> Script {
    let about = "Goods are put out before a shop one by one, and stay.";
    let mut script = scene("goods-put-out", about, Place::Street, 60.0);
    script.zones.push(zone("shop-front", &[[120, 405], [330, 405], [330, 470], [90, 470]]));
    script.rules.push(rule("goods_outside_shop", "shop-front", "stays_s = 20"));
    let keeper = [
        key(2.0, 60.0, 445.0),
        key(6.0, 150.0, 445.0),
        key(8.0, 150.0, 445.0),
        key(11.0, 240.0, 445.0),
        key(14.0, 240.0, 445.0),
        key(20.0, 20.0, 445.0),
        key(22.0, -60.0, 445.0),
    ];
    script.actors.push(Actor::new("keeper", "man-in-dark-coat", 82.0, Gait::Walks, keeper.to_vec()));
    for (name, photo, height, at_s, x, y) in [
        ("bin", "wheelie_bin", 52.0, 7.0, 185.0, 448.0),
        ("pumpkin", "pumpkin_small", 24.0, 12.0, 235.0, 452.0),
        ("crate", "box", 30.0, 12.5, 270.0, 452.0),
        ("can", "garbagecan", 40.0, 13.5, 215.0, 444.0),
    ] {
        script.actors.push(Actor::new(name, photo, height, Gait::Rolls, vec![key(at_s, x, y), key(99.0, x, y)]));
    }
    script.truths.push(truth("goods_outside_shop", "shop-front", (7.0, 60.0), None));
    script
}

fn facade(name: &'static str, about: &'static str, seconds: f32) -> Script {
    let mut script = scene(name, about, Place::Facade, seconds);
    script.fps = 25;
    script.zones.push(zone("facade", &[[112, 95], [260, 0], [638, 0], [638, 395], [112, 395]]));
    script.rules.push(rule("thrown_object", "facade", ""));
    script
}

fn thrown(shift: f32) -> Script {
    let mut script = facade("thrown-from-height", "A kettle and a box fall out of windows.", 15.0);
    for (name, photo, height, from_s, x, (top, ground), px_per_m) in [
        ("kettle", "kettle", 13.0, 4.0 + shift, 300.0, (125.0, 386.0), 18.3),
        ("box", "box", 12.0, 9.0 + shift, 440.0, (110.0, 392.0), 20.5),
    ] {
        let falls_s = (2.0 * (ground - top) / (9.81 * px_per_m) as f32).sqrt();
        let path = vec![key(from_s, x, top), key(from_s + falls_s, x + 14.0, ground), key(99.0, x + 14.0, ground)];
        script.actors.push(Actor::new(name, photo, height, Gait::Falls, path));
        script.truths.push(truth("thrown_object", "facade", (from_s, from_s + falls_s), None));
    }
    script
}

fn birds_and_leaves() -> Script {
    let about = "Birds fly past and dive before a facade, leaves sink; nothing is thrown.";
    let mut script = facade("facade-birds-and-leaves", about, 16.0);
    let bird = |name, photo, height, path: &[super::Key]| Actor::new(name, photo, height, Gait::Flies, path.to_vec());
    script.actors.push(bird("level", "seagull", 16.0, &[key(1.0, -20.0, 120.0), key(5.0, 660.0, 90.0)]));
    let dive = [
        key(4.0, 640.0, 60.0),
        key(5.5, 470.0, 150.0),
        key(6.5, 400.0, 320.0),
        key(7.5, 300.0, 330.0),
        key(9.5, -30.0, 140.0),
    ];
    script.actors.push(bird("diving", "seagull", 14.0, &dive));
    script.actors.push(bird(
        "large",
        "heron_greatblue_flying",
        30.0,
        &[key(9.0, 660.0, 210.0), key(14.0, -40.0, 170.0)],
    ));
    script.weather = Weather { leaves: 16, ..Weather::default() };
    script
}

fn facade_in_rain() -> Script {
    let mut script = facade("facade-in-rain", "Heavy rain before a facade in the wind; nothing is thrown.", 12.0);
    script.weather = Weather { noise: 4.0, rain: 260, shake_px: 1.5, ..Weather::default() };
    script
}
