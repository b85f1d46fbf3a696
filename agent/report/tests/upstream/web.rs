//! A server over HTTP that does as it is told: answers, refuses, ends in the middle, answers twice, too late, or no HTTP.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;

/// What it does with a question.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Gives this answer, whole.
    Answer(String),
    /// Ends the connection in the middle of its answer, though it has what it was told.
    Die,
    /// Ends the connection without having taken anything.
    Hang,
    /// Takes it, and says that it is busy.
    Deny,
    /// Gives the same answer twice.
    Twice(String),
    /// Takes it, and answers what is no HTTP.
    Babble,
    /// Takes it, and answers when whoever asked has given up.
    Late(String),
}

/// An answer with a status, headers and a document.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Words\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// What it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether its answer says that it has it.
    pub(crate) is_taken: bool,
}

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &'_ str| line.split_once(": ").is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
        let line = self.head.lines().find(|line| named(line))?;
        line.split_once(": ").map(|(_, value)| value)
    }
}

#[derive(Default)]
struct Script {
    next: VecDeque<Deed>,
    usual: Option<Deed>,
    asked: Vec<Asked>,
}

/// A server; it goes on until the tests end.
#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) port: u16,
    script: Arc<Mutex<Script>>,
}

impl Web {
    /// Listens, and does `usual` with what no deed is told for.
    pub(crate) fn start(port: u16, usual: Deed) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Mutex::new(Script { usual: Some(usual), ..Script::default() }));
        let shared = Arc::clone(&script);
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&shared);
                let serve = move || serve(&stream, &script);
                std::thread::Builder::new().name("web".to_owned()).spawn(serve).unwrap();
            }
        };
        std::thread::Builder::new().name("web".to_owned()).spawn(accept).unwrap();
        Self { port, script }
    }

    /// One that takes everything.
    pub(crate) fn taking() -> Self {
        Self::start(0, Deed::Answer(answer(204, "", "")))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// What it does with the next questions.
    pub(crate) fn will(&self, deeds: impl IntoIterator<Item = Deed>) {
        lock(&self.script).next.extend(deeds);
    }

    /// What it does from now on with what no deed is told for.
    pub(crate) fn usually(&self, deed: Deed) {
        lock(&self.script).usual = Some(deed);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        lock(&self.script).asked.clone()
    }
}

fn question(stream: &mut BufReader<&TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn serve(stream: &TcpStream, script: &Mutex<Script>) {
    let mut reader = BufReader::new(stream);
    while let Some((head, body)) = question(&mut reader) {
        let deed = {
            let mut script = lock(script);
            let deed = script.next.pop_front().or_else(|| script.usual.clone()).unwrap();
            let is_taken = match &deed {
                Deed::Answer(text) | Deed::Twice(text) => text.starts_with("HTTP/1.1 2"),
                Deed::Die | Deed::Deny | Deed::Babble | Deed::Late(_) => true,
                Deed::Hang => false,
            };
            script.asked.push(Asked { head, body, is_taken });
            deed
        };
        let mut out = stream;
        let sent = match deed {
            Deed::Answer(text) => out.write_all(text.as_bytes()),
            Deed::Twice(text) => out.write_all((text.clone() + &text).as_bytes()),
            Deed::Die => {
                let _ = out.write_all(b"HTTP/1.1 200 Words\r\ncontent-len");
                return;
            }
            Deed::Hang => return,
            Deed::Deny => out.write_all(answer(503, "", "busy").as_bytes()),
            Deed::Babble => {
                let _ = out.write_all(b"\x00\xffTAKEN 200\r\n\r\n{}");
                return;
            }
            Deed::Late(text) => {
                // Its end of the connection comes when it has given up.
                let _ = reader.read_to_end(&mut Vec::new());
                let _ = out.write_all(text.as_bytes());
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
