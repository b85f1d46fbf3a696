//! Who publishes over RTMP while another is heard: it is told so in the words of RTMP, and keeps nobody up.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use rtmp_runtime::amf0::{Amf0Value, Command};
use rtmp_runtime::chunk::{ChunkWriter, Message};
use rtmp_runtime::message::msg_type;
use rtmp_runtime::server::{ServerConfig, ServerEvent, ServerSession};

use super::listen::is_there;

/// So many are told at a time; others wait for that.
const MOST: usize = 4;
/// Who has not come to say what it wants by then, or does not go, is left.
const WITHIN: Duration = Duration::from_secs(3);

/// Those that are being told.
#[derive(Default)]
pub(super) struct Refusals(Vec<Refusal>);

struct Refusal {
    connection: TcpStream,
    session: ServerSession,
    since: Stopwatch,
    is_told: bool,
}

impl Refusals {
    /// Goes on with each as far as it goes without waiting.
    pub(super) fn turn(&mut self, listener: &TcpListener) {
        while self.0.len() < MOST && is_there(listener, Duration::ZERO) {
            let Ok((connection, from)) = listener.accept() else { break };
            tracing::warn!("{from} is refused over RTMP: {ANOTHER}");
            if connection.set_nonblocking(true).is_ok() {
                let session = ServerSession::new(ServerConfig::default());
                self.0.push(Refusal { connection, session, since: Stopwatch::start(), is_told: false });
            }
        }
        self.0.retain_mut(Refusal::goes_on);
    }
}

/// What it is told.
const ANOTHER: &str = "another publishes; this is taken when that one ends or falls silent";

impl Refusal {
    fn goes_on(&mut self) -> bool {
        let mut piece = [0; 1 << 12];
        match self.connection.read(&mut piece) {
            Ok(0) => false,
            // An end that leaves something unread would take the reason with it.
            Ok(_) if self.is_told => self.is_in_time(),
            Ok(length) => self.answer(&piece[..length]) && self.is_in_time(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_in_time(),
            Err(_) => false,
        }
    }

    fn is_in_time(&self) -> bool {
        self.since.elapsed() < WITHIN
    }

    fn answer(&mut self, heard: &[u8]) -> bool {
        let Ok((answer, events)) = self.session.handle_data(heard) else { return false };
        self.is_told = events.iter().any(|event| matches!(event, ServerEvent::Connected { .. }));
        let answer = if self.is_told { rejection(ANOTHER) } else { answer };
        self.connection.write_all(&answer).is_ok()
    }
}

/// The answer to `connect` that refuses it with a reason.
fn rejection(why: &str) -> Vec<u8> {
    let said = [("level", "error"), ("code", "NetConnection.Connect.Rejected"), ("description", why)];
    let said = said.map(|(name, text)| (name.to_owned(), Amf0Value::String(text.to_owned())));
    let command = Command {
        name: "_error".to_owned(),
        // Each connection begins with its first question.
        transaction_id: 1.0,
        arguments: vec![Amf0Value::Null, Amf0Value::Object(said.to_vec())],
    };
    ChunkWriter::new().write(&Message {
        chunk_stream_id: 3,
        timestamp: 0,
        message_type_id: msg_type::COMMAND_AMF0,
        message_stream_id: 0,
        payload: command.to_body(),
    })
}
