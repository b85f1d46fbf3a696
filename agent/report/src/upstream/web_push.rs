//! Pushes to browsers and phones by Web Push (RFC 8030), signed (RFC 8292) and unreadable for who carries them (RFC 8291).
//! Described for operators in `docs/recipients/web-push.md`.
//!
//! A message is told to each phone that is signed up. Who takes it is not asked again when another has to be; a phone whose
//! service has ended its subscription is signed off.

mod round;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::hash::sha256_of_bytes;
use forewarn_base::http::{Ask, Http, public_address};
use forewarn_base::setting::SettingError;
use forewarn_base::tls::TlsFiles;
use forewarn_domain::{Clock, IncidentState, WallTime};
use forewarn_wire::EventSource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use self::round::{Memory, Message, PushUpstream, Reply};
use super::http::MOST_ANSWER_BYTES;
use super::http::table::default_timeout_s;
use super::link::{self, FromThread, ToThread};
use super::pattern::Pattern;
use super::people::{People, cut};
use super::settings::{AdapterSettings, Surroundings, Usual};
use super::{Adapter, Pace, Start};
use crate::answers::ConsoleAddress;
use crate::outbox::QueuedReport;
use crate::push::{self, MOST_BYTES, MOST_PHONES, Phone, Phones, SiteKey};

/// Pauses between attempts: people wait for these.
const WAITS: BackoffLimits =
    BackoffLimits { first: Duration::from_secs(1), longest: Duration::from_mins(1), jitter: 0.5 };
/// So long a push service keeps what a phone that is off does not take, as long as its buttons work.
const KEPT_S: i64 = crate::answers::LASTS_S;
/// Letters by which a service knows what replaces what. Source: RFC 8030, section 5.4.
const TOPIC_LETTERS: usize = 32;
/// What the text of a message is cut to, from the best on, until the message fits.
const TEXTS: [usize; 4] = [1500, 700, 300, 0];

/// Browsers and phones that are told, as the site file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebPushConfig {
    /// Where push services reach whoever runs the site: `mailto:…` or `https://…`.
    pub contact: String,
    /// The address of the console as phones reach it: a message has buttons then, and opens the incident.
    #[serde(default)]
    pub console_url: Option<String>,
    /// The address of the picture that is shown, with `{bundle}`, `{incident}` and `{camera}`.
    #[serde(default)]
    pub picture_url: Option<String>,
    /// Certificate authorities (PEM) to trust; the system's if not given.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Seconds for a question and its answer, 1 to 300.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u16,
}

impl AdapterSettings for WebPushConfig {
    fn usual(&self) -> Usual {
        Usual::PEOPLE
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        check_contact(&self.contact)?;
        if !(1..=300).contains(&self.timeout_s) {
            let why = format!("{} is out of range", self.timeout_s);
            return Err(SettingError::value("timeout_s", why, "write 1 to 300 seconds"));
        }
        let within = Duration::from_secs(u64::from(self.timeout_s));
        let files = TlsFiles { ca_file: self.ca_file.as_deref(), ..TlsFiles::default() };
        // Whose name is checked is known when a phone is told.
        let tls = files.load(around.directory, "push.example")?;
        Ok(Arc::new(WebPush {
            id: around.id.to_owned(),
            contact: self.contact.clone(),
            console: around.people.console(self.console_url.as_deref())?,
            picture_at: Pattern::of_picture(self.picture_url.as_deref())?,
            people: Arc::clone(around.people),
            phones: Phones::at(&around.people.web_push),
            http: Http::new(Some(tls), within),
            within,
            memory: Arc::default(),
        }))
    }
}

/// Whether somebody can be reached at it. Every push service reads it.
fn check_contact(contact: &str) -> Result<(), SettingError> {
    let wrong = |why: &str| Err(SettingError::value("contact", why, "write it like \"mailto:desk@example.org\""));
    let Ok(url) = Url::parse(contact) else { return wrong("push services want to know whom to write to") };
    let names_one = |(who, host): (&str, &str)| {
        let is_plain = |text: &str| !text.is_empty() && !text.contains([':', '@', '/', ',', ' ', '%']);
        is_plain(who) && is_plain(host)
    };
    match url.scheme() {
        _ if contact.contains(['{', '}']) => wrong("nothing is filled in here"),
        "mailto" if url.query().is_some() || url.fragment().is_some() => wrong("more than one mailbox stands in it"),
        "mailto" if url.path().split_once('@').is_some_and(names_one) => Ok(()),
        "mailto" if url.path().contains([':', '/']) => {
            wrong("a name or password in it would be shown to every push service")
        }
        "mailto" => wrong("it names no mailbox, or more than one"),
        "https" if !url.username().is_empty() || url.password().is_some() => {
            wrong("a name or password in it would be shown to every push service")
        }
        "https" => public_address("contact", contact, "write it like \"mailto:desk@example.org\"").map(drop),
        _ => wrong("push services want to know whom to write to"),
    }
}

/// Tells browsers and phones.
#[derive(Clone)]
pub struct WebPush {
    id: String,
    contact: String,
    console: Option<ConsoleAddress>,
    picture_at: Option<Pattern>,
    people: Arc<People>,
    phones: Phones,
    http: Http,
    within: Duration,
    /// Who has the message that is being told, over all connections.
    memory: Arc<Mutex<Memory>>,
}

impl fmt::Debug for WebPush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPush").field("id", &self.id).finish_non_exhaustive()
    }
}

impl WebPush {
    /// What the page's worker shows, as it reads it.
    fn text(&self, reports: &[QueuedReport], sent_at: WallTime) -> Vec<u8> {
        let note = self.people.note(reports);
        let one = if let [one] = reports { Some(&one.report) } else { None };
        let mut told = json!({ "title": cut(&note.title, 300), "urgent": is_urgent(reports) });
        if let Some(report) = one {
            told["tag"] = report.incident.id.as_str().into();
            told["image"] = self.picture_at.as_ref().map(|pattern| pattern.of(report)).into();
        }
        if let (Some(console), Some(report)) = (&self.console, one) {
            told["url"] = console.page(report).into();
            let buttons = console.buttons(&self.id, report, sent_at).into_iter().map(|button| {
                let (action, title) = (button.answer.as_str(), button.answer.words(self.people.language));
                json!({ "action": action, "title": title, "url": button.url })
            });
            told["actions"] = Value::from(buttons.collect::<Vec<_>>());
        }
        let text = note.lines.join("\n");
        let fitting = TEXTS.into_iter().find_map(|most| {
            told["body"] = cut(&text, most).into();
            Some(told.to_string().into_bytes()).filter(|bytes| bytes.len() <= MOST_BYTES)
        });
        // Names that leave no room for buttons leave room for what it is about.
        fitting.unwrap_or_else(|| {
            json!({ "title": cut(&note.title, 300), "urgent": is_urgent(reports) }).to_string().into()
        })
    }

    /// The question that hands a message over for one phone.
    fn ask(&self, key: &SiteKey, phone: &Phone, reports: &[QueuedReport], sent_at: WallTime) -> Result<Ask, String> {
        let endpoint = Url::parse(&phone.endpoint).map_err(|error| error.to_string())?;
        let body = push::seal(phone, &self.text(reports, sent_at)).map_err(|error| error.to_string())?;
        let now_s = sent_at.as_micros().div_euclid(1_000_000);
        let signed =
            push::authorization(key, &endpoint, &self.contact, now_s).ok_or("the system gives no random bytes")?;
        let urgency = if is_urgent(reports) { "high" } else { "normal" };
        let ask = Ask::post(endpoint, "application/octet-stream", body)
            .with("content-encoding", "aes128gcm")
            .with("authorization", signed)
            .with("ttl", KEPT_S.to_string())
            .with("urgency", urgency);
        Ok(match reports {
            // What came later of the same incident says all that an earlier message said.
            [one] => ask.with("topic", &sha256_of_bytes(one.report.incident.id.as_str().as_bytes())[..TOPIC_LETTERS]),
            _ => ask,
        })
    }
}

fn is_urgent(reports: &[QueuedReport]) -> bool {
    let urges = |state| matches!(state, IncidentState::Escalated | IncidentState::Persisted);
    reports.iter().any(|one| urges(one.report.incident.state))
}

impl Adapter for WebPush {
    type Upstream = PushUpstream;
    type Outward = ToThread<Message>;
    type Inward = FromThread<Reply>;

    fn peer(&self) -> String {
        "push services".to_owned()
    }

    fn pace(&self) -> Pace {
        // Phones are asked one after another, and each answer is waited for by whoever asks.
        let answer_within = self.within * MOST_PHONES as u32 + Duration::from_secs(10);
        Pace { answer_within, max_in_flight: 64, reconnect: WAITS, max_per_minute: None }
    }

    fn connect(&self, _: &EventSource, clock: &Arc<dyn Clock>) -> (PushUpstream, ToThread<Message>, FromThread<Reply>) {
        // Makes the key with the first start, so that phones can sign up; where that fails, the first message says so.
        if let Err(error) = self.phones.open(&self.id) {
            tracing::error!(upstream = self.id, %error, "no phone can sign up");
        }
        let http = self.http.clone();
        let (outward, inward) = link::open(format!("http-{}", self.id), Reply::Ready, move |message| match message {
            Message::Ask(ask) => Reply::Answered(http.ask(&ask, MOST_ANSWER_BYTES)),
            Message::Nobody(why) => Reply::Nobody(why),
            Message::Leave => Reply::Left,
        });
        (PushUpstream::new(self.clone(), Arc::clone(clock)), outward, inward)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use forewarn_wire::samples::{report, source};

    use super::*;

    fn resolve(keys: &str) -> Result<(), String> {
        let config: WebPushConfig = serde_json::from_str(&format!("{{{keys}}}")).map_err(|error| error.to_string())?;
        let (directory, people) = (Path::new("/nowhere"), Arc::default());
        let around = Surroundings { id: "officers", site: "north", directory, people: &people, environment: &|_| None };
        config.resolve_in(around).map(|_| ()).map_err(|error| error.line())
    }

    #[test]
    fn refusals_name_the_key_and_what_to_do() {
        let contact = r#""contact":"mailto:desk@example.org""#;
        for (keys, says) in [
            (r#""contact":"desk""#.to_owned(), "contact: push services want to know whom to write to; write it like"),
            (r#""contact":"https://ann:seven-herons@example.org/""#.to_owned(), "contact: a name or password in it"),
            (r#""contact":"https://{site}.example.org/""#.to_owned(), "contact: nothing is filled in here"),
            (r#""contact":"mailto:{who}@example.org""#.to_owned(), "contact: nothing is filled in here"),
            (r#""contact":"mailto:desk""#.to_owned(), "contact: it names no mailbox, or more than one"),
            (r#""contact":"mailto:a@b.example,c@d.example""#.to_owned(), "contact: it names no mailbox, or more"),
            (r#""contact":"mailto:ann:seven-herons@example.org""#.to_owned(), "contact: a name or password in it"),
            (r#""contact":"mailto:desk@example.org?body=seven-herons""#.to_owned(), "contact: more than one mailbox"),
            (r#""contact":"https://example.org/?password=seven-herons""#.to_owned(), "contact: `password=` in it"),
            (
                format!(r#"{contact},"picture_url":"https://a/{{bundle}}?pwd=seven-herons""#),
                "picture_url: `pwd=` in it",
            ),
            (
                format!(r#"{contact},"picture_url":"https://{{camera}}.example/""#),
                "picture_url: a placeholder stands in the host",
            ),
            (
                format!(r#"{contact},"console_url":"https://ann:seven-herons@a""#),
                "console_url: a name or password in the",
            ),
            (format!(r#"{contact},"timeout_s":0"#), "timeout_s: 0 is out of range; write 1 to 300"),
            (format!(r#"{contact},"console_url":"ftp://a""#), "console_url: the scheme is \"ftp\"; write it like"),
            (format!(r#"{contact},"console_url":"https://a/b""#), "console_url: it has a path or is very long"),
            (format!(r#"{contact},"ca_file":"ca.pem""#), "ca_file: failed to read /nowhere/ca.pem"),
            (format!(r#"{contact},"url":"https://a""#), "unknown field `url`"),
        ] {
            let refusal = resolve(&keys).unwrap_err();
            assert!(refusal.contains(says) && !refusal.contains("herons"), "{keys}: {refusal}");
        }
    }

    #[test]
    fn every_message_fits_into_what_push_services_take() {
        let people = Arc::new(People::default());
        let console = "https://".to_owned() + &"c".repeat(190);
        let push = WebPush {
            id: "o".repeat(60),
            contact: "mailto:desk@example.org".to_owned(),
            console: people.console(Some(&console)).unwrap(),
            picture_at: Pattern::of_picture(Some("https://pictures.example/{bundle}")).unwrap(),
            phones: Phones::at(Path::new("/nowhere")),
            http: Http::new(None, Duration::from_secs(1)),
            within: Duration::from_secs(1),
            memory: Arc::default(),
            people,
        };
        let queued = |n: u64| {
            let mut report = report(n, 5);
            report.incident.rule.zone = forewarn_domain::ZoneId::new("z").unwrap();
            QueuedReport { seq: n as i64, report, source: source() }
        };
        for n in [1, 3, 40] {
            let reports: Vec<QueuedReport> = (0..n).map(queued).collect();
            let text = push.text(&reports, WallTime::from_micros(0));
            let told: Value = serde_json::from_slice(&text).unwrap();
            assert!(text.len() <= MOST_BYTES && told["urgent"] == true && !told["body"].as_str().unwrap().is_empty());
            assert_eq!(told["tag"].is_string(), n == 1);
        }
    }
}
