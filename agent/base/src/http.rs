//! Questions over HTTP/1.1 and their answers, one after another over connections that are kept.
//!
//! The protocol is `ureq`'s, TLS is that of [`tls`](crate::tls), so that `ca_file` means the same as everywhere. Whatever
//! the status is, an answer is an answer: what it means is for the one who asked. No redirect is followed and no proxy of the
//! environment is used, lest something goes where nobody has said.

mod secure;
#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Request, Response};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector as _, TcpConnector};
use ureq::{Agent, AsSendBody, Body, SendBody};
use url::Url;

use crate::hash::{Digest, digest_of};
use crate::setting::SettingError;
use crate::tls::{TlsClient, explain};

/// Redirects are answers like others.
const FOLLOWED: u32 = 0;
/// The longest head of an answer.
const MOST_HEAD_BYTES: usize = 64 * 1024;

/// With what the advice about keys of TLS begins.
const BEHIND_KEYS: &str = "; check `ca_file`";

/// A question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// `GET`, `POST`, `PUT` and so on.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Headers beside those of the protocol, by name.
    pub headers: Vec<(String, String)>,
    /// What is sent; nothing where it is empty.
    pub body: Vec<u8>,
}

impl Ask {
    /// Asks for what is there.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), ..Self::default() }
    }

    /// Hands a document over.
    pub fn post(url: impl Into<String>, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST", url: url.into(), body: body.into(), ..Self::default() }.with("content-type", media_type)
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, their names in lower case; those that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The document, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// There is no answer. No message repeats more of an address than host and port: the rest may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The question cannot be asked as it is.
    #[error("no question can be made of it: {0}")]
    Unfit(String),
    /// Nobody is there, or the connection failed before anything was answered.
    #[error("failed to reach {peer}: {why}")]
    Away {
        /// The other side.
        peer: String,
        /// Why.
        why: String,
    },
    /// What came is no answer that can be used.
    #[error("{peer} gave no answer that can be used: {why}")]
    Useless {
        /// The other side.
        peer: String,
        /// Why.
        why: String,
    },
}

/// Asks. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Http {
    agent: Agent,
    within: Duration,
}

impl Http {
    /// Over TLS where an address says `https` and `tls` is given. A question and its whole answer may take `within`.
    pub fn new(tls: Option<TlsClient>, within: Duration) -> Self {
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(FOLLOWED)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("forewarn/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(within))
            .max_response_header_size(MOST_HEAD_BYTES)
            .build();
        let connector = ().chain(TcpConnector::default()).chain(secure::Secure(tls));
        Self { agent: Agent::with_parts(config, connector, DefaultResolver::default()), within }
    }

    /// The library's own, for who must tell the stages of a question apart.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Asks, and returns the answer with a document of at most `most` bytes.
    pub fn ask(&self, ask: &Ask, most: usize) -> Result<Answer, HttpError> {
        if ask.body.is_empty() && matches!(ask.method, "GET" | "HEAD" | "DELETE" | "OPTIONS") {
            return self.run(ask, (), most);
        }
        self.run(ask, ask.body.as_slice(), most)
    }

    /// Asks with a body that is read piece by piece while it is sent, in chunks where no header states its length. What
    /// `ask` holds as its body is left out.
    pub fn ask_with(&self, ask: &Ask, body: &mut dyn Read, most: usize) -> Result<Answer, HttpError> {
        self.run(ask, SendBody::from_reader(body), most)
    }

    /// Asks for a document of at most `most` bytes, and returns the status with the document's size and hash.
    pub fn hash(&self, ask: &Ask, most: u64) -> Result<(u16, Digest), HttpError> {
        let (peer, response) = self.begin(ask, ())?;
        let status = response.status().as_u16();
        let mut document = response.into_body().into_with_config().limit(most).reader();
        let told = |error: io::Error| {
            let error = error.downcast::<ureq::Error>().unwrap_or_else(ureq::Error::Io);
            self.told(error, peer, usize::try_from(most).unwrap_or(usize::MAX))
        };
        Ok((status, digest_of(&mut document).map_err(told)?))
    }

    fn run(&self, ask: &Ask, body: impl AsSendBody, most: usize) -> Result<Answer, HttpError> {
        let (peer, response) = self.begin(ask, body)?;
        let (status, headers) = (response.status().as_u16(), headers_of(&response));
        let body = response.into_body().into_with_config().limit(most as u64).read_to_vec();
        Ok(Answer { status, headers, body: body.map_err(|error| self.told(error, peer, most))? })
    }

    /// Asks; the document of the answer is still to be read.
    fn begin(&self, ask: &Ask, body: impl AsSendBody) -> Result<(String, Response<Body>), HttpError> {
        let unfit = |error: ureq::http::Error| HttpError::Unfit(error.to_string());
        let mut request = Request::builder().method(ask.method).uri(&ask.url);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(body).map_err(unfit)?;
        let peer = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let keys = if request.uri().scheme_str() == Some("https") { None } else { Some(BEHIND_KEYS) };
        let plain = |told: HttpError| match (told, keys) {
            // Nobody showed a certificate.
            (HttpError::Away { peer, why }, Some(keys)) => {
                let why = why.split(keys).next().unwrap_or_default().to_owned();
                HttpError::Away { peer, why }
            }
            (told, _) => told,
        };
        let response = self.agent.run(request).map_err(|error| plain(self.told(error, peer.clone(), 0)))?;
        Ok((peer, response))
    }

    fn told(&self, error: ureq::Error, peer: String, most: usize) -> HttpError {
        match error {
            ureq::Error::Timeout(_) => self.silent(peer),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => self.silent(peer),
            ureq::Error::Io(error) => match error.get_ref().and_then(|held| held.downcast_ref::<ureq::Error>()) {
                Some(ureq::Error::Timeout(_)) => self.silent(peer),
                _ if error.kind() == io::ErrorKind::UnexpectedEof => {
                    HttpError::Useless { peer, why: "it ends too early".to_owned() }
                }
                _ => HttpError::Away { peer, why: in_general(&explain(&error)) },
            },
            ureq::Error::HostNotFound => HttpError::Away { peer, why: "the name leads nowhere".to_owned() },
            ureq::Error::BodyExceedsLimit(_) => {
                HttpError::Useless { peer, why: format!("it is longer than {most} bytes") }
            }
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => HttpError::Unfit(error.to_string()),
            ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) | ureq::Error::BodyStalled => {
                HttpError::Useless { peer, why: error.to_string() }
            }
            other => HttpError::Away { peer, why: in_general(&explain(&other)) },
        }
    }

    fn silent(&self, peer: String) -> HttpError {
        HttpError::Away { peer, why: format!("it did not answer in {} s", self.within.as_secs()) }
    }
}

/// Why TLS failed is worded for brokers.
fn in_general(why: &str) -> String {
    why.replace("the broker", "the server").replace("use mqtt://", "use http://")
}

fn headers_of(response: &Response<Body>) -> Vec<(String, String)> {
    let text = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    response.headers().iter().filter_map(text).collect()
}

/// An address as a key of the site file states it: `http` or `https`, with a host, and without a name or password, which
/// no message repeats. Nothing is filled in, and nothing is left out when it is asked.
pub fn address(key: &'static str, text: &str, mend: &'static str) -> Result<Url, SettingError> {
    let wrong = |why: String| SettingError::value(key, why, mend);
    let url = Url::parse(text).map_err(|error| wrong(format!("this is no URL: {error}")))?;
    if text.contains(['{', '}']) {
        return Err(wrong("a placeholder stands in it, and nothing is filled in here".to_owned()));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("the scheme is \"{}\"", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it names no host".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("a name or password in the address is not supported".to_owned()));
    }
    if url.port() == Some(0) {
        return Err(wrong("nobody listens on port 0".to_owned()));
    }
    if url.fragment().is_some() {
        return Err(wrong("what stands behind `#` is sent to nobody".to_owned()));
    }
    Ok(url)
}

/// An address that others are told, and with it whatever stands there: without a secret in its path or query.
pub fn public_address(key: &'static str, text: &str, mend: &'static str) -> Result<Url, SettingError> {
    let url = address(key, text, mend)?;
    let parts = [url.path(), url.query().unwrap_or_default()];
    let names = parts.iter().flat_map(|part| part.split(['/', '&', ';'])).filter_map(|part| part.split_once('='));
    match names.map(|(name, _)| name).find(|name| names_secret(name)) {
        Some(name) => {
            let why = format!("`{name}=` in it reads as a secret, and whoever is told the address would read it");
            Err(SettingError::value(key, why, mend))
        }
        None => Ok(url),
    }
}

/// Parts of the names of what is secret in an address.
const SECRET_PARTS: [&str; 8] =
    ["password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "signature"];
/// Such names as a whole, which are parts of harmless ones, too.
const SECRET_NAMES: [&str; 7] = ["pass", "pas", "psw", "pin", "key", "auth", "sig"];

fn names_secret(name: &str) -> bool {
    let small = name.to_ascii_lowercase();
    let is_api_key = small.contains("key") && (small.contains("api") || small.contains("access"));
    is_api_key || SECRET_PARTS.iter().any(|part| small.contains(part)) || SECRET_NAMES.contains(&small.as_str())
}
