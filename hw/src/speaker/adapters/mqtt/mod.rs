//! Devices that play what they are told over MQTT: smart speakers, gateways of paging systems.
//!
//! Each announcement has a connection of its own.

mod error;
mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use forewarn_base::broker::Broker;
use forewarn_base::broker_table;
use forewarn_base::setting::SettingError;
use forewarn_domain::{Announcement, Playback, Proof, SpeakerId};

use super::{Adapter, Mistake, Settings};
use crate::speaker::common::SpeakerDoubt;
use crate::speaker::error::PlayError;
use crate::speaker::line::{Line, with_own_name};
use crate::speaker::programme::Programme;
use crate::speaker::run::{Limits, pause};
use crate::speaker::template::{Clips, Escape, Pattern, Words, fill, unknown};
use error::MqttError;
use session::{Order, tell};

broker_table! {
    /// A device that plays what it is told over MQTT 3.1.1.
    pub struct MqttSpeakerConfig {
        /// The topic on which the device is told, with placeholders.
        pub topic: String,
        /// What it is told, with placeholders, such as `{"say": "{text}", "id": "{nonce}"}`.
        pub payload: String,
        /// The media type of the payload, which decides how values are written in it.
        #[serde(default = "json")]
        pub payload_type: String,
        /// The topic on which the device answers; nobody answers if absent.
        #[serde(default)]
        pub ack_topic: Option<String>,
        /// What is in the answer to this announcement, with placeholders; `*` stands for anything.
        #[serde(default)]
        pub ack: Option<String>,
        /// What is in an answer that it will not or could not play.
        #[serde(default)]
        pub refusal: Option<String>,
        /// Seconds in which the device must answer.
        #[serde(default = "half_a_minute")]
        pub ack_s: f64,
        /// Seconds that it plays after it has answered; absent where it answers when it has played.
        #[serde(default)]
        pub seconds: Option<f64>,
        /// The device's clips by the sound files of violations.
        #[serde(default)]
        pub clips: BTreeMap<String, String>,
        /// The clip for everything else.
        #[serde(default)]
        pub clip: Option<String>,
    }
}

fn json() -> String {
    "application/json".to_owned()
}

fn half_a_minute() -> f64 {
    30.0
}

impl Settings for MqttSpeakerConfig {
    fn check(&self, base_dir: &Path) -> Result<(), Mistake> {
        self.resolve("", base_dir).map(drop).map_err(Mistake::from)
    }

    fn doubt(&self) -> Option<SpeakerDoubt> {
        let tells_apart = |ack: &String| ["{nonce}", "{announcement}"].iter().any(|name| ack.contains(name));
        let asks = self.ack_topic.is_some();
        (asks && !self.ack.iter().chain(&self.ack_topic).any(tells_apart)).then(|| SpeakerDoubt {
            key: "ack",
            problem: "a late answer to an earlier announcement counts as one to the present".to_owned(),
            mend: "let the device repeat {nonce} of the payload, and ask for it in `ack`".to_owned(),
        })
    }

    fn is_sounded_here(&self, _base_dir: &Path) -> bool {
        false
    }

    fn adapter(&self, id: &SpeakerId, base_dir: &Path) -> Result<Box<dyn Adapter>, Mistake> {
        Ok(Box::new(self.resolve(id.as_str(), base_dir)?))
    }
}

impl MqttSpeakerConfig {
    fn resolve(&self, id: &str, base_dir: &Path) -> Result<Mqtt, SettingError> {
        const MEND: &str = "see docs/speakers.md, \"mqtt\"";
        let texts: [(&'static str, Option<&String>); 5] = [
            ("topic", Some(&self.topic)),
            ("payload", Some(&self.payload)),
            ("ack_topic", self.ack_topic.as_ref()),
            ("ack", self.ack.as_ref()),
            ("refusal", self.refusal.as_ref()),
        ];
        for (key, text) in texts {
            let Some(text) = text else { continue };
            if let Some(name) = unknown(text, &Words::new()) {
                return Err(SettingError::value(key, format!("nothing fills the placeholder {{{name}}}"), MEND));
            }
            let is_topic = key.ends_with("topic");
            if is_topic && (text.is_empty() || text.len() > 1024 || text.contains(['+', '#', '\0'])) {
                let mend = "name the one topic of this device, without + and #";
                return Err(SettingError::value(key, format!("{text:?} is not one topic"), mend));
            }
        }
        if let (None, Some(key)) =
            (&self.ack_topic, self.ack.as_ref().map(|_| "ack").or(self.refusal.as_ref().map(|_| "refusal")))
        {
            return Err(SettingError::value(key, "it has no effect without `ack_topic`", "add `ack_topic`"));
        }
        for (key, seconds) in [("ack_s", Some(self.ack_s)), ("seconds", self.seconds)] {
            if let Some(seconds) = seconds.filter(|seconds| !(0.1..=600.0).contains(seconds)) {
                return Err(SettingError::value(key, format!("{seconds} is not within 0.1 to 600 seconds"), MEND));
            }
        }
        let clips = Clips { by_file: self.clips.clone(), otherwise: self.clip.clone() };
        let environment = |name: &str| std::env::var(name).ok();
        let broker = self.broker().resolve(format!("forewarn-speaker-{id}"), base_dir, &environment)?;
        let broker = with_own_name(broker, self.client_id.is_some());
        Ok(Mqtt { config: self.clone(), broker, clips })
    }
}

/// One device with the way to it.
struct Mqtt {
    config: MqttSpeakerConfig,
    broker: Broker,
    clips: Clips,
}

impl Adapter for Mqtt {
    fn announce(
        &mut self,
        programme: &mut Programme<'_>,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<Playback, PlayError> {
        programme.wait_for_the_device();
        let config = &self.config;
        let words = self.clips.words(
            &Words::new(),
            announcement,
            programme,
            &[config.payload.as_str(), config.topic.as_str()],
        )?;
        let topic = |text: &str| fill(text, &words, Escape::Plain).replace(['+', '#', '\0'], "-");
        let order = Order {
            topic: topic(&config.topic),
            payload: fill(&config.payload, &words, Escape::of(&config.payload_type)),
            ack_topic: config.ack_topic.as_deref().map(topic),
            ack: config.ack.clone().map(Pattern),
            refusal: config.refusal.clone().map(Pattern),
            within: Duration::from_secs_f64(config.ack_s),
        };
        let lasts = match (config.seconds, &order.ack_topic) {
            (Some(seconds), _) => Some(Duration::from_secs_f64(seconds)),
            (None, None) => Some(announcement.text.estimated_duration()),
            (None, Some(_)) => None,
        };
        if let Some(lasts) = lasts {
            limits.check(lasts)?;
        }
        let told = tell(&self.broker, &order, &words, limits)?;
        let sent = format!("{} bytes on {} at {}", order.payload.len(), order.topic, self.broker.url);
        if let Some(lasts) = lasts {
            pause(lasts);
        }
        let (duration, proof) = match lasts {
            Some(lasts) => (lasts, Proof::Sent),
            None => (told.after, Proof::Acknowledged),
        };
        let playback = Playback::new(duration, proof, sent);
        Ok(match told.answer {
            Some(answer) => playback.answered(answer),
            None => playback,
        })
    }

    fn probe(&self) -> Result<String, PlayError> {
        Line::open(&self.broker).greet().map_err(MqttError::from)?;
        let answers =
            self.config.ack_topic.as_ref().map_or("nobody answers".to_owned(), |topic| format!("answers on {topic}"));
        Ok(format!("MQTT to {}, topic {}, {answers}", self.broker.url, self.config.topic))
    }
}
