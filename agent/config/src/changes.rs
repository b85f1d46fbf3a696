//! What differs between a site file as an agent runs it and as it is now, in the words of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use forewarn_base::secret::Secret;
use forewarn_domain::{SensorId, SpeakerId, StreamId};
use toml::Value;

use crate::{Camera, Site};

/// A site file by its parts: a table, a camera, its zones, its rules, a loudspeaker, an upstream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts(BTreeMap<Part, Value>);

/// The name of a part: what it belongs to, and which part of that it is.
type Part = (String, &'static str);

/// One difference between two readings of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is a matter of.
    pub concern: Concern,
    pub(crate) words: String,
}

/// What a change is a matter of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Zones, exclusions, rules or violations of a camera.
    Watching(StreamId),
    /// Anything else of a camera, or the camera itself.
    Camera(StreamId),
    /// A loudspeaker.
    Speaker(SpeakerId),
    /// A sensor.
    Sensor(SensorId),
    /// An upstream.
    Upstream(String),
    /// The model that looks.
    Model,
    /// Anything else.
    Other,
}

impl Concern {
    /// The camera, where it is one or what it watches for.
    pub fn camera(&self) -> Option<&StreamId> {
        if let Self::Camera(id) | Self::Watching(id) = self { Some(id) } else { None }
    }

    /// The loudspeaker, where it is one.
    pub fn speaker(&self) -> Option<&SpeakerId> {
        if let Self::Speaker(id) = self { Some(id) } else { None }
    }

    /// The sensor, where it is one.
    pub fn sensor(&self) -> Option<&SensorId> {
        if let Self::Sensor(id) = self { Some(id) } else { None }
    }

    /// The upstream, where it is one.
    pub fn upstream(&self) -> Option<&String> {
        if let Self::Upstream(id) = self { Some(id) } else { None }
    }
}

impl Change {
    /// A change that is a matter of neither a camera's watching nor the model.
    pub fn other(words: impl Into<String>) -> Self {
        Self { concern: Concern::Other, words: words.into() }
    }

    /// What was taken up in part only, and is to be taken up again.
    pub fn torn(concern: Concern) -> Self {
        Self { concern, words: "what was taken up in part".to_owned() }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// Lists of tables that have ids, and what one entry is called.
const LISTS: [&str; 3] = ["camera", "speaker", "sensor"];

impl Parts {
    /// The parts of a site file's text; none of what cannot be read.
    pub fn of(text: &str) -> Self {
        let mut parts = BTreeMap::new();
        for (key, value) in text.parse::<toml::Table>().unwrap_or_default() {
            match value {
                Value::Array(entries) if LISTS.contains(&key.as_str()) => {
                    for (n, entry) in entries.into_iter().enumerate() {
                        add_entry(&mut parts, &key, n, entry);
                    }
                }
                Value::Table(named) if key == "upstream" => {
                    parts.extend(named.into_iter().map(|(name, value)| ((format!("upstream {name}"), ""), value)));
                }
                value => {
                    parts.insert((format!("[{key}]"), ""), value);
                }
            }
        }
        Self(parts)
    }

    /// What is a matter of `concerns` is as in `now` from now on.
    pub fn take_over(&mut self, now: &Self, concerns: &BTreeSet<Concern>) {
        let is_concerned = |(owner, of): &Part| concerns.contains(&concern(owner, of));
        self.0.retain(|part, _| !is_concerned(part));
        let taken = now.0.iter().filter(|(part, _)| is_concerned(part));
        self.0.extend(taken.map(|(part, value)| (part.clone(), value.clone())));
    }

    /// What is new, gone or another in `now`, each in a few words.
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        let has = |parts: &Self, owner: &str| parts.0.contains_key(&(owner.to_owned(), ""));
        let change = |(owner, of): &Part, what: &str| Change {
            concern: concern(owner, of),
            words: format!("{of}{owner} {what}"),
        };
        let mut said = Vec::new();
        for (part, value) in &now.0 {
            let (owner, of) = part;
            match self.0.get(part) {
                Some(before) if before == value => {}
                Some(before) => said.push(change(part, &format!("changed{}", keys_of(owner, before, value)))),
                // What comes with its owner is not said beside it.
                None if !of.is_empty() && !has(self, owner) => {}
                None => said.push(change(part, "is new")),
            }
        }
        for part in self.0.keys().filter(|part| !now.0.contains_key(*part)) {
            let (owner, of) = part;
            if of.is_empty() || has(now, owner) {
                said.push(change(part, "is gone"));
            }
        }
        said
    }
}

/// The keys of a plain table that differ, in brackets: which of them waits for a restart is what its reader must know.
fn keys_of(owner: &str, before: &Value, now: &Value) -> String {
    let (Value::Table(before), Value::Table(now)) = (before, now) else { return String::new() };
    let keys: BTreeSet<&String> =
        before.keys().chain(now.keys()).filter(|key| before.get(*key) != now.get(*key)).collect();
    let keys: Vec<&str> = keys.into_iter().map(String::as_str).collect();
    if owner.starts_with('[') { format!(" ({})", keys.join(", ")) } else { String::new() }
}

fn concern(owner: &str, of: &str) -> Concern {
    let named = owner.split_once(' ').and_then(|(list, id)| match list {
        "camera" if of.is_empty() => Some(Concern::Camera(StreamId::new(id).ok()?)),
        "camera" => Some(Concern::Watching(StreamId::new(id).ok()?)),
        "speaker" => Some(Concern::Speaker(SpeakerId::new(id).ok()?)),
        "sensor" => Some(Concern::Sensor(SensorId::new(id).ok()?)),
        "upstream" => Some(Concern::Upstream(id.to_owned())),
        _ => None,
    });
    named.unwrap_or(if owner == "[model]" { Concern::Model } else { Concern::Other })
}

fn add_entry(parts: &mut BTreeMap<Part, Value>, list: &str, n: usize, mut entry: Value) {
    let id = entry.get("id").and_then(Value::as_str).map_or_else(|| format!("{}", n + 1), str::to_owned);
    let owner = format!("{list} {id}");
    if let Some(table) = entry.as_table_mut() {
        for (key, of) in [("zone", "a zone of "), ("exclusion", "an exclusion of "), ("rule", "a rule of ")] {
            if let Some(inner) = table.remove(key) {
                parts.insert((owner.clone(), of), inner);
            }
        }
    }
    parts.insert((owner, ""), entry);
}

/// What differs between two readings of the same site that its own text does not say: passwords and violations in files of
/// their own.
pub fn beside(before: &Site, now: &Site) -> Vec<Change> {
    let is_other = |(part, files): &(&String, &Secret)| before.beside.get(*part).is_some_and(|former| former != *files);
    let parts = now.beside.iter().filter(is_other).map(|(part, _)| part);
    let of_part = |part: &String| {
        let words = format!("a password, certificate or template of {part} changed");
        Change { concern: concern(part, ""), words }
    };
    let mut said: Vec<Change> = parts.map(of_part).collect();
    for camera in &now.cameras {
        let Some(former) = before.cameras.iter().find(|former| former.id == camera.id) else { continue };
        let shown = |camera: &Camera| format!("{:?} {:?}", camera.source, camera.watched);
        let is_other = (&former.source, &former.watched) != (&camera.source, &camera.watched);
        let is_login_alone = is_other && shown(former) == shown(camera);
        if is_login_alone {
            let words = format!("the login of camera {} changed", camera.id);
            said.push(Change { concern: Concern::Camera(camera.id.clone()), words });
        }
        for rule in &camera.rules {
            let same = former.rules.iter().find(|former| former.key == rule.key);
            if same.is_some_and(|former| former.violation != rule.violation) {
                let words = format!("violation {} of camera {} changed", rule.key.violation, camera.id);
                said.push(Change { concern: Concern::Watching(camera.id.clone()), words });
            }
        }
    }
    said
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::resolve;
    use crate::source::Source;

    #[test]
    fn a_password_file_of_a_broker_that_changed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pw");
        let broker = "url = \"mqtt://b\"";
        let text = SITE.replace(broker, &format!("{broker}\nuser = \"u\"\npassword_file = \"{}\"", path.display()));
        let read = |password: &str| {
            std::fs::write(&path, password).unwrap();
            resolve(&Source::new("site.toml", text.clone())).unwrap()
        };
        let (old, new) = (read("old"), read("new"));
        assert_eq!(said(&beside(&old, &new)), ["a password, certificate or template of upstream mqtt changed"]);
        assert_eq!(said(&beside(&new, &new)), [""; 0]);
        assert!(!format!("{new:?}").contains("new\\n"), "{new:?}");
    }

    pub(crate) const SITE: &str = "[site]\nid = \"s\"\n[upstream.mqtt]\nurl = \"mqtt://b\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n\
        [[camera]]\nid = \"gate\"\nurl = \"rtsp://u:p@cam/1\"\n[[camera.zone]]\nid = \"kerb\"\n\
        polygon = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]\n[[camera.rule]]\nviolation = \"loitering\"\nzone = \"kerb\"\n";

    fn said(changes: &[Change]) -> Vec<String> {
        changes.iter().map(Change::to_string).collect()
    }

    pub(crate) fn changes(from: &str, to: &str) -> Vec<Change> {
        assert!(SITE.contains(from));
        Parts::of(SITE).changes(&Parts::of(&SITE.replace(from, to)))
    }

    #[test]
    fn each_part_that_differs_is_named_once() {
        assert_eq!(said(&changes("[site]", "# A remark.\n[site]")), [""; 0]);
        for (from, to, words) in [
            ("\"mqtt://b\"", "\"mqtt://c\"", "upstream mqtt changed"),
            ("kind = \"local\"", "kind = \"local\"\nsink = \"wav\"", "speaker horn changed"),
            ("id = \"horn\"", "id = \"bell\"", "speaker bell is new, speaker horn is gone"),
            ("cam/1", "cam/2", "camera gate changed"),
            ("0.9, 0.9", "0.8, 0.9", "a zone of camera gate changed"),
            ("loitering", "intrusion", "a rule of camera gate changed"),
            (
                "[[camera.rule]]",
                "[[camera.exclusion]]\nid = \"p\"\npolygon = [[0, 0], [0.1, 0], [0.1, 0.1]]\n[[camera.rule]]",
                "an exclusion of camera gate is new",
            ),
            ("[site]", "[heat_map]\n[site]", "[heat_map] is new"),
            (
                "id = \"s\"",
                "id = \"s\"\nlanguage = \"zh\"\ntime_zone = \"Asia/Shanghai\"",
                "[site] changed (language, time_zone)",
            ),
            (
                "[[camera]]",
                "[[camera]]\nid = \"yard\"\nurl = \"a.mp4\"\n[[camera.rule]]\nviolation = \"intrusion\"\n[[camera]]",
                "camera yard is new",
            ),
            ("[[camera.rule]]\nviolation = \"loitering\"\nzone = \"kerb\"\n", "", "a rule of camera gate is gone"),
        ] {
            assert_eq!(said(&changes(from, to)).join(", "), words);
        }
    }

    #[test]
    fn what_was_taken_up_is_no_change_any_more() {
        let now = Parts::of(&SITE.replace("loitering", "intrusion").replace("cam/1", "cam/2"));
        let mut parts = Parts::of(SITE);
        parts.take_over(&now, &[Concern::Watching(StreamId::new("gate").unwrap())].into());
        assert_eq!(said(&parts.changes(&now)), ["camera gate changed"]);
    }

    #[test]
    fn a_password_is_another_though_it_is_not_shown() {
        let site =
            |password: &str| resolve(&Source::new("site.toml", SITE.replace(":p@", &format!(":{password}@")))).unwrap();
        assert_eq!(said(&beside(&site("old"), &site("new"))), ["the login of camera gate changed"]);
        assert_eq!(said(&beside(&site("old"), &site("old"))), [""; 0]);
    }
}
