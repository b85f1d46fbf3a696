//! What an incident tells beside its subject's class and place, each finding with what it is about.
//!
//! Most findings are what closer looks told of an attribute. What a sensor measured, which signs added up, who brought a
//! thing and from where it fell are findings, too; no look was ever taken at these. On the wire and in what is stored
//! every finding bears one word, under the key `attribute`; within the agent it says what it is about by its type.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::violation::Language;
use crate::{AttributeId, BBox, IdError, SensorId, Timestamp, Unclear, words};

/// What all looks at a subject say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The attribute is there.
    Yes,
    /// The attribute is not there.
    No,
    /// It cannot be told; this never raises an incident.
    CannotTell,
}

/// The crop that shows best what a finding says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BestCrop {
    /// When its frame was taken.
    pub at: Timestamp,
    /// Where it lies, in pixels of that frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// How good it is, 0 to 1.
    pub quality: f32,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// An attribute of the subject, told by closer looks.
    Attribute(AttributeId),
    /// What a sensor measured.
    Sensor(SensorId),
    /// The weak signs that added up.
    Signs,
    /// Who brought the thing, or took it away.
    Brought,
    /// From where the thing fell.
    Fell,
}

impl About {
    /// The words of findings that no look told, which no attribute may be called by.
    pub const RESERVED: [&str; 3] = [SIGNS, BROUGHT, FELL];

    /// The word used in files and topics.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Attribute(id) => id.as_str(),
            Self::Sensor(id) => id.as_str(),
            Self::Signs => SIGNS,
            Self::Brought => BROUGHT,
            Self::Fell => FELL,
        }
    }

    /// What people call it.
    pub fn in_language(&self, language: Language) -> &str {
        words::in_language(self.as_str(), language)
    }
}

const SIGNS: &str = "signs";
const BROUGHT: &str = "brought_by";
const FELL: &str = "fell_from";

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that is known of a subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// What the votes say; yes for what was not voted on.
    pub verdict: Verdict,
    /// Why it cannot be told; none for yes and no.
    pub unclear: Option<Unclear>,
    /// How sure that is, 0 to 1; of a yes or no that cannot be told 0, of a text how sure the text is.
    pub confidence: f32,
    /// How many looks said yes or no, or read a text.
    pub votes: u32,
    /// How many looks there were, those that could not tell among them.
    pub looks: u32,
    /// When the first vote was given.
    pub first_at: Option<Timestamp>,
    /// When the last vote was given.
    pub last_at: Option<Timestamp>,
    /// The text that most looks read, for an attribute that is a text; what is told, where it was not voted on.
    pub text: Option<String>,
    /// The best crop that voted for the verdict, or where what is told was seen.
    pub best: Option<BestCrop>,
    /// Within how many metres of the subject a camera that flies would have to come for it to be told; none where it is told, or
    /// where it is not size that lacks.
    pub fly_within_m: Option<f32>,
}

impl Finding {
    /// What was told once and without a vote, at `at` if that is known.
    pub fn told(about: About, at: Option<Timestamp>, confidence: f32, text: String) -> Self {
        Self {
            about,
            verdict: Verdict::Yes,
            unclear: None,
            confidence,
            votes: 1,
            looks: 1,
            first_at: at,
            last_at: at,
            text: Some(text),
            best: None,
            fly_within_m: None,
        }
    }

    /// Of an attribute nothing is told, and nobody looked: the subject is too small from farther away than so many metres.
    pub fn too_small(attribute: AttributeId, fly_within_m: f32) -> Self {
        Self {
            about: About::Attribute(attribute),
            verdict: Verdict::CannotTell,
            unclear: Some(Unclear::TooSmall),
            confidence: 0.0,
            votes: 0,
            looks: 0,
            first_at: None,
            last_at: None,
            text: None,
            best: None,
            fly_within_m: Some(fly_within_m),
        }
    }

    /// The attribute and the look that showed it best; none of what no look told, for there is no picture of a look.
    pub fn best_look(&self) -> Option<(&AttributeId, &BestCrop)> {
        match &self.about {
            About::Attribute(attribute) => Some((attribute, self.best.as_ref()?)),
            About::Sensor(_) | About::Signs | About::Brought | About::Fell => None,
        }
    }
}

/// A finding as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    attribute: String,
    verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unclear: Option<Unclear>,
    confidence: f32,
    votes: u32,
    looks: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<BestCrop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fly_within_m: Option<f32>,
}

impl From<Finding> for Stored {
    fn from(finding: Finding) -> Self {
        let Finding { about, verdict, unclear, confidence, votes, looks, first_at, last_at, text, best, fly_within_m } =
            finding;
        let attribute = about.as_str().to_owned();
        Self { attribute, verdict, unclear, confidence, votes, looks, first_at, last_at, text, best, fly_within_m }
    }
}

impl Stored {
    /// What the finding is about. The word alone does not tell a sensor from an attribute, but only a look that read a
    /// text has both the text and a crop, and of signs alone no time is known.
    fn about(&self) -> Result<About, IdError> {
        let word = self.attribute.as_str();
        Ok(match (&self.text, &self.best) {
            (Some(_), None) if word == SIGNS && self.first_at.is_none() => About::Signs,
            (Some(_), None) => About::Sensor(SensorId::new(word)?),
            (Some(_), Some(_)) if word == BROUGHT => About::Brought,
            (Some(_), Some(_)) if word == FELL => About::Fell,
            _ => About::Attribute(AttributeId::new(word)?),
        })
    }
}

impl TryFrom<Stored> for Finding {
    type Error = IdError;

    fn try_from(stored: Stored) -> Result<Self, IdError> {
        let about = stored.about()?;
        let Stored { verdict, unclear, confidence, votes, looks, first_at, last_at, text, best, fly_within_m, .. } =
            stored;
        Ok(Self { about, verdict, unclear, confidence, votes, looks, first_at, last_at, text, best, fly_within_m })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Findings as agents stored them that knew attributes alone, each with what it is about.
    fn stored() -> [(About, &'static str); 6] {
        let attribute = |name| About::Attribute(AttributeId::new(name).unwrap());
        [
            (
                attribute("dust_mask"),
                r#"{"attribute":"dust_mask","verdict":"cannot_tell","unclear":"turned_away","confidence":0.0,"votes":0,"looks":3}"#,
            ),
            (
                attribute("plate"),
                r#"{"attribute":"plate","verdict":"yes","confidence":0.9,"votes":4,"looks":5,"first_at":1000000,"last_at":2500000,"text":"苏A12340","best":{"at":1500000,"box":[1.0,2.0,3.0,4.0],"quality":0.5}}"#,
            ),
            (
                About::Sensor(SensorId::new("fume").unwrap()),
                r#"{"attribute":"fume","verdict":"yes","confidence":1.0,"votes":1,"looks":1,"first_at":1000000,"last_at":1000000,"text":"3.1 mg/m³"}"#,
            ),
            (
                About::Signs,
                r#"{"attribute":"signs","verdict":"yes","confidence":0.5,"votes":1,"looks":1,"text":"goods, stays"}"#,
            ),
            (
                About::Brought,
                r#"{"attribute":"brought_by","verdict":"yes","confidence":1.0,"votes":1,"looks":1,"first_at":1000000,"last_at":1000000,"text":"truck 1","best":{"at":1000000,"box":[1.0,2.0,3.0,4.0],"quality":1.0}}"#,
            ),
            (
                About::Fell,
                r#"{"attribute":"fell_from","verdict":"yes","confidence":1.0,"votes":1,"looks":1,"first_at":1000000,"last_at":1000000,"text":"floor 3","best":{"at":1000000,"box":[1.0,2.0,3.0,4.0],"quality":1.0}}"#,
            ),
        ]
    }

    #[test]
    fn what_was_stored_before_is_read_for_what_it_is_and_written_as_it_was() {
        for (about, text) in stored() {
            let finding: Finding = serde_json::from_str(text).unwrap();
            assert_eq!(finding.about, about);
            assert_eq!(serde_json::to_string(&finding).unwrap(), text);
        }
    }

    #[test]
    fn only_what_a_look_told_has_a_picture_of_a_look() {
        let with_look: Vec<String> = stored()
            .iter()
            .map(|(_, text)| serde_json::from_str::<Finding>(text).unwrap())
            .filter(|finding| finding.best_look().is_some())
            .map(|finding| finding.about.to_string())
            .collect();
        assert_eq!(with_look, ["plate"]);
    }

    #[test]
    fn a_sensor_may_be_called_as_it_likes() {
        for word in About::RESERVED {
            let about = About::Sensor(SensorId::new(word).unwrap());
            let told = Finding::told(about, Some(Timestamp::ZERO), 1.0, "3".to_owned());
            let read: Finding = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
            assert_eq!(read, told);
        }
    }
}
