//! The few words of HTTP that WHIP needs: one request a connection, bounded in bytes and time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;

use super::super::listen::TURN;

/// More of a request is not read: offers have some kilobytes.
const MOST_BYTES: usize = 1 << 16;
const MOST_HEADERS: usize = 64;
/// A whole request must be there by then.
const REQUEST_WITHIN: Duration = Duration::from_secs(3);
const WRITE_WITHIN: Duration = Duration::from_secs(3);

/// What is asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without its query.
    pub(super) path: String,
    /// What stands behind `Bearer`.
    pub(super) token: Option<String>,
    /// In small letters, without parameters.
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: &'static str,
    /// Whole lines.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

impl Answer {
    /// Words for whoever set the publisher up.
    pub(super) fn words(status: &'static str, words: impl Into<String>) -> Self {
        let headers = vec!["Content-Type: text/plain; charset=utf-8".to_owned()];
        Self { status, headers, body: words.into() + "\n" }
    }

    pub(super) fn empty(status: &'static str) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    #[must_use]
    pub(super) fn with(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self
    }

    fn text(&self) -> String {
        let mut head = format!("HTTP/1.1 {}\r\n", self.status);
        // A page of another origin may publish, where somebody gave it the token.
        head += "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Location\r\nConnection: close\r\n";
        for header in &self.headers {
            head += header;
            head += "\r\n";
        }
        format!("{head}Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)
    }
}

/// What a connection asks; an answer where that is nothing that could be answered otherwise.
pub(super) fn read(connection: &mut TcpStream) -> Result<Request, Answer> {
    let broken = |_| Answer::empty("400 Bad Request");
    connection.set_read_timeout(Some(TURN)).map_err(broken)?;
    let (mut bytes, mut piece, watch) = (Vec::new(), vec![0; 1 << 12], Stopwatch::start());
    loop {
        if let Some(request) = parse(&bytes)? {
            return Ok(request);
        }
        if watch.elapsed() > REQUEST_WITHIN {
            return Err(Answer::words("408 Request Timeout", "the request did not come whole within 3 s"));
        }
        match connection.read(&mut piece) {
            Ok(0) => return Err(Answer::empty("400 Bad Request")),
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Err(Answer::empty("400 Bad Request")),
        }
    }
}

pub(super) fn write(connection: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    connection.set_write_timeout(Some(WRITE_WITHIN))?;
    connection.write_all(answer.text().as_bytes())?;
    connection.shutdown(std::net::Shutdown::Write)
}

/// A whole request; none while some of it is missing.
fn parse(bytes: &[u8]) -> Result<Option<Request>, Answer> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MOST_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(too_large()),
        Err(error) => return Err(Answer::words("400 Bad Request", format!("this is no HTTP: {error}"))),
    };
    let value = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| std::str::from_utf8(header.value).ok()).map(str::trim)
    };
    if value("transfer-encoding").is_some() {
        return Err(Answer::words("411 Length Required", "send the offer with Content-Length, and not in chunks"));
    }
    let body = match value("content-length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(body)) if length + body <= MOST_BYTES => body,
        Some(Ok(_)) => return Err(too_large()),
        Some(Err(_)) => return Err(Answer::words("400 Bad Request", "Content-Length is no number")),
    };
    let Some(body) = bytes.get(length..length + body) else { return Ok(None) };
    let bearer = |value: &str| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    };
    let path = head.path.unwrap_or_default();
    Ok(Some(Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: path.split('?').next().unwrap_or(path).to_owned(),
        token: value("authorization").and_then(bearer),
        content_type: value("content-type")
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase(),
        body: body.to_vec(),
    }))
}

fn too_large() -> Answer {
    Answer::words("413 Content Too Large", "an offer has at most 64 KiB here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let text = b"POST /hill3?x=1 HTTP/1.1\r\nHost: box\r\ncontent-type: Application/SDP; charset=utf-8\r\n\
                     AUTHORIZATION: bearer  s3cret \r\nContent-Length: 4\r\n\r\nv=0\n";
        for end in 0..text.len() {
            assert_eq!(parse(&text[..end]), Ok(None), "{end}");
        }
        let request = parse(text).unwrap().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hill3"));
        assert_eq!((request.token.as_deref(), request.content_type.as_str()), (Some("s3cret"), "application/sdp"));
        assert_eq!(request.body, b"v=0\n");
        let bare = parse(b"DELETE /a HTTP/1.1\r\nAuthorization: Basic eA==\r\n\r\n").unwrap().unwrap();
        assert_eq!(bare, Request { method: "DELETE".to_owned(), path: "/a".to_owned(), ..Request::default() });
    }

    #[test]
    fn what_cannot_be_read_is_answered() {
        let why = |text: &[u8]| parse(text).unwrap_err().status;
        assert_eq!(why(b"\x16\x03\x01\x02\x00"), "400 Bad Request");
        assert_eq!(why(b"POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n"), "413 Content Too Large");
        assert_eq!(why(b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n"), "400 Bad Request");
        assert_eq!(why(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), "411 Length Required");
        let endless = [b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; MOST_BYTES]].concat();
        assert_eq!(why(&endless), "413 Content Too Large");
    }

    #[test]
    fn an_answer_states_its_length() {
        let text = Answer::words("409 Conflict", "no").with("Retry-After: 2").text();
        assert!(
            text.starts_with("HTTP/1.1 409 Conflict\r\n") && text.ends_with("Content-Length: 3\r\n\r\nno\n"),
            "{text}"
        );
        assert!(text.contains("\r\nRetry-After: 2\r\n"));
    }
}
