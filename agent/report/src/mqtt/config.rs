//! Configuration of the publisher: as written in the site file, and resolved with its secrets.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::{TlsError, TlsFiles};

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

/// The publisher as the site file describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttConfig {
    /// `mqtt://HOST[:PORT]` (1883) or, over TLS, `mqtts://HOST[:PORT]` (8883). No user or password in it.
    pub url: String,
    /// `"5"` (default) or `"3.1.1"`.
    #[serde(default)]
    pub version: MqttVersion,
    /// The client's id, unique at the broker; `forewarn-<site>` if not given.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// A file whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// Certificate authorities (PEM) to trust; the system's if not given.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// This client's certificate chain (PEM).
    #[serde(default)]
    pub client_cert: Option<PathBuf>,
    /// The key of that certificate (PEM).
    #[serde(default)]
    pub client_key: Option<PathBuf>,
    /// What every topic begins with.
    #[serde(default = "default_prefix")]
    pub topic_prefix: String,
    /// Messages sent ahead of their acknowledgement, 1 to 1000.
    #[serde(default = "default_in_flight")]
    pub max_in_flight: u16,
    /// Seconds of silence after which the connection is probed, 5 to 3600.
    #[serde(default = "default_keep_alive")]
    pub keep_alive_s: u16,
    /// Milliseconds until the first attempt to reconnect.
    #[serde(default = "default_reconnect_min")]
    pub reconnect_min_ms: u32,
    /// Milliseconds between later attempts, at most.
    #[serde(default = "default_reconnect_max")]
    pub reconnect_max_ms: u32,
}

fn default_prefix() -> String {
    "forewarn".to_owned()
}
fn default_in_flight() -> u16 {
    16
}
fn default_keep_alive() -> u16 {
    30
}
fn default_reconnect_min() -> u32 {
    500
}
fn default_reconnect_max() -> u32 {
    30_000
}

/// The publisher's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MqttConfigError {
    /// The URL is none.
    #[error("`url` = \"{url}\": {why}; write mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")]
    Url {
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A key's value is out of range or contradicts another.
    #[error("`{key}`: {why}")]
    Key {
        /// The key.
        key: &'static str,
        /// What is wrong and what to do.
        why: String,
    },
    /// A secret cannot be read.
    #[error("`{key}`: failed to read {}: {source}", path.display())]
    Secret {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The publisher's configuration, checked, with its secrets.
#[derive(Debug, Clone)]
pub struct ResolvedMqtt {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) version: MqttVersion,
    pub(crate) client_id: String,
    pub(crate) credentials: Option<(String, Secret)>,
    pub(crate) tls: Option<super::tls::TlsClient>,
    pub(crate) topic_prefix: String,
    pub(crate) max_in_flight: u16,
    pub(crate) keep_alive: Duration,
    pub(crate) reconnect: (Duration, Duration),
}

impl ResolvedMqtt {
    /// The broker as `host:port`, for logs.
    pub fn broker(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl MqttConfig {
    /// A configuration with the default of every key but the URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            version: MqttVersion::default(),
            client_id: None,
            user: None,
            password_file: None,
            password_env: None,
            ca_file: None,
            client_cert: None,
            client_key: None,
            topic_prefix: default_prefix(),
            max_in_flight: default_in_flight(),
            keep_alive_s: default_keep_alive(),
            reconnect_min_ms: default_reconnect_min(),
            reconnect_max_ms: default_reconnect_max(),
        }
    }

    /// Checks the configuration and reads passwords, certificates and keys; `env` looks up environment variables.
    pub fn resolve(&self, site: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<ResolvedMqtt, MqttConfigError> {
        let (host, port, is_tls) = self.broker()?;
        self.check_ranges()?;
        let tls_keys =
            [("ca_file", &self.ca_file), ("client_cert", &self.client_cert), ("client_key", &self.client_key)];
        if let (false, Some((key, _))) = (is_tls, tls_keys.into_iter().find(|(_, file)| file.is_some())) {
            return Err(MqttConfigError::Key { key, why: "has no effect without TLS; use an mqtts:// URL".to_owned() });
        }
        let files = TlsFiles {
            ca: self.ca_file.as_deref(),
            client_cert: self.client_cert.as_deref(),
            client_key: self.client_key.as_deref(),
        };
        Ok(ResolvedMqtt {
            tls: if is_tls { Some(files.load(&host)?) } else { None },
            host,
            port,
            version: self.version,
            client_id: self.client_id.clone().unwrap_or_else(|| format!("forewarn-{site}")),
            credentials: self.credentials(env)?,
            topic_prefix: self.topic_prefix.clone(),
            max_in_flight: self.max_in_flight,
            keep_alive: Duration::from_secs(u64::from(self.keep_alive_s)),
            reconnect: (
                Duration::from_millis(u64::from(self.reconnect_min_ms)),
                Duration::from_millis(u64::from(self.reconnect_max_ms)),
            ),
        })
    }

    fn broker(&self) -> Result<(String, u16, bool), MqttConfigError> {
        let parsed = url::Url::parse(&self.url);
        // What cannot be parsed may still hold a password, so nothing but the part before it is repeated.
        let shown = match &parsed {
            Ok(url) => format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
            Err(_) => self.url.split("//").next().unwrap_or_default().chars().take(12).collect::<String>() + "…",
        };
        let wrong = |why: &str| MqttConfigError::Url { url: shown.clone(), why: why.to_owned() };
        let url = parsed.map_err(|error| wrong(&error.to_string()))?;
        let is_tls = match url.scheme() {
            "mqtt" => false,
            "mqtts" => true,
            other => return Err(wrong(&format!("the scheme is \"{other}\""))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("a user or password stands in it; use `user` and `password_file` or `password_env`"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("something follows the port"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("the host is missing"))?;
        Ok((host.to_owned(), url.port().unwrap_or(if is_tls { 8883 } else { 1883 }), is_tls))
    }

    fn check_ranges(&self) -> Result<(), MqttConfigError> {
        let refuse = |key, why: &str| Err(MqttConfigError::Key { key, why: why.to_owned() });
        if !(1..=1000).contains(&self.max_in_flight) {
            return refuse("max_in_flight", "must be 1 to 1000");
        }
        if !(5..=3600).contains(&self.keep_alive_s) {
            return refuse("keep_alive_s", "must be 5 to 3600");
        }
        if self.reconnect_min_ms == 0 || self.reconnect_max_ms < self.reconnect_min_ms {
            return refuse("reconnect_max_ms", "must not be below `reconnect_min_ms`, which must not be 0");
        }
        let levels: Vec<&str> = self.topic_prefix.split('/').collect();
        if levels.iter().any(|level| level.is_empty() || level.contains(['+', '#', '\0']) || level.starts_with('$')) {
            return refuse("topic_prefix", "must be names joined by /, without + # $ and empty parts");
        }
        if self.client_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > 128 || id.contains('\0')) {
            return refuse("client_id", "must have 1 to 128 characters; leave it out for forewarn-<site>");
        }
        Ok(())
    }

    fn credentials(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<(String, Secret)>, MqttConfigError> {
        let refuse = |key, why: String| Err(MqttConfigError::Key { key, why });
        let password = match (&self.password_file, &self.password_env) {
            (Some(_), Some(_)) => return refuse("password_env", "give either this or `password_file`".to_owned()),
            (Some(path), None) => Some(read_secret(path)?),
            (None, Some(name)) => match env(name) {
                Some(text) => Some(text),
                None => return refuse("password_env", format!("the environment variable {name} is not set")),
            },
            (None, None) => None,
        };
        match (&self.user, password) {
            (Some(user), password) => Ok(Some((user.clone(), Secret(password.unwrap_or_default())))),
            (None, Some(_)) => refuse("user", "a password is given, but no user".to_owned()),
            (None, None) => Ok(None),
        }
    }
}

fn read_secret(path: &Path) -> Result<String, MqttConfigError> {
    let failed = |source| MqttConfigError::Secret { key: "password_file", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let first = text.lines().next().unwrap_or_default();
    if first.is_empty() {
        let empty = std::io::Error::new(std::io::ErrorKind::InvalidData, "its first line is empty");
        return Err(failed(empty));
    }
    Ok(first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> MqttConfig {
        serde_json::from_str(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        let env = |name: &str| (name == "SET").then(|| "s3cret".to_owned());
        parse(text).resolve("north", &env).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_filled_in() {
        let resolved = parse(r#"{"url":"mqtt://broker.example"}"#).resolve("north", &|_| None).unwrap();
        assert_eq!(
            (resolved.broker().as_str(), resolved.client_id.as_str()),
            ("broker.example:1883", "forewarn-north")
        );
        assert_eq!((resolved.version, resolved.tls.is_none()), (MqttVersion::V5, true));
        let old = parse(r#"{"url":"mqtt://[::1]:99","version":"3.1.1"}"#).resolve("north", &|_| None).unwrap();
        assert_eq!((old.broker().as_str(), old.version), ("[::1]:99", MqttVersion::V311));
        assert!(
            serde_json::from_str::<MqttConfig>(r#"{"url":"mqtt://b","qos":2}"#).is_err(),
            "unknown keys are errors"
        );
    }

    #[test]
    fn refusals_name_the_key_and_what_to_do() {
        for (text, expected) in [
            (r#"{"url":"broker.example"}"#, "mqtt://HOST"),
            (r#"{"url":"http://broker.example"}"#, "the scheme is \"http\""),
            (r#"{"url":"mqtt://broker.example/x"}"#, "something follows the port"),
            (r#"{"url":"mqtt://b","max_in_flight":0}"#, "`max_in_flight`: must be 1 to 1000"),
            (r#"{"url":"mqtt://b","keep_alive_s":1}"#, "`keep_alive_s`"),
            (r#"{"url":"mqtt://b","topic_prefix":"a/#"}"#, "`topic_prefix`"),
            (r#"{"url":"mqtt://b","ca_file":"ca.pem"}"#, "use an mqtts:// URL"),
            (r#"{"url":"mqtt://b","user":"u","password_env":"UNSET"}"#, "UNSET is not set"),
            (r#"{"url":"mqtt://b","password_env":"SET"}"#, "`user`: a password is given"),
            (r#"{"url":"mqtt://b","user":"u","password_file":"/nowhere/pw"}"#, "failed to read /nowhere/pw"),
            (r#"{"url":"mqtts://b","ca_file":"/nowhere/ca"}"#, "`ca_file`: failed to read /nowhere/ca"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
    }

    #[test]
    fn secrets_are_in_no_message() {
        for url in ["mqtt://user:s3cret@broker.example", "mqtt//user:s3cret@x", "http://user:s3cret@x:99999"] {
            let refusal = refusal(&format!(r#"{{"url":"{url}"}}"#));
            assert!(!refusal.contains("s3cret"), "{refusal}");
        }
        let config = parse(r#"{"url":"mqtt://b","user":"u","password_env":"PW"}"#);
        let resolved = config.resolve("north", &|_| Some("s3cret".to_owned())).unwrap();
        assert_eq!(resolved.credentials.as_ref().unwrap().1.expose(), "s3cret");
        assert!(!format!("{resolved:?}").contains("s3cret"));
    }
}
