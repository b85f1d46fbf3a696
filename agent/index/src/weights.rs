//! What counts how much, and which score has which colour: the data of the index, as a TOML file.

use std::collections::BTreeMap;

use forewarn_domain::ViolationId;
use serde::{Deserialize, Serialize};

/// The whole file. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Weight of few incidents.
    pub calm: f64,
    /// Weight of compliance.
    pub compliance: f64,
    /// Weight of promptness.
    pub promptness: f64,
    /// Weighted incidents for each camera and day at which calm is 50.
    pub half_load: f64,
    /// How much an incident counts for calm, by violation; 1 for those that are not named.
    pub violations: BTreeMap<ViolationId, f64>,
    /// When an incident counts as settled soon.
    pub target: Target,
    /// The least score of each colour.
    pub grades: Grades,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            calm: 0.5,
            compliance: 0.3,
            promptness: 0.2,
            half_load: 4.0,
            violations: BTreeMap::new(),
            target: Target::default(),
            grades: Grades::default(),
        }
    }
}

/// Times within which an incident should be settled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Target {
    /// Seconds from confirmation to settlement.
    pub close_s: f64,
}

impl Default for Target {
    fn default() -> Self {
        Self { close_s: 600.0 }
    }
}

/// The least score of each colour; what is below `yellow` is red.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grades {
    /// From here on green.
    pub green: f64,
    /// From here on blue.
    pub blue: f64,
    /// From here on yellow.
    pub yellow: f64,
}

impl Default for Grades {
    fn default() -> Self {
        Self { green: 95.0, blue: 90.0, yellow: 80.0 }
    }
}

/// The colour of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Orderly.
    Green,
    /// Good.
    Blue,
    /// Needs attention.
    Yellow,
    /// Needs action.
    Red,
    /// Nobody looked.
    Grey,
}

impl Colour {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Grey => "grey",
        }
    }

    /// The colour as drawn, `#rrggbb`; told apart also by people who confuse red and green, by their lightness.
    pub fn hex(self) -> &'static str {
        match self {
            Self::Green => "#1f9d55",
            Self::Blue => "#3b82c4",
            Self::Yellow => "#f2c94c",
            Self::Red => "#b3261e",
            Self::Grey => "#c9ced6",
        }
    }
}

impl Grades {
    /// The colour of a score. A score is judged as it is shown, to a whole number, downwards.
    pub fn colour(&self, score: Option<f64>) -> Colour {
        let Some(score) = score.map(f64::floor) else { return Colour::Grey };
        if score >= self.green {
            Colour::Green
        } else if score >= self.blue {
            Colour::Blue
        } else if score >= self.yellow {
            Colour::Yellow
        } else {
            Colour::Red
        }
    }
}

/// A number in the weights that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{key} = {value}: {mend}")]
pub struct WeightsError {
    /// The key, with its table.
    pub key: String,
    /// What stands there.
    pub value: f64,
    /// What would be right.
    pub mend: &'static str,
}

impl Weights {
    /// Checks what the types do not.
    pub fn validate(&self) -> Result<(), WeightsError> {
        let fail = |key: String, value, mend| Err(WeightsError { key, value, mend });
        let parts = [("calm", self.calm), ("compliance", self.compliance), ("promptness", self.promptness)];
        for (key, value) in parts {
            if !(0.0..=1e6).contains(&value) {
                return fail(key.to_owned(), value, "write a weight from 0 up");
            }
        }
        if parts.iter().all(|(_, value)| *value == 0.0) {
            return fail("calm".to_owned(), 0.0, "give at least one of calm, compliance and promptness a weight");
        }
        if !(1e-6..=1e9).contains(&self.half_load) {
            return fail("half_load".to_owned(), self.half_load, "write incidents for each camera and day, above 0");
        }
        if !(1.0..=1e9).contains(&self.target.close_s) {
            return fail("target.close_s".to_owned(), self.target.close_s, "write seconds, 1 or more");
        }
        for (violation, &value) in &self.violations {
            if !(0.0..=1e6).contains(&value) {
                return fail(format!("violations.{violation}"), value, "write a weight from 0 up");
            }
        }
        let Grades { green, blue, yellow } = self.grades;
        if !(0.0 <= yellow && yellow < blue && blue < green && green <= 100.0) {
            return fail("grades.yellow".to_owned(), yellow, "write limits that rise: yellow < blue < green, 0 to 100");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_at_the_limits_and_a_fraction_below_is_the_lower_one() {
        let grades = Grades::default();
        let colours = [100.0, 95.0, 94.99, 90.0, 89.9, 80.0, 79.99, 0.0].map(|s| grades.colour(Some(s)).as_str());
        assert_eq!(colours, ["green", "green", "blue", "blue", "yellow", "yellow", "red", "red"]);
        assert_eq!(grades.colour(None), Colour::Grey);
    }

    #[test]
    fn wrong_weights_are_named_with_their_mend() {
        let check = |text: &str, key: &str| {
            let weights: Weights = toml::from_str(text).unwrap();
            let error = weights.validate().unwrap_err();
            assert_eq!(error.key, key, "{error}");
        };
        check("calm = -1", "calm");
        check("calm = 0\ncompliance = 0\npromptness = 0", "calm");
        check("half_load = 0", "half_load");
        check("[violations]\nloitering = nan", "violations.loitering");
        check("[grades]\nblue = 99", "grades.yellow");
        assert!(toml::from_str::<Weights>("kalm = 1").is_err());
        Weights::default().validate().unwrap();
    }
}
