//! Pushes to phones by a server of ntfy. Described for operators in `docs/recipients/ntfy.md`.
//!
//! Source: <https://docs.ntfy.sh/publish/>. All parameters go in the query, which takes every character, so that the body is the
//! text, or the picture where one is attached.

use std::fmt;
use std::sync::Arc;

use forewarn_base::http::{Answer, Ask};
use forewarn_base::secret::Secret;
use forewarn_base::setting::SettingError;
use forewarn_domain::violation::Language;
use forewarn_domain::{IncidentState, WallTime};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Start;
use super::http::table::http_table;
use super::http::{Recipient, Verdict, of_status, with_words};
use super::pattern::Pattern;
use super::people::{People, Picture, cut};
use super::purse::Purse;
use super::settings::{AdapterSettings, Surroundings, Usual};
use super::small::small;
use super::thin::{Budget, MOST_PICTURE_BYTES};
use crate::answers::{Button, ConsoleAddress};
use crate::outbox::QueuedReport;

/// The longest text; a longer one becomes a file. Source: "Limitations".
const MOST_BYTES: usize = 4096;

http_table! {
    /// A topic of ntfy as the site file describes it.
    pub struct NtfyConfig {
        /// A file whose first line is the access token, `tk_…`, where the topic asks for one.
        secret;
        /// Attaches the latest picture of the incident; the server must take attachments.
        #[serde(default)]
        pub picture: bool,
        /// The address of the picture that is shown, with `{bundle}`, `{incident}` and `{camera}`, instead of attaching it.
        #[serde(default)]
        pub picture_url: Option<String>,
        /// The address of the console as phones reach it: a message has buttons then, and opens the incident.
        #[serde(default)]
        pub console_url: Option<String>,
        /// The link is slow or metered: words go first and alone, then a picture of at most 15 kB, within this budget.
        #[serde(default)]
        pub thin: Option<Budget>,
    }
}

impl AdapterSettings for NtfyConfig {
    fn usual(&self) -> Usual {
        Usual::PEOPLE
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let keys = self.http();
        let url = keys.address()?;
        if url.path().trim_matches('/').is_empty() {
            return Err(SettingError::value("url", "it names no topic", "write it like \"https://ntfy.sh/TOPIC\""));
        }
        let attaches = self.picture && self.picture_url.is_none();
        let thin = self.thin.map(Budget::check).transpose()?;
        if thin.is_some() && !attaches {
            let why = "it has no effect where no picture is attached";
            return Err(SettingError::value("thin", why, "set picture = true and leave picture_url out"));
        }
        let ntfy = Ntfy {
            url,
            token: keys.secret(around)?,
            attaches,
            is_thin: self.thin.is_some(),
            picture_at: Pattern::of_picture(self.picture_url.as_deref())?,
            console: around.people.console(self.console_url.as_deref())?,
            id: around.id.to_owned(),
            people: Arc::clone(around.people),
        };
        let thin = thin.map(|budget| Purse::of(budget, &around));
        Ok(Arc::new(keys.open("ntfy server", ntfy, around)?.within(thin)))
    }
}

/// Says reports to phones.
#[derive(Clone)]
pub struct Ntfy {
    url: Url,
    token: Option<Secret>,
    attaches: bool,
    /// Pictures follow the words, small.
    is_thin: bool,
    picture_at: Option<Pattern>,
    console: Option<ConsoleAddress>,
    /// The upstream's id, which its buttons name.
    id: String,
    people: Arc<People>,
}

impl fmt::Debug for Ntfy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever knows a topic without a login may read it.
        f.write_str("Ntfy")
    }
}

/// Priority, 1 to 5, and the tag that is shown as a sign. Source: "Message priority", "Tags & emojis".
fn urgency(state: IncidentState) -> (u8, &'static str) {
    match state {
        IncidentState::Escalated => (5, "rotating_light"),
        IncidentState::Persisted => (4, "warning"),
        IncidentState::Complied | IncidentState::Closed => (2, "white_check_mark"),
        IncidentState::Lost | IncidentState::Over => (2, "grey_question"),
        _ => (3, "eyes"),
    }
}

impl Ntfy {
    fn question(&self, reports: &[QueuedReport], picture: Option<Picture>, sent_at: WallTime) -> Ask {
        let note = self.people.note(reports);
        let text = note.lines.join("\n");
        let text = cut(&text, MOST_BYTES);
        let states = reports.iter().map(|one| urgency(one.report.incident.state));
        let (priority, tag) = states.max().unwrap_or((3, "eyes"));
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("title", &note.title).append_pair("priority", &priority.to_string());
            let violation = reports.first().map(|one| one.report.incident.rule.violation.as_str()).unwrap_or_default();
            query.append_pair("tags", &format!("{tag},{violation}"));
            if let (Some(pattern), [one]) = (&self.picture_at, reports) {
                query.append_pair("attach", &pattern.of(&one.report));
            }
            if let (Some(console), [one]) = (&self.console, reports) {
                query.append_pair("click", &console.page(&one.report));
                let buttons = console.buttons(&self.id, &one.report, sent_at);
                if !buttons.is_empty() {
                    query.append_pair("actions", &actions(&buttons, self.people.language));
                }
            }
            if let Some(picture) = &picture {
                query.append_pair("filename", &picture.name).append_pair("message", text);
            }
        }
        let ask = match picture {
            Some(picture) => Ask { method: "PUT", ..Ask::post(url, "image/jpeg", picture.bytes) },
            None => Ask::post(url, "text/plain; charset=utf-8", text),
        };
        self.signed(ask)
    }

    fn signed(&self, ask: Ask) -> Ask {
        match &self.token {
            Some(token) => ask.with("authorization", format!("Bearer {}", token.expose())),
            None => ask,
        }
    }
}

/// Buttons that ask for their links by themselves, in the server's JSON. Source: "Action buttons".
fn actions(buttons: &[Button], language: Language) -> String {
    let one = |button: &Button| json!({ "action": "http", "label": button.answer.words(language), "url": button.url, "method": "POST", "clear": true });
    Value::from(buttons.iter().map(one).collect::<Vec<_>>()).to_string()
}

/// What the server says of a refusal. Source: its `errors.go`.
#[derive(Deserialize)]
struct Refusal {
    code: u32,
}

impl Recipient for Ntfy {
    const CAN_JOIN: bool = true;

    fn ask(&self, reports: &[QueuedReport], sent_at: WallTime) -> Ask {
        let picture = match reports {
            [one] if self.attaches && !self.is_thin => self.people.picture(&one.report),
            _ => None,
        };
        self.question(reports, picture, sent_at)
    }

    fn picture_after(&self, report: &QueuedReport) -> Option<Ask> {
        let picture = self.people.picture(&report.report)?;
        let bytes = small(&picture.bytes, MOST_PICTURE_BYTES)?;
        let mut url = self.url.clone();
        let title = self.people.note(std::slice::from_ref(report)).title;
        // It has rung with the words.
        url.query_pairs_mut()
            .append_pair("title", &title)
            .append_pair("priority", "2")
            .append_pair("filename", &picture.name)
            .append_pair("message", report.report.incident.id.as_str());
        Some(self.signed(Ask { method: "PUT", ..Ask::post(url, "image/jpeg", bytes) }))
    }

    fn read(&self, answer: &Answer) -> Verdict {
        let code = serde_json::from_slice::<Refusal>(&answer.body).map_or(0, |refusal| refusal.code);
        let words = match code {
            // Whatever is attached, the words must get there; people see at once what to mend.
            40014 => "the server takes no attachments; leave `picture` out, or set its attachment-cache-dir",
            41301 => "the picture is larger than the server takes, or its room is used up; leave `picture` out",
            42908 => "its limit of messages a day is reached",
            _ => return of_status(answer),
        };
        Verdict::later(with_words(answer, words))
    }
}
