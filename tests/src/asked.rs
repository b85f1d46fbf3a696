//! What is asked over HTTP of those who stand in for others' servers.

use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _};
use std::net::TcpStream;

/// A request.
#[derive(Debug)]
pub struct Asked {
    /// Its first line and its headers, up to and with the empty line.
    pub head: String,
    /// What stands behind them.
    pub body: Vec<u8>,
}

impl Asked {
    /// Reads one that says how long its body is; one that does not has none.
    pub fn read(stream: &TcpStream) -> std::io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
        }
        let length = head.to_ascii_lowercase();
        let length = length.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        Ok(Self { head, body })
    }
}
