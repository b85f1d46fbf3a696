//! The scenes.
//!
//! Sizes follow the places: on the campus a person is as high as the people of the demo clip are in that row, on the
//! street heads are near the horizon, and things fall from the facade with the acceleration that its floors of three
//! metres make of g.

use fastrand::Rng;

use super::encode::QUANTIZER;
use super::photos::Place;
use super::script::{Actor, Gait, Key, Rule, Script, Truth, Zone, key};
use super::weather::{Light, Weather};

pub use conditions::{Part, parts};

mod conditions;
mod passing;
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
    scripts.extend(passing::all(&mut rng));
    scripts
}

/// A scene at ten frames a second in calm weather, in which nothing happens yet.
fn scene(name: &'static str, about: &'static str, place: Place, seconds: f32) -> Script {
    Script {
        name: name.to_owned(),
        about: about.to_owned(),
        place,
        fps: 10,
        seconds,
        actors: Vec::new(),
        weather: Weather::default(),
        quantizer: QUANTIZER,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn scenes_hold_together() {
        for seed in [1, 2, 99] {
            let scripts = all(seed);
            let names: BTreeSet<&str> = scripts.iter().map(|script| script.name.as_str()).collect();
            assert_eq!(names.len(), scripts.len());
            for script in &scripts {
                let has_zone = |id: &str| script.zones.iter().any(|zone| zone.id == id);
                for truth in &script.truths {
                    assert!(truth.from_s < truth.to_s && truth.to_s <= script.seconds, "{}: {truth:?}", script.name);
                    let is_looked_for =
                        script.rules.iter().any(|rule| (rule.violation, rule.zone) == (truth.violation, truth.zone));
                    assert!(is_looked_for && has_zone(truth.zone), "{}: {truth:?}", script.name);
                    let is_there = truth.actor.is_none_or(|name| {
                        let actor = script.actors.iter().find(|actor| actor.name == name);
                        actor.is_some_and(|actor| actor.foot(truth.from_s).is_some())
                    });
                    assert!(is_there, "{}: {truth:?}", script.name);
                }
                for actor in &script.actors {
                    let is_forward = actor.path.windows(2).all(|pair| pair[0].at_s < pair[1].at_s);
                    assert!(is_forward && actor.path.len() > 1, "{}: {}", script.name, actor.name);
                }
            }
        }
    }

    #[test]
    fn what_falls_gains_speed() {
        let path = vec![key(0.0, 10.0, 0.0), key(2.0, 10.0, 400.0), key(9.0, 10.0, 400.0)];
        let actor = Actor::new("kettle", "kettle", 10.0, Gait::Falls, path);
        assert_eq!(actor.foot(1.0), Some((10.0, 100.0)));
        assert_eq!(actor.foot(5.0), Some((10.0, 400.0)));
        assert_eq!(actor.foot(9.5), None);
    }

    #[test]
    fn who_turns_round_is_mirrored() {
        let path = [key(0.0, 0.0, 300.0), key(2.0, 100.0, 300.0), key(4.0, 100.0, 300.0), key(6.0, 0.0, 300.0)];
        let actor = walker("someone", "woman-in-red", &path);
        let mirrored: Vec<bool> = [1.0, 3.0, 5.0].map(|at_s| actor.is_mirrored(at_s)).to_vec();
        assert_eq!(mirrored, [true, true, false]);
    }
}
