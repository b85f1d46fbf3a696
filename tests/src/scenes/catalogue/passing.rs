//! What stands behind or around: cars that pass over a line before parked ones, a car that parks before a lorry, a bag
//! beside which its owner stays.

use fastrand::Rng;

use super::{Actor, Gait, Place, Script, key, rule, scene, truth, walker, zone};

/// The column of the line across the lane.
const LINE_X: f32 = 372.0;

pub(super) fn all(rng: &mut Rng) -> Vec<Script> {
    vec![
        pass("cars-before-parked", (3.6, 5.4), rng),
        pass("fast-cars-before-parked", (1.9, 3.2), rng),
        parks_before_lorry(rng),
        stays_by_bag(),
    ]
}

/// Eight cars, each of which takes so many seconds from one edge of the picture to the other.
fn pass(name: &'static str, (least_s, most_s): (f32, f32), rng: &mut Rng) -> Script {
    let about = "Cars cross a line to and fro; behind them others are parked, of which they hide the larger part.";
    let mut script = scene(name, about, Place::Street, 62.0);
    script.zones.push(zone("line", &[[372, 400], [372, 545]]));
    script.rules.push(rule("line_crossing", "line", "observe.for_s = 4"));
    let parked = [("sedan", 46.0, 120.0), ("beetle", 52.0, 265.0), ("sportscar2", 40.0, 410.0), ("sedan", 46.0, 570.0)];
    for (name, (photo, height, x)) in ["first", "second", "third", "fourth"].into_iter().zip(parked) {
        let x = x + 16.0 * (rng.f32() - 0.5);
        script.actors.push(Actor::new(name, photo, height, Gait::Rolls, vec![key(0.0, x, 456.0), key(99.0, x, 456.0)]));
    }
    let cars = ["sedan", "truck", "beetle", "sportscar2"];
    for (n, name) in ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().enumerate() {
        let photo = cars[rng.usize(..cars.len())];
        let height = if photo == "sportscar2" { 48.0 } else { 60.0 } * (0.95 + 0.15 * rng.f32());
        let (from_s, takes_s) = (4.0 + 7.0 * n as f32 + rng.f32(), least_s + (most_s - least_s) * rng.f32());
        let y = 482.0 + 14.0 * rng.f32();
        let (from_x, to_x) = if rng.bool() { (-160.0, 900.0) } else { (900.0, -160.0) };
        let path = vec![key(from_s, from_x, y), key(from_s + takes_s, to_x, y)];
        let car = Actor::new(name, photo, height, Gait::Rolls, path);
        let is_over = |at_s: f32| car.foot(at_s).is_some_and(|(x, _)| (x > LINE_X) == (to_x > LINE_X));
        let over_s =
            (0..1_000).map(|n| from_s + n as f32 * 0.05).find(|at_s| *at_s > from_s + takes_s || is_over(*at_s));
        let over_s = over_s.unwrap_or(from_s);
        script.actors.push(car);
        script.truths.push(truth("line_crossing", "line", (over_s - 0.2, over_s + 1.5), Some(name)));
    }
    script
}

fn parks_before_lorry(rng: &mut Rng) -> Script {
    let about = "A car parks before a lorry that stands there, so that one box lies in another; one of them may not.";
    let mut script = scene("car-parks-before-lorry", about, Place::Street, 48.0);
    script.zones.push(zone("kerb", &[[30, 484], [690, 484], [740, 556], [10, 556]]));
    script.rules.push(rule("illegal_parking", "kerb", "stationary_s = 15, observe.for_s = 10"));
    let (shift, x) = (rng.f32() * 2.0, 300.0 + 40.0 * rng.f32());
    let lorry = vec![key(0.0, x + 15.0, 474.0), key(99.0, x + 15.0, 474.0)];
    script.actors.push(Actor::new("lorry", "garbagetruck", 110.0, Gait::Rolls, lorry));
    let (from, to) = (7.0 + shift, 38.0 + shift);
    let path = [(from - 5.0, -160.0), (from, x), (to, x), (to + 5.0, 950.0)].map(|(at_s, x)| key(at_s, x, 518.0));
    script.actors.push(Actor::new("parked", "sedan", 70.0, Gait::Rolls, path.to_vec()));
    script.truths.push(truth("illegal_parking", "kerb", (from, to), Some("parked")));
    script
}

fn stays_by_bag() -> Script {
    let about =
        "A person puts a tool box down, stays beside it for twenty seconds while others pass, and leaves without it.";
    let mut script = scene("bag-left-late", about, Place::Campus, 72.0);
    script.zones.push(zone("square", &[[200, 200], [700, 200], [700, 335], [200, 335]]));
    script.rules.push(rule("abandoned_object", "square", "alone_s = 20"));
    let path = [key(2.0, 80.0, 275.0), key(9.0, 340.0, 280.0), key(30.0, 340.0, 280.0), key(38.0, 780.0, 285.0)];
    script.actors.push(walker("owner", "man-to-the-right", &path));
    script.actors.push(walker("passer", "woman-in-red", &[key(14.0, 760.0, 300.0), key(26.0, -20.0, 304.0)]));
    script.actors.push(walker("other", "man-in-jeans", &[key(42.0, -20.0, 255.0), key(54.0, 780.0, 258.0)]));
    let bag = vec![key(10.0, 366.0, 286.0), key(99.0, 366.0, 286.0)];
    script.actors.push(Actor::new("bag", "toolbox", 19.0, Gait::Rolls, bag));
    script.truths.push(truth("abandoned_object", "square", (30.0, 72.0), Some("bag")));
    script
}
