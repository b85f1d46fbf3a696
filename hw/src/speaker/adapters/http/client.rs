//! Requests to one device: with its login, within a time, and never more than asked.

use std::io::{self, Cursor, Read};
use std::net::TcpStream;
use std::time::Duration;

use forewarn_base::digest::{Asked, Challenge, asked};
use forewarn_base::http::Http;
use forewarn_base::secret::Credentials;
use forewarn_base::tls::{TlsClient, explain};
use forewarn_domain::clock::Stopwatch;
use ureq::http::Response;
use ureq::{Body, SendBody, Timeout, http};
use url::Url;

use super::Auth;
use super::error::HttpError;
use super::paced::Paced;
use crate::speaker::template::shown;

/// Most of an answer that is read.
const MOST: u64 = 64 << 10;
/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);

/// One device.
pub(super) struct Client {
    pub(super) agent: ureq::Agent,
    pub(super) url: Url,
    pub(super) login: Option<Credentials>,
    pub(super) auth: Auth,
    /// How long an answer may take.
    pub(super) patience: Duration,
}

/// What is asked.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) payload: Payload,
    /// How long the device may take to answer once it has all.
    pub(super) wait: Duration,
    /// Whether one that does not answer in that time has taken it.
    pub(super) may_be_silent: bool,
}

/// What goes along.
pub(super) enum Payload {
    None,
    Bytes(Vec<u8>),
    /// In pieces, as it sounds.
    Stream(Paced),
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Answer {
    /// Status and text in a few words.
    pub(super) fn in_words(&self) -> String {
        match (self.status, shown(&self.text)) {
            (0, _) => "nothing".to_owned(),
            (status, text) if text.is_empty() => status.to_string(),
            (status, text) => format!("{status}: {text}"),
        }
    }
}

impl Client {
    pub(super) fn new(url: Url, tls: Option<TlsClient>, patience: Duration) -> Self {
        let agent = Http::new(tls, patience).agent().clone();
        Self { agent, url, login: None, auth: Auth::default(), patience }
    }

    /// By which the device is told of.
    pub(super) fn peer(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The address of a path: from the root where it begins with a slash, else what follows `url`.
    pub(super) fn at(&self, path: &str) -> Option<Url> {
        if path.starts_with('/') { self.url.join(path).ok() } else { Url::parse(&format!("{}{path}", self.url)).ok() }
    }

    /// Opens a connection and closes it again.
    pub(super) fn connect(&self) -> Result<(), HttpError> {
        let away = |why: String| HttpError::Away { peer: self.peer(), why };
        let addresses = self.url.socket_addrs(|| None).map_err(|error| away(error.to_string()))?;
        let mut last = "its name leads nowhere".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECT.min(self.patience)) {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
        }
        Err(away(last))
    }

    /// Asks with the login that the device wants.
    pub(super) fn ask(&self, request: &Request, left: Duration) -> Result<Answer, HttpError> {
        let watch = Stopwatch::start();
        let left = || left.saturating_sub(watch.elapsed());
        let Some(login) = &self.login else {
            return match self.once(request, None, left())? {
                Reply::Done(answer) => Ok(answer),
                Reply::WhoIsThere(_) => Err(HttpError::NoLogin { peer: self.peer() }),
            };
        };
        if self.auth == Auth::Basic {
            return match self.once(request, Some(&basic(login)), left())? {
                Reply::Done(answer) => Ok(answer),
                Reply::WhoIsThere(_) => Err(HttpError::BadLogin { peer: self.peer() }),
            };
        }
        // What takes as long as it sounds is not sent twice: the device is asked for its challenge without it.
        let challenge = match &request.payload {
            Payload::Stream(_) => self.once(&request.without_payload(self.patience), None, left())?,
            Payload::None | Payload::Bytes(_) => self.once(request, None, left())?,
        };
        let challenge = match (challenge, &request.payload) {
            (Reply::Done(_), Payload::Stream(_)) => None,
            (Reply::Done(answer), _) => return Ok(answer),
            (Reply::WhoIsThere(asked), _) => Some(self.digest(asked)?),
        };
        let authorization = challenge.map(|challenge| challenge.answer(login, request.method, &target(&request.url)));
        match self.once(request, authorization.as_deref(), left())? {
            Reply::Done(answer) => Ok(answer),
            Reply::WhoIsThere(_) => Err(HttpError::BadLogin { peer: self.peer() }),
        }
    }

    fn digest(&self, asked: Asked) -> Result<Challenge, HttpError> {
        let peer = self.peer();
        match asked {
            Asked::Digest(challenge) => Ok(challenge),
            Asked::Basic => Err(HttpError::Basic { peer }),
            Asked::Other(what) => Err(HttpError::OtherLogin { peer, what }),
        }
    }

    fn once(&self, request: &Request, authorization: Option<&str>, left: Duration) -> Result<Reply, HttpError> {
        let head = http::Request::builder().method(request.method).uri(request.url.as_str());
        // Announcements are rare, and what a device does with a connection that stays open is its own matter.
        let mut head = head.header("Connection", "close");
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        if let Some(authorization) = authorization {
            head = head.header("Authorization", authorization);
        }
        let watch = Stopwatch::start();
        let body = match &request.payload {
            Payload::None if request.method == "GET" => SendBody::none(),
            Payload::None => {
                head = head.header("Content-Length", "0");
                SendBody::from_owned_reader(io::empty())
            }
            Payload::Bytes(payload) => {
                head = head.header("Content-Length", payload.len());
                SendBody::from_owned_reader(Cursor::new(payload.clone()))
            }
            Payload::Stream(paced) => SendBody::from_owned_reader(paced.start()),
        };
        let built = head.body(body).map_err(|error| self.told(error.into(), watch, request))?;
        let timed = self
            .agent
            .configure_request(built)
            .timeout_global(Some(left))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(request.wait))
            .timeout_recv_body(Some(self.patience))
            .build();
        match self.agent.run(timed) {
            Ok(response) => self.read(response),
            Err(ureq::Error::Timeout(Timeout::RecvResponse)) if request.may_be_silent => {
                Ok(Reply::Done(Answer { status: 0, text: String::new() }))
            }
            Err(error) => Err(self.told(error, watch, request)),
        }
    }

    fn read(&self, response: Response<Body>) -> Result<Reply, HttpError> {
        let status = response.status().as_u16();
        if status == 401 {
            let headers = response.headers().get_all("WWW-Authenticate").iter();
            return Ok(Reply::WhoIsThere(asked(headers.filter_map(|value| value.to_str().ok()))));
        }
        let mut text = Vec::new();
        let read = response.into_body().into_reader().take(MOST).read_to_end(&mut text);
        read.map_err(|error| HttpError::Cut {
            peer: self.peer(),
            when: " while it answered".to_owned(),
            why: error.to_string(),
        })?;
        Ok(Reply::Done(Answer { status, text: String::from_utf8_lossy(&text).into_owned() }))
    }

    fn told(&self, error: ureq::Error, watch: Stopwatch, request: &Request) -> HttpError {
        use io::ErrorKind::{
            AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound, PermissionDenied,
        };
        let (peer, after_s) = (self.peer(), watch.elapsed().as_secs_f64());
        match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => HttpError::Silent { peer, after_s },
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::InvalidData => HttpError::NoTls { peer, why: explain(&error) },
                ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable | NotFound
                | PermissionDenied => HttpError::Away { peer, why: error.to_string() },
                _ if matches!(request.payload, Payload::Stream(_)) => {
                    HttpError::Cut { peer, when: format!(" after {after_s:.1} s of the sound"), why: error.to_string() }
                }
                _ => HttpError::Cut { peer, when: String::new(), why: error.to_string() },
            },
            ureq::Error::HostNotFound => HttpError::Away { peer, why: "its name leads nowhere".to_owned() },
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                HttpError::Away { peer, why: format!("no connection in {after_s:.1} s") }
            }
            ureq::Error::Timeout(_) => HttpError::Silent { peer, after_s },
            other => HttpError::NoHttp { peer, why: other.to_string() },
        }
    }
}

/// How a request went.
enum Reply {
    Done(Answer),
    WhoIsThere(Asked),
}

impl Request {
    fn without_payload(&self, wait: Duration) -> Self {
        let Self { method, url, headers, .. } = self;
        let (url, headers) = (url.clone(), headers.clone());
        Self { method, url, headers, payload: Payload::None, wait, may_be_silent: false }
    }
}

/// What the first line of the request names.
fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

fn basic(login: &Credentials) -> String {
    use base64::Engine as _;
    let pair = format!("{}:{}", login.user, login.password.expose());
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}
