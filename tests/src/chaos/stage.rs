//! Camera, agent, broker and consumers of a chaos run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use forewarn_report::IncidentLedger;

use super::judgement::{Facts, Judgement};
use crate::agent::Agent;
use crate::broker::Broker;
use crate::camera::{CameraOptions, SimCamera};
use crate::program::{ForewarnBin, demo_clip};
use crate::site::{CameraEntry, QUICK_LOITERING, QUICK_PARKING, SiteFile};
use crate::subscriber::{Received, Session, Subscriber};
use crate::wait;

/// More incidents than a run makes.
const ALL: u32 = 1_000_000;
/// The agent's ordered end, with its drain, on a busy machine.
const STOP_WITHIN: Duration = Duration::from_secs(40);
/// Attempts to send what is left after the last round.
const SETTLE_ATTEMPTS: u32 = 3;

/// The upstreams that must lose nothing, and how their topics begin.
const UPSTREAMS: [(&str, &str); 2] = [("mqtt", "forewarn/"), ("district", "district/")];

/// Everything that runs.
pub struct Stage {
    program: ForewarnBin,
    site: PathBuf,
    outbox: PathBuf,
    platform: Subscriber,
    witness: Subscriber,
    agent: Option<Agent>,
    broker: Broker,
    is_broker_up: bool,
    camera: SimCamera,
    facts: Facts,
    latest: Facts,
    dir: PathBuf,
}

impl Stage {
    /// Starts everything with its files in `dir`.
    pub fn build(program: &ForewarnBin, dir: &Path) -> anyhow::Result<Self> {
        let camera = SimCamera::start(program, dir, CameraOptions::looped(&demo_clip()?))?;
        let broker = Broker::start(&dir.join("broker"))?;
        let platform = Subscriber::start(broker.port(), Session::Persistent, None)?;
        let witness = Subscriber::start(broker.port(), Session::Witness, None)?;
        let watched = CameraEntry::new("gate", camera.url(), format!("{QUICK_PARKING}{QUICK_LOITERING}"))
            .with("analysis_fps = 6.0\nspeakers = [\"horn\"]");
        let site = SiteFile::new()
            .upstream(&broker.url(), "")
            .another_upstream("district", &broker.url(), "topic_prefix = \"district\"")
            // Nobody listens there, ever.
            .another_upstream("away", "mqtt://127.0.0.1:9", "required = false")
            .wav_speaker("horn")
            .camera(watched)
            .write(dir)?;
        let mut stage = Self {
            program: program.clone(),
            site,
            outbox: dir.join("data/outbox.sqlite"),
            platform,
            witness,
            agent: None,
            broker,
            is_broker_up: true,
            camera,
            facts: Facts::new(),
            latest: Facts::new(),
            dir: dir.to_owned(),
        };
        stage.start_agent()?;
        Ok(stage)
    }

    /// Waits until both consumers are subscribed and the broker has saved that, so that it may be killed.
    pub fn arm(&mut self) -> anyhow::Result<()> {
        for consumer in [&mut self.platform, &mut self.witness] {
            consumer.wait_subscribed()?;
            consumer.probe()?;
        }
        if let Some(agent) = &mut self.agent
            && let Some(status) = agent.ended()
        {
            anyhow::bail!("the agent ended by itself with {status}:\n{}", agent.log());
        }
        Ok(())
    }

    /// Lets `time` pass, or less if `n` messages come before.
    pub fn listen(&mut self, time: Duration, n: usize) {
        self.witness.listen(time, n);
        self.platform.catch_up();
    }

    /// Kills the agent and reads what it left in its outbox.
    pub fn kill_agent(&mut self) -> anyhow::Result<()> {
        if let Some(mut agent) = self.agent.take() {
            agent.kill()?;
            self.read_outbox()?;
        }
        Ok(())
    }

    /// Starts the agent if it does not run.
    pub fn start_agent(&mut self) -> anyhow::Result<()> {
        if self.agent.is_none() {
            self.agent = Some(Agent::start(&self.program, &self.site, "info")?);
        }
        Ok(())
    }

    /// Kills the broker and reads the consumers' connections to their ends.
    pub fn kill_broker(&mut self) -> anyhow::Result<()> {
        self.broker.kill()?;
        self.is_broker_up = false;
        self.witness.wait_lost()?;
        self.platform.wait_lost()
    }

    /// Starts the broker if it does not run.
    pub fn start_broker(&mut self) -> anyhow::Result<()> {
        if !self.is_broker_up {
            self.broker.restart()?;
            self.is_broker_up = true;
        }
        Ok(())
    }

    /// Incidents recorded and messages received so far.
    pub fn counts(&self) -> (usize, usize) {
        (self.facts.len(), self.witness.messages().len())
    }

    /// Lets the outbox empty itself and takes in what comes.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        self.arm()?;
        let before = self.witness.messages().len();
        self.witness.event_after(before, "the agent reports after the last round", |_| true)?;
        // Without a camera nothing new begins.
        self.camera.kill()?;
        for _ in 0..SETTLE_ATTEMPTS {
            self.start_agent()?;
            self.wait_until_empty()?;
            if let Some(mut agent) = self.agent.take() {
                let status = agent.interrupt(STOP_WITHIN)?;
                anyhow::ensure!(status.success(), "the agent ended with {status}:\n{}", agent.log());
            }
            if self.read_outbox()? == 0 {
                break;
            }
        }
        anyhow::ensure!(self.read_outbox()? == 0, "the outbox still holds messages; see {}", self.outbox.display());
        // What a consumer has sent to itself comes after everything that waited for it.
        self.arm()
    }

    fn wait_until_empty(&mut self) -> anyhow::Result<()> {
        let path = self.outbox.clone();
        wait::eventually("the outbox is empty", || {
            let ledger = IncidentLedger::open(&path).ok()?;
            let waiting: u32 = ledger.latest(ALL).ok()?.iter().map(|entry| entry.unacknowledged).sum();
            (waiting == 0).then_some(())
        })
    }

    /// Reads the outbox. Returns how many messages wait in it.
    fn read_outbox(&mut self) -> anyhow::Result<u32> {
        if !self.outbox.exists() {
            return Ok(0);
        }
        let mut waiting = 0;
        self.latest.clear();
        let entries = IncidentLedger::open(&self.outbox).and_then(|ledger| ledger.latest(ALL));
        for entry in entries.context("failed to read the outbox of a killed agent")? {
            waiting += entry.unacknowledged;
            self.latest.insert(entry.record.id.clone(), entry.record.clone());
            let known = self.facts.get(&entry.record.id).map_or(0, |record| record.history.len());
            if entry.record.history.len() > known {
                self.facts.insert(entry.record.id.clone(), entry.record);
            }
        }
        Ok(waiting)
    }

    /// Fails if an agent panicked. Returns how many lines were logged as errors.
    pub fn judge_logs(&self) -> anyhow::Result<usize> {
        let mut n_errors = 0;
        for entry in std::fs::read_dir(&self.dir).with_context(|| format!("failed to list {}", self.dir.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                anyhow::ensure!(!log.contains("panicked"), "an agent panicked; see {}", path.display());
                n_errors += log.lines().filter(|line| line.contains("ERROR")).count();
            }
        }
        Ok(n_errors)
    }

    /// Compares what was recorded with what came by way of each upstream.
    pub fn judge(&self) -> anyhow::Result<Vec<(&'static str, Judgement)>> {
        let by_way_of = |prefix: &str, messages: &[Received]| -> Vec<Received> {
            messages.iter().filter(|message| message.topic.starts_with(prefix)).cloned().collect()
        };
        UPSTREAMS
            .iter()
            .map(|&(upstream, prefix)| {
                let platform = by_way_of(prefix, self.platform.messages());
                let witness = by_way_of(prefix, self.witness.messages());
                Ok((upstream, Judgement::of(&self.facts, &self.latest, &platform, &witness)?))
            })
            .collect()
    }
}
