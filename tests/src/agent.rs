//! The agent: `forewarn run` in a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::Context as _;

use crate::process::Owned;
use crate::program::ForewarnBin;
use crate::wall_clock::WallClock;

/// Starts of an agent on one site that are told apart.
const MOST_STARTS: u32 = 10_000;

/// A running agent. Each start of it logs to a file of its own beside the site file.
#[derive(Debug)]
pub struct Agent {
    process: Owned,
    log: PathBuf,
}

impl Agent {
    /// Starts it on a site file, logging at `level`.
    pub fn start(program: &ForewarnBin, site: &Path, level: &str) -> anyhow::Result<Self> {
        Self::start_as(program.command(), site, level)
    }

    /// The same, by a clock that the test sets.
    pub fn start_by(clock: &WallClock, program: &ForewarnBin, site: &Path, level: &str) -> anyhow::Result<Self> {
        let mut command = program.command();
        clock.lead(&mut command);
        Self::start_as(command, site, level)
    }

    /// The same, by a command that was prepared for it.
    pub fn start_as(mut command: Command, site: &Path, level: &str) -> anyhow::Result<Self> {
        let dir = site.parent().context("the site file has a folder")?;
        let log = (1..=MOST_STARTS).map(|n| dir.join(format!("agent-{n}.log"))).find(|log| !log.exists());
        let log = log.context("there is a free name for the log")?;
        let file = File::create(&log).with_context(|| format!("failed to create {}", log.display()))?;
        command.args(["--log", level, "run", "--config"]).arg(site).stdout(file.try_clone()?).stderr(file);
        Ok(Self { process: Owned::spawn("the agent", &mut command)?, log })
    }

    /// Kills it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&self) -> anyhow::Result<()> {
        self.process.signal()
    }

    /// Has it read its site file again.
    pub fn hang_up(&self) -> anyhow::Result<()> {
        forewarn_base::child::hang_up(self.group()).context("failed to signal the agent")
    }

    /// Asks it to stop and waits for its end.
    pub fn interrupt(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.process.interrupt(limit)
    }

    /// How it ended; none while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// The process group that holds it and what it started.
    pub fn group(&self) -> u32 {
        self.process.group()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// The agent's metrics.
#[derive(Debug, Clone)]
pub struct Metrics(pub String);

/// The status and the text of a page that is served on `port`. None while nobody answers there.
pub fn page(port: u16, path: &str) -> Option<(u16, String)> {
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let mut answer = agent.get(format!("http://127.0.0.1:{port}{path}")).call().ok()?;
    Some((answer.status().as_u16(), answer.body_mut().read_to_string().ok()?))
}

impl Metrics {
    /// Reads them from the console on `port`. None while it does not answer.
    pub fn read(port: u16) -> Option<Self> {
        let (status, text) = page(port, "/metrics")?;
        (status == 200).then_some(Self(text))
    }

    /// The sum of all series of this name whose labels hold all of `labels`, such as `state="open"`. None if there is
    /// no such series.
    pub fn sum(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let values = self.0.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (this, braces) = series.split_once('{').unwrap_or((series, ""));
            let fits = this == name && labels.iter().all(|label| braces.contains(label));
            fits.then(|| value.parse::<f64>().ok())?
        });
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}
