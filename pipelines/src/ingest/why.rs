//! Why a camera over RTSP or HTTP cannot be had, in words: the sources say little more than that it could not be opened.
//!
//! After such a failure the camera is asked once more, by a plain connection: refused, no route, no answer and a name that
//! is not known are told apart, and the camera's own answer is read, with what it asks of those who log in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::{SourceKind, SourceUrl, StreamFault};

/// How long a camera may take to accept a connection, and to answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(700);
/// How long the answer to all of it is waited for; names may take longer.
const WAIT: Duration = Duration::from_millis(1800);
/// More of an answer is not read.
const MAX_HEAD: u64 = 8192;

/// The reason, if one is found.
pub(crate) fn reason(source: &SourceUrl) -> Option<StreamFault> {
    match source.kind() {
        SourceKind::Rtsp | SourceKind::Http => {}
        SourceKind::Srt => return taken(source),
        _ => return None,
    }
    let url = source.location().to_owned();
    let (sender, receiver) = sync_channel(1);
    // In a thread of its own, because nothing ends the look-up of a name early.
    let asking = std::thread::Builder::new().name("ask-camera".to_owned()).spawn(move || {
        let _ = sender.try_send(ask(&url));
    });
    asking.ok()?;
    match receiver.recv_timeout(WAIT) {
        Ok(found) => found,
        Err(_) => Some(unreachable("its name is not looked up in time; check the box's DNS, or write the address")),
    }
}

/// Why this box cannot listen at the port where a camera sends to.
pub(super) fn taken(source: &SourceUrl) -> Option<StreamFault> {
    let (address, port) = source.listens_at()?;
    let address: IpAddr = address.parse().ok()?;
    let error = UdpSocket::bind((address, port)).err()?;
    Some(cannot_listen(&address.to_string(), port, &error))
}

/// What keeps this box from listening at a port.
pub(super) fn cannot_listen(address: &str, port: u16, error: &io::Error) -> StreamFault {
    unreachable(match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program listens at port {port}, perhaps a Forewarn that runs; end it, or have the camera send elsewhere"
        ),
        ErrorKind::AddrNotAvailable => format!("{address} is no address of this box; write one that is, or 0.0.0.0"),
        _ => format!("failed to listen at {address} port {port}: {error}"),
    })
}

fn unreachable(detail: impl Into<String>) -> StreamFault {
    StreamFault::Unreachable { detail: detail.into() }
}

fn ask(url: &str) -> Option<StreamFault> {
    let (host, port) = host_and_port(url)?;
    let addresses: Vec<SocketAddr> = match (host.as_str(), port).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(_) => return Some(unreachable(format!("the name {host} is not known; check it and the box's DNS"))),
    };
    let address = addresses.first()?;
    let connection = match TcpStream::connect_timeout(address, ANSWER_WITHIN) {
        Ok(connection) => connection,
        Err(error) => return Some(unreachable(in_words(&error, address))),
    };
    if url.starts_with("rtsps") || url.starts_with("https") {
        return None;
    }
    let answer = head_of_answer(connection, url).unwrap_or_default();
    if answer.is_empty() {
        return Some(unreachable(format!("{address} accepts a connection and does not answer as a camera would")));
    }
    of_answer(&answer)
}

fn in_words(error: &io::Error, address: &SocketAddr) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("connection refused: nothing listens at {address}; is the camera on, is the port right?")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            format!("no route to {address}; check network and address")
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            format!("no answer from {address}; is the camera on, is the address right?")
        }
        _ => error.to_string(),
    }
}

/// Host and port of an address without user and password.
fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        "rtsps" => 322,
        _ => 554,
    };
    if let Some((host, after)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((host.to_owned(), after.strip_prefix(':').map_or(Some(usual), |port| port.parse().ok())?));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((authority.to_owned(), usual)),
    }
}

/// Asks for the description of the stream and reads the head of the answer.
fn head_of_answer(mut connection: TcpStream, url: &str) -> io::Result<String> {
    connection.set_read_timeout(Some(ANSWER_WITHIN))?;
    connection.set_write_timeout(Some(ANSWER_WITHIN))?;
    let request = match url.strip_prefix("http://") {
        Some(rest) => {
            let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let slash = if path.starts_with('/') { "" } else { "/" };
            format!("GET {slash}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        }
        None => format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"),
    };
    connection.write_all(request.as_bytes())?;
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && (head.len() as u64) < MAX_HEAD {
        match connection.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(n) => head.extend_from_slice(&piece[..n]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// What the head of an answer says, if it explains a failure.
fn of_answer(head: &str) -> Option<StreamFault> {
    let mut lines = head.lines();
    let first = lines.next()?;
    let answer = first.strip_prefix("RTSP/").or_else(|| first.strip_prefix("HTTP/"))?;
    let status = answer.split_once(' ')?.1.trim().to_owned();
    let challenges: Vec<String> = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"))
        .map(|(_, value)| value.trim().to_ascii_lowercase())
        .collect();
    match status.split(' ').next()? {
        // Without a login that was to be expected; what matters is how it wants it.
        "401" => {
            let is_usable = |challenge: &String| !challenge.contains("sha-256") && !challenge.contains("sha-512");
            let is_known = challenges.is_empty() || challenges.iter().any(is_usable);
            (!is_known).then_some(StreamFault::UnknownLogin)
        }
        "404" | "454" => Some(StreamFault::NotFound { detail: status }),
        "200" => None,
        _ => Some(StreamFault::Refused { answer: status }),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_answer_of_a_camera_is_put_into_words() {
        let of = |status: &str, challenge: &str| {
            let head = format!("RTSP/1.0 {status}\r\nCSeq: 1\r\nWWW-Authenticate: {challenge}\r\n\r\n");
            of_answer(&head).map(|fault| fault.to_string())
        };
        assert_eq!(of("401 Unauthorized", "Digest realm=\"a\", nonce=\"b\""), None);
        let sha = of("401 Unauthorized", "Digest realm=\"a\", nonce=\"b\", algorithm=SHA-256").unwrap();
        assert!(sha.contains("SHA-256") && sha.contains("MD5"), "{sha}");
        assert!(of("404 Stream Not Found", "").unwrap().contains("404 Stream Not Found"));
        assert!(of("503 Service Unavailable", "").unwrap().contains("503 Service Unavailable"));
        assert_eq!(of("200 OK", ""), None);
        assert_eq!((of_answer("HTTP/1.1 200 OK\r\n"), of_answer("SSH-2.0-x\r\n")), (None, None));
        assert!(of_answer("HTTP/1.1 503 Busy\r\n").unwrap().to_string().contains("503 Busy"));
    }

    #[test]
    fn addresses_are_taken_apart() {
        let of = host_and_port;
        assert_eq!(of("http://cam/video"), Some(("cam".to_owned(), 80)));
        assert_eq!(of("https://cam:8443"), Some(("cam".to_owned(), 8443)));
        assert_eq!(of("rtsp://10.0.0.1/a:b"), Some(("10.0.0.1".to_owned(), 554)));
        assert_eq!(of("rtsps://cam?x=1"), Some(("cam".to_owned(), 322)));
        assert_eq!(of("rtsp://[::1]:8554/x"), Some(("::1".to_owned(), 8554)));
        assert_eq!(of("rtsp://cam:99999/x"), None);
    }

    #[test]
    fn a_dead_port_and_a_silent_one_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url: SourceUrl = format!("rtsp://{}/stream", listener.local_addr().unwrap()).parse().unwrap();
        let silent = reason(&url).unwrap().to_string();
        assert!(silent.contains("does not answer"), "{silent}");
        drop(listener);
        let dead = reason(&url).unwrap().to_string();
        assert!(dead.contains("connection refused"), "{dead}");
        assert_eq!(reason(&SourceUrl::file("/nowhere")), None);
    }
}
