//! What was found on photos beside what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;

use forewarn_domain::{Answer, AttributeId, Reading};
use serde::Deserialize;

/// What is to be seen on one photo.
#[derive(Debug, Default, Deserialize)]
struct Photo {
    /// Persons, if they were counted.
    persons: Option<usize>,
    /// How many of them wear what, as far as it was counted.
    #[serde(flatten)]
    wear: BTreeMap<String, usize>,
}

/// How many subjects have an attribute, as the readers say.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    /// At the card's threshold.
    yes: usize,
    /// With more than even odds.
    likely: usize,
    /// At the card's threshold for not having it.
    no: usize,
    /// None of the two.
    cannot_tell: usize,
}

/// Photos with what is there, by file name.
#[derive(Debug)]
pub(crate) struct Table {
    photos: BTreeMap<String, Photo>,
    /// Those that were counted by eye.
    attributes: BTreeSet<String>,
    /// Those that are read.
    read: Vec<AttributeId>,
}

impl Table {
    /// Reads the counts by eye from a TOML file; `read` are the attributes that there are models for.
    pub(crate) fn open(path: &Path, read: &[AttributeId]) -> Result<Self, Box<dyn Error>> {
        let photos: BTreeMap<String, Photo> = toml::from_str(&std::fs::read_to_string(path)?)?;
        let attributes = photos.values().flat_map(|photo| photo.wear.keys().cloned()).collect();
        Ok(Self { photos, attributes, read: read.to_vec() })
    }

    /// The heading: of each attribute the number at the threshold, with more than even odds, and by eye.
    pub(crate) fn heading(&self) -> String {
        let columns =
            self.attributes.iter().map(|name| format!(" {:<42}", format!("{name}: yes / likely / true; no, ?")));
        format!("{:<14} {:<15}{}", "photo", "persons / true", columns.collect::<String>())
    }

    /// The row of a photo: readings at the card's thresholds, and at even odds.
    pub(crate) fn row(&self, photo: &str, n_persons: usize, sure: &[Reading], likely: &[Reading]) -> String {
        let none = Photo::default();
        let truth = self.photos.get(photo).unwrap_or(&none);
        let columns = self.attributes.iter().map(|name| {
            let by_eye = by_eye(truth.wear.get(name));
            let Some(id) = self.read.iter().find(|id| id.as_str() == name) else {
                return format!(" {:<42}", format!("no weights / {by_eye}"));
            };
            let Count { yes, likely, no, cannot_tell } = Count::of(id, sure, likely);
            format!(" {:<42}", format!("{yes} / {likely} / {by_eye}; {no}, {cannot_tell}"))
        });
        let persons = format!("{n_persons} / {}", by_eye(truth.persons.as_ref()));
        format!("{photo:<14} {persons:<15}{}", columns.collect::<String>())
    }
}

impl Count {
    fn of(attribute: &AttributeId, sure: &[Reading], likely: &[Reading]) -> Self {
        let of = |readings: &[Reading], is: fn(&Answer) -> bool| {
            readings.iter().filter(|r| r.attribute == *attribute && is(&r.answer)).count()
        };
        let is_yes = |answer: &Answer| matches!(answer, Answer::Probability(p) if *p >= 0.5);
        let is_no = |answer: &Answer| matches!(answer, Answer::Probability(p) if *p < 0.5);
        let cannot_tell = of(sure, |answer| matches!(answer, Answer::CannotTell(_)));
        Self { yes: of(sure, is_yes), likely: of(likely, is_yes), no: of(sure, is_no), cannot_tell }
    }
}

fn by_eye(number: Option<&usize>) -> String {
    number.map_or_else(|| "?".to_owned(), usize::to_string)
}
