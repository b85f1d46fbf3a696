//! Settings of the tracker. The defaults serve street cameras at 2 to 10 analysed frames a second.

use std::fmt;

use forewarn_domain::Class;
use serde::{Deserialize, Serialize};

use crate::ClassGroups;

/// Settings of a [`Tracker`](super::Tracker).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transform = crate::schema::not_negative))]
#[serde(deny_unknown_fields, default)]
pub struct TrackerConfig {
    /// Detections from this score on are matched first and may re-find lost tracks.
    pub high_score: f32,
    /// Detections below this score are ignored; those between serve to carry on a track that is already known.
    pub low_score: f32,
    /// Detections from this score on may begin a track.
    pub new_score: f32,
    /// Seconds for which a track that is no longer matched is kept and looked for.
    pub lost_after_s: f64,
    /// Seconds within which a new track needs its second match, else it was a false detection.
    pub tentative_for_s: f64,
    /// Longest step of time, in seconds, that counts as watched. What a longer gap between two frames has more is an
    /// outage of the stream, during which no track grows older.
    pub max_step_s: f64,
    /// Whether what subjects look like weighs in, where the caller tells it; it costs a look at the colours of each box.
    pub appearance: bool,
    /// Lists of classes that the detector confuses; a track's class is voted among them.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<Vec<String>>>"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_groups: Option<Vec<Vec<Class>>>,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            high_score: 0.4,
            low_score: 0.1,
            new_score: 0.45,
            lost_after_s: 3.0,
            tentative_for_s: 0.6,
            max_step_s: 2.0,
            appearance: false,
            class_groups: None,
        }
    }
}

/// A setting of the tracker is out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("tracker setting {name} = {value} is out of range: {range}")]
pub struct TrackerConfigError {
    /// The setting.
    pub name: &'static str,
    /// Its value, as it is written.
    pub value: String,
    /// What is allowed.
    pub range: &'static str,
}

impl TrackerConfig {
    /// Checks that each number lies in its range and that the scores are in order.
    pub fn check(&self) -> Result<(), TrackerConfigError> {
        let fail =
            |name, value: &dyn fmt::Display, range| Err(TrackerConfigError { name, value: value.to_string(), range });
        for (name, score) in
            [("high_score", self.high_score), ("low_score", self.low_score), ("new_score", self.new_score)]
        {
            if !(0.0..=1.0).contains(&score) {
                return fail(name, &score, "a score lies between 0 and 1");
            }
        }
        if self.low_score > self.high_score {
            return fail("low_score", &self.low_score, "it must not be above high_score");
        }
        if self.new_score < self.high_score {
            return fail("new_score", &self.new_score, "it must not be below high_score");
        }
        for (name, span) in [
            ("lost_after_s", self.lost_after_s),
            ("tentative_for_s", self.tentative_for_s),
            ("max_step_s", self.max_step_s),
        ] {
            if !(span > 0.0 && span <= 3600.0) {
                return fail(name, &span, "write seconds, more than 0 and at most 3600");
            }
        }
        Ok(())
    }

    /// The class groups, the usual ones if none are set.
    pub fn groups(&self) -> ClassGroups {
        self.class_groups.clone().map_or_else(ClassGroups::default, ClassGroups::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_and_nonsense_is_named() {
        assert_eq!(TrackerConfig::default().check(), Ok(()));
        let check = |text: &str| toml::from_str::<TrackerConfig>(text).unwrap().check().unwrap_err().to_string();
        assert_eq!(
            check("high_score = 1.5\nnew_score = 1.5"),
            "tracker setting high_score = 1.5 is out of range: a score lies between 0 and 1"
        );
        assert!(check("low_score = 0.45").contains("above high_score"));
        assert!(check("new_score = 0.2").contains("below high_score"));
        assert!(check("high_score = 0.5").contains("new_score = 0.45 is out of range"));
        assert!(check("lost_after_s = nan").contains("lost_after_s"));
        assert!(toml::from_str::<TrackerConfig>("hi_score = 0.5").is_err());
    }
}
