//! Offers the sound of one announcement over HTTP while it is played, under a path that nobody can guess, and nothing else.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use forewarn_base::thread::Thread;
use forewarn_domain::clock::Stopwatch;

use super::error::DjiError;
use forewarn_base::random::random;

/// The most bytes that a request may have.
const MOST_BYTES: usize = 8 << 10;
/// How long whoever asks may take for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sound that can be fetched until this is dropped.
pub(super) struct Offer {
    at: SocketAddr,
    path: String,
    state: Arc<State>,
    thread: Option<Thread>,
}

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    n_fetched: AtomicU32,
}

impl Offer {
    /// Listens at an address.
    pub(super) fn open(address: SocketAddr, sound: Arc<[u8]>) -> Result<Self, DjiError> {
        let failed = |source: io::Error| DjiError::Serve { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let at = listener.local_addr().map_err(failed)?;
        let path = format!("/{:016x}{:016x}.pcm", random(), random());
        let state = Arc::new(State::default());
        let (of_thread, wanted) = (state.clone(), path.clone());
        let serve = move || {
            for asker in listener.incoming() {
                if of_thread.is_over.load(Ordering::Acquire) {
                    return;
                }
                // Whoever asks badly or goes away has no sound, and the dock says so.
                if asker.and_then(|asker| answer(asker, &wanted, &sound)).unwrap_or(false) {
                    of_thread.n_fetched.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let thread = Thread::spawn("speaker-sound", serve).map_err(|error| failed(io::Error::other(error)))?;
        Ok(Self { at, path, state, thread: Some(thread) })
    }

    /// The path under which the sound lies, and the port.
    pub(super) fn place(&self) -> (&str, u16) {
        (&self.path, self.at.port())
    }

    /// How often all of it was fetched.
    pub(super) fn n_fetched(&self) -> u32 {
        self.state.n_fetched.load(Ordering::Relaxed)
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Release);
        // The thread waits for a connection; this is the last one.
        let mut here = self.at;
        if here.ip().is_unspecified() {
            here.set_ip(if here.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
        }
        if TcpStream::connect_timeout(&here, PATIENCE).is_ok()
            && let Some(mut thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// Answers one request; whether all of the sound was sent.
fn answer(mut asker: TcpStream, wanted: &str, sound: &[u8]) -> io::Result<bool> {
    let head = head_of(&mut asker)?;
    let mut words = head.lines().next().unwrap_or_default().split_ascii_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_it = path.split('?').next() == Some(wanted);
    let (status, body) = match method {
        "GET" | "HEAD" if is_it => ("200 OK", sound),
        "GET" | "HEAD" => ("404 Not Found", &b""[..]),
        _ => ("405 Method Not Allowed", &b""[..]),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    asker.set_write_timeout(Some(PATIENCE))?;
    asker.write_all(head.as_bytes())?;
    let is_sent = method == "GET" && !body.is_empty();
    if is_sent {
        asker.write_all(body)?;
    }
    asker.shutdown(Shutdown::Write)?;
    Ok(is_sent)
}

/// The head of a request. Who is slow with it holds up nobody for longer than [`PATIENCE`].
fn head_of(asker: &mut TcpStream) -> io::Result<String> {
    let (watch, mut head, mut piece) = (Stopwatch::start(), Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") && head.len() < MOST_BYTES {
        let left = PATIENCE.saturating_sub(watch.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        asker.set_read_timeout(Some(left))?;
        match asker.read(&mut piece)? {
            0 => break,
            n => head.extend_from_slice(&piece[..n]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(sound: &[u8]) -> Offer {
        Offer::open("127.0.0.1:0".parse().unwrap(), sound.into()).unwrap()
    }

    fn ask(offer: &Offer, request: &str) -> Vec<u8> {
        let mut connection = TcpStream::connect(offer.at).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        answer
    }

    #[test]
    fn only_the_sound_can_be_fetched_and_only_by_its_path() {
        let sound: Vec<u8> = (0..200_000).map(|i| (i % 251) as u8).collect();
        let offer = offer(&sound);
        let path = offer.place().0.to_owned();
        let whole = ask(&offer, &format!("GET {path}?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(whole.starts_with(b"HTTP/1.1 200 OK\r\n") && whole.ends_with(&sound));
        let head = ask(&offer, &format!("HEAD {path} HTTP/1.0\r\n\r\n"));
        assert!(String::from_utf8(head).unwrap().contains("Content-Length: 200000\r\n"));
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), "404"),
            (format!("GET {path}/../etc HTTP/1.1\r\n\r\n"), "404"),
            (format!("DELETE {path} HTTP/1.1\r\n\r\n"), "405"),
            ("\r\n\r\n".to_owned(), "405"),
        ] {
            let told = String::from_utf8(ask(&offer, &request)).unwrap();
            assert!(told.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {told}");
        }
        assert_eq!(offer.n_fetched(), 1);
    }

    #[test]
    fn it_is_gone_with_the_announcement_and_a_taken_address_is_told() {
        let offer = offer(b"abc");
        let at = offer.at;
        let taken = Offer::open(at, b"x"[..].into()).map(drop).unwrap_err().to_string();
        assert!(taken.contains("failed to offer the sound") && taken.contains("`serve`"), "{taken}");
        drop(offer);
        assert!(TcpStream::connect(at).is_err());
    }
}
