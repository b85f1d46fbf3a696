//! Who publishes over RTMP while another is heard: it is told so in the words of RTMP, and keeps nobody up.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use rtmp_runtime::amf0::{Amf0Value, Command};
use rtmp_runtime::chunk::{ChunkWriter, Message};
use rtmp_runtime::message::msg_type;
use rtmp_runtime::server::{ServerConfig, ServerEvent, ServerSession};

use super::listen::is_there;
use super::wanted::{NO_KEY, Wanted};

/// So many are told at a time; others wait for that.
const MOST: usize = 4;
/// Who has not come to say what it wants by then, or does not go, is left.
const WITHIN: Duration = Duration::from_secs(3);

/// Those that are being told.
#[derive(Default)]
pub(super) struct Refusals(Vec<Refusal>);

struct Refusal {
    connection: TcpStream,
    from: SocketAddr,
    session: ServerSession,
    since: Stopwatch,
    is_told: bool,
}

impl Refusals {
    /// Goes on with each as far as it goes without waiting.
    pub(super) fn turn(&mut self, listener: &TcpListener, wanted: &Wanted) {
        while self.0.len() < MOST && is_there(listener, Duration::ZERO) {
            let Ok((connection, from)) = listener.accept() else { break };
            if connection.set_nonblocking(true).is_ok() {
                let session = ServerSession::new(wanted.config());
                self.0.push(Refusal { connection, from, session, since: Stopwatch::start(), is_told: false });
            }
        }
        self.0.retain_mut(|refusal| refusal.goes_on(wanted));
    }
}

/// What is told to who knows the key: it may be the same publisher, whose connection before has not ended yet.
const ANOTHER: &str = "another publishes; this is taken when that one ends or falls silent";

impl Refusal {
    fn goes_on(&mut self, wanted: &Wanted) -> bool {
        let mut piece = [0; 1 << 12];
        let goes_on = match self.connection.read(&mut piece) {
            Ok(0) => false,
            // An end that leaves something unread would take the reason with it.
            Ok(_) if self.is_told => self.is_in_time(),
            Ok(length) => self.answer(&piece[..length], wanted) && self.is_in_time(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_in_time(),
            Err(_) => false,
        };
        if !goes_on && !self.is_told {
            tracing::warn!("{} is refused over RTMP: {NO_KEY}", self.from);
        }
        goes_on
    }

    fn is_in_time(&self) -> bool {
        self.since.elapsed() < WITHIN
    }

    /// Answers as to anybody, which refuses another key in the words of RTMP; who names the right one is told why it must wait.
    fn answer(&mut self, heard: &[u8], wanted: &Wanted) -> bool {
        let Ok((mut answer, events)) = self.session.handle_data(heard) else { return false };
        for event in events {
            let (said, why) = match event {
                ServerEvent::Connected { app } if !wanted.is_app(&app) => {
                    let why = format!("`{app}` is not the application of this camera's address");
                    (rejection("_error", "NetConnection.Connect.Rejected", &why, 0), why)
                }
                ServerEvent::Publish { stream_id, .. } => {
                    (rejection("onStatus", "NetStream.Publish.BadName", ANOTHER, stream_id), ANOTHER.to_owned())
                }
                _ => continue,
            };
            tracing::warn!("{} is refused over RTMP: {why}", self.from);
            (answer, self.is_told) = (said, true);
            break;
        }
        self.connection.write_all(&answer).is_ok()
    }
}

/// The answer to `connect` or to `publish` that refuses it with a reason.
fn rejection(name: &str, code: &str, why: &str, stream_id: u32) -> Vec<u8> {
    let said = [("level", "error"), ("code", code), ("description", why)];
    let said = said.map(|(name, text)| (name.to_owned(), Amf0Value::String(text.to_owned())));
    // Each connection begins with its first question; what is said of a stream answers none.
    let transaction_id = if name == "_error" { 1.0 } else { 0.0 };
    let arguments = vec![Amf0Value::Null, Amf0Value::Object(said.to_vec())];
    let command = Command { name: name.to_owned(), transaction_id, arguments };
    let mut writer = ChunkWriter::new();
    if name != "_error" {
        // By then the session has told how long its chunks are.
        writer.set_chunk_size(ServerConfig::default().chunk_size);
    }
    writer.write(&Message {
        chunk_stream_id: 3,
        timestamp: 0,
        message_type_id: msg_type::COMMAND_AMF0,
        message_stream_id: stream_id,
        payload: command.to_body(),
    })
}
