//! Child processes that end with their owner.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// A child that is killed and waited for when this is dropped.
///
/// It leads a process group of its own, so that what it started can be told from everything else. Where `setpriv` is
/// at hand the kernel kills it when the thread that started it ends, so it must be started by the thread that keeps it.
#[derive(Debug)]
pub struct Owned {
    child: Child,
    name: String,
}

impl Owned {
    /// Starts `command`, which [`mortal`] made.
    pub fn spawn(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let child =
            command.stdin(Stdio::null()).process_group(0).spawn().with_context(|| format!("failed to start {name}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    /// The child's standard output, if it was piped and nobody took it before.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; none while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Kills it at once, as by a power cut.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if self.ended().is_none() {
            self.child.kill().with_context(|| format!("failed to kill {}", self.name))?;
        }
        self.child.wait().with_context(|| format!("failed to wait for {}", self.name))?;
        Ok(())
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn signal(&self) -> anyhow::Result<()> {
        kill_process(self.pid()?, Signal::INT).with_context(|| format!("failed to signal {}", self.name))
    }

    /// Sends SIGINT and waits for its end, at most for `limit`.
    pub fn interrupt(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.signal()?;
        wait::within(limit, &format!("{} has ended after SIGINT", self.name), || self.ended())
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Pid::from_raw(self.child.id().cast_signed()).context("a process id is never zero")
    }

    /// The group that it leads; see [`processes_of_group`].
    pub fn group(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}

/// A command that dies with the thread that starts it, where `setpriv` (util-linux) is at hand.
pub fn mortal(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        return command;
    }
    Command::new(program)
}

/// The processes of a group that run now, by what `/proc` says: number and name.
pub fn processes_of_group(group: u32) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").context("failed to list /proc")? {
        let stat = entry?.path().join("stat");
        // A process may end while the list is read.
        let Ok(stat) = std::fs::read_to_string(stat) else { continue };
        // The name stands in parentheses and may hold anything; state, parent and group follow it.
        let Some((head, tail)) = stat.rsplit_once(')') else { continue };
        if tail.split_whitespace().nth(2).and_then(|field| field.parse().ok()) == Some(group) {
            found.push(format!("{head})"));
        }
    }
    Ok(found)
}

/// A port of the loopback that nobody uses.
pub fn free_port() -> anyhow::Result<u16> {
    forewarn_base::port::free_port().context("failed to find a free loopback port")
}
