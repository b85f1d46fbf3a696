//! A real mosquitto.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::process::{Owned, free_port, mortal};
use crate::wait;

/// mosquitto on a loopback port of its own, with its database and log in a folder.
///
/// It saves its database after every change, so that what it has acknowledged survives its own crash, but for what it
/// acknowledged since the last turn of its loop.
#[derive(Debug)]
pub struct Broker {
    program: PathBuf,
    dir: PathBuf,
    port: u16,
    process: Option<Owned>,
}

impl Broker {
    /// Starts it with its files in `dir` and waits until it accepts connections.
    pub fn start(dir: &Path) -> anyhow::Result<Self> {
        Self::start_with(dir, "allow_anonymous true")
    }

    /// Starts it so that only `user` with `password` may connect.
    pub fn start_with_login(dir: &Path, user: &str, password: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let file = dir.join("mosquitto.passwords");
        let mut make = std::process::Command::new("mosquitto_passwd");
        let made = make.args(["-b", "-c"]).arg(&file).args([user, password]).status();
        let made = made.context("failed to run mosquitto_passwd, which comes with mosquitto")?;
        anyhow::ensure!(made.success(), "mosquitto_passwd ended with {made}");
        Self::start_with(dir, &format!("allow_anonymous false\npassword_file {}", file.display()))
    }

    fn start_with(dir: &Path, access: &str) -> anyhow::Result<Self> {
        let program = find().context("mosquitto is not installed: `apt-get install mosquitto`")?;
        std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
        let port = free_port()?;
        // Without limits of its own, so that a message is lost by the agent or by nobody. Run as root, mosquitto would
        // change to a user who may not write to the folder.
        let text = format!(
            "listener {port} 127.0.0.1\n{access}\nuser root\nmax_inflight_messages 0\nmax_queued_messages 0\n\
             persistence true\npersistence_location {}/\nautosave_on_changes true\nautosave_interval 1\n",
            dir.display()
        );
        std::fs::write(dir.join("mosquitto.conf"), text).context("failed to write mosquitto.conf")?;
        let mut broker = Self { program, dir: dir.to_owned(), port, process: None };
        broker.restart()?;
        Ok(broker)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Kills it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Starts it again on the same port, after [`Broker::kill`], and waits until it accepts connections.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.dir.join("mosquitto.log"))?;
        let mut command = mortal(&self.program);
        command.arg("-c").arg(self.dir.join("mosquitto.conf")).stdout(log.try_clone()?).stderr(log);
        let mut process = Owned::spawn("mosquitto", &mut command)?;
        let port = self.port;
        let is_up = wait::eventually("mosquitto accepts connections", || {
            let has_ended = process.ended().is_some();
            (has_ended || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()).then_some(!has_ended)
        })?;
        if !is_up {
            bail!("mosquitto ended at once; see {}", self.dir.join("mosquitto.log").display());
        }
        self.process = Some(process);
        Ok(())
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")];
    std::env::split_paths(&path).chain(system).map(|dir| dir.join("mosquitto")).find(|file| file.is_file())
}
