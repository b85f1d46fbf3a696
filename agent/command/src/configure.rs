//! Changes of the site file from upstream: seen, saved, and taken back where a stream that begins, or begins anew, does not come
//! up.

use std::time::Duration;

use forewarn_domain::site_change::SiteChange;
use forewarn_domain::{Clock, StreamId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::{Ask, Command};

/// A stream that begins gives a picture within so long.
const COME_UP: Duration = Duration::from_secs(30);
/// A camera that sends to this box notices that it was cut off, and begins again, within so long.
const SEND_AGAIN: Duration = Duration::from_mins(2);
/// Changes in one command.
const MOST: usize = 50;

/// The site file of the running agent.
pub trait SiteFile: Send {
    /// What the file would be with these changes, as JSON in which `base` names the file as it is now. Where `base` is given and
    /// the file is still that one, it is written and taken up.
    fn change(&self, changes: &[SiteChange], base: Option<&str>) -> Result<Value, String>;
    /// Names the file as it is now.
    fn name(&self) -> Result<String, String>;
    /// Names the file that [`SiteFile::undo`] would bring back; none where there is none.
    fn former_name(&self) -> Option<String>;
    /// Brings the file as it was before the last change back, and takes it up. The passwords of these cameras go, unless the file
    /// names them.
    fn undo(&self, passwords: &[StreamId]) -> Result<(), String>;
    /// The cameras whose streams would begin, or begin anew, with these changes. Asked before they are saved.
    fn streams(&self, changes: &[SiteChange]) -> Result<Vec<StreamId>, String>;
    /// Whether a camera sends to this box, which cannot have it begin.
    fn sends_here(&self, camera: &StreamId) -> bool;
    /// Whether a camera gives a picture within that time, by the stream that has begun since.
    fn gives_picture(&self, camera: &StreamId, within: Duration) -> bool;
}

/// A command that saves the site file and has not come to its end. An agent that is started anew ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The command's id.
    pub id: String,
    /// Who asked for it.
    pub by: String,
    /// Names the file as it was.
    before: String,
    /// The cameras whose streams begin, or begin anew.
    cameras: Vec<StreamId>,
    /// The new ones that brought a password.
    passwords: Vec<StreamId>,
}

impl Begun {
    /// Of a command that is let in, before it saves anything; none where it saves nothing.
    pub(crate) fn of(command: &Command, file: &dyn SiteFile) -> Result<Option<Self>, String> {
        let Ask::Configure { changes, base: Some(base) } = &command.ask else { return Ok(None) };
        let with_password = changes.iter().filter_map(|change| match change {
            SiteChange::AddCamera(camera) if !camera.password.is_empty() => Some(camera.id.clone()),
            _ => None,
        });
        Ok(Some(Self {
            id: command.id.clone(),
            by: command.by.clone(),
            before: base.clone(),
            cameras: file.streams(changes)?,
            passwords: with_password.collect(),
        }))
    }

    /// What came of one during which the agent stopped.
    pub(crate) fn end(&self, file: &dyn SiteFile, clock: &dyn Clock) -> Result<Value, String> {
        let saved = file.name()?;
        if saved == self.before {
            return Err("the agent stopped before the site file was saved, so it is as it was".to_owned());
        }
        if file.former_name().as_ref() != Some(&self.before) {
            let why =
                "the agent stopped meanwhile, and somebody has changed the site file since, so it stays as it is now";
            return Err(why.to_owned());
        }
        self.watch(file, clock, &saved).map(|()| Value::Null)
    }

    /// Waits for the streams, and takes the file back where one gives no picture.
    fn watch(&self, file: &dyn SiteFile, clock: &dyn Clock, saved: &str) -> Result<(), String> {
        let began = clock.now();
        let (senders, others): (Vec<_>, Vec<_>) = self.cameras.iter().partition(|camera| file.sends_here(camera));
        let mut why = None;
        for (cameras, within, but) in
            [(others, COME_UP, ""), (senders, SEND_AGAIN, ": it sends to this box, and has not begun again")]
        {
            let is_down = |camera: &&&StreamId| !file.gives_picture(camera, (began + within).since(clock.now()));
            let down: Vec<&str> = cameras.iter().filter(is_down).map(|camera| camera.as_str()).collect();
            if !down.is_empty() {
                why = Some(format!("no picture came of {} within {} s{but}", down.join(", "), within.as_secs()));
                break;
            }
        }
        let Some(why) = why else { return Ok(()) };
        if file.name().as_deref() != Ok(saved) {
            return Err(format!("{why}; somebody changed the site file meanwhile, so it stays as it is now"));
        }
        let undone = file.undo(&self.passwords);
        undone.map_err(|error| format!("{why}, and the site file could not be taken back: {error}"))?;
        Err(format!("{why}, so the site file is as it was before"))
    }
}

/// What the file would be; where the command saves it, what it is, or why it was taken back.
pub(crate) fn configure(
    file: &dyn SiteFile,
    clock: &dyn Clock,
    changes: &[SiteChange],
    command: &Command,
) -> Result<Value, String> {
    if !(1..=MOST).contains(&changes.len()) {
        return Err(format!("`changes` has 1 to {MOST} entries"));
    }
    let begun = Begun::of(command, file)?;
    let told = file.change(changes, begun.as_ref().map(|begun| begun.before.as_str()))?;
    if let Some(begun) = begun {
        begun.watch(file, clock, &file.name()?)?;
    }
    Ok(told)
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
            let before = self.name()?;
            if let Some(base) = base {
                if base != before {
                    return Err("stale".to_owned());
                }
                let added = changes.iter().filter_map(|change| match change {
                    SiteChange::AddCamera(camera) => Some(camera.id.to_string()),
                    _ => None,
                });
                self.names.lock().unwrap().extend(added);
            }
            Ok(json!({ "base": before, "is_saved": base.is_some() }))
        }

        fn name(&self) -> Result<String, String> {
            Ok(self.names.lock().unwrap().join(" "))
        }

        fn former_name(&self) -> Option<String> {
            let names = self.names.lock().unwrap();
            names.split_last().map(|(_, former)| former.join(" "))
        }

        fn undo(&self, passwords: &[StreamId]) -> Result<(), String> {
            let gone = self.names.lock().unwrap().pop();
            assert_eq!(passwords.iter().map(ToString::to_string).next(), gone);
            Ok(())
        }

        fn sends_here(&self, camera: &StreamId) -> bool {
            camera.as_str().ends_with("drone")
        }

        fn gives_picture(&self, camera: &StreamId, within: Duration) -> bool {
            assert!(within <= if self.sends_here(camera) { SEND_AGAIN } else { COME_UP });
            self.names.lock().unwrap().extend(self.meanwhile.map(str::to_owned));
            !camera.as_str().starts_with("dead")
        }
    }

    fn command(changes: &Value, base: Option<&str>) -> Command {
        let ask = json!({ "configure": { "changes": changes, "base": base } });
        let ask = serde_json::from_value(ask).unwrap();
        Command { id: "1".to_owned(), site: "north".to_owned(), by: "desk 3".to_owned(), expires_s: 0, ask }
    }

    fn adding(camera: &str, base: Option<&str>) -> Command {
        let camera = json!({ "id": camera, "url": "rtsp://10.0.0.5/1", "user": "ann", "password": "s3" });
        command(&json!([{ "add_camera": camera }]), base)
    }

    fn done(file: &List, command: &Command) -> Result<Value, String> {
        let Ask::Configure { changes, .. } = &command.ask else { panic!("{command:?}") };
        configure(file, &SystemClock, changes, command)
    }

    fn asked(file: &List, camera: &str, base: Option<&str>) -> Result<Value, String> {
        done(file, &adding(camera, base))
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
        assert!(done(&file, &command(&json!([]), None)).unwrap_err().contains("1 to 50"));
    }

    #[test]
    fn a_stream_that_is_changed_and_does_not_come_back_has_it_taken_back() {
        let file = List::default();
        let drawn = json!({ "shape": "mask", "id": "house", "is_there": false, "points": [[0, 0], [1, 0], [1, 1]] });
        let draw =
            |camera: &str| done(&file, &command(&json!([{ "draw": { "camera": camera, "drawn": drawn } }]), Some("")));
        assert!(draw("gate").is_ok());
        let why = draw("dead-2").unwrap_err();
        assert_eq!(why, "no picture came of dead-2 within 30 s, so the site file is as it was before");
        assert!(draw("drone").is_ok());
        let why = draw("dead-drone").unwrap_err();
        assert!(
            why.starts_with("no picture came of dead-drone within 120 s: it sends to this box, and has not"),
            "{why}"
        );
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_not_taken_back() {
        let file = List { meanwhile: Some("lawn"), ..List::default() };
        let why = asked(&file, "dead-1", Some("")).unwrap_err();
        assert!(why.contains("somebody changed the site file meanwhile"), "{why}");
        assert_eq!(*file.names.lock().unwrap(), ["dead-1", "lawn"]);
    }

    /// Wherever the agent stopped, its next start knows what is to be done.
    #[test]
    fn a_command_during_which_the_agent_stopped_comes_to_its_end() {
        let end = |camera: &str, names: &[&str]| {
            let file = List { names: Mutex::new(names.iter().map(ToString::to_string).collect()), meanwhile: None };
            let begun = Begun::of(&adding(camera, Some("gate")), &file).unwrap().unwrap();
            assert!(!serde_json::to_string(&begun).unwrap().contains("s3"), "a password is kept in its own file alone");
            let told = begun.end(&file, &SystemClock);
            (told.err().unwrap_or_default(), file.name().unwrap())
        };
        let (why, names) = end("yard", &["gate"]);
        assert!(why.contains("before the site file was saved") && names == "gate", "{why}");
        assert_eq!(end("yard", &["gate", "yard"]), (String::new(), "gate yard".to_owned()));
        let (why, names) = end("dead-1", &["gate", "dead-1"]);
        assert!(why.ends_with("so the site file is as it was before") && names == "gate", "{why}");
        let (why, names) = end("dead-1", &["gate", "dead-1", "lawn"]);
        assert!(why.contains("somebody has changed the site file since") && names == "gate dead-1 lawn", "{why}");
        let seen = Begun::of(&adding("yard", None), &List::default());
        assert_eq!(seen, Ok(None), "what is only seen needs no end");
    }
}
