//! A time stamp authority for tests: `openssl ts`, behind a small server of HTTP.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

const SCRIPT: &str = include_str!("authority.sh");

/// Keys as `openssl genpkey -algorithm` takes them.
pub const KEYS: [&str; 2] = ["EC -pkeyopt ec_paramgen_curve:P-256", "RSA -pkeyopt rsa_keygen_bits:2048"];

/// An authority with a key and certificates of its own.
#[derive(Debug)]
pub struct Authority {
    dir: TempDir,
    /// `openssl` counts the stamps in a file.
    one_at_a_time: Mutex<()>,
}

impl Authority {
    /// Makes one with such a key.
    pub fn new(key: &str) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        run(Command::new("sh").args(["-ec", SCRIPT, "sh", key]).current_dir(dir.path()))?;
        Ok(Self { dir, one_at_a_time: Mutex::default() })
    }

    /// The certificate of who vouches for it.
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Its own certificate.
    pub fn own(&self) -> PathBuf {
        self.dir.path().join("tsa.pem")
    }

    /// Its answer to a request.
    pub fn answer(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let _one = self.one_at_a_time.lock().map_err(|_| io::Error::other("a former answer failed"))?;
        let file = |name: &str| self.dir.path().join(name);
        fs::write(file("request"), request)?;
        let args = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request", "-out", "answer"];
        run(Command::new("openssl").args(args).current_dir(self.dir.path()))?;
        fs::read(file("answer"))
    }

    /// Answers `n` questions that come to this listener, one after the other.
    pub fn serve(&self, listener: &TcpListener, n: usize) -> io::Result<()> {
        for _ in 0..n {
            let (mut stream, _) = listener.accept()?;
            let answer = self.answer(&question(&mut stream)?)?;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(&[head.as_bytes(), &answer].concat())?;
        }
        Ok(())
    }
}

/// The document of a question over HTTP.
fn question(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let (mut request, mut chunk) = (Vec::new(), [0; 1024]);
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok()).flatten()
            });
            let (start, length) = (head.len() + 4, length.unwrap_or(0));
            if request.len() >= start + length {
                return Ok(request[start..start + length].to_vec());
            }
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => request.extend_from_slice(&chunk[..n]),
        }
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    let failed = || io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned());
    if output.status.success() { Ok(()) } else { Err(failed()) }
}
