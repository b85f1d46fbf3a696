//! What is said when: the registration first, reports while it holds, signs of life between them. Pure.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::digest::{Asked as Login, Challenge, asked as login_of};
use forewarn_base::http::{Answer, Ask};
use forewarn_base::sync::lock;
use forewarn_domain::{Clock, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Platform;
use super::objects::{object, scene_after};
use crate::outbox::QueuedReport;
use crate::upstream::http::{Message, Reply, Verdict, of_status, size, with_words};
use crate::upstream::thin::PictureCounts;
use crate::upstream::{Note, Upstream};

const MEDIA_TYPE: &str = "application/VIID+JSON";

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Register,
    KeepAlive,
    /// The report that waits longest.
    Report,
    /// The small picture of an object, after it.
    Picture,
    UnRegister,
}

/// One connection to a platform.
pub struct Session {
    platform: Platform,
    clock: Arc<dyn Clock>,
    waiting: VecDeque<QueuedReport>,
    /// Whose picture goes over a thin link now.
    picture: Option<QueuedReport>,
    asked: Option<Asked>,
    /// What is to be asked again, with this login.
    again: Option<(Asked, Challenge)>,
    /// Whether the latest question bore a login.
    has_logged_in: bool,
    is_registered: bool,
    /// Whether it was registered on this connection at some time.
    was_registered: bool,
    /// When the platform last heard of the device.
    heard_at: Timestamp,
    parting: Parting,
}

/// How far it has taken leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    Not,
    /// The agent stops.
    Wanted,
    /// The platform knows.
    Told,
    /// Nothing more is asked.
    Over,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_registered", &self.is_registered).finish_non_exhaustive()
    }
}

/// What the platform says of one object.
#[derive(Deserialize)]
struct Status {
    /// A number, by some as a text.
    #[serde(rename = "StatusCode")]
    code: Value,
    #[serde(rename = "StatusString", default)]
    words: String,
}

impl Session {
    pub(super) fn new(platform: Platform, clock: Arc<dyn Clock>) -> Self {
        let heard_at = clock.now();
        Self {
            platform,
            clock,
            waiting: VecDeque::new(),
            picture: None,
            asked: None,
            again: None,
            has_logged_in: false,
            is_registered: false,
            was_registered: false,
            heard_at,
            parting: Parting::Not,
        }
    }

    fn keep_alive(&self) -> Duration {
        Duration::from_secs(u64::from(self.platform.keep_alive_s))
    }

    /// What is to be asked now.
    fn due(&mut self) -> Option<Asked> {
        if !self.is_registered {
            return Some(Asked::Register);
        }
        if !self.waiting.is_empty() {
            return Some(Asked::Report);
        }
        if self.parting == Parting::Wanted {
            return Some(Asked::UnRegister);
        }
        if self.clock.now().since(self.heard_at) >= self.keep_alive() {
            return Some(Asked::KeepAlive);
        }
        self.take_picture().then_some(Asked::Picture)
    }

    /// Whether a picture is to go now: the one that did not get there, or the next that the budget has room for.
    fn take_picture(&mut self) -> bool {
        let (now, Some(thin)) = (self.clock.now(), &self.platform.thin) else { return false };
        if self.picture.is_none() {
            self.picture = thin.lock().next(now);
        }
        self.picture.is_some()
    }

    /// A picture got there, or never will.
    fn picture_done(&mut self, is_sent: bool) {
        if let (Some(_), Some(thin)) = (self.picture.take(), &self.platform.thin) {
            thin.lock().done(is_sent);
        }
    }

    fn question(&self, asked: Asked) -> Option<Ask> {
        let device = json!({ "DeviceID": self.platform.device.id });
        let (path, body) = match asked {
            Asked::Register => ("System/Register", json!({ "RegisterObject": device })),
            Asked::KeepAlive => ("System/Keepalive", json!({ "KeepaliveObject": device })),
            Asked::UnRegister => ("System/UnRegister", json!({ "UnRegisterObject": device })),
            Asked::Report => {
                let has_pictures = self.platform.thin.is_none();
                object(&self.platform.device, &self.platform.people, self.waiting.front()?, has_pictures)
            }
            Asked::Picture => scene_after(&self.platform.device, &self.platform.people, self.picture.as_ref()?)?,
        };
        let url = self.platform.url.join(&format!("/VIID/{path}")).ok()?;
        let ask = Ask::post(url, MEDIA_TYPE, body.to_string());
        Some(ask.with("User-Identify", &self.platform.device.id))
    }

    fn answered(&mut self, asked: Asked, answer: &Answer) -> Note {
        if answer.status == 401 {
            return self.unknown(asked, answer);
        }
        let verdict = verdict(answer);
        let is_lost =
            answer.status == 403 || matches!(&verdict, Verdict::Later { why, .. } if why.starts_with(NOT_NOW));
        match (asked, verdict) {
            (Asked::UnRegister, _) => {
                self.parting = Parting::Told;
                Note::Nothing
            }
            (Asked::Register, Verdict::Delivered) => {
                self.heard_at = self.clock.now();
                self.is_registered = true;
                let is_first = !std::mem::replace(&mut self.was_registered, true);
                if is_first { Note::Ready } else { Note::Nothing }
            }
            (Asked::Register, Verdict::Later { why, .. } | Verdict::Never(why)) => {
                Note::Away { why: format!("the platform does not register the device: {why}") }
            }
            (_, Verdict::Later { why, .. }) if is_lost && self.was_registered => self.lost(&why),
            (Asked::KeepAlive, Verdict::Delivered) => {
                self.heard_at = self.clock.now();
                Note::Nothing
            }
            (Asked::KeepAlive, Verdict::Later { why, .. } | Verdict::Never(why)) => self.lost(&why),
            (Asked::Picture, verdict) => {
                tracing::debug!(?verdict, "a picture was handed over after its object");
                self.picture_done(verdict == Verdict::Delivered);
                Note::Nothing
            }
            (Asked::Report, verdict) => self.reported(verdict),
        }
    }

    /// The platform asks who this is.
    fn unknown(&mut self, asked: Asked, answer: &Answer) -> Note {
        let headers = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
        match login_of(headers.map(|(_, value)| value.as_str())) {
            Login::Digest(challenge) if !self.has_logged_in => {
                self.again = Some((asked, challenge));
                Note::Nothing
            }
            Login::Digest(_) if asked == Asked::Register => {
                let why = "it refuses the login; look at `user`, `device_id` and the password".to_owned();
                Note::Away { why }
            }
            Login::Basic | Login::Other(_) if asked == Asked::Register => {
                Note::Away { why: "it asks for another login than digest".to_owned() }
            }
            _ => self.lost(&with_words(answer, "it does not know the device any more")),
        }
    }

    /// The platform has forgotten the device, which registers anew; what was to be told stays the next.
    fn lost(&mut self, why: &str) -> Note {
        tracing::info!(upstream = self.platform.id, why, "the registration is lost and is made anew");
        self.is_registered = false;
        Note::Nothing
    }

    fn reported(&mut self, verdict: Verdict) -> Note {
        let Some(report) = self.waiting.front() else { return Note::Nothing };
        let (seq, id) = (report.seq, report.id());
        match verdict {
            Verdict::Delivered => {
                lock(&self.platform.refusals).delivered();
                self.heard_at = self.clock.now();
                if let (Some(report), Some(thin)) = (self.waiting.pop_front(), &self.platform.thin) {
                    thin.lock().follow(&report);
                }
                Note::Acknowledged(seq)
            }
            Verdict::Never(why) if lock(&self.platform.refusals).is_enough(&id) => {
                self.waiting.pop_front();
                Note::GivenUp { places: vec![seq], why: format!("{id}: {why}") }
            }
            Verdict::Never(why) => Note::Refused { what: "a report", why: format!("{id}: {why}"), after: None },
            Verdict::Later { why, after } => Note::Refused { what: "a report", why, after },
        }
    }
}

/// What a refusal begins with that may come of a lost registration.
const NOT_NOW: &str = "code 4";

/// What an answer says: the status, and the code of each object in it.
fn verdict(answer: &Answer) -> Verdict {
    let verdict = of_status(answer);
    if verdict != Verdict::Delivered {
        return verdict;
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let list = told.pointer("/ResponseStatusListObject/ResponseStatusObject").or(told.get("ResponseStatusObject"));
    let all: Vec<Status> = match list {
        Some(Value::Array(all)) => all.iter().filter_map(|one| Status::deserialize(one).ok()).collect(),
        Some(one) => Status::deserialize(one).into_iter().collect(),
        None => Vec::new(),
    };
    if all.is_empty() {
        return Verdict::later("its answer says nothing of what it was sent");
    }
    let code = |status: &Status| status.code.as_i64().or_else(|| status.code.as_str()?.trim().parse().ok());
    match all.iter().find(|status| code(status) != Some(0)) {
        None => Verdict::Delivered,
        Some(status) => {
            let why = format!("code {}, {:?}", status.code.to_string().trim_matches('"'), status.words);
            match code(status) {
                // Form and content. Source: public implementations.
                Some(5..=7) => Verdict::Never(why),
                _ => Verdict::later(why),
            }
        }
    }
}

impl Upstream for Session {
    type Message = Message;
    type Answer = Reply;

    fn handle_report(&mut self, report: &QueuedReport) {
        self.waiting.push_back(report.clone());
    }

    fn handle_answer(&mut self, reply: Reply) -> Note {
        match reply {
            // It is ready when it is registered.
            Reply::Ready => Note::Nothing,
            Reply::Left => Note::Left,
            Reply::Answered(Err(error)) => {
                self.picture_done(false);
                Note::Away { why: error.to_string() }
            }
            Reply::Answered(Ok(answer)) => match self.asked.take() {
                Some(asked) => self.answered(asked, &answer),
                None => Note::Nothing,
            },
        }
    }

    fn handle_stop(&mut self) {
        self.parting = Parting::Wanted;
    }

    fn is_owed_an_answer(&self) -> bool {
        self.asked.is_some()
    }

    fn rest(&self) -> Option<Duration> {
        if self.asked.is_some() || !self.is_registered {
            return None;
        }
        let now = self.clock.now();
        let left = self.keep_alive().saturating_sub(now.since(self.heard_at));
        let picture = self.platform.thin.as_ref().and_then(|thin| thin.lock().rest(now));
        Some(picture.map_or(left, |rest| left.min(rest)).max(Duration::from_millis(1)))
    }

    fn pictures(&self) -> PictureCounts {
        let thin = self.platform.thin.as_ref();
        thin.map(|thin| thin.lock().counts(self.clock.now())).unwrap_or_default()
    }

    fn poll_message(&mut self) -> Option<Message> {
        if self.asked.is_some() || self.parting == Parting::Over {
            return None;
        }
        if self.parting == Parting::Told {
            self.parting = Parting::Over;
            return Some(Message::Leave);
        }
        let again = self.again.take();
        self.has_logged_in = again.is_some();
        let (asked, challenge) = again.map_or_else(|| (self.due(), None), |(asked, it)| (Some(asked), Some(it)));
        let asked = asked?;
        let Some(ask) = self.question(asked) else {
            if asked == Asked::Picture {
                // There is none that can be read by now.
                self.picture_done(false);
            }
            return None;
        };
        if let Some(thin) = &self.platform.thin {
            thin.spend(self.clock.now(), size(&ask));
        }
        self.asked = Some(asked);
        let path = ask.url.find("/VIID/").and_then(|at| ask.url.get(at..)).unwrap_or_default().to_owned();
        let login = challenge.map(|challenge| challenge.answer(&self.platform.login, ask.method, &path));
        Some(Message::Ask(match login {
            Some(login) => ask.with("authorization", login),
            None => ask,
        }))
    }
}
