//! Scenes in which nothing happens but weather, and every violation is looked for.

use super::{Actor, Gait, Light, Place, Script, Weather, key, rule, scene, zone};

pub(super) fn all() -> Vec<Script> {
    vec![quiet_day(), quiet_night()]
}

/// Everything is looked for in the part of the picture where there is nothing but ground.
fn all_rules(script: &mut Script, corners: &[[u32; 2]]) {
    script.zones.push(zone("ground", corners));
    for (violation, with) in [
        ("illegal_parking", "stationary_s = 5"),
        ("loitering", "dwell_s = 5"),
        ("crowding", "people = 2, hold_s = 2"),
        ("intrusion", ""),
        ("abandoned_object", "alone_s = 8"),
        ("goods_outside_shop", "stays_s = 8"),
        ("dumping", "stays_s = 8"),
        ("street_vending", "stands_s = 8, hold_s = 4"),
    ] {
        script.rules.push(rule(violation, "ground", with));
    }
}

fn quiet_day() -> Script {
    let about = "Clouds, lamps, the shadow of a house, a tree in the wind and a mast that shakes; nothing happens.";
    let mut script = scene("quiet-day", about, Place::Campus, 50.0);
    all_rules(&mut script, &[[10, 205], [640, 205], [700, 330], [10, 330]]);
    let tree = vec![key(0.0, 660.0, 345.0), key(99.0, 660.0, 345.0)];
    script.actors.push(Actor::new("tree", "holm_oak", 190.0, Gait::Sways(6.0), tree));
    let light = vec![
        Light::Waves(0.12, 17.0),
        Light::Step(12.0, 0.72),
        Light::Step(22.0, 1.35),
        Light::Shadow(28.0, 31.0, 43.0),
    ];
    script.weather = Weather { noise: 3.0, light, shake_px: 2.5, leaves: 8, ..Weather::default() };
    script
}

fn quiet_night() -> Script {
    let about = "A street at night in the rain with headlights that sweep over it; nothing happens.";
    let mut script = scene("quiet-night", about, Place::Street, 40.0);
    all_rules(&mut script, &[[30, 440], [640, 440], [740, 556], [10, 556]]);
    let sweep = |from: f32| Light::Headlights(from, from + 3.0, 490.0);
    let light = vec![Light::Even(0.3), sweep(5.0), sweep(12.0), sweep(13.5), sweep(25.0), Light::Step(32.0, 1.5)];
    script.weather = Weather { noise: 7.0, light, rain: 200, shake_px: 1.0, ..Weather::default() };
    script
}
