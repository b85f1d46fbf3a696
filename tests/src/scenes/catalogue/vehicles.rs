//! Vehicles that park, stop, queue and dump.

use fastrand::Rng;

use super::{Actor, Gait, Light, Place, Script, Weather, key, rule, scene, truth, zone};

const CARS: [&str; 3] = ["sedan", "beetle", "truck"];

pub(super) fn all(rng: &mut Rng) -> Vec<Script> {
    let shift = rng.f32() * 2.0;
    let car = CARS[rng.usize(..CARS.len())];
    vec![parks(car, shift), parks_at_night(shift), stops_shortly(), jam(), goes_the_wrong_way(), dumps()]
}

fn kerb(script: &mut Script) {
    script.zones.push(zone("kerb", &[[30, 440], [640, 440], [740, 556], [10, 556]]));
    script.rules.push(rule("illegal_parking", "kerb", "stationary_s = 15, observe.for_s = 10"));
}

/// A car as it drives along the kerb, 75 pixels high.
fn car(name: &'static str, photo: &'static str, path: &[(f32, f32)]) -> Actor {
    let height = if photo == "beetle" { 86.0 } else { 75.0 };
    Actor::new(name, photo, height, Gait::Rolls, path.iter().map(|&(at_s, x)| key(at_s, x, 520.0)).collect())
}

fn parks(photo: &'static str, shift: f32) -> Script {
    let mut script =
        scene("car-parks", "A car parks at the kerb for half a minute; another passes.", Place::Street, 52.0);
    kerb(&mut script);
    let (from, to) = (7.0 + shift, 44.0 + shift);
    script.actors.push(car("parked", photo, &[(from - 5.0, -160.0), (from, 290.0), (to, 290.0), (to + 5.0, 950.0)]));
    let pass = [key(20.0, 900.0, 462.0), key(26.0, -150.0, 462.0)];
    script.actors.push(Actor::new("passing", "sportscar2", 48.0, Gait::Rolls, pass.to_vec()));
    script.truths.push(truth("illegal_parking", "kerb", (from, to), Some("parked")));
    script
}

fn parks_at_night(shift: f32) -> Script {
    let about = "A car parks at night in the rain; headlights of others sweep over it.";
    let mut script = scene("car-parks-at-night", about, Place::Street, 50.0);
    kerb(&mut script);
    let from = 6.0 + shift;
    script.actors.push(car("parked", "sedan", &[(from - 5.0, -160.0), (from, 330.0), (60.0, 330.0)]));
    script.truths.push(truth("illegal_parking", "kerb", (from, 50.0), Some("parked")));
    let sweep = |from: f32| Light::Headlights(from, from + 4.0, 480.0);
    let light = vec![Light::Even(0.42), sweep(14.0), sweep(24.0), sweep(30.0), sweep(38.0)];
    script.weather = Weather { noise: 5.0, light, rain: 160, ..Weather::default() };
    script
}

fn stops_shortly() -> Script {
    let about = "A pick-up waits eight seconds at a light and drives on; nothing is wrong.";
    let mut script = scene("car-stops-shortly", about, Place::Street, 30.0);
    kerb(&mut script);
    script.actors.push(car("waiting", "truck", &[(3.0, -160.0), (8.0, 330.0), (16.0, 330.0), (21.0, 950.0)]));
    script
}

fn jam() -> Script {
    let about = "Cars creep along in a queue and stop where the one before them stopped; nothing is wrong.";
    let mut script = scene("cars-in-a-jam", about, Place::Street, 50.0);
    kerb(&mut script);
    for (n, (name, photo)) in
        [("first", "sedan"), ("second", "beetle"), ("third", "truck"), ("fourth", "sedan")].into_iter().enumerate()
    {
        // All move up by a car's length every eight seconds, which takes them three.
        let x = |turn: usize| -160.0 + 290.0 * (turn as f32 - n as f32);
        let mut path = Vec::new();
        for turn in 0..8 {
            let at_s = turn as f32 * 8.0;
            path.extend([(at_s, x(turn)), (at_s + 5.0, x(turn))]);
        }
        path.retain(|&(_, x)| (-450.0..=1200.0).contains(&x));
        script.actors.push(car(name, photo, &path));
    }
    script
}

fn goes_the_wrong_way() -> Script {
    let about = "One car goes to the right, as it should, and one to the left.";
    let mut script = scene("wrong-way", about, Place::Street, 26.0);
    script.zones.push(zone("lane", &[[30, 440], [640, 440], [740, 556], [10, 556]]));
    script.rules.push(rule("wrong_way", "lane", "allowed_deg = 90"));
    script.actors.push(car("right", "sedan", &[(2.0, -160.0), (8.0, 950.0)]));
    script.actors.push(car("wrong", "beetle", &[(12.0, 950.0), (18.0, -160.0)]));
    script.truths.push(truth("wrong_way", "lane", (13.2, 17.0), None));
    script
}

fn dumps() -> Script {
    let about = "A lorry stops, leaves a heap of rubbish behind and drives off.";
    let mut script = scene("lorry-dumps", about, Place::Street, 60.0);
    script.zones.push(zone("verge", &[[30, 430], [720, 430], [740, 556], [10, 556]]));
    script.rules.push(rule("dumping", "verge", "stays_s = 20"));
    let lorry = [key(2.0, 950.0, 515.0), key(7.0, 300.0, 515.0), key(20.0, 300.0, 515.0), key(26.0, -250.0, 515.0)];
    script.actors.push(Actor::new("lorry", "garbagetruck", 120.0, Gait::Rolls, lorry.to_vec()));
    let heap = [
        ("toilet", "toilet", 52.0, 470.0, 508.0),
        ("stones", "inukshuk-photo", 58.0, 505.0, 512.0),
        ("box", "box", 34.0, 445.0, 516.0),
        ("can", "garbagecan", 46.0, 530.0, 518.0),
    ];
    for (n, (name, photo, height, x, y)) in heap.into_iter().enumerate() {
        let from = 12.0 + n as f32 * 0.8;
        let path = vec![key(from, x, y - 40.0), key(from + 0.4, x, y), key(99.0, x, y)];
        script.actors.push(Actor::new(name, photo, height, Gait::Falls, path));
    }
    script.truths.push(truth("dumping", "verge", (14.8, 60.0), Some("stones")));
    script
}
