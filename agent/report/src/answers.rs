//! Answer links: by one in a message to a phone, whoever has the message says one thing about its incident, once.
//!
//! A link names the incident, what is said, the upstream that it was sent to and when it ends, and is signed with
//! HMAC-SHA256 by a key that never leaves the box. The key and the links that were used lately are one file. A link is noted
//! as used on the disk before anything comes of it, so that it works at most once wherever a power cut falls.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use forewarn_base::sync::lock;
use forewarn_base::{durable, hash, private};
use forewarn_domain::violation::Language;
use forewarn_domain::{CaseStage, IncidentId, IncidentState, Report, WallTime};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

/// So long after its message a link can be used: a shift.
pub const LASTS_S: i64 = 12 * 3600;
/// Used links that are remembered; beyond that those that end first count as used without being named.
const MOST_USED: usize = 2_000;
/// Bytes of the key.
const KEY_BYTES: usize = 32;

/// Who reads and writes the file does so alone; the phones' threads and the console are in one process.
static ALONE: Mutex<()> = Mutex::new(());

/// What is said by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Whoever was told has read it.
    Received,
    /// Somebody is at the place.
    OnSite,
    /// There was nothing.
    FalseAlarm,
}

impl Answer {
    /// The word used in links, messages and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::OnSite => "on_site",
            Self::FalseAlarm => "false_alarm",
        }
    }

    /// What its button says.
    pub fn words(self, language: Language) -> &'static str {
        let (en, zh) = match self {
            Self::Received => ("Received", "已接收"),
            Self::OnSite => ("On site", "已到场"),
            Self::FalseAlarm => ("False alarm", "误报"),
        };
        if language == Language::Zh { zh } else { en }
    }

    /// The stage that a case has by it; none where it is no step of a case.
    pub fn stage(self) -> Option<CaseStage> {
        match self {
            Self::Received => Some(CaseStage::Received),
            Self::OnSite => Some(CaseStage::OnSite),
            Self::FalseAlarm => None,
        }
    }
}

/// What a link stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerLink {
    /// The incident.
    #[serde(rename = "i")]
    pub incident: IncidentId,
    /// What is said about it.
    #[serde(rename = "a")]
    pub answer: Answer,
    /// The upstream that it was sent to.
    #[serde(rename = "u")]
    pub upstream: String,
    /// When it ends, in seconds since the Unix epoch.
    #[serde(rename = "x")]
    pub expires_s: i64,
}

/// Why nothing comes of a link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It was not made here, or not by this key.
    #[error("this link was not made by this box: open the one in the message, whole")]
    Unknown,
    /// It has ended.
    #[error("this link ended {0} min ago: answer in the console, or by a newer message")]
    Ended(i64),
    /// It was used.
    #[error("this link was used before, and each works once: answer in the console, or by a newer message")]
    Used,
    /// The file cannot be read or written.
    #[error("failed to note that this link is used in {path}: {source}; try it again when the disk takes it")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What the file holds.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// The key, in base64.
    key: String,
    /// The hashes of links that were used and have not ended, with when they end.
    #[serde(default)]
    used: BTreeMap<String, i64>,
    /// Links that end by then may have been used and forgotten, though a clock that was set back calls them good.
    #[serde(default)]
    forgotten_s: i64,
}

/// Makes links and lets each be used once.
#[derive(Debug, Clone)]
pub struct Links {
    place: PathBuf,
}

impl Links {
    /// With the key and the memory of the file at `place`, which is made with the first link.
    pub fn at(place: &Path) -> Self {
        Self { place: place.to_owned() }
    }

    /// The texts of these links.
    pub fn sign<const N: usize>(&self, links: [AnswerLink; N]) -> io::Result<[String; N]> {
        let _alone = lock(&ALONE);
        let kept = match self.load()? {
            Some(kept) => kept,
            None => self.begin()?,
        };
        let key = key_of(&kept)?;
        Ok(links.map(|link| {
            // A link of texts and numbers always has a JSON form.
            let said = BASE64.encode(serde_json::to_string(&link).unwrap_or_default());
            let tag = BASE64.encode(hmac::sign(&key, said.as_bytes()));
            format!("{said}.{tag}")
        }))
    }

    /// What a link stands for, if it may still be used.
    pub fn read(&self, text: &str, now: WallTime) -> Result<AnswerLink, LinkError> {
        let _alone = lock(&ALONE);
        self.judge(text, now).map(|(link, _)| link)
    }

    /// The same, and from now on it may not be used any more.
    pub fn take(&self, text: &str, now: WallTime) -> Result<AnswerLink, LinkError> {
        let _alone = lock(&ALONE);
        let (link, mut kept) = self.judge(text, now)?;
        kept.used.insert(hash::sha256_of_bytes(text.as_bytes()), link.expires_s);
        forget(&mut kept, seconds(now));
        self.write(&kept).map_err(|source| self.failed(source))?;
        Ok(link)
    }

    fn judge(&self, text: &str, now: WallTime) -> Result<(AnswerLink, Kept), LinkError> {
        let kept = self.load().map_err(|source| self.failed(source))?.ok_or(LinkError::Unknown)?;
        let key = key_of(&kept).map_err(|source| self.failed(source))?;
        let link = verified(&key, text).ok_or(LinkError::Unknown)?;
        let over_s = seconds(now) - link.expires_s;
        if over_s >= 0 {
            return Err(LinkError::Ended(over_s / 60));
        }
        let is_used = kept.used.contains_key(&hash::sha256_of_bytes(text.as_bytes()));
        if is_used || link.expires_s <= kept.forgotten_s {
            return Err(LinkError::Used);
        }
        Ok((link, kept))
    }

    fn load(&self) -> io::Result<Option<Kept>> {
        match std::fs::read(&self.place) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn begin(&self) -> io::Result<Kept> {
        let mut key = [0; KEY_BYTES];
        SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let kept = Kept { key: BASE64.encode(key), ..Kept::default() };
        private::create_dirs(private::folder_of(&self.place))?;
        self.write(&kept)?;
        Ok(kept)
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        durable::replace(&self.place, &serde_json::to_vec(kept)?)
    }

    fn failed(&self, source: io::Error) -> LinkError {
        LinkError::File { path: self.place.clone(), source }
    }
}

fn seconds(at: WallTime) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

fn key_of(kept: &Kept) -> io::Result<hmac::Key> {
    let bytes = BASE64.decode(&kept.key).ok().filter(|bytes| bytes.len() == KEY_BYTES);
    let bytes = bytes.ok_or_else(|| io::Error::other("it holds no key; delete it, and older links end"))?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn verified(key: &hmac::Key, text: &str) -> Option<AnswerLink> {
    let (said, tag) = text.split_once('.')?;
    hmac::verify(key, said.as_bytes(), &BASE64.decode(tag).ok()?).ok()?;
    serde_json::from_slice(&BASE64.decode(said).ok()?).ok()
}

/// Drops what has ended, and what is too much, which then counts as used by its end.
fn forget(kept: &mut Kept, now_s: i64) {
    let mut by_end: Vec<i64> = kept.used.values().copied().collect();
    by_end.sort_unstable();
    let surplus = by_end.len().saturating_sub(MOST_USED).checked_sub(1).and_then(|n| by_end.get(n).copied());
    let until_s = now_s.max(surplus.unwrap_or(i64::MIN));
    let forgotten = kept.used.values().copied().filter(|end| *end <= until_s).max();
    kept.forgotten_s = kept.forgotten_s.max(forgotten.unwrap_or_default());
    kept.used.retain(|_, end| *end > until_s);
}

/// A button of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What it says by itself.
    pub answer: Answer,
    /// Its link, which is asked for by `POST`; opened by hand, it asks whether that is meant.
    pub url: String,
}

/// The address of the console, as phones reach it.
#[derive(Debug, Clone)]
pub struct ConsoleAddress {
    base: String,
    links: Links,
}

impl ConsoleAddress {
    /// The console at an address without path.
    pub fn new(url: &url::Url, links: Links) -> Self {
        Self { base: url.as_str().trim_end_matches('/').to_owned(), links }
    }

    /// Where the incident is shown.
    pub fn page(&self, report: &Report) -> String {
        format!("{}/incidents/{}", self.base, report.incident.id)
    }

    /// The buttons of a message about an incident that was escalated: what may still be said. None where the key cannot be
    /// read or made; the words go out all the same.
    pub fn buttons(&self, upstream: &str, report: &Report, sent_at: WallTime) -> Vec<Button> {
        let stage = report.incident.case.as_deref().map(|case| case.stage);
        let is_asked = report.incident.state == IncidentState::Escalated || report.case_step().is_some();
        if !is_asked || stage.is_some_and(CaseStage::is_end) {
            return Vec::new();
        }
        let link = |answer| AnswerLink {
            incident: report.incident.id.clone(),
            answer,
            upstream: upstream.to_owned(),
            expires_s: seconds(sent_at) + LASTS_S,
        };
        let answers = [Answer::Received, Answer::OnSite, Answer::FalseAlarm];
        let texts = match self.links.sign(answers.map(link)) {
            Ok(texts) => texts,
            Err(error) => {
                tracing::error!(upstream, %error, "a message goes without buttons: the key of links cannot be had");
                return Vec::new();
            }
        };
        let may = |answer: Answer| answer.stage().is_none_or(|next| stage.is_none_or(|stage| stage < next));
        let named = answers.into_iter().zip(texts).filter(|(answer, _)| may(*answer));
        named.map(|(answer, text)| Button { answer, url: format!("{}/api/v1/answers/{text}", self.base) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use forewarn_wire::samples::{case_report, report};

    use super::*;

    fn at(s: i64) -> WallTime {
        WallTime::from_micros(s * 1_000_000)
    }

    fn link(incident: &str, expires_s: i64) -> AnswerLink {
        let incident = IncidentId::from_stored(incident);
        AnswerLink { incident, answer: Answer::OnSite, upstream: "officers".to_owned(), expires_s }
    }

    #[test]
    fn a_link_works_once_also_after_a_restart_and_not_after_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("answer-links.json");
        let links = Links::at(&place);
        let [first, second] = links.sign([link("a", 100), link("b", 100)]).unwrap();
        assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(links.read(&first, at(50)).unwrap(), link("a", 100), "to look is not to use");
        assert_eq!(links.take(&first, at(50)).unwrap(), link("a", 100));
        assert!(matches!(Links::at(&place).take(&first, at(51)), Err(LinkError::Used)));
        assert!(matches!(links.take(&second, at(220)), Err(LinkError::Ended(2))));
        let [third] = links.sign([link("c", 900)]).unwrap();
        links.take(&third, at(300)).unwrap();
        assert!(
            matches!(links.take(&first, at(50)), Err(LinkError::Used)),
            "a clock that is set back brings nothing back"
        );
    }

    #[test]
    fn nobody_makes_one_without_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let (own, other) = (Links::at(&dir.path().join("a")), Links::at(&dir.path().join("b")));
        let [text] = own.sign([link("a", 100)]).unwrap();
        assert!(matches!(other.read(&text, at(0)), Err(LinkError::Unknown)), "there is no key yet");
        other.sign([link("a", 100)]).unwrap();
        let (said, tag) = text.split_once('.').unwrap();
        let changed = BASE64.encode(BASE64.decode(said).unwrap().into_iter().rev().collect::<Vec<_>>());
        for forged in [text.clone(), format!("{changed}.{tag}"), said.to_owned(), format!("{said}."), String::new()] {
            assert!(matches!(other.take(&forged, at(0)), Err(LinkError::Unknown)), "{forged}");
        }
        assert!(own.take(&text, at(0)).is_ok());
    }

    #[test]
    fn the_memory_is_bounded_and_what_is_forgotten_stays_used() {
        let used = (0..MOST_USED as i64 + 5).map(|n| (format!("{n}"), 1_000 + n)).collect();
        let mut kept = Kept { used, ..Kept::default() };
        forget(&mut kept, 10);
        assert_eq!((kept.used.len(), kept.forgotten_s), (MOST_USED, 1_004));
        forget(&mut kept, 1_010);
        assert_eq!((kept.used.len(), kept.forgotten_s), (MOST_USED - 6, 1_010));
    }

    #[test]
    fn buttons_are_what_may_still_be_said() {
        let dir = tempfile::tempdir().unwrap();
        let url = url::Url::parse("https://console.example/").unwrap();
        let console = ConsoleAddress::new(&url, Links::at(&dir.path().join("links")));
        let said = |report: &Report| -> Vec<Answer> {
            console.buttons("officers", report, at(0)).into_iter().map(|button| button.answer).collect()
        };
        let escalated = report(1, 5);
        assert_eq!(escalated.incident.state, IncidentState::Escalated);
        assert_eq!(said(&escalated), [Answer::Received, Answer::OnSite, Answer::FalseAlarm]);
        assert_eq!(said(&case_report(1)), [Answer::OnSite, Answer::FalseAlarm], "it was received");
        assert_eq!(said(&report(1, 2)), [], "nobody is asked for anything yet");
        let button = console.buttons("officers", &escalated, at(0)).remove(0);
        let text = button.url.strip_prefix("https://console.example/api/v1/answers/").unwrap();
        let link = console.links.take(text, at(LASTS_S - 1)).unwrap();
        assert_eq!((link.incident, link.upstream.as_str()), (escalated.incident.id.clone(), "officers"));
        assert_eq!(console.page(&escalated), format!("https://console.example/incidents/{}", escalated.incident.id));
    }
}
