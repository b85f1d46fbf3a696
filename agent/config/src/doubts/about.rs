//! What a doubt is about, in words and as the way to its place in the site file.

use std::fmt;

use forewarn_domain::{SensorId, SpeakerId, StreamId};

use crate::edit::Lines;
use crate::source::ConfigError;
use crate::{Rule, Site};

/// What a doubt is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    words: String,
    /// The names on the way to it; none where it is about the file as a whole.
    path: Vec<String>,
    /// The file, with the line where there is one; none before it was looked up.
    place: Option<String>,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) if self.words.is_empty() => f.write_str(place),
            Some(place) => write!(f, "{place}: {}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

impl About {
    fn new(words: String, path: &[&str]) -> Self {
        Self { words, path: path.iter().map(|name| (*name).to_owned()).collect(), place: None }
    }

    /// The site as a whole.
    pub(super) fn site() -> Self {
        Self::new("site".to_owned(), &[])
    }

    /// A section such as `[storage]`.
    pub(super) fn section(name: &str) -> Self {
        Self::new(format!("[{name}]"), &[name])
    }

    /// A camera.
    pub(super) fn camera(id: &StreamId) -> Self {
        Self::new(format!("camera {id}"), &["camera", id.as_str()])
    }

    /// A rule of a camera.
    pub(super) fn rule(rule: &Rule) -> Self {
        let (camera, violation, zone) = (&rule.key.stream, &rule.key.violation, &rule.key.zone);
        let entry = format!("{violation}@{zone}");
        let words = format!("camera {camera}, {violation} in {zone}");
        Self::new(words, &["camera", camera.as_str(), "rule", &entry])
    }

    /// A key of a camera of a site, with its place.
    pub fn key_of_camera(site: &Site, id: &StreamId, key: &str) -> Self {
        Self::camera(id).key(key).placed(&Lines::of(&site.source))
    }

    /// A rule of a site, with its place.
    pub fn rule_of_site(site: &Site, rule: &Rule) -> Self {
        Self::rule(rule).placed(&Lines::of(&site.source))
    }

    /// A loudspeaker.
    pub(super) fn speaker(id: &SpeakerId) -> Self {
        Self::new(format!("speaker {id}"), &["speaker", id.as_str()])
    }

    /// A sensor.
    pub(super) fn sensor(id: &SensorId) -> Self {
        Self::new(format!("sensor {id}"), &["sensor", id.as_str()])
    }

    /// A key of it; one of a table in it with a dot between.
    pub(super) fn key(mut self, key: &str) -> Self {
        self.words = format!("{}, {key}", self.words);
        self.path.extend(key.split('.').map(str::to_owned));
        self
    }

    /// An entry of one of its lists, such as a zone.
    pub(super) fn entry(mut self, list: &str, id: &str) -> Self {
        self.words = format!("{}, {list} {id}", self.words);
        self.path.extend([list.to_owned(), id.to_owned()]);
        self
    }

    /// A key that has its line already.
    pub(super) fn told(told: &ConfigError) -> Self {
        let line = told.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = Some(format!("{}{line}", told.file));
        Self { words: told.key.clone().unwrap_or_default(), path: Vec::new(), place }
    }

    /// The same with its place.
    pub(super) fn placed(self, lines: &Lines<'_>) -> Self {
        let place = self.place.or_else(|| Some(lines.place_of(&self.path)));
        Self { place, ..self }
    }
}
