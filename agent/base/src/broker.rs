//! The address of a message broker, and the keys that every client of one has.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use url::Url;

use crate::secret::{Credentials, Environment, PasswordSource};
use crate::setting::SettingError;
use crate::tls::{TlsClient, TlsFiles};

/// What a broker refused when it knows neither the user nor the password, after "refused".
pub const BAD_LOGIN: &str = "the user or password; check `user` and `password_file` or `password_env`";
/// What a broker refused when it knows who it is and does not let them in, after "refused".
pub const NOT_ALLOWED: &str = "this client; check `user`, the password and the broker's ACL";

/// Why a connection to a broker that stood is gone.
pub const CUT: &str = "the broker closed the connection; its log says why";
/// Why a connection that stood is given up.
pub const NO_PING: &str = "the broker answers no ping";

const URL_MEND: &str = "write mqtt://HOST[:PORT] or mqtts://HOST[:PORT]";

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is spoken to over TLS.
    pub is_tls: bool,
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl BrokerUrl {
    /// Parses `mqtt://HOST[:PORT]` (1883) or, over TLS, `mqtts://HOST[:PORT]` (8883). What cannot be used may hold a
    /// password, so no message repeats any part of it but the scheme.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let wrong = |why: String| SettingError::value("url", why, URL_MEND);
        let url = Url::parse(text).map_err(|error| wrong(format!("this is no URL: {error}")))?;
        let (is_tls, usual_port) = match url.scheme() {
            "mqtt" => (false, 1883),
            "mqtts" => (true, 8883),
            other => return Err(wrong(format!("the scheme is \"{other}\""))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            let mend = "use `user` and `password_file` or `password_env`";
            return Err(SettingError::value("url", "a user or password stands in it", mend));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("something follows the port".to_owned()));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("the host is missing".to_owned()))?.to_owned();
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !host.starts_with('[') && !host.chars().all(is_of_name) {
            return Err(wrong("its host is neither a name nor an address".to_owned()));
        }
        let port = url.port().unwrap_or(usual_port);
        if port == 0 {
            return Err(wrong("nobody listens on port 0".to_owned()));
        }
        Ok(Self { host, port, is_tls })
    }
}

/// How a client reaches its broker: checked, with its secrets.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Where it listens.
    pub url: BrokerUrl,
    /// The client's id, unique at the broker.
    pub client_id: String,
    /// Who logs in, where anybody does.
    pub credentials: Option<Credentials>,
    /// TLS, where the address asks for it.
    pub tls: Option<TlsClient>,
    /// The silence after which the connection is probed.
    pub keep_alive: Duration,
}

/// The keys of a broker, as a table that [`broker_table`](crate::broker_table) declares holds them.
#[derive(Debug, Clone, Copy)]
pub struct BrokerKeys<'a> {
    /// `url`.
    pub url: &'a str,
    /// `client_id`.
    pub client_id: Option<&'a str>,
    /// `user`.
    pub user: Option<&'a str>,
    /// `password_file`.
    pub password_file: Option<&'a Path>,
    /// `password_env`.
    pub password_env: Option<&'a str>,
    /// The files of TLS.
    pub tls: TlsFiles<'a>,
    /// `keep_alive_s`.
    pub keep_alive_s: u16,
}

impl BrokerKeys<'_> {
    /// Checks the keys and reads password, certificates and key, whose paths are relative to `directory`. The client
    /// goes by `client_id` where the table gives it no name.
    pub fn resolve(
        &self,
        client_id: String,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<Broker, SettingError> {
        let url = BrokerUrl::parse(self.url)?;
        if !(5..=3600).contains(&self.keep_alive_s) {
            let why = format!("{} is out of range", self.keep_alive_s);
            return Err(SettingError::value("keep_alive_s", why, "write 5 to 3600 seconds"));
        }
        let client_id = self.client_id.map_or(client_id, str::to_owned);
        if client_id.trim().is_empty() || client_id.len() > 128 || client_id.contains('\0') {
            let why = "it must have 1 to 128 characters";
            return Err(SettingError::value("client_id", why, "leave it out, or shorten it"));
        }
        if let (false, Some(key)) = (url.is_tls, self.tls.first_key()) {
            return Err(SettingError::value(key, "it has no effect without TLS", "use an mqtts:// URL"));
        }
        let password = PasswordSource::of(self.password_file, self.password_env)?;
        let credentials = Credentials::read(self.user, password.as_ref(), directory, environment)?;
        let tls = if url.is_tls { Some(self.tls.load(directory, &url.host)?) } else { None };
        let keep_alive = Duration::from_secs(u64::from(self.keep_alive_s));
        Ok(Broker { url, client_id, credentials, tls, keep_alive })
    }
}

/// The value of `keep_alive_s` where it is not given.
pub fn default_keep_alive_s() -> u16 {
    30
}

/// Declares a table of the site file that holds the keys of a broker beside its own, and `broker()`, which gives the
/// former. The keys are written into the table, because with serde's `flatten` an unknown key could not be told with the
/// keys that there are.
#[macro_export]
macro_rules! broker_table {
    ($(#[$meta:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// `mqtt://HOST[:PORT]` (1883) or, over TLS, `mqtts://HOST[:PORT]` (8883). No user or password in it.
            pub url: String,
            $($own)*
            /// The client's id, unique at the broker; made from the site's name if not given.
            #[serde(default)]
            pub client_id: Option<String>,
            /// The user.
            #[serde(default)]
            pub user: Option<String>,
            /// A file whose first line is the password.
            #[serde(default)]
            pub password_file: Option<std::path::PathBuf>,
            /// The environment variable that holds the password.
            #[serde(default)]
            pub password_env: Option<String>,
            /// Certificate authorities (PEM) to trust, or the broker's own certificate; the system's authorities if not
            /// given.
            #[serde(default)]
            pub ca_file: Option<std::path::PathBuf>,
            /// This client's certificate chain (PEM).
            #[serde(default)]
            pub client_cert: Option<std::path::PathBuf>,
            /// The key of that certificate (PEM).
            #[serde(default)]
            pub client_key: Option<std::path::PathBuf>,
            /// Seconds of silence after which the connection is probed, 5 to 3600.
            #[serde(default = "forewarn_base::broker::default_keep_alive_s")]
            pub keep_alive_s: u16,
        }

        impl $name {
            /// The keys of the broker.
            pub fn broker(&self) -> $crate::broker::BrokerKeys<'_> {
                $crate::broker::BrokerKeys {
                    url: &self.url,
                    client_id: self.client_id.as_deref(),
                    user: self.user.as_deref(),
                    password_file: self.password_file.as_deref(),
                    password_env: self.password_env.as_deref(),
                    tls: $crate::tls::TlsFiles {
                        ca_file: self.ca_file.as_deref(),
                        client_cert: self.client_cert.as_deref(),
                        client_key: self.client_key.as_deref(),
                    },
                    keep_alive_s: self.keep_alive_s,
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the tables that the macro declares are public elsewhere")]

    use super::*;

    broker_table! {
        /// A table with one key of its own.
        pub struct Table {
            /// Its own key.
            pub topic: String,
        }
    }

    fn resolve(text: &str) -> Result<Broker, String> {
        let table: Table = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let environment = |name: &str| (name == "SET").then(|| "s3cret".to_owned());
        let broker = table.broker().resolve("forewarn-north".to_owned(), Path::new("/nowhere"), &environment);
        broker.map_err(|error| error.line())
    }

    fn with(rest: &str) -> String {
        format!(r#"{{"url":"mqtt://b","topic":"t"{rest}}}"#)
    }

    #[test]
    fn short_tables_get_the_defaults() {
        let broker = resolve(&with("")).unwrap();
        assert_eq!((broker.url.to_string().as_str(), broker.client_id.as_str()), ("b:1883", "forewarn-north"));
        assert_eq!((broker.credentials.is_none(), broker.tls.is_none()), (true, true));
        assert_eq!(broker.keep_alive, Duration::from_secs(30));
        let named = resolve(&with(r#","client_id":"me","user":"u","password_env":"SET""#)).unwrap();
        assert_eq!((named.client_id.as_str(), named.credentials.unwrap().password.expose()), ("me", "s3cret"));
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for (text, shown, is_tls) in [
            ("mqtt://broker.example", "broker.example:1883", false),
            ("mqtts://broker.example/", "broker.example:8883", true),
            ("mqtt://192.168.1.9:2883", "192.168.1.9:2883", false),
            ("mqtt://[::1]:99", "[::1]:99", false),
        ] {
            let url = BrokerUrl::parse(text).unwrap();
            assert_eq!((url.to_string().as_str(), url.is_tls), (shown, is_tls));
        }
    }

    #[test]
    fn refusals_name_the_key_and_what_to_do() {
        for (text, says) in [
            (r#"{"url":"broker.example","topic":"t"}"#.to_owned(), "url: this is no URL"),
            (r#"{"url":"http://b","topic":"t"}"#.to_owned(), "url: the scheme is \"http\"; write mqtt://HOST"),
            (r#"{"url":"mqtt://b/x","topic":"t"}"#.to_owned(), "url: something follows the port"),
            (r#"{"url":"mqtt://","topic":"t"}"#.to_owned(), "url: the host is missing"),
            (with(r#","qos":2"#), "unknown field `qos`, expected one of `url`, `topic`, `client_id`"),
            (with(r#","keep_alive_s":1"#), "keep_alive_s: 1 is out of range; write 5 to 3600"),
            (with(r#","client_id":" ""#), "client_id: it must have 1 to 128 characters"),
            (with(r#","ca_file":"ca.pem""#), "ca_file: it has no effect without TLS; use an mqtts:// URL"),
            (with(r#","client_key":"k""#), "client_key: it has no effect"),
            (with(r#","user":"u","password_env":"UNSET""#), "the environment has no variable UNSET"),
            (with(r#","password_env":"SET""#), "password_env: a password is given, but no user"),
            (with(r#","user":"u","password_file":"pw""#), "password_file: failed to read /nowhere/pw"),
            (with("").replace("mqtt://b\"", "mqtts://b\",\"ca_file\":\"ca\""), "ca_file: failed to read /nowhere/ca"),
        ] {
            let refusal = resolve(&text).unwrap_err();
            assert!(refusal.contains(says), "{text}: {refusal}");
        }
    }

    #[test]
    fn no_message_repeats_a_password() {
        for url in [
            "mqtt://user:s3cret@broker.example",
            "mqtt//user:s3cret@x",
            "http://user:s3cret@x:99999",
            "mqtt://user:s3cret@x/s3cret",
            "mqtt://{s3cret}",
            "mqtt://a,s3cret:1883",
            "mqtts://%73s3cret",
        ] {
            let refusal = BrokerUrl::parse(url).unwrap_err().line();
            assert!(refusal.starts_with("url: ") && !refusal.contains("s3cret"), "{refusal}");
        }
        let broker = resolve(&with(r#","user":"u","password_env":"SET""#)).unwrap();
        assert!(!format!("{broker:?}").contains("s3cret"));
    }
}
