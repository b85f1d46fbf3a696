//! Ports of this box at which publishers come in.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::clock::Stopwatch;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::why;
use crate::{SourceUrl, StreamFault};

/// It is looked so often whether anybody still wants the stream.
pub(super) const TURN: Duration = Duration::from_millis(100);
/// The port may belong for so long to the connection before.
const PORT_WITHIN: Duration = Duration::from_millis(800);

/// A publisher with the token whose offer the pipeline that comes next takes: what the one before was told of an offer stays with it.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) connection: TcpStream,
    pub(super) from: String,
    pub(super) offer: Vec<u8>,
    pub(super) since: Stopwatch,
}

/// The open port of a stream, which outlives its connections, and who waits at it for the stream to be opened anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct Door {
    open: Arc<Mutex<Option<Arc<TcpListener>>>>,
    waits: Arc<Mutex<Option<Asker>>>,
}

impl Door {
    /// The port that a source names, opened where it is not open yet.
    pub(super) fn open(&self, source: &SourceUrl) -> Result<(Arc<TcpListener>, u16), StreamFault> {
        let (address, port) = source.listens_at().ok_or_else(|| StreamFault::other("the address has no port"))?;
        let mut open = lock(&self.open);
        let listener = match &*open {
            Some(listener) => Arc::clone(listener),
            None => Arc::clone(open.insert(Arc::new(listen(address, port)?))),
        };
        Ok((listener, port))
    }

    /// Has somebody wait until the stream is opened anew; gives whoever waited before.
    pub(super) fn keep_waiting(&self, asker: Asker) -> Option<Asker> {
        lock(&self.waits).replace(asker)
    }

    /// Who waits.
    pub(super) fn who_waits(&self) -> Option<Asker> {
        lock(&self.waits).take()
    }
}

fn listen(address: &str, port: u16) -> Result<TcpListener, StreamFault> {
    let mut left = PORT_WITHIN;
    loop {
        match TcpListener::bind((address, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse && !left.is_zero() => {
                rest(TURN);
                left = left.saturating_sub(TURN);
            }
            Err(error) => return Err(why::cannot_listen(address, port, &error)),
        }
    }
}

/// Waits for what tells nobody that it has come.
pub(super) fn rest(time: Duration) {
    let (_open, wait) = sync_channel::<()>(0);
    let _ = wait.recv_timeout(time);
}

/// Whether somebody connects within this time.
pub(super) fn is_there(listener: &TcpListener, within: Duration) -> bool {
    let within = Timespec { tv_sec: 0, tv_nsec: i64::from(within.subsec_nanos()) };
    poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&within)).is_ok_and(|n| n > 0)
}
