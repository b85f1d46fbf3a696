//! Devices that play what they are asked for over HTTP: IP horns, cameras with a speaker, paging gateways.
//!
//! What a model is asked stands in its [template](template), so that a further model takes a file and no code.

mod client;
mod error;
mod paced;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::http::address;
use forewarn_base::secret::{Credentials, PasswordSource};
use forewarn_base::setting::SettingError;
use forewarn_base::tls::TlsFiles;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Announcement, Playback, Proof, SpeakerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Adapter, Mistake, Settings};
use crate::speaker::common::SpeakerDoubt;
use crate::speaker::error::PlayError;
use crate::speaker::programme::{Codec, Programme};
use crate::speaker::run::{Limits, pause};
use crate::speaker::template::{Clips, Escape, Words, fill, shown};
use client::{Answer, Client, Payload, Request};
use error::HttpError;
use forewarn_base::random::random;
use paced::Paced;
use template::{Body, End, Template};

/// A device that never says that it has begun is given up after this.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);
const URL_MEND: &str = "write it like \"http://192.168.1.40/api/play\"";

/// A device that plays what it is asked for over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The address that plays: `http://192.168.1.40/api/play`. No user or password in it.
    pub url: String,
    /// What the model is asked: `clip-by-id`, `raw-audio`, `text`, or a file, relative to the site file.
    pub template: String,
    /// Certificate authorities (PEM) to trust, or the device's own certificate; the system's authorities if not given.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// A file whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// How the password is shown to the device.
    #[serde(default)]
    pub auth: Auth,
    /// The device's clips by the sound files of violations.
    #[serde(default)]
    pub clips: BTreeMap<String, String>,
    /// The clip for everything else.
    #[serde(default)]
    pub clip: Option<String>,
    /// Values of the template that are others here.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Seconds in which the device must answer.
    #[serde(default = "five_seconds")]
    pub answer_s: f64,
}

/// How a password is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// By digest: it does not leave the box.
    #[default]
    Digest,
    /// As it is: who can listen to the network can read it.
    Basic,
}

fn five_seconds() -> f64 {
    5.0
}

impl Settings for HttpConfig {
    fn check(&self, base_dir: &Path) -> Result<(), Mistake> {
        self.resolve(base_dir).map(drop).map_err(Mistake::from)
    }

    fn doubt(&self) -> Option<SpeakerDoubt> {
        (self.auth == Auth::Basic && self.url.starts_with("http://")).then(|| SpeakerDoubt {
            key: "auth",
            problem: "the password goes through the network as it is".to_owned(),
            mend: "set the device to digest and leave `auth` out".to_owned(),
        })
    }

    fn is_sounded_here(&self, base_dir: &Path) -> bool {
        Template::load(&self.template, &self.set, base_dir).is_ok_and(|template| template.carries_sound())
    }

    fn adapter(&self, _id: &SpeakerId, base_dir: &Path) -> Result<Box<dyn Adapter>, Mistake> {
        Ok(Box::new(self.resolve(base_dir)?))
    }
}

impl HttpConfig {
    fn resolve(&self, base_dir: &Path) -> Result<Http, SettingError> {
        let url = address("url", &self.url, URL_MEND)?;
        let files = TlsFiles { ca_file: self.ca_file.as_deref(), ..TlsFiles::default() };
        let tls = match url.scheme() {
            "https" => Some(files.load(base_dir, url.host_str().unwrap_or_default())?),
            _ if self.ca_file.is_some() => {
                return Err(SettingError::value("ca_file", "it has no effect without TLS", "use an https:// URL"));
            }
            _ => None,
        };
        if !(0.1..=60.0).contains(&self.answer_s) {
            let why = format!("{} is not within 0.1 to 60 seconds", self.answer_s);
            return Err(SettingError::value("answer_s", why, "write 5.0"));
        }
        let password = PasswordSource::of(self.password_file.as_deref(), self.password_env.as_deref())?;
        let environment = |name: &str| std::env::var(name).ok();
        let login = Credentials::read(self.user.as_deref(), password.as_ref(), base_dir, &environment)?;
        let template = Template::load(&self.template, &self.set, base_dir)?;
        let clips = Clips { by_file: self.clips.clone(), otherwise: self.clip.clone() };
        if template.needs_clip() && clips.is_empty() {
            let why = "the template asks for a clip and none is named";
            return Err(SettingError::value("clip", why, "set `clip`, or `clips` by the sound files of violations"));
        }
        let patience = Duration::from_secs_f64(self.answer_s);
        let client = Client { login, auth: self.auth, ..Client::new(url, tls, patience) };
        Ok(Http { client, template, clips })
    }
}

/// One device with what its model is asked.
struct Http {
    client: Client,
    template: Template,
    clips: Clips,
}

/// A request with the sound that it carries, if it carries any.
struct Order {
    request: Request,
    sound: Option<Duration>,
    what: String,
}

impl Adapter for Http {
    fn announce(
        &mut self,
        programme: &mut Programme<'_>,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<Playback, PlayError> {
        programme.wait_for_the_device();
        let texts = self.template.texts();
        let words = self.clips.words(&self.template.values, announcement, programme, &texts)?;
        let order = self.order(programme, &words, limits)?;
        let lasts = self.lasts(order.sound, announcement);
        if let Some(lasts) = lasts {
            limits.check(lasts)?;
        }
        let watch = Stopwatch::start();
        let is_streamed = matches!(order.request.payload, Payload::Stream(_));
        let asked = self.client.ask(&order.request, limits.left());
        if asked.is_err() {
            // A device that is posted to falls silent where that ends.
            limits.go_on()?;
        }
        let answer = asked?;
        self.judge(&answer, &words)?;
        let told = answer.in_words();
        let sent = format!("{} {}{}", order.request.method, self.shown(&order.request.url), order.what);
        match (&self.template.end, lasts) {
            (End::Duration { .. }, Some(lasts)) => {
                // A stream sounds from its first byte on, a file only when the device has all of it.
                pause(if is_streamed { lasts.saturating_sub(watch.elapsed()) } else { lasts });
                Ok(Playback::new(lasts, Proof::Sent, sent).answered(told))
            }
            (End::Answer | End::Duration { .. }, _) => {
                Ok(Playback::new(watch.elapsed(), Proof::Acknowledged, sent).answered(told))
            }
            (End::Poll { .. }, _) => {
                let told = format!("{told}; then {}", self.poll(&words, limits)?);
                Ok(Playback::new(watch.elapsed(), Proof::Acknowledged, sent).answered(told))
            }
        }
    }

    fn probe(&self) -> Result<String, PlayError> {
        let peer = self.client.peer();
        let what = match &self.template.end {
            End::Poll { path, .. } => {
                let answer = self.client.ask(&self.get(path, &self.template.values), self.client.patience)?;
                format!("it says {}", answer.in_words())
            }
            End::Answer | End::Duration { .. } => {
                self.client.connect()?;
                "it takes connections; whether it plays is not tried".to_owned()
            }
        };
        Ok(format!("HTTP to {peer}: {what}"))
    }
}

impl Http {
    fn order(&self, programme: &mut Programme<'_>, words: &Words, limits: &Limits) -> Result<Order, PlayError> {
        let play = &self.template.play;
        let mut headers: Vec<_> = play
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), one_line(&fill(value, words, Escape::Plain))))
            .collect();
        let clip = words.get("clip").filter(|clip| !clip.is_empty()).map(|clip| format!(", clip {clip}"));
        let (mut sound, mut what) = (None, clip.unwrap_or_default());
        let payload = match &play.body {
            Body::None => Payload::None,
            Body::Text { r#type, text } => {
                headers.push(("Content-Type".to_owned(), r#type.clone()));
                Payload::Bytes(fill(text, words, Escape::of(r#type)).into_bytes())
            }
            Body::Stream { codec, r#type } => {
                headers.push(("Content-Type".to_owned(), r#type.clone()));
                let paced =
                    Paced { bytes: programme.encoded(codec.codec())?, rate_hz: Codec::RATE_HZ, limits: limits.clone() };
                sound = Some(paced.duration());
                what = format!(", {} bytes of G.711", paced.bytes.len());
                Payload::Stream(paced)
            }
            Body::Wav { field, fields } => {
                let pcm = programme.pcm()?;
                sound = Some(pcm.duration());
                let boundary = format!("forewarn-{:016x}", random());
                headers.push(("Content-Type".to_owned(), format!("multipart/form-data; boundary={boundary}")));
                let wav = pcm.to_wav();
                what = format!(", a WAV of {} bytes", wav.len());
                Payload::Bytes(form(&boundary, fields, words, field, &wav))
            }
        };
        let path = fill(&play.path, words, Escape::Url);
        let url =
            self.client.at(&path).ok_or_else(|| PlayError::Broken { reason: format!("\"{path}\" is no path") })?;
        let (wait, may_be_silent) = match (self.template.success.silent_after_s, &self.template.end) {
            (Some(silent_s), _) => (Duration::from_secs_f64(silent_s), true),
            (None, End::Answer) => (limits.left(), false),
            (None, End::Duration { .. } | End::Poll { .. }) => (self.client.patience, false),
        };
        let request = Request { method: play.method.as_str(), url, headers, payload, wait, may_be_silent };
        Ok(Order { request, sound, what })
    }

    /// How long the device plays, where nobody but this side can tell.
    fn lasts(&self, sound: Option<Duration>, announcement: &Announcement) -> Option<Duration> {
        let End::Duration { seconds } = &self.template.end else { return None };
        let written = seconds.as_ref().and_then(|text| self.template.seconds(text)).map(Duration::from_secs_f64);
        Some(written.or(sound).unwrap_or_else(|| announcement.text.estimated_duration()))
    }

    fn judge(&self, answer: &Answer, words: &Words) -> Result<(), HttpError> {
        let (peer, success) = (self.client.peer(), &self.template.success);
        let Answer { status, text } = answer;
        // Nothing was said, and the template takes that.
        if *status == 0 {
            return Ok(());
        }
        let said = || Some(shown(text)).filter(|text| !text.is_empty()).map(|text| format!(", \"{text}\""));
        if !success.has(*status) {
            let (status, answer) = (*status, said().unwrap_or_default());
            let is_busy = matches!(status, 409 | 423 | 429 | 503);
            let busy = |peer, answer| HttpError::Busy { peer, status, answer };
            return Err(if is_busy { busy(peer, answer) } else { HttpError::Status { peer, status, answer } });
        }
        let lacks = success.answer.as_ref().is_some_and(|pattern| !pattern.fits(text, words));
        let refuses = success.refusal.as_ref().is_some_and(|pattern| pattern.fits(text, words));
        if lacks || refuses { Err(HttpError::Refused { peer, answer: answer.in_words() }) } else { Ok(()) }
    }

    /// Asks until the device says that it is done; what it said then.
    fn poll(&self, words: &Words, limits: &Limits) -> Result<String, HttpError> {
        let End::Poll { path, every_s, playing, done, failed } = &self.template.end else { return Ok(String::new()) };
        let (request, peer) = (self.get(path, words), || self.client.peer());
        let (begun, mut heard) = (Stopwatch::start(), Stopwatch::start());
        let (mut has_begun, mut last) = (playing.is_none(), String::new());
        loop {
            pause(Duration::from_secs_f64(*every_s).min(limits.left()));
            if limits.left().is_zero() {
                return Err(HttpError::NeverEnded { peer: peer(), answer: last });
            }
            match self.client.ask(&request, limits.left()) {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    heard = Stopwatch::start();
                    last = answer.in_words();
                    if failed.as_ref().is_some_and(|pattern| pattern.fits(&answer.text, words)) {
                        return Err(HttpError::Failed { peer: peer(), answer: last });
                    }
                    has_begun |= playing.as_ref().is_some_and(|pattern| pattern.fits(&answer.text, words));
                    if has_begun && done.fits(&answer.text, words) {
                        return Ok(last);
                    }
                }
                Ok(answer) if heard.elapsed() >= limits.stall => {
                    return Err(HttpError::Failed { peer: peer(), answer: answer.in_words() });
                }
                Err(error) if heard.elapsed() >= limits.stall => return Err(error),
                // One answer may go astray.
                Ok(_) | Err(_) => {}
            }
            if !has_begun && begun.elapsed() >= BEGINS_WITHIN {
                let after_s = BEGINS_WITHIN.as_secs_f64();
                return Err(HttpError::NeverBegan { peer: peer(), after_s, answer: last });
            }
        }
    }

    fn get(&self, path: &str, words: &Words) -> Request {
        let path = fill(path, words, Escape::Url);
        let url = self.client.at(&path).unwrap_or_else(|| self.client.url.clone());
        let wait = self.client.patience;
        Request { method: "GET", url, headers: Vec::new(), payload: Payload::None, wait, may_be_silent: false }
    }

    /// An address without its query, in which a key of the device may stand.
    fn shown(&self, url: &Url) -> String {
        format!("{}://{}{}", url.scheme(), self.client.peer(), url.path())
    }
}

/// A value of a header, which ends with its line.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A form with a WAV file (RFC 7578).
fn form(boundary: &str, fields: &BTreeMap<String, String>, words: &Words, file_field: &str, wav: &[u8]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, value) in fields {
        let value = fill(value, words, Escape::Plain);
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        form.extend(part.into_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{file_field}\"; filename=\"warning.wav\"\r\n\
         Content-Type: audio/wav\r\n\r\n"
    );
    form.extend(head.into_bytes());
    form.extend_from_slice(wav);
    form.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    form
}
