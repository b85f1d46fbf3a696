//! A service manager: the socket at which a process that it started says how it fares.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::wait::{Deadline, PATIENCE};

/// A message of more bytes is cut.
const MESSAGE_BYTES: usize = 4096;

/// Hears what a process tells its manager.
#[derive(Debug)]
pub struct ServiceManager {
    socket: UnixDatagram,
    path: PathBuf,
    limit: Duration,
}

impl ServiceManager {
    /// One that listens in `dir` and takes a process for dead after `limit` without a sign of life.
    pub fn listen(dir: &Path, limit: Duration) -> anyhow::Result<Self> {
        let path = dir.join("notify");
        let socket = UnixDatagram::bind(&path).with_context(|| format!("failed to listen at {}", path.display()))?;
        Ok(Self { socket, path, limit })
    }

    /// Has what `command` starts talk to it.
    pub fn lead(&self, command: &mut Command) {
        command.env("NOTIFY_SOCKET", &self.path).env("WATCHDOG_USEC", self.limit.as_micros().to_string());
    }

    /// The next message that holds `part`. Those before it are passed over.
    pub fn wait_for(&self, part: &str) -> anyhow::Result<String> {
        let deadline = Deadline::after(PATIENCE);
        let mut passed = Vec::new();
        while let Some(left) = deadline.left() {
            match self.next_within(left)? {
                Some(message) if message.contains(part) => return Ok(message),
                message => passed.extend(message),
            }
        }
        anyhow::bail!("the service manager heard no {part}, only {passed:?}")
    }

    /// What is told within `time`.
    pub fn listen_for(&self, time: Duration) -> anyhow::Result<Vec<String>> {
        let deadline = Deadline::after(time);
        let mut told = Vec::new();
        while let Some(left) = deadline.left() {
            told.extend(self.next_within(left)?);
        }
        Ok(told)
    }

    /// Forgets what was told and not listened to.
    pub fn forget(&self) -> anyhow::Result<()> {
        while self.next_within(Duration::from_millis(1))?.is_some() {}
        Ok(())
    }

    fn next_within(&self, time: Duration) -> anyhow::Result<Option<String>> {
        self.socket.set_read_timeout(Some(time))?;
        let mut bytes = [0; MESSAGE_BYTES];
        match self.socket.recv(&mut bytes) {
            Ok(n) => Ok(Some(String::from_utf8_lossy(&bytes[..n]).into_owned())),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error).context("failed to hear the agent"),
        }
    }
}
