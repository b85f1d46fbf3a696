//! What differs between a site file as an agent runs it and as it is now, in the words of the file.

use std::collections::BTreeMap;
use std::fmt;

use forewarn_base::secret::Secret;
use forewarn_domain::StreamId;
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
    words: String,
}

/// What a change is a matter of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// Zones, rules or violations of a camera.
    Watching(StreamId),
    /// The model that looks.
    Model,
    /// Anything else.
    Other,
}

impl Change {
    /// A change that is a matter of neither a camera's watching nor the model.
    pub fn other(words: impl Into<String>) -> Self {
        Self { concern: Concern::Other, words: words.into() }
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

    /// The zones and rules of a camera are as in `now` from now on.
    pub fn take_over(&mut self, now: &Self, camera: &StreamId) {
        let owner = format!("camera {camera}");
        let is_its_own = |(of, what): &Part| *of == owner && !what.is_empty();
        self.0.retain(|part, _| !is_its_own(part));
        let taken = now.0.iter().filter(|(part, _)| is_its_own(part));
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
                Some(_) => said.push(change(part, "changed")),
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

fn concern(owner: &str, of: &str) -> Concern {
    let camera = owner.strip_prefix("camera ").filter(|_| !of.is_empty());
    match camera.and_then(|id| StreamId::new(id).ok()) {
        Some(camera) => Concern::Watching(camera),
        None if owner == "[model]" => Concern::Model,
        None => Concern::Other,
    }
}

/// What a site that changed is watched by from now on, without a restart.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The site as it was, with the zones and rules of these cameras as they are now.
    pub site: Site,
    /// The cameras whose zones or rules changed, and nothing else that hangs on them.
    pub cameras: Vec<StreamId>,
    /// What changed in them, in words.
    pub taken_up: Vec<String>,
    /// What changed and waits for a restart.
    pub waiting: Vec<String>,
}

impl Adoption {
    /// Sorts `changes` between two readings of a site. `can_read` says whether what the rules ask of closer looks can be
    /// answered by the models that run.
    pub fn of(before: &Site, now: &Site, changes: Vec<Change>, can_read: impl Fn(&Camera) -> bool) -> Self {
        let mut adoption =
            Self { site: before.clone(), cameras: Vec::new(), taken_up: Vec::new(), waiting: Vec::new() };
        for camera in &mut adoption.site.cameras {
            let Some(other) = now.cameras.iter().find(|other| other.id == camera.id) else { continue };
            let of_this = Concern::Watching(camera.id.clone());
            if !changes.iter().any(|change| change.concern == of_this)
                || !hangs_on_the_same(camera, other)
                || !can_read(other)
            {
                continue;
            }
            camera.zones.clone_from(&other.zones);
            camera.rules.clone_from(&other.rules);
            adoption.cameras.push(camera.id.clone());
        }
        for change in changes {
            let is_taken_up = matches!(&change.concern, Concern::Watching(of) if adoption.cameras.contains(of));
            let said = if is_taken_up { &mut adoption.taken_up } else { &mut adoption.waiting };
            said.push(change.words);
        }
        adoption
    }
}

/// Whether all that was set up for a camera's zones and rules beside the engine serves the others as well: what it looks
/// for on every frame, and how long its pictures are kept.
fn hangs_on_the_same(before: &Camera, now: &Camera) -> bool {
    before.falls == now.falls
        && before.static_objects == now.static_objects
        && before.ring_limits() == now.ring_limits()
}

fn add_entry(parts: &mut BTreeMap<Part, Value>, list: &str, n: usize, mut entry: Value) {
    let id = entry.get("id").and_then(Value::as_str).map_or_else(|| format!("{}", n + 1), str::to_owned);
    let owner = format!("{list} {id}");
    if let Some(table) = entry.as_table_mut() {
        for (key, of) in [("zone", "a zone of "), ("rule", "a rule of ")] {
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
    let mut said: Vec<Change> =
        parts.map(|part| Change::other(format!("the password or a certificate of {part} changed"))).collect();
    for camera in &now.cameras {
        let Some(former) = before.cameras.iter().find(|former| former.id == camera.id) else { continue };
        let shown = |camera: &Camera| format!("{:?} {:?}", camera.source, camera.watched);
        let is_other = (&former.source, &former.watched) != (&camera.source, &camera.watched);
        let is_login_alone = is_other && shown(former) == shown(camera);
        if is_login_alone {
            said.push(Change::other(format!("the login of camera {} changed", camera.id)));
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
mod tests {
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
        assert_eq!(said(&beside(&old, &new)), ["the password or a certificate of upstream mqtt changed"]);
        assert_eq!(said(&beside(&new, &new)), [""; 0]);
        assert!(!format!("{new:?}").contains("new\\n"), "{new:?}");
    }

    const SITE: &str = "[site]\nid = \"s\"\n[upstream.mqtt]\nurl = \"mqtt://b\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n\
        [[camera]]\nid = \"gate\"\nurl = \"rtsp://u:p@cam/1\"\n[[camera.zone]]\nid = \"kerb\"\n\
        polygon = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]\n[[camera.rule]]\nviolation = \"loitering\"\nzone = \"kerb\"\n";

    fn said(changes: &[Change]) -> Vec<String> {
        changes.iter().map(Change::to_string).collect()
    }

    fn changes(from: &str, to: &str) -> Vec<Change> {
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
            ("[site]", "[heat_map]\n[site]", "[heat_map] is new"),
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

    fn read(text: &str) -> Site {
        resolve(&Source::new("site.toml", text)).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn adoption(from: &str, to: &str) -> (Adoption, Site) {
        let (before, now) = (read(SITE), read(&SITE.replace(from, to)));
        let mut changes = changes(from, to);
        changes.extend(beside(&before, &now));
        (Adoption::of(&before, &now, changes, |_| true), now)
    }

    #[test]
    fn zones_and_rules_are_taken_up_and_what_hangs_on_more_waits() {
        let (drawn, now) = adoption("0.9, 0.9", "0.8, 0.9");
        assert_eq!((drawn.taken_up.join(", ").as_str(), drawn.waiting.len()), ("a zone of camera gate changed", 0));
        assert_eq!(drawn.site.cameras[0].zones, now.cameras[0].zones);
        let (other, _) = adoption("loitering", "intrusion");
        assert_eq!((other.cameras.len(), other.waiting.len()), (1, 0), "{:?}", other.taken_up);
        let (falls, _) = adoption("loitering", "thrown_object");
        assert!(falls.cameras.is_empty() && falls.waiting == ["a rule of camera gate changed"], "{:?}", falls.waiting);
        let (moved, _) = adoption("cam/1", "cam/2");
        assert_eq!(moved.waiting, ["camera gate changed"]);
        assert_eq!(moved.site.cameras[0].source, read(SITE).cameras[0].source);
    }

    #[test]
    fn what_was_taken_up_is_no_change_any_more() {
        let now = Parts::of(&SITE.replace("loitering", "intrusion").replace("cam/1", "cam/2"));
        let mut parts = Parts::of(SITE);
        parts.take_over(&now, &StreamId::new("gate").unwrap());
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
