//! The keys that every recipient over HTTP has in the site file.

use std::path::Path;
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::http::{Http, address};
use forewarn_base::secret::{PasswordSource, Secret};
use forewarn_base::setting::SettingError;
use forewarn_base::tls::TlsFiles;
use url::Url;

use super::{OverHttp, Recipient};
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

/// The value of `timeout_s` where it is not given.
pub(crate) fn default_timeout_s() -> u16 {
    20
}

impl HttpKeys<'_> {
    /// The address. No message repeats what stands in it.
    pub fn address(&self) -> Result<Url, SettingError> {
        address("url", self.url, "write it like \"https://reports.example/hook\"")
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
        let url = self.address()?;
        if !(1..=300).contains(&self.timeout_s) {
            let why = format!("{} is out of range", self.timeout_s);
            return Err(SettingError::value("timeout_s", why, "write 1 to 300 seconds"));
        }
        let is_secure = url.scheme() == "https";
        if let (false, Some(key)) = (is_secure, self.tls.first_key()) {
            return Err(SettingError::value(key, "it has no effect without TLS", "use an https:// URL"));
        }
        let host = url.host_str().unwrap_or_default();
        let tls = if is_secure { Some(self.tls.load(around.directory, host)?) } else { None };
        let within = Duration::from_secs(u64::from(self.timeout_s));
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(OverHttp {
            id: around.id.to_owned(),
            recipient,
            http: Http::new(tls, within),
            peer: format!("the {kind} {host}:{port}"),
            within,
            reconnect: WAITS,
            refusals: std::sync::Arc::default(),
            thin: None,
        })
    }
}

/// Declares a table of the site file that holds the keys of a recipient over HTTP beside its own, and `http()`, which gives
/// the former.
macro_rules! http_table {
    ($(#[$meta:meta])* pub struct $name:ident { $(#[$secret:meta])* secret; $($own:tt)* }) => {
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
            /// Seconds for a question and its answer, 1 to 300.
            #[serde(default = "crate::upstream::http::table::default_timeout_s")]
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
