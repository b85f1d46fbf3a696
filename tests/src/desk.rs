//! Who sits at the console of a running agent and is no browser: one who asks, and those who look.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::clock::Stopwatch;
use serde_json::{Value, json};
use tungstenite::Message;
use tungstenite::client::IntoClientRequest as _;

use crate::Agent;
use crate::wait::eventually;

/// The console wants to hear from whoever looks more often than every 20 s.
const STILL_THERE: Duration = Duration::from_secs(5);

/// The console, as the account that was made first.
#[derive(Debug)]
pub struct Desk {
    http: ureq::Agent,
    port: u16,
    console: String,
    cookie: String,
    csrf: String,
}

impl Desk {
    /// Makes the first account, by the link that the agent tells.
    pub fn open(port: u16, agent: &Agent) -> anyhow::Result<Self> {
        let http = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).build().into();
        let console = format!("http://127.0.0.1:{port}/api/v1");
        let mut desk = Self { http, port, console, cookie: String::new(), csrf: String::new() };
        let link = eventually("the console tells its link", || {
            let log = agent.log();
            let (_, rest) = log.split_once("/#setup=")?;
            Some(rest.split(|c: char| c.is_whitespace() || c == ';').next()?.to_owned())
        })?;
        let first = json!({ "token": link, "name": "ann", "password": "three wise words" });
        let answer = desk.post("setup", &first)?;
        let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        desk.cookie = cookies.filter_map(|value| value.split(';').next()).collect::<Vec<_>>().join("; ");
        let session: Value = serde_json::from_str(&answer.into_body().read_to_string()?)?;
        session["csrf"].as_str().context("a session has a word against forgery")?.clone_into(&mut desk.csrf);
        Ok(desk)
    }

    /// Asks for a change; what is refused is an error.
    pub fn post(&self, path: &str, body: &Value) -> anyhow::Result<ureq::http::Response<ureq::Body>> {
        let question = self.http.post(format!("{}/{path}", self.console)).header("cookie", &self.cookie);
        let question = question.header("x-forewarn-csrf", &self.csrf).content_type("application/json");
        question.send(body.to_string()).with_context(|| format!("the console refuses {path}"))
    }

    /// Asks for what is told as JSON.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        let question = self.http.get(format!("{}/{path}", self.console)).header("cookie", &self.cookie);
        let answer = question.call().with_context(|| format!("the console does not tell {path}"))?;
        Ok(serde_json::from_str(&answer.into_body().read_to_string()?)?)
    }

    /// Begins to look at a camera live, as a page does that shows nothing.
    pub fn look(&self, camera: &str) -> anyhow::Result<Onlooker> {
        let mut asked = format!("ws://127.0.0.1:{}/api/v1/live", self.port).into_client_request()?;
        asked.headers_mut().insert("cookie", self.cookie.parse()?);
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (mut socket, _) = tungstenite::client(asked, stream).context("the console refuses a web socket")?;
        socket.send(Message::text(json!({ "is": "watch", "pane": 1, "camera": camera }).to_string()))?;
        let (stop, pictures) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ends, counted) = (Arc::clone(&stop), Arc::clone(&pictures));
        let look = move || {
            let mut said = Stopwatch::start();
            while !ends.load(Ordering::Relaxed) {
                // Bytes are pictures; the first of them are a header.
                counted.fetch_add(u64::from(socket.read()?.is_binary()), Ordering::Relaxed);
                if said.elapsed() > STILL_THERE {
                    said = Stopwatch::start();
                    socket.send(Message::text(json!({ "is": "time", "sent": 0 }).to_string()))?;
                }
            }
            Ok(())
        };
        let thread = std::thread::Builder::new().name("onlooker".to_owned()).spawn(look)?;
        Ok(Onlooker { stop, pictures, thread })
    }
}

/// Somebody who looks at a camera live.
#[derive(Debug)]
pub struct Onlooker {
    stop: Arc<AtomicBool>,
    pictures: Arc<AtomicU64>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Onlooker {
    /// Pictures that came so far.
    pub fn pictures(&self) -> u64 {
        self.pictures.load(Ordering::Relaxed)
    }

    /// Looks no more; how many pictures came.
    pub fn leave(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("an onlooker panicked"))??;
        Ok(self.pictures.load(Ordering::Relaxed))
    }
}

/// Decisions that the agent tells behind the first `from` bytes of its log, in milliseconds.
pub fn decided_ms(log: &str, from: usize) -> Vec<f64> {
    let after_us = |line: &str| line.split_once(" after_us=")?.1.split_whitespace().next()?.parse::<f64>().ok();
    log.get(from..).unwrap_or_default().lines().filter_map(after_us).map(|us| us / 1e3).collect()
}

/// The value below which this part of them lies; no number where there is none.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * part).ceil() as usize).clamp(1, values.len().max(1)) - 1;
    values.get(at).copied().unwrap_or(f64::NAN)
}
