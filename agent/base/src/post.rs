//! One question over HTTP and its answer, for services that take a document and give one.
//!
//! It speaks HTTP/1.0: the answer ends with the connection, comes in one piece, and nothing is left open.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use url::Url;

use crate::setting::SettingError;
use crate::tls::{TlsClient, TlsFiles, explain};

/// A connection and each read of it may take so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reads of one answer, at most: who sends it byte by byte is not waited for.
const MOST_READS: usize = 256;
/// Headers of an answer, at most.
const MOST_HEADERS: usize = 64;

/// Nobody answered, or not with what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no connection.
    #[error("failed to reach {peer}: {}", told(source))]
    Away {
        /// The other side.
        peer: String,
        /// Why.
        source: io::Error,
    },
    /// The answer is a refusal.
    #[error("{peer} answered with status {status}")]
    Refused {
        /// The other side.
        peer: String,
        /// Its status.
        status: u16,
    },
    /// The answer is none that can be used.
    #[error("{peer} gave no answer that can be used: {why}")]
    Useless {
        /// The other side.
        peer: String,
        /// Why.
        why: String,
    },
}

fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => format!("it did not answer in {} s", PATIENCE.as_secs()),
        _ => explain(error),
    }
}

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct Peer {
    host: String,
    port: u16,
    /// Path and query.
    target: String,
    tls: Option<TlsClient>,
}

impl Peer {
    /// The service at an address that begins with `http://` or, checked against the system's authorities, `https://`.
    pub fn of(key: &'static str, url: &str) -> Result<Self, SettingError> {
        const MEND: &str = "write it like \"http://stamps.example/tsa\"";
        let url = Url::parse(url).map_err(|error| SettingError::value(key, format!("\"{url}\": {error}"), MEND))?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(SettingError::value(key, "it names no host", MEND));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SettingError::value(key, "a name or password in the address is not supported", MEND));
        }
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some(TlsFiles::default().load(std::path::Path::new(""), host)?),
            other => return Err(SettingError::value(key, format!("the scheme is \"{other}\""), MEND)),
        };
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Self { host: host.to_owned(), port, target, tls })
    }

    /// By which it is told of.
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Sends a document of a media type, and returns the document that comes back, of at most `most` bytes.
    pub fn post(&self, media_type: &str, document: &[u8], most: usize) -> Result<Vec<u8>, PostError> {
        let away = |source| PostError::Away { peer: self.name(), source };
        let head = format!(
            "POST {} HTTP/1.0\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.target,
            self.name(),
            document.len()
        );
        let request = [head.as_bytes(), document].concat();
        let stream = self.connect().map_err(away)?;
        let answer = match &self.tls {
            None => exchange(stream, &request, most),
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone()).map_err(|error| away(io::Error::other(error)))?;
                let session = ClientConnection::new(Arc::clone(&tls.config()), name);
                let session = session.map_err(|error| away(io::Error::other(error)))?;
                exchange(StreamOwned::new(session, stream), &request, most)
            }
        };
        self.document(&answer.map_err(away)?, most)
    }

    fn connect(&self) -> io::Result<TcpStream> {
        // Square brackets of an IPv6 address are the URL's.
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name leads nowhere");
        for address in (host, self.port).to_socket_addrs()?.take(4) {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn document(&self, answer: &[u8], most: usize) -> Result<Vec<u8>, PostError> {
        let useless = |why: String| PostError::Useless { peer: self.name(), why };
        let (status, start, length) = head_of(answer).map_err(useless)?;
        if status != 200 {
            return Err(PostError::Refused { peer: self.name(), status });
        }
        let body = answer.get(start..).unwrap_or_default();
        let length = length.unwrap_or(body.len());
        if length > most || body.len() > most {
            return Err(useless(format!("it is longer than {most} bytes")));
        }
        body.get(..length).map(<[u8]>::to_vec).ok_or_else(|| useless("it ends too early".to_owned()))
    }
}

/// Sends the request and reads what comes, up to the end that the head states or the connection's.
fn exchange(mut stream: impl Read + Write, request: &[u8], most: usize) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    stream.flush()?;
    let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
    for _ in 0..MOST_READS {
        let n = match stream.read(&mut chunk) {
            Ok(n) => n,
            // Many servers end TLS without a word; the length says whether something is missing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        answer.extend_from_slice(&chunk[..n]);
        let is_whole = head_of(&answer).is_ok_and(|(_, start, length)| Some(answer.len()) == length.map(|n| start + n));
        if n == 0 || is_whole || answer.len() > most + 16 * 1024 {
            return Ok(answer);
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "it comes too slowly"))
}

/// Status, where the document starts, and its length where the head states one.
fn head_of(answer: &[u8]) -> Result<(u16, usize, Option<usize>), String> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let start = match response.parse(answer) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => return Err("it ends too early".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    Ok((response.code.unwrap_or(0), start, length))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::thread::Thread;

    /// Asks a server that gives this answer; what it was asked and what came of it.
    fn asked(answer: &'static [u8]) -> (String, Result<Vec<u8>, String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut server = Thread::spawn("server", move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut chunk) = (Vec::new(), [0; 1024]);
            while !request.ends_with(b"question") {
                let n = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..n]);
            }
            stream.write_all(answer).unwrap();
            String::from_utf8(request).unwrap()
        })
        .unwrap();
        let peer = Peer::of("url", &format!("http://127.0.0.1:{port}/tsa?a=b")).unwrap();
        let got = peer.post("text/plain", b"question", 16).map_err(|error| error.to_string());
        (server.join().unwrap().unwrap(), got)
    }

    #[test]
    fn a_question_is_answered_whole_or_not_at_all() {
        let (request, got) = asked(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nanswer");
        assert_eq!(got.unwrap(), b"answer");
        assert!(request.starts_with("POST /tsa?a=b HTTP/1.0\r\nHost: 127.0.0.1:"), "{request}");
        assert!(request.contains("\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n"), "{request}");
        assert_eq!(asked(b"HTTP/1.0 200 OK\r\n\r\nto the end").1.unwrap(), b"to the end");
        for (answer, words) in [
            (&b"HTTP/1.0 503 Busy\r\n\r\n"[..], "answered with status 503"),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nshort", "it ends too early"),
            (b"HTTP/1.0 200 OK\r\n\r\nthis is longer than 16 bytes", "longer than 16 bytes"),
            (b"HTTP/1.0 200", "it ends too early"),
            (b"\x00\x01", "no answer that can be used"),
        ] {
            let told = asked(answer).1.unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_asked_is_a_mistake_and_one_that_is_away_is_told() {
        for (url, words) in [
            ("stamps", "relative URL"),
            ("ftp://stamps.example/", "the scheme is \"ftp\""),
            ("http://me:secret@stamps.example/", "not supported"),
        ] {
            let error = Peer::of("url", url).unwrap_err();
            assert!(error.line().contains(words) && !error.line().contains("secret@"), "{}", error.line());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let away = Peer::of("url", &format!("http://127.0.0.1:{port}")).unwrap().post("a/b", b"", 1).unwrap_err();
        assert!(away.to_string().contains(&format!("failed to reach 127.0.0.1:{port}: ")), "{away}");
    }
}
