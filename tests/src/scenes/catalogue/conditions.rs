//! What scenes are seen through, and the two parts of all of them.
//!
//! Each scene is there as it is and under two conditions, which take turns; the same happens, and the truth is the same.
//! What is changed is chosen by one part and measured on the other, in which other vehicles and people play.

use super::super::script::Script;
use super::super::weather::Light;
use super::all;

/// Added to the seed of the part that nothing is chosen by.
const TEST: u64 = 1_000_003;

/// A part of the scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What changes are chosen by.
    Develop,
    /// What they are measured on.
    Test,
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Develop, Self::Test];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Develop => "develop",
            Self::Test => "test",
        }
    }
}

/// What a scene is seen through.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Night,
    Rain,
    Snow,
    Shake,
    Compressed,
}

impl Condition {
    const ALL: [Self; 5] = [Self::Night, Self::Compressed, Self::Rain, Self::Shake, Self::Snow];

    /// Its name, and in words.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Night => ("night", "At night."),
            Self::Rain => ("rain", "In the rain."),
            Self::Snow => ("snow", "In the snow."),
            Self::Shake => ("shake", "The mast shakes."),
            Self::Compressed => ("compressed", "Coded so coarsely that edges smear."),
        }
    }

    fn act_on(self, script: &mut Script) {
        let weather = &mut script.weather;
        match self {
            Self::Night => {
                weather.light.push(Light::Even(0.4));
                weather.noise += 4.0;
            }
            Self::Rain => {
                weather.light.push(Light::Even(0.85));
                weather.rain += 150;
            }
            Self::Snow => weather.snow += 220,
            Self::Shake => weather.shake_px += 3.0,
            Self::Compressed => script.quantizer = 38,
        }
        let (name, words) = self.words();
        script.name = format!("{}-{name}", script.name);
        script.about = format!("{} {words}", script.about);
    }
}

/// The scenes of a part.
pub fn parts(part: Part, seed: u64) -> Vec<Script> {
    let seed = if part == Part::Test { seed.wrapping_add(TEST) } else { seed };
    let mut scripts = Vec::new();
    for (n, script) in all(seed).into_iter().enumerate() {
        let under = |condition: Condition| {
            let mut script = script.clone();
            condition.act_on(&mut script);
            script
        };
        let [first, second] = [2 * n, 2 * n + 1].map(|k| under(Condition::ALL[k % Condition::ALL.len()]));
        scripts.extend([script, first, second]);
    }
    // Three of each scene, dealt out in turn: either part has each scene at least once.
    let mut is_mine = if part == Part::Develop { [true, false] } else { [false, true] }.into_iter().cycle();
    scripts.retain(|_| is_mine.next().unwrap_or_default());
    scripts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn both_parts_have_each_scene_and_no_two_are_called_alike() {
        let [develop, test] = Part::ALL.map(|part| parts(part, 1));
        assert!(develop.len() + test.len() >= 60);
        let names: BTreeSet<&str> = develop.iter().chain(&test).map(|script| script.name.as_str()).collect();
        assert_eq!(names.len(), develop.len() + test.len());
        for scene in all(1) {
            let has = |part: &[Script]| part.iter().any(|script| script.name.starts_with(&scene.name));
            assert!(has(&develop) && has(&test), "{}", scene.name);
        }
    }

    #[test]
    fn a_condition_changes_what_is_seen_and_not_what_happens() {
        let night = parts(Part::Test, 1).into_iter().find(|script| script.name == "car-parks-night").unwrap();
        let day = all(1 + TEST).into_iter().find(|script| script.name == "car-parks").unwrap();
        assert_eq!(format!("{:?}{:?}", night.truths, night.actors), format!("{:?}{:?}", day.truths, day.actors));
        assert!(night.weather.noise > day.weather.noise);
    }
}
