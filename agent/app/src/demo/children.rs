//! The demo's child processes: a broker and a camera. Each ends with the demo, whatever ends the demo.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use forewarn_base::port::free_port;

/// A child process that is killed and waited for when this is dropped.
#[derive(Debug)]
pub struct Owned {
    child: Child,
    name: &'static str,
}

impl Owned {
    fn spawn(name: &'static str, command: &mut Command) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).spawn().with_context(|| format!("failed to start {name}"))?;
        Ok(Self { child, name })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // A child that ended by itself, as both do on Ctrl-C, is only waited for.
        if let Ok(None) = self.child.try_wait()
            && let Err(error) = self.child.kill()
        {
            tracing::warn!(name = self.name, %error, "failed to stop a child process");
        }
        if let Err(error) = self.child.wait() {
            tracing::warn!(name = self.name, %error, "failed to wait for a child process");
        }
    }
}

/// A command that dies with its parent, also when the parent is killed, where `setpriv` (util-linux) is at hand.
fn mortal(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        return command;
    }
    Command::new(program)
}

/// A mosquitto broker on a free loopback port.
#[derive(Debug)]
pub struct Broker {
    port: u16,
    _process: Owned,
}

impl Broker {
    /// Starts mosquitto with its files in `dir`.
    pub fn start(dir: &Path) -> anyhow::Result<Self> {
        let program = find_mosquitto()
            .context("mosquitto is not installed: `apt-get install mosquitto`, or run `forewarn demo --fast`")?;
        let port = free_port().context("failed to find a free loopback port")?;
        let config = dir.join("mosquitto.conf");
        std::fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"))
            .with_context(|| format!("failed to write {}", config.display()))?;
        let log = std::fs::File::create(dir.join("mosquitto.log")).context("failed to create mosquitto.log")?;
        let mut command = mortal(&program);
        command.arg("-c").arg(&config).stdout(log.try_clone()?).stderr(log);
        Ok(Self { port, _process: Owned::spawn("mosquitto", &mut command)? })
    }

    /// The URL for clients. The agent keeps trying until the broker answers, so nobody waits for it here.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

fn find_mosquitto() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")];
    std::env::split_paths(&path).chain(system).map(|dir| dir.join("mosquitto")).find(|file| file.is_file())
}

/// `forewarn sim camera` in a process of its own.
#[derive(Debug)]
pub struct Camera {
    url: String,
    _process: Owned,
}

impl Camera {
    /// Serves `clip` once through and returns when the camera is ready.
    pub fn start(clip: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("failed to find the own program")?;
        let mut command = mortal(&program);
        command.args(["sim", "camera", "--port", "0"]).arg(clip).stdout(Stdio::piped());
        let mut process = Owned::spawn("the simulated camera", &mut command)?;
        let mut line = String::new();
        if let Some(stdout) = process.child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).context("failed to read from the simulated camera")?;
        }
        let Some(start) = line.find("rtsp://") else {
            bail!("the simulated camera did not start; its messages are above");
        };
        let url = line[start..].split_whitespace().next().unwrap_or_default().to_owned();
        Ok(Self { url, _process: process })
    }

    /// Where it streams.
    pub fn url(&self) -> &str {
        &self.url
    }
}
