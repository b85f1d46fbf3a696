//! Kills the agent and the broker at random moments and looks whether anything was lost.
//!
//! A real camera streams, a real agent watches with rules whose incidents come quickly and reports to two upstreams at
//! a real mosquitto, which keeps its database on disk, and to a third that is never there. Two consumers listen: a
//! *platform* in a persistent session with QoS 1, and a *witness* with QoS 0. In each round the agent, the broker or both
//! are killed with SIGKILL at a seeded random moment and started again. In the end everything settles, and [`Judgement`]
//! compares what the agent's outbox recorded with what came by way of each upstream.
//!
//! What is proven, and why it takes two consumers: the agent forgets a message when the broker has acknowledged it. A
//! broker that is killed right then may have the message neither in its database nor delivered to a consumer whose
//! own acknowledgement ran into the broken connection; that loss is the broker's, and no agent can see it.
//! mosquitto writes to the consumers' sockets before it acknowledges, so the witness, which answers nothing and reads
//! its connection to the end, has every message that a killed broker had acknowledged, as long as it was subscribed
//! when the broker was killed. Therefore a broker is killed only after both consumers are subscribed and a probe has
//! come back. While the witness is not yet subscribed again, the platform's session in the broker's database collects.
//! So a message that is in neither of the two was lost by the agent.

mod judgement;
mod stage;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use forewarn_domain::clock::Stopwatch;

use crate::program::ForewarnBin;

pub use judgement::{Facts, Judgement};
pub use stage::Stage;

/// The longest wait for a moment that is counted in messages.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// The latest moment that is drawn as a time.
const LATEST_MS: u64 = 2500;

/// What a run is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Rounds.
    pub rounds: u32,
    /// Seed of all random choices. The same seed draws the same choices; what happens at them is up to the machine.
    pub seed: u64,
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Agent,
    Broker,
    Both,
}

/// What a run did.
#[derive(Debug)]
pub struct Summary {
    /// Rounds done.
    pub rounds: u32,
    /// How often the agent was killed.
    pub agent_kills: u32,
    /// How often the broker was killed.
    pub broker_kills: u32,
    /// What was found of each upstream.
    pub judgements: Vec<(&'static str, Judgement)>,
    /// Lines that the agents logged as errors.
    pub errors_logged: usize,
    /// Seconds that it took.
    pub wall_s: f64,
}

/// Runs all rounds with files in `dir` and judges. `tell` gets a line for each round.
pub fn run(program: &ForewarnBin, dir: &Path, options: Options, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Summary> {
    let stopwatch = Stopwatch::start();
    let mut rng = Rng::with_seed(options.seed);
    let mut stage = Stage::build(program, dir)?;
    let (mut agent_kills, mut broker_kills) = (0, 0);
    for round in 1..=options.rounds {
        let started = stopwatch.elapsed();
        let (victim, moment) =
            play_round(&mut stage, &mut rng).with_context(|| format!("round {round} could not be played"))?;
        agent_kills += u32::from(victim != Victim::Broker);
        broker_kills += u32::from(victim != Victim::Agent);
        let took_s = stopwatch.elapsed().saturating_sub(started).as_secs_f64();
        let (incidents, messages) = stage.counts();
        let victim = format!("{victim:?}").to_lowercase();
        tell(&format!(
            "round {round:>3}/{}  {victim:<6} killed {moment:<22} {incidents:>4} incidents recorded, {messages:>5} messages, {took_s:>4.1} s",
            options.rounds
        ));
    }
    stage.settle()?;
    let errors_logged = stage.judge_logs()?;
    let judgements = stage.judge()?;
    Ok(Summary {
        rounds: options.rounds,
        agent_kills,
        broker_kills,
        judgements,
        errors_logged,
        wall_s: stopwatch.elapsed().as_secs_f64(),
    })
}

fn play_round(stage: &mut Stage, rng: &mut Rng) -> anyhow::Result<(Victim, String)> {
    stage.arm()?;
    let victim = match rng.u32(..10) {
        0..5 => Victim::Agent,
        5..8 => Victim::Broker,
        _ => Victim::Both,
    };
    let moment = if rng.bool() {
        let (n, later_ms) = (rng.usize(1..=4), rng.u64(..40));
        stage.listen(LONGEST_WAIT, n);
        stage.listen(Duration::from_millis(later_ms), usize::MAX);
        format!("{n} messages + {later_ms} ms")
    } else {
        let ms = rng.u64(..LATEST_MS);
        stage.listen(Duration::from_millis(ms), usize::MAX);
        format!("after {ms} ms")
    };
    let is_agent_first = rng.bool();
    if victim != Victim::Broker && (is_agent_first || victim == Victim::Agent) {
        stage.kill_agent()?;
    }
    if victim != Victim::Agent {
        stage.kill_broker()?;
    }
    if victim == Victim::Both && !is_agent_first {
        stage.kill_agent()?;
    }
    // Now and then the survivor is alone for a while.
    stage.listen(Duration::from_millis(rng.u64(..600)), usize::MAX);
    if rng.bool() {
        stage.start_agent()?;
    }
    stage.start_broker()?;
    stage.start_agent()?;
    Ok((victim, moment))
}

impl Summary {
    /// Whether nothing was lost, altered or out of order on the way to any upstream.
    pub fn is_good(&self) -> bool {
        self.judgements.iter().all(|(_, judgement)| judgement.is_good())
    }

    /// The table at the end of a run.
    pub fn table(&self) -> String {
        let Self { rounds, agent_kills, broker_kills, judgements, errors_logged, wall_s } = self;
        let tables: Vec<String> = judgements
            .iter()
            .map(|(upstream, judgement)| format!("upstream {upstream}\n{}", judgement.table()))
            .collect();
        let judgements = tables.concat();
        format!(
            "rounds                         {rounds:>6}   in {wall_s:.0} s\nagent killed                   {agent_kills:>6}\n\
             broker killed                  {broker_kills:>6}\nerrors logged by the agents    {errors_logged:>6}\n{judgements}"
        )
    }
}
