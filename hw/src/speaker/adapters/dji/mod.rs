//! The loudspeaker of a drone, by DJI's Cloud API: the dock is told over MQTT, and either speaks a text by itself or
//! fetches the sound from this box.

mod dialogue;
mod error;
mod serve;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::broker::Broker;
use forewarn_base::broker_table;
use forewarn_base::http::address;
use forewarn_base::setting::SettingError;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Announcement, Clock as _, Playback, Proof, SpeakerId, SystemClock};
use md5::{Digest as _, Md5};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::{Adapter, Mistake, Settings};
use crate::speaker::common::SpeakerDoubt;
use crate::speaker::error::PlayError;
use crate::speaker::line::{Line, LineError, with_own_name};
use crate::speaker::programme::{Programme, samples_to_duration};
use crate::speaker::run::{LOOK, Limits};
use dialogue::{Heard, Order, Place, reply_to};
use error::DjiError;
use serve::Offer;

/// Samples a second of the sound that a dock takes.
const RATE_HZ: u32 = 16_000;

broker_table! {
    /// The loudspeaker of a drone of DJI, told through its dock.
    pub struct DjiSpeakerConfig {
        /// The dock's serial number.
        pub gateway: String,
        /// Which payload of the drone it is, 0 to 3.
        #[serde(default = "usual_index")]
        pub psdk_index: u8,
        /// Whether the drone speaks the text by itself, or plays what this box made.
        #[serde(default)]
        pub say: Say,
        /// How loud the loudspeaker is set before, 0 to 100; as it is if absent.
        #[serde(default)]
        pub play_volume: Option<u8>,
        /// Where this box offers the sound while it is played, `IP:PORT`.
        #[serde(default)]
        pub serve: Option<SocketAddr>,
        /// The same as the dock reaches it, `http://HOST[:PORT]`.
        #[serde(default)]
        pub fetch_url: Option<String>,
        /// Seconds in which the dock must answer.
        #[serde(default = "ten_seconds")]
        pub answer_s: f64,
    }
}

/// How a drone comes to the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// It speaks the text by itself.
    #[default]
    Tts,
    /// It plays the sound that the dock fetches from this box.
    Audio,
}

fn usual_index() -> u8 {
    2
}

fn ten_seconds() -> f64 {
    10.0
}

impl Settings for DjiSpeakerConfig {
    fn check(&self, base_dir: &Path) -> Result<(), Mistake> {
        self.resolve("", base_dir).map(drop).map_err(Mistake::from)
    }

    fn doubt(&self) -> Option<SpeakerDoubt> {
        let far = self.serve.filter(|at| !at.ip().is_loopback());
        far.map(|at| SpeakerDoubt {
            key: "serve",
            problem: format!("while an announcement is played, its sound can be fetched at {at}, unencrypted"),
            mend: "listen on 127.0.0.1 behind a proxy that speaks TLS, or in a network of dock and box alone"
                .to_owned(),
        })
    }

    fn is_sounded_here(&self, _base_dir: &Path) -> bool {
        self.say == Say::Audio
    }

    fn adapter(&self, id: &SpeakerId, base_dir: &Path) -> Result<Box<dyn Adapter>, Mistake> {
        Ok(Box::new(self.resolve(id.as_str(), base_dir)?))
    }
}

impl DjiSpeakerConfig {
    fn resolve(&self, id: &str, base_dir: &Path) -> Result<Dji, SettingError> {
        let is_number = !self.gateway.is_empty() && self.gateway.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_number {
            let mend = "write the dock's serial number, of letters and digits; not that of the drone";
            return Err(SettingError::value("gateway", format!("{:?} is no serial number", self.gateway), mend));
        }
        if self.psdk_index > 3 {
            let why = format!("{} is not within 0 to 3", self.psdk_index);
            return Err(SettingError::value("psdk_index", why, "write 2 where the loudspeaker is the only payload"));
        }
        if let Some(volume) = self.play_volume.filter(|volume| *volume > 100) {
            return Err(SettingError::value("play_volume", format!("{volume} is not within 0 to 100"), "write 100"));
        }
        if !(0.1..=60.0).contains(&self.answer_s) {
            let why = format!("{} is not within 0.1 to 60 seconds", self.answer_s);
            return Err(SettingError::value("answer_s", why, "write 10.0"));
        }
        let environment = |name: &str| std::env::var(name).ok();
        let broker = self.broker().resolve(format!("forewarn-speaker-{id}"), base_dir, &environment)?;
        let broker = with_own_name(broker, self.client_id.is_some());
        Ok(Dji { config: self.clone(), broker, offer: self.offer()? })
    }

    /// Where the sound is offered, and where it is fetched, if it is.
    fn offer(&self) -> Result<Option<(SocketAddr, Url)>, SettingError> {
        const MEND: &str = "see docs/speakers.md, \"dji\"";
        match (self.say, self.serve, &self.fetch_url) {
            (Say::Audio, Some(serve), Some(url)) => Ok(Some((serve, address("fetch_url", url, MEND)?))),
            (Say::Audio, None, _) => Err(SettingError::value("serve", "say = \"audio\" needs it", MEND)),
            (Say::Audio, _, None) => Err(SettingError::value("fetch_url", "say = \"audio\" needs it", MEND)),
            (Say::Tts, None, None) => Ok(None),
            (Say::Tts, Some(_), _) => Err(SettingError::value("serve", "it has no effect with say = \"tts\"", MEND)),
            (Say::Tts, ..) => Err(SettingError::value("fetch_url", "it has no effect with say = \"tts\"", MEND)),
        }
    }
}

/// One drone with the way to it.
struct Dji {
    config: DjiSpeakerConfig,
    broker: Broker,
    offer: Option<(SocketAddr, Url)>,
}

/// What is to be played.
struct Piece {
    order: Order,
    /// How long it sounds, as far as that is known.
    lasts: Duration,
    what: String,
    /// The sound, while it is to be fetched.
    offer: Option<Offer>,
}

impl Dji {
    fn piece(&self, programme: &mut Programme<'_>, announcement: &Announcement) -> Result<Piece, PlayError> {
        let (index, name) = (self.config.psdk_index, format!("forewarn-{}", announcement.id.0));
        let Some((serve, url)) = &self.offer else {
            let spoken = programme.text().ok_or(DjiError::NoText)?;
            let tts = json!({ "name": name, "text": spoken.text, "md5": md5_of(spoken.text.as_bytes()) });
            let data = json!({ "psdk_index": index, "tts": tts });
            return Ok(Piece {
                order: Order::new("speaker_tts_play_start", data),
                lasts: spoken.estimated_duration(),
                what: format!("a text of {} bytes", spoken.text.len()),
                offer: None,
            });
        };
        let sound: Arc<[u8]> = programme.plain(RATE_HZ)?;
        let (length, md5) = (sound.len(), md5_of(&sound));
        let offer = Offer::open(*serve, sound)?;
        let mut at = url.clone();
        let (path, port) = offer.place();
        at.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        if serve.port() == 0 {
            let _ = at.set_port(Some(port));
        }
        let file = json!({ "name": name, "url": at.as_str(), "md5": md5, "format": "pcm" });
        Ok(Piece {
            order: Order::new("speaker_audio_play_start", json!({ "psdk_index": index, "file": file })),
            lasts: samples_to_duration(length as u64 / 2, RATE_HZ),
            what: format!("{length} bytes of sound, MD5 {md5}"),
            offer: Some(offer),
        })
    }
}

impl Adapter for Dji {
    fn announce(
        &mut self,
        programme: &mut Programme<'_>,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<Playback, PlayError> {
        programme.wait_for_the_device();
        let piece = self.piece(programme, announcement)?;
        limits.check(piece.lasts)?;
        let mut dock = Dock::call(self, limits)?;
        let doubts = dock.prepare()?;
        let watch = Stopwatch::start();
        let told = dock.play(&piece)?;
        let fetched = match &piece.offer {
            Some(offer) if offer.n_fetched() == 0 => ", which it had",
            Some(_) => ", which it fetched",
            None => "",
        };
        let sent = format!("{}{fetched}, to {} at {}{doubts}", piece.what, self.config.gateway, self.broker.url);
        Ok(Playback::new(watch.elapsed(), Proof::Acknowledged, sent).answered(told))
    }

    fn probe(&self) -> Result<String, PlayError> {
        Line::open(&self.broker).greet().map_err(DjiError::from)?;
        let how = match &self.offer {
            Some((serve, url)) => format!("sound from {serve}, fetched at {url}"),
            None => "texts".to_owned(),
        };
        Ok(format!(
            "DJI dock {} at {}, payload {}, {how}",
            self.config.gateway, self.broker.url, self.config.psdk_index
        ))
    }
}

/// A dock that is being talked to.
struct Dock<'a> {
    config: &'a DjiSpeakerConfig,
    line: Line,
    replies: String,
    limits: Limits,
    n_others: u32,
}

impl<'a> Dock<'a> {
    fn call(speaker: &'a Dji, limits: &Limits) -> Result<Self, DjiError> {
        let topic = |name: &str| format!("thing/product/{}/{name}", speaker.config.gateway);
        let (replies, events) = (topic("services_reply"), topic("events"));
        let mut line = Line::open(&speaker.broker);
        line.listen(&[&replies, &events], "gateway", limits)?;
        Ok(Self { config: &speaker.config, line, replies, limits: limits.clone(), n_others: 0 })
    }

    /// Has the loudspeaker say a thing once, and as loud as the site says. What it does not do costs no warning, but is
    /// told.
    fn prepare(&mut self) -> Result<String, DjiError> {
        let index = self.config.psdk_index;
        let mode = Order::new("speaker_play_mode_set", json!({ "psdk_index": index, "play_mode": 0 }));
        let volume = self
            .config
            .play_volume
            .map(|volume| Order::new("speaker_play_volume_set", json!({ "psdk_index": index, "play_volume": volume })));
        let mut doubts = String::new();
        for order in [Some(mode), volume].into_iter().flatten() {
            match self.ask(&order) {
                Ok(_) => {}
                Err(DjiError::Refused { method, number }) => {
                    let _ = write!(doubts, "; {method} was refused by error {number}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(doubts)
    }

    /// Has it play something, and waits for the end; what it said of it. Where nobody knows what becomes of it, and where it is
    /// cut, it is told to fall silent, so that nothing sounds while the next loudspeaker speaks.
    fn play(&mut self, piece: &Piece) -> Result<String, DjiError> {
        let outcome = self.follow(piece);
        if matches!(outcome, Err(DjiError::NoReply { .. } | DjiError::Stuck { .. } | DjiError::Cut)) {
            self.stop();
        }
        outcome
    }

    fn follow(&mut self, piece: &Piece) -> Result<String, DjiError> {
        let (watch, mut playing) = (Stopwatch::start(), None);
        let mut heard = self.ask(&piece.order)?;
        loop {
            let last = match heard {
                Heard::Done { told } => {
                    // Whether it has said it to the end or has just begun: it lasts as long as it lasts.
                    let since = playing.map_or(Duration::ZERO, |since: Stopwatch| since.elapsed());
                    let rest = piece.lasts.saturating_sub(since).min(self.limits.left());
                    return if self.limits.pause(rest).is_err() { Err(DjiError::Cut) } else { Ok(told) };
                }
                Heard::OnIt { step, is_playing } => {
                    playing = playing.or_else(|| is_playing.then(Stopwatch::start));
                    step
                }
                Heard::Taken | Heard::Other => "its reply".to_owned(),
            };
            let next = self.next(&piece.order, self.limits.left())?;
            heard = next.ok_or_else(|| DjiError::Stuck { after_s: watch.elapsed().as_secs_f64(), last })?;
        }
    }

    /// Tells it something and waits until it has taken it. Progress may overtake the reply.
    fn ask(&mut self, order: &Order) -> Result<Heard, DjiError> {
        let watch = Stopwatch::start();
        self.tell("services", &order.message(now_ms()))?;
        let end = Duration::from_secs_f64(self.config.answer_s).min(self.limits.left());
        let heard = self.next(order, end)?;
        heard.ok_or_else(|| DjiError::NoReply {
            gateway: self.config.gateway.clone(),
            method: order.method,
            after_s: watch.elapsed().as_secs_f64(),
            others: match self.n_others {
                0 => String::new(),
                n => format!(", and {n} messages came that belong to something else"),
            },
        })
    }

    /// The next message that concerns an order, if one comes in this time.
    fn next(&mut self, order: &Order, within: Duration) -> Result<Option<Heard>, DjiError> {
        let watch = Stopwatch::start();
        loop {
            let left = within.saturating_sub(watch.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            if self.limits.go_on().is_err() {
                return Err(DjiError::Cut);
            }
            let Some(message) = self.line.hear(left.min(LOOK))? else { continue };
            let place = if message.topic == self.replies { Place::Replies } else { Place::Events };
            let Ok(told) = serde_json::from_slice::<Value>(&message.payload) else {
                self.n_others += 1;
                continue;
            };
            if let Some(reply) = reply_to(&told, now_ms()).filter(|_| place == Place::Events) {
                self.tell("events_reply", &reply)?;
            }
            match order.hear(place, &told)? {
                Heard::Other => self.n_others += 1,
                heard => return Ok(Some(heard)),
            }
        }
    }

    /// Has it fall silent. Nobody waits for the answer.
    fn stop(&mut self) {
        let order = Order::new("speaker_play_stop", json!({ "psdk_index": self.config.psdk_index }));
        let told = self.tell("services", &order.message(now_ms()));
        let limits = Limits::new(Duration::from_secs(1), Duration::from_secs(1));
        if let Err(error) = told.and_then(|()| self.line.until_told(&limits)) {
            tracing::warn!(gateway = self.config.gateway, %error, "failed to tell the dock to stop");
        }
    }

    fn tell(&self, name: &str, message: &[u8]) -> Result<(), LineError> {
        self.line.tell(&format!("thing/product/{}/{name}", self.config.gateway), message)
    }
}

fn md5_of(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What docks write into their messages: milliseconds since 1970.
fn now_ms() -> i64 {
    SystemClock.now().as_micros() / 1000
}
