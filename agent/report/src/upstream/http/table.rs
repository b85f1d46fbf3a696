//! The keys that every recipient over HTTP has in the site file.

use std::path::Path;
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::http::{Http, address};
use forewarn_base::secret::{PasswordSource, Secret};
use forewarn_base::setting::SettingError;
use forewarn_base::tls::TlsFiles;
use url::Url;

use super::{AHEAD, OverHttp, Recipient};
use crate::upstream::Pace;
use crate::upstream::settings::Surroundings;

/// Pauses between attempts: people wait for some of these, and the other side is often a public service.
const WAITS: BackoffLimits =
    BackoffLimits { first: Duration::from_secs(1), longest: Duration::from_mins(1), jitter: 0.5 };

/// The keys of a recipient over HTTP, as a table that [`http_table`] declares holds them.
#[derive(Debug, Clone, Copy)]
pub struct HttpKeys<'a> {
    /// `url`.
    pub url: &'a str,
    /// `password_file`.
    pub password_file: Option<&'a Path>,
    /// `password_env`.
    pub password_env: Option<&'a str>,
    /// The files of TLS.
    pub tls: TlsFiles<'a>,
    /// `timeout_s`.
    pub timeout_s: u16,
}

/// Connections to a server, and how patient with it one is.
#[derive(Debug, Clone)]
pub struct Way {
    /// The connections.
    pub http: Http,
    /// Where they lead, for logs; without secrets.
    pub peer: String,
    /// How long a question and its answer may take.
    pub within: Duration,
    /// The pauses between attempts.
    pub reconnect: BackoffLimits,
}

impl Way {
    /// How fast reports are asked about, one after another.
    pub(in crate::upstream) fn pace(&self, max_per_minute: Option<u32>) -> Pace {
        // The answer itself is waited for by whoever asks.
        let answer_within = self.within + Duration::from_secs(10);
        Pace { answer_within, max_in_flight: AHEAD, reconnect: self.reconnect, max_per_minute }
    }
}

/// The value of `timeout_s` where it is not given.
pub(crate) fn default_timeout_s() -> u16 {
    20
}

impl HttpKeys<'_> {
    /// The address. No message repeats what stands in it.
    pub fn address(&self) -> Result<Url, SettingError> {
        self.address_like("write it like \"https://reports.example/hook\"")
    }

    /// The same, told how such an address is written.
    pub fn address_like(&self, mend: &'static str) -> Result<Url, SettingError> {
        address("url", self.url, mend)
    }

    /// What `password_file` or `password_env` holds.
    pub fn secret(&self, around: Surroundings<'_>) -> Result<Option<Secret>, SettingError> {
        let source = PasswordSource::of(self.password_file, self.password_env)?;
        source.map(|source| source.read(around.directory, around.environment)).transpose()
    }

    /// The key that names the secret.
    pub fn secret_key(&self) -> &'static str {
        if self.password_env.is_some() { "password_env" } else { "password_file" }
    }

    /// The way to a recipient of a kind.
    pub fn open<R: Recipient>(
        &self,
        kind: &str,
        recipient: R,
        around: Surroundings<'_>,
    ) -> Result<OverHttp<R>, SettingError> {
        if !(1..=300).contains(&self.timeout_s) {
            return Err(self.out_of_range("write 1 to 300 seconds"));
        }
        let (id, way) = (around.id.to_owned(), self.way(kind, around)?);
        Ok(OverHttp { id, recipient, way, refusals: std::sync::Arc::default(), thin: None })
    }

    /// `timeout_s` is not what it may be.
    pub fn out_of_range(&self, mend: &'static str) -> SettingError {
        SettingError::value("timeout_s", format!("{} is out of range", self.timeout_s), mend)
    }

    /// The connections to a server, by whatever is said over them.
    pub fn way(&self, kind: &str, around: Surroundings<'_>) -> Result<Way, SettingError> {
        let url = self.address()?;
        let is_secure = url.scheme() == "https";
        if let (false, Some(key)) = (is_secure, self.tls.first_key()) {
            return Err(SettingError::value(key, "it has no effect without TLS", "use an https:// URL"));
        }
        let host = url.host_str().unwrap_or_default();
        let tls = if is_secure { Some(self.tls.load(around.directory, host)?) } else { None };
        let within = Duration::from_secs(u64::from(self.timeout_s));
        let port = url.port_or_known_default().unwrap_or_default();
        let peer = format!("the {kind} {host}:{port}");
        Ok(Way { http: Http::new(tls, within), peer, within, reconnect: WAITS })
    }
}

/// Declares a table of the site file that holds the keys of a recipient over HTTP beside its own, and `http()`, which gives
/// the former.
macro_rules! http_table {
    ($(#[$meta:meta])* pub struct $name:ident { $($keys:tt)* }) => {
        $crate::upstream::http::table::http_table! {
            @ "crate::upstream::http::table::default_timeout_s", "Seconds for a question and its answer, 1 to 300.",
            $(#[$meta])* pub struct $name { $($keys)* }
        }
    };
    (@ $timeout:literal, $about:literal,
        $(#[$meta:meta])* pub struct $name:ident { $(#[$secret:meta])* secret; $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// `http://…` or, over TLS, `https://…`; no user or password in it.
            pub url: String,
            $($own)*
            $(#[$secret])*
            #[serde(default)]
            pub password_file: Option<std::path::PathBuf>,
            /// The environment variable that holds it, instead of the file.
            #[serde(default)]
            pub password_env: Option<String>,
            /// Certificate authorities (PEM) to trust, or the server's own certificate; the system's authorities if not
            /// given.
            #[serde(default)]
            pub ca_file: Option<std::path::PathBuf>,
            /// This client's certificate chain (PEM).
            #[serde(default)]
            pub client_cert: Option<std::path::PathBuf>,
            /// The key of that certificate (PEM).
            #[serde(default)]
            pub client_key: Option<std::path::PathBuf>,
            #[doc = $about]
            #[serde(default = $timeout)]
            pub timeout_s: u16,
        }

        impl $name {
            fn http(&self) -> $crate::upstream::http::table::HttpKeys<'_> {
                $crate::upstream::http::table::HttpKeys {
                    url: &self.url,
                    password_file: self.password_file.as_deref(),
                    password_env: self.password_env.as_deref(),
                    tls: forewarn_base::tls::TlsFiles {
                        ca_file: self.ca_file.as_deref(),
                        client_cert: self.client_cert.as_deref(),
                        client_key: self.client_key.as_deref(),
                    },
                    timeout_s: self.timeout_s,
                }
            }
        }
    };
}

pub(crate) use http_table;
