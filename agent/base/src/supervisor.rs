//! What the service manager that started this process is told: that it is ready, how it fares, that it lives.
//!
//! The protocol is that of `sd_notify(3)`: datagrams of lines `NAME=value` to the socket that `NOTIFY_SOCKET` names. The
//! usual crate opens a socket for each message and waits while the manager's queue is full, which the thread that gives
//! signs of life must not, so it is spoken here.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// So many signs of life are given in the time after which the manager takes the process for dead.
const SIGNS_IN_TIME: u32 = 4;

/// The way to the service manager; without one all that is told to it is dropped.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    /// How often it wants a sign of life.
    every: Option<Duration>,
}

impl Supervisor {
    /// The one that started this process, as the environment says.
    pub fn of_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let Some(address) = variable("NOTIFY_SOCKET") else { return Self::default() };
        let limit = limit(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id());
        Self::at(&address, limit).unwrap_or_else(|error| {
            tracing::warn!("the service manager at {address} hears nothing of this process: {error}");
            Self::default()
        })
    }

    /// The one that listens at `address`, and takes the process for dead after `limit` without a sign of life.
    pub fn at(address: &str, limit: Option<Duration>) -> io::Result<Self> {
        let address = match address.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&address)?;
        Ok(Self { socket: Some(socket), every: limit.map(|limit| limit / SIGNS_IN_TIME) })
    }

    /// How often it wants a sign of life; none if it does not.
    pub fn wants_life_every(&self) -> Option<Duration> {
        self.every
    }

    /// The work has begun, or goes on after a reload.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// The settings are read anew, until [`Supervisor::ready`].
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let now_us = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now_us}\nSTATUS=reads the site file again"));
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping");
    }

    /// A sign of life.
    pub fn lives(&self) {
        self.tell("WATCHDOG=1");
    }

    /// A manager that is gone or too busy to listen is not waited for; it sees that signs of life are missing.
    fn tell(&self, message: &str) {
        if let Some(Err(error)) = self.socket.as_ref().map(|socket| socket.send(message.as_bytes())) {
            tracing::debug!(%error, message, "the service manager does not listen");
        }
    }
}

/// After what time without a sign of life `process` counts as dead. The variables may be those of another process, which
/// left them to this one.
fn limit(usec: Option<String>, pid: Option<String>, process: u32) -> Option<Duration> {
    if pid.is_some_and(|pid| pid.parse() != Ok(process)) {
        return None;
    }
    let micros = usec?.parse().ok().filter(|micros| *micros > 0)?;
    Some(Duration::from_micros(micros))
}

/// A second line would be another message.
fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> String {
        let mut bytes = [0; 4096];
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let n = manager.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    }

    #[test]
    fn the_manager_hears_each_message_at_a_path_and_at_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("forewarn-test-{}", std::process::id());
        let managers = [
            (path.display().to_string(), UnixDatagram::bind(&path).unwrap()),
            (
                format!("@{name}"),
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name.as_bytes()).unwrap()).unwrap(),
            ),
        ];
        for (address, manager) in managers {
            let supervisor = Supervisor::at(&address, Some(Duration::from_secs(20))).unwrap();
            assert_eq!(supervisor.wants_life_every(), Some(Duration::from_secs(5)));
            supervisor.ready("watches 2 cameras\nFDSTORE=1");
            assert_eq!(heard(&manager), "READY=1\nSTATUS=watches 2 cameras FDSTORE=1");
            supervisor.reloading();
            let told = heard(&manager);
            assert!(told.starts_with("RELOADING=1\nMONOTONIC_USEC=") && !told.contains("USEC=0\n"), "{told}");
            supervisor.lives();
            supervisor.stopping();
            assert_eq!((heard(&manager), heard(&manager)), ("WATCHDOG=1".into(), "STOPPING=1\nSTATUS=stopping".into()));
        }
    }

    #[test]
    fn a_manager_that_takes_nothing_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor::at(path.to_str().unwrap(), None).unwrap();
        // Far more than any queue of datagrams holds.
        (0..10_000).for_each(|_| supervisor.lives());
        drop(manager);
        supervisor.ready("nobody is there");
    }

    #[test]
    fn only_a_limit_for_this_process_counts() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(limit(some("30000000"), None, 7), Some(Duration::from_secs(30)));
        assert_eq!(limit(some("30000000"), some("7"), 7), Some(Duration::from_secs(30)));
        assert_eq!(limit(some("30000000"), some("8"), 7), None);
        assert_eq!([limit(some("0"), None, 7), limit(some("soon"), None, 7), limit(None, None, 7)], [None; 3]);
    }
}
