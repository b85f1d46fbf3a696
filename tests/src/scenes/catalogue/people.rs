//! People who pass, stay, gather, enter and cross.

use fastrand::Rng;

use super::{Actor, Gait, PEOPLE, Place, Script, junction, key, rule, scene, truth, walker, zone};

pub(super) fn all(rng: &mut Rng) -> Vec<Script> {
    let shift = rng.f32() * 2.0;
    let who = PEOPLE[rng.usize(..PEOPLE.len())];
    vec![loiters(who, shift), stands_still(), gathers(rng), intrudes(), crosses(), sells()]
}

fn loiters(who: &'static str, shift: f32) -> Script {
    let about = "One person walks up and down in the junction for half a minute; two others pass through.";
    let mut script = scene("person-loiters", about, Place::Campus, 50.0);
    script.zones.push(junction());
    script.rules.push(rule("loitering", "junction", "dwell_s = 15, observe.for_s = 8"));
    // In at 200 pixels before the zone's edge and 50 a second: the feet are inside four seconds later.
    let t = shift;
    let path = [
        key(1.0 + t, 60.0, 262.0),
        key(7.0 + t, 360.0, 262.0),
        key(13.0 + t, 470.0, 280.0),
        key(19.0 + t, 400.0, 290.0),
        key(24.0 + t, 520.0, 270.0),
        key(32.0 + t, 360.0, 285.0),
        key(37.0 + t, 560.0, 265.0),
        key(42.0 + t, 740.0, 262.0),
    ];
    script.actors.push(walker("loiterer", who, &path));
    script.actors.push(walker("passer", "woman-in-red", &[key(10.0, 760.0, 235.0), key(22.0, -20.0, 232.0)]));
    script.actors.push(walker("other", "man-to-the-right", &[key(26.0, -20.0, 312.0), key(38.0, 780.0, 318.0)]));
    script.truths.push(truth("loitering", "junction", (5.0 + t, 38.7 + t), None));
    script
}

fn stands_still() -> Script {
    let about = "A person stands without a move for more than a minute.";
    let mut script = scene("person-stands-still", about, Place::Campus, 80.0);
    script.zones.push(junction());
    script.rules.push(rule("loitering", "junction", "dwell_s = 30, observe.for_s = 10"));
    script.rules.push(rule("abandoned_object", "junction", "alone_s = 20"));
    let path = [key(1.0, 130.0, 268.0), key(7.0, 400.0, 272.0), key(72.0, 400.0, 272.0), key(79.0, 760.0, 280.0)];
    script.actors.push(walker("waiting", "woman-in-red", &path));
    script.truths.push(truth("loitering", "junction", (3.9, 76.2), None));
    script
}

fn gathers(rng: &mut Rng) -> Script {
    let mut script = scene("crowd-grows", "One after the other seven people gather, and leave.", Place::Campus, 45.0);
    script.zones.push(junction());
    script.rules.push(rule("crowding", "junction", "people = 5, hold_s = 3, observe.for_s = 8"));
    let names = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"];
    let places = [
        (330.0, 250.0),
        (390.0, 300.0),
        (440.0, 245.0),
        (500.0, 295.0),
        (545.0, 250.0),
        (300.0, 310.0),
        (590.0, 305.0),
    ];
    for (n, (name, (x, y))) in names.into_iter().zip(places).enumerate() {
        let there = 5.0 + 2.5 * n as f32;
        let from_x = if n % 2 == 0 { x - 380.0 } else { x + 380.0 };
        let leaves = 32.0 + rng.f32();
        let path = [key(there - 6.0, from_x, y), key(there, x, y), key(leaves, x, y), key(leaves + 6.0, from_x, y)];
        script.actors.push(walker(name, PEOPLE[n % PEOPLE.len()], &path));
    }
    // The fifth comes from the left, 380 pixels in 6 s, and is inside 285 pixels before its place.
    script.truths.push(truth("crowding", "junction", (5.0 + 10.0 - 4.5, 34.0), None));
    script
}

fn intrudes() -> Script {
    let about = "A person steps onto the lawn, stays six seconds and goes back; another keeps to the road.";
    let mut script = scene("person-intrudes", about, Place::Campus, 34.0);
    script.zones.push(zone("lawn", &[[20, 340], [420, 340], [420, 560], [20, 560]]));
    script.rules.push(rule("intrusion", "lawn", "observe.for_s = 6"));
    let path = [
        key(1.0, 520.0, 280.0),
        key(6.0, 330.0, 280.0),
        key(12.0, 250.0, 440.0),
        key(18.0, 250.0, 440.0),
        key(24.0, 330.0, 280.0),
        key(30.0, 600.0, 280.0),
    ];
    script.actors.push(walker("intruder", "man-in-jeans", &path));
    script.actors.push(walker("passer", "man-in-dark-coat", &[key(8.0, 760.0, 240.0), key(22.0, -20.0, 236.0)]));
    // The feet pass row 340 after three eighths of the way there and five eighths of the way back.
    script.truths.push(truth("intrusion", "lawn", (8.3, 21.7), None));
    script
}

fn crosses() -> Script {
    let about = "A person crosses a line; another turns round before it.";
    let mut script = scene("line-crossed", about, Place::Campus, 34.0);
    script.zones.push(zone("fence", &[[420, 205], [420, 335]]));
    script.rules.push(rule("line_crossing", "fence", "observe.for_s = 6"));
    script.actors.push(walker(
        "crossing",
        "man-to-the-right",
        &[key(2.0, 180.0, 270.0), key(8.0, 540.0, 272.0), key(24.0, 560.0, 272.0), key(28.0, 760.0, 275.0)],
    ));
    script.actors.push(walker(
        "turning",
        "woman-in-red",
        &[key(6.0, 740.0, 310.0), key(11.0, 480.0, 310.0), key(14.0, 480.0, 310.0), key(19.0, 760.0, 310.0)],
    ));
    script.truths.push(truth("line_crossing", "fence", (6.0, 16.0), None));
    script
}

fn sells() -> Script {
    let about = "A seller with fruit and a tricycle stays on the street; buyers come and go.";
    let mut script = scene("street-stall", about, Place::Street, 60.0);
    script.zones.push(zone("no-vending", &[[30, 430], [720, 430], [740, 556], [10, 556]]));
    script.rules.push(rule("street_vending", "no-vending", "stands_s = 15, hold_s = 5"));
    let person = |name, photo, path: &[(f32, f32)], y: f32| {
        Actor::new(name, photo, 128.0, Gait::Walks, path.iter().map(|&(at_s, x)| key(at_s, x, y)).collect())
    };
    script.actors.push(person("seller", "woman-in-red", &[(1.0, 720.0), (6.0, 470.0), (60.0, 470.0)], 490.0));
    script.actors.push(person(
        "buyer",
        "man-in-jeans",
        &[(16.0, -40.0), (23.0, 300.0), (34.0, 300.0), (41.0, -40.0)],
        515.0,
    ));
    script.actors.push(person(
        "second-buyer",
        "man-to-the-right",
        &[(28.0, -40.0), (36.0, 240.0), (46.0, 240.0), (52.0, -40.0)],
        500.0,
    ));
    script.actors.push(Actor::new(
        "tricycle",
        "pink_tricycle",
        74.0,
        Gait::Rolls,
        vec![key(1.5, 790.0, 505.0), key(7.0, 560.0, 505.0), key(99.0, 560.0, 505.0)],
    ));
    let goods = [
        ("bananas", "banana"),
        ("oranges", "orange"),
        ("pineapple", "pineapple"),
        ("lemons", "lemon"),
        ("lettuce", "lettuce"),
        ("tomatoes", "tomato"),
        ("pumpkin", "pumpkin_small"),
    ];
    for (n, (name, photo)) in goods.into_iter().enumerate() {
        let (x, y) = (350.0 + 17.0 * n as f32, 518.0 + 5.0 * (n % 2) as f32);
        let height = if photo == "pineapple" { 40.0 } else { 22.0 };
        let path = vec![key(9.0 + n as f32 * 0.5, x, y), key(99.0, x, y)];
        script.actors.push(Actor::new(name, photo, height, Gait::Rolls, path));
    }
    script.truths.push(truth("street_vending", "no-vending", (12.0, 60.0), None));
    script
}
