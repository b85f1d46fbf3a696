//! What was noted of a flight, a line each: where the camera was and which ground it saw, and whom.
//!
//! Notes are kept in pieces of half a minute, each a file that is written as a whole and anew until the next begins. Whatever
//! is cut short, a power supply or a disk, at most the latest seconds are lost.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use forewarn_analytics::Appearance;
use forewarn_domain::{Class, Finding, Fix, StreamId, Verdict, WallTime};
use forewarn_ground::Position;
use serde::{Deserialize, Serialize};

use crate::MissionError;

/// A line of the notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A camera saw this ground.
    Shot(Shot),
    /// Nothing told where a camera was.
    Blind(Blind),
    /// Somebody was followed, as far as it is known until then: a later line of the same key counts instead.
    Person(Box<Person>),
}

/// A camera over the ground.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shot {
    /// When.
    pub at: WallTime,
    /// Which.
    pub camera: StreamId,
    /// Where it was.
    pub lat_deg: f64,
    /// Where it was.
    pub lon_deg: f64,
    /// Its height, in the reckoning of the ground's.
    pub height_m: f64,
    /// The height of the ground.
    pub ground_m: f64,
    /// The focal length in pixels, zoomed as it was.
    pub focal_px: f64,
    /// The ground that it saw, as `[longitude, latitude]`; none where it saw none.
    pub ring: Option<Vec<[f64; 2]>>,
}

impl Shot {
    /// Where the camera was.
    pub fn position(&self) -> Position {
        Position { lat_deg: self.lat_deg, lon_deg: self.lon_deg, height_m: self.height_m }
    }
}

/// A camera of which telemetry tells nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blind {
    /// When.
    pub at: WallTime,
    /// Which.
    pub camera: StreamId,
}

/// What closer looks told of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Whether it is worn.
    pub verdict: Verdict,
    /// How sure that is.
    pub confidence: f32,
}

impl Told {
    /// What is believed when both were told of one person: what was told rather than what could not be, and of two answers
    /// none where they differ.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.verdict, other.verdict) {
            (Verdict::CannotTell, _) => other,
            (_, Verdict::CannotTell) => self,
            (one, two) if one == two => {
                if self.confidence >= other.confidence {
                    self
                } else {
                    other
                }
            }
            _ => Self { verdict: Verdict::CannotTell, confidence: self.confidence.min(other.confidence) },
        }
    }
}

/// Somebody who was followed without a break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Who: the run of the agent, the camera and the number of the track.
    pub key: String,
    /// The camera.
    pub camera: StreamId,
    /// What it is.
    pub class: Class,
    /// When it was seen first.
    pub first: WallTime,
    /// When it was seen last.
    pub last: WallTime,
    /// How often it was noted.
    pub times: u32,
    /// Where it was when it was seen first.
    pub from: Option<Fix>,
    /// Where it was when it was seen last.
    pub to: Option<Fix>,
    /// The height of its tallest box, in pixels.
    pub tallest_px: f32,
    /// What it looks like: each number in 255 parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub look: Vec<u8>,
    /// What it wears, by attribute.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, Told>,
    /// Within how many metres of it the camera would have had to come to tell, by attribute, where it was too small for that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fly_within_m: BTreeMap<String, f32>,
}

impl Person {
    /// What it looks like.
    pub fn appearance(&self) -> Option<Appearance> {
        Appearance::new(self.look.iter().map(|part| f32::from(*part)).collect())
    }

    /// Takes in what is told of attributes now.
    pub(crate) fn tell(&mut self, findings: &[Finding]) {
        for finding in findings {
            let now = Told { verdict: finding.verdict, confidence: finding.confidence };
            let told = self.told.entry(finding.about.as_str().to_owned()).or_insert(now);
            // The votes are over the whole life of the track, so what they say later takes the place of what they said.
            if now.verdict != Verdict::CannotTell {
                *told = now;
                self.fly_within_m.remove(finding.about.as_str());
            }
        }
    }
}

/// An appearance as it is noted.
pub(crate) fn parts(look: &Appearance) -> Vec<u8> {
    look.values().iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
}

/// All notes of a mission.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notes {
    /// Where cameras were, in the order of time.
    pub shots: Vec<Shot>,
    /// When nobody knew.
    pub blind: Vec<Blind>,
    /// Who was followed.
    pub people: Vec<Person>,
    /// How many lines cannot be read.
    pub damaged: usize,
}

impl Notes {
    /// Reads the pieces in a folder; there are no notes where it is not there.
    pub fn read(dir: &Path) -> Result<Self, MissionError> {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries.map_err(MissionError::file("read", dir))?,
        };
        let mut pieces: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        pieces.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        pieces.sort();
        let mut texts = Vec::with_capacity(pieces.len());
        for path in pieces {
            let bytes = fs::read(&path).map_err(MissionError::file("read", &path))?;
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(Self::of(texts.iter().flat_map(|text| text.lines())))
    }

    /// The notes of these lines.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut notes, mut people) = (Self::default(), BTreeMap::new());
        for line in lines {
            match serde_json::from_str(line) {
                Ok(Line::Shot(shot)) => notes.shots.push(shot),
                Ok(Line::Blind(blind)) => notes.blind.push(blind),
                Ok(Line::Person(person)) => drop(people.insert(person.key.clone(), *person)),
                Err(_) => notes.damaged += 1,
            }
        }
        notes.shots.sort_by_key(|shot| shot.at);
        notes.people = people.into_values().collect();
        notes.people.sort_by(|a, b| (a.first, &a.key).cmp(&(b.first, &b.key)));
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_person_the_latest_line_counts_and_damage_is_counted() {
        let line = |times: u32| {
            format!(
                r#"{{"person":{{"key":"a","camera":"c","class":"person","first":1,"last":2,"times":{times},"from":null,"to":null,"tallest_px":40.0}}}}"#
            )
        };
        let (one, two) = (line(1), line(7));
        let notes = Notes::of([one.as_str(), "{\"shot\":", two.as_str()]);
        assert_eq!((notes.people.len(), notes.people[0].times, notes.damaged), (1, 7, 1));
    }

    #[test]
    fn what_was_told_goes_before_what_could_not_be_and_two_answers_are_none() {
        let told = |verdict, confidence| Told { verdict, confidence };
        let (yes, no, unclear) = (told(Verdict::Yes, 0.9), told(Verdict::No, 0.8), told(Verdict::CannotTell, 0.0));
        assert_eq!((yes.and(unclear), unclear.and(no)), (yes, no));
        assert_eq!(yes.and(no).verdict, Verdict::CannotTell);
        assert_eq!(yes.and(told(Verdict::Yes, 0.95)).confidence, 0.95);
    }
}
