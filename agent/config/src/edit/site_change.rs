//! What somebody changes in the console, as changes of the site file.

use std::fmt::Write as _;

use std::path::Path;

use forewarn_domain::site_change::{Drawn, Hours, NewCamera, NewRule, NewSpeaker, NewSpeakerKind, Shape, SiteChange};
use forewarn_domain::{Class, SpeakerId, StreamId};

use super::file::place;
use super::{Change, EditError, KeyPath, NewValue};
use crate::source::Source;

/// A password of a camera that was added in the console lies in a file of this name beside the site file.
pub fn secret_of(camera: &StreamId) -> String {
    format!("{camera}.secret")
}

/// The changes of a site file that are asked for.
pub fn changes(file: &Path, asked: &[SiteChange]) -> Result<Vec<Change>, EditError> {
    let file = Source::read(&place(file)?)?;
    let changes: Vec<Vec<Change>> = asked.iter().map(|asked| change(asked, &file)).collect::<Result<_, _>>()?;
    Ok(changes.into_iter().flatten().collect())
}

fn change(asked: &SiteChange, file: &Source) -> Result<Vec<Change>, EditError> {
    let one = match asked {
        SiteChange::Draw { camera, drawn } => return draw(drawn, camera, file),
        SiteChange::AddCamera(camera) => add_camera(camera),
        SiteChange::AddSpeaker(speaker) => add_speaker(speaker, file),
        SiteChange::AddRule(rule) => add_rule(rule),
        SiteChange::RemoveRule { camera, violation, zone } => {
            Ok(Change::Remove(format!("camera.{camera}.rule.{violation}@{zone}").parse()?))
        }
        SiteChange::SetSpeakers { camera, speakers } => {
            let path = format!("camera.{camera}.speakers").parse()?;
            Ok(Change::Set(path, list(speakers.iter().map(SpeakerId::as_str)).parse()?))
        }
    };
    Ok(vec![one?])
}

/// Names as a list.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", names.map(quoted).collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn add_camera(NewCamera { id, url, user, password }: &NewCamera) -> Result<Change, EditError> {
    let path: KeyPath = format!("camera.{id}").parse()?;
    let is_of_box = ["file:", "v4l2:"].iter().any(|local| url.trim_start().to_lowercase().starts_with(local));
    // A path alone is a file, too.
    if is_of_box || !url.contains("://") {
        let mend = "give the address of a camera on the network, such as rtsp://192.168.1.20/stream1; files and devices of \
                    this box are named in the site file by hand";
        return Err(path.error(format!("{url} lies on this box"), mend));
    }
    if url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).is_some_and(|host| host.contains('@')) {
        return Err(path.error("there is a login in the address", "give the user and the password by themselves"));
    }
    let mut table = format!("url = {}", quoted(url.trim()));
    if !user.is_empty() {
        let _ = write!(table, ", user = {}", quoted(user));
    }
    if !password.is_empty() {
        let _ = write!(table, ", password_file = {}", quoted(&secret_of(id)));
    }
    Ok(Change::Set(path, format!("{{ {table} }}").parse()?))
}

fn add_speaker(NewSpeaker { id, kind }: &NewSpeaker, file: &Source) -> Result<Change, EditError> {
    let path: KeyPath = format!("speaker.{id}").parse()?;
    let table = match kind {
        NewSpeakerKind::Local => "kind = \"local\"".to_owned(),
        NewSpeakerKind::Rtp { address } => format!("kind = \"rtp\", address = {}", quoted(address.trim())),
        NewSpeakerKind::Camera { camera } => {
            let keys = keys_of(camera, file).ok_or_else(|| {
                path.error(format!("there is no camera `{camera}` with an address"), "add the camera first")
            })?;
            format!("kind = \"onvif\", {keys}")
        }
    };
    Ok(Change::Set(path, format!("{{ {table} }}").parse()?))
}

/// The address and the login of a camera, as they stand in the file.
fn keys_of(camera: &StreamId, file: &Source) -> Option<String> {
    let site: toml::Table = file.parse().ok()?;
    let is_it = |one: &&toml::Value| one.get("id").and_then(toml::Value::as_str) == Some(camera.as_str());
    let one = site.get("camera")?.as_array()?.iter().find(is_it)?;
    one.get("url")?;
    let keys = ["url", "user", "password_file", "password_env"].into_iter();
    let keys: Vec<String> = keys.filter_map(|key| Some(format!("{key} = {}", one.get(key)?))).collect();
    Some(keys.join(", "))
}

fn add_rule(NewRule { camera, violation, zone, schedule }: &NewRule) -> Result<Change, EditError> {
    let path: KeyPath = format!("camera.{camera}.rule.{violation}@{zone}").parse()?;
    let table = schedule.as_ref().map_or_else(String::new, |hours| format!(" schedule = {} ", written_hours(hours)));
    Ok(Change::Set(path, format!("{{{table}}}").parse()?))
}

fn written_hours(Hours { days, from, to }: &Hours) -> String {
    let names: Vec<String> = days.iter().filter_map(|day| Some(toml::Value::try_from(day).ok()?.to_string())).collect();
    let days = if names.is_empty() { String::new() } else { format!("days = [{}], ", names.join(", ")) };
    format!("{{ {days}from = \"{from}\", to = \"{to}\" }}")
}

fn draw(drawn: &Drawn, camera: &StreamId, file: &Source) -> Result<Vec<Change>, EditError> {
    let Drawn { shape, id, points, classes, is_there } = drawn;
    let camera_zone = || format!("camera.{camera}.zone").parse::<KeyPath>();
    if id.contains('.') {
        return Err(camera_zone()?.error(format!("`{id}` is no name"), "take letters, digits, `-` and `_`"));
    }
    if classes.is_some() && *shape != Shape::Exclusion {
        return Err(camera_zone()?.error(format!("`{id}` has no classes"), "name classes of exclusions alone"));
    }
    let (list_of, key) = match shape {
        Shape::Area => ("zone", "polygon"),
        Shape::Line => ("zone", "line"),
        Shape::Mask => ("mask", "polygon"),
        Shape::Exclusion => ("exclusion", "polygon"),
    };
    let path = format!("camera.{camera}.{list_of}.{id}");
    let Some(points) = points else { return Ok(vec![Change::Remove(path.parse()?)]) };
    let corners = written(points);
    let classes = classes.as_ref().map(|classes| list(classes.iter().map(Class::as_str)));
    let classes = classes.as_deref();
    if !is_there {
        let named =
            classes.filter(|named| *named != NOTHING).map_or_else(String::new, |named| format!(", classes = {named}"));
        return Ok(vec![Change::Set(path.parse()?, format!("{{ {key} = {corners}{named} }}").parse::<NewValue>()?)]);
    }
    let former = exclusion(file, camera, id).filter(|_| *shape == Shape::Exclusion);
    let has = |key: &str| former.as_ref().and_then(|former| former.get(key));
    let mut changes = Vec::new();
    // Who chooses classes sends the corners as they were, which stay as somebody wrote them.
    if classes.is_none() || has(key).and_then(points_of).is_none_or(|points| written(&points) != corners) {
        changes.push(Change::Set(format!("{path}.{key}").parse()?, corners.parse()?));
    }
    match classes {
        Some(NOTHING) if has("classes").is_some() => changes.push(Change::Remove(format!("{path}.classes").parse()?)),
        Some(NOTHING) | None => {}
        Some(named) => changes.push(Change::Set(format!("{path}.classes").parse()?, named.parse()?)),
    }
    Ok(changes)
}

/// A list without a name in it.
const NOTHING: &str = "[]";

/// An exclusion as it stands in the file.
fn exclusion(file: &Source, camera: &StreamId, id: &str) -> Option<toml::Table> {
    let site: toml::Table = file.parse().ok()?;
    let named = |list: Option<&toml::Value>, id: &str| {
        let is_it = |one: &&toml::Value| one.get("id").and_then(toml::Value::as_str) == Some(id);
        list?.as_array()?.iter().find(is_it).cloned()
    };
    named(named(site.get("camera"), camera.as_str())?.get("exclusion"), id)?.as_table().cloned()
}

fn points_of(value: &toml::Value) -> Option<Vec<[f32; 2]>> {
    value.clone().try_into().ok()
}

/// Points as they stand in the file: pixels whole, parts of the picture to four places.
fn written(points: &[[f32; 2]]) -> String {
    let is_px = points.iter().flatten().any(|c| *c > 1.5);
    let mut text = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        let number = |value: &f32| {
            let rounded = (f64::from(*value) * 1e4).round() / 1e4;
            if is_px { format!("{}", rounded.round()) } else { format!("{rounded:?}") }
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{}[{}, {}]", if i == 0 { "" } else { ", " }, number(x), number(y));
    }
    format!("[{text}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;
    use crate::source::Source;

    const FILE: &str = "[[camera]]\nid = \"gate\" # at the gate\n\n[[camera.zone]]\nid = \"kerb\" # yellow\n\
                        polygon = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]] # measured\n";

    /// The file with what is drawn.
    fn told(file: &str, drawn: &Drawn) -> Result<String, EditError> {
        let source = |text: &str| Source::new("site.toml", text);
        let changes = draw(drawn, &StreamId::new("gate").unwrap(), &source(file))?;
        changes.iter().try_fold(file.to_owned(), |text, change| apply(&source(&text), change))
    }

    fn drawn(shape: Shape, id: &str, points: Option<Vec<[f32; 2]>>, is_there: bool) -> String {
        let drawn = Drawn { shape, id: id.to_owned(), points, classes: None, is_there };
        told(FILE, &drawn).unwrap()
    }

    #[test]
    fn what_is_drawn_is_cut_into_the_file_and_comments_stay() {
        let moved = drawn(Shape::Area, "kerb", Some(vec![[0.123_456, 0.0], [1.0, 0.25], [0.5, 0.75]]), true);
        assert_eq!(
            moved,
            FILE.replace("[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]", "[[0.1235, 0.0], [1.0, 0.25], [0.5, 0.75]]")
        );
        let line = drawn(Shape::Line, "gate-line", Some(vec![[0.2, 0.5], [0.8, 0.5]]), false);
        assert_eq!(line, format!("{FILE}\n[[camera.zone]]\nid = \"gate-line\"\nline = [[0.2, 0.5], [0.8, 0.5]]\n"));
        let mask = drawn(Shape::Mask, "window", Some(vec![[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]), false);
        assert!(
            mask.starts_with("[[camera]]\nid = \"gate\" # at the gate\n")
                && mask.contains("[[camera.mask]]\nid = \"window\""),
            "{mask}"
        );
        let out = drawn(Shape::Area, "kerb", None, true);
        assert_eq!(out, "[[camera]]\nid = \"gate\" # at the gate\n\n");
    }

    #[test]
    fn an_exclusion_comes_is_moved_and_goes_and_its_classes_and_comments_stay() {
        let corners = vec![[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]];
        let told = |file: &str, points: Option<Vec<[f32; 2]>>, is_there: bool| {
            told(file, &Drawn { shape: Shape::Exclusion, id: "poster".to_owned(), points, classes: None, is_there })
                .unwrap()
        };
        let table = "\n[[camera.exclusion]]\nid = \"poster\"\npolygon = [[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]]\n";
        let with = told(FILE, Some(corners), false);
        assert_eq!(with, FILE.replace("\n[[camera.zone]]", &format!("{table}\n[[camera.zone]]")));
        let by_hand =
            with.replace("[0.25, 1.0]]\n", "[0.25, 1.0]] # the beach\nclasses = [\"person\"] # who is on it\n");
        let moved = told(&by_hand, Some(vec![[0.1, 0.5], [0.3, 0.5], [0.3, 1.0]]), true);
        assert_eq!(
            moved,
            by_hand.replace("[[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]]", "[[0.1, 0.5], [0.3, 0.5], [0.3, 1.0]]")
        );
        assert_eq!(told(&with, None, true).replace("\n\n\n", "\n\n"), FILE);
    }

    #[test]
    fn classes_of_an_exclusion_are_chosen_and_all_else_of_it_stays() {
        let corners = vec![[0.0, 0.5], [0.25, 0.5], [0.25, 1.0]];
        let chosen = |file: &str, points: &[[f32; 2]], classes: &[&str], is_there: bool| {
            let classes = Some(classes.iter().map(|class| Class::new(class)).collect());
            let (id, points) = ("poster".to_owned(), Some(points.to_vec()));
            told(file, &Drawn { shape: Shape::Exclusion, id, points, classes, is_there }).unwrap()
        };
        let fresh = chosen(FILE, &corners, &["person"], false);
        assert!(fresh.contains("[0.25, 1.0]]\nclasses = [\"person\"]\n"), "{fresh}");
        assert!(!chosen(FILE, &corners, &[], false).contains("classes"));
        let by_hand =
            fresh.replace("[0.25, 1.0]]", "[0.250, 1.0]] # the beach").replace("\"]\n", "\"] # who is on it\n");
        let more = chosen(&by_hand, &corners, &["person", "dog"], true);
        assert_eq!(more, by_hand.replace("[\"person\"]", "[\"person\", \"dog\"]"));
        let everything = chosen(&more, &corners, &[], true);
        assert_eq!(everything, by_hand.replace("classes = [\"person\"] # who is on it\n", ""));
        assert_eq!(chosen(&everything, &corners, &[], true), everything);
        assert_eq!(
            chosen(&everything, &corners, &["person"], true),
            everything.replace("the beach\n", "the beach\nclasses = [\"person\"]\n")
        );
        let moved = chosen(&more, &[[0.1, 0.5], [0.25, 0.5], [0.25, 1.0]], &["dog"], true);
        let expected = by_hand
            .replace("[\"person\"]", "[\"dog\"]")
            .replace("[0.0, 0.5], [0.25, 0.5], [0.250, 1.0]", "[0.1, 0.5], [0.25, 0.5], [0.25, 1.0]");
        assert_eq!(moved, expected);
        let (id, classes) = ("kerb".to_owned(), Some(vec![Class::new("person")]));
        let of_zone = Drawn { shape: Shape::Area, id, points: Some(corners.clone()), classes, is_there: true };
        assert!(told(FILE, &of_zone).unwrap_err().to_string().contains("has no classes"));
    }

    fn changed(file: &str, json: serde_json::Value) -> Result<String, EditError> {
        let file = Source::new("site.toml", file);
        let changes = change(&serde_json::from_value(json).unwrap(), &file)?;
        apply(&file, &changes[0])
    }

    #[test]
    fn a_camera_a_rule_and_speakers_are_added_and_nothing_else_is_touched() {
        let json = serde_json::json!({ "add_camera": { "id": "yard", "url": "rtsp://10.0.0.5/1", "user": "ann", "password": "s3" } });
        let with_camera = changed(FILE, json).unwrap();
        let lines = "\n[[camera]]\nid = \"yard\"\nurl = \"rtsp://10.0.0.5/1\"\nuser = \"ann\"\npassword_file = \"yard.secret\"\n";
        assert_eq!(with_camera, format!("{FILE}{lines}"), "the password itself does not stand there");
        let hours = serde_json::json!({ "days": ["mon", "fri"], "from": "07:00", "to": "20:00" });
        let rule = serde_json::json!({ "camera": "gate", "violation": "loitering", "zone": "kerb" });
        let mut timed = rule.clone();
        timed["schedule"] = hours;
        let with_rule = changed(FILE, serde_json::json!({ "add_rule": timed })).unwrap();
        let lines = "\n[[camera.rule]]\nviolation = \"loitering\"\nzone = \"kerb\"\n";
        let hours = "schedule = { days = [\"mon\", \"fri\"], from = \"07:00\", to = \"20:00\" }\n";
        let before_zone = |lines: &str| FILE.replace("\n[[camera.zone]]", &format!("{lines}\n[[camera.zone]]"));
        assert_eq!(with_rule, before_zone(&format!("{lines}{hours}")));
        let with_rule = changed(FILE, serde_json::json!({ "add_rule": rule })).unwrap();
        assert_eq!(with_rule, before_zone(lines));
        let without = changed(&with_rule, serde_json::json!({ "remove_rule": rule })).unwrap();
        assert_eq!(without.replace("\n\n\n", "\n\n"), FILE);
        let speakers = serde_json::json!({ "set_speakers": { "camera": "gate", "speakers": ["horn", "kiosk"] } });
        assert!(changed(FILE, speakers).unwrap().contains("\nspeakers = [\"horn\", \"kiosk\"]\n"));
    }

    #[test]
    fn loudspeakers_are_added_and_that_of_a_camera_has_the_cameras_login() {
        let file = format!(
            "{FILE}\n[[camera]]\nid = \"yard\"\nurl = \"rtsp://10.0.0.5/1\"\nuser = \"ann\"\npassword_file = \"yard.secret\"\n"
        );
        let added = |kind: serde_json::Value| {
            let after = changed(&file, serde_json::json!({ "add_speaker": { "id": "horn", "kind": kind } }))?;
            Ok::<_, EditError>(after.strip_prefix(&file).unwrap().to_owned())
        };
        let table = "\n[[speaker]]\nid = \"horn\"\n";
        assert_eq!(added("local".into()).unwrap(), format!("{table}kind = \"local\"\n"));
        let rtp = serde_json::json!({ "rtp": { "address": " 10.0.0.7:5004" } });
        assert_eq!(added(rtp).unwrap(), format!("{table}kind = \"rtp\"\naddress = \"10.0.0.7:5004\"\n"));
        let keys = "kind = \"onvif\"\nurl = \"rtsp://10.0.0.5/1\"\nuser = \"ann\"\npassword_file = \"yard.secret\"\n";
        assert_eq!(added(serde_json::json!({ "camera": { "camera": "yard" } })).unwrap(), format!("{table}{keys}"));
        let none = added(serde_json::json!({ "camera": { "camera": "gate" } })).unwrap_err().to_string();
        assert!(none.contains("no camera `gate` with an address"), "{none}");
    }

    #[test]
    fn files_of_the_box_and_logins_in_addresses_are_refused() {
        for url in ["/etc/shadow", "file:/etc/shadow", " V4L2:/dev/video0", "rtsp://ann:s3@10.0.0.5/1"] {
            let asked = serde_json::json!({ "add_camera": { "id": "yard", "url": url } });
            assert!(changed(FILE, asked).is_err(), "{url}");
        }
    }

    #[test]
    fn pixels_are_whole() {
        assert_eq!(written(&[[630.4, 40.0], [728.0, 0.0]]), "[[630, 40], [728, 0]]");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let drawn = Drawn { shape: Shape::Area, id: "a.b\"]".to_owned(), points: None, classes: None, is_there: true };
        assert!(told(FILE, &drawn).is_err());
        let drawn =
            Drawn { shape: Shape::Area, id: "kerb.polygon".to_owned(), points: None, classes: None, is_there: true };
        assert!(told(FILE, &drawn).is_err());
    }
}
