//! One question over HTTP and its answer, for services that take a document and give one.

use std::path::Path;
use std::time::Duration;

use url::Url;

use crate::http::{Ask, Http, HttpError, address};
use crate::setting::SettingError;
use crate::tls::TlsFiles;

/// A question and its answer may take so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nobody answered, or not with what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no answer.
    #[error(transparent)]
    Away(#[from] HttpError),
    /// The answer is a refusal.
    #[error("{peer} answered with status {status}")]
    Refused {
        /// The other side.
        peer: String,
        /// Its status.
        status: u16,
    },
}

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct Peer {
    url: Url,
    http: Http,
}

impl Peer {
    /// The service at an address that begins with `http://` or, checked against the system's authorities, `https://`.
    pub fn of(key: &'static str, url: &str) -> Result<Self, SettingError> {
        let url = address(key, url, "write it like \"http://stamps.example/tsa\"")?;
        let is_secure = url.scheme() == "https";
        let host = url.host_str().unwrap_or_default();
        let tls = if is_secure { Some(TlsFiles::default().load(Path::new(""), host)?) } else { None };
        Ok(Self { http: Http::new(tls, PATIENCE), url })
    }

    /// By which it is told of.
    pub fn name(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", self.url.host_str().unwrap_or_default())
    }

    /// Sends a document of a media type, and returns the document that comes back, of at most `most` bytes.
    pub fn post(&self, media_type: &str, document: &[u8], most: usize) -> Result<Vec<u8>, PostError> {
        // Nobody asks again for long: a connection that is kept would only be found dead.
        let ask = Ask::post(self.url.as_str(), media_type, document).with("connection", "close");
        let answer = self.http.ask(&ask, most)?;
        if answer.status != 200 {
            return Err(PostError::Refused { peer: self.name(), status: answer.status });
        }
        Ok(answer.body)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
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
        assert!(request.starts_with("POST /tsa?a=b HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains("\r\ncontent-type: text/plain\r\n") && request.contains("\r\ncontent-length: 8\r\n"),
            "{request}"
        );
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
