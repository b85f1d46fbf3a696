//! The scenes.
//!
//! Sizes follow the places: on the campus a person is as high as the people of the demo clip are in that row, on the
//! street heads are near the horizon, and things fall from the facade with the acceleration that its floors of three
//! metres make of g.

use fastrand::Rng;

use super::photos::Place;
use super::script::{Actor, Gait, Key, Rule, Script, Truth, Zone, key};
use super::weather::{Light, Weather};

mod people;
mod things;
mod vehicles;
mod weathers;

/// Every scene. The seed chooses who plays and shifts times and places a little; the truth follows.
pub fn all(seed: u64) -> Vec<Script> {
    let mut rng = Rng::with_seed(seed);
    let mut scripts = vehicles::all(&mut rng);
    scripts.extend(people::all(&mut rng));
    scripts.extend(things::all(&mut rng));
    scripts.extend(weathers::all());
    scripts
}

/// A scene at ten frames a second in calm weather, in which nothing happens yet.
fn scene(name: &'static str, about: &'static str, place: Place, seconds: f32) -> Script {
    Script {
        name,
        about,
        place,
        fps: 10,
        seconds,
        actors: Vec::new(),
        weather: Weather::default(),
        zones: Vec::new(),
        rules: Vec::new(),
        truths: Vec::new(),
    }
}

fn zone(id: &'static str, points: &[[u32; 2]]) -> Zone {
    Zone { id, points: points.to_vec() }
}

const fn rule(violation: &'static str, zone: &'static str, with: &'static str) -> Rule {
    Rule { violation, zone, with }
}

fn truth(
    violation: &'static str,
    zone: &'static str,
    (from_s, to_s): (f32, f32),
    actor: Option<&'static str>,
) -> Truth {
    Truth { violation, zone, from_s, to_s, actor }
}

/// Height in pixels of a person whose feet are in this row of the campus.
fn campus_height(y: f32) -> f32 {
    70.0 + (y - 214.0) * 0.235
}

/// Someone on foot on the campus.
fn walker(name: &'static str, photo: &'static str, path: &[Key]) -> Actor {
    let height = campus_height(path.iter().map(|key| key.y).sum::<f32>() / path.len().max(1) as f32);
    Actor::new(name, photo, height, Gait::Walks, path.to_vec())
}

/// The zone on the campus through which the road runs.
fn junction() -> Zone {
    zone("junction", &[[260, 200], [620, 200], [620, 330], [260, 330]])
}

const PEOPLE: [&str; 5] = ["man-in-black", "woman-in-red", "man-in-dark-coat", "man-to-the-right", "man-in-jeans"];
