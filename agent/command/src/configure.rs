//! Changes of the site file from upstream: seen, saved, and taken back where a stream that begins, or begins anew, does not come
//! up.

use std::time::Duration;

use forewarn_domain::site_change::SiteChange;
use forewarn_domain::{Clock, StreamId};
use serde_json::Value;

/// A stream that begins gives a picture within so long.
const COME_UP: Duration = Duration::from_secs(30);
/// Changes in one command.
const MOST: usize = 50;

/// The site file of the running agent.
pub trait SiteFile: Send {
    /// What the file would be with these changes, as JSON in which `base` names the file as it is now. Where `base` is given and
    /// the file is still that one, it is written and taken up.
    fn change(&self, changes: &[SiteChange], base: Option<&str>) -> Result<Value, String>;
    /// Brings the file as it was before the last change back, and takes it up.
    fn undo(&self) -> Result<(), String>;
    /// The cameras whose streams would begin, or begin anew, with these changes. Asked before they are saved.
    fn streams(&self, changes: &[SiteChange]) -> Result<Vec<StreamId>, String>;
    /// Whether a camera gives a picture within that time, by the stream that has begun since.
    fn gives_picture(&self, camera: &StreamId, within: Duration) -> bool;
}

/// What the file would be; where `base` is given, what it is, or why it was taken back.
pub(crate) fn configure(
    file: &dyn SiteFile,
    clock: &dyn Clock,
    changes: &[SiteChange],
    base: Option<&str>,
) -> Result<Value, String> {
    if !(1..=MOST).contains(&changes.len()) {
        return Err(format!("`changes` has 1 to {MOST} entries"));
    }
    let begun = if base.is_some() { file.streams(changes)? } else { Vec::new() };
    let told = file.change(changes, base)?;
    if base.is_none() {
        return Ok(told);
    }
    let saved = now(file)?;
    let ends = clock.now() + COME_UP;
    let is_down = |camera: &&StreamId| !file.gives_picture(camera, ends.since(clock.now()));
    let down: Vec<&str> = begun.iter().filter(is_down).map(StreamId::as_str).collect();
    if down.is_empty() {
        return Ok(told);
    }
    let why = format!("no picture came of {} within {} s", down.join(", "), COME_UP.as_secs());
    if now(file).as_ref() != Ok(&saved) {
        return Err(format!("{why}; somebody changed the site file meanwhile, so it stays as it is now"));
    }
    file.undo().map_err(|error| format!("{why}, and the site file could not be taken back: {error}"))?;
    Err(format!("{why}, so the site file is as it was before"))
}

/// The name of the file as it is now.
fn now(file: &dyn SiteFile) -> Result<Value, String> {
    Ok(file.change(&[], None)?["base"].clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use forewarn_domain::SystemClock;
    use serde_json::json;

    use super::*;

    /// A file that is a list of names, of which those that begin with `dead` give no picture.
    #[derive(Default)]
    struct List {
        names: Mutex<Vec<String>>,
        /// What somebody adds while a picture is waited for.
        meanwhile: Option<&'static str>,
    }

    fn added(changes: &[SiteChange]) -> impl Iterator<Item = &StreamId> {
        changes.iter().filter_map(|change| match change {
            SiteChange::AddCamera(camera) => Some(&camera.id),
            _ => None,
        })
    }

    impl SiteFile for List {
        /// Whatever is drawn has the stream begin anew.
        fn streams(&self, changes: &[SiteChange]) -> Result<Vec<StreamId>, String> {
            let of = |change: &SiteChange| match change {
                SiteChange::AddCamera(camera) => Some(camera.id.clone()),
                SiteChange::Draw { camera, .. } => Some(camera.clone()),
                _ => None,
            };
            Ok(changes.iter().filter_map(of).collect())
        }

        fn change(&self, changes: &[SiteChange], base: Option<&str>) -> Result<Value, String> {
            let mut names = self.names.lock().unwrap();
            let before = names.join(" ");
            if let Some(base) = base {
                if base != before {
                    return Err("stale".to_owned());
                }
                names.extend(added(changes).map(ToString::to_string));
            }
            Ok(json!({ "base": before, "is_saved": base.is_some() }))
        }

        fn undo(&self) -> Result<(), String> {
            self.names.lock().unwrap().pop();
            Ok(())
        }

        fn gives_picture(&self, camera: &StreamId, within: Duration) -> bool {
            assert!(within <= COME_UP);
            self.names.lock().unwrap().extend(self.meanwhile.map(str::to_owned));
            !camera.as_str().starts_with("dead")
        }
    }

    fn asked(file: &List, camera: &str, base: Option<&str>) -> Result<Value, String> {
        let change = json!({ "add_camera": { "id": camera, "url": "rtsp://10.0.0.5/1" } });
        configure(file, &SystemClock, &[serde_json::from_value(change).unwrap()], base)
    }

    #[test]
    fn what_was_seen_is_saved_and_a_camera_that_stays_dark_has_it_taken_back() {
        let file = List::default();
        let seen = asked(&file, "yard", None).unwrap();
        assert_eq!((&seen["is_saved"], file.names.lock().unwrap().len()), (&json!(false), 0));
        assert_eq!(asked(&file, "yard", seen["base"].as_str()).unwrap()["is_saved"], true);
        assert_eq!(asked(&file, "yard", seen["base"].as_str()), Err("stale".to_owned()));
        let why = asked(&file, "dead-1", Some("yard")).unwrap_err();
        assert_eq!(why, "no picture came of dead-1 within 30 s, so the site file is as it was before");
        assert_eq!(*file.names.lock().unwrap(), ["yard"]);
        assert!(configure(&file, &SystemClock, &[], None).unwrap_err().contains("1 to 50"));
    }

    #[test]
    fn a_stream_that_is_changed_and_does_not_come_back_has_it_taken_back() {
        let file = List::default();
        let drawn = json!({ "shape": "mask", "id": "house", "is_there": false, "points": [[0, 0], [1, 0], [1, 1]] });
        let draw = |camera: &str| {
            let change = json!({ "draw": { "camera": camera, "drawn": drawn } });
            configure(&file, &SystemClock, &[serde_json::from_value(change).unwrap()], Some(""))
        };
        assert!(draw("gate").is_ok());
        let why = draw("dead-2").unwrap_err();
        assert_eq!(why, "no picture came of dead-2 within 30 s, so the site file is as it was before");
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_not_taken_back() {
        let file = List { meanwhile: Some("lawn"), ..List::default() };
        let why = asked(&file, "dead-1", Some("")).unwrap_err();
        assert!(why.contains("somebody changed the site file meanwhile"), "{why}");
        assert_eq!(*file.names.lock().unwrap(), ["dead-1", "lawn"]);
    }
}
