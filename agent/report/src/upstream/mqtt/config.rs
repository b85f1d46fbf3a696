//! Settings of an MQTT upstream: as written in the site file, and resolved with its secrets.

use std::path::Path;
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::broker::Broker;
use forewarn_base::broker_table;
use forewarn_base::secret::Environment;
use forewarn_base::setting::SettingError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::upstream::pattern::Pattern;

/// The protocol's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum MqttVersion {
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
    /// MQTT 5.
    #[default]
    #[serde(rename = "5")]
    V5,
}

/// How a CloudEvent is written into a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentMode {
    /// The whole event is the body.
    #[default]
    Structured,
    /// Its data is the body, and its attributes are user properties of MQTT 5.
    Binary,
}

broker_table! {
    /// An MQTT upstream as the site file describes it.
    pub struct MqttConfig {
        /// `"5"` (default) or `"3.1.1"`.
        #[serde(default)]
        pub version: MqttVersion,
        /// What every topic begins with.
        #[serde(default = "default_prefix")]
        pub topic_prefix: String,
        /// `"structured"` (default): an event is the body of a message; `"binary"`, by MQTT 5: its data is, and its
        /// attributes are user properties.
        #[serde(default)]
        pub mode: ContentMode,
        /// Where those who read find an incident's evidence, with `{bundle}`, `{incident}` and `{camera}`; told as
        /// `data.evidence.url`.
        #[serde(default)]
        pub evidence_url: Option<String>,
        /// Messages sent ahead of their acknowledgement, 1 to 1000.
        #[serde(default = "default_in_flight")]
        pub max_in_flight: u16,
        /// Milliseconds until the first attempt to reconnect, at most.
        #[serde(default = "default_reconnect_min")]
        pub reconnect_min_ms: u32,
        /// Milliseconds between later attempts, at most.
        #[serde(default = "default_reconnect_max")]
        pub reconnect_max_ms: u32,
    }
}

fn default_prefix() -> String {
    "forewarn".to_owned()
}
fn default_in_flight() -> u16 {
    16
}
fn default_reconnect_min() -> u32 {
    BackoffLimits::USUAL.first.as_millis() as u32
}
fn default_reconnect_max() -> u32 {
    BackoffLimits::USUAL.longest.as_millis() as u32
}

/// An MQTT upstream's settings, checked, with its secrets.
#[derive(Debug, Clone)]
pub struct ResolvedMqtt {
    pub(crate) broker: Broker,
    pub(crate) version: MqttVersion,
    pub(crate) topic_prefix: String,
    pub(crate) mode: ContentMode,
    pub(crate) evidence: Option<Pattern>,
    pub(crate) max_in_flight: u16,
    pub(crate) reconnect: BackoffLimits,
}

impl ResolvedMqtt {
    /// The broker as `host:port`, for logs.
    pub fn broker(&self) -> String {
        self.broker.url.to_string()
    }
}

impl MqttConfig {
    /// A configuration with the default of every key but the URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            version: MqttVersion::default(),
            topic_prefix: default_prefix(),
            mode: ContentMode::default(),
            evidence_url: None,
            max_in_flight: default_in_flight(),
            reconnect_min_ms: default_reconnect_min(),
            reconnect_max_ms: default_reconnect_max(),
            client_id: None,
            user: None,
            password_file: None,
            password_env: None,
            ca_file: None,
            client_cert: None,
            client_key: None,
            keep_alive_s: forewarn_base::broker::default_keep_alive_s(),
        }
    }

    /// Checks the configuration and reads passwords, certificates and keys, whose paths are relative to `directory`.
    pub fn resolve(
        &self,
        site: &str,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<ResolvedMqtt, SettingError> {
        self.check_ranges()?;
        Ok(ResolvedMqtt {
            broker: self.broker().resolve(format!("forewarn-{site}"), directory, environment)?,
            version: self.version,
            topic_prefix: self.topic_prefix.clone(),
            mode: self.mode,
            evidence: Pattern::of_evidence(self.evidence_url.as_deref())?,
            max_in_flight: self.max_in_flight,
            reconnect: BackoffLimits {
                first: Duration::from_millis(u64::from(self.reconnect_min_ms)),
                longest: Duration::from_millis(u64::from(self.reconnect_max_ms)),
                ..BackoffLimits::USUAL
            },
        })
    }

    fn check_ranges(&self) -> Result<(), SettingError> {
        let refuse = |key, why: &str, mend| Err(SettingError::value(key, why, mend));
        if !(1..=1000).contains(&self.max_in_flight) {
            let why = format!("{} is out of range", self.max_in_flight);
            return refuse("max_in_flight", &why, "write 1 to 1000");
        }
        if self.reconnect_min_ms == 0 {
            return refuse("reconnect_min_ms", "0 would never leave the broker in peace", "write 1 or more");
        }
        if self.reconnect_max_ms < self.reconnect_min_ms {
            return refuse("reconnect_max_ms", "it is below `reconnect_min_ms`", "write that or more");
        }
        if (self.mode, self.version) == (ContentMode::Binary, MqttVersion::V311) {
            return refuse("mode", "MQTT 3.1.1 has no user properties", "leave `mode` or `version` out");
        }
        let levels: Vec<&str> = self.topic_prefix.split('/').collect();
        if levels.iter().any(|level| level.is_empty() || level.contains(['+', '#', '\0']) || level.starts_with('$')) {
            let why = format!("{:?} cannot begin a topic", self.topic_prefix);
            return refuse("topic_prefix", &why, "write names joined by /, without + # $ and empty parts");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> MqttConfig {
        serde_json::from_str(text).unwrap()
    }

    fn resolve(text: &str) -> Result<ResolvedMqtt, SettingError> {
        parse(text).resolve("north", Path::new("/nowhere"), &|name| (name == "SET").then(|| "s3cret".to_owned()))
    }

    #[test]
    fn defaults_are_filled_in() {
        let resolved = resolve(r#"{"url":"mqtt://broker.example"}"#).unwrap();
        assert_eq!(
            (resolved.broker().as_str(), resolved.broker.client_id.as_str()),
            ("broker.example:1883", "forewarn-north")
        );
        assert_eq!((resolved.version, resolved.reconnect), (MqttVersion::V5, BackoffLimits::USUAL));
        let old = resolve(r#"{"url":"mqtt://[::1]:99","version":"3.1.1"}"#).unwrap();
        assert_eq!((old.broker().as_str(), old.version), ("[::1]:99", MqttVersion::V311));
        let written = serde_json::to_string(&MqttConfig::new("mqtt://b")).unwrap();
        assert_eq!(parse(&written), parse(r#"{"url":"mqtt://b"}"#));
    }

    #[test]
    fn refusals_name_the_key_and_what_to_do() {
        for (rest, says) in [
            (r#""max_in_flight":0"#, "max_in_flight: 0 is out of range; write 1 to 1000"),
            (r#""reconnect_min_ms":0"#, "reconnect_min_ms: 0 would"),
            (r#""reconnect_min_ms":500,"reconnect_max_ms":400"#, "reconnect_max_ms: it is below `reconnect_min_ms`"),
            (r#""topic_prefix":"a/#""#, "topic_prefix: \"a/#\" cannot begin a topic"),
            (r#""mode":"binary","version":"3.1.1""#, "mode: MQTT 3.1.1 has no user properties; leave `mode`"),
            (r#""keep_alive_s":1"#, "keep_alive_s: 1 is out of range"),
            (r#""user":"u","password_file":"pw""#, "password_file: failed to read /nowhere/pw"),
        ] {
            let refusal = resolve(&format!(r#"{{"url":"mqtt://b",{rest}}}"#)).unwrap_err().line();
            assert!(refusal.contains(says), "{rest}: {refusal}");
        }
    }

    #[test]
    fn secrets_are_in_no_message() {
        let resolved = resolve(r#"{"url":"mqtt://b","user":"u","password_env":"SET"}"#).unwrap();
        assert_eq!(resolved.broker.credentials.as_ref().unwrap().password.expose(), "s3cret");
        assert!(!format!("{resolved:?}").contains("s3cret"));
    }
}
